/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A package manager of our own answers what is installed. */
#include <glib/gstdio.h>

#include "cold-appliance-key.h"

typedef struct
{
  char *base;
  char *supermin;
  char *versions; /* what the package manager says */
  char *asked;    /* what it was asked for */
  char *path;
} Host;

static void
write_file (const char *folder, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, NULL));
}

static void
set_up (Host *host, gconstpointer data)
{
  static const char *const managers[] = { "dpkg-query", "rpm", "pacman" };
  g_autofree char *script = NULL;
  g_autofree char *path = NULL;

  host->base = g_dir_make_tmp ("cold-appliance-XXXXXX", NULL);
  host->supermin = g_build_filename (host->base, "supermin.d", NULL);
  host->versions = g_build_filename (host->base, "versions", NULL);
  host->asked = g_build_filename (host->base, "asked", NULL);
  host->path = g_strdup (g_getenv ("PATH"));
  g_assert_cmpint (g_mkdir (host->supermin, 0755), ==, 0);
  script = g_strdup_printf ("#!/bin/sh\necho \"$@\" >%s\ncat %s\nexit 1\n", host->asked, host->versions);
  for (guint i = 0; i < G_N_ELEMENTS (managers); i++)
    write_file (host->base, managers[i], script);
  path = g_strdup_printf ("%s:%s", host->base, host->path);
  g_setenv ("PATH", path, TRUE);
  write_file (host->supermin, "packages", "bash\ne2fsprogs\n");
  write_file (host->base, "versions", "bash 1\ne2fsprogs 1\n");
}

static void
tear_down (Host *host, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -r %s", host->base);

  g_setenv ("PATH", host->path, TRUE);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (host->base);
  g_free (host->supermin);
  g_free (host->versions);
  g_free (host->asked);
  g_free (host->path);
}

static char *
get_key (Host *host)
{
  return cold_appliance_key ("no-such-maker", host->supermin);
}

static void
test_packages (Host *host, gconstpointer data)
{
  g_autofree char *before = get_key (host);
  g_autofree char *again = get_key (host);
  g_autofree char *asked = NULL;
  g_autofree char *upgraded = NULL;
  g_autofree char *removed = NULL;

  g_assert_cmpstr (before, ==, again);
  if (!g_file_get_contents (host->asked, &asked, NULL, NULL))
    {
      g_test_skip ("this host has no package manager that is known");
      return;
    }
  g_assert_nonnull (strstr (asked, " bash e2fsprogs\n"));
  write_file (host->base, "versions", "bash 1\ne2fsprogs 2\n");
  upgraded = get_key (host);
  g_assert_cmpstr (upgraded, !=, before);
  write_file (host->base, "versions", "bash 1\n");
  removed = get_key (host);
  g_assert_cmpstr (removed, !=, before);
  g_assert_cmpstr (removed, !=, upgraded);
}

/* As when libguestfs-xfs is installed. */
static void
test_lists (Host *host, gconstpointer data)
{
  g_autofree char *before = get_key (host);
  g_autofree char *after = NULL;

  write_file (host->supermin, "packages-xfs", "xfsprogs\n");
  after = get_key (host);
  g_assert_cmpstr (after, !=, before);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/appliance-key/packages", Host, NULL, set_up, test_packages, tear_down);
  g_test_add ("/appliance-key/lists", Host, NULL, set_up, test_lists, tear_down);
  return g_test_run ();
}
