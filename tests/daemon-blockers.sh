#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every reason why a volume may not be changed, made for real: the code is on the bus, or an upgrade is refused with it.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
fake_guest

# --- asking ------------------------------------------------------------------------------------------------------------

codes()
{
  property "$(volume "$1" "$2")" Volume Blockers
}
# free POOL NAME: nothing at all stands against it
free()
{
  equals '[]' codes "$1" "$2"
}
# says POOL NAME CODE: for check, which shows what there was in its place
says()
{
  matches "\"$3\"" codes "$1" "$2"
}
# blocked SITUATION CODE NAME [POOL]
blocked()
{
  check "/blocker/$1/$2" eventually 10 says "${4:-default}" "$3" "$2"
}
# over SITUATION NAME [POOL]: the situation has ended
over()
{
  check "/blocker/$1/over" eventually 10 free "${3:-default}" "$2"
}
# idle POOL NAME: no job works on it
idle()
{
  case $(property "$(volume "$1" "$2")" Volume State) in new|inspecting|upgrading|'') return 1 ;; esac
}
# asked POOL NAME: for an upgrade; an inspection may come first
asked()
{
  idle "$1" "$2" && job=$(call "$(volume "$1" "$2")" Volume Upgrade 'a{sv}' 0)
}
# upgrades_to OUTCOME MESSAGE POOL NAME: what an upgrade that is asked for ends with
upgrades_to()
{
  wait_for 20 asked "$3" "$4" && wait_for 20 job_finished "$job" || return 1
  property "$job" Job ErrorMessage
  equals "$1" property "$job" Job Outcome && matches "$2" property "$job" Job ErrorMessage
}
# refused SITUATION CODE NAME [POOL]
refused()
{
  check "/blocker/$1/$2" upgrades_to refused "^$2: " "${4:-default}" "$3"
}

# --- making ------------------------------------------------------------------------------------------------------------

# resync: libvirt sends no event when a managed save image or a snapshot of an inactive domain comes or goes
resync()
{
  call $MANAGER Manager Resync
}
# image NAME [POOL'S FOLDER]: a raw disk with enough on it to be looked into
image()
{
  head -c 2M /dev/urandom >"${2:-$images}/$1"
}
# overlay NAME BACKING [FORMAT]
overlay()
{
  qemu-img create -q -f qcow2 -b "$2" -F "${3:-raw}" "$images/$1"
}
qcow2()
{
  qemu-img convert -O qcow2 "$images/plain.raw" "$images/$1"
}
# define NAME DISK [FORMAT [SED EXPRESSION]]: a domain that boots from nothing, and so never touches its disk
define()
{
  "$tests/guests/make-domain" "$1" "$2" "${3:-raw}" 64 |
    sed -e "s|</os>|<boot dev='cdrom'/></os>|" -e "${4:-}" >/run/define.xml
  virsh -q define /run/define.xml
}
undefine()
{
  virsh -q undefine "$1" --snapshots-metadata --checkpoints-metadata --managed-save
}

printf '[Agent]\nSettleSeconds=0\n' >/etc/coldpatch/coldpatch.conf
: >/run/keyring.gpg
mkdir -p /run/repository
write_source fake file:///run/repository updates /run/keyring.gpg yes
define_pool default $images
for name in plain run saved managed memory external check share transient cdrom base xml-base hard link twice alias \
            early fleeting elsewhere policy stale nbd loop reader trust strange session job mirror; do
  image "$name.raw"
done
virsh -q pool-refresh default
# Before there is an agent that could see it.
define early $images/early.raw
virsh -q start early
virsh -q save early /run/early.save
start_agent
check /agent/up wait_agent
blocked saved-before-the-agent saved-elsewhere early.raw
check /volume/free eventually 30 free default plain.raw

# --- the domain is not off ---------------------------------------------------------------------------------------------

define run $images/run.raw
virsh -q start run
blocked running in-use run.raw
virsh -q suspend run
blocked paused in-use run.raw
virsh -q save run /run/run.save
blocked virsh-save saved-elsewhere run.raw
virsh -q restore /run/run.save
blocked restored in-use run.raw
virsh -q destroy run
undefine run
over running run.raw

