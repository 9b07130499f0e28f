/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-bundle.h"

#include <createrepo_c/createrepo_c.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

#include "cold-bundle.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-rpm-signature.h"

/* /repodata while it is written. */
typedef struct
{
  const char *type;
  cr_XmlFileType kind;
  cr_XmlFile *file;
  char *path;
} Part;

typedef struct
{
  Part parts[3];
  char *folder;
} Metadata;

static void
metadata_clear (Metadata *metadata)
{
  for (guint i = 0; i < G_N_ELEMENTS (metadata->parts); i++)
    {
      Part *part = &metadata->parts[i];

      if (part->file != NULL)
        cr_xmlfile_close (part->file, NULL);
      if (part->path != NULL)
        unlink (part->path);
      g_free (part->path);
    }
  if (metadata->folder != NULL)
    rmdir (metadata->folder);
  g_free (metadata->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Metadata, metadata_clear)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (cr_Package, cr_package_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (cr_Repomd, cr_repomd_free)

static gboolean
fail (GError **error, const char *what, const GError *why)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_FAILED, "the metadata of the bundle cannot be made (%s): %s", what,
               why != NULL ? why->message : "no reason given");
  return FALSE;
}

static gboolean
metadata_begin (Metadata *metadata, const char *scratch, guint n_packages, GError **error)
{
  g_autoptr (GError) local = NULL;

  metadata->folder = g_build_filename (scratch, "repodata", NULL);
  if (g_mkdir (metadata->folder, 0700) < 0 && errno != EEXIST)
    return cold_error_set_errno (error, errno, "cannot create %s", metadata->folder);
  for (guint i = 0; i < G_N_ELEMENTS (metadata->parts); i++)
    {
      Part *part = &metadata->parts[i];
      g_autofree char *name = g_strconcat (part->type, ".xml.gz", NULL);

      part->path = g_build_filename (metadata->folder, name, NULL);
      unlink (part->path);
      part->file = cr_xmlfile_sopen (part->path, part->kind, CR_CW_GZ_COMPRESSION, NULL, &local);
      if (part->file == NULL || cr_xmlfile_set_num_of_pkgs (part->file, n_packages, &local) != CRE_OK)
        return fail (error, part->type, local);
    }
  return TRUE;
}

/* Where the metadata that names it is not signed, the package has to be. */
static gboolean
check_signature (ColdBundle *bundle, JsonObject *planned, const char *path, const char *name, GError **error)
{
  const char *id = cold_json_string (planned, "repository");

  for (guint i = 0; i < bundle->sources->len; i++)
    {
      const ColdSource *source = g_ptr_array_index (bundle->sources, i);

      if (g_strcmp0 (source->id, id) == 0)
        return !source->unsigned_database || cold_rpm_signature_verify (path, name, source->signed_by, error);
    }
  g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "bundle: %s is of no repository of the request", name);
  return FALSE;
}

static gboolean
metadata_add (Metadata *metadata, ColdBundle *bundle, JsonObject *planned, GError **error)
{
  const char *sha256 = cold_json_string (planned, "sha256");
  g_autofree char *path = cold_package_cache_path (bundle->cache, sha256);
  g_autofree char *name = cold_rpm_bundle_file_name (planned);
  g_autofree char *href = g_strconcat ("rpms/", name, NULL);
  g_autoptr (GError) local = NULL;
  g_autoptr (cr_Package) package
      = cr_package_from_rpm (path, CR_CHECKSUM_SHA256, href, NULL, 0, NULL, CR_HDRR_NONE, &local);

  if (!check_signature (bundle, planned, path, name, error))
    return FALSE;
  if (package == NULL)
    return fail (error, name, local);
  if (g_strcmp0 (package->pkgId, sha256) != 0 || !cold_bundle_wants (bundle, sha256))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_SIGNATURE, "%s was changed while the bundle was made", path);
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (metadata->parts); i++)
    if (cr_xmlfile_add_pkg (metadata->parts[i].file, package, &local) != CRE_OK)
      return fail (error, name, local);
  return TRUE;
}

static gboolean
metadata_finish (Metadata *metadata, ColdBundle *bundle, GError **error)
{
  g_autoptr (cr_Repomd) repomd = cr_repomd_new ();
  g_autoptr (GError) local = NULL;
  g_autofree char *xml = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (metadata->parts); i++)
    {
      Part *part = &metadata->parts[i];
      int closed = cr_xmlfile_close (g_steal_pointer (&part->file), &local);
      cr_RepomdRecord *record = cr_repomd_record_new (part->type, part->path);
      g_autofree char *name = g_path_get_basename (part->path);
      g_autofree char *inside = g_strconcat ("repodata/", name, NULL);

      cr_repomd_set_record (repomd, record);
      if (closed != CRE_OK || cr_repomd_record_fill (record, CR_CHECKSUM_SHA256, &local) != CRE_OK)
        return fail (error, part->type, local);
      if (!cold_bundle_image_add_file (bundle->image, inside, part->path, NULL, error))
        return FALSE;
    }
  /* A repository without revision is as valid as one with it, and clones of one plan get the same one. */
  xml = cr_xml_dump_repomd (repomd, &local);
  if (xml == NULL)
    return fail (error, "repomd.xml", local);
  return cold_bundle_image_add_text (bundle->image, "repodata/repomd.xml", xml, strlen (xml), error);
}

gboolean
cold_rpm_bundle_fill (ColdBundle *bundle, GError **error)
{
  g_auto (Metadata) metadata = { .parts = { { "primary", CR_XMLFILE_PRIMARY },
                                            { "filelists", CR_XMLFILE_FILELISTS },
                                            { "other", CR_XMLFILE_OTHER } } };
  guint n = json_array_get_length (bundle->planned);

  cr_xml_dump_init ();
  cr_package_parser_init ();
  if (!metadata_begin (&metadata, bundle->scratch, n, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!metadata_add (&metadata, bundle, cold_json_array_object (bundle->planned, i), error))
      return FALSE;
  return metadata_finish (&metadata, bundle, error);
}

char *
cold_rpm_bundle_file_name (JsonObject *package)
{
  g_autofree char *version = g_strdup (cold_json_string (package, "candidate"));

  /* A colon is nothing that every tool takes in a path. */
  return g_strdup_printf ("%s-%s.%s.rpm", cold_json_string (package, "name"), g_strdelimit (version, ":", '_'),
                          cold_json_string (package, "arch"));
}
