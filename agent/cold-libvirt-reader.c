/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-libvirt-reader.h"

#include <glib/gstdio.h>
#include <libvirt/virterror.h>
#include <string.h>

#include "cold-error.h"
#include "cold-libvirt-xml.h"
#include "cold-names.h"
#include "cold-nfs-exports.h"

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "%s: %s", what, virGetLastErrorMessage ());
  return FALSE;
}

static gboolean
is_unsupported (void)
{
  return virGetLastErrorCode () == VIR_ERR_NO_SUPPORT;
}

/* Our own folders for work copies: inside a pool, or beside the folder of another pool. */
static gboolean
is_hidden (const char *name)
{
  return g_str_equal (name, COLD_HIDDEN_DIR) || g_str_has_prefix (name, COLD_HIDDEN_DIR "-");
}

static void
describe (virStorageVolPtr vol, ColdVolumeInfo *info)
{
  char *xml = virStorageVolGetXMLDesc (vol, 0);

  /* A header that libvirt cannot read: the volume is shown all the same, with what was known of it before. */
  info->described = xml != NULL && cold_libvirt_xml_read_volume (xml, info);
  free (xml);
  if (info->type == NULL)
    info->type = g_strdup ("file");
  if (info->format == NULL)
    info->format = g_strdup ("unknown");
}

/* @refreshed: when libvirt began to read the headers, microseconds since the epoch; 0: it is not known */
static ColdVolumeInfo *
read_volume (virStorageVolPtr vol, GHashTable *known, gint64 refreshed)
{
  const char *name = virStorageVolGetName (vol);
  const char *key = virStorageVolGetKey (vol);
  const ColdKnownVolume *before;
  const char *backing;
  ColdVolumeInfo *info;

  if (name == NULL || is_hidden (name))
    return NULL;
  info = cold_volume_info_new ();
  info->name = g_strdup (name);
  info->key = g_strdup (key != NULL ? key : "");
  /* In a directory pool the key is the path; asking for the path would be one more message a volume. */
  if (key != NULL && *key == '/')
    info->path = g_strdup (key);
  else
    {
      char *path = virStorageVolGetPath (vol);

      info->path = g_strdup (path != NULL ? path : "");
      free (path);
    }
  cold_file_id_stat (info->path, &info->file);
  before = known != NULL ? g_hash_table_lookup (known, info->path) : NULL;
  if (before == NULL)
    info->born = cold_file_id_born (info->path);
  if (before == NULL || !cold_file_id_same_content (&before->file, &info->file))
    describe (vol, info);
  /* Here and not on the main loop: a guest can write any name into the header of its disk. */
  backing = info->described || before == NULL ? info->backing_path : before->backing_path;
  cold_file_id_peek (backing, &info->backing_file);
  /* Time stamps of some file systems are of whole or even seconds. */
  info->settled = info->file.mtime_ns / 1000 < refreshed - 2 * G_USEC_PER_SEC;
  return info;
}

static gboolean
read_volumes (virStoragePoolPtr pool, GHashTable *known, gint64 refreshed, ColdPoolInfo *info, GError **error)
{
  virStorageVolPtr *vols = NULL;
  int n = virStoragePoolListAllVolumes (pool, &vols, 0);

  if (n < 0)
    {
      /* It has stopped, or its folder vanished, between two questions. */
      info->active = virStoragePoolIsActive (pool) == 1;
      if (!info->active)
        return TRUE;
      if (virConnectIsAlive (virStoragePoolGetConnect (pool)) != 1)
        return fail (error, "libvirt cannot list the volumes of a pool");
      /* One broken pool does not hide the others; as an inactive one it keeps its volumes. */
      g_message ("the volumes of pool %s cannot be listed: %s", info->name, virGetLastErrorMessage ());
      info->active = FALSE;
      return TRUE;
    }
  for (int i = 0; i < n; i++)
    {
      ColdVolumeInfo *volume = read_volume (vols[i], known, refreshed);

      if (volume != NULL)
        g_ptr_array_add (info->volumes, volume);
      virStorageVolFree (vols[i]);
    }
  free (vols);
  return TRUE;
}

static gboolean
is_wanted (ColdRefresh refresh, const ColdPoolInfo *info)
{
  return refresh == COLD_REFRESH_ALL
         || (refresh == COLD_REFRESH_FOLDERS && (g_str_equal (info->type, "dir") || g_str_equal (info->type, "fs")));
}

static void
find_export (ColdPoolInfo *info)
{
  g_auto (GStrv) exports = cold_nfs_exports_read (COLD_NFS_ETAB);

  if (info->path != NULL)
    info->exported = g_strdup (cold_nfs_exports_find ((const char *const *) exports, info->path));
}

