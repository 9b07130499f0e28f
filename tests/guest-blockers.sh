#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a guest itself has against an upgrade: small images, made without booting anything, and inspected by the real worker.
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images

# --- making ------------------------------------------------------------------------------------------------------------

# tree FOLDER: as little as is taken for a Debian
tree()
{
  mkdir -p "$1"/{bin,boot,dev,etc,proc,root,sys,usr/bin,var/lib/dpkg/updates}
  cp /bin/echo "$1/bin/echo"
  printf 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n' >"$1/etc/os-release"
  echo 12.0 >"$1/etc/debian_version"
  echo amd64 >"$1/var/lib/dpkg/arch"
  echo small >"$1/etc/hostname"
  : >"$1/etc/fstab"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$1/etc/passwd"
  printf 'Package: small\nStatus: install ok %s\nArchitecture: amd64\nVersion: 1\nMaintainer: nobody\nDescription: small\n\n' \
    installed >"$1/var/lib/dpkg/status"
  # Images with less written to them are not looked into.
  head -c 2M /dev/urandom >"$1/boot/filler"
}
# ext4 IMAGE [SHELL COMMAND]: of a tree that the command, run in it, has changed
ext4()
{
  local root=/run/tree
  rm -rf $root
  tree $root
  (cd $root && eval "${2:-}")
  truncate -s 32M "$1"
  mke2fs -q -t ext4 -F -d $root "$1"
}
# mounted IMAGE TYPE SIZE: an image as a host that lost power leaves it
mounted()
{
  local live=/var/lib/libvirt/live
  mkdir -p $live
  truncate -s "$3" /var/lib/libvirt/live.img
  "mkfs.$2" -q -f /var/lib/libvirt/live.img
  mount -o loop /var/lib/libvirt/live.img $live || return 1
  echo data >$live/data
  sync -f $live
  # What is not in the file system yet, only in its log.
  echo late >$live/late
  sync $live/late
  cp --sparse=always /var/lib/libvirt/live.img "$1"
  umount $live
  rm /var/lib/libvirt/live.img
}
# suspended_swap IMAGE SIZE: swap space into which the kernel has suspended: that is told by the last ten bytes of the first page
suspended_swap()
{
  truncate -s "$2" "$1"
  mkswap -q "$1"
  printf 'S1SUSPEND\0' | dd of="$1" bs=1 seek=4086 conv=notrunc status=none
}
# dirty_fat IMAGE OFFSET [OPTION...]: with the bit of a file system that is mounted
dirty_fat()
{
  mkfs.vfat -C "${@:3}" "$1" 40960 >/dev/null
  printf '\1' | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none
}
luks()
{
  truncate -s 32M "$1"
  echo secret | cryptsetup luksFormat -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$1" -
}
# As Windows leaves it when it was told to hibernate.
sleeping_ntfs()
{
  truncate -s 8M "$1"
  mkntfs -q -F -f "$1"
  { printf hibr; head -c 8188 /dev/zero; } >/run/hiberfil
  ntfscp -f "$1" /run/hiberfil hiberfil.sys
}
# parts IMAGE PART...: a disk with these partitions
parts()
{
  local image=$1 at=1 size part
  shift
  { echo 'label: gpt'
    for part; do
      size=$(($(stat -c %s "$part") >> 20))
      echo "start=$((at * 2048)), size=$((size * 2048))"
      at=$((at + size))
    done } >/run/parts.sfdisk
  truncate -s $((at + 1))M "$image"
  sfdisk -q "$image" </run/parts.sfdisk
  at=1
  for part; do
    dd if="$part" of="$image" bs=1M seek=$at conv=notrunc,sparse status=none
    at=$((at + ($(stat -c %s "$part") >> 20)))
  done
}

