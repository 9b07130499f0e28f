#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests on other disk layouts than one partition: LVM on one disk with /var on another, btrfs as openSUSE has it, and one that is
# full inside.
: "${COLDPATCH_TEST_CACHE:=/var/cache/coldpatch-tests}"
# The guest and the appliance, for the next run.
PRIVATE_HOST_OPTIONS="--keep $COLDPATCH_TEST_CACHE --cache $COLDPATCH_TEST_CACHE/coldpatch"
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
made=/var/lib/libvirt/made
tree=$made/tree
parts=$made/parts
mnt=$made/mnt

# --- making ------------------------------------------------------------------------------------------------------------

# The tiny guest's files, but for what only makes them many.
unpack_tiny()
{
  mkdir -p $tree $parts $mnt
  mount -o loop,ro,offset=1048576 $made/guest.raw $mnt && cp -a $mnt/. $tree/ && umount $mnt || return 1
  rm -rf ${tree:?}/usr/lib/modules/* ${tree:?}/boot/* $tree/usr/share/{i18n,zoneinfo} $tree/usr/lib/x86_64-linux-gnu/gconv \
    $tree/var/cache/apt/*
  mkdir -p $tree/boot/efi
  echo kernel >$tree/boot/filler
}
# ext IMAGE TYPE SIZE UUID FOLDER
ext()
{
  mke2fs -q -F -t "$2" -U "$4" -d "$5" "$1" "$3"
}
# on_btrfs IMAGE: root in a snapshot that is the default subvolume, the package database in another one; two older snapshots, of
# which one has an fstab that names the subvolume
on_btrfs()
{
  local uuid=c01d0000-0000-4000-8000-0000000000b0 root=$mnt/@/.snapshots/1/snapshot volume
  truncate -s 500M $parts/btrfs
  mkfs.btrfs -q -f -U $uuid $parts/btrfs
  mount -o loop $parts/btrfs $mnt || return 1
  btrfs -q subvolume create $mnt/@
  mkdir $mnt/@/usr
  for volume in .snapshots home opt usr/local var; do
    btrfs -q subvolume create $mnt/@/$volume
  done
  mkdir $mnt/@/.snapshots/{1,2,3}
  btrfs -q subvolume create $root
  cp -a $tree/. $root/
  cp -a $root/var/. $mnt/@/var/
  rm -rf ${root:?}/var/* ${root:?}/usr/local/*
  mkdir -p $root/{.snapshots,home,opt}
  {
    echo "UUID=$uuid / btrfs defaults 0 0"
    for volume in .snapshots home opt usr/local var; do
      echo "UUID=$uuid /$volume btrfs subvol=/@/$volume 0 0"
    done
    echo "UUID=C01D-0001 /boot/efi vfat umask=0077 0 2"
  } >$root/etc/fstab
  btrfs -q subvolume snapshot -r $root $mnt/@/.snapshots/2/snapshot
  btrfs -q subvolume snapshot $root $mnt/@/.snapshots/3/snapshot
  sed -i 's,/ btrfs defaults,/ btrfs subvol=/@/.snapshots/1/snapshot,' $mnt/@/.snapshots/3/snapshot/etc/fstab
  btrfs -q subvolume set-default $root
  umount $mnt
  mkfs.vfat -C -i C01D0001 $parts/esp 20480 >/dev/null
  truncate -s 523M "$1"
  printf 'start=2048, size=20M, type=U\nsize=500M\n' | sfdisk -q --label gpt "$1"
  dd if=$parts/esp of="$1" bs=1M seek=1 conv=notrunc,sparse status=none
  dd if=$parts/btrfs of="$1" bs=1M seek=21 conv=notrunc,sparse status=none
}
# on_lvm IMAGE DATA: as Debian's installer does it, named as Ubuntu's does it; /var is on the other disk
on_lvm()
{
  local root=$made/lvm
  cp -a $tree $root
  mkdir $parts/boot $parts/var
  mv $root/boot/* $parts/boot/
  mv $root/var/* $parts/var/
  cat >$root/etc/fstab <<-END
	/dev/mapper/cold--vg-root / ext4 errors=remount-ro 0 1
	PARTUUID=c01d0000-0000-4000-8000-0000000000a5 /boot ext2 defaults 0 2
	/dev/disk/by-uuid/c01d0000-0000-4000-8000-0000000000a3 /var ext4 defaults 0 2
	/dev/mapper/cold--vg-swap none swap sw 0 0
	UUID=c01d0000-0000-4000-8000-0000000000a4 /backup ext4 nofail 0 2
	END
  ext $parts/boot.ext2 ext2 20M c01d0000-0000-4000-8000-0000000000a1 $parts/boot
  ext $parts/root.ext4 ext4 300M c01d0000-0000-4000-8000-0000000000a2 $root
  ext $parts/var.ext4 ext4 100M c01d0000-0000-4000-8000-0000000000a3 $parts/var
  truncate -s 400M "$1"
  printf 'start=2048, size=20M, uuid=C01D0000-0000-4000-8000-0000000000A5\ntype=V\n' | sfdisk -q --label gpt "$1"
  truncate -s 102M "$2"
  echo 'start=2048, size=100M' | sfdisk -q --label gpt "$2"
  dd if=$parts/boot.ext2 of="$1" bs=1M seek=1 conv=notrunc,sparse status=none
  dd if=$parts/var.ext4 of="$2" bs=1M seek=1 conv=notrunc,sparse status=none
  fish <<-END
	add-drive $1 format:raw
	add-drive $parts/root.ext4 format:raw readonly:true
	run
	pvcreate /dev/sda2
	vgcreate cold-vg /dev/sda2
	lvcreate root cold-vg 300
	lvcreate swap cold-vg 16
	mkswap /dev/cold-vg/swap
	copy-device-to-device /dev/sdb /dev/cold-vg/root sparse:true
	END
}
# full IMAGE: a disk without partitions, full but for what the kernel keeps for itself; fstab is of another host
full()
{
  local free
  cp -a $tree $made/full
  echo '/dev/vda1 / ext4 defaults 0 1' >$made/full/etc/fstab
  ext "$1" ext4 400M c01d0000-0000-4000-8000-0000000000f1 $made/full
  free=$(dumpe2fs -h "$1" 2>/dev/null | awk '/^Free blocks/ { f = $3 } /^Block size/ { print int (f * $3 / 1024) }')
  write_filler "$1" more 9000
  write_filler "$1" all $((free - 9000 - 100))
}
# write_filler IMAGE NAME KiB
write_filler()
{
  head -c "$3K" /dev/zero | tr '\0' x >$parts/filler
  debugfs -w -R "write $parts/filler $2" "$1" 2>/dev/null
  rm $parts/filler
}
# large_package: a version 3 of cold-beta that is much larger inside than it was packed
large_package()
{
  local gpg=/run/gpg
  mkdir -p $made/large/usr/share/cold
  echo 'cold-beta 3' >$made/large/usr/share/cold/cold-beta
  truncate -s 8M $made/large/usr/share/cold/large
  "$tests/guests/make-repository" key $gpg $made/large.gpg
  "$tests/guests/make-repository" deb $made/large-repository updates cold-beta 3 --root $made/large
  "$tests/guests/make-repository" index $made/large-repository updates $gpg
  "$tests/guests/make-repository" end $gpg
  chmod 0644 $made/large.gpg
  write_source large file://$made/large-repository updates $made/large.gpg no
}
fish()
{
  LIBGUESTFS_PATH=$(dirname "$(ls /var/cache/coldpatch/appliance/*/kernel | head -1)") LIBGUESTFS_BACKEND=direct \
    LIBGUESTFS_BACKEND_SETTINGS=force_tcg guestfish
}

