/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers that a test starts are asked directly, whatever proxy the machine has. */
#pragma once

#include <glib.h>

static inline void
no_proxy (void)
{
  static const char *const names[] = { "http_proxy", "https_proxy", "all_proxy",  "no_proxy",
                                       "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_unsetenv (names[i]);
}
