#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What others may do to an image while it is being upgraded: in the midst of it, and ${COLDPATCH_STRESS:-10} times at random instants.
# Each time the upgrade is given up or done, never half; what the other party did survives, byte for byte; nothing is left
# behind, and the agent goes on. What came of it is said as a comment.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
fake_guest 1
define_pool default $images
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
printf '[Agent]\nSettleSeconds=0\n' >/etc/coldpatch/coldpatch.conf

# --- making ------------------------------------------------------------------------------------------------------------

image()
{
  head -c 4M /dev/urandom >"$images/$1"
}
qcow2()
{
  head -c 4M /dev/urandom >/run/content
  qemu-img convert -O qcow2 /run/content "$images/$1"
}
# disk_xml FILE: of a disk to be plugged in
disk_xml()
{
  echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$1'/><target dev='vdb' bus='virtio'/></disk>" \
    >/run/disk.xml
}

# write_secretly FILE: bytes are changed, and time and size are as before
write_secretly()
{
  local before
  before=$(stat -c %y "$1")
  echo changed | dd of="$1" bs=1 seek=1000000 conv=notrunc status=none && touch -d "$before" "$1"
}

# --- asking ------------------------------------------------------------------------------------------------------------

sum()
{
  sha256sum <"$images/$1" | cut -d' ' -f1
}
inode()
{
  stat -c %i "$images/$1"
}
may_be_upgraded()
{
  volume=$(volume "$2" "$1") && case $(property "$volume" Volume State) in pending|failed) ;; *) return 1 ;; esac
}
# asked NAME POOL: an upgrade has been asked for; an inspection may come first
asked()
{
  may_be_upgraded "$1" "$2" && job=$(call "$volume" Volume Upgrade 'a{sv}' 0) && [ -n "$job" ]
}
# begin NAME [POOL [FOLDER]]: an upgrade, until its package manager runs, which then waits until the upgrade may end
begin()
{
  old=$(sum "${3:-.}/$1")
  rm -f /run/fake-new
  hold
  wait_for 60 asked "$1" "${2:-default}" || { property "$volume" Volume Blockers; return 1; }
  wait_for 15 in_phase upgrading
}
in_phase()
{
  [ "$(property "$job" Job Phase)" = "$1" ]
}
# ends SITUATION OUTCOMES: the upgrade; what became of it is kept for the report at the end
ends()
{
  let_go
  check "/changes/$1/ends" eventually 30 job_finished "$job"
  outcome=$(property "$job" Job Outcome)
  echo "# $1 -> $outcome $(property "$job" Job ErrorMessage)" >&3
  check "/changes/$1/$2" matches "^($2)\$" echo "$outcome"
  check "/changes/$1/no-leftovers" eventually 10 no_leftovers
  check "/changes/$1/stays-up" agent_is_up
}
# rolls_back NAME: prints the outcome
rolls_back()
{
  ask_rollback "$(volume default "$1")" && wait_for 15 job_finished "$job" && echo "$job" >/run/rollback && property "$job" Job Outcome
}
# whole NAME: the old image, or the one that the upgrade came to
whole()
{
  local now
  now=$(sum "$1")
  [ "$now" = "$old" ] || [ "$now" = "$(cat /run/fake-new)" ] || { echo "$now is neither $old nor $(cat /run/fake-new)"; return 1; }
}
# The outcomes of an upgrade that is given up.
given_up='yielded|refused|failed|cancelled'

# changes SITUATION NAME COMMAND...: writes to the image, or puts another one there, in the midst of its upgrade
changes()
{
  local situation=$1 name=$2 theirs theirs_inode
  shift 2
  check "/changes/$situation/begins" begin "$name"
  check "/changes/$situation/is-done" "$@"
  theirs=$(sum "$name") theirs_inode=$(inode "$name")
  check "/changes/$situation/makes-a-difference" [ "$theirs" != "$old" ]
  ends "$situation" "$given_up"
  check "/changes/$situation/survives" equals "$theirs $theirs_inode" eval "echo \$(sum $name) \$(inode $name)"
}
# dresses SITUATION NAME WANTED COMMAND ASK...: changes what is known of the image, not the image; what ASK then prints
dresses()
{
  local situation=$1 name=$2 wanted=$3 command=$4
  shift 4
  check "/changes/$situation/begins" begin "$name"
  check "/changes/$situation/is-done" eval "$command"
  ends "$situation" "$given_up|upgraded"
  check "/changes/$situation/survives" equals "$wanted" "$@"
  check "/changes/$situation/whole" whole "$name"
}

