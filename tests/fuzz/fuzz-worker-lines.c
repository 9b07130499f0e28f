/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker prints, in pieces: the first byte of the input is their length.
 */
#include "cold-worker-lines.h"
#include "fuzz.h"

static void
on_progress (const char *phase, double fraction, const char *message, gpointer user_data)
{
  g_assert_true (*phase != '\0' && fraction >= 0 && fraction <= 1);
  g_assert_true (g_utf8_validate (message, -1, NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ColdWorkerLines) lines = cold_worker_lines_new (on_progress, NULL);
  g_autoptr (GBytes) last = NULL;
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) error = NULL;
  gsize piece;

  if (size < 1)
    return 0;
  piece = MAX (data[0], 1);
  data++, size--;
  while (size > 0)
    {
      gsize n = MIN (piece, size);
      gboolean good = cold_worker_lines_push (lines, (const char *) data, n, &error);

      fuzz_check_error (good, error);
      if (!good)
        return 0;
      data += n, size -= n;
    }
  last = cold_worker_lines_take_last (lines);
  if (last == NULL)
    return 0;
  result = cold_worker_lines_parse_last (last, &error);
  fuzz_check_error (result != NULL, error);
  return 0;
}
