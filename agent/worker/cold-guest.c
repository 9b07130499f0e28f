/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-guest.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-verb.h"

#define NBD_DEADLINE_MS 10000
#define NBD_POLL_MS 20

/* The kernel of the appliance numbers disks as it finds them, and libguestfs translates names in its own calls only. What
 * the appliance's shell is told goes by these labels (letters only), under which udev shows disk and partitions. */
#define LABEL "guest"
#define SUBVOLUME "btrfsvol:"

/* Package managers unpack and decompress in a pipe: a second processor is used, a third is not. */
#define UPGRADE_CPUS 2

struct _ColdGuest
{
  guestfs_h *g;
  gboolean writable;
  GPtrArray *servers; /* (element-type GSubprocess) one qemu-nbd for each disk that is a chain */
};

gboolean
cold_guest_set_error (guestfs_h *g, GError **error, const char *what)
{
  const char *reason = guestfs_last_error (g);
  g_autofree char *valid = cold_text_make_valid (reason != NULL ? reason : "no reason given");

  g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "%s: %s", what, valid);
  return FALSE;
}

void
cold_guest_add_blocker (JsonObject *facts, const char *code, const char *detail)
{
  JsonArray *blockers = cold_json_array (facts, "blockers");
  JsonObject *blocker = json_object_new ();
  g_autofree char *valid = cold_text_make_valid (detail);

  if (blockers == NULL)
    {
      blockers = json_array_new ();
      json_object_set_array_member (facts, "blockers", blockers);
    }
  json_object_set_string_member (blocker, "code", code);
  json_object_set_string_member (blocker, "detail", valid);
  json_array_add_object_element (blockers, blocker);
}

void
cold_guest_add_check (JsonArray *checks, const char *name, gboolean ok, const char *detail)
{
  JsonObject *check = json_object_new ();
  g_autofree char *valid = cold_text_make_valid (detail);

  json_object_set_string_member (check, "name", name);
  json_object_set_boolean_member (check, "ok", ok);
  json_object_set_string_member (check, "detail", valid);
  json_array_add_object_element (checks, check);
}

/* What QEMU is told of an image and, from there downwards, of what it builds on; never what a header says. */
static JsonObject *
describe_node (JsonArray *chain, guint i, const char *path, const char *format)
{
  JsonObject *node = json_object_new ();
  JsonObject *file = json_object_new ();
  JsonObject *below = chain != NULL && i < json_array_get_length (chain) ? cold_json_array_object (chain, i) : NULL;

  json_object_set_string_member (file, "driver", "file");
  json_object_set_string_member (file, "filename", path);
  json_object_set_string_member (file, "locking", "off");
  json_object_set_string_member (node, "driver", format);
  json_object_set_object_member (node, "file", file);
  if (below != NULL)
    json_object_set_object_member (node, "backing",
                                   describe_node (chain, i + 1, cold_json_string (below, "path"),
                                                  cold_json_string (below, "format")));
  return node;
}

static gboolean
wait_for_socket (GSubprocess *server, const char *path, GError **error)
{
  for (guint waited = 0; waited < NBD_DEADLINE_MS; waited += NBD_POLL_MS)
    {
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        return TRUE;
      if (g_subprocess_get_identifier (server) == NULL)
        break;
      g_usleep (NBD_POLL_MS * 1000);
    }
  g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER,
               "qemu-nbd (package qemu-utils) does not serve the image and what it builds on");
  return FALSE;
}

/* As libguestfs counts: a to z, then aa. */
static char *
make_label (guint i)
{
  GString *label = g_string_new (LABEL);

  if (i >= 26)
    g_string_append_c (label, 'a' + i / 26 - 1);
  g_string_append_c (label, 'a' + i % 26);
  return g_string_free (label, FALSE);
}

char *
cold_guest_appliance_path (const char *device)
{
  if (g_str_has_prefix (device, "/dev/sd"))
    return g_strconcat ("/dev/disk/guestfs/" LABEL, device + strlen ("/dev/sd"), NULL);
  return g_strdup (device);
}

