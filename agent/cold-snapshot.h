/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libvirt said at one moment: plain data, made on a libvirt thread and handed to the main loop whole.
 * Nothing in it is a live libvirt object. All are reference-counted boxes (g_atomic_rc_box), immutable once handed over.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Identity of a file's content (design section 4). All zero when the path could not be statted. */
typedef struct
{
  guint64 device;
  guint64 inode;
  guint64 rdev;     /* of a block device: compares disks by what they resolve to */
  guint64 size;     /* bytes */
  gint64 mtime_ns;  /* since the epoch */
  guint32 nlink;
} ColdFileId;

typedef struct
{
  char *name;
  char *key;
  char *path;
  char *type;           /* file block dir network netdir ploop */
  char *format;         /* raw qcow2 iso dir unknown ...: libvirt's word */
  guint64 capacity;     /* bytes */
  guint64 allocation;   /* bytes */
  char *backing_path;   /* (nullable) from the image's header, as libvirt resolved it */
  char *backing_format; /* (nullable) */
  ColdFileId backing_file; /* what @backing_path leads to, or led to when the volume was described: cold_file_id_peek() */
  ColdFileId file;
  gint64 born;          /* when the file was made, microseconds since the epoch; 0: not known, or the caller knows the volume */
  gboolean described;   /* %FALSE: unchanged since the caller's known tuple: only name, key, path and both files are set */
  gboolean settled;     /* nothing was written since libvirt read the header: what it says holds as long as @file does */
} ColdVolumeInfo;

/* What the caller of a read knows of a volume already. */
typedef struct
{
  ColdFileId file;
  char *backing_path; /* (nullable) */
} ColdKnownVolume;

typedef struct
{
  char *uri;        /* of the connection that knows it */
  char *uuid;
  char *name;
  char *type;       /* dir fs netfs logical disk ... */
  char *path;       /* (nullable) target path */
  char *exported;   /* (nullable) the folder of this host's NFS exports that @path lies in */
  gboolean active;
  GPtrArray *volumes; /* (element-type ColdVolumeInfo) empty when inactive */
} ColdPoolInfo;

/* Only a refresh makes libvirt read headers again (virStorageVolGetXMLDesc() does not, tried with libvirt 9.0). */
typedef enum
{
  COLD_REFRESH_NONE,
  COLD_REFRESH_FOLDERS, /* pools of type dir and fs: quick, and where others write images behind libvirt's back */
  COLD_REFRESH_ALL,
} ColdRefresh;

/* One disk of a domain, its backing chain included. */
typedef struct
{
  char *target;         /* vda */
  char *device;         /* disk cdrom floppy lun */
  char *type;           /* file block volume network dir nvme vhostuser */
  char *path;           /* (nullable) absolute path: for type volume, what the volume resolves to */
  char *pool;           /* (nullable) type volume: pool name as written */
  char *volume;         /* (nullable) type volume: volume name as written */
  char *format;         /* (nullable) driver type: raw qcow2 ... */
  char *bus;            /* (nullable) virtio sata ide usb nvme scsi ..., or virtio-scsi for a disk of such a controller */
  gboolean readonly;
  gboolean shareable;
  gboolean transient;
  gboolean live;        /* of the running machine; %FALSE: of the next start */
  ColdFileId file;      /* all zero: missing or not available */
  GPtrArray *chain;     /* (element-type ColdChainMember) backing images, nearest first, from the XML's backingStore */
} ColdDisk;

typedef struct
{
  char *path;
  char *format;  /* (nullable) */
  ColdFileId file;
} ColdChainMember;

typedef struct
{
  char *uri;
  char *uuid;
  char *name;
  char *state;           /* running paused shutdown shutoff crashed pmsuspended blocked nostate */
  gboolean active;
  const char *shutoff;   /* (nullable) static: how libvirt says that the last run ended, a word of ColdDomain.last_stop;
                            %NULL while it runs, and when libvirt does not know, as after a restart of its own */
  gboolean persistent;
  gboolean managed_save;
  guint snapshots;          /* libvirt snapshots, all kinds */
  guint memory_snapshots;   /* of them with memory */
  guint external_snapshots; /* of them external */
  guint checkpoints;
  char *arch;            /* (nullable) of the virtual machine */
  GPtrArray *disks;      /* (element-type ColdDisk) */
} ColdDomainInfo;

typedef struct
{
  char *uri;
  guint64 generation;  /* event generation of the connection when reading began */
  GPtrArray *pools;    /* (element-type ColdPoolInfo) */
  GPtrArray *domains;  /* (element-type ColdDomainInfo) */
} ColdSnapshot;

ColdVolumeInfo *cold_volume_info_new (void);
void cold_volume_info_unref (ColdVolumeInfo *info);
void cold_known_volume_free (ColdKnownVolume *known);
ColdPoolInfo *cold_pool_info_new (void);
void cold_pool_info_unref (ColdPoolInfo *info);
ColdDisk *cold_disk_new (void);
void cold_disk_unref (ColdDisk *disk);
ColdChainMember *cold_chain_member_new (void);
void cold_chain_member_unref (ColdChainMember *member);
ColdDomainInfo *cold_domain_info_new (void);
ColdDomainInfo *cold_domain_info_ref (ColdDomainInfo *info);
void cold_domain_info_unref (ColdDomainInfo *info);
/* Whether libvirt said the same of a domain twice, disks and their chains included; sizes and times of files do not count. */
gboolean cold_domain_info_equal (const ColdDomainInfo *a, const ColdDomainInfo *b);
/* Whether the content of every disk and of what it builds on is the same, besides. */
gboolean cold_domain_info_same_contents (const ColdDomainInfo *a, const ColdDomainInfo *b);
ColdSnapshot *cold_snapshot_new (void);
void cold_snapshot_unref (ColdSnapshot *snapshot);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdVolumeInfo, cold_volume_info_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdPoolInfo, cold_pool_info_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdDisk, cold_disk_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdChainMember, cold_chain_member_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdDomainInfo, cold_domain_info_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdSnapshot, cold_snapshot_unref)

/**
 * cold_file_id_stat:
 * @path: absolute
 * @id: (out): filled, or all zero
 *
 * Follows symbolic links. May block (network file systems): not for the main loop.
 *
 * Returns: whether @path could be statted
 */
gboolean cold_file_id_stat (const char *path, ColdFileId *id);

/**
 * cold_file_id_peek:
 * @path: of a name that a guest may have written
 * @id: (out): filled, or all zero
 *
 * The same, but nothing is mounted for it and no server is asked. It may block all the same.
 *
 * Returns: whether @path could be statted
 */
gboolean cold_file_id_peek (const char *path, ColdFileId *id);

/* When the file at @path was made, microseconds since the epoch; 0: its file system does not say. May block. */
gint64 cold_file_id_born (const char *path);

/* Same device and inode, or the same block device; %FALSE when either is all zero. */
gboolean cold_file_id_same_file (const ColdFileId *a, const ColdFileId *b);

/* The same for tables whose keys are files. */
guint cold_file_id_hash (gconstpointer file);
gboolean cold_file_id_equal (gconstpointer a, gconstpointer b);

/* Same file with the same size and mtime: the content has not changed. */
gboolean cold_file_id_same_content (const ColdFileId *a, const ColdFileId *b);

G_END_DECLS
