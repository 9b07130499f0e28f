#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Kills the agent at random instants of upgrades and rollbacks, ${COLDPATCH_STRESS:-10} times, and sometimes its worker: the
# name must lead to one whole image, old or new, at once and after the recovery, which leaves nothing behind.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

count=${COLDPATCH_STRESS:-10}
images=/var/lib/libvirt/images
disk=$images/stressed.qcow2
fake_guest 0.4
define_pool default $images
head -c 16M /dev/urandom >/run/content
qemu-img convert -O qcow2 /run/content $disk
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
virsh -q pool-refresh default
"$tests/guests/make-domain" stressed $disk qcow2 64 >/run/stressed.xml
virsh -q define /run/stressed.xml

sum()
{
  sha256sum <"$disk" | cut -d' ' -f1
}
# whole: an image that is old or new
whole()
{
  local now
  now=$(sum)
  [ "$now" = "$before" ] || grep -qx "$now" <<<"$hidden" || [ "$now" = "$(cat /run/fake-new 2>/dev/null)" ]
}
ready()
{
  case $(property "$volume" Volume State) in pending|failed) ;; *) return 1 ;; esac
}
# The images that rollbacks would bring back, a line each; two when the agent was killed right after an exchange, before it made
# one of two upgrades in a row.
hidden_sums()
{
  find $images/.coldpatch* /var/lib/libvirt/.coldpatch-* -type f -exec sha256sum {} + 2>/dev/null | cut -d' ' -f1
}
# As a sandbox's processes do, the fake one's go with their agent, but not at once.
no_sandbox()
{
  ! pgrep -f 'fake-libexec/coldpatch-sandbox'
}

start_agent
check /kills/agent-up wait_agent
volume=$(await_volume default stressed.qcow2)
check /kills/pending eventually 60 ready

# asked: for an upgrade; an inspection may come first
asked()
{
  ready && job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
}
check /kills/asked eventually 30 asked
check /kills/upgrades-alone eventually 20 job_finished "$job"
alone=$(took "$job")
torn=0 left=0 dead=0 upgraded=0 unfinished=0 kills=0 rollbacks=0
for i in $(seq "$count"); do
  wait_for 30 ready || { echo "round $i: not ready"; dead=$((dead + 1)); continue; }
  before=$(sum) hidden=$(hidden_sums)
  rm -f /run/fake-new
  if [ -n "$hidden" ] && [ $((RANDOM % 3)) = 0 ]; then
    call "$volume" Volume Rollback 'a{sv}' 1 discard-changes b true && rollbacks=$((rollbacks + 1))
    sleep "0.$(printf %03d $((RANDOM % 60)))"
  else
    call "$volume" Volume Upgrade 'a{sv}' 0
    pause "$alone"
  fi
  if [ $((RANDOM % 5)) = 0 ] && pkill -KILL -f 'fake-libexec/coldpatch-sandbox'; then
    kills=$((kills + 1))
    sleep "0.$(printf %03d $((RANDOM % 200)))"
  fi
  stop_agent KILL
  kills=$((kills + 1))
  whole || { echo "round $i: torn after the kill"; torn=$((torn + 1)); }
  wait_for 10 no_sandbox
  start_agent
  wait_agent || { dead=$((dead + 1)); break; }
  wait_for 15 no_leftovers || { echo "round $i: $(no_leftovers)"; left=$((left + 1)); }
  whole || { echo "round $i: torn after recovery"; torn=$((torn + 1)); }
  qemu-img check -q $disk || torn=$((torn + 1))
  if [ "$(sum)" = "$before" ]; then unfinished=$((unfinished + 1)); else upgraded=$((upgraded + 1)); fi
done
echo "# $kills kills in $count rounds ($rollbacks of them rollbacks): $torn torn names, $left leftovers, $dead agents did not" \
  "come back; the image was the old one $unfinished times, another one $upgraded times" >&3
check /kills/none-torn [ $torn = 0 ]
check /kills/no-leftovers [ $left = 0 ]
check /kills/agent-comes-back [ $dead = 0 ]
check /kills/agent-ends-well stop_agent
finish
