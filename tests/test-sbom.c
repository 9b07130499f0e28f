/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents and package URLs; with TEST_SBOM_FOLDER set they are left there, for sbom-schemas. */
#include <string.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-purl.h"
#include "cold-sbom.h"

static void
set (char **where, const char *text)
{
  g_free (*where);
  *where = g_strdup (text);
}

static ColdSbom *
make_sbom (void)
{
  g_autoptr (ColdVolume) volume = cold_volume_new ("pool", "web \"one\"\xff.qcow2");
  ColdSbom *sbom;

  volume->inspected = G_GINT64_CONSTANT (1700000000123456);
  volume->facts = cold_facts_new ();
  volume->facts->has_guest = TRUE;
  set (&volume->facts->os, "debian");
  set (&volume->facts->os_version, "12");
  set (&volume->facts->os_product, "Debian GNU/Linux 12 (bookworm)");
  set (&volume->facts->arch, "x86_64");
  set (&volume->facts->hostname, "web1");
  set (&volume->facts->package_format, "deb");
  set (&volume->facts->manifest, "cafe");
  sbom = cold_sbom_new (volume);
  sbom->packages = g_variant_ref_sink (g_variant_new_parsed (
      "[('', '1', 'amd64', ''), ('bash', '5.2.15-2+b2', 'amd64', 'bash'),"
      " ('libstdc++6', '12.2.0-14', 'amd64', 'gcc-12'),"
      " ('libstdc++6', '12.2.0-14', 'amd64', 'gcc-12'),"
      " ('na me/\"<\\u00e9>#?@%', '', '', 'x'), ('perl', '1:5.36~1', 'amd64', 'perl')]"));
  return sbom;
}

static void
leave (const char *name, const char *text)
{
  const char *folder = g_getenv ("TEST_SBOM_FOLDER");
  g_autofree char *path = folder != NULL ? g_build_filename (folder, name, NULL) : NULL;

  if (path != NULL)
    g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static JsonObject *
make_document (const ColdSbom *sbom, ColdSbomFormat format, const char *name)
{
  g_autofree char *text = cold_sbom_to_text (sbom, format);
  g_autofree char *again = cold_sbom_to_text (sbom, format);
  g_autoptr (GError) error = NULL;
  JsonObject *document = cold_json_parse_object (text, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, again);
  leave (name, text);
  return document;
}

/* Every member of that name is another, and matches. */
static void
assert_unique (JsonArray *array, const char *member, const char *pattern)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      const char *id = cold_json_string (cold_json_array_object (array, i), member);

      g_assert_nonnull (id);
      g_assert_true (g_regex_match_simple (pattern, id, 0, 0));
      g_assert_true (g_hash_table_add (seen, (gpointer)id));
    }
}

#define UUID "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"

static void
test_cyclonedx (void)
{
  g_autoptr (ColdSbom) sbom = make_sbom ();
  g_autoptr (JsonObject) document = make_document (sbom, COLD_SBOM_CYCLONEDX, "cyclonedx.json");
  JsonObject *metadata = cold_json_object (document, "metadata");
  JsonArray *components = cold_json_array (document, "components");
  JsonObject *bash = cold_json_array_object (components, 2);
  JsonObject *source = cold_json_array_object (cold_json_array (bash, "properties"), 1);
  JsonObject *tool
      = cold_json_array_object (cold_json_array (cold_json_object (metadata, "tools"), "components"), 0);

  g_assert_cmpstr (cold_json_string (document, "bomFormat"), ==, "CycloneDX");
  g_assert_cmpstr (cold_json_string (document, "specVersion"), ==, "1.5");
  g_assert_cmpint (cold_json_int (document, "version"), ==, 1);
  g_assert_true (g_regex_match_simple (UUID, cold_json_string (document, "serialNumber"), 0, 0));
  g_assert_cmpstr (cold_json_string (metadata, "timestamp"), ==, "2023-11-14T22:13:20Z");
  g_assert_cmpstr (cold_json_string (tool, "name"), ==, "coldpatch");
  g_assert_cmpstr (cold_json_string (cold_json_object (metadata, "component"), "name"), ==,
                   "web \"one\"\xef\xbf\xbd.qcow2");

  g_assert_cmpuint (json_array_get_length (components), ==, 7);
  assert_unique (components, "bom-ref", "^[a-z0-9-]+$");
  g_assert_cmpstr (cold_json_string (cold_json_array_object (components, 0), "type"), ==, "operating-system");
  g_assert_cmpstr (cold_json_string (cold_json_array_object (components, 0), "name"), ==, "debian");
  /* A package without a name has no URL, and is there nevertheless. */
  g_assert_null (cold_json_string (cold_json_array_object (components, 1), "purl"));
  g_assert_cmpstr (cold_json_string (bash, "type"), ==, "library");
  g_assert_cmpstr (cold_json_string (bash, "version"), ==, "5.2.15-2+b2");
  g_assert_cmpstr (cold_json_string (bash, "purl"), ==,
                   "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12");
  g_assert_cmpstr (cold_json_string (source, "name"), ==, "coldpatch:source");
  g_assert_cmpstr (cold_json_string (source, "value"), ==, "bash");
}

