# SPDX-License-Identifier: GPL-2.0-or-later
# What tests of whole guests have in common: sourced after lib.sh.
#
#   made     set by the test: folder with the guest as it was made, guest.raw, and its repository
#   disk     set by the test: the guest's image, of which the file system is on the first partition
#   volume   object path of that image, once the agent was started
# shellcheck shell=bash disable=SC2154

file_in_guest()
{
  debugfs -R "cat $1" "$disk?offset=1048576" 2>/dev/null
}
# What is in a folder of the guest, but for . and ..
names_in()
{
  debugfs -R "ls -p $1" "$disk?offset=1048576" 2>/dev/null | cut -d/ -f6 | grep -vxE '|\.\.?'
}
# in_guest COMMAND [STEP]...: by the guest's shell, after these steps of guestfish; writes nothing to the disk
in_guest()
{
  local command=$1
  shift
  { printf '%s\n' "add-drive $disk format:raw readonly:true" run 'mount /dev/sda1 /' "$@"; printf 'sh "%s"\n' "$command"; } |
    LIBGUESTFS_PATH=$(dirname "$(ls /var/cache/coldpatch/appliance/*/kernel | head -1)") LIBGUESTFS_BACKEND=direct \
      LIBGUESTFS_BACKEND_SETTINGS=force_tcg guestfish
}
inspected()
{
  [ "$(property "$volume" Volume PendingCount)" = "$1" ] && [ "$(property "$volume" Volume State)" = "$2" ]
}
planned()
{
  call "$volume" Volume GetPlan | jq -r '.[] | "\(.[0]) \(.[2])"' | sort
}
upgrade()
{
  job=$(call "$volume" Volume Upgrade 'a{sv}' 0) && wait_for 400 job_finished "$job" || return 1
  property "$job" Job ErrorMessage
  equals upgraded property "$job" Job Outcome
}
# start_agent_with_guest: the guest that was made is the one volume of a pool
start_agent_with_guest()
{
  define_pool default "$(dirname "$disk")"
  cp --sparse=always "$made/guest.raw" "$disk"
  virsh -q pool-refresh default
  start_agent
  check /agent/up wait_agent
  check /appliance/ready eventually 240 appliance_ready
  volume=$(await_volume default "$(basename "$disk")")
}
