/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One keyfile of the configuration while it is read: every error (Config) names its path and the line.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  const char *path; /* borrowed */
  char *text;
  GKeyFile *keys;
} ColdConfigFile;

gboolean cold_config_file_load (ColdConfigFile *file, const char *path, GError **error);
void cold_config_file_clear (ColdConfigFile *file);

/* @key: (nullable): the line of the group itself, as for a key that is missing. Returns: %FALSE */
gboolean cold_config_complain (const ColdConfigFile *file, const char *group, const char *key, GError **error, const char *format,
                               ...) G_GNUC_PRINTF (5, 6);

/* Whether the group has no other keys. */
gboolean cold_config_check_keys (const ColdConfigFile *file, const char *group, const char *const *allowed, GError **error);

/* Returns: (transfer full) (nullable): without blanks around it */
char *cold_config_get_value (const ColdConfigFile *file, const char *group, const char *key);

/* Replaces @word by the value, which has to be one of @allowed. */
gboolean cold_config_parse_word (const ColdConfigFile *file, const char *group, const char *key, const char *const *allowed,
                                 char **word, GError **error);
gboolean cold_config_parse_number (const ColdConfigFile *file, const char *group, const char *key, guint64 min, guint64 max,
                                   guint64 *number, GError **error);

/* Words separated by blanks, commas or semicolons. Returns: (transfer full): empty without the key */
GStrv cold_config_parse_list (const ColdConfigFile *file, const char *group, const char *key);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ColdConfigFile, cold_config_file_clear)

G_END_DECLS
