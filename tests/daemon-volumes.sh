#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pools, volumes and domains as they come and go, odd ones included.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
state_is()
{
  equals "$1" property "$(volume default "$2")" Volume State
}
settled()
{
  case $(property "$(volume default "$1")" Volume State) in new|inspecting|'') return 1 ;; esac
}
name_is()
{
  local path
  path=$(volume default "$1") && equals "$1" property "$path" Volume Name
}
blocked_by()
{
  property "$(volume "$1" "$2")" Volume Blockers | grep -q "\"$3\""
}
pool_state()
{
  managed_objects | jq -e --arg name "$1" --arg state "$2" \
    'any(.[]["org.coldpatch1.Pool"]; . != null and .Name == $name and .State == $state)'
}
pool_count()
{
  managed_objects | jq -e --arg name "$1" --argjson count "$2" \
    'any(.[]["org.coldpatch1.Pool"]; . != null and .Name == $name and .VolumeCount == $count)'
}

define_pool default $images
define_pool empty /var/lib/libvirt/empty
define_pool passing /var/lib/libvirt/passing
truncate -s 1M /var/lib/libvirt/passing/there.raw
virsh -q pool-refresh passing
start_agent
check /agent/up wait_agent
check /pool/empty eventually 10 pool_count empty 0
# From here on libvirtd answers at once: the first domain may have made it ask every QEMU what it can do.
check /gate/live eventually 60 fails blocked_by passing there.raw gate-missing

truncate -s 1M "$images/dropped.raw"
check /volume/dropped-in/appears eventually 5 settled dropped.raw
rm "$images/dropped.raw"
check /volume/removed/gone eventually 5 state_is gone dropped.raw

head -c 5000 /dev/urandom >"$images/noise.img"
check /volume/no-image/recorded eventually 10 settled noise.img
check /volume/no-image/blocked eventually 10 blocked_by default noise.img no-operating-system
head -c 3000000 /dev/urandom >"$images/more-noise.img"
check /volume/no-image/inspected eventually 20 equals 'nothing in it' eval \
  'call "$(volume default more-noise.img)" Volume GetBlockers | jq -r ".[0][1]" | grep -o "nothing in it"'
: >"$images/nothing.img"
check /volume/zero-length eventually 10 settled nothing.img

for name in 'with space.raw' "quote'\".raw" 'aünicode-日本.raw' '&<>;$(id).raw'; do
  truncate -s 1M "$images/$name"
  check "/volume/odd-name/$(tr -dc 'a-z' <<<"$name")" eventually 10 name_is "$name"
done
# libvirt itself may refuse these: the agent only has to live on.
truncate -s 1M "$images/"$'new\nline.raw' "$images/"$'bad\xff\xfeutf8.raw'
truncate -s 1M "$images/after.raw"
check /volume/odd-name/others-are-seen eventually 10 name_is after.raw
check /volume/odd-name/stays-up agent_is_up

truncate -s 1M "$images/used.raw"
odd=$'odd "name" with \'quotes\' & ünicode'
"$tests/guests/make-domain" plain "$images/used.raw" >/run/plain.xml
sed "s|<name>plain</name>|<name>odd \"name\" with 'quotes' \&amp; ünicode</name>|" /run/plain.xml >/run/odd.xml
virsh -q define /run/odd.xml
check /domain/odd-name eventually 10 equals "$odd" eval 'property "$(domain "$odd")" Domain Name'
virsh -q start "$odd"
check /domain/running/in-use eventually 10 blocked_by default used.raw in-use
virsh -q destroy "$odd"
check /domain/off/not-in-use eventually 10 fails blocked_by default used.raw in-use
sed 's|<name>plain</name>|<name>second</name>|' /run/plain.xml >/run/second.xml
virsh -q define /run/second.xml
check /domain/second/several-owners eventually 10 blocked_by default used.raw several-owners
ln "$images/after.raw" "$images/alias.raw"
check /volume/hard-link/several-names eventually 15 blocked_by default after.raw several-names

rm -rf /var/lib/libvirt/passing
virsh -q pool-refresh passing 2>/dev/null
check /pool/vanished/inactive eventually 10 pool_state passing inactive
check /pool/vanished/blocked eventually 10 blocked_by passing there.raw pool-inactive
check /pool/vanished/stays-up agent_is_up

first_seen=$(property "$(volume default after.raw)" Volume FirstSeen)
stop_agent
start_agent
check /restart/up wait_agent
check /restart/keeps-history eventually 10 equals "$first_seen" eval 'property "$(volume default after.raw)" Volume FirstSeen'
stop_agent
head -c 20000 /dev/urandom >/var/lib/coldpatch/store.db
rm -f /var/lib/coldpatch/store.db-*
start_agent
check /store/corrupt/up wait_agent
check /store/corrupt/rebuilt eventually 20 settled after.raw
check /store/corrupt/set-aside eval '[ "$(ls /var/lib/coldpatch | grep -c "^store\.db\..")" -ge 1 ]'
check /agent/term/ends-well stop_agent
finish
