/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-deb-preferences.h"

#include <fnmatch.h>

#include "cold-json.h"

typedef enum
{
  PIN_VERSION,
  PIN_RELEASE,
  PIN_ORIGIN,
  PIN_UNKNOWN,
} PinKind;

typedef struct
{
  GStrv packages; /* (nullable): %NULL: all, the general form */
  PinKind kind;
  char *value;
  int priority;
} Pin;

struct _ColdDebPreferences
{
  char *native;          /* architecture */
  char *default_release; /* (nullable) */
  GPtrArray *pins; /* the first that applies counts */
  char *refused;   /* (nullable) */
  gboolean has_specific;
};

static void
pin_free (Pin *pin)
{
  g_strfreev (pin->packages);
  g_free (pin->value);
  g_free (pin);
}

/* As everywhere in apt's pins: a shell pattern, or a regular expression between slashes. */
static gboolean
matches (const char *pattern, const char *text)
{
  gsize length = strlen (pattern);

  if (length > 2 && pattern[0] == '/' && pattern[length - 1] == '/')
    {
      g_autofree char *expression = g_strndup (pattern + 1, length - 2);

      return g_regex_match_simple (expression, text, G_REGEX_CASELESS, 0);
    }
  return fnmatch (pattern, text, FNM_CASEFOLD) == 0;
}

/* Versions of packages and releases: apt takes off an asterisk at the end, and then either the text begins with what is left of the
 * pattern, literally, or what is left matches as elsewhere. */
static gboolean
matches_version (const char *pattern, const char *text)
{
  gsize length = strlen (pattern);
  gboolean begins = length > 0 && pattern[length - 1] == '*';
  g_autofree char *rest = g_strndup (pattern, begins ? length - 1 : length);

  if (begins ? g_ascii_strncasecmp (text, rest, length - 1) == 0 : g_ascii_strcasecmp (text, rest) == 0)
    return TRUE;
  return matches (rest, text);
}

static GStrv
split_words (const char *text)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = g_strsplit_set (text, " \t\n", -1);

  for (guint i = 0; words[i] != NULL; i++)
    if (*words[i] != '\0')
      g_strv_builder_add (builder, words[i]);
  return g_strv_builder_end (builder);
}

static void
set_value (Pin *pin, const char *text)
{
  static const char *const words[] = { [PIN_VERSION] = "version", [PIN_RELEASE] = "release", [PIN_ORIGIN] = "origin" };

  pin->kind = PIN_UNKNOWN;
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize length = strlen (words[i]);

      if (g_ascii_strncasecmp (text, words[i], length) == 0 && g_ascii_isspace (text[length]))
        {
          g_autofree char *value = g_strstrip (g_strdup (text + length));
          gsize n = strlen (value);

          if (i == PIN_ORIGIN && n >= 2 && value[0] == '"' && value[n - 1] == '"')
            pin->value = g_strndup (value + 1, n - 2);
          else
            pin->value = g_steal_pointer (&value);
          pin->kind = i;
          return;
        }
    }
}

/* Of several such records, the first one is told: there, apt stops. */
static void
refuse (ColdDebPreferences *self, const char *why)
{
  if (self->refused == NULL)
    self->refused = g_strdup (why);
}

/* As apt reads numbers: what comes after one does not count. Returns: 0 for none, and for what apt refuses */
static int
parse_priority (const char *text, gboolean general)
{
  gint64 number;

  if (text == NULL)
    return 0;
  if (general && g_str_equal (text, "never"))
    return COLD_DEB_PRIORITY_NEVER;
  number = g_ascii_strtoll (text, NULL, 10);
  if (number < G_MININT16 || number > G_MAXINT16)
    return 0;
  return MAX ((int) number, COLD_DEB_PRIORITY_NEVER + 1);
}

static void
add_stanza (ColdDebPreferences *self, const char *package, const char *pin_text, const char *priority)
{
  gboolean general = g_strcmp0 (package, "*") == 0;
  Pin *pin;

  if (package == NULL || pin_text == NULL)
    return;
  pin = g_new0 (Pin, 1);
  set_value (pin, pin_text);
  pin->priority = parse_priority (priority, general);
  if (general && pin->kind == PIN_VERSION)
    pin->kind = PIN_UNKNOWN;
  if (pin->kind != PIN_UNKNOWN && pin->priority == 0)
    refuse (self, "a record has no usable \"Pin-Priority:\"");
  if (!general)
    {
      pin->packages = split_words (package);
      self->has_specific = TRUE;
    }
  g_ptr_array_add (self->pins, pin);
}