# Of a domain that is gone until its memory is restored, with its disk as it was.
define fleeting $images/fleeting.raw
undefine fleeting
virsh -q create /run/define.xml
blocked transient in-use fleeting.raw
uuid=$(virsh -q domuuid fleeting)
virsh -q save fleeting /run/fleeting.save
check /blocker/transient-save/gone fails virsh -q dominfo "$uuid"
blocked transient-save saved-elsewhere fleeting.raw
check /blocker/transient-save/names-it matches "$uuid" call "$(volume default fleeting.raw)" Volume GetBlockers
# As the remedy says.
sed -i "s|</name>|&<uuid>$uuid</uuid>|" /run/define.xml
virsh -q define /run/define.xml
virsh -q start fleeting
virsh -q destroy fleeting
undefine fleeting
over transient-save fleeting.raw

define managed $images/managed.raw
virsh -q start managed
virsh -q managedsave managed
blocked managed-save managed-save managed.raw
virsh -q managedsave-remove managed
resync
check /blocker/managed-save/removed eventually 10 fails says default managed.raw managed-save
# What was in memory is lost to the agent, which cannot tell this from an image that was saved elsewhere.
blocked managed-save/removed saved-elsewhere managed.raw
undefine managed

# --- what the domain's definition says ---------------------------------------------------------------------------------

define share $images/share.raw raw "s|</disk>|<shareable/></disk>|"
blocked shareable shared share.raw
undefine share
over shareable share.raw
define transient $images/transient.raw raw "s|</disk>|<transient/></disk>|"
blocked transient transient-disk transient.raw
undefine transient
over transient transient.raw
define outside $images/plain.raw raw "s|</disk>|&<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/run/outside.raw'/><target dev='vdb' bus='virtio'/></disk>|"
blocked disk-outside missing-disk plain.raw
undefine outside
over disk-outside plain.raw
define cdrom $images/plain.raw raw "s|</disk>|&<disk type='file' device='cdrom'><source file='$images/cdrom.raw'/><target dev='hda' bus='ide'/><readonly/></disk>|"
check /blocker/cdrom/none eventually 10 free default plain.raw
undefine cdrom

# --- snapshots and checkpoints -----------------------------------------------------------------------------------------

qcow2 memory.qcow2
define memory $images/memory.qcow2 qcow2
virsh -q start memory
virsh -q snapshot-create-as memory one
virsh -q destroy memory
blocked snapshot-with-memory memory-snapshot memory.qcow2
virsh -q snapshot-delete memory one
resync
over snapshot-with-memory memory.qcow2
virsh -q snapshot-create-as memory off
resync
check /blocker/snapshot-without-memory/none eventually 10 free default memory.qcow2
undefine memory

qcow2 external.qcow2
define external $images/external.qcow2 qcow2
virsh -q snapshot-create-as external one --disk-only
resync
blocked snapshot-external/top external-snapshot external.one
blocked snapshot-external/base backing-of external.qcow2
undefine external

qcow2 machine.qcow2
define machine $images/machine.qcow2 qcow2
virsh -q start machine
virsh -q snapshot-create-as machine one --memspec /run/machine.memory --diskspec vda,file=$images/machine.one
virsh -q destroy machine
blocked snapshot-external-with-memory/top external-snapshot machine.one
blocked snapshot-external-with-memory/base backing-of machine.qcow2
undefine machine

qcow2 check.qcow2
define check $images/check.qcow2 qcow2
virsh -q start check
virsh -q checkpoint-create-as check one
virsh -q destroy check
blocked checkpoint has-checkpoints check.qcow2
undefine check
check /blocker/checkpoint/bitmap-stays eventually 10 free default check.qcow2
refused checkpoint/bitmap has-checkpoints check.qcow2

# --- images that others build on ---------------------------------------------------------------------------------------

overlay over.qcow2 $images/base.raw
blocked backing-by-header backing-of base.raw
rm $images/over.qcow2
over backing-by-header base.raw
# In place, and so by no new name: once libvirt has read the header, and once just after.
for when in later at-once; do
  qemu-img create -q -f qcow2 $images/over.qcow2 4M
  [ $when = at-once ] || { wait_for 10 volume default over.qcow2; sleep 3; }
  qemu-img rebase -q -u -f qcow2 -b $images/base.raw -F raw $images/over.qcow2
  blocked backing-by-rebase-$when backing-of base.raw
  rm $images/over.qcow2
  over backing-by-rebase-$when base.raw
