/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-initramfs.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cold-error.h"

/* What an initramfs with every driver and all firmware does not come near. */
#define UNPACKED_MAX (G_GUINT64_CONSTANT (2) << 30)
#define PADDING_MAX (1024 * 1024)
#define ENTRIES_MAX 500000
#define MODULES_MAX 10000
#define MODULE_NAME_MAX 64 /* the kernel's own MODULE_NAME_LEN is less */
#define NAME_MAX_LENGTH 4096
#define HEADER 110
#define MAGIC 6

static const char *const storage[] = { "ata", "scsi", "block", "nvme", "virtio", "md", "message", "usb/storage", "mmc",
                                       "nvdimm", "hv", "xen", "firewire" };

/* Files in which dracut's module "squash" puts all others. */
static const char *const images[] = { "squash-root.img", "squashfs-root.img", "erofs-root.img", "squash/root.img" };

typedef struct
{
  struct archive *archive; /* the file from some place on, decompressed if it is compressed there */
  guint64 offset;          /* in what comes out of it */
  guint64 *left;           /* bytes that may come out of this and of what follows */
  guint *entries;
} Stream;

typedef struct
{
  char *version;
  GHashTable *drivers;
  GHashTable *systems;
} Found;

static gboolean
damaged (GError **error, const char *why)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "an initramfs cannot be read: %s", why);
  return FALSE;
}

char *
cold_initramfs_module_name (const char *path)
{
  const char *base = strrchr (path, '/');
  const char *suffix;
  char *name;

  base = base != NULL ? base + 1 : path;
  suffix = strstr (base, ".ko");
  if (suffix == NULL || suffix == base || suffix - base > MODULE_NAME_MAX || (suffix[3] != '\0' && suffix[3] != '.'))
    return NULL;
  for (const char *c = base; c < suffix; c++)
    if (!g_ascii_isalnum (*c) && *c != '_' && *c != '-')
      return NULL;
  name = g_strndup (base, suffix - base);
  return g_strdelimit (name, "-", '_');
}

/* --- cpio ------------------------------------------------------------------------------------------------------------ */

/* Returns: how many bytes there were, up to @n; -1 with @error */
static gssize
take (Stream *self, char *buffer, gsize n, GError **error)
{
  gsize done = 0;

  while (done < n)
    {
      gssize got = archive_read_data (self->archive, buffer + done, n - done);

      if (got < 0)
        {
          damaged (error, archive_error_string (self->archive));
          return -1;
        }
      if (got == 0)
        break;
      done += got;
    }
  if (done > *self->left)
    {
      damaged (error, "it unpacks to more than an initramfs has");
      return -1;
    }
  *self->left -= done;
  self->offset += done;
  return done;
}

static gboolean
take_all (Stream *self, char *buffer, gsize n, GError **error)
{
  gssize got = take (self, buffer, n, error);

  return got == (gssize) n || (got >= 0 && damaged (error, "it ends too early"));
}

static gboolean
skip (Stream *self, guint64 n, GError **error)
{
  char buffer[64 * 1024];

  if (n > *self->left)
    return damaged (error, "it unpacks to more than an initramfs has");
  for (; n > 0; n -= MIN (n, sizeof (buffer)))
    if (!take_all (self, buffer, MIN (n, sizeof (buffer)), error))
      return FALSE;
  return TRUE;
}

static gboolean
skip_padding (Stream *self, GError **error)
{
  return skip (self, (4 - self->offset % 4) % 4, error);
}

static gboolean
get_field (const char *header, guint i, guint64 *value, GError **error)
{
  g_autofree char *text = g_strndup (header + MAGIC + 8 * i, 8);

  return g_ascii_string_to_unsigned (text, 16, 0, G_MAXUINT32, value, NULL) || damaged (error, "a header is damaged");
}

static gboolean
is_storage (const char *below_drivers)
{
  for (guint i = 0; i < G_N_ELEMENTS (storage); i++)
    if (g_str_has_prefix (below_drivers, storage[i]) && below_drivers[strlen (storage[i])] == '/')
      return TRUE;
  return FALSE;
}

/* @name: lib/modules/VERSION/kernel/drivers/block/virtio_blk.ko.xz, below / or /usr */
static gboolean
note (Found *found, const char *name, GError **error)
{
  const char *modules = strstr (name, "lib/modules/");
  const char *version = modules != NULL ? modules + strlen ("lib/modules/") : NULL;
  const char *kernel = version != NULL ? strstr (version, "/kernel/") : NULL;
  char *module;

  for (guint i = 0; i < G_N_ELEMENTS (images); i++)
    if (g_str_has_suffix (name, images[i]))
      return damaged (error, "its modules are in a file system image");
  if (kernel == NULL)
    return TRUE;
  module = cold_initramfs_module_name (name);
  kernel += strlen ("/kernel/");
  if (module != NULL && found->version == NULL)
    found->version = g_strndup (version, strcspn (version, "/"));
  if (module != NULL && g_str_has_prefix (kernel, "drivers/") && is_storage (kernel + strlen ("drivers/")))
    g_hash_table_add (found->drivers, g_steal_pointer (&module));
  else if (module != NULL && g_str_has_prefix (kernel, "fs/"))
    g_hash_table_add (found->systems, g_steal_pointer (&module));
  g_free (module);
  return g_hash_table_size (found->drivers) + g_hash_table_size (found->systems) <= MODULES_MAX
         || damaged (error, "it has more modules than a kernel");
}