static void
test_spdx (void)
{
  g_autoptr (ColdSbom) sbom = make_sbom ();
  g_autoptr (JsonObject) document = make_document (sbom, COLD_SBOM_SPDX, "spdx.json");
  JsonObject *creation = cold_json_object (document, "creationInfo");
  JsonArray *packages = cold_json_array (document, "packages");
  JsonArray *relationships = cold_json_array (document, "relationships");
  JsonObject *bash = cold_json_array_object (packages, 2);
  JsonObject *reference = cold_json_array_object (cold_json_array (bash, "externalRefs"), 0);
  JsonObject *describes = cold_json_array_object (relationships, 0);

  g_assert_cmpstr (cold_json_string (document, "spdxVersion"), ==, "SPDX-2.3");
  g_assert_cmpstr (cold_json_string (document, "dataLicense"), ==, "CC0-1.0");
  g_assert_cmpstr (cold_json_string (document, "SPDXID"), ==, "SPDXRef-DOCUMENT");
  g_assert_true (g_regex_match_simple (UUID, cold_json_string (document, "documentNamespace"), 0, 0));
  g_assert_cmpstr (cold_json_string (creation, "created"), ==, "2023-11-14T22:13:20Z");
  g_assert_true (g_str_has_prefix (cold_json_array_string (cold_json_array (creation, "creators"), 0),
                                   "Tool: coldpatch-"));

  g_assert_cmpuint (json_array_get_length (packages), ==, 7);
  assert_unique (packages, "SPDXID", "^SPDXRef-[A-Za-z0-9.-]+$");
  for (guint i = 0; i < json_array_get_length (packages); i++)
    {
      JsonObject *package = cold_json_array_object (packages, i);

      g_assert_nonnull (cold_json_string (package, "name"));
      g_assert_cmpstr (cold_json_string (package, "downloadLocation"), ==, "NOASSERTION");
      g_assert_false (json_object_get_boolean_member (package, "filesAnalyzed"));
      /* Each is said to be in what the document describes. */
      if (i > 0)
        g_assert_cmpstr (cold_json_string (cold_json_array_object (relationships, i), "relatedSpdxElement"),
                         ==, cold_json_string (package, "SPDXID"));
    }
  g_assert_cmpstr (cold_json_string (describes, "relationshipType"), ==, "DESCRIBES");
  g_assert_cmpstr (cold_json_string (describes, "relatedSpdxElement"), ==, "SPDXRef-OperatingSystem");
  g_assert_cmpstr (cold_json_string (reference, "referenceType"), ==, "purl");
  g_assert_cmpstr (cold_json_string (bash, "sourceInfo"), ==, "built from the source package bash");
}

