/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "cold-crash-point.h"
#include "cold-error.h"
#include "cold-fd.h"
#include "cold-json.h"
#include "cold-process.h"

#define VERSION 1
#define SUFFIX ".json"

static const char *const state_names[] = { "copying", "ready", "done" };

static void
member_free (ColdJournalMember *member)
{
  g_free (member->directory);
  g_free (member->name);
  g_free (member->hidden_directory);
  g_free (member->hidden_name);
  cold_tuple_free (member->original);
  cold_tuple_free (member->replacement);
  g_free (member);
}

ColdJournal *
cold_journal_new (guint job, const char *kind)
{
  ColdJournal *journal = g_new0 (ColdJournal, 1);

  journal->job = job;
  journal->kind = g_strdup (kind);
  journal->domains = g_new0 (char *, 1);
  journal->members = g_ptr_array_new_with_free_func ((GDestroyNotify) member_free);
  journal->boot_id = cold_boot_id ();
  return journal;
}

ColdJournalMember *
cold_journal_add_member (ColdJournal *journal)
{
  ColdJournalMember *member = g_new0 (ColdJournalMember, 1);

  g_ptr_array_add (journal->members, member);
  return member;
}

gboolean
cold_journal_is_rollback (const ColdJournal *journal)
{
  return g_strcmp0 (journal->kind, "rollback") == 0;
}

gboolean
cold_journal_names_domain (const ColdJournal *journal, const char *domain)
{
  for (guint i = 0; journal->domains != NULL && journal->domains[i] != NULL; i++)
    if (g_ascii_strcasecmp (journal->domains[i], domain) == 0)
      return TRUE;
  return FALSE;
}

void
cold_journal_free (ColdJournal *journal)
{
  if (journal == NULL)
    return;
  g_free (journal->kind);
  g_strfreev (journal->domains);
  g_ptr_array_unref (journal->members);
  g_free (journal->boot_id);
  g_free (journal);
}

void
cold_journal_refresh_devices (ColdJournal *journal)
{
  g_autofree char *boot_id = cold_boot_id ();

  if (g_strcmp0 (journal->boot_id, boot_id) == 0)
    return;
  for (guint i = 0; i < journal->members->len; i++)
    {
      ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      struct stat st, hidden_st;

      if (stat (member->directory, &st) != 0 || stat (member->hidden_directory, &hidden_st) != 0
          || st.st_dev != hidden_st.st_dev)
        return;
      if (member->original != NULL)
        cold_tuple_set_device (member->original, st.st_dev);
      if (member->replacement != NULL)
        cold_tuple_set_device (member->replacement, st.st_dev);
    }
  g_free (journal->boot_id);
  journal->boot_id = g_steal_pointer (&boot_id);
}

/* JSON holds UTF-8 only, file names hold anything. */
static void
set_name (JsonObject *object, const char *key, const char *name)
{
  g_autofree char *escaped = g_uri_escape_string (name, "/ ", TRUE);

  json_object_set_string_member (object, key, escaped);
}

static char *
get_name (JsonObject *object, const char *key)
{
  const char *escaped = cold_json_string (object, key);

  return escaped != NULL && *escaped != '\0' ? g_uri_unescape_string (escaped, NULL) : NULL;
}

static JsonObject *
member_to_json (const ColdJournalMember *member)
{
  JsonObject *object = json_object_new ();

  set_name (object, "directory", member->directory);
  set_name (object, "name", member->name);
  set_name (object, "hidden-directory", member->hidden_directory);
  set_name (object, "hidden-name", member->hidden_name);
  if (member->original != NULL)
    json_object_set_object_member (object, "original", cold_tuple_to_json (member->original));
  if (member->replacement != NULL)
    json_object_set_object_member (object, "replacement", cold_tuple_to_json (member->replacement));
  return object;
}

static gboolean
is_file_name (const char *name)
{
  return name != NULL && strchr (name, '/') == NULL && !g_str_equal (name, ".") && !g_str_equal (name, "..");
}

static gboolean
member_from_json (ColdJournalMember *member, JsonObject *object, ColdJournalState state, GError **error)
{
  JsonObject *original = cold_json_object (object, "original");
  JsonObject *replacement = cold_json_object (object, "replacement");

  member->directory = get_name (object, "directory");
  member->name = get_name (object, "name");
  member->hidden_directory = get_name (object, "hidden-directory");
  member->hidden_name = get_name (object, "hidden-name");
  if (member->directory == NULL || !g_path_is_absolute (member->directory) || member->hidden_directory == NULL
      || !g_path_is_absolute (member->hidden_directory) || !is_file_name (member->name)
      || !is_file_name (member->hidden_name))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "a member's paths are missing or wrong");
      return FALSE;
    }
  if (original != NULL && (member->original = cold_tuple_from_json (original, error)) == NULL)
    return FALSE;
  if (replacement != NULL && (member->replacement = cold_tuple_from_json (replacement, error)) == NULL)
    return FALSE;
  if (state != COLD_JOURNAL_COPYING && (original == NULL || replacement == NULL))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "a member's tuple is missing");
      return FALSE;
    }
  return TRUE;
}

