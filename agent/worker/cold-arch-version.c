/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-arch-version.h"

char *
cold_arch_version_for_solver (const char *version)
{
  GString *written = g_string_new (NULL);

  for (const char *p = version; *p != '\0'; p++)
    {
      if (p > version && g_ascii_isalpha (*p) && g_ascii_isdigit (p[-1]))
        g_string_append_c (written, '~');
      g_string_append_c (written, *p == '~' || *p == '^' ? '+' : *p);
    }
  return g_string_free (written, FALSE);
}
