# SPDX-License-Identifier: GPL-2.0-or-later
# zypper's part of the frame: the guest's own zypper upgrades it from the bundle, whose repository holds the planned packages
# and nothing else; its locks and whatever else is set in /etc/zypp count as ever.

configure()
{
  mkdir -p "$WORK/repos" "$WORK/cache"
  cat >"$WORK/repos/coldpatch.repo" <<END
[coldpatch]
name=coldpatch
baseurl=dir://$BUNDLE
type=rpm-md
enabled=1
autorefresh=0
gpgcheck=0
keeppackages=0
END
  # Services would be asked over the network for their repositories.
  if [ -d /etc/zypp/services.d ]; then
    mount -t tmpfs tmpfs /etc/zypp/services.d
    touch "$WORK/services-mounted"
  fi
}

# From 100 on it tells what the admin may want to know: that a reboot is due (102), that a script failed (107).
run_zypper()
{
  status=0
  zypper --reposd-dir "$WORK/repos" --cache-dir "$WORK/cache" --non-interactive --no-color --no-gpg-checks update \
    --auto-agree-with-licenses --no-recommends || status=$?
  [ $status = 0 ] || [ $status = 102 ] || [ $status = 107 ]
}

upgrade()
{
  configure
  with_rpm run_zypper
  [ ! -e "$WORK/services-mounted" ] || umount /etc/zypp/services.d
}
