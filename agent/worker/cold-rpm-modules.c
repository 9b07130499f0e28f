/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-modules.h"

#include <modulemd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cold-error.h"
#include "cold-rpm-index.h"

/* The largest real one has some 10 MiB. libmodulemd takes several times of that. */
#define YAML_MAX (64u << 20)

/* Of one module's streams and versions, where real ones have hundreds: each excludes each other when streams are chosen. */
#define DOCUMENTS_MAX 5000

/* The largest real one takes two. */
#define CPU_SECONDS 120

/* --- one context ----------------------------------------------------------------------------------------------------- */

/* While it is collected: several versions of one stream, as a rule. */
typedef struct
{
  const char *module; /* borrowed, as the others: from the index */
  const char *stream;
  const char *context;
  const char *arch;
  char *requires;
  gboolean is_static;
  GPtrArray *versions;   /* (element-type GVariant) */
  GHashTable *artifacts; /* (element-type utf8) each once: versions have most of them in common */
} Context;

static void
context_free (gpointer data)
{
  Context *context = data;

  g_free (context->requires);
  g_ptr_array_unref (context->versions);
  g_hash_table_unref (context->artifacts);
  g_free (context);
}

static const char *
or_nothing (const char *text)
{
  return text != NULL ? text : "";
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* "module:[stream,stream]", as libdnf has it; "module" where any stream will do */
static char *
describe_requirement (const char *module, GStrv streams)
{
  g_autofree char *list = NULL;

  if (streams == NULL || streams[0] == NULL)
    return g_strdup (module);
  qsort (streams, g_strv_length (streams), sizeof *streams, compare_texts);
  list = g_strjoinv (",", streams);
  return g_strdup_printf ("%s:[%s]", module, list);
}

/* Contexts without one of their own ("static") are the same when they require the same, the platform aside: ModulePackageContainer.cpp
 * of libdnf, addVersion2Modules(). Returns: (transfer full) */
static char *
describe_requirements (ModulemdModuleStreamV2 *stream)
{
  GPtrArray *blocks = modulemd_module_stream_v2_get_dependencies (stream);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < blocks->len; i++)
    {
      g_auto (GStrv) modules = modulemd_dependencies_get_runtime_modules_as_strv (blocks->pdata[i]);

      for (guint k = 0; modules != NULL && modules[k] != NULL; k++)
        {
          g_auto (GStrv) streams = NULL;

          if (g_str_equal (modules[k], "platform"))
            continue;
          streams = modulemd_dependencies_get_runtime_streams_as_strv (blocks->pdata[i], modules[k]);
          g_ptr_array_add (texts, describe_requirement (modules[k], streams));
        }
    }
  g_ptr_array_sort (texts, compare_texts);
  g_ptr_array_add (texts, NULL);
  return g_strjoinv (";", (char **) texts->pdata);
}

static GVariant *
make_requirements (ModulemdModuleStreamV2 *stream)
{
  GPtrArray *blocks = modulemd_module_stream_v2_get_dependencies (stream);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE (COLD_RPM_MODULES_REQUIRES));
  for (guint i = 0; i < blocks->len; i++)
    {
      g_auto (GStrv) modules = modulemd_dependencies_get_runtime_modules_as_strv (blocks->pdata[i]);

      for (guint k = 0; modules != NULL && modules[k] != NULL; k++)
        {
          g_auto (GStrv) streams = modulemd_dependencies_get_runtime_streams_as_strv (blocks->pdata[i], modules[k]);
          const char *const none[] = { NULL };

          g_variant_builder_add (&builder, "(s^as)", modules[k], streams != NULL ? (const char *const *) streams : none);
        }
    }
  return g_variant_builder_end (&builder);
}

static void
add_version (Context *context, ModulemdModuleStreamV2 *stream, guint64 number)
{
  g_auto (GStrv) left = modulemd_module_stream_v2_get_demodularized_rpms (stream);
  g_auto (GStrv) artifacts = modulemd_module_stream_v2_get_rpm_artifacts_as_strv (stream);
  const char *const none[] = { NULL };

  g_ptr_array_add (context->versions,
                   g_variant_ref_sink (g_variant_new ("(t@" COLD_RPM_MODULES_REQUIRES "^as)", number, make_requirements (stream),
                                                      left != NULL ? (const char *const *) left : none)));
  for (guint i = 0; artifacts != NULL && artifacts[i] != NULL; i++)
    g_hash_table_add (context->artifacts, g_strdup (artifacts[i]));
}

/* Later ones first. */
static int
compare_versions (gconstpointer a, gconstpointer b)
{
  guint64 a_number, b_number;

  g_variant_get_child (*(GVariant *const *) a, 0, "t", &a_number);
  g_variant_get_child (*(GVariant *const *) b, 0, "t", &b_number);
  return a_number > b_number ? -1 : a_number < b_number;
}

