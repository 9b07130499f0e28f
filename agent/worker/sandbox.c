/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coldpatch-sandbox: puts the worker into its sandbox, and sees to it that nothing of it is left.
 *
 *   coldpatch-sandbox --parent PID --uid UID --gid GID --scratch DIR [--kvm] [--network] [--appliance DIR]
 *                     [--catalogue-ro DIR | --catalogue-rw DIR] [--disk-ro FD INSIDE | --disk-rw FD INSIDE]...
 *                     [--bind SOURCE INSIDE]... -- WORKER VERB
 *
 * Started by the agent as root. It hands the disks over as idmapped single-file mounts, drops to the worker's user, and
 * runs bubblewrap, which would stay root on the host had root started it. Then it waits as the reaper of all that comes
 * from it: when this process ends, no process of the sandbox is left, so the agent has one process to wait for. SIGTERM,
 * which also comes when the agent dies, kills the sandbox; if this process is killed, bubblewrap dies with it.
 *
 * What goes wrong here is said with an error line in the worker's place.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cold-names.h"
#include "sandbox.h"

#define ARGUMENTS_MAX 1024
#define DISKS_MAX 256
#define FILTER_FD 3
#define NICENESS 10

/* Bubblewrap's command line, in the making. */
static const char *arguments[ARGUMENTS_MAX + 1];
static unsigned int n_arguments;

typedef struct
{
  int fd;
  bool writable;
  const char *inside;
} Disk;

typedef struct
{
  pid_t parent;
  uid_t uid;
  gid_t gid;
  bool kvm;
  bool network;
  const char *scratch;
  const char *appliance;
  const char *catalogue;
  bool catalogue_writable;
  Disk disks[DISKS_MAX];
  unsigned int n_disks;
  const char *binds[DISKS_MAX][2]; /* source, inside */
  unsigned int n_binds;
  char **command;
} Options;

void
sandbox_fail (const char *code, const char *blocker, const char *format, ...)
{
  char message[1024];
  va_list args;

  va_start (args, format);
  vsnprintf (message, sizeof message, format, args);
  va_end (args);
  /* Only our own words and paths of the agent get here: what JSON would have to escape is left out. */
  for (char *p = message; *p != '\0'; p++)
    if (*p == '"' || *p == '\\' || (unsigned char) *p < ' ' || (unsigned char) *p > '~')
      *p = '?';
  if (blocker != NULL)
    printf ("{\"type\":\"error\",\"code\":\"%s\",\"blocker\":\"%s\",\"message\":\"%s\"}\n", code, blocker, message);
  else
    printf ("{\"type\":\"error\",\"code\":\"%s\",\"message\":\"%s\"}\n", code, message);
  fflush (stdout);
  _exit (1);
}

static unsigned long
parse_number (const char *text)
{
  char *end;
  unsigned long number;

  errno = 0;
  number = text != NULL ? strtoul (text, &end, 10) : 0;
  if (text == NULL || errno != 0 || *text == '\0' || *end != '\0' || number > 0xfffffffe)
    sandbox_fail ("Worker", NULL, "coldpatch-sandbox: not a number: %s", text != NULL ? text : "nothing");
  return number;
}

/* The second word of an option that has two. */
static const char *
second_word (int argc, char *argv[])
{
  if (optind >= argc)
    sandbox_fail ("Worker", NULL, "coldpatch-sandbox: an option lacks its second argument");
  return argv[optind++];
}

