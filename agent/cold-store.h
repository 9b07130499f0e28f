/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SQLite: a cache of the world plus a history (design section 10). Writes are queued and carried out in order, in
 * batches of one transaction, on the store's own thread; nothing here makes the main loop wait for a disk, except
 * opening, loading and closing.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-domain.h"
#include "cold-pool.h"
#include "cold-volume.h"

G_BEGIN_DECLS

#define COLD_TYPE_STORE (cold_store_get_type ())
G_DECLARE_FINAL_TYPE (ColdStore, cold_store, COLD, STORE, GObject)

/**
 * cold_store_open:
 * @path: a file, or ":memory:"
 *
 * A file that is no database, is corrupt, or is of a newer version is renamed to <path>.broken-<time> with a warning that says so,
 * and an empty store takes its place. Older versions are migrated. A disk that is full (NoSpace) or fails (Io) is no reason to set
 * anything aside.
 *
 * Returns: (transfer full): %NULL with @error, NoSpace when it may be tried again once there is room
 */
ColdStore *cold_store_open (const char *path, GError **error);

/* Waits until everything queued is on disk. */
void cold_store_flush (ColdStore *self);

/* What was saved before; to be called once, before the main loop runs. (transfer full), elements as named. */
GPtrArray *cold_store_load_pools (ColdStore *self);   /* (element-type ColdPool) */
GPtrArray *cold_store_load_volumes (ColdStore *self); /* (element-type ColdVolume) */
GPtrArray *cold_store_load_domains (ColdStore *self); /* (element-type ColdDomain) info is set from what was last saved */

/* Reserves the next volume id or job number at once, without touching the disk. Never reused. */
gint64 cold_store_next_volume_id (ColdStore *self);
guint cold_store_next_job (ColdStore *self);
/* The next job number will be larger than @number. */
void cold_store_raise_job (ColdStore *self, guint number);

/* Copies what it needs at once; the row is inserted or replaced later. */
void cold_store_save_volume (ColdStore *self, const ColdVolume *volume);
void cold_store_save_pool (ColdStore *self, const ColdPool *pool);
void cold_store_save_domain (ColdStore *self, const ColdDomain *domain);

/* Packages of a manifest, once for all guests that share it: name, version, arch, source. Those of one that is known stay as they
 * are: another guest's worker tells of them. */
void cold_store_save_manifest (ColdStore *self, const char *manifest, const char *format, JsonArray *packages);
/* Removes all manifests but those in @keep (element-type utf8). */
void cold_store_keep_manifests (ColdStore *self, GHashTable *keep);

/* A job as it stands; the row of @number is inserted or replaced. Times in microseconds since the epoch. */
typedef struct
{
  guint number;
  const char *kind;
  gint64 volume;          /* 0: none */
  const char *state;
  gint64 started;
  gint64 finished;        /* 0: not yet */
  const char *outcome;    /* "" while it runs */
  const char *error_name; /* "" */
  const char *error_message;
  const char *report;     /* (nullable) JSON: packages with versions, deferred services, kept configuration, log */
} ColdJobRecord;

void cold_store_save_job (ColdStore *self, const ColdJobRecord *record);

/* Settings that outlive the agent: "policy" (set on the bus), "security" (Security= that plans were made with). */
void cold_store_set_setting (ColdStore *self, const char *name, const char *value);
char *cold_store_get_setting (ColdStore *self, const char *name); /* (transfer full) (nullable); before the loop runs */

/* Queries run on the store's thread and finish on the caller's main context. */
void cold_store_packages_async (ColdStore *self, const char *manifest, GAsyncReadyCallback callback, gpointer user_data);
/* The same with sources. */
void cold_store_components_async (ColdStore *self, const char *manifest, GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full): a(sss): name, version, arch; a(ssss) with the source package, which may be ""; sorted */
GVariant *cold_store_packages_finish (ColdStore *self, GAsyncResult *result, GError **error);

/* Where a package is installed. */
typedef struct
{
  gint64 volume;
  char *version;
  char *arch;
  char *hostname;
} ColdFoundPackage;

/**
 * cold_store_find_package_async:
 * @name: of a binary package
 * @below: only lower versions, in the order of each guest's own package format; guests of a format whose order is not
 *   known are left out. "": all versions
 *
 * Over the manifests of all volumes that are not gone.
 */
void cold_store_find_package_async (ColdStore *self, const char *name, const char *below,
                                    GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full) (element-type ColdFoundPackage): by volume, then architecture and version as text */
GPtrArray *cold_store_find_package_finish (ColdStore *self, GAsyncResult *result, GError **error);

/* Jobs of a volume, or of all with 0, newest first, at most @limit. */
void cold_store_history_async (ColdStore *self, gint64 volume, guint limit, GAsyncReadyCallback callback,
                               gpointer user_data);
/* Returns: (transfer full): JSON text: an array of jobs with all fields of ColdJobRecord, "report" as an object */
char *cold_store_history_finish (ColdStore *self, GAsyncResult *result, GError **error);

G_END_DECLS
