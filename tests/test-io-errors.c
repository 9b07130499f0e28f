/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets each system call of copy, journal, exchange, rollback, deletion and recovery fail in turn: once with EIO; from then on
 * with ENOSPC where room is needed; and exchanges of names from then on, back included, as on a full btrfs. What did not do its
 * job has to say so, every name must lead to one whole image at once (all of one side, unless it was putting names back that
 * failed), and the next recovery, without errors, must leave nothing behind. GNU ld's --wrap leads the calls through here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exchange-scenarios.h"

typedef enum
{
  ONE_CALL,
  NO_ROOM,
  NO_EXCHANGE,
} Kind;

/* Shared with the process that acts. */
typedef struct
{
  gboolean armed;
  Kind kind;
  int at;          /* number of the call, from 1 */
  int calls;       /* so far */
  char name[32];   /* of the first that failed; "" */
} Injection;

static Injection *injection;

static gboolean
concerns (const char *name, gboolean creates)
{
  static const char *const room[] = { "fallocate64", "fsetxattr", "mkdirat", "pwrite64", "copy_file_range", "rename", "write", NULL };

  if (injection->kind == NO_EXCHANGE)
    return g_str_equal (name, "renameat2");
  return injection->kind == ONE_CALL || creates || g_strv_contains (room, name);
}

static gboolean
fails (const char *name, gboolean creates)
{
  int number;

  if (!injection->armed || !concerns (name, creates))
    return FALSE;
  number = g_atomic_int_add (&injection->calls, 1) + 1;
  if (injection->kind == ONE_CALL ? number != injection->at : number < injection->at)
    return FALSE;
  if (number == injection->at)
    g_strlcpy (injection->name, name, sizeof injection->name);
  errno = injection->kind == ONE_CALL ? EIO : ENOSPC;
  return TRUE;
}

#define WRAP(type, name, creates, parameters, arguments)                                                                   \
  type __real_##name parameters;                                                                                            \
  type __wrap_##name parameters;                                                                                            \
  type __wrap_##name parameters { return fails (#name, creates) ? -1 : __real_##name arguments; }

WRAP (int, fallocate64, FALSE, (int fd, int mode, off_t offset, off_t length), (fd, mode, offset, length))
WRAP (int, fchmod, FALSE, (int fd, mode_t mode), (fd, mode))
WRAP (int, fchown, FALSE, (int fd, uid_t user, gid_t group), (fd, user, group))
WRAP (ssize_t, fgetxattr, FALSE, (int fd, const char *name, void *value, size_t size), (fd, name, value, size))
WRAP (ssize_t, flistxattr, FALSE, (int fd, char *names, size_t size), (fd, names, size))
WRAP (int, flock, FALSE, (int fd, int operation), (fd, operation))
WRAP (int, fsetxattr, FALSE, (int fd, const char *name, const void *value, size_t size, int flags), (fd, name, value, size, flags))
WRAP (int, fstat64, FALSE, (int fd, struct stat *status), (fd, status))
WRAP (int, fstatat64, FALSE, (int fd, const char *path, struct stat *status, int flags), (fd, path, status, flags))
WRAP (int, fsync, FALSE, (int fd), (fd))
WRAP (int, ftruncate64, FALSE, (int fd, off_t length), (fd, length))
WRAP (int, ioctl, FALSE, (int fd, unsigned long request, void *argument), (fd, request, argument))
WRAP (off_t, lseek64, FALSE, (int fd, off_t offset, int whence), (fd, offset, whence))
WRAP (int, mkdirat, FALSE, (int fd, const char *path, mode_t mode), (fd, path, mode))
WRAP (int, open64, flags & O_CREAT, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP (int, openat64, flags & O_CREAT, (int fd, const char *path, int flags, mode_t mode), (fd, path, flags, mode))
WRAP (ssize_t, pread64, FALSE, (int fd, void *buffer, size_t size, off_t offset), (fd, buffer, size, offset))
WRAP (ssize_t, pwrite64, FALSE, (int fd, const void *buffer, size_t size, off_t offset), (fd, buffer, size, offset))
WRAP (ssize_t, copy_file_range, FALSE, (int from, off_t *from_offset, int to, off_t *to_offset, size_t size, unsigned int flags),
      (from, from_offset, to, to_offset, size, flags))
WRAP (int, rename, FALSE, (const char *from, const char *to), (from, to))
WRAP (int, renameat2, FALSE, (int from, const char *from_path, int to, const char *to_path, unsigned int flags),
      (from, from_path, to, to_path, flags))
WRAP (int, stat64, FALSE, (const char *path, struct stat *status), (path, status))
WRAP (int, sync_file_range, FALSE, (int fd, off_t offset, off_t size, unsigned int flags), (fd, offset, size, flags))
WRAP (long, syscall, FALSE, (long number, long a, long b, long c, long d, long e), (number, a, b, c, d, e))
WRAP (int, unlink, FALSE, (const char *path), (path))
WRAP (int, unlinkat, FALSE, (int fd, const char *path, int flags), (fd, path, flags))
WRAP (ssize_t, write, FALSE, (int fd, const void *buffer, size_t size), (fd, buffer, size))

/* Looking at a lease reads nothing from a disk. */
int __real_fcntl64 (int fd, int command, long value);
int __wrap_fcntl64 (int fd, int command, long value);
int
__wrap_fcntl64 (int fd, int command, long value)
{
  return command != F_GETLEASE && fails ("fcntl64", FALSE) ? -1 : __real_fcntl64 (fd, command, value);
}

/* In a process of its own, which may be killed at a crash point. Returns: whether the act did its job */
static gboolean
run (Fixture *f, ExchangeAct act, const char *crash_at)
{
  pid_t pid = fork ();
  int status;

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      g_autoptr (GError) error = NULL;
      gboolean done;

      if (crash_at != NULL)
        g_setenv ("COLDPATCH_CRASH_AT", crash_at, TRUE);
      injection->armed = injection->at > 0;
      done = act (f, &error);
      injection->armed = FALSE;
      g_assert_cmpint (done, ==, error == NULL);
      if (!done && injection->at == 0)
        g_printerr ("# %s\n", error->message);
      _exit (done ? 0 : 1);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  if (crash_at != NULL)
    {
      g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
      return FALSE;
    }
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), <=, 1);
  return WEXITSTATUS (status) == 0;
}

