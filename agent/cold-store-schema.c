/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-store-schema.h"

#include <errno.h>

#include "cold-error.h"

/* One entry a version, run in order on a file of an older one. Never edited once released. */
static const char *const migrations[] = {
  "CREATE TABLE pools (uuid TEXT PRIMARY KEY, uri TEXT, name TEXT, type TEXT, path TEXT, active INT, gone INT,"
  "  policy TEXT);"
  "CREATE TABLE volumes (id INTEGER PRIMARY KEY, pool TEXT NOT NULL, name BLOB NOT NULL, key BLOB, path BLOB, type TEXT,"
  "  format TEXT, capacity INT, allocation INT, backing_path BLOB, backing_format TEXT, file BLOB, first_seen INT,"
  "  last_seen INT, gone INT, inspected INT, inspected_file BLOB, facts TEXT, plan TEXT, plan_generation INT,"
  "  pending_count INT, pending_security INT, pending_bytes INT, policy TEXT, upgraded INT, last_outcome TEXT,"
  "  last_error TEXT, failures INT, rollback_until INT, rollback_bytes INT, awaits_boot INT, UNIQUE (pool, name));"
  "CREATE TABLE domains (uuid TEXT PRIMARY KEY, uri TEXT, name TEXT, state TEXT, active INT, policy TEXT,"
  "  last_stop TEXT, last_stop_time INT, last_start_time INT, gone INT);"
  "CREATE TABLE disks (domain TEXT NOT NULL, target TEXT, path BLOB);"
  "CREATE INDEX disks_domain ON disks (domain);"
  "CREATE TABLE manifests (id TEXT PRIMARY KEY, format TEXT);"
  "CREATE TABLE packages (manifest TEXT NOT NULL, name TEXT, version TEXT, arch TEXT, source TEXT);"
  "CREATE INDEX packages_manifest ON packages (manifest);"
  "CREATE INDEX packages_name ON packages (name);"
  "CREATE TABLE jobs (number INTEGER PRIMARY KEY, kind TEXT, volume INT, state TEXT, started INT, finished INT,"
  "  outcome TEXT, error_name TEXT, error_message TEXT, report TEXT);"
  "CREATE INDEX jobs_volume ON jobs (volume);"
  "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT);",
  /* Who has a package, and since when what is planned is pending. */
  "ALTER TABLE volumes ADD COLUMN manifest TEXT;"
  "ALTER TABLE volumes ADD COLUMN pending_since TEXT;"
  "UPDATE volumes SET manifest = CASE WHEN json_valid (facts)"
  "  THEN nullif (json_extract (facts, '$.manifest'), '') END;"
  "CREATE INDEX volumes_manifest ON volumes (manifest);",
};

/* A file that is wrong stays wrong, and gives FAILED. A disk that is full, or does not answer, says nothing about the file. */
static ColdError
classify (sqlite3 *db)
{
  switch (sqlite3_errcode (db) & 0xff)
    {
    case SQLITE_FULL:
      return COLD_ERROR_NO_SPACE;
    case SQLITE_IOERR: /* also what becomes of the -shm file on a full disk */
      return sqlite3_system_errno (db) == ENOSPC ? COLD_ERROR_NO_SPACE : COLD_ERROR_IO;
    case SQLITE_BUSY:
    case SQLITE_CANTOPEN:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_READONLY:
      return COLD_ERROR_IO;
    default:
      return COLD_ERROR_FAILED;
    }
}

static const char *
describe (sqlite3 *db)
{
  return classify (db) == COLD_ERROR_NO_SPACE ? "the disk is full" : sqlite3_errmsg (db);
}

static gboolean
run (sqlite3 *db, const char *sql, GError **error)
{
  if (sqlite3_exec (db, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  g_set_error (error, COLD_ERROR, classify (db), "SQLite: %s", describe (db));
  return FALSE;
}

static int
on_text (gpointer user_data, int n, char **values, char **names)
{
  char **text = user_data;

  if (*text == NULL && n > 0)
    *text = g_strdup (values[0]);
  return 0;
}

/* The first column of the first row. (transfer full) (nullable) */
static char *
ask (sqlite3 *db, const char *sql, GError **error)
{
  char *text = NULL;

  if (sqlite3_exec (db, sql, on_text, &text, NULL) == SQLITE_OK)
    return text;
  g_free (text);
  g_set_error (error, COLD_ERROR, classify (db), "SQLite: %s", describe (db));
  return NULL;
}

static gboolean
migrate (sqlite3 *db, GError **error)
{
  g_autofree char *text = ask (db, "PRAGMA user_version", error);
  guint64 version;

  if (text == NULL)
    return FALSE;
  version = g_ascii_strtoull (text, NULL, 10);
  if (version > G_N_ELEMENTS (migrations))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_FAILED, "it is of version %" G_GUINT64_FORMAT ", this program knows %u",
                   version, (guint) G_N_ELEMENTS (migrations));
      return FALSE;
    }
  for (; version < G_N_ELEMENTS (migrations); version++)
    {
      g_autofree char *set = g_strdup_printf ("PRAGMA user_version = %u", (guint) version + 1);

      if (!run (db, "BEGIN IMMEDIATE", error))
        return FALSE;
      if (!run (db, migrations[version], error) || !run (db, set, error) || !run (db, "COMMIT", error))
        {
          sqlite3_exec (db, "ROLLBACK", NULL, NULL, NULL);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
check (sqlite3 *db, GError **error)
{
  g_autofree char *result = ask (db, "PRAGMA quick_check(1)", error);

  if (result == NULL)
    return FALSE;
  if (g_str_equal (result, "ok"))
    return TRUE;
  g_set_error (error, COLD_ERROR, COLD_ERROR_FAILED, "it is corrupt: %s", result);
  return FALSE;
}

sqlite3 *
cold_store_schema_open (const char *path, GError **error)
{
  sqlite3 *db = NULL;

  if (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX, NULL)
      != SQLITE_OK)
    {
      g_set_error (error, COLD_ERROR, classify (db), "it cannot be opened: %s", describe (db));
      sqlite3_close (db);
      return NULL;
    }
  sqlite3_busy_timeout (db, 5000);
  /* The history must survive a power cut; WAL keeps readers out of the writer's way. */
  if (!run (db, "PRAGMA journal_mode = WAL", error) || !run (db, "PRAGMA synchronous = FULL", error) || !check (db, error)
      || !migrate (db, error))
    {
      sqlite3_close (db);
      return NULL;
    }
  return db;
}
