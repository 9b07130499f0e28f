#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A real guest, upgraded for real: by policy after a shutdown, rolled back, disturbed by a start, and by kill -9.
PRIVATE_HOST_OPTIONS="--keep ${COLDPATCH_TEST_CACHE:=/var/cache/coldpatch-tests}" # the guest, for the next run
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
history()
{
  call "$volume" Volume GetHistory | jq -c .
}
job_outcome()
{
  property "$job" Job Outcome
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

# lists_pair: as packages of two architectures, wherever packages are listed
lists_pair()
{
  call "$volume" Volume GetPackages | jq -ec 'map(select(.[0] == "cold-pair") | .[2]) == ["amd64", "i386"]' &&
    call $MANAGER Manager FindPackage ss cold-pair "" | jq -ec 'map(.[2]) == ["amd64", "i386"]' &&
    call "$volume" Volume GetSbom s cyclonedx | jq -r '.components[].purl' | grep -q 'cold-pair@1?arch=i386'
}

# idle: no job works on the volume
idle()
{
  case $(property "$volume" Volume State) in inspecting|upgrading) return 1 ;; esac
}

# asked: for an upgrade, once all that stands against it is gone: an agent that has just started has to look first
asked()
{
  case $(property "$volume" Volume State) in pending|failed) ;; *) return 1 ;; esac
  job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
}

# at_phase PHASE COMMAND...: starts an upgrade, and runs the command as soon as a signal says that it is in that phase
at_phase()
{
  local phase=$1 line watcher status=1
  shift
  rm -f /run/monitor.log
  mkfifo /run/signals
  busctl --json=short monitor org.coldpatch1 >/run/signals 2>/run/monitor.log &
  watcher=$!
  exec 5</run/signals
  wait_for 20 grep -q '^Monitoring' /run/monitor.log && wait_for 120 asked || status=2
  while [ $status = 1 ] && read -r -t 900 line <&5; do
    case $line in *'"Phase":{"type":"s","data":"'$phase'"}'*) "$@" && status=0 || status=3 ;; esac
  done
  exec 5<&-
  kill $watcher 2>/dev/null
  wait $watcher 2>/dev/null
  rm -f /run/signals
  return $status
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
# The same domain that boots from an empty drive and, having a boot order, from nothing else: it does not touch its disk.
sed -e "s|<os>\(.*\)</os>|<os>\1<boot dev='cdrom'/></os>|" \
  -e "s|<devices>|<devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>|" \
  /run/tiny.xml >/run/idle.xml
virsh -q define /run/tiny.xml
start_agent
check /agent/up wait_agent
check /appliance/ready eventually 240 appliance_ready
volume=$(await_volume default tiny.raw)

# --- between runs, by policy -------------------------------------------------------------------------------------------

virsh -q start tiny
check /auto/policy-set call "$(domain tiny)" Domain SetPolicy s auto
check /auto/guest-shuts-down eventually 120 domain_is_off tiny
check /auto/upgraded eventually 400 equals upgraded outcome
check /auto/new-version equals 2 version_in $disk cold-alpha
check /auto/new-dependency equals 2 version_in $disk cold-gamma
check /auto/held-stays equals 1 version_in $disk cold-held
check /auto/both-architectures equals $'2\n2' version_in $disk cold-pair
check /auto/configuration-kept equals setting=mine file_in $disk /etc/cold-alpha.conf
check /auto/machine-id-kept equals 0123456789abcdef0123456789abcdef file_in $disk /etc/machine-id
check /auto/rollback-kept fails equals 0 property "$volume" Volume RollbackUntil
check /auto/nothing-pending equals 0 property "$volume" Volume PendingCount
check /auto/service-deferred matches 'cold-alpha restart' call "$volume" Volume GetHistory
check /auto/nothing-started fails eval 'file_in $disk /var/lib/cold-alpha-was-started | grep -q .'
check /auto/history matches upgraded call "$volume" Volume GetHistory
check /auto/own-command-line matches '^root=UUID=[^ ]* ro console=ttyS0' file_in $disk /var/lib/cold-cmdline
check /auto/all-drivers matches '^MODULES=most$' file_in $disk /var/lib/cold-drivers
check /auto/own-drivers-again equals '' file_in $disk /etc/initramfs-tools/conf.d/zz-coldpatch.conf
check /auto/initramfs-checked matches '"name":"initramfs","ok":true' history
check /auto/boot-checked matches '"detail":"1 kernels and 1 menus' history
check /auto/as-planned matches '"differences":\[\]' history
call "$(domain tiny)" Domain SetPolicy s manual
check /auto/boots boots_with 'cold-alpha 2'

