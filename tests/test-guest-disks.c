/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-disks.h"
#include "inventory-fixture.h"

static void
check_needed (InventoryFixture *f, const char *expected)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) disks = cold_guest_disks_resolve (f->inventory, f->volume, &error);
  g_auto (GStrv) drivers = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  drivers = cold_guest_disks_needed_drivers (disks);
  text = g_strjoinv (" ", drivers);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_template (InventoryFixture *f, gconstpointer data)
{
  check_needed (f, "");
}

static void
test_devices (InventoryFixture *f, gconstpointer data)
{
  ColdDisk *first, *second;

  first = inventory_fixture_attach (f->domain, f->volume);
  second = inventory_fixture_attach (f->domain, f->other);
  cold_inventory_volume_touch (f->inventory, f->volume);
  first->bus = g_strdup ("virtio");
  second->bus = g_strdup ("virtio-scsi");
  check_needed (f, "virtio_blk virtio_pci virtio_scsi");
  g_free (second->bus);
  second->bus = g_strdup ("sata");
  check_needed (f, "virtio_blk virtio_pci ahci");
  /* One of many kinds, of which libvirt says nothing. */
  g_free (second->bus);
  second->bus = g_strdup ("scsi");
  check_needed (f, "virtio_blk virtio_pci");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/guest-disks/needed-drivers/template", InventoryFixture, NULL, inventory_fixture_setup, test_template,
              inventory_fixture_teardown);
  g_test_add ("/guest-disks/needed-drivers/domain", InventoryFixture, NULL, inventory_fixture_setup, test_devices,
              inventory_fixture_teardown);
  return g_test_run ();
}
