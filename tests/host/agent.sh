# SPDX-License-Identifier: GPL-2.0-or-later
# Running coldpatchd in a private host, and asking it things by busctl: sourced by tests, benchmarks and the quickstart.
# shellcheck shell=bash

AGENT_LOG=/var/log/coldpatchd.log
MANAGER=/org/coldpatch1

# wait_for SECONDS COMMAND...: until it succeeds; its output is dropped. That long it may take where nothing else runs: a machine
# that is busy, or a build with sanitizers, is given more.
wait_for()
{
  local end=$((SECONDS + 2 * $1 + 30))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# start_agent [ARGUMENT...]: in the background, without waiting for it.
start_agent()
{
  coldpatchd --verbose "$@" </dev/null >>"$AGENT_LOG" 2>&1 &
  AGENT_PID=$!
}

# busctl status would want the process's control group, which a private host does not show.
name_has_owner()
{
  busctl -q call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus GetNameOwner s org.coldpatch1
}

agent_on_bus()
{
  kill -0 "$AGENT_PID" 2>/dev/null || return 0 # ended: no use in waiting on
  name_has_owner
}

# wait_agent [SECONDS]: until it is on the bus and has seen all of libvirt once.
wait_agent()
{
  wait_for "${1:-30}" agent_on_bus && kill -0 "$AGENT_PID" 2>/dev/null
}

# stop_agent [SIGNAL]: its exit status.
stop_agent()
{
  kill -s "${1:-TERM}" "$AGENT_PID" 2>/dev/null
  wait "$AGENT_PID" 2>/dev/null
}

# property PATH INTERFACE NAME: as text; arrays as JSON; fails as busctl does.
property()
(
  set -o pipefail
  busctl --json=short get-property org.coldpatch1 "$1" "org.coldpatch1.$2" "$3" | jq -r .data
)

# call PATH INTERFACE METHOD [SIGNATURE ARGUMENT...]: the first value of the answer; text as it is, all else as JSON; fails as
# busctl does.
call()
(
  path=$1 interface=$2
  shift 2
  set -o pipefail
  busctl --json=short --timeout=60 call org.coldpatch1 "$path" "org.coldpatch1.$interface" "$@" | jq -r '.data[0] // empty'
)

# volume POOL NAME, domain NAME: object path
volume()
{
  call $MANAGER Manager LookupVolumeByName ss "$1" "$2"
}

# await_volume POOL NAME: the same, once the agent has read from libvirt what there is
await_volume()
{
  wait_for 30 volume "$@"
  volume "$@"
}

domain()
{
  call $MANAGER Manager LookupDomain s "$1"
}

# All objects, as one JSON object: path -> interface -> property -> value.
managed_objects()
{
  busctl --json=short call org.coldpatch1 $MANAGER org.freedesktop.DBus.ObjectManager GetManagedObjects |
    jq -c '.data[0] | map_values(map_values(map_values(.data)))'
}

appliance_ready()
{
  [ "$(property $MANAGER Manager ApplianceState)" = ready ]
}

# One line for each job: path, kind, state, phase, percent, outcome.
jobs_lines()
{
  managed_objects | jq -r 'to_entries | map(select(.value["org.coldpatch1.Job"])) | sort_by(.value["org.coldpatch1.Job"].Started)
    | .[] | .key as $path | .value["org.coldpatch1.Job"]
    | "\($path | split("/") | last) \(.Kind) \(.State) \(.Phase) \(.Progress * 100 | floor)% \(.Outcome)"'
}

job_finished()
{
  case $(property "$1" Job State) in done|failed|cancelled) return 0 ;; *) return 1 ;; esac
}

domain_is_off()
{
  [ "$(virsh -q domstate "$1")" = "shut off" ]
}

# define_pool NAME FOLDER: a directory pool, active.
define_pool()
{
  mkdir -p "$2"
  chmod 0711 "$2"
  virsh -q pool-define-as "$1" dir --target "$2" >/dev/null
  virsh -q pool-start "$1" >/dev/null
}

# write_source ID URI SUITE KEYRING SECURITY: a repository of coldpatch for Debian 12.
write_source()
{
  mkdir -p /etc/coldpatch/sources.d
  cat >"/etc/coldpatch/sources.d/$1.conf" <<END
[$1]
Type=deb
Match=debian 12 x86_64
Uri=$2
Suites=$3
Components=main
SignedBy=$4
Security=$5
END
}
