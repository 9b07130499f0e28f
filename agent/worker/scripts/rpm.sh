# SPDX-License-Identifier: GPL-2.0-or-later
# What dnf.sh and zypper.sh have in common.

macros=/etc/rpm/macros.coldpatch
dracut=/etc/dracut.conf.d/zz-coldpatch.conf

# rpm runs scripts with a PATH of its own.
refuse_services()
{
  make_systemctl
  [ -d /etc/rpm ] || { mkdir /etc/rpm; touch "$WORK/macros-made"; }
  echo "%_install_script_path $WORK/bin:/sbin:/bin:/usr/sbin:/usr/bin" >$macros
}

allow_services()
{
  rm $macros
  [ ! -e "$WORK/macros-made" ] || rmdir /etc/rpm
}

# Never the drivers of the appliance's own devices.
all_drivers()
{
  if [ -d "${dracut%/*}" ]; then
    echo 'hostonly="no"' >$dracut
  fi
}

own_drivers()
{
  rm -f $dracut
}

# Those who make a boot entry look there when nothing else says how to boot: it must be the guest's own way.
own_command_line()
{
  newest=$(ls -t /boot/loader/entries/*.conf 2>/dev/null | head -n 1)
  if [ -n "$newest" ]; then
    sed -n 's/^options[[:space:]]*//p' "$newest"
  else
    cat /boot/grub2/grub.cfg /boot/grub/grub.cfg 2>/dev/null | sed -n 's/^[[:space:]]*linux[a-z0-9]*[[:space:]]*[^[:space:]]*[[:space:]]*//p'
  fi | head -n 1 >"$WORK/cmdline"
  [ ! -s "$WORK/cmdline" ] || mount --bind "$WORK/cmdline" /proc/cmdline
}

appliance_command_line()
{
  [ ! -s "$WORK/cmdline" ] || umount /proc/cmdline
}

# Requirements that nothing meets.
unmet()
{
  rpm -Va --nofiles --noscripts --nodigest --nosignature 2>/dev/null | sort -u || true
}

# The console of the appliance leads to the worker, which reads progress from it. Of a line that says how many of how many
# are done, "3/17", it gets both.
show_progress()
{
  while IFS= read -r line; do
    printf '%s\n' "$line"
    counts=$(printf '%s\n' "$line" | sed -nE 's,.*[^0-9]([0-9]+)/([0-9]+)([^0-9/].*)?$,\1 \2,p')
    [ -n "$counts" ] || continue
    done=${counts% *} all=${counts#* }
    [ "$all" -gt 0 ] || continue
    echo "pmstatus:rpm:$((done * 100 / all)):$line" >/dev/console
  done
}

# What rpm says of scripts that failed. The packages are installed all the same, and dnf and zypper go on.
failed_scripts()
{
  grep -aE '^(warning|error): .* script(let)? failed|^Error in .* scriptlet in ' "$WORK/log" | sort -u >"$WORK/failed-scripts" ||
    true
}

# with_rpm COMMAND...: around what installs packages; the command's status 0 says that it went well
with_rpm()
{
  unmet >"$WORK/unmet-before"
  refuse_services
  all_drivers
  own_command_line
  { "$@" 2>&1 || : >"$WORK/failed"; } | show_progress
  appliance_command_line
  own_drivers
  allow_services
  failed_scripts
  [ ! -e "$WORK/failed" ]
  unmet | comm -13 "$WORK/unmet-before" - >"$WORK/unmet-new"
  if [ -s "$WORK/unmet-new" ]; then
    cat "$WORK/unmet-new"
    false
  fi
}
