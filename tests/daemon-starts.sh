#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Starts a domain at random instants of upgrades of its disk, ${COLDPATCH_STRESS:-10} times: no start may be refused, QEMU must
# have the image open that is under the name, and that must be one whole image, old or new. Needs COLDPATCH_BUILD.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

count=${COLDPATCH_STRESS:-10}
images=/var/lib/libvirt/images
disk=$images/stressed.raw
fake_guest 0.6
define_pool default $images
head -c 16M /dev/urandom >$disk
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
virsh -q pool-refresh default
"$tests/guests/make-domain" stressed $disk raw 64 | sed "s|</os>|<boot dev='cdrom'/></os>|" >/run/stressed.xml
virsh -q define /run/stressed.xml
start_agent
check /starts/agent-up wait_agent
volume=$(await_volume default stressed.raw)

ready()
{
  case $(property "$volume" Volume State) in pending|failed) ;; *) return 1 ;; esac
}
# asked: an inspection may come first
asked()
{
  ready && job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
}
upgrading()
{
  [ "$(property "$job" Job Phase)" = upgrading ]
}
sum()
{
  sha256sum <"$disk" | cut -d' ' -f1
}
# What QEMU has open is what the name leads to.
opened_is_named()
{
  local pid named
  pid=$(cat /run/libvirt/qemu/stressed.pid)
  named=$(stat -c '%d:%i' $disk)
  for fd in /proc/"$pid"/fd/*; do
    [ "$(stat -Lc '%d:%i' "$fd" 2>/dev/null)" != "$named" ] || return 0
  done
  return 1
}
# start: its duration in milliseconds is added to the file $1
start()
{
  local from
  from=$(date +%s%N)
  virsh -q start stressed || return 1
  echo $((($(date +%s%N) - from) / 1000000)) >>"$1"
}
stop()
{
  virsh -q destroy stressed && wait_for 10 domain_is_off stressed
}
percentile()
{
  sort -n /run/during | awk -v p="$1" '{ v[NR] = $1 } END { i = int((NR - 1) * p / 100 + 0.5) + 1; print v[i] }'
}

check /starts/pending eventually 60 ready
for _ in 1 2 3 4 5; do
  start /run/alone
  stop
done
wait_for 20 ready

check /starts/asked eventually 30 asked
check /starts/upgrades-alone eventually 20 job_finished "$job"
alone=$(took "$job")
refused=0 other_inode=0 torn=0 left=0 upgraded=0 yielded=0 failed=0
for i in $(seq "$count"); do
  wait_for 30 ready || { echo "round $i: not ready"; left=$((left + 1)); continue; }
  before=$(sum)
  rm -f /run/fake-new
  # The first is disturbed in any case.
  [ "$i" != 1 ] || hold
  wait_for 30 asked || { left=$((left + 1)); continue; }
  if [ "$i" = 1 ]; then
    wait_for 20 upgrading || left=$((left + 1))
  else
    # libvirtd takes its time until it calls the hook.
    pause $((alone * 2 / 3))
  fi
  if start /run/during; then
    opened_is_named || other_inode=$((other_inode + 1))
  else
    refused=$((refused + 1))
  fi
  let_go
  wait_for 10 job_finished "$job" || left=$((left + 1))
  now=$(sum)
  [ "$now" = "$before" ] || [ "$now" = "$(cat /run/fake-new 2>/dev/null)" ] || torn=$((torn + 1))
  case $(property "$job" Job Outcome) in
    upgraded) upgraded=$((upgraded + 1)) ;;
    yielded) yielded=$((yielded + 1)) ;;
    *) failed=$((failed + 1)); echo "# round $i: $(property "$job" Job Outcome): $(property "$job" Job ErrorMessage)" >&3 ;;
  esac
  stop
  wait_for 10 no_leftovers || left=$((left + 1))
done
alone=$(sort -n /run/alone | sed -n 3p)
echo "# $count starts: $refused refused, $other_inode on another inode, $torn torn, $left leftovers;" \
  "$yielded upgrades yielded, $upgraded were done, $failed failed or were refused" >&3
echo "# a start took $alone ms alone (median); during upgrades p50 $(percentile 50), p99 $(percentile 99), max $(percentile 100)" >&3
check /starts/none-refused [ $refused = 0 ]
check /starts/all-on-the-named-image [ $other_inode = 0 ]
check /starts/none-torn [ $torn = 0 ]
check /starts/no-leftovers [ $left = 0 ]
check /starts/some-yielded [ $yielded -gt 0 ]
check /starts/agent-ends-well stop_agent
finish
