/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-reads.h"

struct ColdReads
{
  GObject *owner;
  ColdRecords *records;
  ColdReadsFunc done;
  GHashTable *running; /* (element-type utf8 Read): by UUID */
};

typedef struct
{
  ColdReads *reads;
  GObject *owner; /* a reference: reads live as long as it does */
  ColdConnection *connection;
  char *uuid;
  gboolean is_domain;
  gboolean refresh;
  gboolean again;
  gboolean again_refresh;
} Read;

ColdReads *
cold_reads_new (GObject *owner, ColdRecords *records, ColdReadsFunc done)
{
  ColdReads *reads = g_new0 (ColdReads, 1);

  reads->owner = owner;
  reads->records = records;
  reads->done = done;
  reads->running = g_hash_table_new (g_str_hash, g_str_equal);
  return reads;
}

void
cold_reads_free (ColdReads *reads)
{
  g_hash_table_unref (reads->running);
  g_free (reads);
}

static void run (Read *read);

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Read *read = user_data;
  g_autoptr (GObject) owner = read->owner;
  g_autoptr (GError) error = NULL;
  ColdSnapshot *snapshot = cold_connection_read_finish (COLD_CONNECTION (source), result, &error);

  if (snapshot != NULL)
    read->reads->done (owner, snapshot, read->uuid, read->is_domain);
  else
    g_debug ("%s: %s", read->uuid, error->message);
  /* Also when this one has failed: what was asked for meanwhile is another state of the world. */
  if (read->again && cold_connection_is_connected (read->connection))
    {
      read->again = FALSE;
      read->refresh = read->again_refresh;
      read->again_refresh = FALSE;
      read->owner = g_steal_pointer (&owner);
      run (read);
      return;
    }
  g_hash_table_remove (read->reads->running, read->uuid);
  g_object_unref (read->connection);
  g_free (read->uuid);
  g_free (read);
}

static void
run (Read *read)
{
  if (read->is_domain)
    cold_connection_read_domains_async (read->connection, read->uuid, NULL, on_read, read);
  else
    cold_connection_read_async (read->connection, read->uuid, read->refresh ? COLD_REFRESH_ALL : COLD_REFRESH_NONE, FALSE,
                                cold_records_collect_known (read->reads->records, read->uuid), NULL, on_read, read);
}

static void
request (ColdReads *reads, ColdConnection *connection, const char *uuid, gboolean is_domain, gboolean refresh)
{
  Read *read = g_hash_table_lookup (reads->running, uuid);

  if (read != NULL)
    {
      read->again = TRUE;
      read->again_refresh |= refresh;
      return;
    }
  read = g_new0 (Read, 1);
  read->reads = reads;
  read->owner = g_object_ref (reads->owner);
  read->connection = g_object_ref (connection);
  read->uuid = g_strdup (uuid);
  read->is_domain = is_domain;
  read->refresh = refresh;
  g_hash_table_insert (reads->running, read->uuid, read);
  run (read);
}

void
cold_reads_request_domain (ColdReads *reads, ColdConnection *connection, const char *uuid)
{
  request (reads, connection, uuid, TRUE, FALSE);
}

void
cold_reads_request_pool (ColdReads *reads, ColdConnection *connection, const char *uuid, gboolean refresh)
{
  request (reads, connection, uuid, FALSE, refresh);
}