define_pool default $images
mkdir -p /run/parts
cd /run/parts || exit 1
ext4 $images/whole.raw
luks $images/encrypted.raw
# The header is 16 MiB, of which little is written.
dd if=/dev/urandom of=$images/encrypted.raw bs=1M seek=20 count=2 conv=notrunc status=none
# What a system's own files have against it. e_machine of the ELF header: 183 is aarch64.
suspended_swap swapfile 4M
ext4 $images/system.raw "sed -i 's/ok installed/ok half-configured/' var/lib/dpkg/status
  mkdir -p ostree/repo var/vm; cp /run/parts/swapfile var/vm/sleep; echo '/var/vm/sleep none swap sw 0 0' >etc/fstab
  printf '\267\0' | dd of=bin/echo bs=1 seek=18 conv=notrunc status=none"
ext4 $images/gentoo.raw "rm etc/debian_version; echo 'Gentoo Base System release 2.14' >etc/gentoo-release
  printf 'ID=gentoo\n' >etc/os-release"
# What its disk has against it, in one: each inspection starts an appliance.
ext4 other.raw
suspended_swap swap.raw 8M
sleeping_ntfs ntfs.raw
luks luks.raw
ext4 ext4.raw 'rm -rf *; echo data >data'
debugfs -w -R 'feature needs_recovery' ext4.raw 2>/dev/null
mounted xfs.raw xfs 320M
mounted btrfs.raw btrfs 160M
dirty_fat fat.raw 0x25
dirty_fat fat32.raw 0x41 -F 32
parts $images/disk.raw $images/whole.raw other.raw swap.raw ntfs.raw luks.raw ext4.raw xfs.raw btrfs.raw fat.raw fat32.raw
virsh -q pool-refresh default

# --- asking ------------------------------------------------------------------------------------------------------------

looked_into()
{
  [ "$(property "$(volume default "$1")" Volume Inspected)" != 0 ]
}
codes()
{
  property "$(volume default "$1")" Volume Blockers | jq -r 'join(" ")'
}
# Everything that was found in the guest, a line each; the bus shows one detail a code.
details()
{
  sqlite3 /var/lib/coldpatch/store.db "SELECT facts FROM volumes WHERE instr (name, CAST ('$1' AS BLOB)) = 1" | jq -r '.blockers[] | "\(.code) \(.detail)"'
}
# blocked SITUATION CODE NAME
blocked()
{
  check "/blocker/$1/inspected" eventually 240 looked_into "$3"
  check "/blocker/$1/$2" matches "(^| )$2( |\$)" codes "$3"
}
# found SITUATION CODE WHERE [NAME]
found()
{
  # The store is written to in batches.
  check "/blocker/$1/$2" eventually 15 matches "^$2 $3" details "${4:-disk.raw}"
}

start_agent
check /agent/up wait_agent
# The control: nothing but a repository is missing.
check /blocker/none/inspected eventually 400 looked_into whole.raw
check /blocker/none/no-catalogue equals no-catalogue codes whole.raw
blocked luks encrypted encrypted.raw
blocked unknown-manager unsupported-os gentoo.raw
blocked foreign-arch foreign-arch system.raw
blocked half-configured interrupted-transaction system.raw
blocked ostree immutable-os system.raw
found suspended-swap-file hibernated /var/vm/sleep system.raw
blocked two-roots several-operating-systems disk.raw
found suspended-swap hibernated '/dev/sda3$'
found sleeping-windows hibernated '/dev/sda4$'
found luks-partition encrypted '/dev/sda5: crypto_LUKS'
found dirty-ext4 dirty-filesystem '/dev/sda6: its journal'
found dirty-xfs dirty-filesystem '/dev/sda7: its log'
found dirty-btrfs dirty-filesystem '/dev/sda8: its log'
found dirty-fat dirty-filesystem '/dev/sda9: it was not unmounted cleanly'
found dirty-fat32 dirty-filesystem '/dev/sda10: it was not unmounted cleanly'
check /agent/term/ends-well stop_agent
finish
