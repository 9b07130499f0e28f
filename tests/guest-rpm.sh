#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
#   guest-rpm.sh dnf|zypper
#
# A guest of rpm packages through the agent: planned as its own tool would do it, upgraded by that one, local settings kept.
PRIVATE_HOST_OPTIONS="--keep ${COLDPATCH_TEST_CACHE:=/var/cache/coldpatch-tests}" # the guest, for the next run
. "$(dirname "$0")/lib.sh"

manager=$1
images=/var/lib/libvirt/images
disk=$images/guest.raw
made=/var/lib/libvirt/made
root=root=UUID=c01d0000-0000-4000-8000-000000000003

# --- asking ------------------------------------------------------------------------------------------------------------

file_in_guest()
{
  debugfs -R "cat $1" "$disk?offset=1048576" 2>/dev/null
}
label_in_guest()
{
  debugfs -R "ea_get -V $1 security.selinux" "$disk?offset=1048576" 2>/dev/null | tr -d '\0'
}
exists_in_guest()
{
  debugfs -R "stat $1" "$disk?offset=1048576" 2>/dev/null | grep -q Inode
}
# What is in a folder of the guest, but for . and ..
names_in()
{
  debugfs -R "ls -p $1" "$disk?offset=1048576" 2>/dev/null | cut -d/ -f6 | grep -vxE '|\.\.?'
}
inspected()
{
  [ "$(property "$volume" Volume PendingCount)" = "$1" ] && [ "$(property "$volume" Volume State)" = "$2" ]
}
planned()
{
  call "$volume" Volume GetPlan | jq -r '.[] | "\(.[0]) \(.[2])"' | sort
}
# in_guest COMMAND: by the guest's shell, with the repository at hand; writes nothing to the disk
in_guest()
{
  LIBGUESTFS_PATH=$(dirname "$(ls /var/cache/coldpatch/appliance/*/kernel | head -1)") LIBGUESTFS_BACKEND=direct \
    LIBGUESTFS_BACKEND_SETTINGS=force_tcg guestfish <<END
add-drive $disk format:raw readonly:true
run
mount /dev/sda1 /
mkdir /tmp/repos
write /tmp/repos/cold.repo "[cold]\nname=cold\nbaseurl=file:///tmp/repository\nenabled=1\ngpgcheck=0\n"
copy-in $made/repository /tmp
sh "$(tr '\n' ';' <<<"$1")"
END
}
ask_dnf()
{
  in_guest "dnf --assumeno --disableplugin=local --nogpgcheck --setopt=reposdir=/tmp/repos upgrade || true
dnf -C --disableplugin=local --setopt=reposdir=/tmp/repos check && echo consistent"
}
ask_zypper()
{
  in_guest "zypper --reposd-dir /tmp/repos --non-interactive --no-gpg-checks --xmlout update --dry-run
zypper --reposd-dir /tmp/repos --non-interactive verify && echo consistent"
}
would_dnf()
{
  sed -nE 's/^ (cold-[^ ]*) +noarch +([^ ]*) +cold .*/\1 \2/p' "$1" | sort
}
would_zypper()
{
  sed -nE 's/^<solvable type="package" name="([^"]*)" edition="([^"]*)".*/\1 \2/p' "$1" | sort
}
history()
{
  call "$volume" Volume GetHistory | jq -c .
}
upgrade()
{
  job=$(call "$volume" Volume Upgrade 'a{sv}' 0) && wait_for 600 job_finished "$job" || return 1
  property "$job" Job ErrorMessage
  equals upgraded property "$job" Job Outcome
}

# --- the guest ---------------------------------------------------------------------------------------------------------

mkdir -p $made /etc/coldpatch/sources.d
"$tests/guests/make-rpm-guest" "$manager" $made || exit 1
pending=$(printf '%s\n' 'cold-alpha 2-1' 'cold-beta 2-1' 'cold-gamma 2-1' 'cold-kernel 2-1')
case $manager in
  dnf) match='fedora 38 x86_64' packages=8 pending+=$'\ncold-mod 2-1.module+1' ;;
  zypper) match='opensuse 15.5 x86_64' packages=7 ;;
