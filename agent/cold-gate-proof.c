/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-gate-proof.h"

#include "cold-names.h"

#define BEING_PROVEN "the folder of hooks has changed, and whether libvirtd calls the hook is being found out"

struct _ColdGateProof
{
  GObject parent_instance;

  ColdInventory *inventory; /* borrowed */
  GFileMonitor *monitor;
  GCancellable *cancellable; /* of the proofs under way */
  guint waiting;             /* connections that have not answered yet */
  gboolean all_live;         /* of those that have */
  gboolean live;
  char *problem;
};

enum
{
  CHANGED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ColdGateProof, cold_gate_proof, G_TYPE_OBJECT)

static void
cold_gate_proof_dispose (GObject *object)
{
  ColdGateProof *self = COLD_GATE_PROOF (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->monitor);
  G_OBJECT_CLASS (cold_gate_proof_parent_class)->dispose (object);
}

static void
cold_gate_proof_finalize (GObject *object)
{
  g_free (COLD_GATE_PROOF (object)->problem);
  G_OBJECT_CLASS (cold_gate_proof_parent_class)->finalize (object);
}

static void
cold_gate_proof_class_init (ColdGateProofClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cold_gate_proof_dispose;
  G_OBJECT_CLASS (klass)->finalize = cold_gate_proof_finalize;
  signals[CHANGED]
      = g_signal_new ("changed", COLD_TYPE_GATE_PROOF, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
cold_gate_proof_init (ColdGateProof *self)
{
  self->problem = g_strdup ("not proven yet");
}

ColdGateProof *
cold_gate_proof_new (ColdInventory *inventory)
{
  ColdGateProof *self = g_object_new (COLD_TYPE_GATE_PROOF, NULL);

  self->inventory = inventory;
  return self;
}

static void
set_live (ColdGateProof *self, gboolean live, const char *problem)
{
  if (self->live == live && g_strcmp0 (self->problem, problem) == 0)
    return;
  self->live = live;
  g_free (self->problem);
  self->problem = g_strdup (problem);
  if (live)
    g_info ("the gate is live: libvirtd calls the hook");
  else if (g_str_equal (problem, BEING_PROVEN))
    g_info ("%s", problem);
  /* That libvirt is not connected is told by the connection. */
  else if (cold_inventory_is_connected (self->inventory))
    g_warning ("the gate is not live, nothing will be upgraded: %s", problem);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_proven (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ColdGateProof) self = user_data;
  g_autoptr (GError) error = NULL;
  gboolean live = cold_connection_prove_gate_finish (COLD_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!live && self->all_live)
    {
      self->all_live = FALSE;
      set_live (self, FALSE, error->message);
    }
  if (--self->waiting == 0 && self->all_live)
    set_live (self, TRUE, NULL);
}

static void
prove (ColdGateProof *self)
{
  g_autoptr (GPtrArray) connections = cold_inventory_get_connections (self->inventory);

  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  if (!cold_inventory_is_connected (self->inventory))
    {
      set_live (self, FALSE, "libvirt is not connected");
      return;
    }
  self->cancellable = g_cancellable_new ();
  self->waiting = connections->len;
  self->all_live = TRUE;
  for (guint i = 0; i < connections->len; i++)
    {
      g_autofree char *nonce = g_uuid_string_random ();

      cold_connection_prove_gate_async (g_ptr_array_index (connections, i), nonce, self->cancellable, on_proven,
                                        g_object_ref (self));
    }
}

/* Until the answer is there nobody knows: what was proven may have been removed. */
static void
on_hooks_changed (ColdGateProof *self)
{
  if (self->live)
    set_live (self, FALSE, BEING_PROVEN);
  prove (self);
}

void
cold_gate_proof_start (ColdGateProof *self)
{
  g_autoptr (GFile) folder = g_file_new_for_path (COLD_HOOK_DIR);

  g_signal_connect_object (self->inventory, "connection-changed", G_CALLBACK (prove), self, G_CONNECT_SWAPPED);
  self->monitor = g_file_monitor_directory (folder, G_FILE_MONITOR_NONE, NULL, NULL);
  if (self->monitor != NULL)
    g_signal_connect_object (self->monitor, "changed", G_CALLBACK (on_hooks_changed), self, G_CONNECT_SWAPPED);
  prove (self);
}

gboolean
cold_gate_proof_is_live (ColdGateProof *self)
{
  return self->live;
}

const char *
cold_gate_proof_get_problem (ColdGateProof *self)
{
  return self->problem;
}