/* A document of each, with what is odd in its versions and names. */
static void
test_managers (void)
{
  static const struct
  {
    const char *manager;
    const char *format;
    const char *os;
    const char *release;
    const char *packages;
    const char *purl; /* of the first package */
  } managers[] = {
    { "apt", "deb", "ubuntu", "22.04", "[('perl', '1:5.36~1+b1', 'amd64', 'perl'), ('g++', '4:12', 'all', 'gcc-defaults')]",
      "pkg:deb/ubuntu/perl@1:5.36~1%2Bb1?arch=amd64&distro=ubuntu-22.04" },
    { "dnf", "rpm", "fedora", "39",
      "[('libstdc++', '1:13.2~rc1^git1-4.fc39', 'x86_64', 'gcc-13.2-4.fc39.src.rpm'), ('libstdc++', '13.1-1.fc39', 'i686', '')]",
      "pkg:rpm/fedora/libstdc%2B%2B@13.2~rc1%5Egit1-4.fc39?arch=x86_64&distro=fedora-39&epoch=1" },
    { "zypper", "rpm", "opensuse", "15.5", "[('kernel-default', '5.14.21-150500.55', 'x86_64', 'kernel-default')]",
      "pkg:rpm/opensuse/kernel-default@5.14.21-150500.55?arch=x86_64&distro=opensuse-15.5" },
    { "pacman", "pacman", "archlinux", "rolling", "[('containers-common', '1:0.47.4-4', 'any', 'containers-common')]",
      "pkg:alpm/arch/containers-common@1:0.47.4-4?arch=any&distro=arch-rolling" },
    { "apk", "apk", "alpinelinux", "3.18", "[('musl', '1.2.4-r2', 'x86_64', 'musl')]",
      "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64&distro=alpine-3.18" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (managers); i++)
    {
      g_autoptr (ColdSbom) sbom = make_sbom ();
      g_autofree char *cyclonedx_name = g_strdup_printf ("cyclonedx-%s.json", managers[i].manager);
      g_autofree char *spdx_name = g_strdup_printf ("spdx-%s.json", managers[i].manager);
      g_autoptr (JsonObject) cyclonedx = NULL, spdx = NULL;
      JsonObject *package;

      set (&sbom->os, managers[i].os);
      set (&sbom->os_version, managers[i].release);
      set (&sbom->package_format, managers[i].format);
      g_variant_unref (sbom->packages);
      sbom->packages = g_variant_ref_sink (g_variant_new_parsed (managers[i].packages));
      cyclonedx = make_document (sbom, COLD_SBOM_CYCLONEDX, cyclonedx_name);
      spdx = make_document (sbom, COLD_SBOM_SPDX, spdx_name);
      package = cold_json_array_object (cold_json_array (cyclonedx, "components"), 1);
      g_assert_cmpstr (cold_json_string (package, "purl"), ==, managers[i].purl);
      package = cold_json_array_object (cold_json_array (spdx, "packages"), 1);
      package = cold_json_array_object (cold_json_array (package, "externalRefs"), 0);
      g_assert_cmpstr (cold_json_string (package, "referenceLocator"), ==, managers[i].purl);
    }
}

/* Hardly anything was found out. */
static void
test_unknown_os (void)
{
  g_autoptr (ColdVolume) volume = cold_volume_new ("pool", "a.raw");
  g_autoptr (ColdSbom) sbom = NULL;
  g_autoptr (JsonObject) cyclonedx = NULL, spdx = NULL;

  volume->facts = cold_facts_new ();
  sbom = cold_sbom_new (volume);
  cyclonedx = make_document (sbom, COLD_SBOM_CYCLONEDX, "cyclonedx-unknown.json");
  spdx = make_document (sbom, COLD_SBOM_SPDX, "spdx-unknown.json");
  g_assert_cmpuint (json_array_get_length (cold_json_array (cyclonedx, "components")), ==, 1);
  g_assert_cmpuint (json_array_get_length (cold_json_array (spdx, "packages")), ==, 1);
  g_assert_cmpstr (cold_json_string (cold_json_array_object (cold_json_array (spdx, "packages"), 0), "name"),
                   ==, "unknown");
}

static void
test_formats (void)
{
  static const char *const unknown[] = { "", "CycloneDX", "spdx ", "swid" };
  ColdSbomFormat format;

  g_assert_true (cold_sbom_parse_format ("cyclonedx", &format, NULL));
  g_assert_cmpint (format, ==, COLD_SBOM_CYCLONEDX);
  g_assert_true (cold_sbom_parse_format ("spdx", &format, NULL));
  g_assert_cmpint (format, ==, COLD_SBOM_SPDX);
  for (guint i = 0; i < G_N_ELEMENTS (unknown); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (cold_sbom_parse_format (unknown[i], &format, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_purl (void)
{
  static const struct
  {
    const char *arguments[6];
    const char *expected;
  } cases[] = {
    { { "deb", "debian", "12", "libc6", "2.36-9+deb12u4", "amd64" },
      "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12" },
    { { "deb", "debian", "12", "attr", "1:2.4.47-2~x", "amd64" },
      "pkg:deb/debian/attr@1:2.4.47-2~x?arch=amd64&distro=debian-12" },
    { { "deb", "ubuntu", "22.04", "libstdc++6", "12", "all" },
      "pkg:deb/ubuntu/libstdc%2B%2B6@12?arch=all&distro=ubuntu-22.04" },
    /* Of the specification's own examples, rpm-test.json and alpm-test.json. */
    { { "rpm", "fedora", "25", "curl", "7.50.3-1.fc25", "i386" },
      "pkg:rpm/fedora/curl@7.50.3-1.fc25?arch=i386&distro=fedora-25" },
    { { "rpm", "opensuse", "tumbleweed", "curl", "7.56.1-1.1.", "i386" },
      "pkg:rpm/opensuse/curl@7.56.1-1.1.?arch=i386&distro=opensuse-tumbleweed" },
    { { "rpm", "fedora", "", "Judy", "2:1.0.5-1.fc39", "" }, "pkg:rpm/fedora/Judy@1.0.5-1.fc39?distro=fedora&epoch=2" },
    { { "rpm", "rhel", "9.3", "kernel", "5.14.0-362.el9", "x86_64" },
      "pkg:rpm/redhat/kernel@5.14.0-362.el9?arch=x86_64&distro=rhel-9.3" },
    { { "rpm", "sles", "15.5", "zypper", "1.14~rc1^2-1", "s390x" },
      "pkg:rpm/suse/zypper@1.14~rc1%5E2-1?arch=s390x&distro=sles-15.5" },
    { { "pacman", "archlinux", "rolling", "pacman", "6.0.1-1", "x86_64" },
      "pkg:alpm/arch/pacman@6.0.1-1?arch=x86_64&distro=arch-rolling" },
    { { "pacman", "archlinux", "rolling", "python-pip", "21.0-1", "any" },
      "pkg:alpm/arch/python-pip@21.0-1?arch=any&distro=arch-rolling" },
    { { "apk", "alpinelinux", "3.18", "apk", "2.12.9-r3", "x86" }, "pkg:apk/alpine/apk@2.12.9-r3?arch=x86&distro=alpine-3.18" },
    { { "rpm", "fedora", "39", "Judy", "2:1.0.5-1.fc39", "x86_64" },
      "pkg:rpm/fedora/Judy@1.0.5-1.fc39?arch=x86_64&distro=fedora-39&epoch=2" },
    { { "rpm", "opensuse-leap", "15.5", "kernel^1", "6", "noarch" },
      "pkg:rpm/opensuse-leap/kernel%5E1@6?arch=noarch&distro=opensuse-leap-15.5" },
    { { "pacman", "archlinux", "", "containers-common", "1:0.47.4-4", "any" },
      "pkg:alpm/arch/containers-common@1:0.47.4-4?arch=any&distro=arch" },
    { { "apk", "alpine", "3.18", "curl", "8.1-r0", "x86" },
      "pkg:apk/alpine/curl@8.1-r0?arch=x86&distro=alpine-3.18" },
    { { "ebuild", "gentoo", "", "a", "1", "" }, "pkg:generic/gentoo/a@1?distro=gentoo" },
    { { "deb", "", "", "a", "", "" }, "pkg:deb/a" },
    { { "deb", "debian", "12", "A /@?#%&=\xc3\xa9", "", "" },
      "pkg:deb/debian/a%20%2F%40%3F%23%25%26%3D%C3%A9?distro=debian-12" },
    { { "deb", "debian", "12", "", "1", "amd64" }, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const char *const *a = cases[i].arguments;
      g_autofree char *purl = cold_purl_new (a[0], a[1], a[2], a[3], a[4], a[5]);

      g_assert_cmpstr (purl, ==, cases[i].expected);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sbom/cyclonedx", test_cyclonedx);
  g_test_add_func ("/sbom/spdx", test_spdx);
  g_test_add_func ("/sbom/each-manager", test_managers);
  g_test_add_func ("/sbom/unknown-os", test_unknown_os);
  g_test_add_func ("/sbom/formats", test_formats);
  g_test_add_func ("/purl/escaping", test_purl);
  return g_test_run ();
}
