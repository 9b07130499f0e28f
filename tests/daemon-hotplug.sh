#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Plugs the disk of an inactive domain into a running one at random instants of its upgrade, ${COLDPATCH_STRESS:-10} times. No
# hook tells of it: QEMU's lock and open file alone do. Whatever it has open must be kept: under the name, or hidden for good.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

count=${COLDPATCH_STRESS:-10}
images=/var/lib/libvirt/images
disk=$images/stressed.raw
fake_guest 0.3
define_pool default $images
head -c 16M /dev/urandom >$disk
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
virsh -q pool-refresh default
"$tests/guests/make-domain" owner $disk raw 64 >/run/owner.xml
virsh -q define /run/owner.xml
"$tests/guests/make-domain" other $disk raw 64 |
  sed -e '/<disk/,/<\/disk>/d' -e "s|<devices>|&<controller type='scsi' model='virtio-scsi'/>|" >/run/other.xml
virsh -q define /run/other.xml
virsh -q start other
cat >/run/disk.xml <<END
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$disk'/><target dev='sda' bus='scsi'/></disk>
END

ready()
{
  case $(property "$volume" Volume State) in pending|failed) ;; *) return 1 ;; esac
}
# Where QEMU's open file is: named, hidden, deleted, none
opened()
{
  local pid target named fd
  pid=$(cat /run/libvirt/qemu/other.pid)
  named=$(stat -c '%d:%i' $disk)
  for fd in /proc/"$pid"/fd/*; do
    target=$(readlink "$fd")
    case $target in
      $disk|$images/.coldpatch*|/var/lib/libvirt/.coldpatch-*|*stressed.raw*) ;;
      *) continue ;;
    esac
    if [ "$(stat -Lc '%h' "$fd")" = 0 ]; then echo deleted
    elif [ "$(stat -Lc '%d:%i' "$fd")" = "$named" ]; then echo named
    else echo hidden
    fi
    return
  done
  echo none
}
upgrading()
{
  [ "$(property "$job" Job Phase)" = upgrading ]
}
is_detached()
{
  [ "$(opened)" = none ]
}

start_agent
check /hotplug/agent-up wait_agent
volume=$(await_volume default stressed.raw)
check /hotplug/pending eventually 60 ready

job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
check /hotplug/upgrades-alone eventually 20 job_finished "$job"
alone=$(took "$job")

declare -A outcomes=([named]=0 [hidden]=0 [deleted]=0 [none]=0)
refused=0 stuck=0
# asked: an inspection may come first
asked()
{
  ready && job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
}
# try COMMAND...: asks for an upgrade, runs the command, and plugs the disk in as an admin would, in one go; keeps the outcome
try()
{
  local seen now
  outcome=none
  wait_for 40 asked && "$@" ||
    { echo "stuck: $(property "$volume" Volume State) $(property "$volume" Volume Blockers)"; stuck=$((stuck + 1)); return 1; }
  if virsh -q attach-device other /run/disk.xml --live; then
    seen=$(opened)
    let_go
    wait_for 15 job_finished "$job" || stuck=$((stuck + 1))
    # What QEMU writes must be in the file that is kept.
    now=$(opened)
    outcomes[$now]=$((outcomes[$now] + 1))
    [ "$seen" = "$now" ] || echo "$seen became $now"
    virsh -q detach-device other /run/disk.xml --live
    wait_for 10 is_detached || stuck=$((stuck + 1))
  else
    refused=$((refused + 1))
    let_go
  fi
  wait_for 15 job_finished "$job" || stuck=$((stuck + 1))
  outcome=$(property "$job" Job Outcome)
}

hold
try wait_for 20 upgrading
check /hotplug/in-the-midst/given-up matches '^(yielded|refused|failed)$' echo "$outcome"
let_go
try wait_for 20 eval 'job_finished "$job"'
check /hotplug/afterwards/upgraded equals upgraded echo "$outcome"
upgraded=0 given_up=0
for i in $(seq "$count"); do
  echo "round $i"
  try pause "$alone" || continue
  case $outcome in upgraded) upgraded=$((upgraded + 1)) ;; *) given_up=$((given_up + 1)) ;; esac
done
echo "# $count tries at random, an upgrade taking $alone ms: plugged in on the named image ${outcomes[named]}, on a hidden one that is kept ${outcomes[hidden]}, on a" \
  "deleted one ${outcomes[deleted]}, refused $refused; $upgraded upgrades done, $given_up given up" >&3
check /hotplug/none-refused [ $refused = 0 ]
check /hotplug/none-on-a-deleted-image [ $((outcomes[deleted] + outcomes[none])) = 0 ]
check /hotplug/none-stuck [ $stuck = 0 ]
check /hotplug/agent-ends-well stop_agent
finish
