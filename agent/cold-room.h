/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Room on file systems: what work copies have been promised and have not taken yet, so that upgrades side by side, and the
 * disks of one guest, do not count on the same free blocks. Any thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct ColdRoom ColdRoom;

ColdRoom *cold_room_new (void);
ColdRoom *cold_room_ref (ColdRoom *room);
void cold_room_unref (ColdRoom *room);

/**
 * cold_room_take:
 * @owner: whom it is promised to, for cold_room_give_back()
 * @folder_fd: where the file will be; borrowed for the time of the call
 * @name: the file's name in it, which need not exist yet: its blocks count as taken out of the promise
 * @bytes: how large it can get
 *
 * What is free must hold the file, what is promised to others on that file system, and a reserve: images of running domains
 * grow too, and libvirt pauses a domain whose disk is full. The reserve is 5 % of the file system, at most 2 GiB.
 *
 * Returns: %FALSE with Blocked ("no-space: ...") or Io; nothing is promised then
 */
gboolean cold_room_take (ColdRoom *room, gconstpointer owner, int folder_fd, const char *name, guint64 bytes, GError **error);
/* Returns: bytes that would have to become free before @bytes more could be promised there; 0: none, or it cannot be told */
guint64 cold_room_missing (ColdRoom *room, int folder_fd, guint64 bytes);
/* All that @owner was promised. */
void cold_room_give_back (ColdRoom *room, gconstpointer owner);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdRoom, cold_room_unref)

G_END_DECLS
