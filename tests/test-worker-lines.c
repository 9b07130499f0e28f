/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-error.h"
#include "cold-json.h"
#include "cold-protocol.h"
#include "cold-worker-lines.h"

#define PROGRESS "{\"type\":\"progress\",\"phase\":\"upgrading\",\"fraction\":0.5,\"message\":\"m\"}\n"
#define RESULT "{\"type\":\"result\",\"answer\":42}\n"

static void
count_progress (const char *phase, double fraction, const char *message, gpointer user_data)
{
  guint *count = user_data;

  g_assert_cmpstr (phase, ==, "upgrading");
  g_assert_cmpfloat (fraction, ==, 0.5);
  g_assert_true (g_utf8_validate (message, -1, NULL));
  (*count)++;
}

/* Returns: the result; %NULL with the error of whatever step failed */
static JsonObject *
converse (const char *text, gsize length, gsize step, guint *n_progress, GError **error)
{
  g_autoptr (ColdWorkerLines) lines = cold_worker_lines_new (count_progress, n_progress);
  g_autoptr (GBytes) last = NULL;

  *n_progress = 0;
  for (gsize at = 0; at < length; at += step)
    if (!cold_worker_lines_push (lines, text + at, MIN (step, length - at), error))
      return NULL;
  last = cold_worker_lines_take_last (lines);
  if (last == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_WORKER, "no last line");
      return NULL;
    }
  return cold_worker_lines_parse_last (last, error);
}

static void
assert_refused (const char *text, gsize length)
{
  g_autoptr (GError) error = NULL;
  guint n_progress;

  g_assert_null (converse (text, length, 65536, &n_progress, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_WORKER);
}

static void
test_lines_in_any_pieces (void)
{
  static const char text[] = PROGRESS PROGRESS RESULT;

  for (gsize step = 1; step <= sizeof text; step++)
    {
      g_autoptr (GError) error = NULL;
      guint n_progress;
      g_autoptr (JsonObject) result = converse (text, sizeof text - 1, step, &n_progress, &error);

      g_assert_no_error (error);
      g_assert_cmpint (cold_json_int (result, "answer"), ==, 42);
      g_assert_cmpuint (n_progress, ==, 2);
    }
}

static void
test_broken_protocol_is_refused (void)
{
  static const char *const texts[] = {
    "",
    "\n",
    "garbage\n",
    "[1,2]\n",
    "{\"type\":\"greeting\"}\n",
    "{\"answer\":42}\n",
    "{\"type\":\"result\",\"name\":\"\xff\xfe\"}\n",
    "{\"type\":\"result\"}",      /* cut off */
    RESULT RESULT,
    RESULT PROGRESS,
    RESULT "x",
    "{\"type\":\"progress\",\"phase\":\"upgrading\",\"fraction\":1.5}\n" RESULT,
    "{\"type\":\"progress\",\"phase\":\"Up\\u001b[31m\",\"fraction\":0.5}\n" RESULT,
    "{\"type\":\"progress\",\"fraction\":0.5}\n" RESULT,
    "{\"type\":\"error\",\"code\":\"Blocked\",\"message\":\"without a blocker\"}\n",
    "{\"type\":\"error\",\"code\":\"Blocked\",\"blocker\":\"../x y\",\"message\":\"m\"}\n",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *name = g_strescape (texts[i], NULL);

      g_test_message ("%s", name);
      assert_refused (texts[i], strlen (texts[i]));
    }
}

static void
test_nul_is_refused (void)
{
  assert_refused ("{\"type\":\"result\"}\0\n", 19);
}

static void
test_oversize_line_is_refused (void)
{
  g_autofree char *text = g_malloc (COLD_PROTOCOL_LINE_MAX + 1);

  memset (text, 'x', COLD_PROTOCOL_LINE_MAX + 1);
  assert_refused (text, COLD_PROTOCOL_LINE_MAX + 1);
}

static void
test_long_result_is_taken (void)
{
  g_autoptr (GString) text = g_string_new ("{\"type\":\"result\",\"answer\":42,\"text\":\"");
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = NULL;
  guint n_progress;

  for (guint i = 0; i < COLD_WORKER_LINES_SHORT; i++)
    g_string_append (text, "long");
  g_string_append (text, "\"}\n");
  result = converse (text->str, text->len, 65536, &n_progress, &error);
  g_assert_no_error (error);
  g_assert_cmpint (cold_json_int (result, "answer"), ==, 42);
}

static void
test_long_line_that_is_no_result_is_refused (void)
{
  g_autofree char *filler = g_strnfill (COLD_WORKER_LINES_SHORT, 'x');
  g_autofree char *text = g_strdup_printf (
      "{\"type\":\"progress\",\"phase\":\"upgrading\",\"fraction\":0.5,\"message\":\"%s\"}\n", filler);

  assert_refused (text, strlen (text));
}

static void
test_flood_of_progress_is_refused (void)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i <= COLD_WORKER_LINES_PROGRESS_MAX; i++)
    g_string_append (text, PROGRESS);
  g_string_append (text, RESULT);
  assert_refused (text->str, text->len);
}

static void
test_reported_errors_keep_their_code (void)
{
  static const char guest[] = "{\"type\":\"error\",\"code\":\"Guest\",\"message\":\"dpkg failed\"}\n";
  static const char blocked[]
      = "{\"type\":\"error\",\"code\":\"Blocked\",\"blocker\":\"encrypted\",\"message\":\"LUKS\"}\n";
  g_autoptr (GError) error = NULL;
  guint n_progress;

  g_assert_null (converse (guest, sizeof guest - 1, 4096, &n_progress, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
  g_assert_cmpstr (error->message, ==, "dpkg failed");
  g_clear_error (&error);
  g_assert_null (converse (blocked, sizeof blocked - 1, 4096, &n_progress, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_cmpstr (error->message, ==, "encrypted: LUKS");
}

static void
test_long_message_is_cut (void)
{
  g_autofree char *message = g_strnfill (100000, 'x');
  g_autofree char *line = g_strdup_printf ("{\"type\":\"error\",\"code\":\"Guest\",\"message\":\"%s\"}\n", message);
  g_autoptr (GError) error = NULL;
  guint n_progress;

  g_assert_null (converse (line, strlen (line), 4096, &n_progress, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_GUEST);
  g_assert_cmpuint (strlen (error->message), ==, COLD_WORKER_LINES_MESSAGE_MAX);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/worker-lines/in-any-pieces", test_lines_in_any_pieces);
  g_test_add_func ("/worker-lines/broken-protocol/refused", test_broken_protocol_is_refused);
  g_test_add_func ("/worker-lines/nul/refused", test_nul_is_refused);
  g_test_add_func ("/worker-lines/oversize/refused", test_oversize_line_is_refused);
  g_test_add_func ("/worker-lines/long-result/taken", test_long_result_is_taken);
  g_test_add_func ("/worker-lines/long-progress/refused", test_long_line_that_is_no_result_is_refused);
  g_test_add_func ("/worker-lines/flood/refused", test_flood_of_progress_is_refused);
  g_test_add_func ("/worker-lines/errors/keep-their-code", test_reported_errors_keep_their_code);
  g_test_add_func ("/worker-lines/errors/long-message-is-cut", test_long_message_is_cut);
  return g_test_run ();
}
