#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest of Alpine's apk through the agent: planned as its own apk would do it, upgraded by that one, local settings kept.
# Debian has no package of apk: COLDPATCH_APK names a program that somebody built, and without it there is nothing to test.
: "${COLDPATCH_APK:=$(command -v apk)}"
if [ ! -x "$COLDPATCH_APK" ]; then
  echo "1..0 # SKIP COLDPATCH_APK names no apk, and Debian has no package of it"
  exit 0
fi
export COLDPATCH_APK
PRIVATE_HOST_OPTIONS="--cache ${COLDPATCH_TEST_CACHE:=/var/cache/coldpatch-tests}/coldpatch"
. "$(dirname "$0")/lib.sh"
. "$tests/guest-lib.sh"

disk=/var/lib/libvirt/images/alpine.raw
made=/var/lib/libvirt/made

# --- asking ------------------------------------------------------------------------------------------------------------

installed()
{
  file_in_guest /lib/apk/db/installed |
    awk '/^P:/ { name = substr($0, 3) } /^V:/ && name ~ /^cold-/ { print name "-" substr($0, 3) }' | sort | tr '\n' ' '
}
# With the repository at hand; writes nothing to the disk.
ask_apk()
{
  in_guest 'apk --no-network --repositories-file /dev/null -X /tmp/repository upgrade --simulate' "copy-in $made/repository /tmp"
}

# --- the guest ---------------------------------------------------------------------------------------------------------

mkdir -p $made /etc/coldpatch/sources.d
"$tests/guests/make-alpine" $made "$COLDPATCH_APK" || exit 1
cat >/etc/coldpatch/sources.d/cold.conf <<END
[cold]
Type=apk
Match=alpinelinux 3.18 x86_64
Uri=file://$made/repository
SignedBy=$made/keys.pem
END
start_agent_with_guest

# --- planned as the guest's own apk would do it --------------------------------------------------------------------------

check /inspect/pending eventually 240 inspected 6 pending
check /inspect/release equals 3.18 property "$volume" Volume OsVersion
check /inspect/manager equals apk property "$volume" Volume PackageManager
check /inspect/packages equals 11 property "$volume" Volume PackageCount
ask_apk >/run/apk-says
cat /run/apk-says
check /plan/as-apk-says equals "$(sed -nE -e 's/^\([0-9/]+\) Installing ([^ ]+) \((.*)\)$/\1 \2/p' \
  -e 's/^\([0-9/]+\) Upgrading ([^ ]+) \(.* -> (.*)\)$/\1 \2/p' /run/apk-says | sort)" planned
check /plan/not-empty matches '^cold-alpha 2-r0$' planned
check /plan/new-dependency matches '^cold-gamma 2-r0$' planned
check /plan/install-if matches '^cold-alpha-doc 2-r0$' planned
check /plan/order-of-apk matches '^cold-rc 1.0-r0$' planned
check /plan/held fails matches cold-held planned
check /plan/apk-would-remove grep 'Purging cold-orphan' /run/apk-says

# --- upgraded ------------------------------------------------------------------------------------------------------------

world=$(file_in_guest /etc/apk/world)
check /upgrade/upgraded upgrade
wanted='cold-alpha-2-r0 cold-alpha-doc-2-r0 cold-beta-2-r0 cold-docs-1-r0 cold-gamma-2-r0 cold-held-1-r0 '
check /upgrade/versions equals "${wanted}cold-orphan-1-r0 cold-rc-1.0-r0 cold-service-1-r0 " installed
check /upgrade/files equals 'cold-beta 2-r0' file_in_guest /usr/share/cold/cold-beta
check /upgrade/script-ran equals '2-r0 after 1-r0' file_in_guest /var/lib/cold-script
check /upgrade/restart-deferred matches 'cold restart' call "$volume" Volume GetHistory
check /upgrade/reload-by-script-of-service-deferred matches 'cold reload' call "$volume" Volume GetHistory
check /upgrade/openrc-asked-for-the-rest-alone equals 'rc-service --exists cold' file_in_guest /var/lib/cold-openrc
check /upgrade/openrc-back-in-place equals '# 1-r0' eval 'file_in_guest /sbin/rc-service | tail -n 1'
check /upgrade/openrc-upgraded equals '# 2-r0' eval 'file_in_guest /sbin/openrc-run | tail -n 1'
check /upgrade/nothing-aside fails eval 'names_in /sbin | grep -x .coldpatch'
check /upgrade/configuration-kept equals setting=mine file_in_guest /etc/cold-alpha.conf
check /upgrade/packaged-configuration-beside equals setting=2-r0 file_in_guest /etc/cold-alpha.conf.apk-new
check /upgrade/kept-configuration-reported matches '/etc/cold-alpha.conf' call "$volume" Volume GetHistory
check /upgrade/machine-id-kept equals 0123456789abcdef0123456789abcdef file_in_guest /etc/machine-id
check /upgrade/machine-id-reported matches '/etc/machine-id' call "$volume" Volume GetHistory
check /upgrade/unattributed-reported matches '/var/lib/cold-script' call "$volume" Volume GetHistory
check /upgrade/attributed fails matches 'share/cold/cold-beta' call "$volume" Volume GetHistory
check /upgrade/world-as-before equals "$world" file_in_guest /etc/apk/world
check /upgrade/repositories-as-before matches 'coldpatch.invalid/edge' file_in_guest /etc/apk/repositories
check /upgrade/no-packages-left fails eval 'names_in /var/cache/apk | grep -q .'
check /upgrade/nothing-pending eventually 60 inspected 0 current
check /upgrade/no-leftovers eventually 20 no_leftovers
ask_apk >/run/apk-says 2>&1
cat /run/apk-says
check /upgrade/apk-was-asked grep -E '^OK: ' /run/apk-says
check /upgrade/apk-agrees fails grep -E '\) (Upgrading|Installing|Downgrading) ' /run/apk-says
check /agent/term/ends-well stop_agent
finish