for name in upload resize wipe delete clone hotplug undefine rename redefine shared fleeting pair pair2 below more stop gone replace link symlink moved mode owner \
            attribute label acl writer base again clock back random; do
  image $name.raw
done
for name in internal external qemu-snapshot bitmap random; do
  qcow2 $name.qcow2
done
head -c 4M /dev/urandom >/run/other.raw
virsh -q pool-refresh default
start_agent
check /changes/agent-up wait_agent

# --- volumes -----------------------------------------------------------------------------------------------------------

changes vol-upload upload.raw virsh -q vol-upload upload.raw /run/other.raw --pool default
changes vol-resize resize.raw virsh -q vol-resize resize.raw 8M --pool default
changes vol-wipe wipe.raw virsh -q vol-wipe wipe.raw --pool default
check /changes/vol-delete/begins begin delete.raw
check /changes/vol-delete/is-done virsh -q vol-delete delete.raw --pool default
ends vol-delete "$given_up"
check /changes/vol-delete/stays-deleted [ ! -e $images/delete.raw ]
check /changes/vol-clone/begins begin clone.raw
check /changes/vol-clone/is-done virsh -q vol-clone clone.raw cloned.raw --pool default
check /changes/vol-clone/whole equals "$old" sum cloned.raw
ends vol-clone "$given_up|upgraded"
check /changes/vol-clone/original-whole whole clone.raw
check /changes/vol-clone/clone-unchanged equals "$old" sum cloned.raw
# An upgrade that was done can be undone, unless somebody has written to the image since, however secretly.
check /changes/since-upgrade/untouched/rolled-back equals rolled-back rolls_back clone.raw
check /changes/since-upgrade/untouched/old-image equals "$old" sum clone.raw
check /changes/since-upgrade/begins begin clone.raw
let_go
check /changes/since-upgrade/upgrades eventually 20 job_finished "$job"
check /changes/since-upgrade/is-done write_secretly $images/clone.raw
theirs=$(sum clone.raw)
check /changes/since-upgrade/rollback-is-refused equals refused rolls_back clone.raw
check /changes/since-upgrade/says-why matches '^changed-since-upgrade: ' property "$(cat /run/rollback)" Job ErrorMessage
check /changes/since-upgrade/survives equals "$theirs" sum clone.raw

# --- domains -----------------------------------------------------------------------------------------------------------

define_idle internal $images/internal.qcow2 qcow2
changes snapshot-internal internal.qcow2 virsh -q snapshot-create-as internal one
check /changes/snapshot-internal/can-be-reverted-to virsh -q snapshot-revert internal one
define_idle external $images/external.qcow2 qcow2
check /changes/snapshot-external/begins begin external.qcow2
check /changes/snapshot-external/is-done virsh -q snapshot-create-as external one --disk-only
ends snapshot-external "$given_up"
check /changes/snapshot-external/base-unchanged equals "$old" sum external.qcow2
check /changes/snapshot-external/overlay-whole qemu-img check -q $images/external.one

define_idle plugged $images/hotplug.raw
define_idle other $images/none.raw raw '/<disk/,/<\/disk>/d'
virsh -q start other
disk_xml $images/hotplug.raw
changes_by_plug()
{
  check /changes/hot-plug/begins begin hotplug.raw
  check /changes/hot-plug/is-done virsh -q attach-device other /run/disk.xml --live
  ends hot-plug "$given_up"
  check /changes/hot-plug/image-unchanged equals "$old" sum hotplug.raw
  check /changes/hot-plug/on-the-named-image matches "$(stat -c '^%i$' $images/hotplug.raw)" \
    eval 'for fd in /proc/$(cat /run/libvirt/qemu/other.pid)/fd/*; do stat -Lc %i $fd; done'
  virsh -q destroy other
}
changes_by_plug

