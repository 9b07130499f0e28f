/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * launch: whether the appliance comes up. /dev/kvm may look fine and still crash or hang QEMU, so only trying tells.
 */
#include <guestfs.h>

#include "cold-error.h"
#include "cold-guest.h"
#include "cold-json.h"
#include "cold-verb.h"

#define DISK_BYTES (1 << 20)

JsonObject *
cold_verb_launch (JsonObject *request, GError **error)
{
  g_autoptr (guestfs_h) g = guestfs_create ();
  g_autoptr (JsonObject) result = NULL;
  const char *accelerator = cold_json_string (request, "accelerator");
  const gint64 begin = g_get_monotonic_time ();

  if (g == NULL)
    {
      g_set_error_literal (error, COLD_ERROR, COLD_ERROR_WORKER, "libguestfs gives no handle");
      return NULL;
    }
  if (!cold_guest_configure (g, accelerator, error))
    return NULL;
  if (guestfs_add_drive_scratch (g, DISK_BYTES, -1) < 0 || guestfs_launch (g) < 0 || guestfs_shutdown (g) < 0)
    {
      const char *reason = guestfs_last_error (g);

      /* After the first line comes advice to run libguestfs by hand. */
      g_set_error (error, COLD_ERROR, COLD_ERROR_WORKER, "the appliance did not start with %s: %.*s", accelerator,
                   reason != NULL ? (int) strcspn (reason, "\n") : 10, reason != NULL ? reason : "no reason");
      return NULL;
    }
  result = json_object_new ();
  json_object_set_int_member (result, "milliseconds", (g_get_monotonic_time () - begin) / 1000);
  return g_steal_pointer (&result);
}