# --- asking ------------------------------------------------------------------------------------------------------------

state()
{
  property "$(volume default "$1")" Volume State
}
codes()
{
  property "$(volume default "$1")" Volume Blockers | jq -r 'join(" ")'
}
pending()
{
  echo "$(state "$1"): $(call "$(volume default "$1")" Volume GetBlockers)"
  [ "$(state "$1")" = pending ]
}
# upgrade NAME OUTCOME
upgrade()
{
  job=$(call "$(volume default "$1")" Volume Upgrade 'a{sv}' 0) && wait_for 400 job_finished "$job" || return 1
  property "$job" Job ErrorMessage
  equals "$2" property "$job" Job Outcome
}
checks()
{
  call "$(volume default "$1")" Volume GetHistory | jq -c '.[0].checks // .'
}
sum()
{
  sha256sum <"$images/$1" | cut -d' ' -f1
}
version_in_status()
{
  awk '/^Package:/ { p = $2 } /^Version:/ && p == "cold-alpha" { print $2 }'
}

# --- the guests --------------------------------------------------------------------------------------------------------

mkdir -p $made
"$tests/guests/make-tiny" $made || exit 1
write_source tiny file://$made/repository updates $made/keyring.gpg yes
large_package
define_pool default $images
unpack_tiny || exit 1
start_agent
check /agent/up wait_agent
check /appliance/ready eventually 240 appliance_ready
# Nothing is in the pool before it is whole.
on_btrfs $made/btrfs.raw || exit 1
on_lvm $made/lvm.raw $made/var.raw || exit 1
full $made/full.raw
mv $made/{btrfs,lvm,var,full}.raw $images/
"$tests/guests/make-domain" lvm $images/lvm.raw |
  sed "s|</disk>|&<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$images/var.raw'/>\
<target dev='vdb' bus='virtio'/></disk>|" >/run/lvm.xml
virsh -q define /run/lvm.xml
# The half of it, as a template of its own: what fstab wants is not there.
cp --sparse=always $images/lvm.raw $images/half.raw
virsh -q pool-refresh default

