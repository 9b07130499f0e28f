/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pacman, as on Arch Linux.
 */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-guest.h"
#include "cold-json.h"
#include "cold-package-manager.h"
#include "cold-pacman-config.h"
#include "cold-pacman-desc.h"

#define DATABASE "/var/lib/pacman"
#define LOCAL DATABASE "/local"
#define CONFIG_MAX (1024 * 1024)
#define PACKAGES_MAX 50000
#define TOTAL_MAX (256 * 1024 * 1024)

/* --- the database ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  guestfs_h *g;
  int fd;              /* read end of a pipe, through which the database comes as tar */
  GPtrArray *packages; /* (element-type ColdPacmanDesc) */
  GHashTable *folders; /* (element-type utf8) of packages, until their description is read */
  gsize total;         /* bytes of descriptions */
  GError *error;       /* (nullable) */
} Database;

static void
database_clear (Database *database)
{
  if (database->fd >= 0)
    close (database->fd);
  g_clear_pointer (&database->packages, g_ptr_array_unref);
  g_clear_pointer (&database->folders, g_hash_table_unref);
  g_clear_error (&database->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Database, database_clear)

/* "./name-version/what": cuts it in two. Returns: what, or "" for the folder itself; %NULL for anything else */
static const char *
split_path (char *path)
{
  char *slash;

  if (g_str_has_prefix (path, "./"))
    memmove (path, path + 2, strlen (path + 2) + 1);
  slash = strchr (path, '/');
  if (*path == '\0' || slash == NULL || strchr (slash + 1, '/') != NULL)
    return NULL;
  *slash = '\0';
  return slash + 1;
}

static gboolean
read_desc (Database *database, struct archive *archive, struct archive_entry *entry, const char *folder)
{
  gint64 size = archive_entry_size (entry);
  g_autofree char *text = NULL;
  g_autoptr (ColdPacmanDesc) desc = NULL;
  g_autoptr (GError) unusable = NULL;

  if (archive_entry_filetype (entry) != AE_IFREG || size < 0 || size > COLD_PACMAN_DESC_MAX
      || (database->total += size) > TOTAL_MAX || database->packages->len >= PACKAGES_MAX)
    {
      g_set_error (&database->error, COLD_ERROR, COLD_ERROR_GUEST, LOCAL " in the guest is larger than is usable");
      return FALSE;
    }
  text = g_malloc (size + 1);
  if (archive_read_data (archive, text, size) != size)
    {
      g_set_error (&database->error, COLD_ERROR, COLD_ERROR_GUEST, LOCAL " in the guest cannot be read");
      return FALSE;
    }
  /* Without a usable description, the folder stays among those of broken packages. */
  desc = cold_pacman_desc_parse (text, size, &unusable);
  if (desc == NULL)
    return TRUE;
  g_hash_table_remove (database->folders, folder);
  g_ptr_array_add (database->packages, g_steal_pointer (&desc));
  return TRUE;
}

static gboolean
read_entry (Database *database, struct archive *archive, struct archive_entry *entry)
{
  g_autofree char *path = g_strdup (archive_entry_pathname (entry));
  const char *what = path != NULL ? split_path (path) : NULL;

  if (what != NULL && *what == '\0')
    g_hash_table_add (database->folders, g_strdup (path));
  return what == NULL || !g_str_equal (what, "desc") || read_desc (database, archive, entry, path);
}

/* Thread: the appliance writes into the pipe as long as the call lasts, and nothing of it is kept but descriptions. */
static gpointer
read_database (gpointer data)
{
  Database *database = data;
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  gboolean going_on = TRUE;
  char rest[4096];

  archive_read_support_format_tar (archive);
  if (archive_read_open_fd (archive, database->fd, 65536) == ARCHIVE_OK)
    while (going_on && archive_read_next_header (archive, &entry) == ARCHIVE_OK)
      going_on = read_entry (database, archive, entry);
  archive_read_free (archive);
  if (!going_on)
    guestfs_user_cancel (database->g);
  while (read (database->fd, rest, sizeof rest) > 0)
    ;
  return NULL;
}

static gboolean
load_database (Database *database, GError **error)
{
  static const char *const excludes[] = { "*/files", "*/mtree", "*/install", "*/changelog", NULL };
  int ends[2];
  g_autofree char *to = NULL;
  GThread *thread;
  gboolean done;

  if (!g_unix_open_pipe (ends, FD_CLOEXEC, error))
    return FALSE;
  database->fd = ends[0];
  database->packages = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_pacman_desc_free);
  database->folders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  to = g_strdup_printf ("/dev/fd/%d", ends[1]);
  thread = g_thread_new ("pacman-database", read_database, database);
  done = guestfs_tar_out_opts (database->g, LOCAL, to, GUESTFS_TAR_OUT_OPTS_EXCLUDES, excludes, -1) == 0;
  close (ends[1]);
  g_thread_join (thread);
  if (database->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&database->error));
      return FALSE;
    }
  return done || cold_guest_set_error (database->g, error, LOCAL);
}