static gboolean
add_chain (ColdGuest *self, JsonObject *request, JsonObject *disk, const char *label, gboolean writable, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s/nbd-%u", cold_verb_scratch (request), self->servers->len);
  g_autofree char *server = g_strdup_printf ("unix:%s", path);
  g_autoptr (JsonObject) node = describe_node (cold_json_array (disk, "chain"), 0, cold_json_string (disk, "path"),
                                               cold_json_string (disk, "format"));
  g_autofree char *json = cold_json_to_text (node);
  g_autofree char *filename = g_strconcat ("json:", json, NULL);
  const char *const servers[] = { server, NULL };
  /* The work copy is synced as a whole when it is done: what is written before need not survive a crash. */
  const char *const argv[] = { "qemu-nbd", "--persistent", "--cache=unsafe", "--discard=unmap", "--socket", path,
                               writable ? filename : "--read-only", writable ? NULL : filename, NULL };
  GSubprocess *process;

  unlink (path);
  process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_NONE, error);
  if (process == NULL)
    {
      g_prefix_error (error, "cannot run qemu-nbd (package qemu-utils): ");
      return FALSE;
    }
  g_ptr_array_add (self->servers, process);
  if (!wait_for_socket (process, path, error))
    return FALSE;
  if (guestfs_add_drive_opts (self->g, "", GUESTFS_ADD_DRIVE_OPTS_READONLY, !writable, GUESTFS_ADD_DRIVE_OPTS_FORMAT,
                              "raw", GUESTFS_ADD_DRIVE_OPTS_PROTOCOL, "nbd", GUESTFS_ADD_DRIVE_OPTS_SERVER, servers,
                              GUESTFS_ADD_DRIVE_OPTS_LABEL, label, -1) < 0)
    return cold_guest_set_error (self->g, error, "cannot add a disk");
  return TRUE;
}

static gboolean
add_image (ColdGuest *self, const char *path, const char *format, const char *label, gboolean writable, GError **error)
{
  int added;

  if (writable)
    added = guestfs_add_drive_opts (self->g, path, GUESTFS_ADD_DRIVE_OPTS_FORMAT, format,
                                    GUESTFS_ADD_DRIVE_OPTS_LABEL, label, GUESTFS_ADD_DRIVE_OPTS_CACHEMODE, "unsafe",
                                    GUESTFS_ADD_DRIVE_OPTS_DISCARD, "besteffort", -1);
  else
    added = guestfs_add_drive_opts (self->g, path, GUESTFS_ADD_DRIVE_OPTS_FORMAT, format,
                                    GUESTFS_ADD_DRIVE_OPTS_LABEL, label, GUESTFS_ADD_DRIVE_OPTS_READONLY, 1, -1);
  return added == 0 || cold_guest_set_error (self->g, error, "cannot add a disk");
}

static gboolean
add_disks (ColdGuest *self, JsonObject *request, gboolean writable, GError **error)
{
  JsonArray *disks = cold_json_array (request, "disks");

  if (disks == NULL || json_array_get_length (disks) == 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the request has no disks");
      return FALSE;
    }
  for (guint i = 0; i < json_array_get_length (disks); i++)
    {
      JsonObject *disk = cold_json_array_object (disks, i);
      const char *path = cold_json_string (disk, "path");
      const char *format = cold_json_string (disk, "format");
      JsonArray *chain = cold_json_array (disk, "chain");
      gboolean has_chain = chain != NULL && json_array_get_length (chain) > 0;
      g_autofree char *label = make_label (i);

      if (path == NULL || *path != '/' || format == NULL)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "disk %u: absolute path and format needed", i);
          return FALSE;
        }
      if (!(has_chain ? add_chain (self, request, disk, label, writable, error)
                      : add_image (self, path, format, label, writable, error)))
        return FALSE;
    }
  return TRUE;
}

/*
 * An emulator translates a program once for each address that it runs at (QEMU before 8, at least): where addresses are random,
 * that is once for each process, and the same work took up to five times as long.
 */
#define TCG_APPEND "norandmaps"

gboolean
cold_guest_configure (guestfs_h *g, const char *accelerator, GError **error)
{
  if (g_strcmp0 (accelerator, "kvm") != 0 && g_strcmp0 (accelerator, "tcg") != 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "accelerator must be kvm or tcg");
      return FALSE;
    }
  /* Errors are returned, not printed. No network: an upgrade has its bundle and nothing else. */
  guestfs_set_error_handler (g, NULL, NULL);
  guestfs_set_network (g, 0);
  if (guestfs_set_backend (g, "direct") < 0
      || guestfs_set_backend_setting (g, *accelerator == 'k' ? "force_kvm" : "force_tcg", "1") < 0
      || (*accelerator == 't' && guestfs_set_append (g, TCG_APPEND) < 0))
    return cold_guest_set_error (g, error, "cannot set up libguestfs");
  return TRUE;
}