done
ln -s $images /var/lib/libvirt/by-link
# libvirt itself refuses a second pool with the same target.
virsh -q pool-define-as second dir --target /var/lib/libvirt/by-link >/dev/null
virsh -q pool-start second
overlay over.qcow2 /var/lib/libvirt/by-link/base.raw
blocked backing-by-header-under-another-path backing-of base.raw
blocked backing-by-header-under-another-path/second-pool backing-of base.raw second
rm $images/over.qcow2
over backing-by-header-under-another-path base.raw
virsh -q pool-destroy second
virsh -q pool-undefine second
mkdir /var/lib/libvirt/outside
qemu-img create -q -f qcow2 -b $images/xml-base.raw -F raw /var/lib/libvirt/outside/over.qcow2
define above /var/lib/libvirt/outside/over.qcow2 qcow2 "s|<target dev='vda'|<backingStore type='file'><format type='raw'/><source file='$images/xml-base.raw'/><backingStore/></backingStore>&|"
blocked backing-by-definition backing-of xml-base.raw
undefine above
over backing-by-definition xml-base.raw
# Where no listing shows it, of a domain whose definition does not say what it builds on; once over one more image.
mkdir $images/vm1
overlay vm1/over.qcow2 ../base.raw
chmod 0600 $images/vm1/over.qcow2
define below $images/vm1/over.qcow2 qcow2
blocked backing-by-header-in-a-subfolder backing-of base.raw
check /blocker/backing-by-header-in-a-subfolder/no-other eventually 10 free default plain.raw
overlay vm1/second.qcow2 $images/vm1/over.qcow2 qcow2
undefine below
over backing-by-header-in-a-subfolder base.raw
define below $images/vm1/second.qcow2 qcow2
blocked backing-by-headers-in-a-subfolder backing-of base.raw
virsh -q start below
check /blocker/backing-by-headers-in-a-subfolder/runs eventually 10 says default base.raw backing-of
virsh -q destroy below
# In place, while the domain is off: seen at the next look.
qemu-img rebase -q -u -f qcow2 -b $images/xml-base.raw -F raw $images/vm1/second.qcow2
resync
blocked backing-by-rebase-in-a-subfolder backing-of xml-base.raw
over backing-by-rebase-in-a-subfolder base.raw
undefine below
# Nobody can say what it builds on.
head -c 64K /dev/zero >$images/vm1/broken.qcow2
define below $images/vm1/broken.qcow2 qcow2
blocked backing-unread backing-of plain.raw
check /blocker/backing-unread/says-which matches broken.qcow2 call "$(volume default plain.raw)" Volume GetBlockers
undefine below
over backing-unread plain.raw
mkdir /run/nowhere
cp $images/plain.raw /run/nowhere/base.raw
overlay stray.qcow2 /run/nowhere/base.raw
blocked backing-nowhere untrusted-chain stray.qcow2
rm $images/stray.qcow2

# --- names -------------------------------------------------------------------------------------------------------------

ln $images/hard.raw $images/hard2.raw
blocked hard-link several-names hard.raw
rm $images/hard2.raw
over hard-link hard.raw
mv $images/link.raw /run/link.raw
ln -s /run/link.raw $images/link.raw
check /blocker/symbolic-link/several-names eventually 10 upgrades_to refused '^several-names: ' default link.raw
define linked /var/lib/libvirt/by-link/alias.raw
virsh -q start linked
blocked used-by-linked-folder in-use alias.raw
virsh -q destroy linked
undefine linked
over used-by-linked-folder alias.raw
mkdir /var/lib/libvirt/by-mount
mount --bind $images /var/lib/libvirt/by-mount
define mounted /var/lib/libvirt/by-mount/elsewhere.raw raw "s|</disk>|<shareable/></disk>|"
blocked used-by-bind-mount shared elsewhere.raw
undefine mounted
over used-by-bind-mount elsewhere.raw
umount /var/lib/libvirt/by-mount

# --- formats -----------------------------------------------------------------------------------------------------------

