/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-rpm-ndb.h"

#include <string.h>

#include "cold-error.h"

#define PAGE 4096
#define SLOT 16
#define BLOCK 16
#define FIRST_SLOT 2 /* the header takes the place of two */

static guint32
word (const guint8 *at)
{
  guint32 value;

  memcpy (&value, at, sizeof value);
  return GUINT32_FROM_LE (value);
}

static gboolean
set_damaged (GError **error, const char *what)
{
  g_set_error (error, COLD_ERROR, COLD_ERROR_GUEST, "the guest's rpm database is damaged: %s", what);
  return FALSE;
}

static gboolean
is_slot (const guint8 *at)
{
  return memcmp (at, "Slot", 4) == 0;
}

static gboolean
read_blob (const guint8 *content, gsize length, const guint8 *slot, ColdRpmNdbFunc func, gpointer user_data,
           GError **error)
{
  guint64 offset = (guint64) word (slot + 8) * BLOCK;
  guint64 room = (guint64) word (slot + 12) * BLOCK;
  const guint8 *blob;

  if (room < BLOCK || offset > length || room > length - offset)
    return set_damaged (error, "a package lies outside of the file");
  blob = content + offset;
  if (memcmp (blob, "BlbS", 4) != 0 || word (blob + 4) != word (slot + 4) || word (blob + 12) > room - BLOCK)
    return set_damaged (error, "a package is not where it should be");
  return func (blob + BLOCK, word (blob + 12), user_data, error);
}

gboolean
cold_rpm_ndb_foreach (const guint8 *content, gsize length, ColdRpmNdbFunc func, gpointer user_data, GError **error)
{
  guint64 end;

  if (length < PAGE || memcmp (content, "RpmP", 4) != 0 || word (content + 4) != 0)
    return set_damaged (error, "Packages.db is no database");
  end = (guint64) word (content + 12) * PAGE;
  if (end < PAGE || end > length)
    return set_damaged (error, "Packages.db is cut short");
  for (guint64 at = FIRST_SLOT * SLOT; at < end; at += SLOT)
    {
      if (!is_slot (content + at))
        return set_damaged (error, "Packages.db has no slot where one should be");
      if (word (content + at + 4) != 0 && !read_blob (content, length, content + at, func, user_data, error))
        return FALSE;
    }
  return TRUE;
}
