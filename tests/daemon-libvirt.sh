#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# libvirtd that is not there yet, dies, and comes back; the gate's proof.
FAKE_WORKER=yes PRIVATE_HOST_OPTIONS=--no-libvirtd
. "$(dirname "$0")/lib.sh"

connected()
{
  [ "$(property $MANAGER Manager Connected)" = "$1" ]
}
known()
{
  [ "$(property "$(volume default "$1")" Volume State)" != gone ]
}

start_agent
check /libvirt/absent/on-the-bus wait_agent
check /libvirt/absent/not-connected connected false
start_libvirtd
check /libvirt/appears/connected eventually 40 connected true
pool_is_known()
{
  managed_objects | jq -e 'any(.[]["org.coldpatch1.Pool"]; . != null and .Name == "default" and .State == "active")'
}
define_pool default /var/lib/libvirt/images
# Whatever comes into its folder from now on is seen.
check /libvirt/appears/pool eventually 10 pool_is_known
truncate -s 1M /var/lib/libvirt/images/first.raw
check /libvirt/appears/volume eventually 10 known first.raw

stop_libvirtd KILL
check /libvirt/killed/not-connected eventually 20 connected false
check /libvirt/killed/stays-up agent_is_up
truncate -s 1M /var/lib/libvirt/images/second.raw
start_libvirtd
virsh -q pool-start default 2>/dev/null
check /libvirt/back/connected eventually 40 connected true
check /libvirt/back/missed-volume eventually 20 known second.raw
check /agent/term/ends-well stop_agent
finish
