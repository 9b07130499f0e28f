/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every volume ever seen, found by id, by pool and name, by path and by file.
 */
#pragma once

#include "cold-volume.h"

G_BEGIN_DECLS

typedef struct ColdVolumeIndex ColdVolumeIndex;

ColdVolumeIndex *cold_volume_index_new (void);
void cold_volume_index_free (ColdVolumeIndex *index);

/* @volume: (transfer full): its id is set */
void cold_volume_index_add (ColdVolumeIndex *index, ColdVolume *volume);

/* To be called around every change of a volume's path, file or gone. Of several volumes at one path, or of one file, the one
 * with the lowest id is found. */
void cold_volume_index_forget (ColdVolumeIndex *index, ColdVolume *volume);
void cold_volume_index_remember (ColdVolumeIndex *index, ColdVolume *volume);

GHashTable *cold_volume_index_get_all (ColdVolumeIndex *index); /* (element-type gint64* ColdVolume) borrowed */
/* (nullable) (element-type ColdVolume ColdVolume) a set, borrowed */
GHashTable *cold_volume_index_get_pool (ColdVolumeIndex *index, const char *pool_uuid);
ColdVolume *cold_volume_index_lookup (ColdVolumeIndex *index, gint64 id);
ColdVolume *cold_volume_index_lookup_name (ColdVolumeIndex *index, const char *pool_uuid, const char *name);
ColdVolume *cold_volume_index_lookup_path (ColdVolumeIndex *index, const char *path);      /* not gone */
ColdVolume *cold_volume_index_lookup_file (ColdVolumeIndex *index, const ColdFileId *file); /* not gone */
/* Adds to @volumes every one that is not gone and is that path or that file, if it is not in there yet. @path: (nullable) */
void cold_volume_index_list (ColdVolumeIndex *index, const char *path, const ColdFileId *file, GPtrArray *volumes);
/* Likewise those that are gone, and were that file when they were seen last. */
void cold_volume_index_list_gone (ColdVolumeIndex *index, const ColdFileId *file, GPtrArray *volumes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdVolumeIndex, cold_volume_index_free)

G_END_DECLS
