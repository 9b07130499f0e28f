/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cold-names.h"
#include "sandbox.h"

static void
write_map (pid_t pid, const char *name, unsigned int inside, unsigned int outside)
{
  char path[64];
  char map[64];
  int length = snprintf (map, sizeof map, "%u %u 1", inside, outside);
  int fd;

  snprintf (path, sizeof path, "/proc/%d/%s", (int) pid, name);
  fd = open (path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write (fd, map, length) != length)
    sandbox_fail ("Worker", NULL, "cannot write %s of a user namespace: %s", name, strerror (errno));
  close (fd);
}

/* A user namespace exists only with a process in it: a child that waits while its namespace is opened. */
static int
make_id_map (uid_t file_uid, gid_t file_gid, uid_t uid, gid_t gid)
{
  char path[64];
  const pid_t parent = getpid ();
  char ready;
  int pipe_fds[2];
  pid_t child;
  int fd;

  if (pipe2 (pipe_fds, O_CLOEXEC) < 0)
    sandbox_fail ("Worker", NULL, "cannot make a pipe: %s", strerror (errno));
  child = fork ();
  if (child < 0)
    sandbox_fail ("Worker", NULL, "cannot fork: %s", strerror (errno));
  if (child == 0)
    {
      /* We may have been killed before the call: a child that outlives us keeps the agent's pipes open for good. */
      if (prctl (PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid () != parent || unshare (CLONE_NEWUSER) < 0
          || write (pipe_fds[1], "", 1) != 1)
        _exit (1);
      for (;;)
        pause ();
    }
  close (pipe_fds[1]);
  if (read (pipe_fds[0], &ready, 1) != 1)
    sandbox_fail ("Worker", NULL, "this kernel allows no user namespaces (see user.max_user_namespaces)");
  close (pipe_fds[0]);

  write_map (child, "uid_map", file_uid, uid);
  write_map (child, "gid_map", file_gid, gid);
  snprintf (path, sizeof path, "/proc/%d/ns/user", (int) child);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    sandbox_fail ("Worker", NULL, "cannot open a user namespace: %s", strerror (errno));
  kill (child, SIGKILL);
  waitpid (child, NULL, 0);
  return fd;
}

/* The kernel mounts no file that has lost its name. */
static void
fail_if_deleted (int error)
{
  if (error == ENOENT)
    sandbox_fail ("Yielded", NULL, "a disk was deleted or replaced before it could be opened");
}

int
sandbox_clone_disk (int fd, bool writable, uid_t uid, gid_t gid)
{
  struct mount_attr attributes = {
    .attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC
                | (writable ? 0 : MOUNT_ATTR_RDONLY),
  };
  struct stat st;
  int mount;

  if (fstat (fd, &st) < 0)
    sandbox_fail ("Worker", NULL, "cannot examine a disk: %s", strerror (errno));
  if (!S_ISREG (st.st_mode))
    sandbox_fail ("Blocked", "unsupported-storage", "the disk is not a regular file");

  mount = open_tree (fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (mount < 0)
    {
      fail_if_deleted (errno);
      sandbox_fail ("Blocked", "unsupported-storage", "the file cannot be mounted on its own: %s", strerror (errno));
    }
  attributes.userns_fd = make_id_map (st.st_uid, st.st_gid, uid, gid);
  if (mount_setattr (mount, "", AT_EMPTY_PATH, &attributes, sizeof attributes) < 0)
    sandbox_fail ("Blocked", "unsupported-storage",
                  "the file system cannot map the owner of the image for the worker (idmapped mounts): %s",
                  strerror (errno));
  close (attributes.userns_fd);
  return mount;
}

void
sandbox_open_stage (void)
{
  /* Slave, not private: what the host unmounts while we run is not kept busy by us. */
  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
    sandbox_fail ("Worker", NULL, "cannot make a mount namespace: %s", strerror (errno));
  if ((mkdir (SANDBOX_STAGE, 0755) < 0 && errno != EEXIST)
      || mount ("tmpfs", SANDBOX_STAGE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=1m") < 0)
    sandbox_fail ("Worker", NULL, "cannot mount a tmpfs on %s: %s", SANDBOX_STAGE, strerror (errno));
}

static char *
new_place (void)
{
  static unsigned int count;
  char *path;

  if (asprintf (&path, SANDBOX_STAGE "/%u", count++) < 0)
    sandbox_fail ("Worker", NULL, "out of memory");
  return path;
}

char *
sandbox_stage_file (const char *text)
{
  char *place = new_place ();
  int fd = open (place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  ssize_t length = strlen (text);

  if (fd < 0 || write (fd, text, length) != length)
    sandbox_fail ("Worker", NULL, "cannot write %s: %s", place, strerror (errno));
  close (fd);
  return place;
}

char *
sandbox_stage_mount (int mount)
{
  char *place = sandbox_stage_file ("");

  if (move_mount (mount, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
    {
      fail_if_deleted (errno);
      sandbox_fail ("Worker", NULL, "cannot attach a disk: %s", strerror (errno));
    }
  close (mount);
  return place;
}

char *
sandbox_stage_bind (const char *path)
{
  struct stat st;
  char *place;

  if (stat (path, &st) < 0)
    sandbox_fail ("Worker", NULL, "cannot give %s to the worker: %s", path, strerror (errno));
  if (S_ISDIR (st.st_mode))
    {
      place = new_place ();
      if (mkdir (place, 0755) < 0)
        sandbox_fail ("Worker", NULL, "cannot make %s: %s", place, strerror (errno));
    }
  else
    {
      place = sandbox_stage_file ("");
    }
  if (mount (path, place, NULL, MS_BIND | MS_REC, NULL) < 0)
    sandbox_fail ("Worker", NULL, "cannot give %s to the worker: %s", path, strerror (errno));
  return place;
}
