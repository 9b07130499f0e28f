/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-installed.h"

#include "cold-dpkg-status.h"
#include "cold-error.h"
#include "cold-json.h"

static void
installed_free (ColdInstalled *self)
{
  g_free (self->name);
  g_free (self->version);
  g_free (self->arch);
  g_free (self);
}

static void
add (GPtrArray *packages, const char *name, const char *version, const char *arch)
{
  ColdInstalled *package = g_new0 (ColdInstalled, 1);

  package->name = g_strdup (name != NULL ? name : "");
  package->version = g_strdup (version != NULL ? version : "");
  package->arch = g_strdup (arch != NULL ? arch : "");
  g_ptr_array_add (packages, package);
}

static gboolean
add_from_dpkg (GPtrArray *packages, const char *status, GError **error)
{
  g_autoptr (GPtrArray) parsed = cold_dpkg_status_parse (status, error);

  for (guint i = 0; parsed != NULL && i < parsed->len; i++)
    {
      const ColdDpkgPackage *package = g_ptr_array_index (parsed, i);

      add (packages, package->name, package->version, package->arch);
    }
  return parsed != NULL;
}

GPtrArray *
cold_installed_read (const char *path, GError **error)
{
  g_autoptr (JsonObject) manifest = cold_json_load_file (path, error);
  g_autoptr (GPtrArray) packages = g_ptr_array_new_with_free_func ((GDestroyNotify) installed_free);
  JsonArray *installed;

  if (manifest == NULL)
    return NULL;
  if (cold_json_string (manifest, "status") != NULL)
    return add_from_dpkg (packages, cold_json_string (manifest, "status"), error) ? g_steal_pointer (&packages) : NULL;
  installed = cold_json_array (manifest, "installed");
  if (installed == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the manifest lists no packages");
      return NULL;
    }
  for (guint i = 0; i < json_array_get_length (installed); i++)
    {
      JsonObject *package = cold_json_array_object (installed, i);

      if (package != NULL)
        add (packages, cold_json_string (package, "name"), cold_json_string (package, "evr"),
             cold_json_string (package, "arch"));
    }
  return g_steal_pointer (&packages);
}

/* --- comparing ------------------------------------------------------------------------------------------------------- */

static guint
package_hash (gconstpointer key)
{
  const ColdInstalled *package = key;

  return g_str_hash (package->name) * 31 + g_str_hash (package->version);
}

static gboolean
package_equal (gconstpointer a, gconstpointer b)
{
  const ColdInstalled *one = a, *other = b;

  return g_str_equal (one->name, other->name) && g_str_equal (one->version, other->version)
         && g_str_equal (one->arch, other->arch);
}

static GHashTable *
make_set (GPtrArray *packages)
{
  GHashTable *set = g_hash_table_new (package_hash, package_equal);

  for (guint i = 0; i < packages->len; i++)
    g_hash_table_add (set, g_ptr_array_index (packages, i));
  return set;
}

/* What the plan takes away and what it brings. */
typedef struct
{
  GPtrArray *candidates; /* (element-type ColdInstalled) */
  GPtrArray *upgraded;   /* (element-type ColdInstalled): their old versions */
  GHashTable *replaced;  /* (element-type utf8): names */
} Expectation;

static void
expectation_clear (Expectation *self)
{
  g_ptr_array_unref (self->candidates);
  g_ptr_array_unref (self->upgraded);
  g_hash_table_unref (self->replaced);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Expectation, expectation_clear)

static void
read_plan (Expectation *self, JsonObject *plan)
{
  JsonArray *planned = cold_json_array (plan, "packages");

  self->candidates = g_ptr_array_new_with_free_func ((GDestroyNotify) installed_free);
  self->upgraded = g_ptr_array_new_with_free_func ((GDestroyNotify) installed_free);
  self->replaced = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; planned != NULL && i < json_array_get_length (planned); i++)
    {
      JsonObject *package = cold_json_array_object (planned, i);
      g_auto (GStrv) replaces = cold_json_strv (package, "replaces");

      add (self->candidates, cold_json_string (package, "name"), cold_json_string (package, "candidate"),
           cold_json_string (package, "arch"));
      add (self->upgraded, cold_json_string (package, "name"), cold_json_string (package, "installed"),
           cold_json_string (package, "arch"));
      for (guint k = 0; replaces[k] != NULL; k++)
        g_hash_table_add (self->replaced, g_strdup (replaces[k]));
    }
}

/* Whether the plan's word for @package, one of @before, is that it goes. A package may change from one architecture to "all" or
 * "noarch"; where the same is there for the very architecture, that is the one which goes. */
static gboolean
may_go (const Expectation *plan, GHashTable *before, const ColdInstalled *package)
{
  if (g_hash_table_contains (plan->replaced, package->name))
    return TRUE;
  for (guint i = 0; i < plan->upgraded->len; i++)
    {
      const ColdInstalled *upgraded = g_ptr_array_index (plan->upgraded, i);

      if (g_str_equal (upgraded->name, package->name) && g_str_equal (upgraded->version, package->version)
          && (g_str_equal (upgraded->arch, package->arch) || !g_hash_table_contains (before, upgraded)))
        return TRUE;
    }
  return FALSE;
}

/* Returns: (nullable): what came in the place of @gone: the same package in a version that nobody expects */
static const ColdInstalled *
find_unexpected (GPtrArray *after, GHashTable *before, GHashTable *candidates, const ColdInstalled *gone)
{
  for (guint i = 0; i < after->len; i++)
    {
      const ColdInstalled *package = g_ptr_array_index (after, i);

      if (g_str_equal (package->name, gone->name) && g_str_equal (package->arch, gone->arch)
          && !g_hash_table_contains (before, package) && !g_hash_table_contains (candidates, package))
        return package;
    }
  return NULL;
}

void
cold_installed_compare (GPtrArray *before, GPtrArray *after, JsonObject *plan, GPtrArray *gone, GPtrArray *differences)
{
  g_auto (Expectation) expectation = { 0 };
  g_autoptr (GHashTable) old = make_set (before);
  g_autoptr (GHashTable) now = make_set (after);
  g_autoptr (GHashTable) candidates = NULL;

  read_plan (&expectation, plan);
  candidates = make_set (expectation.candidates);
  for (guint i = 0; i < before->len; i++)
    {
      const ColdInstalled *package = g_ptr_array_index (before, i);

      if (!g_hash_table_contains (now, package) && !may_go (&expectation, old, package)
          && find_unexpected (after, old, candidates, package) == NULL)
        g_ptr_array_add (gone, g_strdup_printf ("%s %s is gone", package->name, package->version));
    }
  for (guint i = 0; i < after->len; i++)
    {
      const ColdInstalled *package = g_ptr_array_index (after, i);

      if (!g_hash_table_contains (old, package) && !g_hash_table_contains (candidates, package))
        g_ptr_array_add (differences,
                         g_strdup_printf ("%s %s is installed, which was not planned", package->name, package->version));
    }
}
