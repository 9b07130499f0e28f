/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coldpatchd: parses, logs, puts the parts together, owns the bus name and runs the loop.
 */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cold-bus.h"
#include "cold-claim-watch.h"
#include "cold-error.h"
#include "cold-folders.h"
#include "cold-journal.h"
#include "cold-names.h"
#include "cold-recovery.h"
#include "cold-scheduler.h"

/* SIGTERM never waits for a copy: workers are killed, work copies are deleted now or by the next start. */
#define STOP_SECONDS 8
#define ROOM_RETRY_SECONDS 2

typedef struct
{
  GMainLoop *loop;
  ColdScheduler *scheduler;
  gboolean stopping;
  int status;
} Main;

static void
on_stopped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Main *self = user_data;

  cold_scheduler_stop_finish (self->scheduler, result, NULL);
  g_main_loop_quit (self->loop);
}

static gboolean
on_stop_deadline (gpointer user_data)
{
  Main *self = user_data;

  g_warning ("jobs did not end within %d s", STOP_SECONDS);
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static void
stop (Main *self)
{
  if (self->stopping)
    return;
  self->stopping = TRUE;
  g_timeout_add_seconds (STOP_SECONDS, on_stop_deadline, self);
  cold_scheduler_stop_async (self->scheduler, on_stopped, self);
}

static gboolean
on_signal (gpointer user_data)
{
  stop (user_data);
  return G_SOURCE_CONTINUE;
}

static void
on_name_acquired (GDBusConnection *connection, const char *name, gpointer user_data)
{
  g_message ("ready on the bus as %s", name);
}

static void
on_name_lost (GDBusConnection *connection, const char *name, gpointer user_data)
{
  Main *self = user_data;

  if (self->stopping)
    return;
  g_critical ("lost the bus name %s: %s", name,
              connection == NULL ? "the system bus has gone" : "somebody else has it, or the bus policy forbids it");
  self->status = EXIT_FAILURE;
  stop (self);
}

static void
on_appliance (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* Not fatal: every job asks for it again. */
  if (!cold_appliance_ensure_finish (COLD_APPLIANCE (source), result, &error))
    g_warning ("no appliance: %s", error->message);
}

/* With an empty store in place of a full disk's, policies would not hold. Before anything is on the bus: nobody waits for an answer,
 * and SIGTERM just ends us. Returns: (transfer full) */
static ColdStore *
open_store (GError **error)
{
  ColdStore *store;
  GError *local = NULL;
  gboolean told = FALSE;

  while ((store = cold_store_open (COLD_STORE_FILE, &local)) == NULL && g_error_matches (local, COLD_ERROR, COLD_ERROR_NO_SPACE))
    {
      if (!told)
        g_warning ("%s; make room there, which is waited for", local->message);
      told = TRUE;
      g_clear_error (&local);
      g_usleep (ROOM_RETRY_SECONDS * G_USEC_PER_SEC);
    }
  if (store == NULL)
    g_propagate_error (error, local);
  return store;
}

static int
run (const char *config_path, GError **error)
{
  g_autoptr (ColdConfig) config = cold_config_load (config_path, error);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (ColdStore) store = NULL;
  g_autoptr (ColdInventory) inventory = NULL;
  g_autoptr (ColdCatalogue) catalogue = NULL;
  g_autoptr (ColdAppliance) appliance = NULL;
  g_autoptr (ColdClaimWatch) claims = NULL;
  g_autoptr (ColdScheduler) scheduler = NULL;
  g_autoptr (ColdBus) bus = NULL;
  Main self = { loop, NULL, FALSE, EXIT_SUCCESS };
  guint name, on_term, on_int;
  int lock;

  if (config == NULL)
    return EXIT_FAILURE;
  lock = cold_folders_lock (error);
  if (lock < 0 || !cold_folders_prepare (error))
    return EXIT_FAILURE;
  connection = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  if (connection == NULL)
    return EXIT_FAILURE;

  /* Before anything can start a domain's disk through us; coldpatch-recover.service does what must come before libvirtd. */
  cold_recovery_run ();

  claims = cold_claim_watch_new (COLD_CLAIM_DIR, error);
  if (claims == NULL)
    return EXIT_FAILURE;
  store = open_store (error);
  if (store == NULL)
    return EXIT_FAILURE;
  cold_store_raise_job (store, cold_journal_last_number (COLD_JOURNAL_DIR));
  inventory = cold_inventory_new (store, (const char *const *) config->uris, config->resync_seconds);
  catalogue = cold_catalogue_new (config);
  appliance = cold_appliance_new (config->accelerator);
  scheduler = cold_scheduler_new (config, store, inventory, catalogue, appliance, claims);
  self.scheduler = scheduler;
  bus = cold_bus_new (connection, scheduler, inventory, store, catalogue, appliance);

  on_term = g_unix_signal_add (SIGTERM, on_signal, &self);
  on_int = g_unix_signal_add (SIGINT, on_signal, &self);
  name = g_bus_own_name_on_connection (connection, COLD_BUS_NAME, G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE,
                                       on_name_acquired, on_name_lost, &self, NULL);
  cold_inventory_start (inventory);
  cold_scheduler_start (scheduler);
  cold_appliance_ensure_async (appliance, NULL, on_appliance, NULL);

  g_main_loop_run (loop);

  g_source_remove (on_term);
  g_source_remove (on_int);
  g_bus_unown_name (name);
  cold_store_flush (store);
  return self.status;
}

/* Before libvirtd runs: needs neither it nor the bus, nor the configuration. */
static int
recover (GError **error)
{
  int lock = cold_folders_lock (error);

  if (lock < 0)
    return EXIT_FAILURE;
  cold_recovery_settle ();
  return EXIT_SUCCESS;
}

int
main (int argc, char *argv[])
{
  g_autofree char *config_path = g_strdup (COLD_CONFIG_FILE);
  gboolean verbose = FALSE, version = FALSE, recovery = FALSE;
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &config_path, "Configuration file (default " COLD_CONFIG_FILE ")",
      "FILE" },
    { "recover", 0, 0, G_OPTION_ARG_NONE, &recovery, "Finish exchanges that a crash cut off, and exit", NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Log informational and debug messages too", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version and exit", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  int status;

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context, "Upgrades the guests of libvirt's domains while they are shut off.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1)
    {
      g_printerr ("coldpatchd: %s; see coldpatchd --help\n", error != NULL ? error->message : "unexpected argument");
      return EXIT_FAILURE;
    }
  if (version)
    {
      g_print ("coldpatchd %s\n", COLD_VERSION);
      return EXIT_SUCCESS;
    }
  if (verbose)
    g_setenv ("G_MESSAGES_DEBUG", G_LOG_DOMAIN, TRUE);
  umask (0022);
  /* A lease that is broken, and a worker that dies while it is written to, must not end the agent. */
  signal (SIGIO, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);

  status = recovery ? recover (&error) : run (config_path, &error);
  if (error != NULL)
    g_printerr ("coldpatchd: %s\n", error->message);
  return status;
}