ColdGuest *
cold_guest_open (JsonObject *request, gboolean writable, const char *extra_disk, GError **error)
{
  g_autoptr (ColdGuest) self = g_new0 (ColdGuest, 1);

  self->servers = g_ptr_array_new_with_free_func (g_object_unref);
  self->writable = writable;
  self->g = guestfs_create ();
  if (self->g == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_WORKER, "libguestfs gives no handle");
      return NULL;
    }
  if (!cold_guest_configure (self->g, cold_json_string (request, "accelerator"), error)
      || (writable && guestfs_set_smp (self->g, MIN (g_get_num_processors (), UPGRADE_CPUS)) < 0)
      || !add_disks (self, request, writable, error)
      || (extra_disk != NULL && !add_image (self, extra_disk, "raw", "bundle", FALSE, error)))
    return NULL;
  if (guestfs_launch (self->g) < 0)
    {
      const char *reason = guestfs_last_error (self->g);

      g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "the appliance did not start: %.*s",
                   reason != NULL ? (int) strcspn (reason, "\n") : 10, reason != NULL ? reason : "no reason");
      return NULL;
    }
  return g_steal_pointer (&self);
}

/* A server writes what it holds back when it is told to end. Returns: whether all ended as they should */
static gboolean
stop_servers (ColdGuest *self)
{
  gboolean well = TRUE;

  for (guint i = 0; i < self->servers->len; i++)
    g_subprocess_send_signal (g_ptr_array_index (self->servers, i), SIGTERM);
  for (guint i = 0; i < self->servers->len; i++)
    well = g_subprocess_wait_check (g_ptr_array_index (self->servers, i), NULL, NULL) && well;
  g_ptr_array_set_size (self->servers, 0);
  return well;
}

void
cold_guest_free (ColdGuest *self)
{
  if (self->g != NULL)
    guestfs_close (self->g);
  stop_servers (self);
  g_ptr_array_unref (self->servers);
  g_free (self);
}

gboolean
cold_guest_close (ColdGuest *self, GError **error)
{
  if (guestfs_umount_all (self->g) < 0)
    return cold_guest_set_error (self->g, error, "cannot unmount the guest's file systems");
  if (guestfs_sync (self->g) < 0 || guestfs_shutdown (self->g) < 0)
    return cold_guest_set_error (self->g, error, "cannot shut the appliance down");
  if (stop_servers (self) || !self->writable)
    return TRUE;
  g_set_error_literal (error, COLD_ERROR, COLD_ERROR_WORKER,
                       "qemu-nbd did not end well: what it held back may not be in the image");
  return FALSE;
}

static gboolean
check_image (JsonObject *disk, JsonArray *checks, GError **error)
{
  const char *path = cold_json_string (disk, "path");
  g_autoptr (JsonObject) node = describe_node (cold_json_array (disk, "chain"), 0, path, "qcow2");
  g_autofree char *json = cold_json_to_text (node);
  g_autofree char *filename = g_strconcat ("json:", json, NULL);
  g_autofree char *name = g_strconcat ("image ", path, NULL);
  const char *const argv[] = { "qemu-img", "check", filename, NULL };
  g_autoptr (GSubprocess) process
      = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE, error);
  g_autofree char *output = NULL;
  gboolean ok;

  if (process == NULL || !g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, error))
    {
      g_prefix_error (error, "cannot run qemu-img (package qemu-utils): ");
      return FALSE;
    }
  /* qemu-img(1): 3 is for leaked clusters and nothing else. */
  ok = g_subprocess_get_if_exited (process)
       && (g_subprocess_get_exit_status (process) == 0 || g_subprocess_get_exit_status (process) == 3);
  /* It has a line for each cluster that is wrong. */
  output[strcspn (output, "\n")] = '\0';
  cold_guest_add_check (checks, name, ok, ok ? "consistent" : output);
  return TRUE;
}

gboolean
cold_guest_check_images (JsonObject *request, JsonArray *checks, GError **error)
{
  JsonArray *disks = cold_json_array (request, "disks");

  for (guint i = 0; disks != NULL && i < json_array_get_length (disks); i++)
    {
      JsonObject *disk = cold_json_array_object (disks, i);

      if (g_strcmp0 (cold_json_string (disk, "format"), "qcow2") == 0 && !check_image (disk, checks, error))
        return FALSE;
    }
  return TRUE;
}

