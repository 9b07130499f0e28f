#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Starts of domains while the agent cannot answer: stopped, dead, coming back; claims that nobody will release; a gate that is
# no longer there; a libvirtd that ends in the middle of an upgrade.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
disk=$images/plain.raw
claims=/run/coldpatch/claims
hook=/etc/libvirt/hooks/qemu.d/coldpatch
fake_guest 2
define_pool default $images
head -c 16M /dev/urandom >$disk
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
virsh -q pool-refresh default
"$tests/guests/make-domain" plain $disk raw 64 | sed "s|</os>|<boot dev='cdrom'/></os>|" >/run/plain.xml
virsh -q define /run/plain.xml

codes()
{
  property "$volume" Volume Blockers
}
free()
{
  equals '[]' codes
}
pending()
{
  case $(property "$volume" Volume State) in pending|failed) ;; *) return 1 ;; esac
}
sum()
{
  sha256sum <"$disk" | cut -d' ' -f1
}
# begin: an upgrade, which goes on when this returns
begin()
{
  hold
  wait_for 20 asked && wait_for 10 eval '[ "$(property "$job" Job Phase)" = upgrading ]'
}
asked()
{
  pending && job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
}
# start: the domain, which must not have to wait until somebody answers
start()
{
  timeout 30 virsh -q start plain
}
off()
{
  virsh -q destroy plain && wait_for 10 domain_is_off plain
}
no_claims()
{
  [ -z "$(ls $claims)" ]
}
ends_with()
{
  let_go
  wait_for 15 job_finished "$job" && equals "$1" property "$job" Job Outcome
}

# A file system of its own, which can be full.
mkdir -p /run/coldpatch
mount -t tmpfs -o size=64K,mode=0755 tmpfs /run/coldpatch
start_agent
check /gate/agent-up wait_agent
volume=$(await_volume default plain.raw)
check /gate/pending eventually 60 pending
before=$(sum)

# --- an agent that does not answer -------------------------------------------------------------------------------------

check /gate/stopped-agent/upgrade-runs begin
kill -STOP "$AGENT_PID"
check /gate/stopped-agent/domain-starts start
check /gate/stopped-agent/claimed fails no_claims
# For longer than the upgrade takes: the worker is done when the agent wakes up.
let_go
sleep 3
kill -CONT "$AGENT_PID"
check /gate/stopped-agent/yields ends_with yielded
check /gate/stopped-agent/original-unchanged equals "$before" sum
check /gate/stopped-agent/no-leftovers eventually 10 no_leftovers
check /gate/stopped-agent/off off
check /gate/stopped-agent/claim-released eventually 5 no_claims

# A claim without a word in it is a claim.
check /gate/no-room/upgrade-runs begin
dd if=/dev/zero of=/run/coldpatch/filler bs=4K status=none
check /gate/no-room/domain-starts start
check /gate/no-room/claimed fails no_claims
check /gate/no-room/yields ends_with yielded
check /gate/no-room/original-unchanged equals "$before" sum
check /gate/no-room/no-leftovers eventually 10 no_leftovers
check /gate/no-room/off off
check /gate/no-room/claim-released eventually 5 no_claims
rm /run/coldpatch/filler

check /gate/dead-agent/upgrade-runs begin
kill -KILL "$AGENT_PID"
check /gate/dead-agent/domain-starts start
wait "$AGENT_PID" 2>/dev/null
let_go
start_agent
check /gate/dead-agent/up-again wait_agent
check /gate/dead-agent/in-use eventually 10 matches '"in-use"' codes
check /gate/dead-agent/original-unchanged equals "$before" sum
check /gate/dead-agent/no-leftovers eventually 10 no_leftovers
# It ends while no agent is there to hear of it.
stop_agent
check /gate/dead-agent/off off
check /gate/dead-agent/claim-released eventually 5 no_claims
start_agent
check /gate/back/up wait_agent
check /gate/back/free eventually 20 free

# --- claims that nobody releases ---------------------------------------------------------------------------------------

