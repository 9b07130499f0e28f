#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Disks that are full or broken, and a host that shuts down, in the middle of an upgrade: it is given up, the original is as it
# was, nothing is left behind, and the agent goes on.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
backing=/var/lib/libvirt/backing.img
disk=$images/plain.raw
fake_guest 1.2
# A file system of its own for the pool, and one for store and journals.
truncate -s 2G $backing
mkfs.ext4 -q -m 0 $backing
mkdir -p $images
mount -o loop $backing $images || { echo "Bail out! no loop device" >&3; exit 1; }
mkdir -p /var/lib/coldpatch
mount -t tmpfs -o size=4M,mode=0700 tmpfs /var/lib/coldpatch
define_pool default $images
# It begins with a hole: what an upgrade writes there needs room.
head -c 16M /dev/urandom | dd of=$disk bs=1M seek=16 iflag=fullblock status=none
sync -f $disk
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
virsh -q pool-refresh default

pending()
{
  case $(property "$volume" Volume State) in pending|failed|blocked) ;; *) return 1 ;; esac
}
sum()
{
  sha256sum <"$disk" | cut -d' ' -f1
}
begin()
{
  wait_for 20 asked
}
asked()
{
  pending && job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
}
# in_phase PHASE
in_phase()
{
  [ "$(property "$job" Job Phase)" = "$1" ]
}
ends_with()
{
  wait_for 20 job_finished "$job" && property "$job" Job ErrorMessage && matches "$1" property "$job" Job Outcome
}
# given_up SITUATION OUTCOME
given_up()
{
  check "/recovery/$1/given-up" ends_with "$2"
  check "/recovery/$1/original-unchanged" equals "$before" sum
  check "/recovery/$1/no-leftovers" eventually 20 no_leftovers
  check "/recovery/$1/stays-up" agent_is_up
}
upgrades()
{
  begin && ends_with '^upgraded$'
}
fill()
{
  # Most of it without writing anything.
  fallocate -l $(($(df --output=avail -B1 "$1" | tail -1) * 99 / 100)) "$1/filler"
  dd if=/dev/zero of="$1/filler" bs=4K status=none oflag=append conv=notrunc
}

start_agent
check /recovery/agent-up wait_agent
volume=$(await_volume default plain.raw)
check /recovery/pending eventually 60 pending
before=$(sum)

# --- full --------------------------------------------------------------------------------------------------------------

fill $images
check /recovery/pool-full/begins begin
given_up pool-full '^refused$'
rm $images/filler
hold
check /recovery/pool-full-later/begins begin
check /recovery/pool-full-later/upgrade-runs eventually 10 in_phase upgrading
fill $images
let_go
given_up pool-full-later '^failed$'
rm $images/filler
check /recovery/pool-full-later/upgrades upgrades
before=$(sum)

fill /var/lib/coldpatch
check /recovery/store-full/begins begin
given_up store-full '^failed$'
check /recovery/store-full/answers matches Volume busctl introspect org.coldpatch1 "$volume"
rm /var/lib/coldpatch/filler
check /recovery/store-full/upgrades upgrades
before=$(sum)
# The one that failed for want of room, too.
check /recovery/store-full/recorded eventually 10 matches "cannot write journal" call "$volume" Volume GetHistory

# The policy is in the store: with an empty one in its place the volume would follow its host's.
full_at_start()
{
  grep 'make room' "$AGENT_LOG"
}
set_aside()
{
  find /var/lib/coldpatch -name 'store.db.broken*' | grep .
}
check /recovery/full-at-start/policy call "$volume" Volume SetPolicy s off
stop_agent
echo '{' >/var/lib/coldpatch/journal/999.json.Ab12Xy # as an agent leaves that is killed while it writes
fill /var/lib/coldpatch
start_agent
check /recovery/full-at-start/said eventually 20 full_at_start
rm /var/lib/coldpatch/filler
check /recovery/full-at-start/goes-on wait_agent
check /recovery/full-at-start/policy-kept equals off property "$volume" Volume Policy
check /recovery/full-at-start/nothing-set-aside fails set_aside
check /recovery/full-at-start/no-leftovers eventually 10 no_leftovers
check /recovery/full-at-start/policy-back call "$volume" Volume SetPolicy s inherit