static gboolean
read_pool (virStoragePoolPtr pool, ColdRefresh refresh, ColdLibvirtEvents *events, GHashTable *known, ColdSnapshot *snapshot,
           GError **error)
{
  g_autoptr (ColdPoolInfo) info = cold_pool_info_new ();
  char uuid[VIR_UUID_STRING_BUFLEN];
  char *xml = virStoragePoolGetXMLDesc (pool, 0);
  gint64 refreshed = 0;

  /* Undefined in between. */
  if (xml == NULL || virStoragePoolGetUUIDString (pool, uuid) < 0)
    {
      free (xml);
      return TRUE;
    }
  cold_libvirt_xml_read_pool (xml, info);
  free (xml);
  info->uri = g_strdup (snapshot->uri);
  info->uuid = g_strdup (uuid);
  info->name = g_strdup (virStoragePoolGetName (pool));
  if (info->type == NULL)
    info->type = g_strdup ("");
  find_export (info);
  info->active = virStoragePoolIsActive (pool) == 1;
  if (info->active && is_wanted (refresh, info))
    {
      gboolean good;

      refreshed = g_get_real_time ();
      cold_libvirt_events_begin_refresh (events, uuid);
      good = virStoragePoolRefresh (pool, 0) == 0;
      cold_libvirt_events_end_refresh (events, uuid, good);
      if (!good)
        {
          g_message ("pool %s cannot be refreshed: %s", info->name, virGetLastErrorMessage ());
          info->active = virStoragePoolIsActive (pool) == 1;
          refreshed = 0;
        }
    }
  if (info->active && !read_volumes (pool, known, refreshed, info, error))
    return FALSE;
  g_ptr_array_add (snapshot->pools, g_steal_pointer (&info));
  return TRUE;
}

gboolean
cold_libvirt_read_pools (virConnectPtr conn, const char *uuid, ColdRefresh refresh, ColdLibvirtEvents *events,
                         GHashTable *known, ColdSnapshot *snapshot, GError **error)
{
  virStoragePoolPtr *pools = NULL;
  gboolean good = TRUE;
  int n;

  if (uuid != NULL)
    {
      virStoragePoolPtr pool = virStoragePoolLookupByUUIDString (conn, uuid);

      if (pool == NULL)
        return virGetLastErrorCode () == VIR_ERR_NO_STORAGE_POOL || fail (error, "libvirt cannot look up a pool");
      good = read_pool (pool, refresh, events, known, snapshot, error);
      virStoragePoolFree (pool);
      return good;
    }
  n = virConnectListAllStoragePools (conn, &pools, 0);
  if (n < 0)
    return is_unsupported () || fail (error, "libvirt cannot list its pools");
  for (int i = 0; i < n; i++)
    {
      good = good && read_pool (pools[i], refresh, events, known, snapshot, error);
      virStoragePoolFree (pools[i]);
    }
  free (pools);
  return good;
}

/* A volume that does not exist leaves the disk without a path; that libvirt cannot say is another matter. */
static gboolean
resolve_volume (virConnectPtr conn, ColdDisk *disk, GError **error)
{
  virStoragePoolPtr pool = virStoragePoolLookupByName (conn, disk->pool);
  virStorageVolPtr vol = pool != NULL ? virStorageVolLookupByName (pool, disk->volume) : NULL;
  char *path = vol != NULL ? virStorageVolGetPath (vol) : NULL;
  int code = virGetLastErrorCode ();
  gboolean good = path != NULL || code == VIR_ERR_NO_STORAGE_POOL || code == VIR_ERR_NO_STORAGE_VOL || is_unsupported ();

  if (!good)
    {
      fail (error, "libvirt does not say where a volume is");
      /* The volumes of a pool that is not active are not there, which is no error of this kind. */
      good = pool != NULL && virStoragePoolIsActive (pool) == 0;
    }
  if (good)
    g_clear_error (error);
  disk->path = g_strdup (path);
  free (path);
  if (vol != NULL)
    virStorageVolFree (vol);
  if (pool != NULL)
    virStoragePoolFree (pool);
  return good;
}

static gboolean
identify_disks (virConnectPtr conn, ColdDomainInfo *info, GError **error)
{
  for (guint i = 0; i < info->disks->len; i++)
    {
      ColdDisk *disk = g_ptr_array_index (info->disks, i);

      if (disk->path == NULL && disk->pool != NULL && disk->volume != NULL && !resolve_volume (conn, disk, error))
        return FALSE;
      if (disk->path != NULL)
        cold_file_id_stat (disk->path, &disk->file);
      for (guint j = 0; j < disk->chain->len; j++)
        {
          ColdChainMember *member = g_ptr_array_index (disk->chain, j);

          if (member->path != NULL)
            cold_file_id_stat (member->path, &member->file);
        }
    }
  return TRUE;
}