qcow2 corrupt.qcow2
# incompatible feature bits, big-endian, at byte 72: 1 is dirty, 2 is corrupt
qcow2 dirty.qcow2
printf '\002' | dd of=$images/corrupt.qcow2 bs=1 seek=79 conv=notrunc status=none
printf '\001' | dd of=$images/dirty.qcow2 bs=1 seek=79 conv=notrunc status=none
qemu-img create -q -f qcow2 -o data_file=$images/data.bin,data_file_raw=on $images/split.qcow2 4M
# As large as a real one: little is written to a header.
head -c 2M /dev/urandom >>$images/split.qcow2
qcow2 marked.qcow2
qemu-img bitmap --add $images/marked.qcow2 one
qemu-img convert -O vmdk $images/plain.raw $images/other.vmdk
echo secret >/run/secret
# QEMU measures how fast it derives keys, and now and then finds its measurement too coarse.
encrypt()
{
  qemu-img convert --object secret,id=key,file=/run/secret -O qcow2 -o encrypt.format=luks,encrypt.key-secret=key \
    $images/plain.raw $images/crypt.qcow2
}
wait_for 20 encrypt
virsh -q pool-refresh default
blocked vmdk unsupported-format other.vmdk
refused qcow2/corrupt unsupported-format corrupt.qcow2
refused qcow2/dirty unsupported-format dirty.qcow2
refused qcow2/data-file unsupported-format split.qcow2
refused qcow2/bitmap has-checkpoints marked.qcow2
refused qcow2/encrypted encrypted crypt.qcow2

# --- who has it open ---------------------------------------------------------------------------------------------------

qemu-nbd -f raw -k /run/nbd.sock --fork --pid-file /run/nbd.pid $images/nbd.raw
refused qemu-nbd open-elsewhere nbd.raw
kill "$(cat /run/nbd.pid)"
check /blocker/qemu-nbd/over eventually 10 upgrades_to upgraded '' default nbd.raw
if loop=$(losetup --find --show $images/loop.raw 2>/dev/null); then
  refused loop-device open-elsewhere loop.raw
  losetup -d "$loop"
fi
exec 7>>$images/elsewhere.raw
refused writer open-elsewhere elsewhere.raw
# Nothing tells of it but a try: it is shown until the next.
blocked writer/shown open-elsewhere elsewhere.raw
exec 7>&-
check /blocker/writer/over eventually 10 upgrades_to upgraded '' default elsewhere.raw
check /blocker/writer/shown-no-more eventually 10 free default elsewhere.raw
exec 7<$images/reader.raw
check /blocker/reader/none upgrades_to upgraded '' default reader.raw
exec 7<&-

# A QEMU that libvirt does not know, as of guestfish.
qemu-system-x86_64 -nodefaults -display none -daemonize -pidfile /run/strange.pid \
  -blockdev driver=file,filename=$images/strange.raw,node-name=file,locking=on -blockdev driver=raw,file=file,node-name=disk \
  -device virtio-blk-pci,drive=disk -machine pc -S
refused strange-qemu open-elsewhere strange.raw
kill "$(cat /run/strange.pid)"
check /blocker/strange-qemu/over eventually 10 upgrades_to upgraded '' default strange.raw
# A domain of a connection that the agent was not told of.
"$tests/guests/make-domain" session $images/session.raw raw 64 |
  sed -e "s|</os>|<boot dev='cdrom'/></os>|" -e '/<serial/,/<\/serial>/d' >/run/session.xml
mkdir -m 0700 /run/nobody
chown nobody /run/nobody $images/session.raw
session()
{
  HOME=/run/nobody XDG_RUNTIME_DIR=/run/nobody setpriv --reuid nobody --regid nogroup --clear-groups \
    virsh -q -c qemu:///session "$@"
}
session create /run/session.xml
refused other-connection open-elsewhere session.raw
session destroy session
check /blocker/other-connection/over eventually 10 upgrades_to upgraded '' default session.raw
define job $images/job.raw
virsh -q start job
virsh -q blockcopy job vda $images/mirror.raw --reuse-external --transient-job --bandwidth 1
blocked block-job/source in-use job.raw
blocked block-job/target in-use mirror.raw
virsh -q destroy job
undefine job
over block-job/source job.raw
check /blocker/block-job/target/over eventually 10 fails says default mirror.raw in-use

