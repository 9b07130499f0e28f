/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker that misbehaves, for tests/test-sandbox.c. What it shall do is the "mode" of its request; "attack" tries what
 * a worker must not be able to do, and answers which of it worked.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cold-json.h"
#include "cold-protocol.h"

static gboolean
can_open (const char *path, int flags)
{
  int fd = open (path, flags | O_CLOEXEC);

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static gboolean
can_connect (guint16 port)
{
  const struct sockaddr_in address
      = { .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gboolean connected = fd >= 0 && connect (fd, (const struct sockaddr *) &address, sizeof address) == 0;

  if (fd >= 0)
    close (fd);
  return connected;
}

/* Entries of @folder whose names are numbers: processes in /proc, descriptors in /proc/self/fd. */
static int
count_numbers (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  int count = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    count += g_ascii_isdigit (*name);
  return count;
}

static gboolean
has_capabilities (void)
{
  g_autofree char *status = NULL;

  return !g_file_get_contents ("/proc/self/status", &status, NULL, NULL)
         || strstr (status, "CapEff:\t0000000000000000") == NULL
         || strstr (status, "CapBnd:\t0000000000000000") == NULL || strstr (status, "NoNewPrivs:\t1") == NULL;
}

/* The kernel looks at 32 bits of the family; a filter that compares 64 lets these through. It may then say no for another
 * reason, as it does to packet sockets without a capability. */
static gboolean
can_try_wide_socket (int family, int type)
{
  return syscall (SYS_socket, (1L << 32) | family, type | SOCK_CLOEXEC, 0) >= 0 || errno != EAFNOSUPPORT;
}

/* A family that is let through gets as far as the kernel, which knows no pairs of it. */
static gboolean
can_try_pair (int family)
{
  int fds[2];

  return socketpair (family, SOCK_STREAM, 0, fds) == 0 || errno != EAFNOSUPPORT;
}

static gboolean
can_pair_locally (void)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM, 0, fds) < 0)
    return FALSE;
  close (fds[0]);
  close (fds[1]);
  return TRUE;
}

static gboolean
can_set_id (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  gboolean can = chmod (path, 04755) == 0 || chmod (path, 02755) == 0 || fchmod (fd, 06755) == 0
                 || fchmodat (AT_FDCWD, path, 04755, 0) == 0 || syscall (452, AT_FDCWD, path, 04755, 0) == 0;

  if (fd >= 0)
    close (fd);
  return can;
}

