/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which streams of dnf's modules are active in a guest, as libdnf finds it (ModulePackageContainer.cpp, moduleSolve()): contexts
 * of modules are packages to libsolv, one of each module can be "installed", the guest's platform is, and what its streams
 * require comes with them.
 */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct
{
  char *name;         /* "module:stream:context": those of one name are active together, whichever repository has them */
  const char *module; /* borrowed, as the others: from the repository's modules */
  const char *stream;
  const char *context;
  const char *arch;
  const char *requires;
  gboolean is_static;
  GVariant *versions; /* COLD_RPM_MODULES_VERSION */
  const char *packages; /* a line for each */
  guint repository;   /* which call of cold_rpm_streams_add() brought it */
  gboolean active;
} ColdRpmContext;

typedef struct
{
  GPtrArray *contexts;  /* (element-type ColdRpmContext) */
  GHashTable *defaults; /* by module; private */
  GPtrArray *modules;   /* (element-type GVariant) */
  gboolean incomplete;  /* something in a repository's modules.yaml could not be read */
} ColdRpmStreams;

ColdRpmStreams *cold_rpm_streams_new (void);
void cold_rpm_streams_free (ColdRpmStreams *self);

/* @modules: COLD_RPM_MODULES of the next repository. All are added before anything else is asked. */
void cold_rpm_streams_add (ColdRpmStreams *self, GVariant *modules);

/* Whether there is metadata of the stream. */
gboolean cold_rpm_streams_has (const ColdRpmStreams *self, const char *module, const char *stream);

/**
 * cold_rpm_streams_activate:
 * @state: "modules" of a manifest (common/cold-protocol.h)
 * @arch: as pool_setarch() takes it
 * @problem: gets (transfer full) (nullable): what libsolv says when not all that is enabled could be active, as it is enabled
 *
 * Sets "active" of the contexts. Where not everything can be, libdnf does without the default streams that are in the way, then
 * without the latest versions.
 *
 * Returns: %FALSE when nothing of that was possible: libdnf would go on and guess
 */
gboolean cold_rpm_streams_activate (ColdRpmStreams *self, JsonObject *state, const char *arch, char **problem);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdRpmStreams, cold_rpm_streams_free)

G_END_DECLS