define_idle undefined $images/undefine.raw
check /changes/domain-undefined/begins begin undefine.raw
check /changes/domain-undefined/is-done virsh -q undefine undefined
ends domain-undefined "$given_up|upgraded"
check /changes/domain-undefined/whole whole undefine.raw
define_idle first $images/rename.raw
check /changes/domain-renamed/begins begin rename.raw
check /changes/domain-renamed/is-done virsh -q domrename first second
ends domain-renamed "$given_up|upgraded"
check /changes/domain-renamed/whole whole rename.raw

# A guest that has grown a second disk is not the one that was copied.
define_idle redefined $images/redefine.raw
check /changes/domain-with-more-disks/begins begin redefine.raw
define_idle redefined $images/redefine.raw raw "$(second_disk $images/more.raw)"
ends domain-with-more-disks "$given_up"
check /changes/domain-with-more-disks/unchanged equals "$old" sum redefine.raw
virsh -q undefine redefined
# One that comes to share the image was not known when it was copied: its start must be seen all the same.
check /changes/domain-shares/begins begin shared.raw
define_idle sharing $images/shared.raw raw "s|</disk>|<shareable/></disk>|"
ends domain-shares "$given_up"
check /changes/domain-shares/unchanged equals "$old" sum shared.raw
virsh -q undefine sharing
check /changes/domain-starts-that-was-not-known/begins begin shared.raw
define_idle new $images/shared.raw
check /changes/domain-starts-that-was-not-known/starts virsh -q start new
ends domain-starts-that-was-not-known "$given_up"
check /changes/domain-starts-that-was-not-known/unchanged equals "$old" sum shared.raw
virsh -q destroy new

# A transient domain that is gone and comes back: its claim alone counts, before libvirt shows it.
virsh -q undefine first 2>/dev/null || virsh -q undefine second
define_idle fleeting $images/fleeting.raw
uuid=$(virsh -q domuuid fleeting)
virsh -q dumpxml fleeting >/run/fleeting.xml
virsh -q undefine fleeting
virsh -q create /run/fleeting.xml
virsh -q destroy fleeting
check /changes/domain-that-was-gone-comes-back/begins begin fleeting.raw
check /changes/domain-that-was-gone-comes-back/is-done eval \
  '/etc/libvirt/hooks/qemu.d/coldpatch fleeting prepare begin - </run/fleeting.xml'
ends domain-that-was-gone-comes-back yielded
check /changes/domain-that-was-gone-comes-back/unchanged equals "$old" sum fleeting.raw
rm "/run/coldpatch/claims/$uuid.json"

# Somebody else starts with the guest's second disk, or with what its disk builds on.
define_idle pair $images/pair.raw raw "$(second_disk $images/pair2.raw)"
check /changes/second-disk-starts/begins begin pair.raw
define_idle single $images/pair2.raw
check /changes/second-disk-starts/is-done virsh -q start single
ends second-disk-starts yielded
check /changes/second-disk-starts/unchanged equals "$old" sum pair.raw
virsh -q destroy single
qemu-img create -q -f qcow2 -b $images/below.raw -F raw $images/above.qcow2
define_idle above $images/above.qcow2 qcow2
define_idle below $images/below.raw
check /changes/base-starts/begins begin above.qcow2
check /changes/base-starts/is-done virsh -q start below
ends base-starts yielded
check /changes/base-starts/unchanged equals "$old" sum above.qcow2
virsh -q destroy below

# --- pools -------------------------------------------------------------------------------------------------------------

for name in stopped undefined; do
  folder=/var/lib/libvirt/images/$name
  define_pool $name $folder
  image $name/there.raw
  virsh -q pool-refresh $name
  check "/changes/pool-$name/begins" begin there.raw $name $name
  check "/changes/pool-$name/stops" virsh -q pool-destroy $name
  [ $name = stopped ] || check "/changes/pool-$name/is-done" virsh -q pool-undefine $name
  ends "pool-$name" "$given_up"
  check "/changes/pool-$name/unchanged" equals "$old" sum $name/there.raw
