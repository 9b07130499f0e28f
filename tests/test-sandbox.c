/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walls around a worker, tried from inside by tests/intruder.c in the worker's place. Needs root; in a mount
 * namespace of its own, /etc/passwd is a copy that has the worker's user.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "async-result.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-protocol.h"
#include "cold-worker-process.h"

/* Numbers that nothing else on the machine uses, another run of this neither: processes are looked for by them. */
#define WORKER_ID (60000 + getpid () % 5000)
#define OWNER_ID 59902

static const char *folder;

/* The place where a test is made */

static void
install_passwd (gboolean with_user)
{
  g_autofree char *path = g_build_filename (folder, with_user ? "passwd-with" : "passwd-without", NULL);
  g_autofree char *old = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents ("/etc/passwd", &old, NULL, NULL));
  lines = g_strsplit (old, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (*lines[i] != '\0' && !g_str_has_prefix (lines[i], COLD_WORKER_USER ":"))
      g_string_append_printf (text, "%s\n", lines[i]);
  if (with_user)
    g_string_append_printf (text, COLD_WORKER_USER ":x:%d:%d::/:/usr/sbin/nologin\n", WORKER_ID, WORKER_ID);
  g_assert_true (g_file_set_contents_full (path, text->str, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, NULL));
  g_assert_cmpint (mount (path, "/etc/passwd", NULL, MS_BIND, NULL), ==, 0);
}

/* COLDPATCH_LIBEXECDIR with the real sandbox and @worker. */
static void
install_programs (const char *worker)
{
  g_autofree char *libexec = g_build_filename (folder, "libexec", NULL);
  g_autofree char *sandbox_link = g_build_filename (libexec, "coldpatch-sandbox", NULL);
  g_autofree char *worker_link = g_build_filename (libexec, "coldpatch-worker", NULL);

  g_mkdir (libexec, 0755);
  g_unlink (sandbox_link);
  g_unlink (worker_link);
  g_assert_cmpint (symlink (g_getenv ("TEST_SANDBOX"), sandbox_link), ==, 0);
  g_assert_cmpint (symlink (worker, worker_link), ==, 0);
  g_setenv ("COLDPATCH_LIBEXECDIR", libexec, TRUE);
}

/* A private image as libvirt has them: 0600 of another user, in a closed folder. Returns: (transfer full): its path */
static char *
make_image (const char *name, const char *text)
{
  g_autofree char *closed = g_build_filename (folder, "pool", NULL);
  char *path = g_build_filename (closed, name, NULL);

  g_mkdir (closed, 0700);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL));
  g_assert_cmpint (chown (path, OWNER_ID, OWNER_ID), ==, 0);
  return path;
}

static ColdWorkerProcess *
make_process (void)
{
  g_autofree char *scratch = g_build_filename (folder, "scratch", NULL);

  g_mkdir (scratch, 0700);
  return cold_worker_process_new (COLD_VERB_PROBE, scratch);
}

