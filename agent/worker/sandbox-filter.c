/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls that nothing in the sandbox needs: ways to more privilege, to other processes, to kernel code with a
 * history of holes. A list of what is refused, since QEMU, libguestfs, gpgv and libsoup change what they use; refused is
 * EPERM, so that programs fall back where they can.
 */
#include <errno.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"

static const int refused[] = {
  /* Mounts and namespaces */
  SCMP_SYS (mount), SCMP_SYS (umount), SCMP_SYS (umount2), SCMP_SYS (pivot_root), SCMP_SYS (chroot),
  SCMP_SYS (open_tree), SCMP_SYS (move_mount), SCMP_SYS (mount_setattr), SCMP_SYS (fsopen), SCMP_SYS (fsconfig),
  SCMP_SYS (fsmount), SCMP_SYS (fspick), SCMP_SYS (unshare), SCMP_SYS (setns),
  /* Other processes, and their descriptors */
  SCMP_SYS (ptrace), SCMP_SYS (process_vm_readv), SCMP_SYS (process_vm_writev), SCMP_SYS (kcmp),
  SCMP_SYS (pidfd_getfd), SCMP_SYS (process_madvise), SCMP_SYS (move_pages), SCMP_SYS (migrate_pages),
  /* Files without a path */
  SCMP_SYS (open_by_handle_at), SCMP_SYS (name_to_handle_at), SCMP_SYS (fanotify_init),
  /* Code in the kernel, and large, young interfaces to it */
  SCMP_SYS (bpf), SCMP_SYS (perf_event_open), SCMP_SYS (userfaultfd), SCMP_SYS (io_uring_setup),
  SCMP_SYS (io_uring_enter), SCMP_SYS (io_uring_register), SCMP_SYS (init_module), SCMP_SYS (finit_module),
  SCMP_SYS (delete_module), SCMP_SYS (kexec_load), SCMP_SYS (kexec_file_load),
  SCMP_SYS (add_key), SCMP_SYS (request_key), SCMP_SYS (keyctl),
  /* The machine */
  SCMP_SYS (reboot), SCMP_SYS (swapon), SCMP_SYS (swapoff), SCMP_SYS (acct), SCMP_SYS (quotactl), SCMP_SYS (syslog),
  SCMP_SYS (sethostname), SCMP_SYS (setdomainname), SCMP_SYS (settimeofday), SCMP_SYS (clock_settime),
  SCMP_SYS (adjtimex), SCMP_SYS (clock_adjtime), SCMP_SYS (vhangup), SCMP_SYS (iopl), SCMP_SYS (ioperm),
  SCMP_SYS (modify_ldt), SCMP_SYS (personality), SCMP_SYS (lookup_dcookie), SCMP_SYS (nfsservctl),
  SCMP_SYS (uselib), SCMP_SYS (ustat), SCMP_SYS (sysfs),
};

static const unsigned int namespaces[] = {
  CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP,
};

/* Further than this header's AF_MAX: the kernel that runs may be a younger one. */
#define FAMILIES_END 128

static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };

static bool
is_family (int family)
{
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (families[i] == family)
      return true;
  return false;
}

/* A work copy belongs to the worker while it has it, and to root on the host: no bit, label or capability of a program on it.
 * (The agent looks at it, too.) Numbers are those of all architectures, for headers that are older than the call. */
static const int sets_attributes[] = {
  SCMP_SYS (setxattr), SCMP_SYS (lsetxattr), SCMP_SYS (fsetxattr),
  SCMP_SYS (removexattr), SCMP_SYS (lremovexattr), SCMP_SYS (fremovexattr),
};
static const int sets_attributes_too[] = {
  452 /* fchmodat2 */, 463 /* setxattrat */, 466 /* removexattrat */, 469 /* file_setattr */
};

static int
add_file_rules (scmp_filter_ctx filter)
{
  static const struct
  {
    int call;
    unsigned int mode; /* which argument it is */
  } modes[] = { { SCMP_SYS (chmod), 1 }, { SCMP_SYS (fchmod), 1 }, { SCMP_SYS (fchmodat), 2 } };
  static const unsigned int bits[] = { S_ISUID, S_ISGID };
  int rc = 0;

  for (size_t i = 0; rc == 0 && i < sizeof modes / sizeof *modes; i++)
    for (size_t j = 0; rc == 0 && j < sizeof bits / sizeof *bits; j++)
      rc = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), modes[i].call, 1,
                             SCMP_CMP (modes[i].mode, SCMP_CMP_MASKED_EQ, bits[j], bits[j]));
  for (size_t i = 0; rc == 0 && i < sizeof sets_attributes / sizeof *sets_attributes; i++)
    rc = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EOPNOTSUPP), sets_attributes[i], 0);
  /* Unknown to the kernel: libc falls back to the calls above. */
  for (size_t i = 0; rc == 0 && i < sizeof sets_attributes_too / sizeof *sets_attributes_too; i++)
    rc = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), sets_attributes_too[i], 0);
  return rc;
}

/* The kernel takes the family for an int, so that only these 32 bits of the argument may count. */
static int
refuse_family (scmp_filter_ctx filter, int call, int family)
{
  return seccomp_rule_add (filter, SCMP_ACT_ERRNO (EAFNOSUPPORT), call, 1,
                           SCMP_A0 (SCMP_CMP_MASKED_EQ, 0xffffffff, (scmp_datum_t) family));
}

static int
add_rules (scmp_filter_ctx filter)
{
  const unsigned int refuse = SCMP_ACT_ERRNO (EPERM);
  int rc = 0;

  for (size_t i = 0; rc == 0 && i < sizeof refused / sizeof *refused; i++)
    /* Old calls that this architecture never had have no number. */
    if (refused[i] >= 0)
      rc = seccomp_rule_add (filter, refuse, refused[i], 0);

  for (size_t i = 0; rc == 0 && i < sizeof namespaces / sizeof *namespaces; i++)
    rc = seccomp_rule_add (filter, refuse, SCMP_SYS (clone), 1,
                           SCMP_A0 (SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
  /* Its flags lie in memory, out of the filter's sight: libc falls back to clone(). */
  if (rc == 0)
    rc = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);

  for (int family = 0; rc == 0 && family < FAMILIES_END; family++)
    {
      if (!is_family (family))
        rc = refuse_family (filter, SCMP_SYS (socket), family);
      if (rc == 0 && family != AF_UNIX)
        rc = refuse_family (filter, SCMP_SYS (socketpair), family);
    }
  if (rc == 0)
    rc = add_file_rules (filter);
  /* Pushing input into a terminal. */
  if (rc == 0)
    rc = seccomp_rule_add (filter, refuse, SCMP_SYS (ioctl), 1, SCMP_A1 (SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI));
  return rc;
}

int
sandbox_make_filter (void)
{
  /* Calls of other architectures (32 bit) would get around the list: libseccomp's default kills them. */
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int fd = memfd_create ("seccomp", 0);
  int rc;

  if (filter == NULL || fd < 0)
    sandbox_fail ("Worker", NULL, "cannot make a seccomp filter");
  rc = add_rules (filter);
  if (rc == 0)
    rc = seccomp_export_bpf (filter, fd);
  if (rc != 0 || lseek (fd, 0, SEEK_SET) < 0)
    sandbox_fail ("Worker", NULL, "cannot make a seccomp filter: %s", strerror (-rc));
  seccomp_release (filter);
  return fd;
}