/* --- the manifest ---------------------------------------------------------------------------------------------------- */

static int
compare_fields (ColdPacmanDesc *a, ColdPacmanDesc *b, const char *field)
{
  return g_strcmp0 (cold_pacman_desc_get (a, field), cold_pacman_desc_get (b, field));
}

static int
compare_packages (gconstpointer a, gconstpointer b)
{
  static const char *const fields[] = { "NAME", "ARCH", "VERSION" };
  int order = 0;

  for (guint i = 0; i < G_N_ELEMENTS (fields) && order == 0; i++)
    order = compare_fields (*(ColdPacmanDesc *const *) a, *(ColdPacmanDesc *const *) b, fields[i]);
  return order;
}

static void
add_dependencies (JsonObject *package, const char *member, ColdPacmanDesc *desc, const char *field)
{
  GPtrArray *values = cold_pacman_desc_get_all (desc, field);
  JsonArray *array = json_array_new ();

  for (guint i = 0; values != NULL && i < values->len; i++)
    json_array_add_string_element (array, g_ptr_array_index (values, i));
  json_object_set_array_member (package, member, array);
}

static const char *
or_other (const char *text, const char *other)
{
  return text != NULL ? text : other;
}

static void
add_package (ColdPacmanDesc *desc, JsonArray *installed, JsonArray *listed)
{
  const char *name = cold_pacman_desc_get (desc, "NAME");
  const char *version = cold_pacman_desc_get (desc, "VERSION");
  const char *arch = or_other (cold_pacman_desc_get (desc, "ARCH"), "any");
  JsonObject *package = json_object_new ();
  JsonArray *row = json_array_new ();

  json_object_set_string_member (package, "name", name);
  json_object_set_string_member (package, "evr", version);
  json_object_set_string_member (package, "arch", arch);
  add_dependencies (package, "provides", desc, "PROVIDES");
  add_dependencies (package, "requires", desc, "DEPENDS");
  add_dependencies (package, "conflicts", desc, "CONFLICTS");
  add_dependencies (package, "obsoletes", desc, "REPLACES");
  json_array_add_object_element (installed, package);
  json_array_add_string_element (row, name);
  json_array_add_string_element (row, version);
  json_array_add_string_element (row, arch);
  json_array_add_string_element (row, or_other (cold_pacman_desc_get (desc, "BASE"), name));
  json_array_add_array_element (listed, row);
}

static void
describe_packages (Database *database, JsonObject *manifest, JsonObject *facts)
{
  JsonArray *installed = json_array_new ();
  JsonArray *listed = json_array_new ();

  g_ptr_array_sort (database->packages, compare_packages);
  for (guint i = 0; i < database->packages->len; i++)
    add_package (g_ptr_array_index (database->packages, i), installed, listed);
  json_object_set_array_member (manifest, "installed", installed);
  json_object_set_array_member (facts, "packages", listed);
}

static char *
read_config (gpointer g, const char *path, GError **error)
{
  return cold_guest_read_text (g, path, CONFIG_MAX, error);
}

static GStrv
glob_config (gpointer g, const char *pattern)
{
  return guestfs_glob_expand_opts (g, pattern, GUESTFS_GLOB_EXPAND_OPTS_DIRECTORYSLASH, 0, -1);
}

static gboolean
add_held (guestfs_h *g, JsonObject *manifest, GError **error)
{
  const ColdPacmanFiles files = { g, read_config, glob_config };
  g_auto (GStrv) held = cold_pacman_config_held (&files, "/etc/pacman.conf", error);

  if (held == NULL)
    return FALSE;
  cold_json_set_strv (manifest, "held", (const char *const *) held);
  json_object_set_array_member (manifest, "excludes", json_array_new ());
  return TRUE;
}

/* "sources" is for the agent alone, which decides what of it is fetched: the manifest stays the same for all that have these
 * packages. */
