/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-claim-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cold-error.h"
#include "cold-fd.h"

#define HALF_BORN_AGE (60 * G_USEC_PER_SEC)
#define RETRY_SECONDS 1

struct _ColdClaimWatch
{
  GObject parent_instance;

  char *claim_dir;
  GHashTable *domains; /* UUIDs */
  int inotify;
  int watch; /* descriptor of the folder's watch; -1: none */
  GSource *source;
  GSource *retry; /* (nullable): while the folder cannot be watched */
};

enum
{
  CLAIM_ADDED,
  CLAIM_REMOVED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdClaimWatch, cold_claim_watch, G_TYPE_OBJECT)

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
cold_claim_watch_finalize (GObject *object)
{
  ColdClaimWatch *self = COLD_CLAIM_WATCH (object);

  clear_source (&self->source);
  clear_source (&self->retry);
  cold_fd_clear (&self->inotify);
  g_hash_table_unref (self->domains);
  g_free (self->claim_dir);
  G_OBJECT_CLASS (cold_claim_watch_parent_class)->finalize (object);
}

static void
cold_claim_watch_class_init (ColdClaimWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_claim_watch_finalize;

  signals[CLAIM_ADDED] = g_signal_new ("claim-added", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[CLAIM_REMOVED] = g_signal_new ("claim-removed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
cold_claim_watch_init (ColdClaimWatch *self)
{
  self->inotify = self->watch = -1;
  self->domains = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

/* The folder decides, not the order of events, so an overflow of the queue loses nothing. */
static void
compare_with_folder (ColdClaimWatch *self)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) now = cold_claim_list (self->claim_dir, &error);
  g_auto (GStrv) before = cold_claim_watch_list (self);

  if (now == NULL)
    {
      g_warning ("%s", error->message);
      return;
    }
  for (char **domain = before; *domain != NULL; domain++)
    if (!g_strv_contains ((const char *const *) now, *domain))
      {
        g_hash_table_remove (self->domains, *domain);
        g_signal_emit (self, signals[CLAIM_REMOVED], 0, *domain);
      }
  for (char **domain = now; *domain != NULL; domain++)
    if (g_hash_table_add (self->domains, g_strdup (*domain)))
      g_signal_emit (self, signals[CLAIM_ADDED], 0, *domain);
}

static gboolean
watch_folder (ColdClaimWatch *self, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (self->claim_dir);

  g_mkdir_with_parents (parent, 0755);
  g_mkdir (self->claim_dir, 0700);
  self->watch = inotify_add_watch (self->inotify, self->claim_dir,
                                   IN_MOVED_TO | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_DELETE | IN_MOVE_SELF | IN_ONLYDIR);
  return self->watch >= 0 || cold_error_set_errno (error, errno, "cannot watch claims in %s", self->claim_dir);
}

static gboolean on_retry (gpointer user_data);

/* A watch is of an inode: one that was deleted, or moved away, tells nothing of the folder that has its name now. */
static void
watch_again (ColdClaimWatch *self)
{
  g_autoptr (GError) error = NULL;

  if (watch_folder (self, &error))
    {
      clear_source (&self->retry);
      g_message ("the folder of claims, %s, is another one now and watched again", self->claim_dir);
    }
  else if (self->retry == NULL)
    {
      g_warning ("%s: no upgrade yields to a domain that starts before its exchange; trying again", error->message);
      self->retry = g_timeout_source_new_seconds (RETRY_SECONDS);
      g_source_set_callback (self->retry, on_retry, self, NULL);
      g_source_attach (self->retry, g_main_context_get_thread_default ());
    }
  compare_with_folder (self);
}

static gboolean
on_retry (gpointer user_data)
{
  g_autoptr (ColdClaimWatch) self = g_object_ref (user_data);

  watch_again (self);
  return G_SOURCE_CONTINUE; /* until it is cleared */
}

static void
on_event (ColdClaimWatch *self, const struct inotify_event *event)
{
  g_autofree char *domain = NULL;

  if ((event->mask & IN_Q_OVERFLOW) != 0)
    {
      compare_with_folder (self);
      return;
    }
  if (event->wd != self->watch)
    return; /* of an earlier folder */
  if ((event->mask & IN_MOVE_SELF) != 0)
    {
      inotify_rm_watch (self->inotify, self->watch); /* which is answered with IN_IGNORED */
      return;
    }
  if ((event->mask & IN_IGNORED) != 0)
    {
      self->watch = -1;
      watch_again (self);
      return;
    }
  if (event->len == 0 || event->name[0] == '.')
    return;
  domain = g_str_has_suffix (event->name, ".json") ? g_strndup (event->name, strlen (event->name) - strlen (".json"))
                                                   : g_strdup (event->name);
  if ((event->mask & (IN_MOVED_TO | IN_CLOSE_WRITE)) != 0)
    {
      g_hash_table_add (self->domains, g_strdup (domain));
      g_signal_emit (self, signals[CLAIM_ADDED], 0, domain);
    }
  else if (g_hash_table_remove (self->domains, domain))
    g_signal_emit (self, signals[CLAIM_REMOVED], 0, domain);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  g_autoptr (ColdClaimWatch) self = g_object_ref (user_data);
  char buffer[8192] __attribute__ ((aligned (__alignof__ (struct inotify_event))));
  ssize_t length = read (fd, buffer, sizeof buffer);

  for (ssize_t offset = 0; offset < length;)
    {
      const struct inotify_event *event = (const struct inotify_event *) (gpointer) (buffer + offset);

      on_event (self, event);
      offset += sizeof *event + event->len;
    }
  return G_SOURCE_CONTINUE;
}

ColdClaimWatch *
cold_claim_watch_new (const char *claim_dir, GError **error)
{
  g_autoptr (ColdClaimWatch) self = g_object_new (COLD_TYPE_CLAIM_WATCH, NULL);

  self->claim_dir = g_strdup (claim_dir);
  self->inotify = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  if (self->inotify < 0)
    {
      cold_error_set_errno (error, errno, "cannot watch claims in %s", claim_dir);
      return NULL;
    }
  if (!watch_folder (self, error))
    return NULL;
  self->source = g_unix_fd_source_new (self->inotify, G_IO_IN);
  g_source_set_priority (self->source, G_PRIORITY_HIGH);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
  /* After the watch is there: a claim in between is seen twice rather than never. */
  compare_with_folder (self);
  return g_steal_pointer (&self);
}

static int
compare_strings (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GStrv
cold_claim_watch_list (ColdClaimWatch *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer domain;
  GStrv list;

  g_hash_table_iter_init (&iter, self->domains);
  while (g_hash_table_iter_next (&iter, &domain, NULL))
    g_strv_builder_add (builder, domain);
  list = g_strv_builder_end (builder);
  qsort (list, g_strv_length (list), sizeof *list, compare_strings);
  return list;
}

gboolean
cold_claim_watch_contains (ColdClaimWatch *self, const char *domain)
{
  return g_hash_table_contains (self->domains, domain);
}

/* Whether no release will ever come, if the domain is inactive. */
static gboolean
is_orphaned (const ColdClaim *claim)
{
  gboolean half_born = g_strcmp0 (claim->operation, "restore") == 0 || g_strcmp0 (claim->operation, "migrate") == 0;

  /* libvirt releases what it prepared. A restore or an incoming migration that fails before it gets to prepare is never
   * released. */
  return !cold_claim_is_live (claim) || (half_born && g_get_real_time () - claim->time > HALF_BORN_AGE);
}

guint
cold_claim_watch_clear_stale (ColdClaimWatch *self, gboolean (*is_inactive) (const char *domain, gpointer user_data),
                              gpointer user_data)
{
  g_auto (GStrv) domains = cold_claim_watch_list (self);
  guint removed = 0;

  cold_claim_sweep (self->claim_dir);
  for (char **domain = domains; *domain != NULL; domain++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ColdClaim) claim = cold_claim_read (self->claim_dir, *domain, &error);

      if (claim == NULL || !is_orphaned (claim) || !is_inactive (*domain, user_data))
        continue;
      g_message ("removing the claim of domain %s: it is inactive, and whoever started it is gone", *domain);
      if (cold_claim_remove (self->claim_dir, *domain, &error))
        removed++;
      else
        g_warning ("%s", error->message);
    }
  return removed;
}