/*
 * What libvirt could not be asked is not "none": a domain without its disks would leave them free to be changed. So the
 * read fails, unless the domain has gone in between, or its driver does not know the thing at all.
 */
static gboolean
is_harmless (void)
{
  int code = virGetLastErrorCode ();

  return code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_NO_SUPPORT;
}

static gboolean
count_snapshots (virDomainPtr domain, ColdDomainInfo *info, GError **error)
{
  virDomainSnapshotPtr *list = NULL;
  virDomainCheckpointPtr *checkpoints = NULL;
  int n = virDomainSnapshotNum (domain, 0);

  if (n > 0)
    n = virDomainListAllSnapshots (domain, &list, 0);
  if (n < 0 && !is_harmless ())
    return fail (error, "libvirt cannot list the snapshots of a domain");
  info->snapshots = MAX (n, 0);
  for (int i = 0; i < n; i++)
    {
      char *xml = virDomainSnapshotGetXMLDesc (list[i], 0);
      gboolean memory = FALSE, external = FALSE;

      /* What cannot be read counts as the worse. */
      if (xml == NULL || !cold_libvirt_xml_read_snapshot (xml, &memory, &external))
        memory = TRUE;
      info->memory_snapshots += memory;
      info->external_snapshots += external;
      free (xml);
      virDomainSnapshotFree (list[i]);
    }
  free (list);
  n = virDomainListAllCheckpoints (domain, &checkpoints, 0);
  if (n < 0 && !is_harmless ())
    return fail (error, "libvirt cannot list the checkpoints of a domain");
  info->checkpoints = MAX (n, 0);
  for (int i = 0; i < n; i++)
    virDomainCheckpointFree (checkpoints[i]);
  free (checkpoints);
  return TRUE;
}

static const char *
state_name (int state)
{
  static const char *const names[] = {
    [VIR_DOMAIN_NOSTATE] = "nostate",         [VIR_DOMAIN_RUNNING] = "running", [VIR_DOMAIN_BLOCKED] = "blocked",
    [VIR_DOMAIN_PAUSED] = "paused",           [VIR_DOMAIN_SHUTDOWN] = "shutdown", [VIR_DOMAIN_SHUTOFF] = "shutoff",
    [VIR_DOMAIN_CRASHED] = "crashed",         [VIR_DOMAIN_PMSUSPENDED] = "pmsuspended",
  };

  return state >= 0 && (gsize) state < G_N_ELEMENTS (names) ? names[state] : "nostate";
}

/* The same words as of the event. Nothing but a run of this libvirtd's own has a reason. */
static const char *
shutoff_name (int reason)
{
  static const char *const names[] = {
    [VIR_DOMAIN_SHUTOFF_SHUTDOWN] = "shutdown", [VIR_DOMAIN_SHUTOFF_DESTROYED] = "destroyed",
    [VIR_DOMAIN_SHUTOFF_CRASHED] = "crashed",   [VIR_DOMAIN_SHUTOFF_MIGRATED] = "migrated",
    [VIR_DOMAIN_SHUTOFF_SAVED] = "saved",       [VIR_DOMAIN_SHUTOFF_FAILED] = "failed",
    [VIR_DOMAIN_SHUTOFF_FROM_SNAPSHOT] = "from-snapshot",
  };

  return reason >= 0 && (gsize) reason < G_N_ELEMENTS (names) ? names[reason] : NULL;
}

static gboolean
read_definition (virDomainPtr domain, guint flags, ColdDomainInfo *info, GError **error)
{
  char *xml = virDomainGetXMLDesc (domain, flags);
  gboolean good = xml != NULL && cold_libvirt_xml_read_domain (xml, info);

  if (xml == NULL)
    fail (error, "libvirt cannot describe a domain");
  else if (!good)
    g_set_error (error, COLD_ERROR, COLD_ERROR_IO, "the definition of domain %s cannot be parsed", info->name);
  free (xml);
  return good;
}

static gboolean
fill_domain (virDomainPtr domain, ColdDomainInfo *info, GError **error)
{
  int state = 0, reason = 0, saved = virDomainHasManagedSaveImage (domain, 0), active;

  if (saved < 0 && !is_harmless ())
    return fail (error, "libvirt does not say whether a domain has a managed save image");
  info->managed_save = saved == 1;
  if (virDomainGetState (domain, &state, &reason, 0) < 0)
    return fail (error, "libvirt does not tell the state of a domain");
  info->state = g_strdup (state_name (state));
  active = virDomainIsActive (domain);
  if (active < 0)
    return fail (error, "libvirt does not tell whether a domain runs");
  info->active = active == 1;
  /* The state may have been asked for before a stop, and this after it. */
  if (!info->active && state == VIR_DOMAIN_SHUTOFF)
    info->shutoff = shutoff_name (reason);
  info->persistent = virDomainIsPersistent (domain) == 1;
  /* A disk that was plugged in is in use as well as one that will be there next time. */
  if (info->active && !read_definition (domain, 0, info, error))
    return FALSE;
  for (guint i = 0; i < info->disks->len; i++)
    ((ColdDisk *) g_ptr_array_index (info->disks, i))->live = TRUE;
  if ((info->persistent || !info->active) && !read_definition (domain, VIR_DOMAIN_XML_INACTIVE, info, error))
    return FALSE;
  return count_snapshots (domain, info, error);
}

