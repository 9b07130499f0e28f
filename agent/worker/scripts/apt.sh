# SPDX-License-Identifier: GPL-2.0-or-later
# apt's part of the frame: the guest's own apt upgrades it from the bundle. The lists hold the planned packages and
# nothing else; holds, pins and preferences of the guest count as ever.

policy=/usr/sbin/policy-rc.d

# Services are not started; what scripts wanted to start or restart is written down (policy-rc.d(8)).
refuse_services()
{
  cat >"$WORK/policy" <<END
#!/bin/sh
case "\$1" in --*) shift ;; esac
# In parentheses where the runlevel is not known.
action=\${2#(}
echo "\$1 \${action%)}" >>$WORK/deferred
exit 101
END
  chmod 0755 "$WORK/policy"
  [ -e $policy ] || { : >$policy; touch "$WORK/policy-made"; }
  mount --bind "$WORK/policy" $policy
  # Only where systemd is said to run do scripts ask for a service at all. It does not: SYSTEMD_OFFLINE.
  if [ -x /lib/systemd/systemd ]; then
    mkdir -p /run/systemd/system
  fi
}

allow_services()
{
  umount $policy
  [ ! -e "$WORK/policy-made" ] || rm $policy
}

# Packages that are there in part.
complaints()
{
  dpkg --audit
}

# The lists here may have nothing of the guest's default release, and apt gives up on one that it has no list of. What it means is that
# of a record before all others, which may be for nothing.
keep_default_release()
{
  eval "$(apt-config shell release APT::Default-Release preferences Dir::Etc::preferences/f)"
  [ -n "${release:-}" ] || return 0
  printf 'Package: *\nPin: release %s\nPin-Priority: 990\n\n' "$release" >"$WORK/preferences"
  [ ! -f "$preferences" ] || cat "$preferences" >>"$WORK/preferences"
  cat >>"$WORK/apt.conf" <<END
#clear APT::Default-Release;
Dir::Etc::preferences "$WORK/preferences";
END
}

# Command line options of apt come after the guest's configuration; #clear only works in a file.
configure_apt()
{
  mkdir -p "$WORK/lists/partial" "$WORK/archives/partial" "$WORK/cache"
  cp "$BUNDLE"/lists/* "$WORK/lists/"
  ln -s "$BUNDLE"/debs/*.deb "$WORK/archives/"
  cat >"$WORK/apt.conf" <<END
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Options;
Dir::Etc::sourcelist "$BUNDLE/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$WORK/lists/";
Dir::Cache::archives "$WORK/archives/";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
DPkg::Options { "--force-confdef"; "--force-confold"; "--force-unsafe-io"; };
DPkg::Use-Pty "0";
Acquire::Languages "none";
APT::Install-Recommends "0";
APT::Install-Suggests "0";
APT::Get::Assume-Yes "1";
APT::Get::Show-Upgraded "1";
APT::Status-Fd "9";
END
  keep_default_release
}

upgrade()
{
  export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true UCF_FORCE_CONFFOLD=1 \
    APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1
  refuse_services
  configure_apt
  # The console of the appliance leads to the worker, which reads progress from it.
  apt-get -q -c "$WORK/apt.conf" --no-download --no-remove upgrade --with-new-pkgs 9>/dev/console
  allow_services
}