esac
cat >/etc/coldpatch/sources.d/cold.conf <<END
[cold]
Type=rpm-md
Match=$match
Uri=file://$made/repository
SignedBy=$made/keyring.gpg
END
define_pool default $images
cp --sparse=always $made/guest.raw $disk
virsh -q pool-refresh default
start_agent
check /agent/up wait_agent
check /appliance/ready eventually 240 appliance_ready
volume=$(await_volume default guest.raw)

# --- planned as the guest's own tool would do it -------------------------------------------------------------------------

check /inspect/pending eventually 240 inspected "$(wc -l <<<"$pending")" pending
check /inspect/manager equals $manager property "$volume" Volume PackageManager
check /inspect/packages equals $packages property "$volume" Volume PackageCount
ask_$manager >/run/says 2>&1
cat /run/says
check /plan/as-$manager-says equals "$(would_$manager /run/says)" planned
check /plan/all equals "$pending" planned

# --- upgraded ------------------------------------------------------------------------------------------------------------

check /upgrade/upgraded upgrade
check /upgrade/files equals 'cold-beta 2-1' file_in_guest /usr/share/cold/cold-beta
check /upgrade/locked-as-before equals 'cold-held 1-1' file_in_guest /usr/share/cold/cold-held
check /upgrade/old-kernel-beside-the-new equals 'kernel 1-1 kernel 2-1' \
  eval 'echo $(file_in_guest /boot/vmlinuz-1-1) $(file_in_guest /boot/vmlinuz-2-1)'
check /upgrade/even-older-kernels-too equals 'kernel 0-1 kernel 0-2' \
  eval 'echo $(file_in_guest /boot/vmlinuz-0-1) $(file_in_guest /boot/vmlinuz-0-2)'
check /upgrade/own-command-line equals "$root quiet" file_in_guest /var/lib/cold-cmdline
check /upgrade/configuration-kept equals setting=mine file_in_guest /etc/cold-alpha.conf
check /upgrade/packaged-configuration-beside equals setting=2-1 file_in_guest /etc/cold-alpha.conf.rpmnew
check /upgrade/kept-configuration-reported matches '/etc/cold-alpha.conf' call "$volume" Volume GetHistory
check /upgrade/replaced-configuration equals setting=2-1 file_in_guest /etc/replaced/cold-beta.conf
check /upgrade/own-configuration-beside equals setting=mine file_in_guest /etc/replaced/cold-beta.conf.rpmsave
check /upgrade/replaced-configuration-reported matches '"replaced-config":\["/etc/replaced/cold-beta.conf"\]' history
check /upgrade/the-rest-reported matches '"unattributed":\["/var/lib/cold-cmdline"\]' history
check /upgrade/no-difference-to-the-plan matches '"differences":\[\]' history
check /upgrade/boot-checked matches '"name":"boot","ok":true' history
check /upgrade/initramfs-checked matches '"name":"initramfs","ok":true,"detail":"1 new' history
check /upgrade/service-deferred matches 'try-restart cold-alpha.service' call "$volume" Volume GetHistory
check /upgrade/machine-id-kept equals 0123456789abcdef0123456789abcdef file_in_guest /etc/machine-id
check /upgrade/repositories-as-before equals cold.repo \
  names_in /etc/$([ $manager = dnf ] && echo yum.repos.d || echo zypp/repos.d)
check /upgrade/macros-as-before equals macros names_in /etc/rpm
check /upgrade/no-packages-left equals '' names_in /var/cache/$([ $manager = dnf ] && echo dnf || echo zypp)
case $manager in
  dnf)
    check /upgrade/labelled equals system_u:object_r:usr_t:s0 label_in_guest /usr/share/cold/cold-gamma
    check /upgrade/enabled-stream equals 'cold-mod 2-1.module+1' file_in_guest /usr/share/cold/cold-mod
    check /upgrade/streams-as-before equals cold-stream.module names_in /etc/dnf/modules.d
    check /upgrade/not-to-be-labelled-at-boot fails exists_in_guest /.autorelabel
    ;;
  zypper) check /upgrade/to-be-labelled-at-boot exists_in_guest /.autorelabel ;;
esac
check /upgrade/nothing-pending eventually 60 inspected 0 current
check /upgrade/no-leftovers eventually 20 no_leftovers
ask_$manager >/run/says 2>&1
cat /run/says
check /upgrade/database-consistent grep -x consistent /run/says
check /upgrade/$manager-agrees equals '' would_$manager /run/says
check /agent/term/ends-well stop_agent
finish
