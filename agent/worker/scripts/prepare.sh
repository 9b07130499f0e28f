# SPDX-License-Identifier: GPL-2.0-or-later
# Runs inside the guest before everything else: what is written below these folders leaves nothing behind.
set -eu
for folder in /run /tmp /var/cache/apt /var/lib/apt/lists; do
  [ -d "$folder" ] || continue
  mode=0755
  [ "$folder" != /tmp ] || mode=1777
  mount -t tmpfs -o mode=$mode tmpfs "$folder"
done
mkdir -p "$WORK" "$BUNDLE"
