/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * COLD_APPLIANCE_DIR/<key>/ has kernel, initrd and root as libguestfs-make-fixed-appliance makes them (the kernel unpacked, where
 * that goes: cold-appliance-kernel.h), and accelerator.json, what was found out about KVM:
 *   {"kernel":"<release that ran>","device":b,"accelerator":"kvm"|"tcg","reason":"why not kvm, or empty"}
 * A folder gets its name (cold-appliance-key.h) when it is whole and on disk; everything else there is left over and
 * removed (cold-appliance-folder.h).
 */
#include "cold-appliance.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cold-appliance-folder.h"
#include "cold-appliance-kernel.h"
#include "cold-appliance-key.h"
#include "cold-error.h"
#include "cold-folders.h"
#include "cold-json.h"
#include "cold-names.h"
#include "cold-protocol.h"
#include "cold-worker-process.h"

#define MAKER "libguestfs-make-fixed-appliance"
#define ACCELERATOR_FILE "accelerator.json"
#define BUILD_SECONDS 300
#define KVM_SECONDS 20 /* to launch takes 3; QEMU may also hang for ever */
#define KVM_DEVICE "/dev/kvm"

typedef struct
{
  ColdAppliance *appliance;
  GTask *task;
  GSource *cancelled;
} Waiter;

struct _ColdAppliance
{
  GObject parent_instance;
  char *wanted; /* auto kvm tcg */
  const char *state;
  const char *accelerator;
  char *folder; /* of the key that is being made or is ready */
  char *release;
  GList *waiters;
  gboolean busy;
  GSource *deadline;
  /* While building */
  char *new_folder;
  /* While probing */
  const char *tried;
  char *reason; /* why not kvm */
  GCancellable *launching;
};

G_DEFINE_FINAL_TYPE (ColdAppliance, cold_appliance, G_TYPE_OBJECT)

static guint changed_signal;

static void launch (ColdAppliance *self, const char *accelerator);
static void find_accelerator (ColdAppliance *self);

static void
cold_appliance_finalize (GObject *object)
{
  ColdAppliance *self = COLD_APPLIANCE (object);

  g_free (self->wanted);
  g_free (self->folder);
  g_free (self->release);
  g_free (self->new_folder);
  g_free (self->reason);
  G_OBJECT_CLASS (cold_appliance_parent_class)->finalize (object);
}

