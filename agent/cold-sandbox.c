/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <pwd.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-folders.h"
#include "cold-names.h"

#define FIRST_DISK_FD 10 /* in coldpatch-sandbox */

typedef struct
{
  int fd;
  char *inside;
  gboolean writable;
} Disk;

typedef struct
{
  char *path;
  char *inside;
} Bind;

struct _ColdSandbox
{
  char *verb;
  char *scratch;
  gboolean owns_scratch;
  GError *scratch_error;
  GArray *disks; /* Disk */
  GArray *binds; /* Bind */
  ColdWorkerCatalogue catalogue;
  char *appliance;
};

static void
clear_disk (gpointer data)
{
  Disk *disk = data;

  close (disk->fd);
  g_free (disk->inside);
}

static void
clear_bind (gpointer data)
{
  Bind *bind = data;

  g_free (bind->path);
  g_free (bind->inside);
}

ColdSandbox *
cold_sandbox_new (const char *verb, const char *scratch)
{
  ColdSandbox *self = g_new0 (ColdSandbox, 1);

  self->verb = g_strdup (verb);
  self->disks = g_array_new (FALSE, FALSE, sizeof (Disk));
  g_array_set_clear_func (self->disks, clear_disk);
  self->binds = g_array_new (FALSE, FALSE, sizeof (Bind));
  g_array_set_clear_func (self->binds, clear_bind);
  if (scratch != NULL)
    {
      self->scratch = g_strdup (scratch);
    }
  else
    {
      self->scratch = g_strconcat (COLD_SCRATCH_DIR "/", verb, "-XXXXXX", NULL);
      self->owns_scratch = TRUE;
      g_mkdir_with_parents (COLD_SCRATCH_DIR, 0711);
      if (g_mkdtemp_full (self->scratch, 0700) == NULL)
        {
          cold_error_set_errno (&self->scratch_error, errno, "cannot make a folder for a worker below %s",
                                COLD_SCRATCH_DIR);
          g_clear_pointer (&self->scratch, g_free);
        }
    }
  return self;
}

/* What the worker left may be deep and large: a program of its own, which follows no links, takes it away. */
void
cold_sandbox_free (ColdSandbox *self)
{
  if (self == NULL)
    return;
  if (self->owns_scratch && self->scratch != NULL)
    cold_folders_remove_tree (self->scratch, FALSE);
  g_free (self->verb);
  g_free (self->scratch);
  g_clear_error (&self->scratch_error);
  g_array_unref (self->disks);
  g_array_unref (self->binds);
  g_free (self->appliance);
  g_free (self);
}

const char *
cold_sandbox_get_scratch (const ColdSandbox *self)
{
  return self->scratch;
}

gboolean
cold_sandbox_add_disk (ColdSandbox *self, int fd, const char *inside, gboolean writable, GError **error)
{
  Disk disk = { fcntl (fd, F_DUPFD_CLOEXEC, 3), NULL, writable };

  if (disk.fd < 0)
    return cold_error_set_errno (error, errno, "cannot keep the descriptor of %s", inside);
  disk.inside = g_strdup (inside);
  g_array_append_val (self->disks, disk);
  return TRUE;
}

void
cold_sandbox_add_bind (ColdSandbox *self, const char *path, const char *inside)
{
  const Bind bind = { g_strdup (path), g_strdup (inside) };

  g_array_append_val (self->binds, bind);
}

void
cold_sandbox_set_catalogue (ColdSandbox *self, ColdWorkerCatalogue access)
{
  self->catalogue = access;
}

void
cold_sandbox_set_appliance (ColdSandbox *self, const char *folder)
{
  g_free (self->appliance);
  self->appliance = g_strdup (folder);
}

static void
add_formatted (GPtrArray *argv, const char *option, guint64 number)
{
  g_ptr_array_add (argv, g_strdup (option));
  g_ptr_array_add (argv, g_strdup_printf ("%" G_GUINT64_FORMAT, number));
}

static void
add_words (GPtrArray *argv, const char *first, ...)
{
  va_list args;

  va_start (args, first);
  for (const char *word = first; word != NULL; word = va_arg (args, const char *))
    g_ptr_array_add (argv, g_strdup (word));
  va_end (args);
}

