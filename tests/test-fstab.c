/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib.h>

#include "cold-fstab.h"
#include "cold-json.h"

/* @wanted: "<code> <detail>" of each blocker, a line each */
static void
assert_blockers (const char *text, const char *mounted, const char *wanted)
{
  g_auto (GStrv) places = g_strsplit (mounted, " ", -1);
  g_autoptr (JsonObject) facts = json_object_new ();
  g_autoptr (GString) found = g_string_new (NULL);
  JsonArray *blockers;

  cold_fstab_check (text, (const char *const *) places, facts);
  blockers = cold_json_array (facts, "blockers");
  for (guint i = 0; blockers != NULL && i < json_array_get_length (blockers); i++)
    {
      JsonObject *blocker = cold_json_array_object (blockers, i);

      g_string_append_printf (found, "%s %s\n", cold_json_string (blocker, "code"), cold_json_string (blocker, "detail"));
    }
  g_assert_cmpstr (found->str, ==, wanted);
}

static void
test_mounted (void)
{
  assert_blockers (NULL, "/", "");
  assert_blockers ("# /boot was on\nUUID=1 / ext4 defaults 0 1\nUUID=2\t/boot  ext4 defaults\nLABEL=v /var/ xfs\n", "/ /boot /var", "");
}

static void
test_missing (void)
{
  assert_blockers ("UUID=2 /boot ext4 defaults 0 2\n  LABEL=v /var/ xfs\n/dev/vdb1 /backup ext4", "/",
                   "missing-disk UUID=2, which /etc/fstab mounts on /boot\nmissing-disk LABEL=v, which /etc/fstab mounts on /var\n"
                   "missing-disk /dev/vdb1, which /etc/fstab mounts on /backup\n");
}

static void
test_data (void)
{
  assert_blockers ("UUID=2 /home ext4\nUUID=3 /srv/www ext4\n/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0\nUUID=4 none swap sw 0 0\n",
                   "/", "");
}

/* The guest starts without it; packages may have their files there nevertheless. */
static void
test_optional (void)
{
  assert_blockers ("UUID=2 /backup ext4 defaults,nofail 0 2\nUUID=3 /usr/local ext4 noauto\n/dev/sdb1 /var/lib/docker ext4 _netdev\n", "/",
                   "");
  assert_blockers ("UUID=2 /opt/large ext4 defaults,nofail 0 2\nUUID=3 /boot/efi vfat noauto,x-systemd.automount", "/",
                   "missing-disk UUID=2, which /etc/fstab mounts on /opt/large\n"
                   "missing-disk UUID=3, which /etc/fstab mounts on /boot/efi\n");
  assert_blockers ("UUID=2 /backup ext4 nofailure", "/", "missing-disk UUID=2, which /etc/fstab mounts on /backup\n");
}

static void
test_elsewhere (void)
{
  assert_blockers ("/srv/opt /opt none bind 0 0\nnas:/usr /usr/share nfs ro 0 0\n", "/",
                   "unsupported-os /etc/fstab mounts /srv/opt on /opt, where packages have files\n"
                   "unsupported-os /etc/fstab mounts nas:/usr on /usr/share, where packages have files\n");
  assert_blockers ("nas:/www /var/www nfs\n//nas/backup /backup cifs\n/home/a /srv/b none bind\ntmpfs /tmp tmpfs\nproc /proc proc\n"
                   "tmpfs /var/lib tmpfs\n/swapfile none swap sw\nbroken\n",
                   "/", "");
}

static void
test_partitions (void)
{
  g_auto (GStrv) pairs = cold_fstab_list_partitions ("PARTUUID=AB-01 / ext4\nPARTUUID=AB-02 /boot/efi/ vfat\nPARTLABEL=\"Var\" /var ext4\n"
                                                     "PARTUUID=../sda /opt ext4\nPARTUUID=ab-04 /home btrfs subvol=@home\nUUID=3 /usr ext4\nPARTUUID=ab-03 none swap\n");
  g_autofree char *all = g_strjoinv (" ", pairs);

  g_assert_cmpstr (all, ==, "/boot/efi /dev/disk/by-partuuid/ab-02 /var /dev/disk/by-partlabel/Var");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fstab/mounted/no-blocker", test_mounted);
  g_test_add_func ("/fstab/missing/blocks", test_missing);
  g_test_add_func ("/fstab/data/no-blocker", test_data);
  g_test_add_func ("/fstab/optional/blocks-where-packages-are", test_optional);
  g_test_add_func ("/fstab/elsewhere/blocks-where-packages-are", test_elsewhere);
  g_test_add_func ("/fstab/partitions/are-listed", test_partitions);
  return g_test_run ();
}