# An image that is left of an exchange and must not be deleted unseen.
journal=$(grep -l '"nbd.raw"' /var/lib/coldpatch/journal/*.json | head -1)
jq '.quarantined = true' "$journal" >/run/journal && cat /run/journal >"$journal"
resync
blocked image-left quarantined nbd.raw
check /blocker/image-left/names-it matches "$journal" call "$(volume default nbd.raw)" Volume GetBlockers
rm "$(jq -r '.members[0] | .["hidden-directory"] + "/" + .["hidden-name"]' "$journal")" "$journal"
resync
over image-left nbd.raw

# --- pools and storage -------------------------------------------------------------------------------------------------

virsh -q pool-define-as second dir --target /var/lib/libvirt/by-link >/dev/null
virsh -q pool-start second
define twice $images/twice.raw
virsh -q start twice
blocked two-pools/first in-use twice.raw
blocked two-pools/second in-use twice.raw second
virsh -q destroy twice
undefine twice
virsh -q pool-destroy second
virsh -q pool-undefine second
define_pool passing /var/lib/libvirt/passing
image there.raw /var/lib/libvirt/passing
virsh -q pool-refresh passing
check /blocker/pool-inactive/free eventually 10 free passing there.raw
virsh -q pool-destroy passing
blocked pool-inactive pool-inactive there.raw passing
virsh -q pool-start passing
over pool-inactive there.raw passing
mkdir -p /var/lib/nfs
printf '/var/lib/libvirt/passing\t*(rw,sync)\n' >/var/lib/nfs/etab
resync
blocked nfs-export shared there.raw passing
check /blocker/nfs-export/no-other eventually 10 free default plain.raw
rm /var/lib/nfs/etab
resync
over nfs-export there.raw passing
chgrp nogroup /var/lib/libvirt/passing
chmod 0770 /var/lib/libvirt/passing
refused untrusted-folder untrusted-directory there.raw passing
chgrp root /var/lib/libvirt/passing
mkdir /var/lib/libvirt/open
chmod 0777 /var/lib/libvirt/open
define_pool below /var/lib/libvirt/open/below
image there.raw /var/lib/libvirt/open/below
virsh -q pool-refresh below
blocked untrusted-folder-above/not-looked-into untrusted-directory there.raw below
refused untrusted-folder-above untrusted-directory there.raw below
mkdir /var/lib/libvirt/small
truncate -s 24M /run/small.img
mkfs.ext4 -q -O ^has_journal /run/small.img
if mount -o loop /run/small.img /var/lib/libvirt/small 2>/dev/null; then
  define_pool small /var/lib/libvirt/small
  image there.raw /var/lib/libvirt/small
  virsh -q pool-refresh small
  check /blocker/no-space/seen eventually 10 free small there.raw
  refused no-space no-space there.raw small
  blocked no-space/shown no-space there.raw small
fi

# The private host's /var/lib is an overlay, whose files cannot be handed to another user.
mkdir /var/lib/overlaid
define_pool overlaid /var/lib/overlaid
image there.raw /var/lib/overlaid
virsh -q pool-refresh overlaid
refused overlay unsupported-storage there.raw overlaid

# --- what the admin and the host say -----------------------------------------------------------------------------------

call "$(volume default policy.raw)" Volume SetPolicy s off
blocked policy policy-off policy.raw
call "$(volume default policy.raw)" Volume SetPolicy s inherit
over policy policy.raw
define stale $images/stale.raw
uuid=$(virsh -q domuuid stale)
check /blocker/claim/free eventually 10 free default stale.raw
jq -n --arg domain "$uuid" '{version: 1, domain: $domain, name: "stale", operation: "prepare", "libvirtd-pid": 1,
  "libvirtd-start": 1, "boot-id": "00000000-0000-0000-0000-000000000000", time: 1}' >/run/coldpatch/claims/.new
mv /run/coldpatch/claims/.new "/run/coldpatch/claims/$uuid.json"
blocked stale-claim claimed stale.raw
resync
over stale-claim stale.raw
check /blocker/stale-claim/removed eval '[ ! -e "/run/coldpatch/claims/$uuid.json" ]'
rm /etc/libvirt/hooks/qemu.d/coldpatch
blocked hook-missing gate-missing plain.raw
check /agent/stays-up agent_is_up
check /agent/term/ends-well stop_agent
finish
