#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest of pacman through the agent: planned as its own pacman would do it, upgraded by that one, local settings kept.
PRIVATE_HOST_OPTIONS="--keep ${COLDPATCH_TEST_CACHE:=/var/cache/coldpatch-tests}" # the guest, for the next run
. "$(dirname "$0")/lib.sh"
. "$tests/guest-lib.sh"

disk=/var/lib/libvirt/images/arch.raw
made=/var/lib/libvirt/made

# --- asking ------------------------------------------------------------------------------------------------------------

# Folders of pacman's database, which are named by package and version.
installed()
{
  names_in /var/lib/pacman/local | grep '^cold-' | sort | tr '\n' ' '
}
# ask_pacman COMMAND: with the repository's database in pacman's own place; writes nothing to the disk
ask_pacman()
{
  in_guest "$1" 'mkdir-p /var/lib/pacman/sync' "upload $made/repository/cold.db /var/lib/pacman/sync/cold.db"
}

# --- the guest ---------------------------------------------------------------------------------------------------------

mkdir -p $made /etc/coldpatch/sources.d
"$tests/guests/make-arch" $made || exit 1
cat >/etc/coldpatch/sources.d/cold.conf <<END
[cold]
Type=arch
Match=archlinux * x86_64
Uri=file://$made/repository
Suites=cold
SignedBy=$made/keyring.gpg
END
start_agent_with_guest

# --- planned as the guest's own pacman would do it -----------------------------------------------------------------------

check /inspect/pending eventually 240 inspected 5 pending
check /inspect/manager equals pacman property "$volume" Volume PackageManager
check /inspect/packages equals 5 property "$volume" Volume PackageCount
ask_pacman "pacman -Su -p --noconfirm --print-format 'target %n %v' 2>/dev/null; pacman -Qu" >/run/pacman-says
cat /run/pacman-says
check /plan/as-pacman-says equals "$(sed -n 's/^target //p' /run/pacman-says | sort)" planned
check /plan/not-empty matches '^cold-alpha 2-1$' planned
check /plan/new-dependency matches '^cold-gamma 2-1$' planned
check /plan/replacement matches '^cold-new 2-1$' planned
check /plan/order-of-vercmp matches '^cold-rc 1.0-1$' planned
check /plan/ignored-by-pacman grep -x 'cold-held 1-1 -> 2-1 \[ignored\]' /run/pacman-says
check /plan/ignored fails matches cold-held planned

# --- upgraded ------------------------------------------------------------------------------------------------------------

configuration=$(file_in_guest /etc/mkinitcpio.conf)
check /upgrade/upgraded upgrade
check /upgrade/versions equals 'cold-alpha-2-1 cold-beta-2-1 cold-gamma-2-1 cold-held-1-1 cold-new-2-1 cold-rc-1.0-1 ' installed
check /upgrade/files equals 'cold-beta 2-1' file_in_guest /usr/share/cold/cold-beta
check /upgrade/configuration-kept equals setting=mine file_in_guest /etc/cold-alpha.conf
check /upgrade/packaged-configuration-beside equals setting=2-1 file_in_guest /etc/cold-alpha.conf.pacnew
check /upgrade/kept-configuration-reported matches '/etc/cold-alpha.conf' call "$volume" Volume GetHistory
check /upgrade/service-deferred matches 'try-restart cold-alpha.service' call "$volume" Volume GetHistory
check /upgrade/initramfs-for-all-devices equals 'base udev block filesystems' file_in_guest /var/lib/cold-initramfs
check /upgrade/initramfs-configuration-as-before equals "$configuration" file_in_guest /etc/mkinitcpio.conf
check /upgrade/own-command-line matches '^root=[^ ]+ ro$' file_in_guest /var/lib/cold-cmdline
check /upgrade/packages-checked matches '"name":"packages","ok":true' call "$volume" Volume GetHistory
check /upgrade/as-planned matches '"differences":\[\]' call "$volume" Volume GetHistory
check /upgrade/machine-id-kept equals 0123456789abcdef0123456789abcdef file_in_guest /etc/machine-id
check /upgrade/only-its-database-is-left equals local names_in /var/lib/pacman
check /upgrade/no-packages-left fails eval 'names_in /var/cache/pacman/pkg | grep -q .'
check /upgrade/nothing-pending eventually 60 inspected 0 current
check /upgrade/no-leftovers eventually 20 no_leftovers
ask_pacman "pacman -Dk; pacman -Qk; pacman -Qu" >/run/pacman-says 2>&1
cat /run/pacman-says
check /upgrade/database-consistent grep -x 'No database errors have been found!' /run/pacman-says
check /upgrade/no-file-missing fails grep -E ', [1-9][0-9]* missing file' /run/pacman-says
check /upgrade/pacman-agrees equals 'cold-held 1-1 -> 2-1 [ignored]' grep -e '->' /run/pacman-says

# --- pacman was stopped in the middle ------------------------------------------------------------------------------------

has_blocker()
{
  call "$volume" Volume GetBlockers | jq -e --arg code "$1" 'any(.[]; .[0] == $code)'
}
debugfs -w -R 'write /dev/null /var/lib/pacman/db.lck' "$disk?offset=1048576"
virsh -q pool-refresh default
check /interrupted/blocked eventually 240 has_blocker interrupted-transaction
check /agent/term/ends-well stop_agent
finish
