#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Plans as they look on the bus, with a stand-in for the worker that makes them: what is not planned is not current, a failure
# is shown and tried again with the next refresh, and a repository that was never fetched is none to plan with.
FAKE_WORKER=yes
. "$(dirname "$0")/lib.sh"

images=/var/lib/libvirt/images
fake_guest
# Plans fail while /run/no-plans is there, and bundles as often as /run/no-bundles says; nothing is fetched of the repository "absent"; requests to plan are kept.
cat >/run/planner <<END
#!/bin/bash
verb=\${*: -1}
case \$verb in
  bundle)
    n=\$(cat /run/no-bundles 2>/dev/null)
    if [ "\${n:-0}" -gt 0 ]; then
      echo \$((n - 1)) >/run/no-bundles
      echo '{"type":"error","code":"NotFound","message":"fake 2 is no longer in the catalogue"}'
      exit 1
    fi
    exec "$tests/host/fake-guest" "\$@"
    ;;
  fetch | plan) read -r request ;;
  *) exec "$tests/host/fake-guest" "\$@" ;;
esac
[ "\$verb" != plan ] || echo "\$request" >>/run/requests
if [ "\$verb" = plan ] && [ -e /run/no-plans ]; then
  echo '{"type":"error","code":"Failed","message":"the planner is out of order"}'
  exit 1
fi
"$tests/host/fake-guest" "\$@" <<<"\$request" |
  jq -c 'if .repositories then .repositories |= map(if .id == "absent" then {id, ok: false, code: "Network", error: "silent"} else . end) else . end'
END
chmod 0755 /run/planner
ln -sf /run/planner /run/fake-libexec/coldpatch-sandbox

state()
{
  property "$(volume default guest.raw)" Volume State
}
reason()
{
  call "$(volume default guest.raw)" Volume GetBlockers | jq -r '.[] | select(.[0] == "no-plan") | .[1]'
}
refresh()
{
  local job
  job=$(call $MANAGER Manager RefreshCatalogue) && wait_for 20 job_finished "$job" && property "$job" Job State
}
# upgrade [DRY-RUN]: prints the outcome
upgrade()
{
  local job
  job=$(call "$(volume default guest.raw)" Volume Upgrade 'a{sv}' 1 dry-run b "${1:-true}") && wait_for 20 job_finished "$job" || return
  property "$job" Job Outcome
}
history_held()
{
  call "$(volume default guest.raw)" Volume GetHistory | jq -c '[.[] | select(.kind == "upgrade")][0].report.held'
}
planned_with()
{
  jq -r '.repositories[].id' /run/requests | sort -u | tr '\n' ' '
}

define_pool default $images
head -c 2M /dev/urandom >$images/guest.raw
virsh -q pool-refresh default >/dev/null
write_source fake http://mirror.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
write_source absent http://absent.invalid/debian bookworm /usr/share/keyrings/debian-archive-keyring.gpg yes
printf '[Agent]\nSettleSeconds=0\n' >/etc/coldpatch/coldpatch.conf
touch /run/no-plans
start_agent
check /plans/up wait_agent
check /plans/failed/not-current eventually 20 equals blocked state
check /plans/failed/says-why matches 'the planner is out of order' reason
check /plans/failed/nothing-pending equals 0 property $MANAGER Manager PendingCount
rm /run/no-plans
check /plans/refreshed/ends-as-it-should equals failed refresh
check /plans/refreshed/planned-again eventually 20 equals pending state
check /plans/refreshed/no-reason-left equals '' reason
check /plans/never-fetched/left-out equals 'fake ' planned_with

# A refresh between plan and bundle: planned once more, and then it waits, and the guest has not failed.
echo 2 >/run/no-bundles
check /plans/changed-twice/yielded equals yielded upgrade
check /plans/changed-twice/still-pending eventually 10 equals pending state
echo 1 >/run/no-bundles
check /plans/changed-once/upgraded equals upgraded upgrade false
check /plans/held-back/told eventually 5 equals '["held"]' history_held

# What is pending changes with the configuration, though nothing was published.
security_only()
{
  jq -r '.plans[]["security-only"]' /run/requests | sort -u
}
check /plans/security/ends stop_agent
printf '[Agent]\nSettleSeconds=0\nSecurity=only\n' >/etc/coldpatch/coldpatch.conf
rm /run/requests
start_agent
check /plans/security/up wait_agent
check /plans/security/only eventually 20 equals true security_only
check /plans/security/pending eventually 10 equals pending state
check /plans/ends stop_agent
finish
