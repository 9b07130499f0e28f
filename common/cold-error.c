/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-error.h"

#include <errno.h>

#include "cold-names.h"

static const GDBusErrorEntry entries[] = {
  { COLD_ERROR_FAILED, COLD_BUS_ERROR_PREFIX "Failed" },
  { COLD_ERROR_INVALID_ARGUMENT, COLD_BUS_ERROR_PREFIX "InvalidArgument" },
  { COLD_ERROR_NOT_FOUND, COLD_BUS_ERROR_PREFIX "NotFound" },
  { COLD_ERROR_NOT_SUPPORTED, COLD_BUS_ERROR_PREFIX "NotSupported" },
  { COLD_ERROR_BLOCKED, COLD_BUS_ERROR_PREFIX "Blocked" },
  { COLD_ERROR_BUSY, COLD_BUS_ERROR_PREFIX "Busy" },
  { COLD_ERROR_NOT_CONNECTED, COLD_BUS_ERROR_PREFIX "NotConnected" },
  { COLD_ERROR_YIELDED, COLD_BUS_ERROR_PREFIX "Yielded" },
  { COLD_ERROR_ACCESS_DENIED, COLD_BUS_ERROR_PREFIX "AccessDenied" },
  { COLD_ERROR_CONFIG, COLD_BUS_ERROR_PREFIX "Config" },
  { COLD_ERROR_WORKER, COLD_BUS_ERROR_PREFIX "Worker" },
  { COLD_ERROR_GUEST, COLD_BUS_ERROR_PREFIX "Guest" },
  { COLD_ERROR_SIGNATURE, COLD_BUS_ERROR_PREFIX "Signature" },
  { COLD_ERROR_NETWORK, COLD_BUS_ERROR_PREFIX "Network" },
  { COLD_ERROR_NO_SPACE, COLD_BUS_ERROR_PREFIX "NoSpace" },
  { COLD_ERROR_IO, COLD_BUS_ERROR_PREFIX "Io" },
};

G_STATIC_ASSERT (G_N_ELEMENTS (entries) == COLD_ERROR_LAST);

GQuark
cold_error_quark (void)
{
  static gsize quark;

  g_dbus_error_register_error_domain ("cold-error-quark", &quark, entries, G_N_ELEMENTS (entries));
  return (GQuark) quark;
}

gboolean
cold_error_set_errno (GError **error, int saved_errno, const char *format, ...)
{
  g_autofree char *what = NULL;
  ColdError code = COLD_ERROR_IO;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);

  switch (saved_errno)
    {
    case ENOSPC:
    case EDQUOT:
      code = COLD_ERROR_NO_SPACE;
      break;
    case EACCES:
    case EPERM:
      code = COLD_ERROR_ACCESS_DENIED;
      break;
    case ENOENT:
      code = COLD_ERROR_NOT_FOUND;
      break;
    default:
      break;
    }
  g_set_error (error, COLD_ERROR, code, "%s: %s", what, g_strerror (saved_errno));
  return FALSE;
}

const char *
cold_error_nick (ColdError code)
{
  g_return_val_if_fail (code < COLD_ERROR_LAST, "Failed");
  return entries[code].dbus_error_name + strlen (COLD_BUS_ERROR_PREFIX);
}

ColdError
cold_error_from_nick (const char *nick)
{
  for (guint i = 0; nick != NULL && i < G_N_ELEMENTS (entries); i++)
    if (g_str_equal (cold_error_nick (i), nick))
      return i;
  return COLD_ERROR_FAILED;
}
