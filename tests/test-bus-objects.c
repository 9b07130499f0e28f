/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pools, domains and jobs as a client sees them come, change and go. */
#include <string.h>

#include "bus-fixture.h"

#define POOL "/pool/11111111_1111_4111_8111_111111111111"
#define WEB "/domain/22222222_2222_4222_8222_222222222222"

static void
test_pool (BusFixture *f, gconstpointer data)
{
  g_autofree char *message = NULL;

  bus_assert_property (f, POOL, "Pool", "Name", "'pool'");
  bus_assert_property (f, POOL, "Pool", "Uuid", "'" FIXTURE_POOL "'");
  bus_assert_answer (f, POOL, "Pool.SetPolicy", g_variant_new ("(s)", "auto"), "()");
  bus_fixture_settle (f);
  g_assert_cmpstr (f->world.pool->policy, ==, "auto");
  /* The fixture has made it active without telling anybody. */
  bus_assert_changed (f, POOL, "{'Policy': <'auto'>}");
  message = bus_assert_error (f, POOL, "Pool.SetPolicy", g_variant_new ("(s)", "never"), "InvalidArgument");
  g_assert_nonnull (strstr (message, "never"));
  bus_assert_answer (f, POOL, "Pool.Resync", NULL, "()");

  bus_fixture_forget (f);
  f->world.pool->gone = TRUE;
  cold_inventory_pool_touch (f->world.inventory, f->world.pool);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesRemoved"), ==, 1);
  /* It comes back, under its path. */
  f->world.pool->gone = FALSE;
  cold_inventory_pool_touch (f->world.inventory, f->world.pool);
  bus_assert_property (f, POOL, "Pool", "Policy", "'auto'");
}

static void
test_domain (BusFixture *f, gconstpointer data)
{
  bus_assert_property (f, WEB, "Domain", "Name", "'web'");
  bus_assert_property (f, WEB, "Domain", "State", "'shutoff'");
  inventory_fixture_attach (f->world.domain, f->world.volume);
  cold_inventory_domain_touch (f->world.inventory, f->world.domain);
  bus_fixture_settle (f);
  bus_assert_changed (f, WEB, "{'Volumes': <[objectpath '/org/coldpatch1/volume/1']>}");
  bus_assert_property (f, "/volume/1", "Volume", "Domains", "['/org/coldpatch1" WEB "']");

  /* And it lets go of the disk again. */
  bus_fixture_forget (f);
  g_ptr_array_set_size (f->world.domain->info->disks, 0);
  cold_inventory_domain_touch (f->world.inventory, f->world.domain);
  bus_fixture_settle (f);
  bus_assert_changed (f, WEB, "{'Volumes': <@ao []>}");
  g_assert_nonnull (bus_find_signal (f, "/volume/1", "PropertiesChanged"));
  bus_assert_property (f, "/volume/1", "Volume", "Domains", "[]");

  bus_assert_answer (f, WEB, "Domain.SetPolicy", g_variant_new ("(s)", "off"), "()");
  bus_assert_property (f, WEB, "Domain", "Policy", "'off'");
  g_free (bus_assert_error (f, WEB, "Domain.SetPolicy", g_variant_new ("(s)", ""), "InvalidArgument"));
  bus_fixture_forget (f);
  f->world.domain->gone = TRUE;
  cold_inventory_domain_touch (f->world.inventory, f->world.domain);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesRemoved"), ==, 1);
  g_free (bus_assert_error (f, "", "Manager.LookupDomain", g_variant_new ("(s)", f->world.domain->uuid),
                            "NotFound"));
}