static JsonObject *
journal_to_json (const ColdJournal *journal)
{
  JsonObject *object = json_object_new ();
  JsonArray *members = json_array_new ();

  json_object_set_int_member (object, "version", VERSION);
  json_object_set_int_member (object, "job", journal->job);
  json_object_set_string_member (object, "kind", journal->kind);
  json_object_set_string_member (object, "state", state_names[journal->state]);
  cold_json_set_strv (object, "domains", (const char *const *) journal->domains);
  json_object_set_string_member (object, "boot-id", journal->boot_id);
  json_object_set_int_member (object, "time", journal->time);
  json_object_set_int_member (object, "keep-until", journal->keep_until);
  json_object_set_boolean_member (object, "quarantined", journal->quarantined);
  json_object_set_int_member (object, "supersedes", journal->supersedes);
  for (guint i = 0; i < journal->members->len; i++)
    json_array_add_object_element (members, member_to_json (g_ptr_array_index (journal->members, i)));
  json_object_set_array_member (object, "members", members);
  return object;
}

static ColdJournal *
journal_from_json (JsonObject *object, guint job, GError **error)
{
  const char *kind = cold_json_string (object, "kind");
  const char *state = cold_json_string (object, "state");
  const char *boot_id = cold_json_string (object, "boot-id");
  JsonArray *members = cold_json_array (object, "members");
  g_autoptr (ColdJournal) journal = cold_journal_new (job, kind);
  gboolean known = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (state_names); i++)
    if (g_strcmp0 (state, state_names[i]) == 0)
      {
        journal->state = i;
        known = TRUE;
      }
  if (cold_json_int (object, "version") != VERSION || cold_json_int (object, "job") != job || !known || boot_id == NULL
      || members == NULL || (g_strcmp0 (kind, "upgrade") != 0 && g_strcmp0 (kind, "rollback") != 0))
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT, "not a journal of this version");
      return NULL;
    }
  g_strfreev (journal->domains);
  journal->domains = cold_json_strv (object, "domains");
  g_free (journal->boot_id);
  journal->boot_id = g_strdup (boot_id);
  journal->on_disk = TRUE;
  journal->time = cold_json_int (object, "time");
  journal->keep_until = cold_json_int (object, "keep-until");
  journal->quarantined = cold_json_bool (object, "quarantined");
  journal->supersedes = cold_json_int (object, "supersedes");
  for (guint i = 0; i < json_array_get_length (members); i++)
    if (!member_from_json (cold_journal_add_member (journal), cold_json_array_object (members, i), journal->state, error))
      return NULL;
  return g_steal_pointer (&journal);
}

static char *
journal_path (const char *journal_dir, guint job)
{
  return g_strdup_printf ("%s/%u" SUFFIX, journal_dir, job);
}

char *
cold_journal_new_hidden_name (const ColdJournal *journal)
{
  g_autofree char *unique = g_uuid_string_random ();

  return g_strdup_printf ("%u-%s", journal->job, unique);
}

gboolean
cold_journal_save (const char *journal_dir, ColdJournal *journal, GError **error)
{
  g_autofree char *path = journal_path (journal_dir, journal->job);
  g_autoptr (JsonObject) object = NULL;

  g_return_val_if_fail (journal->state <= COLD_JOURNAL_DONE, FALSE);
  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);

      g_return_val_if_fail (journal->state == COLD_JOURNAL_COPYING
                                || (member->original != NULL && member->replacement != NULL),
                            FALSE);
    }
  if (g_file_test (path, G_FILE_TEST_EXISTS) != journal->on_disk)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_FAILED, "journal %s %s", path,
                   journal->on_disk ? "was removed meanwhile" : "exists already and belongs to another job");
      return FALSE;
    }
  journal->time = g_get_real_time ();
  object = journal_to_json (journal);
  COLD_CRASH_POINT ("journal-before");
  if (!cold_json_save_file (path, object, error))
    {
      g_prefix_error (error, "cannot write journal: ");
      /* It may have got its name, and only its folder could not be synced: whoever gives up deletes it. */
      journal->on_disk = g_file_test (path, G_FILE_TEST_EXISTS);
      return FALSE;
    }
  journal->on_disk = TRUE;
  COLD_CRASH_POINT ("journal-after");
  return TRUE;
}

