# SPDX-License-Identifier: GPL-2.0-or-later
# TAP for tests in shell, which run in a private host of their own: sourced first by each of them.
#
#   COLDPATCH_BUILD      build folder (set by meson)
#   PRIVATE_HOST_OPTIONS words for private-host, set by the test before it sources this
#   FAKE_WORKER=yes      set by the test: host/fake-sandbox answers in place of workers
# shellcheck shell=bash
set -u

tests=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
if [ -z "${PRIVATE_HOST:-}" ]; then
  # shellcheck disable=SC2086
  exec "$tests/host/private-host" --build "${COLDPATCH_BUILD:?is not set: run this by meson test}" \
    ${PRIVATE_HOST_OPTIONS:-} -- "$(readlink -f "$0")" "$@"
fi
. "$tests/host/libvirtd.sh"
. "$tests/host/agent.sh"
if [ "${FAKE_WORKER:-no}" = yes ]; then
  mkdir -p /run/fake-libexec
  ln -sf "$tests/host/fake-sandbox" /run/fake-libexec/coldpatch-sandbox
  ln -sf /bin/false /run/fake-libexec/coldpatch-worker
  # An appliance that nobody starts.
  printf '#!/bin/sh\ncd "$1" && echo fake | tee kernel initrd root README.fixed >/dev/null\n' \
    >/run/fake-libexec/libguestfs-make-fixed-appliance
  chmod 0755 /run/fake-libexec/libguestfs-make-fixed-appliance
  export COLDPATCH_LIBEXECDIR=/run/fake-libexec PATH=/run/fake-libexec:$PATH
fi
mkdir -p /etc/coldpatch
# The noise of daemons in the background must not look like TAP.
exec 3>&1 1>&2
test_number=0 finished=no

# on_exit STATUS COMMAND: a test that ends before its last line says where; at_exit is a function of the test, if it has one
on_exit()
{
  [ $finished = yes ] || echo "Bail out! status $1 at: ${2//$'\n'/ }" >&3
  [ "$(type -t at_exit)" != function ] || at_exit
}
trap 'on_exit $? "$BASH_COMMAND"' EXIT

# check NAME COMMAND...: one subtest
check()
{
  local name=$1 said=/run/check.log
  shift
  test_number=$((test_number + 1))
  if "$@" >"$said" 2>&1; then
    echo "ok $test_number $name" >&3
  else
    echo "not ok $test_number $name" >&3
    { echo "failed: $*"; tail -20 "$said"; echo "the agent's last words:"; tail -15 "$AGENT_LOG"; } 2>/dev/null |
      sed 's/^/# /' >&3
  fi
}

# eventually SECONDS COMMAND...: for check: succeeds within that time; if not, the last try's output says why
eventually()
{
  wait_for "$@" || { shift; "$@"; }
}

# equals WANTED COMMAND...: what the command prints
equals()
{
  local wanted=$1 got
  shift
  got=$("$@")
  [ "$got" = "$wanted" ] || { echo "got \"$got\" in place of \"$wanted\""; return 1; }
}

# matches PATTERN COMMAND...: a line of what the command prints, standard error too
matches()
{
  local pattern=$1 got
  shift
  got=$("$@" 2>&1)
  grep -qE -- "$pattern" <<<"$got" || { echo "no \"$pattern\" in \"$got\""; return 1; }
}

# fails COMMAND...
fails()
{
  ! "$@"
}

agent_is_up()
{
  kill -0 "$AGENT_PID" && name_has_owner
}

# Nothing of an upgrade is left: no worker, no scratch folder, no journal of work that is not done, no file half-written, and no
# hidden image but those that such a journal keeps for a rollback. A bundle that is root's is there for the next clone.
no_leftovers()
{
  local kept found
  kept=$(cat /var/lib/coldpatch/journal/*.json 2>/dev/null | jq -r 'select(.state == "done") | .members[]["hidden-name"]')
  found=$(find /var/lib/libvirt/.coldpatch-* /var/lib/libvirt/images/.coldpatch* -type f 2>/dev/null | grep -vF "${kept:-none}"
          cat /var/lib/coldpatch/journal/*.json 2>/dev/null | jq -c 'select(.state != "done")'
          find /var/lib/coldpatch /run/coldpatch -regextype egrep -regex '.*\.(json|log)\.[A-Za-z0-9]{6}' ! -name '*.broken'
          find /var/cache/coldpatch/scratch -mindepth 1 ! \( -user root -path '*/scratch/bundle-*' \) 2>/dev/null
          pgrep -fa 'coldpatch-(worker|sandbox) -')
  [ -z "$found" ] || { echo "left over: $found"; return 1; }
}

# fake_guest [SECONDS]: with FAKE_WORKER, every image holds a guest that is behind, and an upgrade takes that long. Its result's
# SHA-256 is told in /run/fake-new.
fake_guest()
{
  ln -sf "$tests/host/fake-guest" /run/fake-libexec/coldpatch-sandbox
  ln -sf "$COLDPATCH_BUILD/agent/worker/coldpatch-worker" /run/fake-libexec/coldpatch-worker
  FAKE_STEP_SECONDS=$(awk -v s="${1:-0}" 'BEGIN { print s / 4 }')
  export FAKE_STEP_SECONDS FAKE_NEW=/run/fake-new
}

# hold, let_go: with fake_guest, an upgrade that has come half-way stays there in between
hold()
{
  : >/run/fake-hold
}
let_go()
{
  rm -f /run/fake-hold
}

# define_idle NAME DISK [FORMAT [SED EXPRESSION]]: a domain that boots from nothing, and so never touches its disk; defined again under
# its own name, it is the same domain
define_idle()
{
  local uuid
  uuid=$(virsh -q domuuid "$1" 2>/dev/null)
  "$tests/guests/make-domain" "$1" "$2" "${3:-raw}" 64 |
    sed -e "s|</os>|<boot dev='cdrom'/></os>|" ${uuid:+-e "s|<name>|<uuid>$uuid</uuid>&|"} -e "${4:-}" >/run/define.xml
  virsh -q define /run/define.xml
}
# second_disk FILE: for define_idle
second_disk()
{
  echo "s|</disk>|&<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$1'/><target dev='vdb' bus='virtio'/></disk>|"
}

# ask_rollback PATH [COUNT KEY TYPE VALUE...]: sets $job; an inspection that is under way comes first
try_rollback()
{
  job=$(call "$1" Volume Rollback 'a{sv}' "${@:2}") && [ -n "$job" ]
}
ask_rollback()
{
  [ $# -gt 1 ] || set -- "$1" 0
  wait_for 30 try_rollback "$@"
}

# took JOB: milliseconds from its start to its end
took()
{
  echo $((($(property "$1" Job Finished) - $(property "$1" Job Started)) / 1000))
}
# pause MILLISECONDS: until a random instant of an upgrade that takes so long when nobody disturbs it, or just after it; half of
# the time near its end, where the images change places
pause()
{
  local ms=$((RANDOM % ($1 * 5 / 4)))
  [ $((RANDOM % 2)) = 0 ] || ms=$(($1 * 3 / 4 + RANDOM % ($1 / 2)))
  sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
}

# Last line of every test.
finish()
{
  echo "1..$test_number" >&3
  finished=yes
  exit 0
}
