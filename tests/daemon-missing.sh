#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that coldpatchd needs and does not find: it stays up, and says what to install.
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
maker=$(command -v libguestfs-make-fixed-appliance)
printf '#!/bin/sh\necho "no kernel to be found in /boot" >&2\nexit 1\n' >/run/broken-maker
chmod 0755 /run/broken-maker
define_pool default $images
head -c 3000000 /dev/urandom >$images/noise.img
virsh -q pool-refresh default

appliance_is()
{
  equals "$1" property $MANAGER Manager ApplianceState
}
said()
{
  grep -E -- "$1" "$AGENT_LOG"
}
# asked: for an inspection; one may be under way
asked()
{
  job=$(call "$(volume default noise.img)" Volume Inspect)
}
# inspection_says PATTERN: what an inspection that was asked for ends with
inspection_says()
{
  wait_for 10 asked && wait_for 60 job_finished "$job" &&
    equals failed property "$job" Job State && matches "$1" property "$job" Job ErrorMessage
}

# No half-made appliance
nothing_built()
{
  equals '' find /var/cache/coldpatch/appliance -mindepth 1 -maxdepth 1
}

mount --bind /run/broken-maker "$maker"
start_agent
check /appliance/maker-fails/up wait_agent
check /appliance/maker-fails/state eventually 60 appliance_is failed
check /appliance/maker-fails/said eventually 5 said 'no kernel to be found in /boot'
check /appliance/maker-fails/inspection inspection_says 'no kernel to be found in /boot'
check /appliance/maker-fails/again inspection_says 'no kernel to be found in /boot'
check /appliance/maker-fails/leaves-nothing eventually 10 nothing_built
check /appliance/maker-fails/stays-up agent_is_up
stop_agent
umount "$maker"

# An agent that is killed leaves a build half-done, which the next one takes away, though it builds none itself.
printf '#!/bin/sh\necho half >"$1/initrd"; echo $$ >/run/maker; exec sleep 100\n' >/run/broken-maker
mount --bind /run/broken-maker "$maker"
start_agent
check /appliance/killed/builds eventually 60 test -s /run/maker
stop_agent KILL
kill -KILL "$(cat /run/maker)" # as systemd does with what is left of the unit
check /appliance/killed/half-done fails nothing_built
umount "$maker"
printf '#!/bin/sh\nexit 1\n' >/run/broken-maker
mount --bind /run/broken-maker "$maker"
start_agent
check /appliance/killed/gone eventually 30 nothing_built
stop_agent
umount "$maker"

# An appliance that is never started, since nothing can start it.
printf '#!/bin/sh\ncd "$1" && echo fake | tee kernel initrd root README.fixed >/dev/null\n' >/run/broken-maker
mount --bind /run/broken-maker "$maker"
mount --bind /dev/null /usr/bin/bwrap
start_agent
check /bubblewrap/missing/up wait_agent
check /bubblewrap/missing/state eventually 60 appliance_is failed
check /bubblewrap/missing/names-package eventually 5 said 'package bubblewrap'
check /bubblewrap/missing/inspection inspection_says 'package bubblewrap'
check /bubblewrap/missing/stays-up agent_is_up
stop_agent
umount /usr/bin/bwrap "$maker"
finish
