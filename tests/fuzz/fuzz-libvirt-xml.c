/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libvirt's documents, with what users write into them: each reader reads every input.
 */
#include "cold-libvirt-xml.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *xml = fuzz_text (data, size);
  g_autoptr (ColdVolumeInfo) volume = cold_volume_info_new ();
  g_autoptr (ColdPoolInfo) pool = cold_pool_info_new ();
  g_autoptr (ColdDomainInfo) domain = cold_domain_info_new ();
  gboolean memory, external;

  cold_libvirt_xml_read_volume (xml, volume);
  cold_libvirt_xml_read_pool (xml, pool);
  /* Live and inactive definition. */
  if (cold_libvirt_xml_read_domain (xml, domain))
    {
      guint n = domain->disks->len;

      cold_libvirt_xml_read_domain (xml, domain);
      g_assert_cmpuint (domain->disks->len, ==, n);
    }
  cold_libvirt_xml_read_snapshot (xml, &memory, &external);
  return 0;
}