static void
add_disk (ColdWorkerProcess *process, const char *path, const char *inside, gboolean writable)
{
  g_autoptr (GError) error = NULL;
  int fd = open (path, O_PATH | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (cold_worker_process_add_disk (process, fd, inside, writable, &error));
  g_assert_no_error (error);
  close (fd);
}

static JsonObject *
make_request (const char *mode)
{
  JsonObject *request = json_object_new ();

  json_object_set_string_member (request, "mode", mode);
  return request;
}

static JsonObject *
run (ColdWorkerProcess *process, JsonObject *request, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  cold_worker_process_run_async (process, request, cancellable, keep_result, &result);
  wait_for_result (&result);
  return cold_worker_process_run_finish (process, result, error);
}

static guint
count_processes_of (uid_t uid)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  const char *name;
  guint count = 0;

  while ((name = g_dir_read_name (proc)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc", name, "status", NULL);
      g_autofree char *status = NULL;
      const char *line;

      /* The folder's owner is root for a process that is not dumpable. */
      if (!g_ascii_isdigit (*name) || !g_file_get_contents (path, &status, NULL, NULL))
        continue;
      line = strstr (status, "\nUid:\t");
      count += line != NULL && strtoul (line + 6, NULL, 10) == uid;
    }
  return count;
}

/* The tests */

static void
test_walls (void)
{
  g_autofree char *given = make_image ("given", "disk zero");
  g_autofree char *work = make_image ("work", "disk one");
  g_autofree char *other = make_image ("other", "secret");
  g_autofree char *made = g_build_filename (folder, "scratch", "made", NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("attack");
  g_autoptr (JsonObject) result = NULL;
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  struct stat st;
  static const char *const forbidden[]
      = { "core-pattern", "other-image", "network", "kill-agent", "write-read-only", "capabilities", "write-usr",
          "write-root", "read-shadow", "kvm", "user-namespace", "mount", "ptrace", "io-uring", "vsock",
          "wide-socket", "socket-pair", "set-id", "attribute" };
  int listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int pair[2];
  int wide;

  /* What must fail inside works outside. */
  g_assert_cmpint (bind (listener, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (listen (listener, 1), ==, 0);
  g_assert_cmpint (getsockname (listener, (struct sockaddr *) &address, &length), ==, 0);
  g_assert_cmpint (connect (client, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (g_access ("/proc/sys/kernel/core_pattern", W_OK), ==, 0);
  wide = syscall (SYS_socket, (1L << 32) | AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (wide, >=, 0);
  g_assert_cmpint (socketpair (AF_INET, SOCK_STREAM, 0, pair), <, 0);
  g_assert_cmpint (errno, ==, EOPNOTSUPP);

  add_disk (process, given, "/disks/0", FALSE);
  add_disk (process, work, "/disks/1", TRUE);
  json_object_set_string_member (request, "other-image", other);
  json_object_set_int_member (request, "port", ntohs (address.sin_port));
  json_object_set_int_member (request, "agent", getpid ());
  result = run (process, request, NULL, &error);
  g_assert_no_error (error);
  close (client);
  close (listener);
  close (wide);

  for (guint i = 0; i < G_N_ELEMENTS (forbidden); i++)
    {
      g_test_message ("%s", forbidden[i]);
      g_assert_true (json_object_has_member (result, forbidden[i]));
      g_assert_false (cold_json_bool (result, forbidden[i]));
    }
  g_assert_cmpint (cold_json_int (result, "processes"), ==, 2);   /* bubblewrap's init and itself */
  g_assert_cmpint (cold_json_int (result, "descriptors"), ==, 4); /* 0, 1, 2, and the one that counts */
  g_assert_cmpint (cold_json_int (result, "nice"), ==, 10);

  /* What it was given it has, and the owner stays. */
  g_assert_cmpstr (cold_json_string (result, "read"), ==, "disk zero");
  g_assert_true (cold_json_bool (result, "write"));
  g_assert_true (cold_json_bool (result, "local-pair"));
  g_assert_true (cold_json_bool (result, "mode"));
  g_assert_true (g_file_get_contents (work, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "written");
  g_assert_cmpint (stat (work, &st), ==, 0);
  g_assert_cmpuint (st.st_uid, ==, OWNER_ID);
  g_assert_cmpuint (st.st_gid, ==, OWNER_ID);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
  g_assert_true (cold_json_bool (result, "scratch"));
  g_assert_cmpint (stat (made, &st), ==, 0);
  g_assert_cmpuint (st.st_uid, ==, WORKER_ID);
}

static void
test_real_worker_probes (void)
{
  g_autofree char *path = make_image ("real.qcow2", "");
  g_autoptr (GSubprocess) create = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request
      = cold_json_parse_object ("{\"disks\":[{\"path\":\"/disks/0\",\"format\":\"qcow2\"}]}", -1, NULL);
  g_autoptr (JsonObject) result = NULL;
  JsonObject *disk;
  gint64 begin;

  create = g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, "qemu-img", "create", "-q", "-u", "-f", "qcow2",
                             "-b", "missing.raw", "-F", "raw", path, "64M", NULL);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (create, NULL, &error));

  install_programs (g_getenv ("TEST_WORKER"));
  add_disk (process, path, "/disks/0", FALSE);
  begin = g_get_monotonic_time ();
  result = run (process, request, NULL, &error);
  g_test_message ("a probe took %" G_GINT64_FORMAT " ms", (g_get_monotonic_time () - begin) / 1000);
  install_programs (g_getenv ("TEST_INTRUDER"));
  g_assert_no_error (error);
  disk = cold_json_array_object (cold_json_array (result, "disks"), 0);
  g_assert_cmpint (cold_json_int (disk, "virtual-size"), ==, 64 << 20);
  g_assert_cmpstr (cold_json_string (disk, "backing-file"), ==, "missing.raw");
}

static void
assert_worker_error (const char *mode, const char *word)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request (mode);

  g_assert_null (run (process, request, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_WORKER);
  g_test_message ("%s: %s", mode, error->message);
  g_assert_nonnull (strstr (error->message, word));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_null (strchr (error->message, 0x1b));
  g_assert_cmpuint (count_processes_of (WORKER_ID), ==, 0);
}

static void
test_broken_workers (void)
{
  assert_worker_error ("garbage", "protocol");
  assert_worker_error ("endless", "too long");
  assert_worker_error ("silent", "status 0");
  assert_worker_error ("crash", "words");
}

static void
test_lingering_worker_is_ended (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("linger");
  g_autoptr (JsonObject) result = run (process, request, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
  g_assert_cmpuint (count_processes_of (WORKER_ID), ==, 0);
}

static gint64 cancelled_at;

static void
cancel_when_settled (ColdWorkerProcess *process, const char *phase, double fraction, const char *message,
                     gpointer user_data)
{
  g_assert_cmpstr (phase, ==, "settled");
  g_assert_cmpuint (count_processes_of (WORKER_ID), >=, 4);
  cancelled_at = g_get_monotonic_time ();
  g_cancellable_cancel (user_data);
}

static void
test_cancel_leaves_nothing (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("settle");

  g_signal_connect (process, "progress", G_CALLBACK (cancel_when_settled), cancellable);
  g_assert_null (run (process, request, cancellable, &error));
  g_test_message ("from cancel to gone: %" G_GINT64_FORMAT " ms", (g_get_monotonic_time () - cancelled_at) / 1000);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (count_processes_of (WORKER_ID), ==, 0);
}

static gboolean
cancel_now (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

/* While the walls are being put up, when bubblewrap has forked and its child does not follow it into death yet. */
static void
test_cancel_at_any_instant (void)
{
  for (guint delay = 0; delay < 40; delay++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (ColdWorkerProcess) process = make_process ();
      g_autoptr (JsonObject) request = make_request ("settle");

      g_timeout_add (delay, cancel_now, cancellable);
      g_assert_null (run (process, request, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpuint (count_processes_of (WORKER_ID), ==, 0);
    }
}

static void
end_agent (ColdWorkerProcess *process, const char *phase, double fraction, const char *message, gpointer user_data)
{
  kill (getpid (), SIGKILL);
}

/* This program again, as an agent that is killed while its worker has settled. */
static void
be_an_agent (void)
{
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("settle");

  g_signal_connect (process, "progress", G_CALLBACK (end_agent), NULL);
  run (process, request, NULL, NULL);
}

static void
test_agents_death_leaves_nothing (void)
{
  g_autoptr (GSubprocess) agent = NULL;
  g_autoptr (GError) error = NULL;
  guint left;

  g_setenv ("TEST_AGENT_FOLDER", folder, TRUE);
  agent = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, &error, "/proc/self/exe", NULL);
  g_unsetenv ("TEST_AGENT_FOLDER");
  g_assert_no_error (error);
  g_subprocess_wait (agent, NULL, NULL);
  g_assert_true (g_subprocess_get_if_signaled (agent));
  g_assert_cmpint (g_subprocess_get_term_sig (agent), ==, SIGKILL);

  left = count_processes_of (WORKER_ID);
  for (guint i = 0; i < 600 && left > 0; i++)
    {
      g_usleep (50000);
      left = count_processes_of (WORKER_ID);
    }
  g_assert_cmpuint (left, ==, 0);
}

static void
test_storage_without_id_maps_is_refused (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("attack");

  add_disk (process, "/proc/version", "/disks/0", FALSE);
  g_assert_null (run (process, request, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "unsupported-storage: "));
}

static void
test_network_and_disks_exclude_each_other (void)
{
  g_autofree char *path = make_image ("given", "disk zero");
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("attack");

  add_disk (process, path, "/disks/0", FALSE);
  cold_worker_process_set_catalogue (process, COLD_WORKER_CATALOGUE_WRITE);
  g_assert_null (run (process, request, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_WORKER);
}

static void
test_missing_user_is_named (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("silent");

  install_passwd (FALSE);
  g_assert_null (run (process, request, NULL, &error));
  g_assert_cmpint (umount ("/etc/passwd"), ==, 0);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_CONFIG);
  g_assert_nonnull (strstr (error->message, COLD_WORKER_USER));
}

/* As an image that is deleted between being opened and being handed over: nobody's fault, and no reason to call it failed. */
static void
test_deleted_disk (void)
{
  g_autofree char *path = make_image ("deleted", "disk zero");
  g_autoptr (GError) error = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("attack");

  add_disk (process, path, "/disks/0", FALSE);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_null (run (process, request, NULL, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_YIELDED);
}

/* A sandbox that was killed, and left a process that keeps the agent's pipes open, with more of a request in them than they
 * hold. */
static void
test_killed_sandbox_is_not_waited_for (void)
{
  g_autofree char *libexec = g_build_filename (folder, "stray", NULL);
  g_autofree char *program = g_build_filename (libexec, "coldpatch-sandbox", NULL);
  g_autofree char *number = g_build_filename (folder, "stray-number", NULL);
  g_autofree char *script
      = g_strdup_printf ("#!/bin/sh\nexec 5<&0\nsleep 60 <&5 &\necho $! >%s\nkill -9 $$\n", number);
  g_autofree char *padding = g_strnfill (1024 * 1024, 'x');
  g_autofree char *text = NULL;
  g_autoptr (ColdWorkerProcess) process = make_process ();
  g_autoptr (JsonObject) request = make_request ("none");
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) error = NULL;

  g_mkdir (libexec, 0755);
  g_assert_true (g_file_set_contents_full (program, script, -1, G_FILE_SET_CONTENTS_NONE, 0755, NULL));
  g_setenv ("COLDPATCH_LIBEXECDIR", libexec, TRUE);
  json_object_set_string_member (request, "padding", padding);
  result = run (process, request, NULL, &error);
  /* The writing is given up: nothing of it is left in the main context. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  install_programs (g_getenv ("TEST_INTRUDER"));
  g_assert_null (result);
  g_assert_error (error, COLD_ERROR, COLD_ERROR_WORKER);
  g_assert_nonnull (strstr (error->message, "signal 9"));
  /* The stray is still there: nothing else ended the wait. */
  g_assert_true (g_file_get_contents (number, &text, NULL, NULL));
  g_assert_cmpint (kill (atoi (text), SIGKILL), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_autofree char *made = NULL;
  g_autoptr (GSubprocess) remove = NULL;
  int status;

  folder = g_getenv ("TEST_AGENT_FOLDER");
  if (folder != NULL)
    {
      be_an_agent ();
      return 1;
    }

  g_test_init (&argc, &argv, NULL);
  if (geteuid () != 0 || unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    {
      g_print ("1..0 # SKIP the sandbox needs root, and mount namespaces\n");
      return 0;
    }
  made = g_strdup ("/var/tmp/coldpatch-test-sandbox-XXXXXX");
  folder = g_mkdtemp_full (made, 0755);
  g_assert_nonnull (folder);
  install_passwd (TRUE);
  install_programs (g_getenv ("TEST_INTRUDER"));

  g_test_add_func ("/sandbox/walls", test_walls);
  g_test_add_func ("/sandbox/real-worker/probes", test_real_worker_probes);
  g_test_add_func ("/sandbox/broken-worker/is-an-error", test_broken_workers);
  g_test_add_func ("/sandbox/lingering-worker/ended", test_lingering_worker_is_ended);
  g_test_add_func ("/sandbox/cancel/leaves-nothing", test_cancel_leaves_nothing);
  g_test_add_func ("/sandbox/cancel/at-any-instant", test_cancel_at_any_instant);
  g_test_add_func ("/sandbox/agent-death/leaves-nothing", test_agents_death_leaves_nothing);
  g_test_add_func ("/sandbox/storage-without-id-maps/refused", test_storage_without_id_maps_is_refused);
  g_test_add_func ("/sandbox/deleted-disk/yields", test_deleted_disk);
  g_test_add_func ("/sandbox/network-with-disks/refused", test_network_and_disks_exclude_each_other);
  g_test_add_func ("/sandbox/killed/not-waited-for", test_killed_sandbox_is_not_waited_for);
  g_test_add_func ("/sandbox/missing-user/named", test_missing_user_is_named);
  status = g_test_run ();

  remove = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, NULL, "rm", "-rf", "--", folder, NULL);
  if (remove != NULL)
    g_subprocess_wait (remove, NULL, NULL);
  return status;
}
