/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-version.h"

#include <solv/evr.h>
#include <solv/pool.h>
#include <string.h>

#include "cold-apk-version.h"

struct _ColdVersionOrder
{
  int (*compare) (ColdVersionOrder *self, const char *a, const char *b);
  Pool *pool; /* (nullable): libsolv's order */
};

static int
compare_by_libsolv (ColdVersionOrder *self, const char *a, const char *b)
{
  return pool_evrcmp_str (self->pool, a, b, EVRCMP_COMPARE);
}

/* libsolv holds 1.0 to be lower than 1.0-0; for dpkg they are equal (deb-version(7)). */
static int
compare_deb (ColdVersionOrder *self, const char *a, const char *b)
{
  g_autofree char *full_a = strchr (a, '-') != NULL ? g_strdup (a) : g_strconcat (a, "-0", NULL);
  g_autofree char *full_b = strchr (b, '-') != NULL ? g_strdup (b) : g_strconcat (b, "-0", NULL);

  return compare_by_libsolv (self, full_a, full_b);
}

/* A run of digits or of letters. */
typedef struct
{
  const char *text;
  gsize length;
  gboolean number;
} Segment;

static Segment
next_segment (const char *text)
{
  Segment segment = { text, 0, g_ascii_isdigit (*text) };

  while (segment.number ? g_ascii_isdigit (text[segment.length]) : g_ascii_isalpha (text[segment.length]))
    segment.length++;
  return segment;
}

static int
compare_segments (Segment a, Segment b)
{
  int order;

  if (a.number != b.number)
    return a.number ? 1 : -1;
  if (a.number)
    {
      while (a.length > 0 && *a.text == '0')
        a.text++, a.length--;
      while (b.length > 0 && *b.text == '0')
        b.text++, b.length--;
      if (a.length != b.length)
        return a.length < b.length ? -1 : 1;
    }
  order = memcmp (a.text, b.text, MIN (a.length, b.length));
  if (order != 0 || a.length == b.length)
    return order;
  return a.length < b.length ? -1 : 1;
}

static gsize
count_separators (const char *text)
{
  gsize n = 0;

  while (text[n] != '\0' && !g_ascii_isalnum (text[n]))
    n++;
  return n;
}

/*
 * The rule of vercmp(8), which libsolv does not have: 1.0rc is lower than 1.0, and so is every version that
 * goes on with a letter right where the other one ends; 1.0.rc is higher.
 */
static int
compare_pacman_part (const char *a, const char *b)
{
  while (*a != '\0' && *b != '\0')
    {
      gsize gap_a = count_separators (a), gap_b = count_separators (b);
      Segment segment_a, segment_b;
      int order;

      a += gap_a;
      b += gap_b;
      if (*a == '\0' || *b == '\0')
        break;
      if (gap_a != gap_b)
        return gap_a < gap_b ? -1 : 1;
      segment_a = next_segment (a);
      segment_b = next_segment (b);
      order = compare_segments (segment_a, segment_b);
      if (order != 0)
        return order;
      a += segment_a.length;
      b += segment_b.length;
    }
  if (*a == '\0' && *b == '\0')
    return 0;
  if (g_ascii_isalpha (*a) || (*a == '\0' && !g_ascii_isalpha (*b)))
    return -1;
  return 1;
}

/* Cuts "[epoch:]version[-release]" in place. */
static void
split (char *text, const char **epoch, const char **version, const char **release)
{
  gsize digits = strspn (text, "0123456789");
  char *dash;

  *epoch = "0";
  *version = text;
  if (text[digits] == ':')
    {
      text[digits] = '\0';
      if (digits > 0)
        *epoch = text;
      *version = text + digits + 1;
    }
  dash = strrchr (*version, '-');
  *release = dash != NULL ? dash + 1 : NULL;
  if (dash != NULL)
    *dash = '\0';
}

static int
compare_pacman (ColdVersionOrder *self, const char *a, const char *b)
{
  g_autofree char *copy_a = g_strdup (a), *copy_b = g_strdup (b);
  const char *epoch_a, *epoch_b, *version_a, *version_b, *release_a, *release_b;
  int order;

  split (copy_a, &epoch_a, &version_a, &release_a);
  split (copy_b, &epoch_b, &version_b, &release_b);
  order = compare_pacman_part (epoch_a, epoch_b);
  if (order == 0)
    order = compare_pacman_part (version_a, version_b);
  if (order == 0 && release_a != NULL && release_b != NULL)
    order = compare_pacman_part (release_a, release_b);
  return order;
}

static int
compare_apk (ColdVersionOrder *self, const char *a, const char *b)
{
  g_autofree char *written_a = cold_apk_version_written (a), *written_b = cold_apk_version_written (b);

  return compare_by_libsolv (self, written_a, written_b);
}

ColdVersionOrder *
cold_version_order_new (const char *format)
{
  static const struct
  {
    const char *format;
    int (*compare) (ColdVersionOrder *self, const char *a, const char *b);
    int type; /* -1: not by libsolv */
  } formats[] = {
    { "deb", compare_deb, DISTTYPE_DEB },
    { "rpm", compare_by_libsolv, DISTTYPE_RPM },
    { "pacman", compare_pacman, -1 },
    { "apk", compare_apk, DISTTYPE_RPM },
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (g_strcmp0 (formats[i].format, format) == 0)
      {
        ColdVersionOrder *self = g_new0 (ColdVersionOrder, 1);

        self->compare = formats[i].compare;
        if (formats[i].type >= 0)
          {
            self->pool = pool_create ();
            pool_setdisttype (self->pool, formats[i].type);
          }
        return self;
      }
  return NULL;
}

void
cold_version_order_free (ColdVersionOrder *self)
{
  if (self->pool != NULL)
    pool_free (self->pool);
  g_free (self);
}

int
cold_version_order_compare (ColdVersionOrder *self, const char *a, const char *b)
{
  return self->compare (self, a, b);
}