/* Reads one entry, whose magic is read already; @end: it was the last of its archive. */
static gboolean
read_entry (Stream *self, Found *found, gboolean *end, GError **error)
{
  char header[HEADER];
  g_autofree char *name = NULL;
  guint64 size, length;

  if (++*self->entries > ENTRIES_MAX)
    return damaged (error, "it has more files than an initramfs has");
  if (!take_all (self, header + MAGIC, HEADER - MAGIC, error) || !get_field (header, 6, &size, error)
      || !get_field (header, 11, &length, error))
    return FALSE;
  if (length == 0 || length > NAME_MAX_LENGTH)
    return damaged (error, "a name is too long");
  name = g_malloc0 (length + 1);
  if (!take_all (self, name, length, error) || !skip_padding (self, error))
    return FALSE;
  *end = g_str_equal (name, "TRAILER!!!");
  return *end || (note (found, name, error) && skip (self, size, error) && skip_padding (self, error));
}

/**
 * Reads archives until there is something else.
 *
 * @next: gets where that begins; -1 at the end
 */
static gboolean
read_archives (Stream *self, Found *found, gint64 *next, GError **error)
{
  gboolean inside = FALSE;
  guint zeros = 0;

  for (;;)
    {
      char magic[MAGIC] = { 0 };
      gssize got = take (self, magic, 1, error);
      gboolean end = FALSE;

      if (got < 0)
        return FALSE;
      if (got == 0)
        {
          *next = -1;
          return !inside || damaged (error, "it ends too early");
        }
      /* The kernel skips zeros between archives. */
      if (*magic == '\0' && !inside && ++zeros < PADDING_MAX)
        continue;
      zeros = 0;
      *next = self->offset - 1;
      got = take (self, magic + 1, MAGIC - 1, error);
      if (got < 0)
        return FALSE;
      if (got < MAGIC - 1 || (memcmp (magic, "070701", MAGIC) != 0 && memcmp (magic, "070702", MAGIC) != 0))
        return !inside || damaged (error, "a header is damaged");
      if (!read_entry (self, found, &end, error))
        return FALSE;
      inside = !end;
    }
}

/* --- segments -------------------------------------------------------------------------------------------------------- */

static struct archive *
open_at (int fd, gint64 offset, gboolean *compressed, GError **error)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;

  archive_read_support_filter_gzip (archive);
  archive_read_support_filter_xz (archive);
  archive_read_support_filter_lzma (archive);
  archive_read_support_filter_zstd (archive);
  archive_read_support_filter_lz4 (archive);
  archive_read_support_filter_bzip2 (archive);
  archive_read_support_format_raw (archive);
  if (lseek (fd, offset, SEEK_SET) == offset && archive_read_open_fd (archive, fd, 128 * 1024) == ARCHIVE_OK
      && archive_read_next_header (archive, &entry) == ARCHIVE_OK)
    {
      *compressed = archive_filter_code (archive, 0) != ARCHIVE_FILTER_NONE;
      return archive;
    }
  damaged (error, archive_error_string (archive) != NULL ? archive_error_string (archive) : "there is nothing in it");
  archive_read_free (archive);
  return NULL;
}

static gboolean
read_segments (int fd, Found *found, GError **error)
{
  guint64 left = UNPACKED_MAX;
  guint entries = 0;
  gint64 offset = 0;

  for (;;)
    {
      gboolean compressed;
      Stream stream = { open_at (fd, offset, &compressed, error), 0, &left, &entries };
      guint before = entries;
      gint64 next;
      gboolean done;

      if (stream.archive == NULL)
        return FALSE;
      done = read_archives (&stream, found, &next, error);
      archive_read_free (stream.archive);
      if (!done)
        return FALSE;
      if (compressed ? entries == before : next == 0)
        return damaged (error, "it is of no known kind");
      if (compressed || next < 0)
        return TRUE;
      offset += next;
    }
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GStrv
sorted_names (GHashTable *names)
{
  g_autoptr (GPtrArray) array = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_ptr_array_add (array, g_strdup (name));
  g_ptr_array_sort (array, compare_names);
  g_ptr_array_add (array, NULL);
  return (GStrv) g_ptr_array_steal (array, NULL);
}

ColdInitramfs *
cold_initramfs_read (const char *path, GError **error)
{
  g_autoptr (GHashTable) drivers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) systems = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Found found = { NULL, drivers, systems };
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  ColdInitramfs *initramfs;
  gboolean done;

  if (fd < 0)
    {
      cold_error_set_errno (error, errno, "cannot open %s", path);
      return NULL;
    }
  done = read_segments (fd, &found, error);
  close (fd);
  if (!done)
    {
      g_free (found.version);
      return NULL;
    }
  initramfs = g_new0 (ColdInitramfs, 1);
  initramfs->version = found.version;
  initramfs->drivers = sorted_names (drivers);
  initramfs->systems = sorted_names (systems);
  return initramfs;
}

void
cold_initramfs_free (ColdInitramfs *self)
{
  g_free (self->version);
  g_strfreev (self->drivers);
  g_strfreev (self->systems);
  g_free (self);
}