static gboolean
add_sources (guestfs_h *g, JsonObject *manifest, JsonObject *facts, GError **error)
{
  const ColdPacmanFiles files = { g, read_config, glob_config };
  JsonArray *sources = json_array_new ();
  g_autoptr (JsonArray) unused = json_array_new ();

  json_object_set_array_member (facts, "sources", sources);
  if (!cold_pacman_config_sources (&files, "/etc/pacman.conf", or_other (cold_json_string (facts, "arch"), ""), sources, unused,
                                   error))
    return FALSE;
  if (json_array_get_length (unused) > 0)
    json_object_set_array_member (manifest, "unused", json_array_ref (unused));
  return TRUE;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (a, b);
}

/* Where pacman was stopped, its lock is left, or the folder of a package without all that belongs there. */
static void
add_broken (guestfs_h *g, Database *database, JsonObject *manifest, JsonObject *facts)
{
  GList *folders = g_list_sort (g_hash_table_get_keys (database->folders), compare_texts);
  JsonArray *broken = json_array_new ();

  for (GList *l = folders; l != NULL; l = l->next)
    {
      g_autofree char *valid = cold_text_make_valid (l->data);

      json_array_add_string_element (broken, valid);
    }
  if (folders != NULL)
    {
      g_autofree char *detail = g_strdup_printf (LOCAL "/%s has no usable description", (char *) folders->data);

      cold_guest_add_blocker (facts, "interrupted-transaction", detail);
    }
  g_list_free (folders);
  json_object_set_array_member (manifest, "broken", broken);
  if (guestfs_exists (g, DATABASE "/db.lck") > 0)
    cold_guest_add_blocker (facts, "interrupted-transaction", DATABASE "/db.lck is left of a pacman that was stopped");
}

static JsonObject *
manifest (guestfs_h *g, JsonObject *facts, GError **error)
{
  static const struct
  {
    const char *member;
    const char *fact;
  } copies[] = { { "distribution", "distribution" }, { "release", "version" }, { "arch", "arch" } };
  g_auto (Database) database = { g, -1, NULL, NULL, 0, NULL };
  g_autoptr (JsonObject) result = json_object_new ();

  json_object_set_int_member (result, "version", 1);
  json_object_set_string_member (result, "format", "pacman");
  json_object_set_string_member (result, "manager", "pacman");
  for (guint i = 0; i < G_N_ELEMENTS (copies); i++)
    json_object_set_string_member (result, copies[i].member, or_other (cold_json_string (facts, copies[i].fact), ""));
  if (!load_database (&database, error))
    return NULL;
  if (database.packages->len == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's " LOCAL " has no package");
      return NULL;
    }
  describe_packages (&database, result, facts);
  if (!add_held (g, result, error) || !add_sources (g, result, facts, error))
    return NULL;
  add_broken (g, &database, result, facts);
  return g_steal_pointer (&result);
}

/* What pacman's hooks make (/usr/share/libalpm/hooks). */
static const char *const generated[] = {
  "/var/lib/pacman/", "/var/cache/", "/var/log/", "/boot/", "/efi/", "/etc/ld.so.cache", "/etc/mkinitcpio.d/", "/etc/mkinitcpio.conf",
  "/etc/ca-certificates/extracted/", "/etc/ssl/certs/", "/etc/systemd/", "/etc/udev/hwdb.bin", "/usr/lib/udev/hwdb.bin",
  "/usr/lib/modules/", "/usr/lib/locale/", "/usr/lib/gdk-pixbuf-2.0/", "/usr/lib/gio/modules/", "/usr/lib/gtk-",
  "/usr/share/applications/mimeinfo.cache", "/usr/share/fonts/", "/usr/share/glib-2.0/schemas/", "/usr/share/icons/",
  "/usr/share/info/dir", "/usr/share/mime/", "/var/lib/systemd/", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow",
  "/etc/shells", NULL
};

static const char *const kept_suffixes[] = { ".pacnew", NULL };

static const char *const replaced_suffixes[] = { ".pacsave", ".pacorig", NULL };

const ColdPackageManager cold_pacman = {
  .name = "pacman",
  .format = "pacman",
  .manifest = manifest,
  .script = "/org/coldpatch1/worker/pacman.sh",
  .owned = "pacman -Qlq",
  .generated = generated,
  .kept_suffixes = kept_suffixes,
  .replaced_suffixes = replaced_suffixes,
};