static void
cold_appliance_class_init (ColdApplianceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cold_appliance_finalize;
  changed_signal = g_signal_new ("changed", COLD_TYPE_APPLIANCE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
cold_appliance_init (ColdAppliance *self)
{
  struct utsname name;

  uname (&name);
  self->release = g_strdup (name.release);
  self->state = "none";
  self->accelerator = "";
}

ColdAppliance *
cold_appliance_new (const char *accelerator)
{
  ColdAppliance *self = g_object_new (COLD_TYPE_APPLIANCE, NULL);

  self->wanted = g_strdup (accelerator);
  return self;
}

const char *
cold_appliance_get_state (ColdAppliance *self)
{
  return self->state;
}

const char *
cold_appliance_get_accelerator (ColdAppliance *self)
{
  return self->accelerator;
}

const char *
cold_appliance_get_folder (ColdAppliance *self)
{
  return g_str_equal (self->state, "ready") ? self->folder : NULL;
}

/* @state, @accelerator: literals */
static void
set_state (ColdAppliance *self, const char *state, const char *accelerator)
{
  if (g_str_equal (self->state, state) && g_str_equal (self->accelerator, accelerator))
    return;
  self->state = state;
  self->accelerator = accelerator;
  g_signal_emit (self, changed_signal, 0);
}

/* Waiting */

/* The waiter is out of the list already, or is taken out. */
static void
waiter_return (Waiter *waiter, const GError *error)
{
  ColdAppliance *self = waiter->appliance;

  self->waiters = g_list_remove (self->waiters, waiter);
  if (waiter->cancelled != NULL)
    {
      g_source_destroy (waiter->cancelled);
      g_source_unref (waiter->cancelled);
    }
  if (error != NULL)
    g_task_return_error (waiter->task, g_error_copy (error));
  else
    g_task_return_boolean (waiter->task, TRUE);
  g_object_unref (waiter->task);
  g_free (waiter);
}

/* Only this caller gives up: the others wait on, and so does whoever comes next. */
static gboolean
on_waiter_cancelled (GCancellable *cancellable, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  waiter_return (data, error);
  return G_SOURCE_REMOVE;
}

static void
finish (ColdAppliance *self, const char *accelerator, const GError *error)
{
  self->busy = FALSE;
  set_state (self, error == NULL ? "ready" : "failed", error == NULL ? accelerator : "");
  while (self->waiters != NULL)
    waiter_return (self->waiters->data, error);
}

/* The accelerator */

static char *
accelerator_path (ColdAppliance *self)
{
  return g_build_filename (self->folder, ACCELERATOR_FILE, NULL);
}

/* Returns: (nullable): the remembered answer, when it was found on this kernel and with the same device */
static const char *
recall_accelerator (ColdAppliance *self)
{
  g_autofree char *path = accelerator_path (self);
  g_autoptr (JsonObject) known = cold_json_load_file (path, NULL);
  const char *accelerator = cold_json_string (known, "accelerator");

  if (g_strcmp0 (cold_json_string (known, "kernel"), self->release) != 0
      || cold_json_bool (known, "device") != (g_access (KVM_DEVICE, F_OK) == 0))
    return NULL;
  if (g_strcmp0 (accelerator, "kvm") == 0)
    return "kvm";
  return g_strcmp0 (accelerator, "tcg") == 0 ? "tcg" : NULL;
}

static void
remember_accelerator (ColdAppliance *self, const char *accelerator, const char *reason)
{
  g_autofree char *path = accelerator_path (self);
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (GError) error = NULL;

  json_object_set_string_member (object, "kernel", self->release);
  json_object_set_boolean_member (object, "device", g_access (KVM_DEVICE, F_OK) == 0);
  json_object_set_string_member (object, "accelerator", accelerator);
  json_object_set_string_member (object, "reason", reason);
  if (!cold_json_save_file (path, object, &error))
    g_warning ("The accelerator will be probed again: %s", error->message);
}

static gboolean
on_launch_deadline (gpointer data)
{
  ColdAppliance *self = data;

  g_cancellable_cancel (self->launching);
  return G_SOURCE_REMOVE;
}

static void
clear_deadline (ColdAppliance *self)
{
  if (self->deadline != NULL)
    g_source_destroy (self->deadline);
  g_clear_pointer (&self->deadline, g_source_unref);
}

static void
set_deadline (ColdAppliance *self, guint seconds, GSourceFunc func, gpointer data)
{
  self->deadline = g_timeout_source_new_seconds (seconds);
  g_source_set_callback (self->deadline, func, data, NULL);
  g_source_attach (self->deadline, g_main_context_get_thread_default ());
}

static void
on_launched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ColdAppliance) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) answer = cold_worker_process_run_finish (COLD_WORKER_PROCESS (source), result, &error);

  clear_deadline (self);
  g_clear_object (&self->launching);
  if (answer != NULL)
    {
      remember_accelerator (self, self->tried, self->reason != NULL ? self->reason : "");
      finish (self, self->tried, NULL);
    }
  else if (g_str_equal (self->tried, "kvm") && g_str_equal (self->wanted, "auto"))
    {
      /* What failed may be KVM, or the sandbox as a whole: TCG shows which. */
      self->reason = g_strdup (error->message);
      g_message ("The appliance does not run under KVM (%s): trying TCG, which is slow", self->reason);
      launch (self, "tcg");
    }
  else if (cold_appliance_kernel_pack (self->folder))
    {
      g_message ("The appliance does not start from an unpacked kernel (%s): trying the packed one", error->message);
      find_accelerator (self);
    }
  else
    {
      finish (self, "", error);
    }
}

