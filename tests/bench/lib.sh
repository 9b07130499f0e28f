# SPDX-License-Identifier: GPL-2.0-or-later
# What the benchmarks share; they run in a private host (see run).
# shellcheck shell=bash
set -euo pipefail

tests=$(readlink -f "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/..")
. "$tests/host/libvirtd.sh"
. "$tests/host/agent.sh"
mkdir -p /etc/coldpatch

now()
{
  date +%s%N
}

# milliseconds FROM: since then
milliseconds()
{
  echo $((($(now) - $1) / 1000000))
}

# ratio WHAT OURS PEER UNIT BUDGET
ratio()
{
  awk -v what="$1" -v ours="$2" -v peer="$3" -v unit="$4" -v budget="$5" \
    'BEGIN { printf "%-44s %8d %s / %8d %s = %.2f (budget %s)\n", what, ours, unit, peer, unit, ours / peer, budget }'
}

give_up()
{
  echo "$*; the agent's last words:" >&2
  tail -20 "$AGENT_LOG" >&2
  exit 1
}
