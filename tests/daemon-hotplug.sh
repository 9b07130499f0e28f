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
is_detached()
{
  [ "$(opened)" = none ]
}

start_agent
check /hotplug/agent-up wait_agent
volume=$(await_volume default stressed.raw)
check /hotplug/pending eventually 60 ready

# How long an upgrade takes when nobody disturbs it: half of the tries are made near its end, where the images change places.
from=$(date +%s%N)
job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
check /hotplug/upgrades-alone eventually 20 job_finished "$job"
alone=$((($(date +%s%N) - from) / 1000000))
pause()
{
  local ms=$((RANDOM % (alone * 5 / 4)))
  [ $((RANDOM % 2)) = 0 ] || ms=$((alone * 3 / 4 + RANDOM % (alone / 2)))
  sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
}

declare -A outcomes=([named]=0 [hidden]=0 [deleted]=0 [none]=0)
refused=0 upgraded=0 given_up=0 stuck=0
for i in $(seq "$count"); do
  wait_for 40 ready || { echo "round $i: not ready: $(property "$volume" Volume State) $(property "$volume" Volume Blockers)"; stuck=$((stuck + 1)); continue; }
  job=$(call "$volume" Volume Upgrade 'a{sv}' 0) || { stuck=$((stuck + 1)); continue; }
  pause
  # As an admin would: in one go, while the upgrade runs or just after it.
  if virsh -q attach-device other /run/disk.xml --live; then
    seen=$(opened)
    wait_for 15 job_finished "$job" || stuck=$((stuck + 1))
    # What QEMU writes must be in the file that is kept.
    now=$(opened)
    outcomes[$now]=$((outcomes[$now] + 1))
    [ "$seen" = "$now" ] || { echo "round $i: $seen became $now"; changed=$((changed + 1)); }
    virsh -q detach-device other /run/disk.xml --live
    wait_for 10 is_detached || stuck=$((stuck + 1))
  else
    refused=$((refused + 1))
  fi
  wait_for 15 job_finished "$job" || stuck=$((stuck + 1))
  case $(property "$job" Job Outcome) in upgraded) upgraded=$((upgraded + 1)) ;; *) given_up=$((given_up + 1)) ;; esac
done
echo "# $count tries, an upgrade taking $alone ms: plugged in on the named image ${outcomes[named]}, on a hidden one that is kept ${outcomes[hidden]}, on a" \
  "deleted one ${outcomes[deleted]}, refused $refused; $upgraded upgrades done, $given_up given up" >&3
check /hotplug/none-refused [ $refused = 0 ]
check /hotplug/none-on-a-deleted-image [ $((outcomes[deleted] + outcomes[none])) = 0 ]
check /hotplug/none-stuck [ $stuck = 0 ]
check /hotplug/both-ways [ $((upgraded > 0 && given_up > 0)) = 1 ]
check /hotplug/agent-ends-well stop_agent
finish
