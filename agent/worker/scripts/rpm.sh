# SPDX-License-Identifier: GPL-2.0-or-later
# What dnf.sh and zypper.sh have in common.

macros=/etc/rpm/macros.coldpatch

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

# Requirements that nothing meets.
complaints()
{
  rpm -Va --nofiles --noscripts --nodigest --nosignature
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

# What rpm says of scripts that failed, and dnf, which dnf 5 marks by ">>> ". The packages are installed all the same, and dnf and
# zypper go on.
failed_scripts()
{
  sed 's/^>>> \(\[RPM] \)*//' "$WORK/log" |
    grep -aE '^((warning|error): |%[a-z]+\().* script(let)? failed|^(Non-critical error|Error) in .* scriptlet( in|: )' |
    sort -u >"$WORK/failed-scripts" || true
}

# with_rpm COMMAND...: around what installs packages; the command's status 0 says that it went well
with_rpm()
{
  refuse_services
  { "$@" 2>&1 || : >"$WORK/failed"; } | show_progress
  allow_services
  failed_scripts
  [ ! -e "$WORK/failed" ]
}
