/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-libvirt-xml.h"

#define DOMAIN(disks) \
  "<domain type='qemu'><name>d</name><os><type arch='aarch64'>hvm</type></os><devices>" disks "</devices></domain>"

static ColdDisk *
disk_at (const ColdDomainInfo *info, guint i)
{
  g_assert_cmpuint (i, <, info->disks->len);
  return g_ptr_array_index (info->disks, i);
}

static void
test_domain_sources (void)
{
  g_autoptr (ColdDomainInfo) info = cold_domain_info_new ();

  g_assert_true (cold_libvirt_xml_read_domain (
      DOMAIN ("<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/p/a &amp; &quot;b&quot;&#10;c'/>"
              "<target dev='vda'/><shareable/></disk>"
              "<disk type='block' device='lun'><source dev='/dev/sdz'/><target dev='sda'/><transient/></disk>"
              "<disk type='volume'><source pool='po ol' volume='vo&lt;l'/><target dev='vdb'/><readonly/></disk>"
              "<disk type='file' device='cdrom'><target dev='hda'/></disk>"
              "<disk type='network'><source protocol='rbd' name='pool/image'/><target dev='vdc'/></disk>"),
      info));
  g_assert_cmpstr (info->arch, ==, "aarch64");
  g_assert_cmpuint (info->disks->len, ==, 5);

  g_assert_cmpstr (disk_at (info, 0)->path, ==, "/p/a & \"b\"\nc");
  g_assert_cmpstr (disk_at (info, 0)->format, ==, "qcow2");
  g_assert_true (disk_at (info, 0)->shareable);
  g_assert_false (disk_at (info, 0)->readonly);

  g_assert_cmpstr (disk_at (info, 1)->device, ==, "lun");
  g_assert_cmpstr (disk_at (info, 1)->path, ==, "/dev/sdz");
  g_assert_true (disk_at (info, 1)->transient);

  g_assert_cmpstr (disk_at (info, 2)->device, ==, "disk");
  g_assert_cmpstr (disk_at (info, 2)->pool, ==, "po ol");
  g_assert_cmpstr (disk_at (info, 2)->volume, ==, "vo<l");
  g_assert_null (disk_at (info, 2)->path);
  g_assert_true (disk_at (info, 2)->readonly);

  g_assert_null (disk_at (info, 3)->path);
  g_assert_true (disk_at (info, 3)->readonly);

  g_assert_cmpstr (disk_at (info, 4)->type, ==, "network");
  g_assert_null (disk_at (info, 4)->path);
}

static void
test_domain_bus (void)
{
  g_autoptr (ColdDomainInfo) info = cold_domain_info_new ();
  g_autoptr (ColdDomainInfo) other = cold_domain_info_new ();

  g_assert_true (cold_libvirt_xml_read_domain (
      DOMAIN ("<disk type='file'><source file='/p/a'/><target dev='vda' bus='virtio'/></disk>"
              "<disk type='file'><source file='/p/b'/><target dev='sda' bus='scsi'/></disk>"
              "<disk type='file'><source file='/p/c'/><target dev='sdb'/></disk>"
              "<controller type='usb' model='qemu-xhci'/><controller type='scsi' model='virtio-scsi'/>"),
      info));
  g_assert_cmpstr (disk_at (info, 0)->bus, ==, "virtio");
  g_assert_cmpstr (disk_at (info, 1)->bus, ==, "virtio-scsi");
  g_assert_null (disk_at (info, 2)->bus);
  g_assert_true (cold_libvirt_xml_read_domain (
      DOMAIN ("<disk type='file'><source file='/p/b'/><target dev='sda' bus='scsi'/></disk>"
              "<controller type='scsi' model='lsilogic'/>"),
      other));
  g_assert_cmpstr (disk_at (other, 0)->bus, ==, "scsi");
}

static void
test_domain_chain (void)
{
  g_autoptr (ColdDomainInfo) info = cold_domain_info_new ();
  const ColdChainMember *near, *far;

  g_assert_true (cold_libvirt_xml_read_domain (
      DOMAIN ("<disk type='file'><source file='/p/top'/><target dev='vda'/>"
              "<backingStore type='file'><format type='qcow2'/><source file='/p/mid'/>"
              "<backingStore type='block'><format type='raw'/><source dev='/dev/base'/><backingStore/></backingStore>"
              "</backingStore></disk>"),
      info));
  g_assert_cmpuint (disk_at (info, 0)->chain->len, ==, 2);
  near = g_ptr_array_index (disk_at (info, 0)->chain, 0);
  far = g_ptr_array_index (disk_at (info, 0)->chain, 1);
  g_assert_cmpstr (disk_at (info, 0)->path, ==, "/p/top");
  g_assert_cmpstr (near->path, ==, "/p/mid");
  g_assert_cmpstr (near->format, ==, "qcow2");
  g_assert_cmpstr (far->path, ==, "/dev/base");
  g_assert_cmpstr (far->format, ==, "raw");
}

