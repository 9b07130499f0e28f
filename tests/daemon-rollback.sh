#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Going back to the old image, how long it is kept, and what it gives way to.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
backing=/var/lib/libvirt/backing.img
fake_guest
# Room for the 1 GiB that an upgrade may need, and a bit.
truncate -s 1400M $backing
mkfs.ext4 -q -m 0 $backing
mkdir -p $images
mount -o loop $backing $images || { echo "Bail out! no loop device" >&3; exit 1; }
printf '[Agent]\nRetentionDays=0\n' >/etc/coldpatch/coldpatch.conf
define_pool default $images
for name in a b c d; do
  head -c 16M /dev/urandom >$images/$name.raw
done
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
virsh -q pool-refresh default
# Reset ends these domains, which counts as a clean shutdown: no guest has to cooperate.
for name in a b c d; do
  "$tests/guests/make-domain" $name $images/$name.raw raw 64 |
    sed -e "s|</os>|<boot dev='cdrom'/></os>|" -e 's|<on_reboot>restart|<on_reboot>destroy|' >/run/$name.xml
  virsh -q define /run/$name.xml
done

sum()
{
  sha256sum <"$images/$1.raw" | cut -d' ' -f1
}
pending()
{
  case $(property "$(volume default "$1.raw")" Volume State) in pending|failed) ;; *) return 1 ;; esac
}
ends_with()
{
  wait_for 20 job_finished "$job" && property "$job" Job ErrorMessage && equals "$1" property "$job" Job Outcome
}
# asked NAME: for an upgrade; an inspection may come first
asked()
{
  pending "$1" && job=$(call "$(volume default "$1.raw")" Volume Upgrade 'a{sv}' 0)
}
upgrade()
{
  wait_for 30 asked "$1" && ends_with upgraded
}
# roll_back NAME OUTCOME MESSAGE [OPTION...]
roll_back()
{
  local name=$1 outcome=$2 message=$3
  shift 3
  ask_rollback "$(volume default "$name.raw")" "$@" && ends_with "$outcome" &&
    matches "$message" property "$job" Job ErrorMessage
}
blockers()
{
  property "$(volume default "$1.raw")" Volume Blockers
}
kept()
{
  property "$(volume default "$1.raw")" Volume RollbackBytes
}
hidden()
{
  find $images/.coldpatch* -type f | wc -l
}
starts()
{
  virsh -q start "$1"
}
runs_well()
{
  # QEMU may be gone before it has answered.
  virsh -q start "$1" && { virsh -q reset "$1" || true; } && wait_for 10 domain_is_off "$1"
}

start_agent
check /rollback/agent-up wait_agent
check /rollback/pending eventually 60 pending a

# --- going back --------------------------------------------------------------------------------------------------------

old=$(sum a)
check /rollback/upgraded upgrade a
check /rollback/at-once roll_back a rolled-back ''
check /rollback/at-once/old-image equals "$old" sum a
check /rollback/at-once/nothing-hidden equals 0 hidden
check /rollback/again/upgraded upgrade a
check /rollback/bytes-shown eventually 5 fails equals 0 kept a
new=$(sum a)
check /rollback/in-use/starts starts a
check /rollback/in-use/seen eventually 10 matches '"in-use"' blockers a
check /rollback/in-use/refused roll_back a refused '^in-use: '
virsh -q destroy a
check /rollback/in-use/over eventually 10 fails matches '"(in-use|claimed)"' blockers a
check /rollback/has-run/refused roll_back a refused discard-changes
call "$(volume default a.raw)" Volume SetPolicy s off
check /rollback/policy-off-does-not-matter roll_back a rolled-back '' 1 discard-changes b true
call "$(volume default a.raw)" Volume SetPolicy s inherit
call "$(volume default a.raw)" Volume DropRollback
check /rollback/old-image equals "$old" sum a
check /rollback/nothing-hidden eventually 5 equals 0 hidden

check /rollback/written/upgraded upgrade a
printf written | dd of=$images/a.raw bs=1 seek=9000000 conv=notrunc status=none
new=$(sum a)
check /rollback/written/refused roll_back a refused discard-changes
check /rollback/written/stays equals "$new" sum a
check /rollback/written/discarded roll_back a rolled-back '' 1 discard-changes b true
check /rollback/written/old-image equals "$old" sum a
# What was discarded is kept in its turn.
check /rollback/written/bytes-shown eventually 5 fails equals 0 kept a
check /rollback/written/forth roll_back a rolled-back '' 1 discard-changes b true
check /rollback/written/discarded-is-back equals "$new" sum a
check /rollback/drop/done eval 'call "$(volume default a.raw)" Volume DropRollback; wait_for 5 equals 0 hidden'
check /rollback/drop/none-shown eventually 5 equals 0 kept a
check /rollback/drop/refused matches 'no old image' fails call "$(volume default a.raw)" Volume Rollback 'a{sv}' 0

# --- a worker that leaves its copy to others ---------------------------------------------------------------------------

