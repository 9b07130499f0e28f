/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What gpgv says of a signature, which has texts of whoever signed in it. The first byte is the exit status.
 */
#include "cold-signature.h"
#include "fuzz.h"

static gboolean
says (const char *text, const char *word)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], word))
      return TRUE;
  return FALSE;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (size > 0 ? data + 1 : data, size > 0 ? size - 1 : 0);
  int exit_status = size > 0 ? data[0] % 4 - 1 : 0;
  const char *refusal = cold_signature_judge (text, exit_status);

  g_assert_true (refusal == NULL || *refusal != '\0');
  g_assert_true (refusal != NULL
                 || (says (text, "[GNUPG:] GOODSIG ") && says (text, "[GNUPG:] VALIDSIG ") && !says (text, "[GNUPG:] BADSIG ")
                     && (exit_status == 0 || exit_status == 2)));
  return 0;
}
