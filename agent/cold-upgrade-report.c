/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-upgrade-report.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "cold-job-logs.h"
#include "cold-json.h"
#include "cold-names.h"

/* A log is read by people. */
#define LOG_SIZE_MAX (16 * 1024 * 1024)

char *
cold_upgrade_report_failed_checks (JsonObject *verified)
{
  g_autoptr (GString) text = g_string_new (NULL);
  JsonArray *checks = cold_json_array (verified, "checks");

  for (guint i = 0; checks != NULL && i < json_array_get_length (checks); i++)
    {
      JsonObject *check = cold_json_array_object (checks, i);

      if (check != NULL && !cold_json_bool (check, "ok"))
        g_string_append_printf (text, "%s%s (%s)", text->len > 0 ? "; " : "", cold_json_string (check, "name"),
                                cold_json_string (check, "detail") != NULL ? cold_json_string (check, "detail") : "");
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* The log belongs to the worker's user: it may be anything by now. */
void
cold_upgrade_report_keep_log (ColdJob *job, const char *scratch)
{
  g_autofree char *from = g_build_filename (scratch, "upgrade.log", NULL);
  g_autofree char *to = g_strdup_printf ("%s/%u.log", COLD_LOG_DIR, cold_job_get_number (job));
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_open (from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  struct stat st;
  gssize length = 0;

  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && st.st_size > 0)
    {
      text = g_malloc (MIN (st.st_size, LOG_SIZE_MAX));
      length = read (fd, text, MIN (st.st_size, LOG_SIZE_MAX));
    }
  if (fd >= 0)
    g_close (fd, NULL);
  if (length <= 0)
    return;
  if (!g_file_set_contents_full (to, text, length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
    g_warning ("job %u: its log could not be kept: %s", cold_job_get_number (job), error->message);
  else
    cold_job_set_log (job, to);
  cold_job_logs_sweep (COLD_LOG_DIR, COLD_JOB_LOGS_MAX);
}

static void
copy_members (JsonObject *report, JsonObject *answer, const char *const *members)
{
  for (guint i = 0; members[i] != NULL; i++)
    if (json_object_has_member (answer, members[i]))
      json_object_set_member (report, members[i], json_node_copy (json_object_get_member (answer, members[i])));
}

void
cold_upgrade_report_add (JsonObject *report, JsonObject *answer)
{
  const char *const members[] = { "deferred", "kept-config", "replaced-config", "restored", "kernel-changed",
                                  "changed-files", "unattributed", "failed-scripts", NULL };

  copy_members (report, answer, members);
}

void
cold_upgrade_report_add_verified (JsonObject *report, JsonObject *verified)
{
  const char *const members[] = { "checks", "differences", NULL };

  copy_members (report, verified, members);
}

void
cold_upgrade_report_add_left (JsonObject *report, JsonObject *plan)
{
  static const char *const members[] = { "held", "kept-back", "problems" };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_auto (GStrv) texts = cold_json_strv (plan, members[i]);

      cold_json_set_strv (report, members[i], (const char *const *) texts);
    }
}
