# SPDX-License-Identifier: GPL-2.0-or-later
# pacman's part of the frame: the guest's own pacman upgrades it from the bundle, whose database holds the planned packages
# and nothing else. IgnorePkg, NoUpgrade and whatever else is set in the guest's [options] count as ever.

# What the frame's all_drivers does, for mkinitcpio's own configurations. They are changed after the packages and before the
# hooks that make an initramfs, and changed back after those: by then it is settled which of them are the admin's own, so that
# no .pacnew comes of it.
make_hooks()
{
  mkdir -p "$WORK/hooks"
  cat >"$WORK/hooks/lines" <<'END'

_cold=()
for _hook in "${HOOKS[@]}"; do [[ $_hook = autodetect ]] || _cold+=("$_hook"); done
HOOKS=("${_cold[@]}")
END
  cat >"$WORK/hooks/configs" <<'END'
presets=$(sed -n "s/^[A-Za-z_]*_config=[\"']*\([^\"' ]*\).*/\1/p" /etc/mkinitcpio.d/*.preset 2>/dev/null)
for file in /etc/mkinitcpio.conf $presets; do
  [ ! -f "$file" ] || echo "$file"
done | sort -u
END
  cat >"$WORK/hooks/begin" <<END
set -e
mkdir -p $WORK/configs
sh $WORK/hooks/configs | while read -r file; do
  mkdir -p "$WORK/configs\${file%/*}"
  cp -a "\$file" "$WORK/configs\$file"
  cat $WORK/hooks/lines >>"\$file"
done
END
  cat >"$WORK/hooks/end" <<END
set -e
(cd $WORK/configs && find . -type f) | sed 's,^\.,,' | while read -r file; do
  cp -a "$WORK/configs\$file" "\$file"
done
END
  # Hooks run in the order of their names (alpm-hooks(5)).
  for hook in 00-coldpatch-begin zz-coldpatch-end; do
    cat >"$WORK/hooks/$hook.hook" <<END
[Trigger]
Operation = Install
Operation = Upgrade
Operation = Remove
Type = Package
Target = *

[Action]
Description = Initramfs for all devices: ${hook##*-}...
When = PostTransaction
Exec = /bin/sh $WORK/hooks/${hook##*-}
END
  done
}

# Entries that are damaged, and dependencies that nothing meets.
complaints()
{
  pacman -Dk 2>&1 | grep -v '^No database errors'
}

# The guest's [options] with all that they include; where packages come from, and how they get here, is ours. Their hashes
# were checked against the repository's database before they came into the bundle.
configure_pacman()
{
  pacman-conf | sed -n '/^\[options\]$/,/^\[[^o]/p' | sed '/^\[/d' |
    grep -vE '^(CacheDir|XferCommand|CleanMethod|SigLevel|LocalFileSigLevel|RemoteFileSigLevel|DownloadUser|Color) *=|^Color$' \
    >"$WORK/options"
  # Without it, pacman finds no file system to look for free space on.
  [ -r /etc/mtab ] || sed -i '/^CheckSpace/d' "$WORK/options"
  {
    echo "[options]"
    cat "$WORK/options"
    echo "CacheDir = $BUNDLE/pkgs/"
    echo "HookDir = $WORK/hooks/"
    echo "[coldpatch]"
    echo "SigLevel = Never"
    echo "Server = file://$BUNDLE/pkgs"
  } >"$WORK/pacman.conf"
}

# The console of the appliance leads to the worker, which reads progress from it.
show_progress()
{
  total=$(ls "$BUNDLE/pkgs" | wc -l)
  count=0
  while read -r line; do
    echo "$line"
    case $line in
      upgrading*|installing*)
        count=$((count + 1))
        name=${line#* }
        echo "pmstatus:${name%...}:$((count * 100 / total)):$line" >/dev/console
        ;;
    esac
  done
}

upgrade()
{
  make_systemctl
  PATH=$WORK/bin:$PATH
  make_hooks
  configure_pacman
  sync=$(pacman-conf DBPath)
  sync=${sync%/}/sync
  made=no
  [ -d "$sync" ] || { mkdir "$sync"; made=yes; }
  mount -t tmpfs tmpfs "$sync"
  cp "$BUNDLE/coldpatch.db" "$sync/"
  { pacman --config "$WORK/pacman.conf" -Su --noconfirm --noprogressbar --color never 2>&1 || : >"$WORK/failed"; } |
    show_progress
  umount "$sync"
  [ $made = no ] || rmdir "$sync"
  [ ! -e "$WORK/failed" ]
}
