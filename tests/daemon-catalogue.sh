#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Refreshes of the catalogue as they look on the bus, with real workers and a repository of each type: one that fails keeps
# what was good, says why, and does not keep the others from being refreshed.
. "$(dirname "$0")/lib.sh"

made=/run/made
sources=/etc/coldpatch/sources.d
mkdir -p $made $sources /run/fake
# Nothing here needs an appliance; building one would take longer than all the rest.
printf '#!/bin/sh\ncd "$1" && echo fake | tee kernel initrd root README.fixed >/dev/null\n' >/run/fake/libguestfs-make-fixed-appliance
chmod 0755 /run/fake/libguestfs-make-fixed-appliance
export PATH=/run/fake:$PATH

# publish VERSION SECONDS: version of a package "foo" in each repository, as if made at that time
publish()
{
  local version=$1 seconds=$2
  (
    cd $made || exit 1
    "$tests/guests/make-repository" deb deb stable foo "$version"
    "$tests/guests/make-repository" index deb stable gpg "Date: $(LC_ALL=C date -u -d "@$seconds" '+%a, %d %b %Y %T UTC')"
    "$tests/guests/make-rpm" package rpm foo "$version-1"
    createrepo_c --quiet --no-database --revision "$seconds" --set-timestamp-to-revision rpm
    gpg --homedir gpg --batch --quiet --yes --armor --detach-sign rpm/repodata/repomd.xml
    "$tests/guests/make-pacman" package arch foo "$version-1" --date "$seconds"
    "$tests/guests/make-pacman" database arch arch gpg
    "$tests/guests/make-apk" package apk foo "$version-r0" --date "$seconds"
    "$tests/guests/make-apk" index apk apk-keys/test
  )
}
# [keyring=PATH] source_of TYPE DISTRIBUTION FOLDER [KEY...]
source_of()
{
  local type=$1 distribution=$2 folder=$3
  shift 3
  printf '[%s]\nType=%s\nMatch=%s * x86_64\nUri=file://%s\nSignedBy=%s\n' \
    "$folder" "$type" "$distribution" "$made/$folder" "${keyring:-$made/keyring.gpg}" >"$sources/$folder.conf"
  [ $# -eq 0 ] || printf '%s\n' "$@" >>"$sources/$folder.conf"
}
# refresh: a whole one; prints the job's state, and the name of its error
refresh()
{
  local job
  job=$(call $MANAGER Manager RefreshCatalogue) || return
  wait_for 60 job_finished "$job"
  echo "$(property "$job" Job State) $(property "$job" Job ErrorName)"
}
# about ID MEMBER: of a repository, as GetReport has it
about()
{
  call $MANAGER Manager GetReport 'a{sv}' 0 | jq -r --arg id "$1" --arg member "$2" \
    '.catalogue.repositories[] | select(.id == $id) | .[$member]'
}
error_of_all()
{
  call $MANAGER Manager GetReport 'a{sv}' 0 | jq -r .catalogue.error
}
# each WANTED-GENERATIONS: "same" or "other" than before, of deb, rpm, arch and apk; remembers what there is now
declare -A held
each()
{
  local id words=()
  for id in deb rpm arch apk; do
    local now
    now=$(about $id generation)
    [ ${#now} -eq 64 ] || { echo "$id: generation \"$now\""; return 1; }
    [ "$now" = "${held[$id]:-}" ] && words+=(same) || words+=(other)
    held[$id]=$now
  done
  [ "${words[*]}" = "$1" ] || { echo "${words[*]} in place of $1"; return 1; }
}
quiet()
{
  local id
  for id in deb rpm arch apk; do
    [ -z "$(about $id error)" ] || { about $id error; return 1; }
  done
  [ -z "$(error_of_all)" ]
}
time_of_catalogue()
{
  property $MANAGER Manager CatalogueTime
}

"$tests/guests/make-repository" key $made/gpg $made/keyring.gpg
at_exit()
{
  "$tests/guests/make-repository" end $made/gpg
}
"$tests/guests/make-apk" key $made/apk-keys test
publish 1 1700000000
cp -a $made/rpm $made/rpm.old
cp -a $made/arch $made/arch.old
cp -a $made/deb $made/deb.old
cp -a $made/apk $made/apk.old
source_of deb debian deb Suites=stable Components=main
source_of rpm-md fedora rpm
source_of arch archlinux arch Suites=arch
keyring=$made/apk-keys/test.pub source_of apk alpinelinux apk
# A file system of its own, which can be full.
mkdir -p /var/cache/coldpatch
mount -t tmpfs -o size=16M,mode=0755 tmpfs /var/cache/coldpatch
start_agent
check /catalogue/up wait_agent
check /catalogue/first/done equals 'done ' refresh
check /catalogue/first/each-fetched each 'other other other other'
check /catalogue/first/no-errors quiet
check /catalogue/generation equals 1 property $MANAGER Manager CatalogueGeneration

publish 2 1700000100
rm $made/rpm/repodata/repomd.xml.asc
check /catalogue/unsigned/job-failed equals 'failed org.coldpatch1.Error.Signature' refresh
check /catalogue/unsigned/others-refreshed each 'other same other other'
check /catalogue/unsigned/says-why matches 'no signature' about rpm error
check /catalogue/unsigned/named-in-summary matches 'repository rpm' error_of_all
check /catalogue/unsigned/others-have-no-error equals '' about arch error

# Each goes back to what it was: signed, and older than what is held.
publish 3 1700000200
check /catalogue/again/done equals 'done ' refresh
check /catalogue/again/each-fetched each 'other other other other'
check /catalogue/again/no-errors quiet
before=$(time_of_catalogue)
generation=$(property $MANAGER Manager CatalogueGeneration)
for id in deb rpm arch apk; do
  mv $made/$id $made/$id.now
  cp -a $made/$id.old $made/$id
done
check /catalogue/replayed/job-failed equals 'failed org.coldpatch1.Error.Signature' refresh
check /catalogue/replayed/all-kept each 'same same same same'
for id in deb rpm arch apk; do
  check /catalogue/replayed/$id-says-why matches 'older than the one' about $id error
done
check /catalogue/replayed/no-change equals "$generation" property $MANAGER Manager CatalogueGeneration
check /catalogue/replayed/time-of-the-last-good-one equals "$before" time_of_catalogue

# The agent starts again: what was good is still there, and is in use.
check /catalogue/restart/ends stop_agent
start_agent
check /catalogue/restart/up wait_agent
check /catalogue/restart/all-kept each 'same same same same'
for id in deb rpm arch apk; do
  rm -r ${made:?}/$id
  mv $made/$id.now $made/$id
done
publish 4 1700000300
check /catalogue/repaired/done eventually 5 equals 'done ' refresh
check /catalogue/repaired/each-fetched each 'other other other other'
check /catalogue/repaired/no-errors quiet

# Nothing is lost for want of room, and nothing half-done takes up more of it.
half_done()
{
  equals '' find /var/cache/coldpatch -name next -o -name '*.new' -o -path '*/scratch/*'
}
publish 5 1700000400
dd if=/dev/zero of=/var/cache/coldpatch/filler bs=4K status=none
check /catalogue/full/job-failed equals 'failed org.coldpatch1.Error.NoSpace' refresh
check /catalogue/full/all-kept each 'same same same same'
check /catalogue/full/stays-up agent_is_up
check /catalogue/full/leaves-nothing eventually 5 half_done
rm /var/cache/coldpatch/filler
check /catalogue/room-again/done equals 'done ' refresh
check /catalogue/room-again/each-fetched each 'other other other other'
check /catalogue/ends stop_agent
finish