/* A build tree or a test has its programs elsewhere. */
static char *
program_path (const char *name)
{
  const char *folder = g_getenv ("COLDPATCH_LIBEXECDIR");

  return g_build_filename (folder != NULL ? folder : COLD_LIBEXECDIR "/coldpatch", name, NULL);
}

static const struct passwd *
find_user (GError **error)
{
  const struct passwd *user;

  if (geteuid () != 0)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_ACCESS_DENIED,
                           "only root can start workers: run the agent as root");
      return NULL;
    }
  user = getpwnam (COLD_WORKER_USER);
  if (user == NULL || user->pw_uid == 0 || user->pw_gid == 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_CONFIG,
                   user == NULL ? "the user %s does not exist: run systemd-sysusers" : "the user %s must not be root",
                   COLD_WORKER_USER);
      return NULL;
    }
  return user;
}

static GPtrArray *
build_command (ColdSandbox *self, const struct passwd *user, const char *accelerator)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, program_path ("coldpatch-sandbox"));
  add_formatted (argv, "--parent", getpid ());
  add_formatted (argv, "--uid", user->pw_uid);
  add_formatted (argv, "--gid", user->pw_gid);
  add_words (argv, "--scratch", self->scratch, NULL);
  if (g_strcmp0 (accelerator, "kvm") == 0)
    add_words (argv, "--kvm", NULL);
  if (self->appliance != NULL)
    add_words (argv, "--appliance", self->appliance, NULL);
  if (self->catalogue == COLD_WORKER_CATALOGUE_READ)
    add_words (argv, "--catalogue-ro", COLD_CATALOGUE_DIR, NULL);
  if (self->catalogue == COLD_WORKER_CATALOGUE_WRITE)
    add_words (argv, "--network", "--catalogue-rw", COLD_CATALOGUE_DIR, NULL);
  for (guint i = 0; i < self->disks->len; i++)
    {
      const Disk *disk = &g_array_index (self->disks, Disk, i);

      add_formatted (argv, disk->writable ? "--disk-rw" : "--disk-ro", FIRST_DISK_FD + i);
      add_words (argv, disk->inside, NULL);
    }
  for (guint i = 0; i < self->binds->len; i++)
    {
      const Bind *bind = &g_array_index (self->binds, Bind, i);

      add_words (argv, "--bind", bind->path, bind->inside, NULL);
    }
  add_words (argv, "--", NULL);
  g_ptr_array_add (argv, program_path ("coldpatch-worker"));
  add_words (argv, self->verb, NULL);
  g_ptr_array_add (argv, NULL);
  return argv;
}

GSubprocess *
cold_sandbox_spawn (ColdSandbox *self, const char *accelerator, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GPtrArray) argv = NULL;
  const struct passwd *user;
  GSubprocess *process;

  if (self->scratch_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->scratch_error));
      return NULL;
    }
  user = find_user (error);
  if (user == NULL)
    return NULL;
  if (lchown (self->scratch, user->pw_uid, user->pw_gid) < 0)
    {
      cold_error_set_errno (error, errno, "cannot give %s to %s", self->scratch, COLD_WORKER_USER);
      return NULL;
    }

  for (guint i = 0; i < self->disks->len; i++)
    {
      int fd = fcntl (g_array_index (self->disks, Disk, i).fd, F_DUPFD_CLOEXEC, 3);

      if (fd < 0)
        {
          cold_error_set_errno (error, errno, "cannot hand a disk over");
          return NULL;
        }
      g_subprocess_launcher_take_fd (launcher, fd, FIRST_DISK_FD + i);
    }
  argv = build_command (self, user, accelerator);
  process = g_subprocess_launcher_spawnv (launcher, (const char *const *) argv->pdata, error);
  if (process == NULL)
    {
      g_autofree char *reason = g_strdup ((*error)->message);

      g_clear_error (error);
      g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "cannot run %s: %s", (char *) argv->pdata[0], reason);
      return NULL;
    }
  return process;
}
