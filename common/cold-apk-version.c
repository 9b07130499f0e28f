/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apk-version.h"

#include <string.h>

/* Parts in their order within a version. Where one version ends, another that goes on is higher, but for the suffixes of what
 * comes before a release; where both go on, the one with the part that comes earlier here is higher. */
typedef enum
{
  PART_NUMBER,
  PART_LETTER,
  PART_SUFFIX,
  PART_SUFFIX_NUMBER,
  PART_COMMIT,
  PART_REVISION,
  PART_END
} Part;

/* What begins a part that is written; the higher one is the higher version. */
#define NUMBER ".9."
#define NUMBER_WITH_ZERO ".8."
#define LETTER ".7."
#define SUFFIX ".6."
#define SUFFIX_NUMBER ".5."
#define COMMIT ".4."
#define REVISION ".3."
#define UNKNOWN "~2"
#define SUFFIX_BEFORE "~1."

typedef struct
{
  const char *rest;
  Part last;
  GString *written;
} Writer;

static void
write_number (Writer *writer, const char *kind, const char *digits, gsize length)
{
  g_string_append (writer->written, kind);
  g_string_append_len (writer->written, digits, length);
}

/* Texts are compared byte by byte: digits become letters before a to f. Something shorter is lower, whatever follows it: dpkg
 * has a digit end a run of letters. */
static void
write_text (Writer *writer, const char *kind, const char *text, gsize length)
{
  g_string_append (writer->written, kind);
  for (gsize i = 0; i < length; i++)
    g_string_append_c (writer->written, g_ascii_isdigit (text[i]) ? 'a' + (text[i] - '0') : text[i] + 10);
  g_string_append_c (writer->written, '0');
}

static gsize
count (const char *text, const char *accepted)
{
  return strspn (text, accepted);
}

/* Returns: FALSE when there are no digits */
static gboolean
take_number (Writer *writer, const char *kind, Part part)
{
  gsize length = count (writer->rest, "0123456789");

  if (length == 0)
    return FALSE;
  if (part == PART_NUMBER && *writer->rest == '0')
    write_text (writer, NUMBER_WITH_ZERO, writer->rest, length);
  else
    write_number (writer, kind, writer->rest, length);
  writer->rest += length;
  writer->last = part;
  return TRUE;
}

static gboolean
take_suffix (Writer *writer)
{
  static const char *const before[] = { "alpha", "beta", "pre", "rc" };
  static const char *const after[] = { "cvs", "svn", "git", "hg", "p" };
  gsize length = count (writer->rest, "abcdefghijklmnopqrstuvwxyz");

  for (guint i = 0; i < G_N_ELEMENTS (before) + G_N_ELEMENTS (after); i++)
    {
      gboolean is_before = i < G_N_ELEMENTS (before);
      const char *name = is_before ? before[i] : after[i - G_N_ELEMENTS (before)];

      if (strlen (name) != length || memcmp (name, writer->rest, length) != 0)
        continue;
      g_string_append_printf (writer->written, "%s%u", is_before ? SUFFIX_BEFORE : SUFFIX, i);
      writer->rest += length;
      writer->last = PART_SUFFIX;
      return TRUE;
    }
  return FALSE;
}

static gboolean
take_commit (Writer *writer)
{
  gsize length = count (writer->rest, "0123456789abcdef");

  if (length == 0)
    return FALSE;
  write_text (writer, COMMIT, writer->rest, length);
  writer->rest += length;
  writer->last = PART_COMMIT;
  return TRUE;
}

/* Takes what comes next, when it is known and may follow the last part. */
static gboolean
take_part (Writer *writer)
{
  char c = *writer->rest;

  if (g_ascii_islower (c) && writer->last == PART_NUMBER)
    {
      g_string_append_printf (writer->written, LETTER "%u", (guint) c);
      writer->rest++;
      writer->last = PART_LETTER;
      return TRUE;
    }
  if (g_ascii_isdigit (c))
    return writer->last == PART_SUFFIX && take_number (writer, SUFFIX_NUMBER, PART_SUFFIX_NUMBER);
  writer->rest++;
  if (c == '.')
    return writer->last == PART_NUMBER && take_number (writer, NUMBER, PART_NUMBER);
  if (c == '_')
    return writer->last <= PART_SUFFIX_NUMBER && take_suffix (writer);
  if (c == '~')
    return writer->last < PART_COMMIT && take_commit (writer);
  if (c != '-' || writer->last >= PART_REVISION || *writer->rest != 'r')
    return FALSE;
  writer->rest++;
  return take_number (writer, REVISION, PART_REVISION);
}

char *
cold_apk_version_written (const char *version)
{
  GString *written = g_string_new (NULL);
  Writer writer = { version, PART_NUMBER, written };
  gsize length = count (version, "0123456789");
  gboolean known = length > 0;

  /* Zeros in front of the first number mean nothing. */
  write_number (&writer, "", version, length);
  writer.rest += length;
  while (known && *writer.rest != '\0')
    known = take_part (&writer);
  if (!known)
    g_string_append (written, UNKNOWN);
  return g_string_free (written, FALSE);
}
