/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-tuple.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <glib/gstdio.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "cold-json.h"

struct ColdTuple
{
  guint64 device;
  guint64 inode;
  guint64 links;
  guint64 size;
  gint64 mtime;
  gint64 mtime_nsec;
  gint64 ctime; /* with its nanoseconds 0 when it is not known */
  gint64 ctime_nsec;
  guint32 uid;
  guint32 gid;
  guint32 mode;
  GHashTable *xattrs; /* name -> value in base64 */
};

static ColdTuple *
cold_tuple_new (void)
{
  ColdTuple *tuple = g_new0 (ColdTuple, 1);

  tuple->xattrs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return tuple;
}

ColdTuple *
cold_tuple_copy (const ColdTuple *tuple)
{
  ColdTuple *copy = g_new0 (ColdTuple, 1);
  GHashTableIter iter;
  gpointer name, value;

  *copy = *tuple;
  copy->xattrs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_iter_init (&iter, tuple->xattrs);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_insert (copy->xattrs, g_strdup (name), g_strdup (value));
  return copy;
}

void
cold_tuple_free (ColdTuple *tuple)
{
  if (tuple == NULL)
    return;
  g_hash_table_unref (tuple->xattrs);
  g_free (tuple);
}

static gboolean
is_libvirts (const char *xattr)
{
  return g_str_has_prefix (xattr, "trusted.libvirt.security.");
}

static gboolean
counts (const char *xattr)
{
  return g_str_equal (xattr, "system.posix_acl_access") || g_str_equal (xattr, "security.selinux") || is_libvirts (xattr);
}

static gboolean
read_xattrs (ColdTuple *tuple, int fd, GError **error)
{
  /* fgetxattr() refuses O_PATH descriptors, the magic link does not. */
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree char *names = g_malloc (XATTR_LIST_MAX);
  g_autofree char *value = g_malloc (XATTR_SIZE_MAX);
  ssize_t length = listxattr (path, names, XATTR_LIST_MAX);

  if (length < 0 && errno == ENOTSUP)
    return TRUE;
  if (length < 0)
    return cold_error_set_errno (error, errno, "cannot list extended attributes");

  for (const char *name = names; name < names + length; name += strlen (name) + 1)
    {
      ssize_t size;

      if (!counts (name))
        continue;
      size = getxattr (path, name, value, XATTR_SIZE_MAX);
      if (size < 0)
        return cold_error_set_errno (error, errno, "cannot read extended attribute %s", name);
      g_hash_table_insert (tuple->xattrs, g_strdup (name), g_base64_encode ((const guchar *) value, size));
    }
  return TRUE;
}

ColdTuple *
cold_tuple_read (int fd, GError **error)
{
  g_autoptr (ColdTuple) tuple = cold_tuple_new ();
  struct stat st;

  if (fstatat (fd, "", &st, AT_EMPTY_PATH) != 0)
    {
      cold_error_set_errno (error, errno, "cannot examine file");
      return NULL;
    }
  if (!S_ISREG (st.st_mode))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_BLOCKED, "%s",
                   S_ISLNK (st.st_mode) ? "several-names: it is a symbolic link; use the file that it leads to"
                                        : "unsupported-storage: it is not a regular file");
      return NULL;
    }
  tuple->device = st.st_dev;
  tuple->inode = st.st_ino;
  tuple->links = st.st_nlink;
  tuple->size = st.st_size;
  tuple->mtime = st.st_mtim.tv_sec;
  tuple->mtime_nsec = st.st_mtim.tv_nsec;
  tuple->ctime = st.st_ctim.tv_sec;
  tuple->ctime_nsec = st.st_ctim.tv_nsec;
  tuple->uid = st.st_uid;
  tuple->gid = st.st_gid;
  tuple->mode = st.st_mode;
  if (!read_xattrs (tuple, fd, error))
    return NULL;
  return g_steal_pointer (&tuple);
}

ColdTuple *
cold_tuple_read_at (int directory_fd, const char *name, GError **error)
{
  cold_fd_auto fd = openat (directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  ColdTuple *tuple;

  if (fd < 0)
    {
      cold_error_set_errno (error, errno, "cannot open %s", name);
      return NULL;
    }
  tuple = cold_tuple_read (fd, error);
  if (tuple == NULL)
    cold_error_prefix (error, name);
  return tuple;
}

static gboolean
differs (char **difference, const char *what, gint64 a, gint64 b)
{
  if (a == b)
    return FALSE;
  if (difference != NULL)
    *difference = g_strdup_printf ("%s was %" G_GINT64_FORMAT " and is %" G_GINT64_FORMAT, what, a, b);
  return TRUE;
}

static gboolean
owners_differ (const ColdTuple *a, const ColdTuple *b, char **difference)
{
  return differs (difference, "owner", a->uid, b->uid) || differs (difference, "group", a->gid, b->gid)
         || differs (difference, "mode", a->mode, b->mode);
}

/* @copied: whether @b is a copy of @a, and so must have nothing of libvirt's */
static gboolean
xattrs_differ (const ColdTuple *a, const ColdTuple *b, gboolean copied, char **difference)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, a->xattrs);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (!(copied && is_libvirts (name)) && g_strcmp0 (g_hash_table_lookup (b->xattrs, name), value) != 0)
      {
        if (difference != NULL)
          *difference = g_strdup_printf ("attribute %s changed or went away", (const char *) name);
        return TRUE;
      }
  g_hash_table_iter_init (&iter, b->xattrs);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if ((copied && is_libvirts (name)) || !g_hash_table_contains (a->xattrs, name))
      {
        if (difference != NULL)
          *difference = g_strdup_printf ("attribute %s is new", (const char *) name);
        return TRUE;
      }
  return FALSE;
}

