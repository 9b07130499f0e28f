/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coldpatch-worker VERB: one request line on stdin, progress lines and one last line on stdout, as
 * common/cold-protocol.h says. It trusts nothing that it reads and is not trusted itself: coldpatch-sandbox starts it.
 *
 * "coldpatch-worker modules YAML FILE" is no verb: a worker starts itself like that (cold-rpm-modules.h).
 */
#include <locale.h>
#include <stdio.h>

#include "cold-channel.h"
#include "cold-error.h"
#include "cold-json.h"
#include "cold-protocol.h"
#include "cold-rpm-modules.h"
#include "cold-verb.h"

static const struct
{
  const char *name;
  ColdVerbFunc func;
} verbs[] = {
  { COLD_VERB_BUNDLE, cold_verb_bundle },
  { COLD_VERB_FETCH, cold_verb_fetch },
  { COLD_VERB_INSPECT, cold_verb_inspect },
  { COLD_VERB_LAUNCH, cold_verb_launch },
  { COLD_VERB_PLAN, cold_verb_plan },
  { COLD_VERB_PROBE, cold_verb_probe },
  { COLD_VERB_UPGRADE, cold_verb_upgrade },
  { COLD_VERB_VERIFY, cold_verb_verify },
};

static JsonObject *
run_verb (const char *name, GError **error)
{
  g_autoptr (JsonObject) request = cold_channel_read_request (error);

  if (request == NULL)
    return NULL;
  if (g_strcmp0 (cold_json_string (request, "verb"), name) != 0)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "the request is not for the verb %s", name);
      return NULL;
    }
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, name))
      return verbs[i].func (request, error);
  g_set_error (error, COLD_ERROR, COLD_ERROR_NOT_SUPPORTED, "this coldpatch-worker has no verb %s", name);
  return NULL;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = NULL;

  if (argc == 4 && g_str_equal (argv[1], COLD_RPM_MODULES_COMMAND))
    return cold_rpm_modules_main (argv[2], argv[3]);
  if (argc != 2)
    {
      fprintf (stderr, "usage: coldpatch-worker VERB\n");
      return 2;
    }
  /* Tools that we run answer in English, and in UTF-8. */
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  setlocale (LC_ALL, "");
  if (!cold_channel_open (&error))
    {
      fprintf (stderr, "%s\n", error->message);
      return 2;
    }
  result = run_verb (argv[1], &error);
  if (result == NULL)
    {
      cold_channel_send_error (error);
      return 1;
    }
  return cold_channel_send_result (result) ? 0 : 1;
}