for mode in 04755 0666; do
  echo $mode >/run/fake-mode
  before=$(sum a) inode=$(stat -c '%i %a' $images/a.raw)
  wait_for 30 pending a
  job=$(call "$(volume default a.raw)" Volume Upgrade 'a{sv}' 0)
  check "/copy/mode-$mode/fails" ends_with failed
  check "/copy/mode-$mode/says-so" matches 'mode was' property "$job" Job ErrorMessage
  check "/copy/mode-$mode/same-file" equals "$inode" stat -c '%i %a' $images/a.raw
  check "/copy/mode-$mode/original-unchanged" equals "$before" sum a
  check "/copy/mode-$mode/copy-is-gone" eventually 10 equals 0 hidden
done
rm /run/fake-mode

# --- how long ----------------------------------------------------------------------------------------------------------

check /rollback/retention/upgraded upgrade a
# Its time is over at once, but nobody knows yet whether the new image works.
call $MANAGER Manager Resync
check /rollback/retention/unproven-is-kept equals 1 hidden
virsh -q start a
virsh -q destroy a
call $MANAGER Manager Resync
check /rollback/retention/destroyed-is-no-proof equals 1 hidden
check /rollback/retention/runs-well runs_well a
# The agent may hear of that end a moment later.
deleted_by_resync()
{
  call $MANAGER Manager Resync
  equals 0 hidden
}
check /rollback/retention/proven-is-deleted eventually 5 deleted_by_resync
check /rollback/retention/none-shown eventually 5 equals 0 kept a

# Its time is over and it is proven: the next look at all volumes deletes it, and going back to it looks at all volumes.
old=$(sum a)
check /rollback/over/upgraded upgrade a
check /rollback/over/runs-well runs_well a
check /rollback/over/rolled-back roll_back a rolled-back '' 1 discard-changes b true
check /rollback/over/old-image equals "$old" sum a
call "$(volume default a.raw)" Volume DropRollback
check /rollback/over/nothing-hidden eventually 5 equals 0 hidden

# A second upgrade before the first start: the last image that is known to work is the one from before the first.
old=$(sum a)
check /rollback/twice/first upgrade a
check /rollback/twice/second upgrade a
check /rollback/twice/one-is-kept equals 1 hidden
call $MANAGER Manager Resync
check /rollback/twice/shown fails equals 0 kept a
check /rollback/twice/rolled-back roll_back a rolled-back ''
check /rollback/twice/known-to-work equals "$old" sum a
check /rollback/twice/nothing-hidden eventually 5 equals 0 hidden

# --- with its volume ---------------------------------------------------------------------------------------------------

check /rollback/deleted/upgraded upgrade b
check /rollback/deleted/kept equals 1 hidden
virsh -q vol-delete --pool default b.raw
call $MANAGER Manager Resync
check /rollback/deleted/goes-too eventually 5 equals 0 hidden
check /rollback/made-anew/upgraded upgrade c
cp $images/c.raw $images/c.new
mv $images/c.new $images/c.raw
call $MANAGER Manager Resync
check /rollback/made-anew/goes-too eventually 5 equals 0 hidden
check /rollback/wiped/upgraded upgrade d
virsh -q vol-wipe --pool default d.raw
# Zeros are not written to a hole: what is left has too little in it to be looked into.
fallocate -d $images/d.raw
call $MANAGER Manager Resync
check /rollback/wiped/guest-is-forgotten eventually 20 equals '' property "$(volume default d.raw)" Volume Os
check /rollback/wiped/nothing-is-pending equals 0 property "$(volume default d.raw)" Volume PendingCount
check /rollback/wiped/says-why matches '"no-operating-system"' blockers d
call $MANAGER Manager Resync
check /rollback/wiped/goes-too eventually 5 equals 0 hidden

# --- room --------------------------------------------------------------------------------------------------------------

stop_agent
printf '[Agent]\nRetentionDays=7\n' >/etc/coldpatch/coldpatch.conf
start_agent
check /rollback/room/agent-up wait_agent
check /rollback/room/first upgrade a
check /rollback/room/first-runs-well runs_well a
check /rollback/room/second upgrade c
# An upgrade of 16 MiB may need 1040 MiB, beside a twentieth that is left to others: room for it once one old image is gone.
free=$(df --output=avail -B1 $images | tail -1)
reserve=$(($(stat -f -c '%b * %S' $images) / 20))
fallocate -l $((free - reserve - 1032 * 1024 * 1024)) $images/filler.bin
check /rollback/room/kept equals 2 hidden
wait_for 30 pending c
check /rollback/room/third upgrade c
check /rollback/room/recorded matches '"evicted"' call "$(volume default c.raw)" Volume GetHistory
check /rollback/room/proven-one-went eventually 5 equals 0 kept a
# What is left belongs to an image that has not run yet.
fallocate -l 900M $images/filler2.bin
wait_for 30 pending c
unproven_stays()
{
  wait_for 30 asked c && ends_with refused &&
    matches '^no-space: ' property "$job" Job ErrorMessage && fails equals 0 kept c
}
check /rollback/room/unproven-stays unproven_stays
check /rollback/agent-ends-well stop_agent
finish
