/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * apk, as on Alpine Linux.
 */
#include <string.h>

#include "cold-apk-config.h"
#include "cold-apk-index.h"
#include "cold-error.h"
#include "cold-guest.h"
#include "cold-json.h"
#include "cold-package-manager.h"

#define DATABASE_MAX (128 * 1024 * 1024)
#define CONFIG_MAX (1024 * 1024)
#define PACKAGES_MAX 50000

/* Where /lib is /usr/lib, apk 3 has it there. */
static const char *const databases[] = { "/lib/apk/db/installed", "/usr/lib/apk/db/installed", NULL };

/* --- the database ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  JsonObject *facts;
  GPtrArray *installed; /* (element-type JsonObject) */
  GPtrArray *listed;    /* (element-type JsonArray), in the same order */
  GPtrArray *held;      /* (element-type utf8) */
  GPtrArray *broken;    /* (element-type utf8) */
} Database;

static void
set_dependencies (JsonObject *object, const char *member, GStrv texts)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; texts[i] != NULL; i++)
    json_array_add_string_element (array, texts[i]);
  json_object_set_array_member (object, member, array);
}

static gboolean
add_package (const ColdApkPackage *package, const char *text, gsize length, gpointer data, GError **error)
{
  Database *database = data;
  JsonObject *object;
  JsonArray *row;

  if (database->installed->len >= PACKAGES_MAX)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "apk's database in the guest has more packages than is usable");
      return FALSE;
    }
  object = json_object_new ();
  json_object_set_string_member (object, "name", package->name);
  json_object_set_string_member (object, "evr", package->version);
  json_object_set_string_member (object, "arch", package->arch);
  set_dependencies (object, "provides", package->provides);
  set_dependencies (object, "requires", package->depends);
  g_ptr_array_add (database->installed, object);
  row = json_array_new ();
  json_array_add_string_element (row, package->name);
  json_array_add_string_element (row, package->version);
  json_array_add_string_element (row, package->arch);
  json_array_add_string_element (row, *package->origin != '\0' ? package->origin : package->name);
  g_ptr_array_add (database->listed, row);
  if (*package->tag != '\0')
    g_ptr_array_add (database->held, g_strdup (package->name));
  if (package->broken)
    g_ptr_array_add (database->broken, g_strdup (package->name));
  return TRUE;
}

static gboolean
read_database (guestfs_h *g, Database *database, GError **error)
{
  for (guint i = 0; databases[i] != NULL; i++)
    {
      GError *local = NULL;
      g_autofree char *text = cold_guest_read_text (g, databases[i], DATABASE_MAX, &local);

      if (local != NULL)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      if (text == NULL)
        continue;
      if (!cold_apk_index_read (text, strlen (text), add_package, database, &local))
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "%s in the guest cannot be used: %s", databases[i], local->message);
          g_error_free (local);
          return FALSE;
        }
      if (database->installed->len > 0)
        return TRUE;
    }
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's apk has no package");
  return FALSE;
}

/* --- the manifest ---------------------------------------------------------------------------------------------------- */

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static int
compare_objects (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (cold_json_string (*(JsonObject *const *) a, "name"), cold_json_string (*(JsonObject *const *) b, "name"));
}

static int
compare_rows (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (cold_json_array_string (*(JsonArray *const *) a, 0), cold_json_array_string (*(JsonArray *const *) b, 0));
}

static void
set_sorted (JsonObject *object, const char *member, GPtrArray *texts)
{
  JsonArray *array = json_array_new ();

  g_ptr_array_sort (texts, compare_texts);
  for (guint i = 0; i < texts->len; i++)
    json_array_add_string_element (array, g_ptr_array_index (texts, i));
  json_object_set_array_member (object, member, array);
}

static void
set_packages (Database *database, JsonObject *manifest)
{
  JsonArray *installed = json_array_new ();
  JsonArray *listed = json_array_new ();

  g_ptr_array_sort (database->installed, compare_objects);
  g_ptr_array_sort (database->listed, compare_rows);
  for (guint i = 0; i < database->installed->len; i++)
    {
      json_array_add_object_element (installed, json_object_ref (g_ptr_array_index (database->installed, i)));
      json_array_add_array_element (listed, json_array_ref (g_ptr_array_index (database->listed, i)));
    }
  json_object_set_array_member (manifest, "installed", installed);
  json_object_set_array_member (database->facts, "packages", listed);
}

static gboolean
add_world (guestfs_h *g, JsonObject *manifest, GError **error)
{
  g_autoptr (GPtrArray) world = g_ptr_array_new_with_free_func (g_free);
  GError *local = NULL;
  g_autofree char *text = cold_guest_read_text (g, "/etc/apk/world", CONFIG_MAX, &local);
  g_auto (GStrv) words = NULL;

  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  words = g_strsplit_set (text != NULL ? text : "", " \t\r\n", -1);
  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0')
      g_ptr_array_add (world, cold_text_make_valid (words[i]));
  set_sorted (manifest, "world", world);
  return TRUE;
}

