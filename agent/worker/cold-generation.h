/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the catalogue keeps what it has of a repository, whatever its type:
 *
 *   repositories/<id>/current             symbolic link to the generation in use: switched by rename
 *   repositories/<id>/<generation>/       64 hexadecimal digits; flat, and never changed after it was switched to
 *     generation.json                     {"version":1,"generation":s,"uri":s,"packages":n} and what the type adds
 *
 * A refresh builds the next generation in a folder of its own, beside the others, and switches at the very end. The
 * generation before the current one is kept, for workers that read it while a refresh switches.
 */
#pragma once

#include "cold-repository.h"

G_BEGIN_DECLS

/* Seconds by which the clock of who publishes may be ahead of ours. */
#define COLD_DATE_SLACK (24 * 60 * 60)

typedef struct
{
  char *home;      /* repositories/<id> */
  char *next;      /* the folder that becomes the generation */
  char *held;      /* (nullable): name of the current generation */
  JsonObject *old; /* (nullable): its generation.json */
} ColdGeneration;

/* Makes an empty folder for the next generation, and reads what is held. */
gboolean cold_generation_begin (ColdGeneration *self, const ColdSource *source, const char *catalogue, GError **error);

/**
 * cold_generation_link:
 * @file: name of a file in the held generation
 * @path: where it is wanted in the next one
 *
 * Returns: whether it could be taken over
 */
gboolean cold_generation_link (ColdGeneration *self, const char *file, const char *path);

/**
 * cold_generation_commit:
 * @name: a SHA-256 over all that the generation was made from
 * @description: its generation.json; gets "version" and "generation"
 *
 * Everything is on disk before the link leads to it. On failure the next generation is still there.
 */
gboolean cold_generation_commit (ColdGeneration *self, const char *name, JsonObject *description, GError **error);

/* Removes the next generation. */
void cold_generation_abandon (ColdGeneration *self);
void cold_generation_clear (ColdGeneration *self);

/* Returns: (transfer full): what refresh() of a type gives */
JsonObject *cold_generation_answer (gboolean changed, const char *name, gint64 packages);

/**
 * cold_generation_open:
 * @folder: (out) (transfer full): of the current generation
 *
 * Returns: (transfer full): its generation.json; %NULL with @error (NotFound) when nothing was fetched yet
 */
JsonObject *cold_generation_open (const ColdSource *source, const char *catalogue, char **folder, GError **error);

/**
 * cold_generation_places:
 *
 * Returns: (transfer full): the URIs that the source's files are below, never none: for one with a list the place that the current
 *   generation came from, then others of the list; %NULL with @error (NotFound)
 */
GStrv cold_generation_places (const ColdSource *source, const char *catalogue, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColdGeneration, cold_generation_clear)

G_END_DECLS
