#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What was true and is not any more: nothing of it is left on the bus when volumes, domains and pools have become others, and
# whoever only listens has the same picture as whoever asks.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
fake_guest
define_pool default $images
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
printf '[Agent]\nSettleSeconds=0\n' >/etc/coldpatch/coldpatch.conf

image()
{
  head -c 4M /dev/urandom >"$images/$1"
}
# is NAME PROPERTY VALUE [POOL]
is()
{
  equals "$3" property "$(volume "${4:-default}" "$1")" Volume "$2"
}
blockers()
{
  call "$(volume "${2:-default}" "$1")" Volume GetBlockers | jq -r '.[] | "\(.[0]): \(.[1])"'
}
# domains_of NAME [POOL], volumes_of DOMAIN: their names, in a line
domains_of()
{
  local path
  for path in $(property "$(volume "${2:-default}" "$1")" Volume Domains | jq -r '.[]'); do
    property "$path" Domain Name
  done | xargs
}
volumes_of()
{
  local path
  for path in $(property "$(domain "$1")" Domain Volumes | jq -r '.[]'); do
    property "$path" Volume Name
  done | xargs
}
listed_as_guest()
{
  managed_objects | jq -e --arg name "$1" 'any(.[]["org.coldpatch1.Volume"]; . != null and .Name == $name)'
}

for name in a b c folder vmdk base anew moved; do
  image $name.raw
done
qemu-img create -q -f qcow2 -b $images/base.raw -F raw $images/over.qcow2
virsh -q pool-refresh default
start_agent
check /stale/agent-up wait_agent
for name in a b c folder vmdk anew moved; do
  check "/stale/$name/is-pending" eventually 30 is $name.raw State pending
done

# --- whoever only listens ----------------------------------------------------------------------------------------------

properties_of()
{
  busctl --json=short call org.coldpatch1 "$1" org.freedesktop.DBus.Properties GetAll s "org.coldpatch1.$2" |
    jq -c --arg path "$1" --arg interface "org.coldpatch1.$2" '{($path): {($interface): (.data[0] | map_values(.data))}}'
}
# ask: the whole picture, of volumes that do not carry a guest too
ask()
{
  local path
  {
    managed_objects
    properties_of $MANAGER Manager
    for path in $(busctl --json=short call org.coldpatch1 $MANAGER org.coldpatch1.Manager ListVolumes 'a{sv}uu' 0 0 0 |
        jq -r '.data[0][][0]'); do
      properties_of "$path" Volume
    done
  } | jq -cs 'reduce .[] as $one ({}; . * $one)'
}
# listen: asks once, and keeps every signal from then on
listen()
{
  busctl --json=short monitor org.coldpatch1 >/run/signals.json 2>/run/monitor.log &
  listener=$!
  wait_for 10 grep -q . /run/monitor.log
  ask >/run/asked.json
  asked_at=$(date +%s%6N)
}
# same_picture: what came of the signals is what is answered now. Volumes go from the list of objects when their guest does, and
# have their signals all the same; what is told to be constant, or never signalled, is left out.
same_picture()
{
  ask >/run/now.json
  jq -c 'select(.type == "signal" and ."timestamp-realtime" > '"$asked_at"')
    | {path, member, data: .payload.data}' /run/signals.json >/run/heard.json || return 1
  jq -n --slurpfile asked /run/asked.json --slurpfile heard /run/heard.json --slurpfile now /run/now.json '
    def values: map_values(.data);
    def plain: map_values(map_values(del(.LastSeen, .Pool)));
    reduce $heard[] as $one ($asked[0];
      if $one.member == "PropertiesChanged" then .[$one.path][$one.data[0]] += ($one.data[1] | values)
      elif $one.member == "InterfacesAdded" then .[$one.data[0]] += ($one.data[1] | map_values(values))
      elif $one.member == "InterfacesRemoved" and ($one.data[0] | test("/volume/") | not) then del(.[$one.data[0]])
      else . end)
    | plain as $cache | ($now[0] | plain) as $truth
    | [$truth | to_entries[] | .key as $path | .value | to_entries[] | .key as $interface | .value | to_entries[]
        | select($cache[$path][$interface][.key] != .value)
        | "\($path) \(.key): heard \($cache[$path][$interface][.key]), is \(.value)"]
      + [($cache | keys[]) | select(test("/volume/") | not) | select($truth[.] == null) | "\(.): is not there"]
    | if length > 0 then join("\n") + "\n" | halt_error(1) else empty end'
}
listen

