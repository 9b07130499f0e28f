#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A domain that migrates to another host and comes back. The other host is a second libvirtd with a /run/libvirt, an
# /etc/libvirt and domains of its own, which sees the same images.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
disk=$images/plain.raw
there=/var/lib/libvirt/images/there # sockets: a folder that both see under the same path
fake_guest
define_pool default $images
mkdir -p $there $there/moves
chmod 0777 $there/moves # QEMU makes the socket
head -c 8M /dev/urandom >$disk
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
virsh -q pool-refresh default

# --- the other host ----------------------------------------------------------------------------------------------------

cat >/run/other-host <<END
mkdir -p /run/other/{run,etc,qemu,log}
cp -a /etc/libvirt/. /run/other/etc/
rm -rf /run/other/etc/hooks /run/other/etc/qemu/*.xml /run/other/etc/storage
mount --bind /run/other/etc /etc/libvirt
mount --bind /run/other/qemu /var/lib/libvirt/qemu
mount --bind /run/other/log /var/log/libvirt
mount -t tmpfs tmpfs /run/libvirt
printf 'host_uuid = "5e1f0c1e-4c0b-4d8e-9a52-b6a1a4a4a3d1"\nunix_sock_dir = "$there"\nauth_unix_rw = "none"\nunix_sock_rw_perms = "0700"\n' >/etc/libvirt/libvirtd.conf
printf 'stdio_handler = "file"\n' >>/etc/libvirt/qemu.conf
exec libvirtd --pid-file /run/other/libvirtd.pid
END
unshare --mount --uts bash -c 'hostname other; . /run/other-host' >/run/other.log 2>&1 &
other="qemu+unix:///system?socket=$there/libvirt-sock"
there_answers()
{
  virsh -q -c "$other" list
}
# move FROM TO: the running domain, and leaves its definition where it was
move()
{
  rm -f $there/moves/socket
  virsh -q -c "$1" migrate --live --unsafe --persistent plain --desturi "$2" --migrateuri unix://$there/moves/socket
}

codes()
{
  property "$volume" Volume Blockers
}
free()
{
  equals '[]' codes
}

"$tests/guests/make-domain" plain $disk raw 64 |
  sed -e "s|</os>|<boot dev='cdrom'/></os>|" -e '/<serial/,/<\/serial>/d' >/run/plain.xml
virsh -q define /run/plain.xml
check /migration/other-host eventually 20 there_answers || cat /run/other.log
start_agent
check /migration/agent-up wait_agent
volume=$(await_volume default plain.raw)
check /migration/free eventually 60 free
virsh -q start plain
check /migration/running eventually 10 matches '"in-use"' codes
check /migration/away/moves move qemu:///system "$other"
check /migration/away/runs-there equals running virsh -q -c "$other" domstate plain
check /migration/away/is-off-here eventually 10 domain_is_off plain
check /migration/away/saved-elsewhere eventually 10 matches '"saved-elsewhere"' codes
check /migration/away/claim-released eventually 10 eval '[ -z "$(ls /run/coldpatch/claims)" ]'
check /migration/back/moves move "$other" qemu:///system
check /migration/back/in-use eventually 10 matches '"in-use"' codes
check /migration/back/claimed eval '[ -n "$(ls /run/coldpatch/claims)" ]'
virsh -q shutdown plain
virsh -q destroy plain
check /migration/ended/claim-released eventually 10 eval '[ -z "$(ls /run/coldpatch/claims)" ]'
check /migration/agent-ends-well stop_agent
kill "$(cat /run/other/libvirtd.pid)"
finish