static GVariant *
make_versions (Context *context)
{
  g_autoptr (GPtrArray) seen = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a" COLD_RPM_MODULES_VERSION));
  g_ptr_array_sort (context->versions, compare_versions);
  for (guint i = 0; i < context->versions->len; i++)
    {
      g_autoptr (GVariant) requires = g_variant_get_child_value (context->versions->pdata[i], 1);

      if (g_ptr_array_find_with_equal_func (seen, requires, g_variant_equal, NULL))
        continue;
      g_variant_builder_add_value (&builder, context->versions->pdata[i]);
      g_ptr_array_add (seen, g_steal_pointer (&requires));
    }
  return g_variant_builder_end (&builder);
}

/* @artifact: "name-epoch:version-release.arch", which is cut. Returns: whether it is one; @evr is without an epoch of 0 */
static gboolean
split_artifact (char *artifact, const char **name, const char **evr, const char **arch)
{
  char *dot = strrchr (artifact, '.');
  char *release, *version;

  if (dot == NULL)
    return FALSE;
  *dot = '\0';
  release = strrchr (artifact, '-');
  if (release == NULL)
    return FALSE;
  *release = '\0';
  version = strrchr (artifact, '-');
  *release = '-';
  if (version == NULL)
    return FALSE;
  *version = '\0';
  *name = artifact;
  *evr = g_str_has_prefix (version + 1, "0:") ? version + 3 : version + 1;
  *arch = dot + 1;
  return **name != '\0' && **evr != '\0' && **evr != '-' && release[1] != '\0' && **arch != '\0';
}

/* Returns: (transfer full) */
static char *
make_packages (Context *context)
{
  g_autoptr (GList) artifacts = g_list_sort (g_hash_table_get_keys (context->artifacts), (GCompareFunc) strcmp);
  GString *text = g_string_new (NULL);

  for (const GList *link = artifacts; link != NULL; link = link->next)
    {
      g_autofree char *artifact = g_strdup (link->data);
      const char *name, *evr, *arch;

      if (strpbrk (artifact, " \n") == NULL && split_artifact (artifact, &name, &evr, &arch) && !g_str_equal (arch, "src")
          && !g_str_equal (arch, "nosrc"))
        g_string_append_printf (text, "%s %s %s\n", name, evr, arch);
    }
  return g_string_free (text, FALSE);
}

static GVariant *
context_end (Context *context)
{
  g_autofree char *packages = make_packages (context);

  return g_variant_new ("(sssssb@a" COLD_RPM_MODULES_VERSION "s)", context->module, context->stream, context->context,
                        context->arch, context->requires, context->is_static, make_versions (context), packages);
}

/* --- the whole ------------------------------------------------------------------------------------------------------- */

/* @contexts: (element-type utf8 Context) by all that tells one from others. @order: the same, as they came */
static void
add_stream (GHashTable *contexts, GPtrArray *order, ModulemdModuleStream *any)
{
  ModulemdModuleStreamV2 *stream = MODULEMD_MODULE_STREAM_V2 (any);
  gboolean is_static = modulemd_module_stream_v2_is_static_context (stream);
  const char *arch = or_nothing (modulemd_module_stream_get_arch (any));
  g_autofree char *requires = describe_requirements (stream);
  const char *id = is_static ? or_nothing (modulemd_module_stream_get_context (any)) : requires;
  g_autofree char *key = NULL;
  Context *context;

  key = g_strdup_printf ("%s\n%s\n%d\n%s\n%s", modulemd_module_stream_get_module_name (any),
                         modulemd_module_stream_get_stream_name (any), is_static, id, arch);
  context = g_hash_table_lookup (contexts, key);
  if (context == NULL)
    {
      context = g_new0 (Context, 1);
      context->module = or_nothing (modulemd_module_stream_get_module_name (any));
      context->stream = or_nothing (modulemd_module_stream_get_stream_name (any));
      context->context = or_nothing (modulemd_module_stream_get_context (any));
      context->arch = arch;
      context->requires = g_steal_pointer (&requires);
      context->is_static = is_static;
      context->artifacts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      context->versions = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
      g_hash_table_insert (contexts, g_steal_pointer (&key), context);
      g_ptr_array_add (order, context);
    }
  add_version (context, stream, modulemd_module_stream_get_version (any));
}

static void
add_defaults (GVariantBuilder *builder, const char *module, ModulemdDefaults *any)
{
  if (MODULEMD_IS_DEFAULTS_V1 (any))
    g_variant_builder_add (builder, COLD_RPM_MODULES_DEFAULT, module, (gint64) modulemd_defaults_get_modified (any),
                           or_nothing (modulemd_defaults_v1_get_default_stream (MODULEMD_DEFAULTS_V1 (any), NULL)));
}

