/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "catalogue-fixture.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <sys/mount.h>

#include "async-result.h"
#include "cold-folders.h"
#include "cold-json.h"
#include "cold-names.h"
#include "loop-fixture.h"
#include "no-proxy.h"

static char *
write_file (RepositoryFixture *repository, const char *name, const char *text)
{
  char *path = g_build_filename (repository->folder, name, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_mkdir_with_parents (folder, 0755);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
  return path;
}

static void
count_change (ColdCatalogue *catalogue, gpointer user_data)
{
  (*(guint *) user_data)++;
}

ColdConfig *
catalogue_fixture_configure (CatalogueFixture *self, const char *text, const char *source)
{
  g_autofree char *path = write_file (self->repository, "etc/coldpatch.conf", text);
  g_autofree char *entry = write_file (self->repository, "etc/sources.d/test.conf", source);
  g_autoptr (GError) error = NULL;
  ColdConfig *config = cold_config_load (path, &error);

  g_assert_no_error (error);
  return config;
}

/* As a file of sources.d. Returns: (transfer full) */
static char *
describe_repository (const RepositoryFixture *repository)
{
  return g_strdup_printf ("[test]\nType=deb\nMatch=debian 12 x86_64\nUri=file://%s\nSuites=stable\n"
                          "Components=main\nSignedBy=%s\nSecurity=yes\n",
                          repository->repository, repository->keyring);
}

ColdFacts *
catalogue_fixture_make_guest_with (const char *status, const char *arch)
{
  g_autoptr (JsonObject) manifest = json_object_new ();
  g_autofree char *text = NULL;
  g_autofree char *path = NULL;
  ColdFacts *facts = cold_facts_new ();

  json_object_set_string_member (manifest, "format", "deb");
  json_object_set_string_member (manifest, "native", "amd64");
  json_object_set_string_member (manifest, "status", status);
  if (arch != NULL)
    {
      g_strfreev (facts->foreign);
      facts->foreign = g_strsplit (arch, " ", -1);
      cold_json_set_strv (manifest, "foreign", (const char *const *) facts->foreign);
    }
  text = cold_json_to_text (manifest);
  g_free (facts->manifest);
  facts->manifest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  path = g_build_filename (COLD_MANIFEST_DIR, facts->manifest, NULL);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
  g_free (facts->os);
  facts->os = g_strdup ("debian");
  g_free (facts->os_version);
  facts->os_version = g_strdup ("12");
  g_free (facts->arch);
  facts->arch = g_strdup ("x86_64");
  g_free (facts->package_format);
  facts->package_format = g_strdup ("deb");
  return facts;
}

ColdFacts *
catalogue_fixture_make_guest (const char *status)
{
  return catalogue_fixture_make_guest_with (status, NULL);
}

void
catalogue_fixture_set_up (CatalogueFixture *self, gconstpointer data)
{
  g_autofree char *status = repository_fixture_installed ("foo", "1.0", NULL);
  g_autofree char *source = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (mount ("tmpfs", "/var/lib", "tmpfs", 0, NULL), ==, 0);
  g_assert_cmpint (mount ("tmpfs", "/var/cache", "tmpfs", 0, NULL), ==, 0);
  g_assert_true (cold_folders_prepare (&error));
  g_assert_no_error (error);
  self->repository = repository_fixture_new ();
  repository_fixture_add (self->repository, "foo", "1.1", NULL);
  repository_fixture_index (self->repository, "Date: Mon, 05 Jan 2026 00:00:00 UTC");
  source = describe_repository (self->repository);
  self->config = catalogue_fixture_configure (self, "[Agent]\n", source);
  self->catalogue = cold_catalogue_new (self->config);
  g_signal_connect (self->catalogue, "changed", G_CALLBACK (count_change), &self->changes);
  self->facts = catalogue_fixture_make_guest (status);
  self->guests = g_ptr_array_new ();
  g_ptr_array_add (self->guests, self->facts);
}

/* The scratch folders of workers are deleted in the background, by processes that nobody waits for. */
static void
umount_when_idle (const char *path)
{
  int rc = -1;

  for (guint i = 0; i < 300 && (rc = umount (path)) < 0 && errno == EBUSY; i++)
    g_usleep (100 * 1000);
  g_assert_cmpint (rc, ==, 0);
}

void
catalogue_fixture_tear_down (CatalogueFixture *self, gconstpointer data)
{
  /* A worker that nobody waits for any more may still hold it. */
  loop_assert_finalized (self->catalogue);
  cold_config_free (self->config);
  g_ptr_array_unref (self->guests);
  cold_facts_free (self->facts);
  repository_fixture_free (self->repository);
  umount_when_idle ("/var/cache");
  umount_when_idle ("/var/lib");
}

gboolean
catalogue_fixture_refresh (CatalogueFixture *self, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  cold_catalogue_refresh_async (self->catalogue, self->guests, NULL, keep_result, &result);
  wait_for_result (&result);
  return cold_catalogue_refresh_finish (self->catalogue, result, error);
}

JsonObject *
catalogue_fixture_plan (CatalogueFixture *self, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  cold_catalogue_plan_async (self->catalogue, self->facts, FALSE, NULL, NULL, keep_result, &result);
  wait_for_result (&result);
  return cold_catalogue_plan_finish (self->catalogue, result, error);
}

static void
install_passwd (const char *path)
{
  g_autofree char *old = NULL;
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents ("/etc/passwd", &old, NULL, NULL));
  text = g_strdup_printf (COLD_WORKER_USER ":x:%d:%d::/:/usr/sbin/nologin\n%s", WORKER_ID, WORKER_ID, old);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
  g_assert_cmpint (mount (path, "/etc/passwd", NULL, MS_BIND, NULL), ==, 0);
}

int
catalogue_fixture_main (int argc, char *argv[], void (*add) (void))
{
  g_autofree char *passwd = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  no_proxy ();
  if (geteuid () != 0 || unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    {
      g_print ("1..0 # SKIP workers need root, and mount namespaces\n");
      return 0;
    }
  passwd = g_strdup_printf ("/var/tmp/coldpatch-test-catalogue-%d", getpid ());
  install_passwd (passwd);
  g_assert_cmpint (mount ("tmpfs", "/run", "tmpfs", 0, NULL), ==, 0);
  add ();
  status = g_test_run ();
  g_unlink (passwd);
  return status;
}