# --- LVM, and two disks ------------------------------------------------------------------------------------------------

check /lvm/pending eventually 240 pending lvm.raw
check /lvm/upgraded upgrade lvm.raw upgraded
check /lvm/database-on-other-disk equals 2 eval "debugfs -R 'cat /lib/dpkg/status' '$images/var.raw?offset=1048576' 2>/dev/null | version_in_status"
# The first logical volume begins 1 MiB into the partition.
check /lvm/files-on-logical-volume equals 'cold-beta 3' \
  eval "debugfs -R 'cat /usr/share/cold/cold-beta' '$images/lvm.raw?offset=$((22 << 20))' 2>/dev/null"
for device in /dev/sda1 /dev/cold-vg/root /dev/sdb1; do
  check /lvm/checked$device matches "\"filesystem $device\",\"ok\":true" checks lvm.raw
done
check /lvm/one-disk-alone/missing-disk eventually 240 matches '^missing-disk$' codes half.raw
check /lvm/one-disk-alone/reason matches 'by-uuid/c01d0000-0000-4000-8000-0000000000a3, which /etc/fstab mounts on /var' \
  call "$(volume default half.raw)" Volume GetBlockers

# --- btrfs -------------------------------------------------------------------------------------------------------------

check /btrfs/pending eventually 240 pending btrfs.raw
check /btrfs/upgraded upgrade btrfs.raw upgraded
check /btrfs/checked matches '"filesystem /dev/sda2","ok":true' checks btrfs.raw
mount -o loop,ro,offset=$((21 << 20)),sizelimit=$((500 << 20)) $images/btrfs.raw $mnt
check /btrfs/default-subvolume equals 'cold-beta 3' cat $mnt/usr/share/cold/cold-beta
umount $mnt
mount -o loop,ro,offset=$((21 << 20)),sizelimit=$((500 << 20)),subvol=@ $images/btrfs.raw $mnt
check /btrfs/database-in-its-subvolume equals 2 eval "version_in_status <$mnt/var/lib/dpkg/status"
check /btrfs/snapshot-as-before equals 'cold-beta 1' cat $mnt/.snapshots/2/snapshot/usr/share/cold/cold-beta
umount $mnt

# --- full --------------------------------------------------------------------------------------------------------------

check /full/pending eventually 240 pending full.raw
before=$(sum full.raw)
check /full/failed upgrade full.raw failed
check /full/reason matches "the guest's file system / is full: .*\(/ has [0-9]+ MiB of [0-9]+ free\); nothing was begun" \
  property "$job" Job ErrorMessage
check /full/original-unchanged equals "$before" sum full.raw
debugfs -w -R 'rm more' $images/full.raw 2>/dev/null
before=$(sum full.raw)
virsh -q pool-refresh default
check /nearly-full/pending-again eventually 240 pending full.raw
check /nearly-full/failed upgrade full.raw failed
check /nearly-full/reason matches 'a file system in the guest is full \(/ has [0-9]+ MiB of [0-9]+ free\): .*/usr/share/cold/large.*No space' \
  property "$job" Job ErrorMessage
check /nearly-full/original-unchanged equals "$before" sum full.raw
check /no-leftovers eventually 20 no_leftovers
check /agent/term/ends-well stop_agent
finish
