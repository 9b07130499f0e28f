/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has an image open, on a host where another process has a file of a server open that does not answer any more. */
#include "cold-lease.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cold-fd.h"

/* After so long, whoever waits for the server does it for ever. */
#define PATIENCE_SECONDS 120

#define ROOT_NODE 1
#define FILE_NODE 2

/* --- a file system of one file, whose attributes are asked for each time ----------------------------------------------- */

static void
answer (int fuse, const struct fuse_in_header *request, int error, const void *body, gsize length)
{
  char buffer[sizeof (struct fuse_out_header) + 256];
  struct fuse_out_header header = { .len = sizeof header + length, .error = -error, .unique = request->unique };

  memcpy (buffer, &header, sizeof header);
  if (length > 0)
    memcpy (buffer + sizeof header, body, length);
  g_assert_cmpint (write (fuse, buffer, header.len), ==, header.len);
}

static struct fuse_attr
attributes_of (guint64 node)
{
  struct fuse_attr attributes = { .ino = node, .nlink = 1, .mode = node == ROOT_NODE ? S_IFDIR | 0755 : S_IFREG | 0644 };

  return attributes;
}

static void
serve_one (int fuse, const struct fuse_in_header *request)
{
  const struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096 };
  const struct fuse_attr_out attributes = { .attr = attributes_of (request->nodeid) };
  const struct fuse_entry_out entry = { .nodeid = FILE_NODE, .generation = 1, .attr = attributes_of (FILE_NODE) };
  const struct fuse_open_out opened = { .fh = 1 };

  switch (request->opcode)
    {
    case FUSE_INIT:
      answer (fuse, request, 0, &init, sizeof init);
      break;
    case FUSE_GETATTR:
      answer (fuse, request, 0, &attributes, sizeof attributes);
      break;
    case FUSE_LOOKUP:
      answer (fuse, request, 0, &entry, sizeof entry);
      break;
    case FUSE_OPEN:
      answer (fuse, request, 0, &opened, sizeof opened);
      break;
    case FUSE_FORGET:
      break;
    default:
      answer (fuse, request, ENOSYS, NULL, 0);
    }
}

static G_GNUC_NORETURN void
serve (int fuse)
{
  static char buffer[FUSE_MIN_READ_BUFFER + 4096];

  for (;;)
    {
      gssize n = read (fuse, buffer, sizeof buffer);

      if (n >= (gssize) sizeof (struct fuse_in_header))
        serve_one (fuse, (const struct fuse_in_header *) (const void *) buffer);
      else if (errno != EINTR && errno != ENOENT)
        _exit (0);
    }
}

/* --- processes --------------------------------------------------------------------------------------------------------- */

static pid_t
start_server (int fuse)
{
  pid_t pid = fork ();

  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      serve (fuse);
    }
  g_assert_cmpint (pid, >, 0);
  return pid;
}

/* Returns: a process that has @path open */
static pid_t
start_holder (const char *path)
{
  int ready[2];
  pid_t pid;
  char c;

  g_assert_cmpint (pipe (ready), ==, 0);
  pid = fork ();
  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      if (open (path, O_RDWR) < 0 || write (ready[1], "", 1) != 1)
        _exit (1);
      for (;;)
        pause ();
    }
  close (ready[1]);
  g_assert_cmpint (read (ready[0], &c, 1), ==, 1);
  close (ready[0]);
  return pid;
}

static void
stop (pid_t pid)
{
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
}

/* --- the test ---------------------------------------------------------------------------------------------------------- */

typedef struct
{
  char *folder;
  char *mount;
  char *image;
  pid_t server;
  pid_t waiting; /* has the server's file open */
} Fixture;

/* Returns: whether there is such a server */
static gboolean
setup (Fixture *f)
{
  cold_fd_auto fuse = open ("/dev/fuse", O_RDWR | O_CLOEXEC);
  g_autofree char *options = g_strdup_printf ("fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
  g_autofree char *file = NULL;

  f->folder = g_dir_make_tmp ("test-lease-XXXXXX", NULL);
  f->mount = g_build_filename (f->folder, "mount", NULL);
  f->image = g_build_filename (f->folder, "image", NULL);
  g_assert_cmpint (g_mkdir (f->mount, 0755), ==, 0);
  g_assert_true (g_file_set_contents (f->image, "x", 1, NULL));
  if (fuse < 0 || unshare (CLONE_NEWNS) != 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
      || mount ("test", f->mount, "fuse", 0, options) != 0)
    return FALSE;
  f->server = start_server (fuse);
  /* The server alone has it: with it, all that waits for an answer ends. */
  cold_fd_clear (&fuse);
  file = g_build_filename (f->mount, "file", NULL);
  f->waiting = start_holder (file);
  kill (f->server, SIGSTOP);
  return TRUE;
}

static void
teardown (Fixture *f)
{
  if (f->server > 0)
    stop (f->server);
  if (f->waiting > 0)
    stop (f->waiting);
  umount2 (f->mount, MNT_DETACH);
  g_unlink (f->image);
  g_rmdir (f->mount);
  g_rmdir (f->folder);
  g_free (f->image);
  g_free (f->mount);
  g_free (f->folder);
}

static void
test_opener (void)
{
  Fixture f = { NULL };
  g_autofree char *wanted = NULL;
  g_autofree char *who = NULL;
  cold_fd_auto fd = -1;
  pid_t opener;

  if (!setup (&f))
    {
      teardown (&f);
      g_test_skip ("FUSE cannot be mounted here");
      return;
    }
  /* It comes after the one that waits, in the order of their numbers. */
  opener = start_holder (f.image);
  wanted = g_strdup_printf ("(pid %d)", (int) opener);
  fd = open (f.image, O_RDONLY | O_CLOEXEC);
  alarm (PATIENCE_SECONDS);
  g_assert_true (cold_file_is_open_elsewhere (fd, &who));
  alarm (0);
  g_assert_true (g_str_has_suffix (who, wanted));
  stop (opener);
  teardown (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lease/opener/named-beside-a-dead-server", test_opener);
  return g_test_run ();
}
