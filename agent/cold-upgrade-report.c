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

/* A worker lists a thousand of a kind; one that was taken over by its guest may say anything, and reports are kept for good.
 * Returns: (transfer full) (nullable): what @node is as far as there is room, %NULL if it is no list */
static JsonNode *
shorten (JsonNode *node, gint64 *left_out)
{
  JsonArray *all = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  g_autoptr (JsonArray) some = json_array_new ();
  gsize size = 0;
  guint n = 0;

  while (all != NULL && n < json_array_get_length (all))
    {
      g_autofree char *text = json_to_string (json_array_get_element (all, n), FALSE);

      size += strlen (text);
      if (size > COLD_UPGRADE_REPORT_MEMBER_MAX)
        break;
      json_array_add_element (some, json_node_copy (json_array_get_element (all, n++)));
    }
  *left_out = all != NULL ? json_array_get_length (all) - n : 0;
  return all != NULL ? json_node_init_array (json_node_alloc (), some) : NULL;
}

static void
copy_member (JsonObject *report, JsonObject *answer, const char *member)
{
  JsonNode *node = json_object_get_member (answer, member);
  g_autofree char *text = json_to_string (node, FALSE);
  g_autofree char *rest = g_strconcat (member, "-left-out", NULL);
  gint64 left_out = 0;
  JsonNode *kept;

  kept = strlen (text) <= COLD_UPGRADE_REPORT_MEMBER_MAX ? json_node_copy (node) : shorten (node, &left_out);
  if (kept != NULL)
    json_object_set_member (report, member, kept);
  if (left_out > 0)
    json_object_set_int_member (report, rest, left_out);
}

static void
copy_members (JsonObject *report, JsonObject *answer, const char *const *members)
{
  for (guint i = 0; members[i] != NULL; i++)
    if (json_object_has_member (answer, members[i]))
      copy_member (report, answer, members[i]);
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