static gboolean
check_count (ModulemdModuleIndex *index, GError **error)
{
  g_auto (GStrv) names = modulemd_module_index_get_module_names_as_strv (index);

  for (guint i = 0; names[i] != NULL; i++)
    if (modulemd_module_get_all_streams (modulemd_module_index_get_module (index, names[i]))->len > DOCUMENTS_MAX)
      {
        g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "it has more of module %s than is usable",
                     names[i]);
        return FALSE;
      }
  return TRUE;
}

static GVariant *
make_modules (ModulemdModuleIndex *index, gboolean incomplete)
{
  g_auto (GStrv) names = modulemd_module_index_get_module_names_as_strv (index);
  g_autoptr (GHashTable) contexts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, context_free);
  g_autoptr (GPtrArray) order = g_ptr_array_new ();
  GVariantBuilder defaults, all;

  g_variant_builder_init (&defaults, G_VARIANT_TYPE ("a" COLD_RPM_MODULES_DEFAULT));
  for (guint i = 0; names[i] != NULL; i++)
    {
      ModulemdModule *module = modulemd_module_index_get_module (index, names[i]);
      GPtrArray *streams = modulemd_module_get_all_streams (module);

      add_defaults (&defaults, names[i], modulemd_module_get_defaults (module));
      for (guint k = 0; k < streams->len; k++)
        if (MODULEMD_IS_MODULE_STREAM_V2 (streams->pdata[k]))
          add_stream (contexts, order, streams->pdata[k]);
        else
          incomplete = TRUE;
    }
  g_variant_builder_init (&all, G_VARIANT_TYPE ("a" COLD_RPM_MODULES_CONTEXT));
  for (guint i = 0; i < order->len; i++)
    g_variant_builder_add_value (&all, context_end (order->pdata[i]));
  return g_variant_ref_sink (g_variant_new ("(b@a" COLD_RPM_MODULES_DEFAULT "@a" COLD_RPM_MODULES_CONTEXT ")", incomplete,
                                            g_variant_builder_end (&defaults), g_variant_builder_end (&all)));
}

static gboolean
check_size (const char *yaml, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (yaml, FALSE, error);

  if (file == NULL)
    return FALSE;
  if (g_mapped_file_get_length (file) <= YAML_MAX)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "modules.yaml is refused: it is larger than is usable");
  return FALSE;
}

static GVariant *
compile (const char *yaml, GError **error)
{
  g_autoptr (ModulemdModuleIndex) index = modulemd_module_index_new ();
  g_autoptr (GPtrArray) failures = NULL;
  g_autoptr (GError) local = NULL;
  gboolean complete;

  complete = modulemd_module_index_update_from_file (index, yaml, FALSE, &failures, &local);
  if (local == NULL)
    {
      complete = modulemd_module_index_upgrade_defaults (index, MD_DEFAULTS_VERSION_ONE, &local) && complete;
      complete = local == NULL && modulemd_module_index_upgrade_streams (index, MD_MODULESTREAM_VERSION_TWO, &local) && complete;
    }
  if (local == NULL)
    return check_count (index, error) ? make_modules (index, !complete || (failures != NULL && failures->len > 0)) : NULL;
  g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s", local->message);
  return NULL;
}

int
cold_rpm_modules_main (const char *yaml, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) modules = compile (yaml, &error);

  if (modules != NULL && g_file_set_contents (path, g_variant_get_data (modules), g_variant_get_size (modules), &error))
    return 0;
  fputs (error->message, stdout);
  return 1;
}

/* --- in a process of its own ----------------------------------------------------------------------------------------- */

/* Between fork and exec. */
static void
limit_time (gpointer user_data)
{
  const struct rlimit limit = { CPU_SECONDS, CPU_SECONDS };

  setrlimit (RLIMIT_CPU, &limit);
}

gboolean
cold_rpm_modules_make (const char *yaml, const char *path, GError **error)
{
  /* What libraries have to say is not for those who listen to the worker. */
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *said = NULL;

  if (!check_size (yaml, error) || !cold_rpm_index_check (yaml, "modules.yaml", error))
    return FALSE;
  g_subprocess_launcher_set_child_setup (launcher, limit_time, NULL, NULL);
  process = g_subprocess_launcher_spawn (launcher, error, "/proc/self/exe", COLD_RPM_MODULES_COMMAND, yaml, path, NULL);
  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &said, NULL, error))
    return FALSE;
  if (g_subprocess_get_successful (process))
    return TRUE;
  if (g_subprocess_get_if_exited (process))
    g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "modules.yaml is refused: %s", said);
  else
    g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "modules.yaml is refused: what reads it was ended by signal %d",
                 g_subprocess_get_term_sig (process));
  return FALSE;
}

GVariant *
cold_rpm_modules_load (const char *path, GError **error)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, error);
  g_autoptr (GBytes) bytes = file != NULL ? g_mapped_file_get_bytes (file) : NULL;

  /* GVariant checks what it is asked for, and gives an empty value for what is none. */
  return bytes != NULL ? g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (COLD_RPM_MODULES), bytes, FALSE)) : NULL;
}