done

# --- files -------------------------------------------------------------------------------------------------------------

changes replaced-by-rename replace.raw eval "cp /run/other.raw $images/.new && mv $images/.new $images/replace.raw"
changes replaced-by-a-copy-with-its-time again.raw \
  eval "cp /run/other.raw $images/.new && touch -r $images/again.raw $images/.new && mv $images/.new $images/again.raw"
changes written-to base.raw eval "echo changed | dd of=$images/base.raw bs=1 seek=1000000 conv=notrunc status=none"
changes written-to-secretly writer.raw write_secretly $images/writer.raw
changes qemu-img-snapshot qemu-snapshot.qcow2 qemu-img snapshot -c one $images/qemu-snapshot.qcow2
changes qemu-img-bitmap bitmap.qcow2 qemu-img bitmap --add $images/bitmap.qcow2 one
dresses hard-link link.raw 2 "ln $images/link.raw $images/link2.raw" stat -c %h $images/link.raw
check /changes/hard-link/unchanged equals "$old" sum link.raw
rm $images/link2.raw
check /changes/symbolic-link/begins begin symlink.raw
check /changes/symbolic-link/is-done eval "mv $images/symlink.raw /run/moved.raw && ln -s /run/moved.raw $images/symlink.raw"
ends symbolic-link "$given_up"
check /changes/symbolic-link/survives equals "$old /run/moved.raw" eval "echo \$(sum symlink.raw) \$(readlink $images/symlink.raw)"
check /changes/moved-away/begins begin moved.raw
check /changes/moved-away/is-done mv $images/moved.raw $images/elsewhere.raw
ends moved-away "$given_up"
check /changes/moved-away/unchanged equals "$old" sum elsewhere.raw
check /changes/moved-away/stays-away [ ! -e $images/moved.raw ]
check /changes/overlay/begins begin undefine.raw
check /changes/overlay/is-done qemu-img create -q -f qcow2 -b $images/undefine.raw -F raw $images/over.qcow2
ends overlay "$given_up"
check /changes/overlay/base-unchanged equals "$old" sum undefine.raw
rm $images/over.qcow2
qemu-img create -q -f qcow2 $images/over.qcow2 4M
wait_for 10 volume default over.qcow2
check /changes/rebase/begins begin undefine.raw
check /changes/rebase/is-done qemu-img rebase -q -u -f qcow2 -b $images/undefine.raw -F raw $images/over.qcow2
ends rebase "$given_up"
check /changes/rebase/base-unchanged equals "$old" sum undefine.raw
rm $images/over.qcow2
dresses mode mode.raw 600 "chmod 0600 $images/mode.raw" stat -c %a $images/mode.raw
dresses owner owner.raw 1:1 "chown 1:1 $images/owner.raw" stat -c %u:%g $images/owner.raw
dresses attribute attribute.raw mine "setfattr -n user.note -v mine $images/attribute.raw" \
  getfattr --only-values --absolute-names -n user.note $images/attribute.raw
dresses label label.raw +64055:+108 "setfattr -n trusted.libvirt.security.dac -v +64055:+108 $images/label.raw" \
  getfattr --only-values --absolute-names -n trusted.libvirt.security.dac $images/label.raw
dresses acl acl.raw user:daemon:r-- "setfacl -m u:daemon:r $images/acl.raw" eval "getfacl -c -p $images/acl.raw | grep daemon"

# --- at random instants ------------------------------------------------------------------------------------------------

