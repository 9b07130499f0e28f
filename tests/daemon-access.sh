#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may call coldpatchd and hear its signals, method by method, on a real bus with the policy that is installed.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

# Everything else of the interface changes something, or was added since: root's.
reading=" Manager.ListVolumes Manager.LookupVolume Manager.LookupVolumeByName Manager.LookupDomain \
Manager.FindPackage Manager.GetReport Volume.GetPlan Volume.GetBlockers Volume.GetPackages Volume.GetHistory Volume.GetSbom "

getent group libvirt >/dev/null || groupadd --system libvirt
useradd --system --no-create-home --groups libvirt cold-reader
useradd --system --no-create-home cold-stranger
busctl -q call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig

as()
{
  local user=$1
  shift
  setpriv --reuid "$user" --regid "$user" --init-groups -- "$@"
}

# Interface.Method for each method that the interface has.
methods()
{
  awk -F'"' '/<interface name=/ { sub("org.coldpatch1.", "", $2); interface = $2 }
    /<method name=/ { print interface "." $2 }' "$tests/../data/org.coldpatch1.xml"
}

# is_denied USER OBJECT INTERFACE METHOD [SIGNATURE ARGUMENT...]: by the bus
is_denied()
{
  local user=$1
  shift
  matches '[Aa]ccess denied|not authorized|Sender is not' as "$user" busctl --timeout=10 call org.coldpatch1 "$@"
}

# The agent has got to see it: whatever it answers.
is_let_through()
{
  ! is_denied "$@" >/dev/null
}

# Calls with a signature that no method has: nothing happens even where they get through.
each_method()
{
  local user=$1 allowed=$2 method n=0
  while read -r method; do
    n=$((n + 1))
    local object=/org/coldpatch1 interface=org.coldpatch1.${method%.*} member=${method#*.}
    if [[ $allowed == *" $method "* ]]; then
      is_let_through "$user" $object "$interface" "$member" yyy 1 2 3 || { echo "$user may not call $method"; return 1; }
    else
      is_denied "$user" $object "$interface" "$member" yyy 1 2 3 || { echo "$user may call $method"; return 1; }
    fi
  done < <(methods)
  [ $n -ge 20 ] || { echo "only $n methods were found"; return 1; }
}

# hears USER SECONDS: whether a signal that the agent sends within that time reaches the user, who has subscribed to all of its
hears()
{
  local user=$1 heard=/run/heard-$1 listener status=1 end
  as "$user" stdbuf -oL gdbus monitor --system --dest org.coldpatch1 >"$heard" 2>&1 &
  listener=$!
  wait_for 10 grep -q Monitoring "$heard"
  end=$((SECONDS + $2))
  while [ $status = 1 ] && [ $SECONDS -lt $end ]; do
    call $MANAGER Manager SetPolicy s auto
    call $MANAGER Manager SetPolicy s manual
    sleep 0.5
    grep -q PropertiesChanged "$heard" && status=0
  done
  kill $listener
  wait $listener 2>/dev/null
  cat "$heard"
  return $status
}

can_own()
{
  as "$1" busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus \
    RequestName su org.coldpatch1 4
}

properties=org.freedesktop.DBus.Properties
start_agent
check /access/agent-is-up wait_agent

check /access/reader/methods each_method cold-reader "$reading"
check /access/reader/property matches manual \
  as cold-reader busctl get-property org.coldpatch1 $MANAGER org.coldpatch1.Manager Policy
check /access/reader/all-properties as cold-reader \
  busctl call org.coldpatch1 $MANAGER $properties GetAll s org.coldpatch1.Manager
check /access/reader/set-property is_denied cold-reader \
  $MANAGER $properties Set ssv org.coldpatch1.Manager Policy s auto
check /access/reader/introspect as cold-reader busctl introspect org.coldpatch1 $MANAGER
check /access/reader/objects as cold-reader \
  busctl call org.coldpatch1 $MANAGER org.freedesktop.DBus.ObjectManager GetManagedObjects
check /access/reader/volumes as cold-reader \
  busctl call org.coldpatch1 $MANAGER org.coldpatch1.Manager ListVolumes 'a{sv}uu' 0 0 0
check /access/reader/no-interface-named fails as cold-reader \
  gdbus call --system --dest org.coldpatch1 --object-path $MANAGER --method Resync
check /access/reader/signals hears cold-reader 60

check /access/stranger/methods each_method cold-stranger ''
check /access/stranger/property is_denied cold-stranger $MANAGER $properties Get ss org.coldpatch1.Manager Policy
check /access/stranger/introspect is_denied cold-stranger \
  $MANAGER org.freedesktop.DBus.Introspectable Introspect
check /access/stranger/objects is_denied cold-stranger \
  $MANAGER org.freedesktop.DBus.ObjectManager GetManagedObjects
check /access/stranger/signals fails hears cold-stranger 5

check /access/root/methods each_method root " $(methods | tr '\n' ' ') "
check /access/root/changes-policy call $MANAGER Manager SetPolicy s off
check /access/root/policy-is-changed equals off property $MANAGER Manager Policy

stop_agent
check /access/name/reader fails can_own cold-reader
check /access/name/stranger fails can_own cold-stranger
check /access/name/root can_own root
finish