guestfs_h *
cold_guest_handle (ColdGuest *self)
{
  return self->g;
}

char *
cold_guest_last_device (guestfs_h *g, GError **error)
{
  g_auto (GStrv) devices = guestfs_list_devices (g);

  if (devices == NULL || devices[0] == NULL)
    {
      cold_guest_set_error (g, error, "cannot list the appliance's disks");
      return NULL;
    }
  return g_strdup (devices[g_strv_length (devices) - 1]);
}

char *
cold_guest_read_text (guestfs_h *g, const char *path, gsize max, GError **error)
{
  int is_file = guestfs_is_file_opts (g, path, GUESTFS_IS_FILE_OPTS_FOLLOWSYMLINKS, 1, -1);
  g_autofree char *to = NULL;
  g_autofree char *text = NULL;
  struct stat st;
  gint64 size;
  int fd;

  if (is_file <= 0)
    return NULL;
  size = guestfs_filesize (g, path);
  if (size < 0 || (guint64) size > max)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "%s in the guest has %" G_GINT64_FORMAT " bytes: more than is usable",
                   path, size);
      return NULL;
    }
  /* Memory, since a message of libguestfs holds 4 MiB at most, and only a transfer can be longer. */
  fd = memfd_create ("guest-file", MFD_CLOEXEC);
  to = g_strdup_printf ("/dev/fd/%d", fd);
  if (fd < 0 || guestfs_download (g, path, to) < 0 || fstat (fd, &st) < 0 || (gsize) st.st_size > max)
    {
      cold_guest_set_error (g, error, path);
    }
  else
    {
      text = g_malloc0 (st.st_size + 1);
      if (pread (fd, text, st.st_size, 0) != st.st_size)
        {
          cold_error_set_errno (error, errno, "cannot read back %s", path);
          g_clear_pointer (&text, g_free);
        }
    }
  if (fd >= 0)
    close (fd);
  return g_steal_pointer (&text);
}

gboolean
cold_guest_download (guestfs_h *g, const char *path, const char *to, GError **error)
{
  return guestfs_download (g, path, to) == 0 || cold_guest_set_error (g, error, path);
}

char *
cold_guest_appliance_sh (guestfs_h *g, const char *command, GError **error)
{
  char *words[] = { (char *) command, NULL };
  g_autofree char *output = guestfs_debug (g, "sh", words);

  if (output == NULL)
    cold_guest_set_error (g, error, "a command of the appliance failed");
  return g_steal_pointer (&output);
}

char *
cold_guest_kernel_names (guestfs_h *g, GError **error)
{
  return cold_guest_appliance_sh (g, "for l in /dev/disk/guestfs/" LABEL "*; do "
                                     "[ ! -e $l ] || echo /dev/sd${l#/dev/disk/guestfs/" LABEL "} $(readlink -f $l); done", error);
}

/* Returns: (transfer full): the name in libguestfs of the device with which @path begins, and the length of that */
static char *
find_device (const char *kernel_names, const char *path, gsize *length)
{
  g_auto (GStrv) lines = g_strsplit (kernel_names, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *kernel_name = strchr (lines[i], ' ');

      if (kernel_name == NULL)
        continue;
      *kernel_name++ = '\0';
      *length = strlen (kernel_name);
      if (g_str_has_prefix (path, kernel_name) && path[*length] == '/')
        return g_strdup (lines[i]);
    }
  *length = 0;
  return g_strdup ("");
}

char *
cold_guest_mountable (const char *kernel_names, const char *found)
{
  g_autofree char *valid = cold_text_make_valid (found);
  g_autofree char *device = NULL;
  char *doubled;
  gsize length;

  if (!g_str_has_prefix (valid, SUBVOLUME))
    return g_steal_pointer (&valid);
  /* "btrfsvol:/dev/sda2//@" of "subvol=/@" */
  while ((doubled = strstr (valid, "//")) != NULL)
    memmove (doubled, doubled + 1, strlen (doubled));
  device = find_device (kernel_names, valid + strlen (SUBVOLUME), &length);
  return g_strconcat (SUBVOLUME, device, valid + strlen (SUBVOLUME) + length, NULL);
}
