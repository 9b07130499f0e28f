/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-purl.h"

#include <string.h>

typedef struct
{
  const char *format;
  const char *type;
  gboolean lower; /* names are the same in capital letters: written in small ones */
  gboolean epoch; /* the epoch is a qualifier, not part of the version */
} Type;

static const Type types[] = {
  { "deb", "deb", TRUE, FALSE },
  { "rpm", "rpm", FALSE, TRUE },
  { "pacman", "alpm", TRUE, FALSE },
  { "apk", "apk", TRUE, FALSE },
};
static const Type other = { "", "generic", FALSE, FALSE };

/* Who publishes the packages, where that is not libguestfs' word for the distribution, and the word of its os-release. */
static const struct
{
  const char *distribution;
  const char *namespace;
  const char *distro;
} publishers[] = {
  { "alpinelinux", "alpine", "alpine" },
  { "archlinux", "arch", "arch" },
  { "oraclelinux", "oracle", "ol" },
  { "rhel", "redhat", "rhel" },
  { "sles", "suse", "sles" },
};

static const Type *
find_type (const char *format)
{
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_strcmp0 (types[i].format, format) == 0)
      return &types[i];
  return &other;
}

/* A colon is never encoded; all that is not unreserved (RFC 3986) is, the slash included. */
static void
append (GString *purl, const char *text, gboolean lower)
{
  g_autofree char *small = lower ? g_ascii_strdown (text, -1) : NULL;

  g_string_append_uri_escaped (purl, small != NULL ? small : text, ":", FALSE);
}

static void
append_qualifier (GString *purl, const char *key, const char *value, gboolean *first)
{
  if (value == NULL || *value == '\0')
    return;
  g_string_append_printf (purl, "%c%s=", *first ? '?' : '&', key);
  append (purl, value, FALSE);
  *first = FALSE;
}

char *
cold_purl_new (const char *format, const char *distribution, const char *release, const char *name,
               const char *version, const char *arch)
{
  const Type *type = find_type (format);
  const char *namespace = distribution;
  g_autofree char *distro = NULL;
  g_autofree char *epoch = NULL;
  gsize digits = strspn (version, "0123456789");
  gboolean first = TRUE;
  GString *purl;

  if (*name == '\0')
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (publishers); i++)
    if (g_str_equal (publishers[i].distribution, distribution))
      {
        namespace = publishers[i].namespace;
        distribution = publishers[i].distro;
        break;
      }
  if (*distribution != '\0')
    distro = g_strdup_printf ("%s%s%s", distribution, *release != '\0' ? "-" : "", release);
  if (type->epoch && version[digits] == ':')
    {
      epoch = g_strndup (version, digits);
      version += digits + 1;
    }
  purl = g_string_new ("pkg:");
  g_string_append_printf (purl, "%s/", type->type);
  if (*namespace != '\0')
    {
      append (purl, namespace, TRUE);
      g_string_append_c (purl, '/');
    }
  append (purl, name, type->lower);
  if (*version != '\0')
    {
      g_string_append_c (purl, '@');
      append (purl, version, FALSE);
    }
  /* In the order of their keys. */
  append_qualifier (purl, "arch", arch, &first);
  append_qualifier (purl, "distro", distro, &first);
  append_qualifier (purl, "epoch", epoch, &first);
  return g_string_free (purl, FALSE);
}