static void
attack (JsonObject *request, JsonObject *result)
{
  struct io_uring_params ring = { 0 };
  g_autofree char *image = NULL;
  int fd;

  json_object_set_boolean_member (result, "core-pattern", can_open ("/proc/sys/kernel/core_pattern", O_WRONLY));
  json_object_set_boolean_member (result, "other-image", can_open (cold_json_string (request, "other-image"), O_RDONLY)
                                                             || can_open ("/disks/other", O_RDONLY));
  json_object_set_boolean_member (result, "network", can_connect (cold_json_int (request, "port")));
  json_object_set_boolean_member (result, "kill-agent",
                                  kill (cold_json_int (request, "agent"), 0) == 0 || errno == EPERM);
  json_object_set_int_member (result, "processes", count_numbers ("/proc"));
  json_object_set_int_member (result, "descriptors", count_numbers ("/proc/self/fd"));
  json_object_set_boolean_member (result, "write-read-only", can_open ("/disks/0", O_WRONLY));
  json_object_set_boolean_member (result, "capabilities", has_capabilities ());
  json_object_set_boolean_member (result, "write-usr", can_open ("/usr/intruder", O_CREAT | O_WRONLY));
  json_object_set_boolean_member (result, "write-root", can_open ("/intruder", O_CREAT | O_WRONLY));
  json_object_set_boolean_member (result, "read-shadow", can_open ("/etc/shadow", O_RDONLY));
  json_object_set_boolean_member (result, "kvm", can_open ("/dev/kvm", O_RDWR));
  json_object_set_boolean_member (result, "user-namespace", unshare (CLONE_NEWUSER) == 0);
  json_object_set_boolean_member (result, "mount", mount ("t", "/tmp", "tmpfs", 0, NULL) == 0);
  json_object_set_boolean_member (result, "ptrace", ptrace (PTRACE_TRACEME, 0, NULL, NULL) == 0);
  json_object_set_boolean_member (result, "io-uring", syscall (SYS_io_uring_setup, 4, &ring) >= 0);
  json_object_set_boolean_member (result, "vsock", socket (AF_VSOCK, SOCK_STREAM, 0) >= 0);

  json_object_set_boolean_member (result, "wide-socket", can_try_wide_socket (AF_ALG, SOCK_SEQPACKET)
                                                             || can_try_wide_socket (AF_PACKET, SOCK_DGRAM));
  json_object_set_boolean_member (result, "socket-pair", can_try_pair (AF_INET) || can_try_pair (AF_TIPC));
  json_object_set_boolean_member (result, "set-id", can_set_id ("/disks/1"));
  json_object_set_boolean_member (result, "attribute", setxattr ("/disks/1", "user.intruder", "x", 1, 0) == 0);

  if (g_file_get_contents ("/disks/0", &image, NULL, NULL))
    json_object_set_string_member (result, "read", image);
  fd = open ("/disks/1", O_WRONLY | O_TRUNC | O_CLOEXEC);
  json_object_set_boolean_member (result, "write", fd >= 0 && write (fd, "written", 7) == 7);
  json_object_set_boolean_member (result, "local-pair", can_pair_locally ());
  /* Its own files have modes: only these bits are refused. */
  json_object_set_boolean_member (result, "mode", chmod ("/disks/1", 0600) == 0);
  json_object_set_int_member (result, "nice", getpriority (PRIO_PROCESS, 0));
  json_object_set_boolean_member (result, "scratch", can_open ("/scratch/made", O_CREAT | O_WRONLY));
}

/* Processes that would rather stay: one deaf to signals, one that left its session. */
static void
settle (void)
{
  for (guint i = 0; i < 2; i++)
    if (fork () == 0)
      {
        signal (SIGTERM, SIG_IGN);
        signal (SIGHUP, SIG_IGN);
        if (i == 1 && (setsid () < 0 || fork () > 0))
          _exit (0);
        for (;;)
          pause ();
      }
  printf ("{\"type\":\"progress\",\"phase\":\"settled\",\"fraction\":0.0,\"message\":\"\"}\n");
  fflush (stdout);
  for (;;)
    pause ();
}

int
main (int argc, char *argv[])
{
  static char line[65536];
  g_autoptr (JsonObject) request = NULL;
  g_autoptr (JsonObject) result = json_object_new ();
  g_autofree char *text = NULL;
  const char *mode;

  if (fgets (line, sizeof line, stdin) == NULL)
    return 3;
  request = cold_json_parse_object (line, -1, NULL);
  mode = cold_json_string (request, "mode");

  if (g_strcmp0 (mode, "settle") == 0)
    settle ();
  if (g_strcmp0 (mode, "crash") == 0)
    {
      fprintf (stderr, "last \x1b[31mwords\xff\n");
      fflush (stderr);
      raise (SIGSEGV);
    }
  if (g_strcmp0 (mode, "garbage") == 0)
    printf ("warning: a library printed this\n");
  if (g_strcmp0 (mode, "endless") == 0)
    while (putchar ('x') != EOF)
      ;
  if (g_strcmp0 (mode, "silent") == 0)
    return 0;
  if (g_strcmp0 (mode, "attack") == 0)
    attack (request, result);
  json_object_set_string_member (result, "type", "result");
  text = cold_json_to_text (result);
  printf ("%s\n", text);
  fflush (stdout);
  /* A worker that has answered and stays all the same. */
  if (g_strcmp0 (mode, "linger") == 0)
    for (;;)
      pause ();
  return 0;
}