/* Packages that are for another architecture than these cannot be installed. */
static gboolean
add_arch (guestfs_h *g, JsonObject *manifest, const char *machine, GError **error)
{
  GError *local = NULL;
  g_autofree char *text = cold_guest_read_text (g, "/etc/apk/arch", CONFIG_MAX, &local);
  g_autofree char *valid = NULL;

  if (local != NULL)
    {
      g_propagate_error (error, local);
      return FALSE;
    }
  if (text != NULL)
    {
      text[strcspn (text, " \t\r\n")] = '\0';
      valid = cold_text_make_valid (text);
    }
  json_object_set_string_member (manifest, "apk-arch", valid != NULL && *valid != '\0' ? valid : machine);
  return TRUE;
}

/* For the agent alone, which decides what of it is fetched: the manifest stays the same for all that have these packages. */
static gboolean
add_sources (guestfs_h *g, JsonObject *facts, GError **error)
{
  static const char *const patterns[] = { "/etc/apk/repositories", "/etc/apk/repositories.d/*.list",
                                          "/lib/apk/repositories.d/*.list" };
  JsonArray *sources = json_array_new ();

  json_object_set_array_member (facts, "sources", sources);
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    {
      g_auto (GStrv) paths = guestfs_glob_expand (g, patterns[i]);

      for (guint k = 0; paths != NULL && paths[k] != NULL; k++)
        {
          GError *local = NULL;
          g_autofree char *text = cold_guest_read_text (g, paths[k], CONFIG_MAX, &local);

          if (local != NULL)
            {
              g_propagate_error (error, local);
              return FALSE;
            }
          if (text != NULL)
            cold_apk_config_add_sources (text, sources);
        }
    }
  return TRUE;
}

static void
add_blocker (Database *database)
{
  g_autofree char *detail = NULL;

  if (database->broken->len == 0)
    return;
  detail = g_strdup_printf ("files or a script of %s failed (apk fix)", (char *) g_ptr_array_index (database->broken, 0));
  cold_guest_add_blocker (database->facts, "interrupted-transaction", detail);
}

static const char *
fact (JsonObject *facts, const char *name)
{
  const char *text = cold_json_string (facts, name);

  return text != NULL ? text : "";
}

static JsonObject *
manifest (guestfs_h *g, JsonObject *facts, GError **error)
{
  g_autoptr (GPtrArray) installed = g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
  g_autoptr (GPtrArray) listed = g_ptr_array_new_with_free_func ((GDestroyNotify) json_array_unref);
  g_autoptr (GPtrArray) held = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) broken = g_ptr_array_new_with_free_func (g_free);
  Database database = { facts, installed, listed, held, broken };
  g_autoptr (JsonObject) result = json_object_new ();

  json_object_set_int_member (result, "version", 1);
  json_object_set_string_member (result, "format", "apk");
  json_object_set_string_member (result, "manager", "apk");
  json_object_set_string_member (result, "distribution", fact (facts, "distribution"));
  json_object_set_string_member (result, "release", fact (facts, "version"));
  json_object_set_string_member (result, "arch", fact (facts, "arch"));
  if (!add_arch (g, result, fact (facts, "arch"), error) || !read_database (g, &database, error))
    return NULL;
  set_packages (&database, result);
  set_sorted (result, "held", held);
  json_object_set_array_member (result, "excludes", json_array_new ());
  if (!add_world (g, result, error) || !add_sources (g, facts, error))
    return NULL;
  set_sorted (result, "broken", broken);
  add_blocker (&database);
  return g_steal_pointer (&result);
}

/* What triggers make, and scripts. */
static const char *const generated[] = {
  "/lib/apk/db/", "/usr/lib/apk/db/", "/etc/apk/", "/var/cache/", "/var/log/", "/boot/", "/etc/ssl/certs/", "/etc/ca-certificates",
  "/lib/modules/", "/usr/lib/modules/", "/usr/lib/gdk-pixbuf-2.0/", "/usr/lib/gio/modules/", "/usr/lib/gtk-",
  "/usr/share/applications/mimeinfo.cache", "/usr/share/fonts/", "/usr/share/glib-2.0/schemas/", "/usr/share/icons/",
  "/usr/share/info/dir", "/usr/share/mime/", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/shells",
  "/etc/passwd-", "/etc/group-", "/etc/shadow-", NULL
};

static const char *const kept_suffixes[] = { ".apk-new", NULL };

/* What an admin changed is never replaced. */
static const char *const replaced_suffixes[] = { NULL };

const ColdPackageManager cold_apk = {
  .name = "apk",
  .format = "apk",
  .manifest = manifest,
  .script = "/org/coldpatch1/worker/apk.sh",
  .owned = "for file in /lib/apk/db/installed /usr/lib/apk/db/installed; do "
           "[ ! -f $file ] || awk '/^F:/ { folder = substr($0, 3) } /^R:/ { print \"/\" (folder == \"\" ? \"\" : folder \"/\") substr($0, 3) }' $file; done",
  .generated = generated,
  .kept_suffixes = kept_suffixes,
  .replaced_suffixes = replaced_suffixes,
};