static void
parse_options (int argc, char *argv[], Options *options)
{
  enum { PARENT, UID, GID, KVM, NETWORK, SCRATCH, APPLIANCE, CATALOGUE_RO, CATALOGUE_RW, DISK_RO, DISK_RW, BIND };
  static const struct option names[] = {
    { "parent", required_argument, NULL, PARENT },
    { "uid", required_argument, NULL, UID },
    { "gid", required_argument, NULL, GID },
    { "kvm", no_argument, NULL, KVM },
    { "network", no_argument, NULL, NETWORK },
    { "scratch", required_argument, NULL, SCRATCH },
    { "appliance", required_argument, NULL, APPLIANCE },
    { "catalogue-ro", required_argument, NULL, CATALOGUE_RO },
    { "catalogue-rw", required_argument, NULL, CATALOGUE_RW },
    { "disk-ro", required_argument, NULL, DISK_RO },
    { "disk-rw", required_argument, NULL, DISK_RW },
    { "bind", required_argument, NULL, BIND },
    { NULL },
  };
  int option;

  while ((option = getopt_long (argc, argv, "+", names, NULL)) != -1)
    switch (option)
      {
      case PARENT:
        options->parent = parse_number (optarg);
        break;
      case UID:
        options->uid = parse_number (optarg);
        break;
      case GID:
        options->gid = parse_number (optarg);
        break;
      case KVM:
        options->kvm = true;
        break;
      case NETWORK:
        options->network = true;
        break;
      case SCRATCH:
        options->scratch = optarg;
        break;
      case APPLIANCE:
        options->appliance = optarg;
        break;
      case CATALOGUE_RO:
      case CATALOGUE_RW:
        options->catalogue = optarg;
        options->catalogue_writable = option == CATALOGUE_RW;
        break;
      case DISK_RO:
      case DISK_RW:
        if (options->n_disks == DISKS_MAX)
          sandbox_fail ("Worker", NULL, "more than %d disks", DISKS_MAX);
        options->disks[options->n_disks++]
            = (Disk) { parse_number (optarg), option == DISK_RW, second_word (argc, argv) };
        break;
      case BIND:
        if (options->n_binds == DISKS_MAX)
          sandbox_fail ("Worker", NULL, "more than %d files to bind", DISKS_MAX);
        options->binds[options->n_binds][0] = optarg;
        options->binds[options->n_binds++][1] = second_word (argc, argv);
        break;
      default:
        sandbox_fail ("Worker", NULL, "coldpatch-sandbox: wrong arguments");
      }
  options->command = argv + optind;
  if (options->uid == 0 || options->gid == 0 || options->parent == 0 || options->scratch == NULL || argc - optind != 2)
    sandbox_fail ("Worker", NULL, "coldpatch-sandbox: arguments are missing, or the worker would be root");
  /* A worker with a network could send an image away, and one with an image is as good as the guest's author. */
  if (options->network && options->n_disks > 0)
    sandbox_fail ("Worker", NULL, "coldpatch-sandbox: network and disks exclude each other");
}

static void
add (const char *first, ...)
{
  va_list args;

  va_start (args, first);
  for (const char *arg = first; arg != NULL; arg = va_arg (args, const char *))
    {
      if (n_arguments == ARGUMENTS_MAX)
        sandbox_fail ("Worker", NULL, "too many arguments for bubblewrap");
      arguments[n_arguments++] = arg;
    }
  va_end (args);
}