# As if there had been no room, after an exchange, for the word that it is done.
check /recovery/unsettled/upgrades upgrades
first=$(grep -l '"done"' /var/lib/coldpatch/journal/*.json | sort -V | tail -1)
jq '.state = "ready"' "$first" >/run/journal && cp /run/journal "$first"
check /recovery/unsettled/upgrades-again upgrades
before=$(sum)
check /recovery/unsettled/first-is-done equals done jq -r .state "$first"
check /recovery/unsettled/old-image-is-kept test -f "$(jq -r '.members[0] | .["hidden-directory"] + "/" + .["hidden-name"]' "$first")"
second=$(grep -l '"done"' /var/lib/coldpatch/journal/*.json | sort -V | tail -1)
jq '.state = "ready"' "$second" >/run/journal && cp /run/journal "$second"
check /recovery/unsettled/resync call $MANAGER Manager Resync
check /recovery/unsettled/second-is-done eventually 20 equals done jq -r .state "$second"

# The gate is held for longer than a deletion waits for it.
hold
check /recovery/gate-held/begins begin
check /recovery/gate-held/upgrade-runs eventually 10 in_phase upgrading
flock /run/coldpatch/gate sleep 9 &
check /recovery/gate-held/cancelled call "$job" Job Cancel
let_go
check /recovery/gate-held/left eventually 20 grep 'work copy could not be deleted' "$AGENT_LOG"
given_up gate-held '^cancelled$'
wait $!

# --- the host shuts down -----------------------------------------------------------------------------------------------

before=$(sum)
for phase in early upgrading; do
  hold
  check "/recovery/shutdown/$phase/begins" begin
  [ $phase = early ] || check "/recovery/shutdown/$phase/runs" eventually 10 in_phase $phase
  from=$SECONDS
  check "/recovery/shutdown/$phase/ends-well" stop_agent
  check "/recovery/shutdown/$phase/soon" [ $((SECONDS - from)) -lt 30 ]
  check "/recovery/shutdown/$phase/original-unchanged" equals "$before" sum
  check "/recovery/shutdown/$phase/worker-ends-too" eventually 5 fails pgrep -fa 'coldpatch-(worker|sandbox) -'
  let_go
  start_agent
  check "/recovery/shutdown/$phase/up-again" wait_agent
  # What it had no time to delete.
  check "/recovery/shutdown/$phase/no-leftovers" eventually 10 no_leftovers
done

# --- an exchange that was cut off, before libvirtd runs -----------------------------------------------------------------

check /recovery/at-boot/upgrades upgrades
before=$(sum)
check /recovery/at-boot/not-beside-an-agent matches 'another coldpatchd runs' fails coldpatchd --recover
stop_agent
stop_libvirtd
journal=$(grep -l '"done"' /var/lib/coldpatch/journal/*.json | sort -V | tail -1)
# As killed between the last rename and the word in the journal.
jq '.state = "ready"' "$journal" >/run/journal && cp /run/journal "$journal"
recover()
{
  DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/no-bus coldpatchd --recover
}
check /recovery/at-boot/finished matches 'was finished' recover
check /recovery/at-boot/journal-says-so equals done jq -r .state "$journal"
check /recovery/at-boot/image-is-the-new-one equals "$before" sum
check /recovery/at-boot/nothing-left-to-do recover
start_libvirtd
virsh -q pool-start default 2>/dev/null
start_agent
check /recovery/at-boot/agent-up-again wait_agent

# --- broken ------------------------------------------------------------------------------------------------------------

# What lies beyond the end of a loop device's file cannot be read.
before=$(sum)
check /recovery/broken-disk/pending eventually 30 pending
sync -f $disk
echo 3 >/proc/sys/vm/drop_caches
truncate -s 12M $backing
check /recovery/broken-disk/begins begin
check /recovery/broken-disk/given-up ends_with '^(refused|failed)$'
check /recovery/broken-disk/stays-up agent_is_up
check /recovery/agent-ends-well stop_agent
finish
