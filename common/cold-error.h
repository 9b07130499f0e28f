/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * ColdError:
 *
 * What can go wrong, as the bus names it: org.coldpatch1.Error.<name>. The message of every error says what
 * happened, to which thing, and what the admin can do about it.
 */
typedef enum
{
  COLD_ERROR_FAILED,           /* Failed: none of the others */
  COLD_ERROR_INVALID_ARGUMENT, /* InvalidArgument: the caller's words are wrong */
  COLD_ERROR_NOT_FOUND,        /* NotFound: no such pool, volume, domain, job */
  COLD_ERROR_NOT_SUPPORTED,    /* NotSupported: not possible with this volume, guest or version */
  COLD_ERROR_BLOCKED,          /* Blocked: a blocker stands; the message begins with its code */
  COLD_ERROR_BUSY,             /* Busy: another job works on the same volume */
  COLD_ERROR_NOT_CONNECTED,    /* NotConnected: libvirt is not there */
  COLD_ERROR_YIELDED,          /* Yielded: the domain started, or its disk changed */
  COLD_ERROR_ACCESS_DENIED,    /* AccessDenied */
  COLD_ERROR_CONFIG,           /* Config: a configuration file is wrong; file and line are named */
  COLD_ERROR_WORKER,           /* Worker: the worker failed, died, or broke its protocol */
  COLD_ERROR_GUEST,            /* Guest: the guest's own software failed (package manager, file system) */
  COLD_ERROR_SIGNATURE,        /* Signature: metadata or package does not match its signature or hash */
  COLD_ERROR_NETWORK,          /* Network: a repository could not be reached */
  COLD_ERROR_NO_SPACE,         /* NoSpace */
  COLD_ERROR_IO,               /* Io: a system call on a file failed */
  COLD_ERROR_LAST
} ColdError;

#define COLD_ERROR (cold_error_quark ())
GQuark cold_error_quark (void);

/**
 * cold_error_set_errno:
 * @error: (out) (optional): where to put it
 * @saved_errno: the errno to describe
 * @format: what was tried, naming the file
 *
 * Sets NoSpace for ENOSPC and EDQUOT, AccessDenied for EACCES and EPERM, NotFound for ENOENT, Io otherwise.
 * The message is "<format>: <strerror>".
 *
 * Returns: always %FALSE, so that callers can return it
 */
gboolean cold_error_set_errno (GError **error, int saved_errno, const char *format, ...) G_GNUC_PRINTF (3, 4);

/**
 * cold_error_nick:
 *
 * Returns: (not nullable): the last part of the bus name of @code, e.g. "NoSpace"
 */
const char *cold_error_nick (ColdError code);

/**
 * cold_error_from_nick:
 *
 * Returns: the code, or %COLD_ERROR_FAILED for an unknown or %NULL nick
 */
ColdError cold_error_from_nick (const char *nick);

G_END_DECLS