/* /bin and its like: links into /usr on a merged system, folders on others. */
static void
add_system (void)
{
  static const char *const folders[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32" };

  add ("--ro-bind", "/usr", "/usr", NULL);
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
    {
      char target[256];
      ssize_t length = readlink (folders[i], target, sizeof target - 1);

      if (length > 0)
        {
          target[length] = '\0';
          add ("--symlink", strdup (target), folders[i], NULL);
        }
      else
        {
          add ("--ro-bind-try", folders[i], folders[i], NULL);
        }
    }
}

static void
add_etc (const Options *options)
{
  static const char *const always[] = { "/etc/ld.so.cache", "/etc/alternatives" };
  /* Name resolution and certificates. */
  static const char *const for_network[] = {
    "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
    "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies",
  };
  char *text;

  if (asprintf (&text, "root:x:0:0::/:/usr/sbin/nologin\n" COLD_WORKER_USER ":x:%u:%u::/scratch:/usr/sbin/nologin\n",
                options->uid, options->gid) < 0)
    sandbox_fail ("Worker", NULL, "out of memory");
  add ("--ro-bind", sandbox_stage_file (text), "/etc/passwd", NULL);
  free (text);
  if (asprintf (&text, "root:x:0:\n" COLD_WORKER_USER ":x:%u:\n", options->gid) < 0)
    sandbox_fail ("Worker", NULL, "out of memory");
  add ("--ro-bind", sandbox_stage_file (text), "/etc/group", NULL);
  free (text);

  for (size_t i = 0; i < sizeof always / sizeof *always; i++)
    add ("--ro-bind-try", always[i], always[i], NULL);
  for (size_t i = 0; options->network && i < sizeof for_network / sizeof *for_network; i++)
    add ("--ro-bind-try", for_network[i], for_network[i], NULL);
}

static void
add_environment (const Options *options)
{
  static const char *const proxies[] = { "http_proxy", "https_proxy", "all_proxy", "no_proxy",
                                         "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY" };

  add ("--clearenv", "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "LC_ALL", "C.UTF-8", NULL);
  /* libguestfs keeps its overlays in TMPDIR: on disk, not in memory. Its sockets need a short path. */
  add ("--setenv", "HOME", "/scratch", "--setenv", "TMPDIR", "/scratch", "--setenv", "XDG_RUNTIME_DIR", "/run", NULL);
  add ("--setenv", "LIBGUESTFS_PATH", "/appliance", "--setenv", "LIBGUESTFS_BACKEND", "direct", NULL);
#ifdef __SANITIZE_ADDRESS__
  add ("--setenv", "ASAN_OPTIONS", "detect_leaks=0", NULL); /* finding leaks needs ptrace */
#endif
  for (size_t i = 0; options->network && i < sizeof proxies / sizeof *proxies; i++)
    if (getenv (proxies[i]) != NULL)
      add ("--setenv", proxies[i], getenv (proxies[i]), NULL);
}

static void
prepare (const Options *options)
{
  int mounts[DISKS_MAX];

  for (unsigned int i = 0; i < options->n_disks; i++)
    mounts[i] = sandbox_clone_disk (options->disks[i].fd, options->disks[i].writable, options->uid, options->gid);
  sandbox_open_stage ();

  add ("bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--cap-drop", "ALL", NULL);
  add ("--hostname", "coldpatch", "--seccomp", "3", NULL);
  if (options->network)
    add ("--share-net", NULL);
  add_environment (options);
  add_system ();
  add_etc (options);
  add ("--proc", "/proc", "--tmpfs", "/proc/sys", "--remount-ro", "/proc/sys", "--dev", "/dev", NULL);
  if (options->kvm)
    add ("--dev-bind", "/dev/kvm", "/dev/kvm", NULL);
  add ("--size", "268435456", "--tmpfs", "/tmp", "--size", "268435456", "--tmpfs", "/var/tmp", NULL);
  add ("--size", "16777216", "--tmpfs", "/run", NULL);

  for (unsigned int i = 0; i < options->n_disks; i++)
    add (options->disks[i].writable ? "--bind" : "--ro-bind", sandbox_stage_mount (mounts[i]),
         options->disks[i].inside, NULL);
  for (unsigned int i = 0; i < options->n_binds; i++)
    add ("--ro-bind", sandbox_stage_bind (options->binds[i][0]), options->binds[i][1], NULL);
  if (options->appliance != NULL)
    add ("--ro-bind", sandbox_stage_bind (options->appliance), "/appliance", NULL);
  if (options->catalogue != NULL)
    add (options->catalogue_writable ? "--bind" : "--ro-bind", sandbox_stage_bind (options->catalogue), "/catalogue",
         NULL);
  add ("--bind", sandbox_stage_bind (options->scratch), "/scratch", "--chdir", "/scratch", NULL);
  /* A build tree: /usr is there already. Last, since it may lie below /tmp. */
  if (strncmp (options->command[0], "/usr/", 5) != 0)
    add ("--ro-bind", sandbox_stage_bind (options->command[0]), options->command[0], NULL);
  /* What is left to write to has a size: bubblewrap's own tmpfs have none. */
  add ("--remount-ro", "/dev", "--remount-ro", "/", "--", options->command[0], options->command[1], NULL);
}

static void
set_limit (int resource, rlim_t value)
{
  const struct rlimit limit = { value, value };

  if (setrlimit (resource, &limit) < 0)
    sandbox_fail ("Worker", NULL, "cannot set a resource limit: %s", strerror (errno));
}

/* The end of being root. */
static void
drop (const Options *options)
{
  struct stat st;
  gid_t groups[1];
  int n_groups = 0;
  int fd;

  /* When memory gets short, the worker goes before somebody's domain. */
  fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write (fd, "500", 3) != 3)
    fprintf (stderr, "cannot set oom_score_adj: %s\n", strerror (errno));
  close (fd);
  set_limit (RLIMIT_CORE, 0);
  set_limit (RLIMIT_NOFILE, 4096);
  set_limit (RLIMIT_NPROC, 4096);
#ifndef __SANITIZE_ADDRESS__ /* its shadow memory takes terabytes of addresses */
  set_limit (RLIMIT_AS, (rlim_t) 16 << 30);
#endif

  if (options->kvm)
    {
      if (stat ("/dev/kvm", &st) < 0)
        sandbox_fail ("Worker", NULL, "no /dev/kvm: %s", strerror (errno));
      /* Where the device is root's group's, only its mode for all can let the worker in. */
      if (st.st_gid != 0)
        groups[n_groups++] = st.st_gid;
    }
  if (setgroups (n_groups, groups) < 0 || setresgid (options->gid, options->gid, options->gid) < 0
      || setresuid (options->uid, options->uid, options->uid) < 0)
    sandbox_fail ("Worker", NULL, "cannot become user %u: %s", options->uid, strerror (errno));
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl (PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
    sandbox_fail ("Worker", NULL, "prctl: %s", strerror (errno));
  /* A change of user clears it, so it comes here; the agent may have died before. */
  if (prctl (PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0 || getppid () != options->parent)
    _exit (1);
}

/*
 * Bubblewrap's child does not follow it into death until it has dropped its privileges: killed before that, bubblewrap leaves
 * it to us, waiting for ever, or with the whole worker to come. Nobody but us takes a child of ours away, so the numbers are
 * right; who is missed in the list, because another child ended meanwhile, is in the next.
 */
static void
kill_children (void)
{
  FILE *list = fopen ("/proc/thread-self/children", "re");
  int pid;

  if (list == NULL)
    return;
  while (fscanf (list, "%d", &pid) == 1)
    kill (pid, SIGKILL);
  fclose (list);
}

/* Returns: what to exit with, when no descendant is left */
static int
supervise (pid_t bubblewrap, const sigset_t *signals)
{
  int status = 1;

  for (;;)
    {
      int wait_status;
      pid_t pid;

      while ((pid = waitpid (-1, &wait_status, WNOHANG)) > 0)
        if (pid == bubblewrap)
          {
            status = WIFEXITED (wait_status) ? WEXITSTATUS (wait_status) : 1;
            bubblewrap = 0;
          }
      if (pid < 0 && errno == ECHILD)
        return status;
      if (bubblewrap == 0)
        kill_children ();
      if (sigwaitinfo (signals, NULL) == SIGTERM)
        kill_children ();
    }
}

int
main (int argc, char *argv[])
{
  Options options = { 0 };
  sigset_t signals, before;
  pid_t bubblewrap;
  int filter;

  parse_options (argc, argv, &options);
  setsid ();
  umask (0022);
  prepare (&options);
  filter = sandbox_make_filter ();
  drop (&options);

  sigemptyset (&signals);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGCHLD);
  sigprocmask (SIG_BLOCK, &signals, &before);
  bubblewrap = fork ();
  if (bubblewrap < 0)
    sandbox_fail ("Worker", NULL, "cannot fork: %s", strerror (errno));
  if (bubblewrap == 0)
    {
      sigprocmask (SIG_SETMASK, &before, NULL);
      /* Domains that run come first: a tenth of a busy CPU is left. The priority of what it reads and writes follows from it. */
      if (getpriority (PRIO_PROCESS, 0) < NICENESS && setpriority (PRIO_PROCESS, 0, NICENESS) < 0)
        sandbox_fail ("Worker", NULL, "setpriority: %s", strerror (errno));
      if ((filter != FILTER_FD && dup2 (filter, FILTER_FD) < 0) || close_range (FILTER_FD + 1, ~0U, 0) < 0)
        sandbox_fail ("Worker", NULL, "cannot order descriptors: %s", strerror (errno));
      execv ("/usr/bin/bwrap", (char **) arguments);
      sandbox_fail ("Worker", NULL, "cannot run /usr/bin/bwrap (package bubblewrap): %s", strerror (errno));
    }
  /* The worker's ends of the conversation are the worker's alone. */
  close_range (0, ~0U, 0);
  return supervise (bubblewrap, &signals);
}