# --- volumes -----------------------------------------------------------------------------------------------------------

# What is a disk of no guest any more keeps nothing of the guest that was there.
rm $images/folder.raw
mkdir $images/folder.raw
qemu-img create -q -f vmdk $images/.new 64M
mv $images/.new $images/vmdk.raw
for name in folder vmdk; do
  check "/stale/made-anew-as-$name/guest-is-forgotten" eventually 10 is $name.raw Os ''
  check "/stale/made-anew-as-$name/nothing-is-pending" is $name.raw PendingCount 0
  check "/stale/made-anew-as-$name/is-unsupported" eventually 5 is $name.raw State unsupported
  check "/stale/made-anew-as-$name/is-listed-no-more" fails listed_as_guest $name.raw
done

# Of an image that was deleted nothing is said of the one that is made in its place, even where the file system gives it the number
# of the old file again.
path=$(volume default anew.raw)
job=$(call "$path" Volume Upgrade 'a{sv}' 0)
check /stale/made-anew/upgraded eventually 20 equals upgraded property "$job" Job Outcome
wait_for 20 job_finished "$job"
ask_rollback "$path"
check /stale/made-anew/rolled-back eventually 20 is anew.raw LastOutcome rolled-back
check /stale/made-anew/quarantined eventually 5 matches '^quarantined: .*rolled back' blockers anew.raw
virsh -q vol-delete --pool default anew.raw
check /stale/made-anew/is-gone eventually 5 is anew.raw State gone
image anew.raw
check /stale/made-anew/may-be-upgraded eventually 20 is anew.raw State pending
check /stale/made-anew/was-never-upgraded is anew.raw Upgraded 0
check /stale/made-anew/has-no-outcome is anew.raw LastOutcome ''

# An image keeps its policy under another name, and in another pool.
define_pool other /var/lib/libvirt/other
call "$(volume default moved.raw)" Volume SetPolicy s off
mv $images/moved.raw $images/renamed.raw
check /stale/renamed/keeps-policy eventually 10 is renamed.raw Policy off
mv $images/renamed.raw /var/lib/libvirt/other/moved.raw
check /stale/moved/keeps-policy eventually 10 is moved.raw Policy off other
cp -p /var/lib/libvirt/other/moved.raw $images/copied.raw
check /stale/copied/has-none-of-its-own eventually 10 is copied.raw Policy inherit

# Of what libvirt cannot describe nobody knows how much is written to it.
head -c 4M /dev/urandom >"$images/"$'bad\xff.raw'
not_utf8()
{
  call $MANAGER Manager ListVolumes 'a{sv}uu' 1 blocker s unsupported-format 0 0 | jq -r '.[] | select(.[1] | startswith("bad"))[0]'
}
check /stale/not-described/says-so eventually 10 matches 'unsupported-format.*cannot describe' eval \
  'call "$(not_utf8)" Volume GetBlockers | jq -c .'
rm "$images/"$'bad\xff.raw'

# The chain of an overlay is as its bases are.
check /stale/base/overlay-is-looked-into eventually 30 is over.qcow2 State pending
mv $images/base.raw /var/lib/libvirt/base.raw
check /stale/base-that-is-gone/overlay-says-so eventually 10 matches '^untrusted-chain: .*base.raw' blockers over.qcow2
mv /var/lib/libvirt/base.raw $images/base.raw
check /stale/base-that-came-back/overlay-says-nothing eventually 10 equals '' blockers over.qcow2

# --- domains -----------------------------------------------------------------------------------------------------------

# A volume that a domain has let go of is nobody's, whatever was said of it for that domain's sake.
define_idle one $images/a.raw
define_idle two $images/a.raw
check /stale/two-owners/is-said eventually 10 matches '^several-owners: .*one, two|two, one' blockers a.raw
define_idle two $images/b.raw
check /stale/two-owners/one-lets-go eventually 10 equals '' blockers a.raw
check /stale/two-owners/goes-to-the-other-disk eventually 10 equals two domains_of b.raw
virsh -q undefine two

# What stands against one disk stands against the guest.
define_idle one $images/a.raw raw "$(second_disk $images/b.raw)"
check /stale/second-disk/is-seen eventually 10 equals 'a.raw b.raw' volumes_of one
ln $images/b.raw /var/lib/libvirt/b-link
virsh -q pool-refresh default
check /stale/second-disk/hard-link-blocks-guest eventually 10 matches '^several-names: .*b.raw' blockers a.raw
rm /var/lib/libvirt/b-link
virsh -q pool-refresh default
check /stale/second-disk/without-hard-link eventually 10 equals '' blockers a.raw

