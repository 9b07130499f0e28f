#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# daemon-starts.sh with a real guest, really upgraded: its domain is started at a random instant of each of
# ${COLDPATCH_STRESS:-2} upgrades. It may run on one whole image only, old or new, and is never refused.
PRIVATE_HOST_OPTIONS="--keep ${COLDPATCH_TEST_CACHE:=/var/cache/coldpatch-tests}" # the guest, for the next run
. "$(dirname "$0")/lib.sh"

count=${COLDPATCH_STRESS:-2}
images=/var/lib/libvirt/images
disk=$images/tiny.raw
made=/var/lib/libvirt/made

mkdir -p $made
"$tests/guests/make-tiny" $made || exit 1
write_source tiny file://$made/repository updates $made/keyring.gpg yes
define_pool default $images
cp --sparse=always $made/guest.raw $disk
virsh -q pool-refresh default
# It boots from an empty drive and, having a boot order, from nothing else: it does not touch its disk.
"$tests/guests/make-domain" tiny $disk |
  sed -e "s|<os>\(.*\)</os>|<os>\1<boot dev='cdrom'/></os>|" \
    -e "s|<devices>|<devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>|" >/run/tiny.xml
virsh -q define /run/tiny.xml

sum()
{
  sha256sum <"$disk" | cut -d' ' -f1
}
is_upgraded()
{
  debugfs -R 'cat /var/lib/dpkg/status' "$disk?offset=1048576" 2>/dev/null |
    awk '/^Package:/ { p = $2 } /^Version:/ && p == "cold-beta" { print $2 }' | grep -qx 2 &&
    dd if=$disk of=/run/fs bs=1M skip=1 conv=sparse status=none && e2fsck -fn /run/fs
}
# asked: for an upgrade; an inspection may come first
asked()
{
  case $(property "$volume" Volume State) in pending|failed) ;; *) return 1 ;; esac
  job=$(call "$volume" Volume Upgrade 'a{sv}' 0)
}
pending()
{
  [ "$(property "$volume" Volume State)" = pending ]
}
upgrading()
{
  [ "$(property "$job" Job Phase)" = upgrading ]
}
opened_is_named()
{
  local named fd
  named=$(stat -c '%d:%i' $disk)
  for fd in /proc/"$(cat /run/libvirt/qemu/tiny.pid)"/fd/*; do
    [ "$(stat -Lc '%d:%i' "$fd" 2>/dev/null)" != "$named" ] || return 0
  done
  return 1
}
ends_whole()
{
  [ "$(sum)" = "$original" ] || is_upgraded
}

start_agent
check /starts/agent-up wait_agent
volume=$(await_volume default tiny.raw)
check /starts/pending eventually 400 pending
original=$(sum)
# About how long an upgrade takes without KVM: the instants are spread over all of it.
seconds=90
refused=0 other_inode=0 torn=0 left=0 upgraded=0 yielded=0
: >/run/starts
for i in $(seq "$count"); do
  wait_for 200 asked || { echo "round $i: not ready"; left=$((left + 1)); continue; }
  begun=$SECONDS
  # The first is disturbed in any case.
  if [ "$i" = 1 ]; then wait_for 200 upgrading || left=$((left + 1)); else sleep $((RANDOM % seconds)); fi
  pause=$((SECONDS - begun))
  from=$(date +%s%N)
  if virsh -q start tiny; then
    echo $((($(date +%s%N) - from) / 1000000)) >>/run/starts
    opened_is_named || other_inode=$((other_inode + 1))
  else
    refused=$((refused + 1))
  fi
  wait_for 30 job_finished "$job" || left=$((left + 1))
  ends_whole >/dev/null || torn=$((torn + 1))
  case $(property "$job" Job Outcome) in
    upgraded) upgraded=$((upgraded + 1)) ;;
    yielded) yielded=$((yielded + 1)) ;;
    *) echo "# round $i: $(property "$job" Job Outcome): $(property "$job" Job ErrorMessage)" >&3 ;;
  esac
  echo "round $i: start after $pause s: $(property "$job" Job Outcome)"
  virsh -q destroy tiny
  wait_for 30 no_leftovers || left=$((left + 1))
  # As it was, for the next.
  [ "$(sum)" = "$original" ] || cp --sparse=always $made/guest.raw $disk
done
echo "# $count starts: $refused refused, $other_inode on another inode, $torn torn, $left leftovers; $yielded upgrades yielded," \
  "$upgraded were done; milliseconds: $(sort -n /run/starts | tr '\n' ' ')" >&3
check /starts/none-refused [ $refused = 0 ]
check /starts/all-on-the-named-image [ $other_inode = 0 ]
check /starts/none-torn [ $torn = 0 ]
check /starts/no-leftovers [ $left = 0 ]
check /starts/some-yielded [ $yielded -gt 0 ]
check /starts/agent-ends-well stop_agent
finish
