/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A volume as the agent knows it: what libvirt says, what was found inside, what is pending, why it may not be upgraded.
 * Plain data, owned by the inventory and changed on the main context only; ColdInventory::volume-changed tells others.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "cold-snapshot.h"

G_BEGIN_DECLS

typedef struct
{
  char *code;    /* of design section 5 */
  char *detail;  /* (nullable): what exactly, e.g. the domain's name */
} ColdBlocker;

ColdBlocker *cold_blocker_new (const char *code, const char *detail);
void cold_blocker_free (ColdBlocker *blocker);

typedef enum
{
  COLD_VOLUME_NEW,
  COLD_VOLUME_INSPECTING,
  COLD_VOLUME_CURRENT,
  COLD_VOLUME_PENDING,
  COLD_VOLUME_BLOCKED,
  COLD_VOLUME_UPGRADING,
  COLD_VOLUME_FAILED,
  COLD_VOLUME_UNSUPPORTED,
  COLD_VOLUME_GONE,
} ColdVolumeState;

/* What an inspection found. Strings are "" when unknown, never %NULL. */
typedef struct
{
  gboolean has_guest;
  char *os;              /* debian: the distribution */
  char *os_version;      /* 12 */
  char *os_product;
  char *arch;
  char *hostname;
  char *package_format;
  char *package_manager;
  guint package_count;
  char *manifest;        /* SHA-256, "" without packages */
  char *details;         /* JSON: the facts as the worker gave them, packages left out */
  GPtrArray *blockers;   /* (element-type ColdBlocker) found inside the image */
  GPtrArray *sources;    /* (element-type ColdGuestSource) the repositories that it is configured with itself */
  const char *format;    /* (nullable) interned: what the image was taken for, as the domain says, or else the pool */
  GArray *disks;         /* (nullable) (element-type gint64): ids of the guest's disks, when it had several: its system is found
                            from the first; %NULL: it had this one alone */
  GStrv foreign;         /* of deb: architectures beside its own of which something is installed, in dpkg's words */
} ColdFacts;

typedef struct
{
  gint64 id;             /* row in the store, and the last part of the bus path */
  char *pool_uuid;
  char *name;
  char *key;
  char *path;
  char *type;
  char *format;
  guint64 capacity;      /* bytes */
  guint64 allocation;    /* bytes */
  char *backing_path;    /* (nullable) */
  char *backing_format;  /* (nullable) */
  ColdFileId file;
  gint64 first_seen;     /* microseconds since the epoch */
  gint64 last_seen;
  gboolean gone;

  gint64 inspected;      /* 0: never */
  ColdFileId inspected_file; /* tuple at that inspection */
  ColdFacts *facts;      /* (nullable) before the first inspection */

  GRefString *plan;      /* (nullable) plan as JSON (common/cold-protocol.h), shared by clones */
  guint64 plan_generation; /* catalogue generation it was made with */
  guint pending_count;
  guint pending_security;
  guint64 pending_bytes; /* to download */
  GRefString *pending_since; /* (nullable) since when each package of the plan is pending (cold-pending.h); shared too */

  char *policy;          /* off manual auto inherit */
  gint64 upgraded;       /* 0: never */
  char *last_outcome;    /* "" or an outcome word */
  char *last_error;      /* "" */
  guint failures;        /* in a row */
  gint64 rollback_until; /* 0: none is kept */
  guint64 rollback_bytes;
  gboolean awaits_boot;

  /* Not stored. */
  ColdFileId backing_file; /* what backing_path leads to; all zero: to nothing, or not known yet */
  char *quarantine;      /* (nullable) what is left of an exchange for an admin to look at: cold_quarantine_update() */
  char *plan_error;      /* (nullable) why no plan could be made for what is installed now */
  gboolean settled;      /* ColdVolumeInfo has it; %FALSE: libvirt is asked again, whether or not the file has changed */
  ColdVolumeState state;
  GPtrArray *blockers;   /* (element-type ColdBlocker) all that stand now */
  guint job;             /* number of the job that works on it, 0: none */
} ColdVolume;

ColdVolume *cold_volume_new (const char *pool_uuid, const char *name);
void cold_volume_free (ColdVolume *volume);
ColdFacts *cold_facts_new (void);
void cold_facts_free (ColdFacts *facts);

/* At most so many: those that are usable of the "foreign" of @object, which comes from a worker that is not trusted. */
#define COLD_FACTS_FOREIGN_MAX 4
void cold_facts_take_foreign (ColdFacts *facts, JsonObject *object);

/* Sets @where, one of the volume's shared texts, to one of that content: equal ones are in memory once. @text: (nullable) */
void cold_volume_share_text (GRefString **where, const char *text);

/* @facts: (transfer full) (nullable): what is known of the guest now; the plan, made for another manifest, is forgotten */
void cold_volume_take_facts (ColdVolume *volume, ColdFacts *facts);

/* Nothing that is known of the image that was there holds for this one; the name keeps its policy. */
void cold_volume_make_anew (ColdVolume *volume);
/* @volume, that nothing is known of yet, is the image that was @before under another name: it takes over its policy, and what
 * became of its upgrades. Returns: whether there was anything */
gboolean cold_volume_take_over (ColdVolume *volume, const ColdVolume *before);

/* Whether the content is still what was inspected. */
gboolean cold_volume_inspection_is_fresh (const ColdVolume *volume);
/* Whether so little is written to it that there cannot be an operating system: nothing is launched for it. */
gboolean cold_volume_is_too_small (const ColdVolume *volume);
gboolean cold_volume_has_blocker (const ColdVolume *volume, const char *code);
const char *cold_volume_state_to_string (ColdVolumeState state);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdBlocker, cold_blocker_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdFacts, cold_facts_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdVolume, cold_volume_free)

G_END_DECLS
