/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe: what the header of an image says. qemu-img reads it, with the format that somebody trustworthy defined (a guest
 * can write any header into its raw disk), without locks and without opening a backing or data file. A header is hostile
 * input even to qemu-img: it runs under limits of processor time, memory and output.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-json.h"
#include "cold-protocol.h"
#include "cold-verb.h"

#define CPU_SECONDS 20
#define MEMORY_BYTES (2ull << 30) /* a full snapshot table of a qcow2 takes some hundred MiB */
#define OUTPUT_BYTES (16 << 20)

/* Of what QEMU can read, the formats that libvirt volumes have and a domain's disk may be. */
static const char *const formats[] = { "raw", "qcow2", "qcow", "qed", "vdi", "vmdk", "vpc", "vhdx", "parallels", NULL };

static void
set_limits (gpointer data)
{
  const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };
  const struct rlimit memory = { MEMORY_BYTES, MEMORY_BYTES };
  const struct rlimit output = { OUTPUT_BYTES, OUTPUT_BYTES };

  /* Lowering one's own limits cannot fail. */
  setrlimit (RLIMIT_CPU, &cpu);
  setrlimit (RLIMIT_AS, &memory);
  setrlimit (RLIMIT_FSIZE, &output);
}

/* Returns: (transfer full): the text written to the memory file @fd so far */
static char *
read_back (int fd)
{
  struct stat st;
  g_autofree char *text = NULL;
  gssize n;

  if (fstat (fd, &st) < 0)
    return g_strdup ("");
  text = g_malloc (st.st_size + 1);
  n = pread (fd, text, st.st_size, 0);
  text[MAX (n, 0)] = '\0';
  return g_steal_pointer (&text);
}

/* Returns: qemu-img's answer; %NULL with @problem when it refuses the header, %NULL with @error when it cannot be run. */
static JsonObject *
qemu_img_info (const char *path, const char *format, char **problem, GError **error)
{
  const char *const argv[] = { "qemu-img", "info", "--output=json", "-U", "-f", format, path, NULL };
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) local = NULL;
  g_autofree char *output = NULL;
  g_autofree char *messages = NULL;
  JsonObject *info = NULL;
  /* Memory files: nothing to drain, and the file size limit bounds them. */
  int out = memfd_create ("qemu-img-output", MFD_CLOEXEC);
  int err = memfd_create ("qemu-img-messages", MFD_CLOEXEC);

  if (out < 0 || err < 0)
    {
      cold_error_set_errno (error, errno, "cannot create a memory file");
      goto out;
    }
  g_subprocess_launcher_take_stdout_fd (launcher, dup (out));
  g_subprocess_launcher_take_stderr_fd (launcher, dup (err));
  g_subprocess_launcher_set_child_setup (launcher, set_limits, NULL, NULL);
  process = g_subprocess_launcher_spawnv (launcher, argv, &local);
  if (process == NULL || !g_subprocess_wait (process, NULL, &local))
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "cannot run qemu-img (package qemu-utils): %s", local->message);
      goto out;
    }

  output = read_back (out);
  messages = read_back (err);
  if (g_subprocess_get_if_exited (process) && g_subprocess_get_exit_status (process) == 0)
    info = cold_json_parse_object (output, -1, &local);
  if (info == NULL)
    {
      g_autofree char *valid = cold_text_make_valid (g_strstrip (messages));

      if (g_subprocess_get_if_signaled (process))
        *problem = g_strdup_printf ("qemu-img was ended by signal %d while it read the header",
                                    g_subprocess_get_term_sig (process));
      else
        *problem = g_strdup (*valid != '\0' ? valid : "qemu-img gave no usable answer");
    }

out:
  if (out >= 0)
    close (out);
  if (err >= 0)
    close (err);
  return info;
}

static void
copy_string (JsonObject *to, const char *member, JsonObject *from, const char *source)
{
  if (cold_json_string (from, source) != NULL)
    json_object_set_string_member (to, member, cold_json_string (from, source));
}

/* Puts what the design's blockers need to know of qemu-img's answer into @disk. */
static void
describe (JsonObject *disk, JsonObject *info)
{
  JsonObject *specific = cold_json_object (cold_json_object (info, "format-specific"), "data");
  JsonArray *snapshots = cold_json_array (info, "snapshots");
  JsonArray *bitmaps = cold_json_array (specific, "bitmaps");
  guint count = snapshots != NULL ? json_array_get_length (snapshots) : 0;
  guint with_memory = 0;

  for (guint i = 0; i < count; i++)
    with_memory += cold_json_int (cold_json_array_object (snapshots, i), "vm-state-size") > 0;

  json_object_set_int_member (disk, "virtual-size", cold_json_int (info, "virtual-size"));
  copy_string (disk, "backing-file", info, "backing-filename");
  copy_string (disk, "backing-format", info, "backing-filename-format");
  json_object_set_boolean_member (disk, "dirty", cold_json_bool (info, "dirty-flag"));
  json_object_set_boolean_member (disk, "corrupt", cold_json_bool (specific, "corrupt"));
  json_object_set_boolean_member (disk, "data-file", cold_json_string (specific, "data-file") != NULL);
  json_object_set_boolean_member (disk, "encrypted", cold_json_bool (info, "encrypted"));
  json_object_set_int_member (disk, "snapshots", count);
  json_object_set_int_member (disk, "memory-snapshots", with_memory);
  json_object_set_int_member (disk, "bitmaps", bitmaps != NULL ? json_array_get_length (bitmaps) : 0);
}

static JsonObject *
probe_disk (const char *path, const char *format, GError **error)
{
  g_autoptr (JsonObject) disk = json_object_new ();
  g_autoptr (JsonObject) info = NULL;
  g_autofree char *problem = NULL;
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  /* Not being able to open it is our fault, not the header's. */
  if (fd < 0)
    {
      cold_error_set_errno (error, errno, "cannot open image %s", path);
      return NULL;
    }
  close (fd);

  json_object_set_string_member (disk, "path", path);
  json_object_set_string_member (disk, "format", format);
  if (!g_strv_contains (formats, format))
    problem = g_strdup_printf ("format \"%s\" is none of a domain's disk", format);
  else
    info = qemu_img_info (path, format, &problem, error);

  if (info != NULL)
    {
      describe (disk, info);
    }
  else if (problem != NULL)
    {
      json_object_set_boolean_member (disk, "corrupt", TRUE);
      json_object_set_string_member (disk, "error", problem);
    }
  else
    {
      return NULL;
    }
  return g_steal_pointer (&disk);
}

JsonObject *
cold_verb_probe (JsonObject *request, GError **error)
{
  JsonArray *disks = cold_json_array (request, "disks");
  g_autoptr (JsonObject) result = json_object_new ();
  JsonArray *probed = json_array_new ();

  json_object_set_array_member (result, "disks", probed);
  for (guint i = 0; disks != NULL && i < json_array_get_length (disks); i++)
    {
      JsonObject *disk = cold_json_array_object (disks, i);
      const char *path = cold_json_string (disk, "path");
      const char *format = cold_json_string (disk, "format");
      JsonObject *answer;

      /* A relative or empty path could be read as one of QEMU's protocols ("nbd:..."). */
      if (path == NULL || *path != '/' || format == NULL)
        {
          g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "disk %u: absolute path and format needed", i);
          return NULL;
        }
      answer = probe_disk (path, format, error);
      if (answer == NULL)
        return NULL;
      json_array_add_object_element (probed, answer);
    }
  return g_steal_pointer (&result);
}