mark()
{
  echo "$mark" | dd of=$images/random.raw bs=1 seek=1000000 conv=notrunc status=none
}
marked()
{
  [ "$(dd if=$images/random.raw bs=1 skip=1000000 count=${#mark} status=none)" = "$mark" ]
}
mark_secretly()
{
  touch -r $images/random.raw /run/time && mark && touch -r /run/time $images/random.raw
}
# act KIND: does it; then `survived` tells whether it is still there
act()
{
  case $1 in
    write) mark ;;
    secret-write) mark_secretly ;;
    rename) cp /run/other.raw $images/.new && mark_file $images/.new && mv $images/.new $images/random.raw ;;
    delete) rm $images/random.raw ;;
    mode) chmod "$mode" $images/random.raw ;;
    # QEMU may find the image locked by an upgrade's last look, and try again it must.
    snapshot) wait_for 5 qemu-img snapshot -c "$mark" $images/random.qcow2 ;;
  esac
}
mark_file()
{
  echo "$mark" | dd of="$1" bs=1 seek=1000000 conv=notrunc status=none
  theirs=$(sha256sum <"$1")
}
survived()
{
  case $1 in
    write|secret-write) marked ;;
    rename) [ "$(sha256sum <$images/random.raw)" = "$theirs" ] ;;
    delete) [ ! -e $images/random.raw ] ;;
    mode) [ "$(stat -c %a $images/random.raw)" = "$mode" ] ;;
    snapshot) qemu-img check -q $images/random.qcow2 && qemu-img snapshot -l $images/random.qcow2 | grep -q "$mark" ;;
  esac
}
kinds=(write secret-write rename delete mode snapshot)
check /changes/random/begins wait_for 30 asked random.raw default
check /changes/random/upgrades-alone eventually 20 job_finished "$job"
alone=$(took "$job")
count=${COLDPATCH_STRESS:-10} lost=0 upgraded=0 given=0 stuck=0
for i in $(seq "$count"); do
  kind=${kinds[$((i % ${#kinds[@]}))]} name=random.raw mark="mark-$i-$RANDOM" mode=6$((RANDOM % 8))0
  [ $kind != snapshot ] || name=random.qcow2
  wait_for 30 asked $name default || { echo "round $i: not ready"; stuck=$((stuck + 1)); continue; }
  pause "$alone"
  act $kind || { echo "round $i: $kind failed"; lost=$((lost + 1)); }
  wait_for 20 job_finished "$job" || stuck=$((stuck + 1))
  survived $kind || { echo "round $i: $kind is lost"; lost=$((lost + 1)); }
  case $(property "$job" Job Outcome) in upgraded) upgraded=$((upgraded + 1)) ;; *) given=$((given + 1)) ;; esac
  [ $kind != delete ] || image random.raw
done
echo "# random -> of $count upgrades, $alone ms each, $upgraded done and $given given up: $lost changes lost, $stuck stuck" >&3
check /changes/random/none-lost [ $lost = 0 ]
check /changes/random/none-stuck [ $stuck = 0 ]
check /changes/random/no-leftovers eventually 10 no_leftovers
check /changes/random/stays-up agent_is_up

# --- time --------------------------------------------------------------------------------------------------------------

# The agent alone is told another time: the clock of the machine belongs to others. Not with AddressSanitizer: preloaded
# together, its library and libfaketime hang in the shells that stand in for the sandbox; the build without it runs this.
if ! ldd "$COLDPATCH_BUILD/agent/coldpatchd" | grep -q libasan; then
  check /changes/clock/agent-ends-well stop_agent
  echo +0 >/run/clock
  LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME_TIMESTAMP_FILE=/run/clock FAKETIME_NO_CACHE=1 \
    FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 start_agent
  check /changes/clock/agent-up wait_agent
  for step in +40d -40d; do
    name=clock.raw
    [ $step = +40d ] || name=back.raw
    check "/changes/clock$step/begins" begin $name
    before=$(property "$job" Job Started)
    echo $step >/run/clock
    ends "clock$step" "$given_up|upgraded"
    check "/changes/clock$step/whole" whole $name
    after=$(property "$job" Job Finished)
    check "/changes/clock$step/was-told" [ $(((after - before) / 86400000000)) = $((${step%d} - (before - $(date +%s%6N)) / 86400000000)) ]
  done
fi
check /changes/agent-ends-well stop_agent
finish
