/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fixed libguestfs appliance and the accelerator to run it with: made once, remade when the host's libguestfs,
 * kernel, QEMU, or a package that goes into it changed, shared read-only by all workers.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define COLD_TYPE_APPLIANCE (cold_appliance_get_type ())
G_DECLARE_FINAL_TYPE (ColdAppliance, cold_appliance, COLD, APPLIANCE, GObject)

/* Signal: changed (): state or accelerator is another. */

/* @accelerator: auto kvm tcg */
ColdAppliance *cold_appliance_new (const char *accelerator);

/* none building probing ready failed */
const char *cold_appliance_get_state (ColdAppliance *self);
/* "" until known, then kvm or tcg */
const char *cold_appliance_get_accelerator (ColdAppliance *self);
/* (nullable) the folder, once ready */
const char *cold_appliance_get_folder (ColdAppliance *self);

/**
 * cold_appliance_ensure_async:
 *
 * Builds and probes what is missing (half a minute in all); soon when all is there, and still fits the host: call it
 * before every job that needs the folder. Concurrent calls share one build; @cancellable gives up waiting, the build goes
 * on. Fails with Worker and a message that names the missing program or package; the next call tries again.
 *
 * "auto" starts the appliance under KVM once for a kernel and QEMU, and falls back to TCG; "kvm" and "tcg" are taken as
 * they are.
 */
void cold_appliance_ensure_async (ColdAppliance *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);
gboolean cold_appliance_ensure_finish (ColdAppliance *self, GAsyncResult *result, GError **error);

G_END_DECLS
