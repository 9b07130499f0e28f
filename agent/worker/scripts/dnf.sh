# SPDX-License-Identifier: GPL-2.0-or-later
# dnf's part of the frame, and yum's: the guest's own tool upgrades it from the bundle, whose repository holds the planned
# packages and nothing else; everything else that is set in the guest's configuration counts as ever, but for plugins, which
# talk to networks. Which streams of modules are active was decided when it was planned: the bundle has no modules.yaml, without
# which dnf would refuse what is of modules.

configure()
{
  mkdir -p "$WORK/repos" "$WORK/cache"
  cat >"$WORK/repos/coldpatch.repo" <<END
[coldpatch]
name=coldpatch
baseurl=file://$BUNDLE
enabled=1
gpgcheck=0
repo_gpgcheck=0
skip_if_unavailable=0
module_hotfixes=1
END
}

upgrade()
{
  configure
  tool=$(command -v dnf || command -v yum)
  # Old kernels stay, however many: dnf would take the appliance's for the one that runs, and remove the guest's.
  # The packages' hashes were checked against the repository's metadata before they came into the bundle.
  with_rpm "$tool" -y --noplugins --setopt=reposdir="$WORK/repos" --setopt=cachedir="$WORK/cache" \
    --setopt=system_cachedir="$WORK/cache" --setopt=keepcache=0 --setopt=install_weak_deps=0 --setopt=best=1 --setopt=installonly_limit=0 \
    --setopt=localpkg_gpgcheck=0 upgrade
}