gboolean
cold_journal_remove (const char *journal_dir, guint job, GError **error)
{
  g_autofree char *path = journal_path (journal_dir, job);

  if (unlink (path) != 0)
    return errno == ENOENT ? TRUE : cold_error_set_errno (error, errno, "cannot remove journal %s", path);
  return cold_fd_sync_path (journal_dir, error);
}

static void
set_aside (const char *path, const char *why)
{
  g_autofree char *broken = g_strconcat (path, ".broken", NULL);

  if (g_rename (path, broken) != 0)
    g_warning ("journal %s is broken (%s) and cannot be renamed: %s", path, why, g_strerror (errno));
  else
    g_warning ("journal %s is broken (%s); it is kept as %s. Hidden files that it named are left where they are.", path,
               why, broken);
}

/* Returns: (transfer full) (nullable): %NULL with a warning */
static JsonObject *
read_object (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gsize length;
  JsonObject *object;

  /* What cannot be read now may be read later; only what is read and makes no sense is set aside. */
  if (!g_file_get_contents (path, &text, &length, &error))
    {
      if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_warning ("cannot read journal: %s", error->message);
      return NULL;
    }
  object = cold_json_parse_object (text, length, &error);
  if (object == NULL)
    set_aside (path, error->message);
  return object;
}

static ColdJournal *
load (const char *path, JsonObject *object, guint job)
{
  g_autoptr (GError) error = NULL;
  ColdJournal *journal = journal_from_json (object, job, &error);

  if (journal == NULL)
    set_aside (path, error->message);
  return journal;
}

static gint
compare_jobs (gconstpointer a, gconstpointer b)
{
  guint first = (*(ColdJournal *const *) a)->job;
  guint second = (*(ColdJournal *const *) b)->job;

  return first < second ? -1 : first > second;
}

typedef gboolean (*Filter) (JsonObject *object, const char *domain);

/* @filter: (nullable) */
static GPtrArray *
load_some (const char *journal_dir, Filter filter, const char *domain)
{
  GPtrArray *journals = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (journal_dir, 0, &error);
  const char *name;

  if (dir == NULL && !g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    g_warning ("cannot list journals: %s", error->message);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (journal_dir, name, NULL);
      char *end;
      guint64 job = g_ascii_strtoull (name, &end, 10);
      g_autoptr (JsonObject) object = NULL;
      ColdJournal *journal;

      if (end == name || !g_str_equal (end, SUFFIX) || job > G_MAXUINT)
        continue;
      object = read_object (path);
      journal = object != NULL && (filter == NULL || filter (object, domain)) ? load (path, object, job) : NULL;
      if (journal != NULL)
        g_ptr_array_add (journals, journal);
    }
  g_ptr_array_sort (journals, compare_jobs);
  return journals;
}

GPtrArray *
cold_journal_load_all (const char *journal_dir)
{
  GPtrArray *journals = load_some (journal_dir, NULL, NULL);

  for (guint i = 0; i < journals->len; i++)
    cold_journal_refresh_devices (g_ptr_array_index (journals, i));
  return journals;
}

static gboolean
is_ready_for (JsonObject *object, const char *domain)
{
  g_auto (GStrv) domains = NULL;

  if (g_strcmp0 (cold_json_string (object, "state"), state_names[COLD_JOURNAL_READY]) != 0
      || cold_json_bool (object, "quarantined"))
    return FALSE;
  domains = cold_json_strv (object, "domains");
  for (guint i = 0; domain != NULL && domains != NULL && domains[i] != NULL; i++)
    if (g_ascii_strcasecmp (domains[i], domain) == 0)
      return TRUE;
  return domain == NULL;
}

GPtrArray *
cold_journal_load_ready (const char *journal_dir, const char *domain)
{
  return load_some (journal_dir, is_ready_for, domain);
}

char *
cold_journal_member_path (const ColdJournalMember *member)
{
  return g_build_filename (member->directory, member->name, NULL);
}

const ColdJournalMember *
cold_journal_find_member (const ColdJournal *journal, const char *path)
{
  for (guint i = 0; i < journal->members->len; i++)
    {
      const ColdJournalMember *member = g_ptr_array_index (journal->members, i);
      g_autofree char *member_path = cold_journal_member_path (member);

      if (g_str_equal (member_path, path))
        return member;
    }
  return NULL;
}

guint
cold_journal_last_number (const char *journal_dir)
{
  g_autoptr (GDir) dir = g_dir_open (journal_dir, 0, NULL);
  const char *name;
  guint64 last = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      guint64 number = g_ascii_strtoull (name, NULL, 10);

      if (number <= G_MAXUINT)
        last = MAX (last, number);
    }
  return last;
}
