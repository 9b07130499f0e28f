/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading from libvirt's test driver, where one of its answers is made to fail. */
#include "cold-libvirt-reader.h"

#include <libvirt/virterror.h>

#include "cold-error.h"

#define POOL_XML "<pool type='dir'><name>p</name><target><path>/test-pool</path></target></pool>"
#define VOLUME_XML "<volume><name>v.img</name><capacity>1024</capacity></volume>"
#define DOMAIN_XML(pool, volume) \
  "<domain type='test'><name>d</name><memory>8192</memory><os><type>hvm</type></os><devices><disk type='volume'>" \
  "<source pool='" pool "' volume='" volume "'/><target dev='vda'/></disk></devices></domain>"

static gboolean no_path;

/* By the linker's --wrap: as when the server dies between two questions. */
char *__real_virStorageVolGetPath (virStorageVolPtr vol);
char *__wrap_virStorageVolGetPath (virStorageVolPtr vol);

char *
__wrap_virStorageVolGetPath (virStorageVolPtr vol)
{
  return no_path ? NULL : __real_virStorageVolGetPath (vol);
}

typedef struct
{
  virConnectPtr conn;
  virStoragePoolPtr pool;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  virStorageVolPtr vol;

  f->conn = virConnectOpen ("test:///default");
  g_assert_nonnull (f->conn);
  f->pool = virStoragePoolDefineXML (f->conn, POOL_XML, 0);
  g_assert_nonnull (f->pool);
  g_assert_cmpint (virStoragePoolBuild (f->pool, 0), ==, 0);
  g_assert_cmpint (virStoragePoolCreate (f->pool, 0), ==, 0);
  vol = virStorageVolCreateXML (f->pool, VOLUME_XML, 0);
  g_assert_nonnull (vol);
  virStorageVolFree (vol);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  virStoragePoolFree (f->pool);
  virConnectClose (f->conn);
}

/* The domain with such a disk. Returns: (transfer full): its disk; %NULL with @error */
static ColdDisk *
read_disk (Fixture *f, const char *xml, GError **error)
{
  g_autoptr (ColdSnapshot) snapshot = cold_snapshot_new ();
  virDomainPtr domain = virDomainDefineXML (f->conn, xml);
  char uuid[VIR_UUID_STRING_BUFLEN];
  const ColdDomainInfo *info;
  gboolean good;

  g_assert_nonnull (domain);
  g_assert_cmpint (virDomainGetUUIDString (domain, uuid), ==, 0);
  snapshot->uri = g_strdup ("test:///default");
  good = cold_libvirt_read_domains (f->conn, uuid, snapshot, error);
  virDomainUndefine (domain);
  virDomainFree (domain);
  if (!good)
    return NULL;
  g_assert_cmpuint (snapshot->domains->len, ==, 1);
  info = g_ptr_array_index (snapshot->domains, 0);
  g_assert_cmpuint (info->disks->len, ==, 1);
  return g_ptr_array_steal_index (info->disks, 0);
}

static const struct
{
  const char *name;
  const char *xml;
  gboolean inactive;
  const char *path; /* (nullable) */
} disks[] = {
  { "found", DOMAIN_XML ("p", "v.img"), FALSE, "/test-pool/v.img" },
  { "no-volume", DOMAIN_XML ("p", "other.img"), FALSE, NULL },
  { "no-pool", DOMAIN_XML ("q", "v.img"), FALSE, NULL },
  { "inactive-pool", DOMAIN_XML ("p", "v.img"), TRUE, NULL },
};

static void
test_disk (Fixture *f, gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  ColdDisk *disk;

  if (disks[i].inactive)
    g_assert_cmpint (virStoragePoolDestroy (f->pool), ==, 0);
  disk = read_disk (f, disks[i].xml, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (disk->path, ==, disks[i].path);
  cold_disk_unref (disk);
}

/* A disk without a path would be one that no volume can be. */
static void
test_no_answer (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ColdDisk *disk;

  no_path = TRUE;
  g_assert_null (read_disk (f, DOMAIN_XML ("p", "v.img"), &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_IO);
  g_assert_true (g_str_has_prefix (error->message, "domain d: libvirt does not say where a volume is"));
  g_clear_error (&error);
  no_path = FALSE;
  disk = read_disk (f, DOMAIN_XML ("p", "v.img"), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (disk->path, ==, "/test-pool/v.img");
  cold_disk_unref (disk);
}

static void
be_silent (void *user_data, virErrorPtr error)
{
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  virSetErrorFunc (NULL, be_silent);
  for (guint i = 0; i < G_N_ELEMENTS (disks); i++)
    {
      g_autofree char *path = g_strdup_printf ("/libvirt-reader/disk-by-volume/%s", disks[i].name);

      g_test_add (path, Fixture, GUINT_TO_POINTER (i), setup, test_disk, teardown);
    }
  g_test_add ("/libvirt-reader/disk-by-volume/no-answer/fails", Fixture, NULL, setup, test_no_answer, teardown);
  return g_test_run ();
}
