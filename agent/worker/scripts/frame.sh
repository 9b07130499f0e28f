# SPDX-License-Identifier: GPL-2.0-or-later
# Runs inside the guest, by the guest's own shell, in the appliance: no network, nothing started. The work copy is thrown
# away when anything fails, so nothing is undone on the way out.
#
# Made by cold-verb-upgrade.c before it: WORK (folder on tmpfs), BUNDLE (where the bundle is mounted), MOUNTS (the guest's
# mount points), and the function owned. The package manager's part follows after it and defines the function upgrade.
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8 LANG=C.UTF-8 TERM=dumb SYSTEMD_OFFLINE=1 SYSTEMD_PAGER=cat
umask 022

# What makes a guest itself: no package script may change it, whatever it thinks of an empty or missing one.
identity()
{
  ls -d /etc/machine-id /var/lib/dbus/machine-id /etc/hostname /etc/resolv.conf /etc/fstab /etc/ssh/ssh_host_* 2>/dev/null ||
    true
}

save_identity()
{
  mkdir "$WORK/identity"
  identity >"$WORK/identity/list"
  i=0
  while read -r path; do
    i=$((i + 1))
    cp -a "$path" "$WORK/identity/$i"
  done <"$WORK/identity/list"
}

# same PATH COPY: link for link, byte for byte, with owner and mode
same()
{
  [ "$(stat -c '%F %a %u %g' "$1" 2>/dev/null)" = "$(stat -c '%F %a %u %g' "$2")" ] || return 1
  if [ -L "$2" ]; then
    [ "$(readlink "$1")" = "$(readlink "$2")" ]
  else
    [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]
  fi
}

restore_identity()
{
  identity >"$WORK/identity/after"
  while read -r path; do
    grep -qxF "$path" "$WORK/identity/list" || { rm -f "$path"; echo "$path" >>"$WORK/restored"; }
  done <"$WORK/identity/after"
  i=0
  while read -r path; do
    i=$((i + 1))
    same "$path" "$WORK/identity/$i" && continue
    rm -f "$path"
    cp -a "$WORK/identity/$i" "$path"
    same "$path" "$WORK/identity/$i"
    echo "$path" >>"$WORK/restored"
  done <"$WORK/identity/list"
}

# The file systems that kernels on the boot menu are told to take as root.
boot_roots()
{
  cat /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/loader/entries/*.conf /boot/extlinux.conf 2>/dev/null |
    grep -oE '[[:space:]]root=[^[:space:]]+' | sort -u || true
}

# Makes a systemctl in $WORK/bin, for the front of a PATH: what is asked of services is written down and not done, unless it is
# no service's life; that the real one does. Nothing is mounted over the real one, which could not be replaced then.
make_systemctl()
{
  mkdir -p "$WORK/bin"
  cat >"$WORK/bin/systemctl" <<END
#!/bin/sh
for word; do
  case \$word in
    start|stop|restart|try-restart|reload|reload-or-restart|try-reload-or-restart|isolate|kill)
      echo "\$*" >>$WORK/deferred
      exit 0
      ;;
    -*) ;;
    *) break ;;
  esac
done
PATH=\${PATH#$WORK/bin:}
! command -v systemctl >/dev/null || exec systemctl "\$@"
END
  chmod 0755 "$WORK/bin/systemctl"
}

# Without SELinux in the kernel, nothing that was made here has a label.
relabel()
{
  grep -qE '^SELINUX=(enforcing|permissive)' /etc/selinux/config 2>/dev/null || return 0
  policy=$(sed -n 's/^SELINUXTYPE=\([^[:space:]]*\).*/\1/p' /etc/selinux/config | tail -n 1)
  # setfiles takes a folder with all that is below it: only those which are new.
  for mount in $MOUNTS; do
    find "$mount" -xdev -cnewer "$WORK/begin" ! -type d -print0
    find "$mount" -xdev -cnewer "$WORK/begin" -type d \
      -exec sh -c 'case $(ls -Zd "$1") in "? "*) printf "%s\\0" "$1" ;; esac' sh '{}' ';'
  done >"$WORK/unlabelled"
  # Otherwise the guest does it when it starts next.
  setfiles -i -0 -f "$WORK/unlabelled" "/etc/selinux/${policy:-targeted}/contexts/files/file_contexts" >>"$WORK/log" 2>&1 ||
    touch /.autorelabel
}

# ctime, since package managers set mtime to that of the package. Newlines in names become "?", to keep a path a line.
changed_paths()
{
  for mount in $MOUNTS; do
    find "$mount" -xdev -cnewer "$WORK/begin" ! -type d -print0
  done | tr '\n\0' '?\n' | one_tree | sort -u
}

# Where / and /usr are one, a path has two names.
one_tree()
{
  if [ -L /bin ]; then
    sed -E 's,^/(bin|sbin|lib|lib32|lib64|libx32)/,/usr/\1/,'
  else
    cat
  fi
}

run()
{
  mkdir -p "$WORK" /run/lock
  chmod 1777 /run/lock
  : >"$WORK/restored"
  : >"$WORK/deferred"
  save_identity
  boot_roots >"$WORK/roots-before"
  # ctime has the granularity of a clock tick: what follows must not be in the same one.
  : >"$WORK/begin"
  sleep 0.1
  upgrade </dev/null >"$WORK/log" 2>&1
  restore_identity
  boot_roots >"$WORK/roots-after"
  changed_paths >"$WORK/changed"
  owned 2>/dev/null | one_tree | sort -u | comm -13 - "$WORK/changed" >"$WORK/unattributed"
  relabel
}
