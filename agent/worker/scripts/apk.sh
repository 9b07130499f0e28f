# SPDX-License-Identifier: GPL-2.0-or-later
# apk's part of the frame: the guest's own apk upgrades it from the bundle, whose index holds the planned packages and nothing
# else: what is not in it stays as it is. Versions and repositories that /etc/apk/world asks for count as ever.

# By way of openrc-run, what runs /etc/init.d/* is asked as well.
openrc_tools='rc-service service openrc-run'
aside=.coldpatch

# Scripts run with a PATH of apk's own: in the place of OpenRC's programs is one that writes down what is asked of services and does
# not do it; what is no service's life, the real one does. Nothing is mounted over those, which could not be replaced then.
refuse_services()
{
  cat >"$WORK/openrc" <<END
#!/bin/sh
name=
for word; do
  case \$word in
    -*) ;;
    *)
      [ -n "\$name" ] || { name=\${word##*/}; continue; }
      case \$word in
        start|stop|restart|reload|force-reload|condrestart|conditionalrestart|zap|pause)
          echo "\$name \$word" >>$WORK/deferred
          exit 0
          ;;
      esac
      break
      ;;
  esac
done
exec "\${0%/*}/$aside/\${0##*/}" "\$@"
END
  chmod 0755 "$WORK/openrc"
  for folder in /sbin /usr/sbin /bin /usr/bin; do
    # Of two names for one folder, one.
    [ ! -L $folder ] || continue
    for tool in $openrc_tools; do
      [ -e "$folder/$tool" ] || continue
      mkdir -p "$folder/$aside"
      mv "$folder/$tool" "$folder/$aside/"
      cp "$WORK/openrc" "$folder/$tool"
    done
  done
}

# What was upgraded meanwhile is there already.
allow_services()
{
  for folder in /sbin /usr/sbin /bin /usr/bin; do
    [ ! -L $folder ] && [ -d "$folder/$aside" ] || continue
    for tool in $openrc_tools; do
      [ -e "$folder/$aside/$tool" ] || continue
      if cmp -s "$WORK/openrc" "$folder/$tool"; then
        mv "$folder/$aside/$tool" "$folder/$tool"
      else
        rm "$folder/$aside/$tool"
      fi
    done
    rmdir "$folder/$aside"
  done
}

# By ctime as well, in the words of busybox, whose find has none for it: whole seconds.
changed_paths()
{
  begin=$(stat -c %Z "$WORK/begin")
  for mount in $MOUNTS; do
    find "$mount" -xdev ! -type d -exec stat -c '%Z %n' '{}' +
  done | awk -v begin="$begin" '$1 >= begin { print substr($0, length($1) + 2) }' | one_tree | sort -u
}

# apk looks for packages in a folder named after their architecture. Index and packages were checked against the repositories'
# signatures before they came into the bundle, and apk compares each package with the index; the index of the bundle has no
# signature. Repositories with a tag are the bundle too: without any, apk refuses a world that names it.
make_repository()
{
  arch=$(apk --print-arch)
  mkdir -p "$WORK/repository/$arch" "$WORK/cache"
  ln -s "$BUNDLE/APKINDEX.tar.gz" "$WORK/repository/$arch/"
  for file in "$BUNDLE/apks"/*.apk; do
    ln -s "$file" "$WORK/repository/$arch/"
  done
  [ "$arch" = noarch ] || ln -s "$arch" "$WORK/repository/noarch"
  {
    echo "$WORK/repository"
    tr -s ' \t' '\n' </etc/apk/world | sed -n 's/^[^@]*\(@[^<>=~]*\).*/\1/p' | sort -u | while read -r tag; do
      echo "$tag $WORK/repository"
    done
  } >"$WORK/repositories"
}

run_apk()
{
  apk --no-network --allow-untrusted --repositories-file "$WORK/repositories" --cache-dir "$WORK/cache" --no-progress "$@"
}

# apk takes away what nothing asks for any more. Nothing is removed here: as long as this lasts, world asks for it.
keep_all()
{
  run_apk upgrade --simulate >"$WORK/simulated"
  cat "$WORK/simulated"
  sed -n 's/^([0-9]*\/[0-9]*) Purging \([^ ]*\) .*/\1/p' "$WORK/simulated" >"$WORK/purged"
  [ -s "$WORK/purged" ] || return 0
  cat "$WORK/world" "$WORK/purged" >/etc/apk/world
  run_apk upgrade --simulate >"$WORK/simulated"
  if grep '^([0-9]*/[0-9]*) Purging ' "$WORK/simulated"; then
    echo "apk would remove packages"
    return 1
  fi
}

# What stands against world and dependencies of what is installed: apk looks at all of them at each call.
complaints()
{
  apk --no-network --repositories-file /dev/null upgrade --simulate 2>&1 | grep -A 20 '^ERROR'
}

# The console of the appliance leads to the worker, which reads progress from it.
show_progress()
{
  while read -r line; do
    echo "$line"
    case $line in
      \(*/*\)*)
        count=${line#?}
        total=${count#*/}
        total=${total%%\)*}
        count=${count%%/*}
        name=${line#* * }
        echo "pmstatus:${name%% *}:$((count * 100 / total)):${line#* }" >/dev/console
        ;;
    esac
  done
}

upgrade()
{
  make_repository
  cp -a /etc/apk/world "$WORK/world"
  keep_all
  refuse_services
  { run_apk upgrade 2>&1 || : >"$WORK/failed"; } | show_progress
  allow_services
  cmp -s "$WORK/world" /etc/apk/world || cat "$WORK/world" >/etc/apk/world
  [ ! -e "$WORK/failed" ]
}