# A guest is looked into with the disks that it has: a second one is part of it, and a guest of its own afterwards.
check /stale/second-disk/belongs-to-guest eventually 20 matches '^no-operating-system: .*a.raw' blockers b.raw
define_idle one $images/a.raw
check /stale/second-disk-that-left/is-a-guest eventually 20 is b.raw State pending
check /stale/second-disk-that-left/has-no-blocker equals '' blockers b.raw

# No event tells of these.
virsh -q attach-disk one $images/b.raw vdb --config
check /stale/attached-while-off/is-seen eventually 10 equals 'a.raw b.raw' volumes_of one
virsh -q detach-disk one vdb --config
check /stale/detached-while-off/is-seen eventually 10 equals a.raw volumes_of one
define_idle snapshot $images/over.qcow2 qcow2
virsh -q snapshot-create-as snapshot outside --disk-only
check /stale/external-snapshot-while-off/overlay-is-the-domains eventually 10 equals over.outside volumes_of snapshot
virsh -q start one
virsh -q managedsave one >/dev/null
check /stale/managed-save/is-said eventually 10 matches '^managed-save: ' blockers a.raw
virsh -q managedsave-remove one >/dev/null
check /stale/managed-save-that-was-removed/is-not-said eventually 10 fails matches '^managed-save: ' blockers a.raw
check /stale/managed-save-that-was-removed/run-has-not-ended-well matches '^saved-elsewhere: ' blockers a.raw
virsh -q start one
virsh -q destroy one
check /stale/managed-save-that-was-removed/next-run eventually 10 equals '' blockers a.raw

# A new kernel waits for a boot, also of a domain that nobody knew before it was started.
: >/run/fake-kernel
job=$(call "$(volume default c.raw)" Volume Upgrade 'a{sv}' 0)
check /stale/awaits-boot/upgraded eventually 20 job_finished "$job"
check /stale/awaits-boot/is-said is c.raw AwaitsBoot true
rm /run/fake-kernel
"$tests/guests/make-domain" passing $images/c.raw raw 64 | sed "s|</os>|<boot dev='cdrom'/></os>|" >/run/passing.xml
virsh -q create /run/passing.xml
check /stale/awaits-boot/has-booted eventually 10 is c.raw AwaitsBoot false
virsh -q destroy passing
check /stale/awaits-boot/is-free-again eventually 20 is c.raw State pending

# What an image is taken for decides what is found in it: one that was converted in place is looked into again when its domain knows.
inspected=$(property "$(volume default b.raw)" Volume Inspected)
define_idle three $images/b.raw
check /stale/other-format/same-format eventually 10 equals three domains_of b.raw
qemu-img convert -O qcow2 $images/b.raw $images/.b && mv $images/.b $images/b.raw
check /stale/other-format/looked-into-as-before eventually 20 fails equals "$inspected" property "$(volume default b.raw)" Volume Inspected
wait_for 20 is b.raw State pending
inspected=$(property "$(volume default b.raw)" Volume Inspected)
define_idle three $images/b.raw qcow2
check /stale/other-format/looked-into-as-now eventually 20 fails equals "$inspected" property "$(volume default b.raw)" Volume Inspected
check /stale/other-format/is-pending eventually 20 is b.raw State pending
virsh -q undefine three

# The number of a file that is gone is given to the next one: it is not the domain's for that.
define_idle one $images/a.raw raw "$(second_disk $images/c.raw)"
check /stale/file-number/is-seen eventually 10 equals 'a.raw c.raw' volumes_of one
inode=$(stat -c %i $images/c.raw)
cp $images/c.raw /var/lib/libvirt/c.raw
# Not seen to be gone in between, as it would be if it were deleted first.
mv $images/c.raw $images/other.raw
check /stale/file-number/is-the-same equals "$inode" stat -c %i $images/other.raw
check /stale/file-number/other-is-nobodys eventually 10 equals '' domains_of other.raw
check /stale/file-number/domain-lacks-disk eventually 10 matches '^missing-disk: .*c.raw' blockers a.raw
cp /var/lib/libvirt/c.raw $images/c.raw
check /stale/file-number/disk-is-back eventually 10 equals 'a.raw c.raw' volumes_of one
check /stale/file-number/nothing-is-missing eventually 10 equals '' blockers a.raw
define_idle one $images/a.raw