static gboolean
read_domain (virConnectPtr conn, virDomainPtr domain, ColdSnapshot *snapshot, GError **error)
{
  g_autoptr (ColdDomainInfo) info = cold_domain_info_new ();
  g_autoptr (GError) inner = NULL;
  char uuid[VIR_UUID_STRING_BUFLEN];

  if (virDomainGetUUIDString (domain, uuid) < 0)
    return fail (error, "libvirt does not tell the UUID of a domain");
  info->uri = g_strdup (snapshot->uri);
  info->uuid = g_strdup (uuid);
  info->name = g_strdup (virDomainGetName (domain));
  if (!fill_domain (domain, info, &inner))
    {
      /* It has gone in between. */
      if (virGetLastErrorCode () == VIR_ERR_NO_DOMAIN)
        return TRUE;
      g_propagate_prefixed_error (error, g_steal_pointer (&inner), "domain %s: ", info->name);
      return FALSE;
    }
  if (!identify_disks (conn, info, error))
    {
      g_prefix_error (error, "domain %s: ", info->name);
      return FALSE;
    }
  g_ptr_array_add (snapshot->domains, g_steal_pointer (&info));
  return TRUE;
}

gboolean
cold_libvirt_read_domains (virConnectPtr conn, const char *uuid, ColdSnapshot *snapshot, GError **error)
{
  virDomainPtr *domains = NULL;
  gboolean good = TRUE;
  int n;

  if (uuid != NULL)
    {
      virDomainPtr domain = virDomainLookupByUUIDString (conn, uuid);

      if (domain == NULL)
        return virGetLastErrorCode () == VIR_ERR_NO_DOMAIN || fail (error, "libvirt cannot look up a domain");
      good = read_domain (conn, domain, snapshot, error);
      virDomainFree (domain);
      return good;
    }
  n = virConnectListAllDomains (conn, &domains, 0);
  if (n < 0)
    return fail (error, "libvirt cannot list its domains");
  for (int i = 0; i < n; i++)
    {
      if (good && !g_str_has_prefix (virDomainGetName (domains[i]), COLD_GATE_DOMAIN_PREFIX))
        good = read_domain (conn, domains[i], snapshot, error);
      virDomainFree (domains[i]);
    }
  free (domains);
  return good;
}

gboolean
cold_libvirt_prove_gate (virConnectPtr conn, const char *nonce, GError **error)
{
  const char *type = virConnectGetType (conn);
  g_autofree char *proof = g_build_filename (COLD_GATE_PROOF_DIR, nonce, NULL);
  g_autofree char *xml = NULL;
  virNodeInfo node;
  virDomainPtr domain;

  if (g_strcmp0 (type, "QEMU") != 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED, "the %s driver of libvirt calls no hooks",
                   type != NULL ? type : "unknown");
      return FALSE;
    }
  if (virNodeGetInfo (conn, &node) < 0)
    return fail (error, "libvirt does not describe its host");
  if (!g_file_set_contents (proof, "", 0, error))
    return FALSE;
  xml = g_strdup_printf ("<domain type='qemu'><name>%s%s</name><memory unit='MiB'>32</memory>"
                         "<os><type arch='%s'>hvm</type></os></domain>",
                         COLD_GATE_DOMAIN_PREFIX, nonce, node.model);
  domain = virDomainCreateXML (conn, xml, VIR_DOMAIN_START_AUTODESTROY | VIR_DOMAIN_START_PAUSED);
  if (domain != NULL)
    {
      virDomainDestroy (domain);
      virDomainFree (domain);
    }
  /* The hook takes it away when it refuses the domain. */
  if (g_unlink (proof) != 0 && domain == NULL)
    return TRUE;
  if (domain == NULL)
    g_set_error (error, COLD_ERROR, COLD_ERROR_FAILED, "the domain that proves it could not be started: %s",
                 virGetLastErrorMessage ());
  else
    g_set_error (error, COLD_ERROR, COLD_ERROR_FAILED,
                 "libvirtd did not call %s: install it and reload libvirtd (systemctl reload libvirtd, or SIGHUP)",
                 COLD_HOOK_FILE);
  return FALSE;
}