# --- rollback ----------------------------------------------------------------------------------------------------------

rollback_is_refused()
{
  ask_rollback "$volume" && wait_for 60 job_finished "$job" && equals refused job_outcome &&
    matches discard-changes property "$job" Job ErrorMessage
}
check /rollback/domain-has-run/refused rollback_is_refused
roll_back()
{
  ask_rollback "$volume" 1 discard-changes b true && wait_for 60 job_finished "$job" &&
    equals rolled-back job_outcome
}
check /rollback/discard-changes roll_back
check /rollback/old-version equals 1 version_in $disk cold-alpha
check /rollback/pending-again eventually 120 inspected 5
check /rollback/both-architectures-listed lists_pair

# --- a start in the middle ---------------------------------------------------------------------------------------------

sed -i "s|<name>|<uuid>$(virsh -q domuuid tiny)</uuid><name>|" /run/idle.xml
check /yield/idle-domain virsh -q define /run/idle.xml
before=$(sum)
starts_at_once()
{
  local from
  from=$(date +%s%N)
  virsh -q start tiny || return 1
  echo "start took $((($(date +%s%N) - from) / 1000000)) ms"
  [ "$(virsh -q domstate tiny)" = running ]
}
check /yield/domain-starts at_phase upgrading starts_at_once
check /yield/yielded eventually 10 equals yielded job_outcome
check /yield/domain-runs equals running virsh -q domstate tiny
check /yield/no-leftovers eventually 20 no_leftovers
virsh -q destroy tiny
check /yield/original-unchanged equals "$before" sum

# --- kill -9 -----------------------------------------------------------------------------------------------------------

# kill_worker VERB: as soon as there is one
kill_worker()
{
  wait_for 10 pkill -KILL -f "/coldpatch-worker $1\$"
}
for phase in upgrading verifying; do
  verb=upgrade
  [ $phase = upgrading ] || verb=verify
  check "/kill/worker/$phase/killed" at_phase $phase kill_worker $verb
  check "/kill/worker/$phase/failed" eventually 20 equals failed job_outcome
  check "/kill/worker/$phase/original-unchanged" equals "$before" sum
  check "/kill/worker/$phase/no-leftovers" eventually 20 no_leftovers
done

kill_agent()
{
  kill -KILL "$AGENT_PID"
}
for phase in checking fetching copying bundling upgrading verifying; do
  check "/kill/agent/$phase/killed" at_phase $phase kill_agent
  check "/kill/agent/$phase/original-unchanged" equals "$before" sum
  wait "$AGENT_PID" 2>/dev/null
  start_agent
  check "/kill/agent/$phase/up-again" wait_agent
  check "/kill/agent/$phase/no-leftovers" eventually 20 no_leftovers
done

# From here on either image may be under the name, but a whole one.
old_or_new()
{
  [ "$before" = "$(sum)" ] || equals 2 version_in $disk cold-beta
}
check /kill/agent/exchanging/killed at_phase exchanging kill_agent
check /kill/agent/exchanging/old-or-new old_or_new
wait "$AGENT_PID" 2>/dev/null
start_agent
check /kill/agent/exchanging/up-again wait_agent
check /kill/agent/exchanging/still-old-or-new old_or_new
check /kill/agent/exchanging/no-leftovers eventually 20 no_leftovers
check /kill/agent/exchanging/file-system-clean eval "dd if=$disk bs=1M skip=1 status=none >/run/fs && e2fsck -fn /run/fs"

# --- and after all that ------------------------------------------------------------------------------------------------

# asked_again: also of a volume that has nothing pending any more
asked_again()
{
  idle && job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
}
upgrade_at_last()
{
  wait_for 120 asked_again && wait_for 300 job_finished "$job" &&
    matches '^(upgraded|nothing-to-do)$' job_outcome
}
check /after-all/upgrades upgrade_at_last
check /after-all/new-version equals 2 version_in $disk cold-beta
check /agent/term/ends-well stop_agent
finish
