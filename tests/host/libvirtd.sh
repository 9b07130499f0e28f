# SPDX-License-Identifier: GPL-2.0-or-later
# The daemons of a private host: sourced by private-host, and by tests which end and restart them.
# shellcheck shell=bash

# A program that libvirt packages may keep outside of root's PATH.
libvirt_program()
{
  PATH=$PATH:/usr/sbin:/sbin command -v "$1"
}

start_virtlogd()
{
  "$(libvirt_program virtlogd)" --pid-file /run/virtlogd.pid </dev/null >>/var/log/libvirt/virtlogd.out 2>&1 &
}

# Starts libvirtd, and waits until it answers.
start_libvirtd()
{
  local i
  # --daemon returns when the sockets listen.
  "$(libvirt_program libvirtd)" --daemon --pid-file /run/libvirtd.pid </dev/null >>/var/log/libvirt/libvirtd.out 2>&1 ||
    { cat /var/log/libvirt/libvirtd.out >&2; return 1; }
  for i in $(seq 600); do
    virsh -q -c qemu:///system list >/dev/null 2>&1 && return 0
    sleep 0.1
  done
  tail -5 /var/log/libvirt/libvirtd.log /var/log/libvirt/libvirtd.out >&2
  return 1
}

# stop_libvirtd [SIGNAL]: ends it (TERM), and waits until it is gone; running domains go on.
stop_libvirtd()
{
  local pid
  pid=$(cat /run/libvirtd.pid 2>/dev/null) || return 0
  kill -s "${1:-TERM}" "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.05
  done
  rm -f /run/libvirtd.pid
}