typedef struct
{
  const char *name;
  ExchangeAct before;   /* (nullable) */
  const char *crash_at; /* (nullable): where that is killed */
  ExchangeAct act;
  char done, not_done;  /* the images afterwards; 0: either */
  gboolean puts_back;
} Scenario;

static const Scenario scenarios[] = {
  { "upgrade", NULL, NULL, exchange_act_upgrade, 'n', 'o' },
  { "exchange-back", NULL, NULL, exchange_act_back, 'o', 'o', TRUE },
  { "rollback", exchange_act_upgrade, NULL, exchange_act_rollback, 'o', 'n' },
  { "drop", exchange_act_upgrade, NULL, exchange_act_drop, 'n', 'n' },
  { "recover/half-a-copy", exchange_act_upgrade, "copy-half", exchange_act_recover, 'o', 'o' },
  { "recover/nothing-exchanged", exchange_act_upgrade, "swap-before:1", exchange_act_recover, 0, 0 },
  { "recover/all-exchanged", exchange_act_upgrade, "swap-after:2", exchange_act_recover, 0, 0 },
  { "recover/decided", exchange_act_upgrade, "decided", exchange_act_recover, 0, 0 },
  { "recover/deletion", exchange_act_back, "discard-unlinked", exchange_act_recover, 'o', 'o' },
};

static gboolean
fail_at (const Scenario *scenario, int at, guint *failures)
{
  g_autoptr (Fixture) f = exchange_set_up ();
  gboolean done;
  char side;

  injection->at = 0;
  if (scenario->before != NULL)
    run (f, scenario->before, scenario->crash_at);
  injection->calls = 0;
  injection->name[0] = '\0';
  injection->at = at;
  done = run (f, scenario->act, NULL);
  injection->at = 0;
  if (injection->name[0] == '\0')
    {
      g_assert_true (done);
      return FALSE;
    }
  *failures += !done;
  g_test_message ("%s %d: %s", injection->name, at, done ? "done all the same" : "given up");
  side = exchange_read_side (f);
  if (done || !(scenario->puts_back || injection->kind == NO_EXCHANGE))
    g_assert_cmpint (side, !=, 0);
  if (done && scenario->done != 0)
    g_assert_cmpint (side, ==, scenario->done);
  if (!done && scenario->not_done != 0 && side != 0 && injection->kind != NO_EXCHANGE)
    g_assert_cmpint (side, ==, scenario->not_done);
  g_assert_true (run (f, exchange_act_recover, NULL));
  /* What was half-done may have become whole either way. */
  g_assert_true (exchange_assert_whole (f) == side || side == 0 || scenario->act == exchange_act_recover);
  return TRUE;
}

static void
test (gconstpointer data)
{
  const Scenario *scenario = &scenarios[GPOINTER_TO_UINT (data) / 3];
  guint failures = 0;
  int at = 1;

  injection->kind = GPOINTER_TO_UINT (data) % 3;
  while (fail_at (scenario, at, &failures))
    at++;
  g_test_message ("%s: %d calls failed, %u times it was given up", scenario->name, at - 1, failures);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  injection = mmap (NULL, sizeof *injection, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  g_assert_true (injection != MAP_FAILED);
  for (guint i = 0; i < 3 * G_N_ELEMENTS (scenarios); i++)
    {
      static const char *const kinds[] = { "each-call-fails", "disk-full", "no-exchange" };
      g_autofree char *path = g_strdup_printf ("/io-errors/%s/%s", scenarios[i / 3].name, kinds[i % 3]);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test);
    }
  return g_test_run ();
}
