#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What coldpatchd says to configurations that it cannot use, and to a second coldpatchd.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

config=/etc/coldpatch/coldpatch.conf
refused()
{
  local pattern=$1 said status
  said=$(timeout 60 coldpatchd 2>&1)
  status=$?
  [ $status -ne 0 ] && [ $status -ne 124 ] && grep -qE -- "$pattern" <<<"$said" ||
    { echo "status $status: $said"; return 1; }
}

check /config/version matches '^coldpatchd [0-9]' coldpatchd --version
check /config/unknown-option fails coldpatchd --frobnicate
printf '[Agent]\nPolicy=manual\nPolcy=auto\n' >$config
check /config/unknown-key/names-file-and-line refused 'coldpatch\.conf.*3|coldpatch\.conf:3'
check /config/unknown-key/names-key refused 'Polcy'
printf '[Agent]\nPolicy=sometimes\n' >$config
check /config/bad-value/names-what-is-allowed refused 'manual'
printf '[Agnet]\n' >$config
check /config/unknown-group refused 'Agnet'
head -c 300 /dev/urandom >$config
check /config/garbage refused "$config"
rm -f $config
mkdir $config
check /config/directory refused "$config"
rmdir $config
mkdir -p /etc/coldpatch/sources.d
printf '[broken]\nType=deb\nUri=http://mirror.invalid/debian\nSuites=bookworm\nComponents=main\nMatch=debian 12\n' \
  >/etc/coldpatch/sources.d/broken.conf
check /config/broken-source/names-file refused 'broken\.conf'
rm -f /etc/coldpatch/sources.d/broken.conf
start_agent
check /config/missing/defaults wait_agent
check /config/default-policy equals manual property $MANAGER Manager Policy
check /agent/second/refused refused 'another coldpatchd'
check /agent/second/first-stays agent_is_up
check /agent/term/ends-well stop_agent
finish