static char **
field_of (const char *line, char **package, char **pin, char **priority, const char **value)
{
  const struct
  {
    const char *name;
    char **where;
  } fields[] = { { "Package:", package }, { "Pin:", pin }, { "Pin-Priority:", priority } };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (g_ascii_strncasecmp (line, fields[i].name, strlen (fields[i].name)) == 0)
      {
        *value = line + strlen (fields[i].name);
        return fields[i].where;
      }
  return NULL;
}

/* @filled: there is more than comments */
static void
end_stanza (ColdDebPreferences *self, gboolean filled, const char *package, const char *pin, const char *priority)
{
  if (filled && package == NULL)
    refuse (self, "a record has no \"Package:\"");
  add_stanza (self, package, pin, priority);
}

static void
add_text (ColdDebPreferences *self, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree char *package = NULL;
  g_autofree char *pin = NULL;
  g_autofree char *priority = NULL;
  char **last = NULL;
  gboolean filled = FALSE;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *value = NULL;

      if (lines[i][0] == '#')
        continue;
      if (*g_strchomp (lines[i]) == '\0')
        {
          end_stanza (self, filled, package, pin, priority);
          filled = FALSE;
          g_clear_pointer (&package, g_free);
          g_clear_pointer (&pin, g_free);
          g_clear_pointer (&priority, g_free);
          last = NULL;
          continue;
        }
      filled = TRUE;
      if (g_ascii_isspace (lines[i][0]) && last != NULL && *last != NULL)
        {
          g_autofree char *longer = g_strconcat (*last, " ", g_strstrip (lines[i]), NULL);

          g_free (*last);
          *last = g_steal_pointer (&longer);
          continue;
        }
      last = field_of (lines[i], &package, &pin, &priority, &value);
      if (last != NULL)
        {
          g_free (*last);
          *last = g_strstrip (g_strdup (value));
        }
    }
  end_stanza (self, filled, package, pin, priority);
}

ColdDebPreferences *
cold_deb_preferences_new (JsonArray *files, const char *native, const char *default_release)
{
  ColdDebPreferences *self = g_new0 (ColdDebPreferences, 1);

  self->native = g_strdup (native);
  self->default_release = g_strdup (default_release);
  self->pins = g_ptr_array_new_with_free_func ((GDestroyNotify) pin_free);
  for (guint i = 0; files != NULL && i < json_array_get_length (files); i++)
    {
      const char *text = cold_json_string (cold_json_array_object (files, i), "text");

      if (text != NULL)
        add_text (self, text);
    }
  return self;
}

void
cold_deb_preferences_free (ColdDebPreferences *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->pins);
  g_free (self->native);
  g_free (self->default_release);
  g_free (self->refused);
  g_free (self);
}

/* What dpkg's status file is, in place of an index. */
static const ColdDebIndex status_file = {
  .origin = (char *) "",
  .label = (char *) "",
  .archive = (char *) "now",
  .codename = (char *) "",
  .release = (char *) "",
  .component = (char *) "now",
  .arch = (char *) "",
};

/* A field that is missing matches nothing, not even an asterisk. */
static gboolean
has (const char *text, const char *pattern)
{
  return *text != '\0' && matches (pattern, text);
}

/* @known: set when it says something that apt understands; what it does not, counts for nothing */
static gboolean
matches_release_part (const char *part, const ColdDebIndex *index, gboolean *known)
{
  const struct
  {
    char letter;
    const char *text;
  } fields[] = { { 'a', index->archive }, { 'n', index->codename }, { 'c', index->component }, { 'o', index->origin },
                 { 'l', index->label }, { 'b', index->arch } };
  const char letter = g_ascii_tolower (part[0]);

  if (strlen (part) < 3 || part[1] != '=')
    return TRUE;
  if (letter == 'v')
    {
      *known = *known || !g_str_equal (part + 2, "*");
      return g_str_equal (part + 2, "*") || (*index->release != '\0' && matches_version (part + 2, index->release));
    }
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (fields[i].letter == letter)
      {
        *known = TRUE;
        return has (fields[i].text, part + 2);
      }
  return TRUE;
}

/* @index: (nullable): %NULL for what dpkg's status file says */
static gboolean
matches_release (const char *value, const ColdDebIndex *index)
{
  g_auto (GStrv) parts = g_strsplit (value, ",", -1);
  gboolean known = FALSE;

  if (index == NULL)
    index = &status_file;
  if (g_str_equal (value, "*"))
    return TRUE;
  if (strchr (value, '=') == NULL && g_ascii_isdigit (*value))
    return *index->release != '\0' && matches_version (value, index->release);
  if (strchr (value, '=') == NULL)
    return has (index->archive, value) || has (index->codename, value);
  for (guint i = 0; parts[i] != NULL; i++)
    if (!matches_release_part (g_strstrip (parts[i]), index, &known))
      return FALSE;
  /* One that says nothing is for nothing that has a Release. */
  return known || index == &status_file;
}