/* @accelerator: a literal */
static void
launch (ColdAppliance *self, const char *accelerator)
{
  g_autoptr (ColdWorkerProcess) worker = cold_worker_process_new (COLD_VERB_LAUNCH, NULL);
  g_autoptr (JsonObject) request = json_object_new ();

  self->tried = accelerator;
  cold_worker_process_set_appliance (worker, self->folder);
  json_object_set_string_member (request, "accelerator", accelerator);
  self->launching = g_cancellable_new ();
  if (g_str_equal (accelerator, "kvm"))
    set_deadline (self, KVM_SECONDS, on_launch_deadline, self);
  cold_worker_process_run_async (worker, request, self->launching, on_launched, g_object_ref (self));
}

static void
find_accelerator (ColdAppliance *self)
{
  const char *given = NULL;
  const char *known = recall_accelerator (self);

  if (g_str_equal (self->wanted, "kvm"))
    given = "kvm";
  else if (g_str_equal (self->wanted, "tcg") || g_access (KVM_DEVICE, F_OK) < 0)
    given = "tcg";
  /* An unpacked kernel has to show once that it starts. */
  if (given != NULL && !cold_appliance_kernel_is_unpacked (self->folder))
    known = given;
  if (known != NULL && (given == NULL || g_str_equal (known, given)))
    {
      finish (self, known, NULL);
      return;
    }

  set_state (self, "probing", "");
  g_clear_pointer (&self->reason, g_free);
  launch (self, given != NULL ? given : "kvm");
}

/* Building */

typedef struct
{
  char *new_folder;
  char *folder;
} Publication;

static void
publication_free (gpointer data)
{
  Publication *publication = data;

  g_free (publication->new_folder);
  g_free (publication->folder);
  g_free (publication);
}

static void
publish_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Publication *publication = data;
  GError *error = NULL;
  gboolean published = cold_appliance_folder_publish (publication->new_folder, publication->folder, &error);

  /* Before the answer, after which somebody may build again. */
  cold_appliance_folder_sweep (COLD_APPLIANCE_DIR, publication->folder);
  if (published)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
on_published (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColdAppliance *self = COLD_APPLIANCE (source);
  g_autoptr (GError) error = NULL;

  if (g_task_propagate_boolean (G_TASK (result), &error))
    find_accelerator (self);
  else
    finish (self, "", error);
}

/* Of the maker's many lines the one that says what went wrong. Returns: (transfer full) */
static char *
find_reason (const char *messages)
{
  static const char *const marks[] = { "supermin: ", "error: ", "No space left", NULL };
  g_autofree char *valid = cold_text_make_valid (messages);
  g_auto (GStrv) lines = g_strsplit (valid, "\n", -1);

  for (guint m = 0; marks[m] != NULL; m++)
    for (guint i = 0; lines[i] != NULL; i++)
      if (strstr (lines[i], marks[m]) != NULL)
        return g_strdup (g_strstrip (lines[i]));
  return g_strdup (lines[0] != NULL ? g_strstrip (lines[0]) : "");
}

static void
on_built (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ColdAppliance) self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) output = NULL;
  g_autoptr (GTask) task = NULL;
  Publication *publication;
  gboolean done = g_subprocess_communicate_finish (G_SUBPROCESS (source), result, &output, NULL, &error);

  clear_deadline (self);
  if (!done || !g_subprocess_get_successful (G_SUBPROCESS (source)) || !cold_appliance_folder_is_whole (self->new_folder))
    {
      g_autofree char *messages
          = output != NULL ? g_strndup (g_bytes_get_data (output, NULL), g_bytes_get_size (output)) : g_strdup ("");
      g_autofree char *reason = find_reason (done ? messages : error->message);
      g_autoptr (GError) failure = g_error_new (
          COLD_ERROR, COLD_ERROR_WORKER,
          "the appliance could not be built: %s (needed are libguestfs-tools, a kernel as of linux-image-amd64, QEMU as of "
          "qemu-system-x86; try %s by hand)",
          *reason != '\0' ? reason : "it did not end in time", MAKER);

      /* Every job asks for an appliance: what each of them left would fill the disk. */
      cold_folders_remove_tree (self->new_folder, FALSE);
      finish (self, "", failure);
      return;
    }
  publication = g_new0 (Publication, 1);
  publication->new_folder = g_strdup (self->new_folder);
  publication->folder = g_strdup (self->folder);
  task = g_task_new (self, NULL, on_published, NULL);
  g_task_set_task_data (task, publication, publication_free);
  g_task_run_in_thread (task, publish_thread);
}