/* A disk that was plugged in shows in the live definition only, one for the next start in the other. */
static void
test_domain_union (void)
{
  g_autoptr (ColdDomainInfo) info = cold_domain_info_new ();

  g_assert_true (cold_libvirt_xml_read_domain (
      DOMAIN ("<disk type='file'><source file='/p/a'/><target dev='vda'/></disk>"
              "<disk type='file'><source file='/p/hot'/><target dev='vdb'/></disk>"),
      info));
  g_assert_true (cold_libvirt_xml_read_domain (
      DOMAIN ("<disk type='file'><source file='/p/a'/><target dev='vda'/></disk>"
              "<disk type='file'><source file='/p/later'/><target dev='vdb'/></disk>"),
      info));
  g_assert_cmpuint (info->disks->len, ==, 3);
  g_assert_cmpstr (disk_at (info, 1)->path, ==, "/p/hot");
  g_assert_cmpstr (disk_at (info, 2)->path, ==, "/p/later");
}

static void
test_volume (void)
{
  g_autoptr (ColdVolumeInfo) info = cold_volume_info_new ();

  g_assert_true (cold_libvirt_xml_read_volume (
      "<volume type='file'><name>x</name><capacity unit='bytes'>5368709120</capacity>"
      "<allocation unit='bytes'>200704</allocation><target><path>/p/x</path><format type='qcow2'/></target>"
      "<backingStore><path>/p/b&#xE4;se</path><format type='raw'/></backingStore></volume>",
      info));
  g_assert_cmpstr (info->type, ==, "file");
  g_assert_cmpstr (info->format, ==, "qcow2");
  g_assert_cmpuint (info->capacity, ==, G_GUINT64_CONSTANT (5368709120));
  g_assert_cmpuint (info->allocation, ==, 200704);
  g_assert_cmpstr (info->backing_path, ==, "/p/b\xc3\xa4se");
  g_assert_cmpstr (info->backing_format, ==, "raw");
}

static void
test_pool (void)
{
  g_autoptr (ColdPoolInfo) info = cold_pool_info_new ();

  g_assert_true (cold_libvirt_xml_read_pool (
      "<pool type='dir'><name>p</name><target><path>/srv/a b</path></target></pool>", info));
  g_assert_cmpstr (info->type, ==, "dir");
  g_assert_cmpstr (info->path, ==, "/srv/a b");
}

static void
check_snapshot (const char *xml, gboolean memory_expected, gboolean external_expected)
{
  gboolean memory, external;

  g_assert_true (cold_libvirt_xml_read_snapshot (xml, &memory, &external));
  g_assert_cmpint (memory, ==, memory_expected);
  g_assert_cmpint (external, ==, external_expected);
}

static void
test_snapshot (void)
{
  check_snapshot ("<domainsnapshot><memory snapshot='no'/><disks><disk name='vda' snapshot='internal'/></disks>"
                  "</domainsnapshot>",
                  FALSE, FALSE);
  check_snapshot ("<domainsnapshot><memory snapshot='internal'/></domainsnapshot>", TRUE, FALSE);
  check_snapshot ("<domainsnapshot><memory snapshot='external' file='/m'/></domainsnapshot>", TRUE, TRUE);
  check_snapshot ("<domainsnapshot><memory snapshot='no'/><disks><disk name='vda' snapshot='external'/></disks>"
                  "</domainsnapshot>",
                  FALSE, TRUE);
}

static void
test_garbage (void)
{
  static const char *const garbage[] = { "", "<domain", "no xml", "<domain>&unknown;</domain>", "\xff\xfe<a/>" };

  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++)
    {
      g_autoptr (ColdDomainInfo) domain = cold_domain_info_new ();
      g_autoptr (ColdVolumeInfo) volume = cold_volume_info_new ();
      gboolean memory, external;

      g_assert_false (cold_libvirt_xml_read_domain (garbage[i], domain));
      g_assert_cmpuint (domain->disks->len, ==, 0);
      g_assert_false (cold_libvirt_xml_read_volume (garbage[i], volume));
      g_assert_false (cold_libvirt_xml_read_snapshot (garbage[i], &memory, &external));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/libvirt-xml/domain/sources", test_domain_sources);
  g_test_add_func ("/libvirt-xml/domain/bus", test_domain_bus);
  g_test_add_func ("/libvirt-xml/domain/chain-in-order", test_domain_chain);
  g_test_add_func ("/libvirt-xml/domain/live-and-inactive-are-united", test_domain_union);
  g_test_add_func ("/libvirt-xml/volume", test_volume);
  g_test_add_func ("/libvirt-xml/pool", test_pool);
  g_test_add_func ("/libvirt-xml/snapshot-kinds", test_snapshot);
  g_test_add_func ("/libvirt-xml/garbage-is-refused", test_garbage);
  return g_test_run ();
}
