/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-crash-point.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
cold_crash_point (const char *name)
{
  static int passed;
  const char *wanted = getenv ("COLDPATCH_CRASH_AT");
  size_t length = strlen (name);

  if (wanted == NULL || strncmp (wanted, name, length) != 0 || (wanted[length] != '\0' && wanted[length] != ':'))
    return;
  if (++passed >= (wanted[length] == ':' ? atoi (wanted + length + 1) : 1))
    kill (getpid (), SIGKILL);
}