static void
test_job (BusFixture *f, gconstpointer data)
{
  g_autoptr (ColdJob) job = cold_job_new (9, "upgrade", 1);
  g_autoptr (GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "it was cancelled");
  gint64 begin;
  guint quarters;

  g_signal_emit_by_name (f->scheduler, "job-added", job);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesAdded"), ==, 1);
  bus_assert_property (f, "/job/9", "Job", "Kind", "'upgrade'");
  bus_assert_property (f, "/job/9", "Job", "State", "'queued'");
  bus_assert_property (f, "/job/9", "Job", "Volume", "'/org/coldpatch1/volume/1'");

  cold_job_start (job);
  cold_job_set_phase (job, "copying");
  bus_fixture_forget (f);
  begin = g_get_monotonic_time ();
  for (guint i = 1; i <= 1000; i++)
    {
      cold_job_set_progress (job, i / 1000.0);
      if (i % 10 == 0)
        bus_fixture_settle (f);
    }
  quarters = (g_get_monotonic_time () - begin) / (G_USEC_PER_SEC / 4);
  /* Far fewer than steps: four a second, however long the bus took. */
  g_assert_cmpuint (bus_count_signals (f, "/job/9", "PropertiesChanged"), >=, 1);
  g_assert_cmpuint (bus_count_signals (f, "/job/9", "PropertiesChanged"), <=, 2 + quarters);

  g_assert_false (g_cancellable_is_cancelled (cold_job_get_cancellable (job)));
  bus_assert_answer (f, "/job/9", "Job.Cancel", NULL, "()");
  g_assert_true (g_cancellable_is_cancelled (cold_job_get_cancellable (job)));
  cold_job_finish (job, "", error);
  bus_fixture_settle (f);
  bus_assert_property (f, "/job/9", "Job", "State", "'cancelled'");
  bus_assert_property (f, "/job/9", "Job", "Outcome", "'cancelled'");
  bus_assert_answer (f, "/job/9", "Job.Cancel", NULL, "()");

  bus_fixture_forget (f);
  g_signal_emit_by_name (f->scheduler, "job-removed", job);
  bus_fixture_settle (f);
  g_assert_cmpuint (bus_count_signals (f, "", "InterfacesRemoved"), ==, 1);
}

static void
test_upgrade_signals (BusFixture *f, gconstpointer data)
{
  g_autoptr (ColdJob) job = cold_job_new (3, "upgrade", 1);
  g_autofree char *started = NULL, *finished = NULL;

  g_signal_emit_by_name (f->scheduler, "job-added", job);
  g_signal_emit_by_name (f->scheduler, "upgrade-started", f->world.volume, job);
  cold_job_start (job);
  cold_job_set_packages (job, 12);
  cold_job_finish (job, "upgraded", NULL);
  g_signal_emit_by_name (f->scheduler, "upgrade-finished", f->world.volume, job);
  bus_fixture_settle (f);
  started = g_variant_print (bus_find_signal (f, "", "UpgradeStarted")->parameters, FALSE);
  finished = g_variant_print (bus_find_signal (f, "", "UpgradeFinished")->parameters, FALSE);
  g_assert_cmpstr (started, ==, "('/org/coldpatch1/volume/1', '/org/coldpatch1/job/3')");
  g_assert_cmpstr (finished, ==, "('/org/coldpatch1/volume/1', '/org/coldpatch1/job/3', 'upgraded', 12)");
  /* Whoever hears that it has ended reads how. */
  for (guint i = 0; i < f->signals->len; i++)
    {
      const BusSignal *signal = g_ptr_array_index (f->signals, i);

      g_assert_cmpstr (signal->member, !=, "UpgradeFinished");
      if (g_str_equal (signal->path, "/job/3") && g_str_equal (signal->member, "PropertiesChanged"))
        break;
    }
  g_signal_emit_by_name (f->scheduler, "job-removed", job);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  BUS_FIXTURE_ADD ("/bus/pool", test_pool);
  BUS_FIXTURE_ADD ("/bus/domain", test_domain);
  BUS_FIXTURE_ADD ("/bus/job", test_job);
  BUS_FIXTURE_ADD ("/bus/job/upgrade-signals", test_upgrade_signals);
  return bus_fixture_run ();
}
