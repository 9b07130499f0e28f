#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real guest, upgraded for real: by policy after a shutdown, rolled back, disturbed by a start, and by kill -9.
PRIVATE_HOST_OPTIONS="--cache ${COLDPATCH_TEST_CACHE:=/var/cache/coldpatch-tests}/coldpatch"
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
disk=$images/tiny.raw
console=/var/log/libvirt/qemu/tiny-console.log
made=/var/lib/libvirt/made

# --- asking ------------------------------------------------------------------------------------------------------------

# version_in IMAGE PACKAGE: from the package database inside; "" when it is not installed
version_in()
{
  debugfs -R 'cat /var/lib/dpkg/status' "$1?offset=1048576" 2>/dev/null |
    awk -v name="$2" '/^Package:/ { p = $2 } /^Version:/ && p == name { print $2 }'
}
file_in()
{
  debugfs -R "cat $2" "$1?offset=1048576" 2>/dev/null
}
sum()
{
  sha256sum <"$disk" | cut -d' ' -f1
}
outcome()
{
  property "$volume" Volume LastOutcome
}
job_outcome()
{
  property "$job" Job Outcome
}
appliance_ready()
{
  [ "$(property $MANAGER Manager ApplianceState)" = ready ]
}
booted()
{
  grep -q 'coldpatch-guest: end' "$console"
}
boots_with()
{
  rm -f "$console"
  virsh -q start tiny && wait_for 120 booted && tr -d '\r' <"$console" | grep -qx "coldpatch-guest: installed $1" &&
    wait_for 120 domain_is_off tiny
}
inspected()
{
  [ "$(property "$volume" Volume PendingCount)" = "$1" ]
}

# reaches PHASE: the running job is in that phase
reaches()
{
  [ "$(property "$job" Job Phase)" = "$1" ]
}

# upgrade_until PHASE: starts an upgrade, and waits for that phase
upgrade_until()
{
  job=$(call "$volume" Volume Upgrade 'a{sv}' 0) || return 1
  wait_for 240 reaches "$1"
}

# Nothing of an upgrade is left: no work copy, no journal, no worker, no scratch folder.
no_leftovers()
{
  local found
  found=$(find /var/lib/libvirt/.coldpatch-* $images/.coldpatch* -type f ! -path '*/rollback/*' 2>/dev/null
          find /var/cache/coldpatch/scratch -mindepth 1 2>/dev/null
          pgrep -fa 'coldpatch-(worker|sandbox)' || true)
  [ -z "$found" ] || { echo "left over: $found"; return 1; }
}

# --- the guest ---------------------------------------------------------------------------------------------------------

mkdir -p $made /etc/coldpatch
"$tests/guests/make-tiny" $made || exit 1
printf '[Agent]\nSettleSeconds=2\n' >/etc/coldpatch/coldpatch.conf
write_source tiny file://$made/repository updates $made/keyring.gpg yes
define_pool default $images
cp --sparse=always $made/guest.raw $disk
virsh -q pool-refresh default
"$tests/guests/make-domain" tiny $disk >/run/tiny.xml
# The same domain with nothing to boot from: it runs, and does not touch its disk.
sed "s|<os>\(.*\)</os>|<os>\1<boot dev='cdrom'/></os>|" /run/tiny.xml >/run/idle.xml
virsh -q define /run/tiny.xml
start_agent
check /agent/up wait_agent
check /appliance/ready eventually 240 appliance_ready
volume=$(volume default tiny.raw)

# --- between runs, by policy -------------------------------------------------------------------------------------------

virsh -q start tiny
check /auto/policy-set call "$(domain tiny)" Domain SetPolicy s auto
check /auto/guest-shuts-down eventually 120 domain_is_off tiny
check /auto/upgraded eventually 400 equals upgraded outcome
check /auto/new-version equals 2 version_in $disk cold-alpha
check /auto/new-dependency equals 2 version_in $disk cold-gamma
check /auto/held-stays equals 1 version_in $disk cold-held
check /auto/configuration-kept equals setting=mine file_in $disk /etc/cold-alpha.conf
check /auto/machine-id-kept equals 0123456789abcdef0123456789abcdef file_in $disk /etc/machine-id
check /auto/rollback-kept fails equals 0 property "$volume" Volume RollbackUntil
check /auto/nothing-pending equals 0 property "$volume" Volume PendingCount
check /auto/history matches upgraded call "$volume" Volume GetHistory
call "$(domain tiny)" Domain SetPolicy s manual
check /auto/boots boots_with 'cold-alpha 2'

# --- rollback ----------------------------------------------------------------------------------------------------------

check /rollback/domain-has-run/refused fails call "$volume" Volume Rollback 'a{sv}' 0
roll_back()
{
  job=$(call "$volume" Volume Rollback 'a{sv}' 1 discard-changes b true) && wait_for 60 job_finished "$job" &&
    equals rolled-back job_outcome
}
check /rollback/discard-changes roll_back
check /rollback/old-version equals 1 version_in $disk cold-alpha
check /rollback/pending-again eventually 120 inspected 3

# --- a start in the middle ---------------------------------------------------------------------------------------------

virsh -q define /run/idle.xml
before=$(sum)
starts_at_once()
{
  local from
  from=$(date +%s%N)
  virsh -q start tiny || return 1
  echo "start took $((($(date +%s%N) - from) / 1000000)) ms"
  [ "$(virsh -q domstate tiny)" = running ]
}
check /yield/upgrading upgrade_until upgrading
check /yield/domain-starts starts_at_once
check /yield/yielded eventually 10 equals yielded job_outcome
check /yield/domain-runs equals running virsh -q domstate tiny
check /yield/no-leftovers eventually 20 no_leftovers
virsh -q destroy tiny
check /yield/original-unchanged equals "$before" sum

# --- kill -9 -----------------------------------------------------------------------------------------------------------

kill_worker()
{
  pkill -KILL -x coldpatch-worke || pkill -KILL -f /coldpatch-worker
}
check /kill/worker/upgrading upgrade_until upgrading
check /kill/worker/killed kill_worker
check /kill/worker/failed eventually 20 equals failed job_outcome
check /kill/worker/original-unchanged equals "$before" sum
check /kill/worker/no-leftovers eventually 20 no_leftovers

for phase in copying bundling upgrading verifying; do
  check "/kill/agent/$phase/reached" upgrade_until $phase
  stop_agent KILL
  check "/kill/agent/$phase/original-unchanged" equals "$before" sum
  start_agent
  check "/kill/agent/$phase/up-again" wait_agent
  check "/kill/agent/$phase/no-leftovers" eventually 20 no_leftovers
  check "/kill/agent/$phase/appliance" eventually 60 appliance_ready
done

# --- and after all that ------------------------------------------------------------------------------------------------

upgrade_at_last()
{
  job=$(call "$volume" Volume Upgrade 'a{sv}' 0) && wait_for 300 job_finished "$job" && equals upgraded job_outcome
}
check /after-all/upgrades upgrade_at_last
check /after-all/new-version equals 2 version_in $disk cold-beta
check /agent/term/ends-well stop_agent
finish
