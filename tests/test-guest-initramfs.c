/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest-initramfs.h"
#include "cold-json.h"

#define OLD "{\"drivers\":[\"ahci\",\"virtio_blk\"],\"systems\":[\"ext4\",\"jfs\"]}"

static const char *const nothing[] = { NULL };
static const char *const ext4[] = { "ext4", NULL };

static JsonObject *
parse (const char *text)
{
  GError *error = NULL;
  JsonObject *object = text != NULL ? cold_json_parse_object (text, -1, &error) : NULL;

  g_assert_no_error (error);
  return object;
}

/* @expected: (nullable): what it lacks; @notes: how many are made */
static void
judge (const char *old_text, const char *now_text, const ColdInitramfsMeasure *measure, const char *expected, guint notes)
{
  g_autoptr (JsonObject) old = parse (old_text);
  g_autoptr (JsonObject) now = parse (now_text);
  g_autoptr (GPtrArray) made = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *lacks = cold_guest_initramfs_judge (old, now, measure, made);

  g_assert_cmpstr (lacks, ==, expected);
  g_assert_cmpuint (made->len, ==, notes);
}

static void
test_same (void)
{
  const ColdInitramfsMeasure measure = { nothing, ext4, NULL, NULL };

  judge (OLD, OLD, &measure, NULL, 0);
  judge (OLD, "{\"drivers\":[\"ahci\",\"nvme\",\"virtio_blk\"],\"systems\":[\"ext4\",\"jfs\"]}", &measure, NULL, 0);
  judge (NULL, OLD, &measure, NULL, 0);
}

static void
test_lost (void)
{
  const ColdInitramfsMeasure measure = { nothing, ext4, NULL, NULL };

  judge (OLD, "{\"drivers\":[\"ahci\"],\"systems\":[\"ext4\",\"jfs\"]}", &measure, "virtio_blk", 0);
  judge (OLD, "{\"drivers\":[],\"systems\":[\"jfs\"]}", &measure, "ahci, virtio_blk, ext4", 0);
  /* A file system that the guest does not start from. */
  judge (OLD, "{\"drivers\":[\"ahci\",\"virtio_blk\"],\"systems\":[\"ext4\"]}", &measure, NULL, 1);
}

static void
test_kernel (void)
{
  const ColdInitramfsMeasure built_in
      = { nothing, ext4, "kernel/drivers/block/loop.ko\nkernel/drivers/block/virtio_blk.ko\nkernel/fs/jfs/jfs.ko\n",
          "kernel/drivers/ata/ahci.ko.xz: kernel/drivers/ata/libahci.ko.xz\n" };
  const ColdInitramfsMeasure gone = { nothing, ext4, "", "kernel/fs/ext4/ext4.ko.zst: x.ko\nkernel/drivers/block/virtio-blk.ko:\n" };

  judge (OLD, "{\"drivers\":[\"ahci\"],\"systems\":[\"ext4\"]}", &built_in, NULL, 0);
  judge (OLD, "{\"drivers\":[],\"systems\":[\"ext4\"]}", &built_in, "ahci", 0);
  /* ahci and jfs: the distribution's decision; virtio_blk is there as a module, and not in the initramfs. */
  judge (OLD, "{\"drivers\":[],\"systems\":[\"ext4\"]}", &gone, "virtio_blk", 2);
}

static void
test_needed (void)
{
  const char *const needed[] = { "virtio_scsi", NULL };
  const ColdInitramfsMeasure measure = { needed, nothing, NULL, "kernel/drivers/scsi/virtio_scsi.ko:\n" };
  const ColdInitramfsMeasure other = { needed, nothing, NULL, "kernel/drivers/ata/ahci.ko:\n" };
  const ColdInitramfsMeasure built_in = { needed, nothing, "kernel/drivers/scsi/virtio_scsi.ko\n", "" };

  judge (NULL, OLD, &measure, "virtio_scsi", 0);
  judge (OLD, OLD, &measure, NULL, 1);
  judge (NULL, OLD, &other, NULL, 1);
  judge (NULL, OLD, &built_in, NULL, 0);
}

static void
test_unreadable (void)
{
  const ColdInitramfsMeasure measure = { nothing, ext4, NULL, NULL };

  judge (OLD, "{\"error\":\"damaged\"}", &measure, "damaged", 0);
  judge ("{\"error\":\"of no known kind\"}", "{\"error\":\"of no known kind\"}", &measure, NULL, 1);
  judge ("{\"error\":\"of no known kind\"}", OLD, &measure, NULL, 0);
}

static void
test_find_old (void)
{
  g_autoptr (JsonObject) before = parse ("{\"/boot/initrd.img-6.1.0-9\":{\"stamp\":\"9\"},\"/boot/initrd.img-6.1.0-10\":{\"stamp\":"
                                         "\"10\"},\"/boot/initrd.img-6.1.0-10-fallback\":{\"stamp\":\"f\"}}");

  g_assert_cmpstr (cold_json_string (cold_guest_initramfs_find_old (before, "/boot/initrd.img-6.1.0-9"), "stamp"), ==, "9");
  g_assert_cmpstr (cold_json_string (cold_guest_initramfs_find_old (before, "/boot/initrd.img-6.1.0-11"), "stamp"), ==, "10");
  g_assert_null (cold_guest_initramfs_find_old (NULL, "/boot/initrd.img-6.1.0-11"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/guest-initramfs/nothing-lost", test_same);
  g_test_add_func ("/guest-initramfs/lost", test_lost);
  g_test_add_func ("/guest-initramfs/what-the-kernel-has-itself", test_kernel);
  g_test_add_func ("/guest-initramfs/needed-by-devices", test_needed);
  g_test_add_func ("/guest-initramfs/unreadable", test_unreadable);
  g_test_add_func ("/guest-initramfs/compared-with", test_find_old);
  return g_test_run ();
}