# The hook's parent counts as libvirtd: this one is gone at once.
virsh -q dumpxml plain >/run/plain-now.xml
stale_claim()
{
  sh -c "$hook plain prepare begin - </run/plain-now.xml; true"
  wait_for 3 matches '"claimed"' codes
}
# A resync that is still under way clears it at once.
check /gate/stale-claim/claimed eventually 15 stale_claim
stop_libvirtd
start_libvirtd
virsh -q pool-start default 2>/dev/null
check /gate/stale-claim/cleared eventually 30 no_claims
check /gate/stale-claim/free eventually 20 free

# A domain that runs on while libvirtd is started anew keeps its claim, or is seen to be in use.
check /gate/libvirtd-restart/domain-starts start
stop_libvirtd
start_libvirtd
virsh -q pool-start default 2>/dev/null
check /gate/libvirtd-restart/in-use eventually 30 matches '"(in-use|claimed)"' codes
check /gate/libvirtd-restart/runs equals running virsh -q domstate plain
check /gate/libvirtd-restart/off off
check /gate/libvirtd-restart/free eventually 30 free

# QEMU and libvirtd gone at once, as when the host loses them both.
check /gate/all-killed/domain-starts start
pid=$(cat /run/libvirt/qemu/plain.pid)
stop_libvirtd KILL
kill -KILL "$pid"
start_libvirtd
virsh -q pool-start default 2>/dev/null
check /gate/all-killed/free eventually 40 free
check /gate/all-killed/no-claims eventually 10 no_claims

# --- libvirtd in the middle of an upgrade ------------------------------------------------------------------------------

before=$(sum)
check /gate/libvirtd-ends/upgrade-runs begin
stop_libvirtd KILL
check /gate/libvirtd-ends/given-up ends_with failed
check /gate/libvirtd-ends/original-unchanged equals "$before" sum
check /gate/libvirtd-ends/no-leftovers eventually 10 no_leftovers
start_libvirtd
virsh -q pool-start default 2>/dev/null
check /gate/libvirtd-ends/free eventually 40 free

# --- no gate -----------------------------------------------------------------------------------------------------------

check /gate/hook-removed/upgrade-runs begin
mv $hook /run/hook-away
check /gate/hook-removed/gate-missing eventually 10 matches '"gate-missing"' codes
check /gate/hook-removed/given-up ends_with refused
check /gate/hook-removed/original-unchanged equals "$before" sum
mv /run/hook-away $hook
check /gate/hook-back/free eventually 20 free

# A hook that is replaced counts for nothing until it has been proven, which this one lets us wait for.
printf '#!/bin/sh\nsleep 4\nexec /run/hook-away "$@"\n' >/run/slow-hook
chmod 0755 /run/slow-hook
cp $hook /run/hook-away
mv /run/slow-hook $hook
check /gate/hook-replaced/not-live-while-proven eventually 4 matches '"gate-missing"' codes
check /gate/hook-replaced/free eventually 30 free
mv /run/hook-away $hook
check /gate/hook-in-place/free eventually 20 free

# --- everything that libvirt calls the hook for ------------------------------------------------------------------------

check /gate/operations/start start
check /gate/operations/save eval 'virsh -q save plain /run/plain.save && wait_for 5 no_claims'
check /gate/operations/restore eval 'virsh -q restore /run/plain.save && ! no_claims && off'
check /gate/operations/managed-save eval 'virsh -q start plain && virsh -q managedsave plain && wait_for 5 no_claims && virsh -q start plain && off'
check /gate/operations/reboot eval 'virsh -q start plain && virsh -q reset plain && ! no_claims && off'
check /gate/operations/failing-start eval 'sed "s|$disk|$images/missing.raw|; s|plain|broken|" /run/plain.xml >/run/broken.xml
  virsh -q define /run/broken.xml; ! virsh -q start broken; virsh -q undefine broken; wait_for 5 no_claims'
check /gate/operations/all-released eventually 5 no_claims
check /gate/agent-ends-well stop_agent
finish