gboolean
cold_tuple_equal (const ColdTuple *a, const ColdTuple *b, char **difference)
{
  return !differs (difference, "device", a->device, b->device) && !differs (difference, "inode", a->inode, b->inode)
         && !differs (difference, "number of links", a->links, b->links) && !differs (difference, "size", a->size, b->size)
         && !differs (difference, "mtime", a->mtime, b->mtime)
         && !differs (difference, "mtime's nanoseconds", a->mtime_nsec, b->mtime_nsec)
         && !owners_differ (a, b, difference) && !xattrs_differ (a, b, FALSE, difference);
}

gboolean
cold_tuple_same_access (const ColdTuple *original, const ColdTuple *copy, char **difference)
{
  return !owners_differ (original, copy, difference) && !xattrs_differ (original, copy, TRUE, difference);
}

gboolean
cold_tuple_is_untouched (const ColdTuple *before, const ColdTuple *now, char **difference)
{
  if (!cold_tuple_equal (before, now, difference))
    return FALSE;
  if (before->ctime == 0 && before->ctime_nsec == 0)
    return TRUE;
  return !differs (difference, "ctime", before->ctime, now->ctime)
         && !differs (difference, "ctime's nanoseconds", before->ctime_nsec, now->ctime_nsec);
}

void
cold_tuple_forget_ctime (ColdTuple *tuple)
{
  tuple->ctime = tuple->ctime_nsec = 0;
}

gboolean
cold_tuple_same_file (const ColdTuple *a, const ColdTuple *b)
{
  return a->device == b->device && a->inode == b->inode;
}

guint64
cold_tuple_get_device (const ColdTuple *tuple)
{
  return tuple->device;
}

guint64
cold_tuple_get_inode (const ColdTuple *tuple)
{
  return tuple->inode;
}

guint64
cold_tuple_get_size (const ColdTuple *tuple)
{
  return tuple->size;
}

guint64
cold_tuple_get_links (const ColdTuple *tuple)
{
  return tuple->links;
}

void
cold_tuple_set_device (ColdTuple *tuple, guint64 device)
{
  tuple->device = device;
}

JsonObject *
cold_tuple_to_json (const ColdTuple *tuple)
{
  JsonObject *object = json_object_new ();
  JsonObject *xattrs = json_object_new ();
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (tuple->xattrs), (GCompareFunc) strcmp);

  json_object_set_int_member (object, "device", tuple->device);
  json_object_set_int_member (object, "inode", tuple->inode);
  json_object_set_int_member (object, "links", tuple->links);
  json_object_set_int_member (object, "size", tuple->size);
  json_object_set_int_member (object, "mtime", tuple->mtime);
  json_object_set_int_member (object, "mtime-nsec", tuple->mtime_nsec);
  json_object_set_int_member (object, "ctime", tuple->ctime);
  json_object_set_int_member (object, "ctime-nsec", tuple->ctime_nsec);
  json_object_set_int_member (object, "uid", tuple->uid);
  json_object_set_int_member (object, "gid", tuple->gid);
  json_object_set_int_member (object, "mode", tuple->mode);
  for (GList *l = names; l != NULL; l = l->next)
    json_object_set_string_member (xattrs, l->data, g_hash_table_lookup (tuple->xattrs, l->data));
  json_object_set_object_member (object, "xattrs", xattrs);
  return object;
}

ColdTuple *
cold_tuple_from_json (JsonObject *object, GError **error)
{
  static const char *const numbers[] = { "device", "inode", "links", "size", "mtime", "mtime-nsec", "uid", "gid", "mode" };
  g_autoptr (ColdTuple) tuple = cold_tuple_new ();
  JsonObject *xattrs = cold_json_object (object, "xattrs");
  g_autoptr (GList) names = NULL;

  /* A number that is missing must not read as 0: this decides over deleting. */
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      JsonNode *node = object != NULL ? json_object_get_member (object, numbers[i]) : NULL;

      if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "tuple without %s", numbers[i]);
          return NULL;
        }
    }
  if (xattrs == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "tuple without xattrs");
      return NULL;
    }
  tuple->device = cold_json_int (object, "device");
  tuple->inode = cold_json_int (object, "inode");
  tuple->links = cold_json_int (object, "links");
  tuple->size = cold_json_int (object, "size");
  tuple->mtime = cold_json_int (object, "mtime");
  tuple->mtime_nsec = cold_json_int (object, "mtime-nsec");
  tuple->ctime = cold_json_int (object, "ctime");
  tuple->ctime_nsec = cold_json_int (object, "ctime-nsec");
  tuple->uid = cold_json_int (object, "uid");
  tuple->gid = cold_json_int (object, "gid");
  tuple->mode = cold_json_int (object, "mode");
  names = json_object_get_members (xattrs);
  for (GList *l = names; l != NULL; l = l->next)
    {
      const char *value = cold_json_string (xattrs, l->data);

      if (value == NULL)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "tuple with a broken xattr %s",
                       (const char *) l->data);
          return NULL;
        }
      g_hash_table_insert (tuple->xattrs, g_strdup (l->data), g_strdup (value));
    }
  return g_steal_pointer (&tuple);
}