static gboolean
on_build_deadline (gpointer data)
{
  g_subprocess_force_exit (data);
  return G_SOURCE_REMOVE;
}

static gboolean
start_build (ColdAppliance *self, GError **error)
{
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *maker = g_find_program_in_path (MAKER);
  g_autofree char *cache = NULL;

  if (maker == NULL)
    {
      g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "%s is missing: install the package libguestfs-tools", MAKER);
      return FALSE;
    }
  g_mkdir_with_parents (COLD_APPLIANCE_DIR, 0755);
  g_free (self->new_folder);
  self->new_folder = g_strdup (COLD_APPLIANCE_DIR "/" COLD_APPLIANCE_NEW "XXXXXX");
  if (g_mkdtemp_full (self->new_folder, 0700) == NULL)
    return cold_error_set_errno (error, errno, "cannot make a folder below %s", COLD_APPLIANCE_DIR);

  /*
   * It builds by starting an appliance once: with TCG, since KVM may be what does not work here. The cache is its own,
   * so that nothing that root left behind elsewhere is taken for fresh.
   */
  cache = g_build_filename (self->new_folder, COLD_APPLIANCE_MAKER_CACHE, NULL);
  g_mkdir (cache, 0700);
  g_subprocess_launcher_setenv (launcher, "LIBGUESTFS_CACHEDIR", cache, TRUE);
  g_subprocess_launcher_setenv (launcher, "LIBGUESTFS_BACKEND", "direct", TRUE);
  g_subprocess_launcher_setenv (launcher, "LIBGUESTFS_BACKEND_SETTINGS", "force_tcg", TRUE);
  g_subprocess_launcher_setenv (launcher, "LC_ALL", "C.UTF-8", TRUE);
  g_subprocess_launcher_unsetenv (launcher, "LIBGUESTFS_PATH");
  process = g_subprocess_launcher_spawn (launcher, error, maker, self->new_folder, NULL);
  if (process == NULL)
    return FALSE;
  set_state (self, "building", "");
  set_deadline (self, BUILD_SECONDS, on_build_deadline, process);
  g_subprocess_communicate_async (process, NULL, NULL, on_built, g_object_ref (self));
  return TRUE;
}

static void
key_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autofree char *key = cold_appliance_key (MAKER, NULL);
  char *folder = g_build_filename (COLD_APPLIANCE_DIR, key, NULL);

  /* What an agent that was killed left of a build, before the next one needs the room. */
  cold_appliance_folder_sweep (COLD_APPLIANCE_DIR, folder);
  g_task_return_pointer (task, folder, g_free);
}

static void
on_key (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ColdAppliance *self = COLD_APPLIANCE (source);
  g_autofree char *folder = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autoptr (GError) error = NULL;
  gboolean same = g_strcmp0 (folder, self->folder) == 0;
  gboolean whole = cold_appliance_folder_is_whole (folder);

  if (same && whole && g_str_equal (self->state, "ready"))
    {
      finish (self, self->accelerator, NULL);
      return;
    }
  g_free (self->folder);
  self->folder = g_steal_pointer (&folder);
  if (whole)
    find_accelerator (self);
  else if (!start_build (self, &error))
    finish (self, "", error);
}

static void
begin (ColdAppliance *self)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, on_key, NULL);

  self->busy = TRUE;
  g_task_run_in_thread (task, key_thread);
}

void
cold_appliance_ensure_async (ColdAppliance *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer user_data)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->appliance = self;
  waiter->task = g_task_new (self, NULL, callback, user_data);
  if (cancellable != NULL)
    {
      waiter->cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (waiter->cancelled, G_SOURCE_FUNC (on_waiter_cancelled), waiter, NULL);
      g_source_attach (waiter->cancelled, g_main_context_get_thread_default ());
    }
  self->waiters = g_list_append (self->waiters, waiter);
  if (!self->busy)
    begin (self);
}

gboolean
cold_appliance_ensure_finish (ColdAppliance *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}