# A disk that is named by pool and volume leads nowhere until both are there.
"$tests/guests/make-domain" later /none raw 64 |
  sed "s|<disk type='file'|<disk type='volume'|; s|<source file='/none'/>|<source pool='later' volume='v.raw'/>|" >/run/later.xml
virsh -q define /run/later.xml
check /stale/disk-by-pool/leads-nowhere eventually 10 equals '' volumes_of later
define_pool later /var/lib/libvirt/later
head -c 4M /dev/urandom >/var/lib/libvirt/later/v.raw
check /stale/disk-by-pool/is-found eventually 10 equals v.raw volumes_of later
check /stale/disk-by-pool/says-whose-it-is equals later domains_of v.raw later

# --- pools -------------------------------------------------------------------------------------------------------------

# One folder under two names: when one pool goes, the other one still shows what is there.
mkdir /run/alias
ln -s $images /run/alias/images
virsh -q pool-define-as alias dir --target /run/alias/images >/dev/null
virsh -q pool-start alias >/dev/null
check /stale/two-pools/both-show-it eventually 10 equals one domains_of a.raw alias
check /stale/two-pools/says-why-not-looked-into eventually 10 matches '^untrusted-directory: .*real path.*Inspect' blockers a.raw alias
path=$(volume default a.raw)
check /stale/two-pools/first-is-found equals "$path" call $MANAGER Manager LookupVolume s $images/a.raw
virsh -q pool-destroy default
virsh -q pool-undefine default
check /stale/two-pools/other-is-found eventually 10 equals "$(volume alias a.raw)" call $MANAGER Manager LookupVolume s $images/a.raw
check /stale/two-pools/domain-is-on-the-other equals "$(volume alias a.raw)" eval \
  'property "$(domain one)" Domain Volumes | jq -r ".[]"'
virsh -q pool-destroy alias
virsh -q pool-undefine alias

# Defined again under its name, a pool is another one: the UUID of the old one finds nothing.
old=$(property "$path" Volume Pool | sed 's|.*/||; s|_|-|g')
define_pool default $images
check /stale/pool-defined-again/shows-volumes eventually 10 equals one domains_of a.raw
new=$(virsh -q pool-uuid default)
check /stale/pool-defined-again/old-uuid matches 'no volume' call $MANAGER Manager LookupVolumeByName ss "$old" a.raw
check /stale/pool-defined-again/new-uuid equals "$(volume default a.raw)" call $MANAGER Manager LookupVolumeByName ss "$new" a.raw

# --- whoever only listens ----------------------------------------------------------------------------------------------

# Beside all of the above: jobs, policies, runs of domains.
call "$(volume default a.raw)" Volume SetPolicy s off
call "$(property "$(volume default b.raw)" Volume Pool)" Pool SetPolicy s manual
call "$(domain one)" Domain SetPolicy s manual
check /stale/listener/policy-is-followed eventually 10 is a.raw State blocked
call "$(volume default a.raw)" Volume SetPolicy s inherit
call $MANAGER Manager SetPolicy s off
call $MANAGER Manager SetPolicy s manual
wait_for 20 is b.raw State pending
job=$(call "$(volume default b.raw)" Volume Upgrade 'a{sv}' 0)
check /stale/listener/upgrades eventually 20 job_finished "$job"
ask_rollback "$(volume default b.raw)"
check /stale/listener/rolls-back eventually 20 job_finished "$job"
virsh -q start one
check /stale/listener/domain-runs eventually 10 is a.raw Blockers "$(printf '[\n  "in-use",\n  "claimed"\n]')"
virsh -q destroy one
virsh -q domrename one renamed
check /stale/listener/domain-is-renamed eventually 10 equals renamed domains_of a.raw
virsh -q vol-delete --pool default b.raw
virsh -q undefine renamed
check /stale/listener/has-the-same-picture eventually 20 same_picture
kill "$listener"

# --- after a restart ---------------------------------------------------------------------------------------------------

define_idle one $images/a.raw raw "$(second_disk $images/other.raw)"
check /stale/restart/second-disk-belongs-to-guest eventually 20 is other.raw Os ''
check /stale/restart/agent-ends stop_agent
start_agent
check /stale/restart/agent-is-back wait_agent
define_idle one $images/a.raw
check /stale/restart/second-disk-is-a-guest eventually 20 is other.raw State pending

check /stale/stays-up agent_is_up
check /stale/agent-ends-well stop_agent
finish