/* The bundle tells the guest's apt the repository's own host, and this one for a repository of files. */
static gboolean
matches_origin (const char *value, const ColdDebIndex *index)
{
  g_autoptr (GUri) uri = g_uri_parse (index->repository->uri, G_URI_FLAGS_NONE, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;

  return matches (value, host != NULL && *host != '\0' ? host : "coldpatch.invalid");
}

static gboolean
is_from (const Pin *pin, const ColdDebIndex *index)
{
  if (pin->kind == PIN_RELEASE)
    return matches_release (pin->value, index);
  return pin->kind == PIN_ORIGIN && index != NULL && matches_origin (pin->value, index);
}

int
cold_deb_preferences_get_general (ColdDebPreferences *self, const ColdDebIndex *index)
{
  int priority = 0;

  /* It comes before all records, whatever they say. */
  if (self->default_release != NULL && matches_release (self->default_release, index))
    priority = COLD_DEB_PRIORITY_DEFAULT_RELEASE;
  for (guint i = 0; i < self->pins->len; i++)
    {
      const Pin *pin = g_ptr_array_index (self->pins, i);

      if (pin->packages == NULL && (priority == 0 || pin->priority == COLD_DEB_PRIORITY_NEVER) && is_from (pin, index))
        priority = pin->priority;
    }
  if (priority != 0)
    return priority;
  if (index == NULL)
    return COLD_DEB_PRIORITY_INSTALLED;
  if (index->but_automatic_upgrades)
    return 100;
  return index->not_automatic ? 1 : COLD_DEB_PRIORITY_DEFAULT;
}

const char *
cold_deb_preferences_get_refused (ColdDebPreferences *self)
{
  return self->refused;
}

gboolean
cold_deb_preferences_has_specific (ColdDebPreferences *self)
{
  return self->has_specific;
}

/* @arch: of the package. What a pattern without an architecture means is the native one. */
static gboolean
is_for (const ColdDebPreferences *self, const char *wanted, const char *arch)
{
  if (wanted == NULL || g_str_equal (wanted, "native") || g_str_equal (wanted, "all"))
    wanted = self->native;
  return g_str_equal (wanted, "any") || g_str_equal (wanted, arch);
}

/* @pattern: "NAME", "NAME:ARCHITECTURE", "src:..." */
static gboolean
names_package (const ColdDebPreferences *self, const char *pattern, const char *name, const char *arch, const char *source)
{
  gboolean of_source = g_str_has_prefix (pattern, "src:");
  const char *begin = of_source ? pattern + strlen ("src:") : pattern;
  const char *colon = strrchr (begin, ':');
  g_autofree char *bare = g_strndup (begin, colon != NULL ? (gsize) (colon - begin) : strlen (begin));

  return is_for (self, colon != NULL ? colon + 1 : NULL, arch) && matches (bare, of_source ? source : name);
}

static gboolean
names (const ColdDebPreferences *self, const Pin *pin, const char *name, const char *arch, const char *source)
{
  for (guint i = 0; pin->packages[i] != NULL; i++)
    if (names_package (self, pin->packages[i], name, arch, source))
      return TRUE;
  return FALSE;
}

static gboolean
applies (const Pin *pin, const char *version, GPtrArray *indexes)
{
  if (pin->kind == PIN_VERSION)
    return matches_version (pin->value, version);
  for (guint i = 0; i < indexes->len; i++)
    if (is_from (pin, g_ptr_array_index (indexes, i)))
      return TRUE;
  return FALSE;
}

gboolean
cold_deb_preferences_get_specific (ColdDebPreferences *self, const char *name, const char *arch, const char *source,
                                   const char *version, GPtrArray *indexes, int *priority, gboolean *unknown)
{
  for (guint i = 0; i < self->pins->len; i++)
    {
      const Pin *pin = g_ptr_array_index (self->pins, i);

      if (pin->packages == NULL || !names (self, pin, name, arch, source))
        continue;
      if (pin->kind == PIN_UNKNOWN)
        {
          *unknown = TRUE;
          return FALSE;
        }
      if (applies (pin, version, indexes))
        {
          *priority = pin->priority;
          return TRUE;
        }
    }
  return FALSE;
}
