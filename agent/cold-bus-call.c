/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-bus-call.h"

#include "cold-json.h"
#include "cold-names.h"

static char *
uuid_path (const char *prefix, const char *uuid)
{
  /* '-' may not stand in an object path. */
  return g_strdelimit (g_strconcat (prefix, uuid, NULL), "-", '_');
}

char *
cold_bus_pool_path (const char *uuid)
{
  return uuid_path (COLD_BUS_POOL_PREFIX, uuid);
}

char *
cold_bus_domain_path (const char *uuid)
{
  return uuid_path (COLD_BUS_DOMAIN_PREFIX, uuid);
}

char *
cold_bus_volume_path (gint64 id)
{
  return id == 0 ? g_strdup ("/") : g_strdup_printf (COLD_BUS_VOLUME_PREFIX "%" G_GINT64_FORMAT, id);
}

char *
cold_bus_job_path (guint number)
{
  return number == 0 ? g_strdup ("/") : g_strdup_printf (COLD_BUS_JOB_PREFIX "%u", number);
}

gint64
cold_bus_parse_volume_path (const char *path)
{
  guint64 id;

  if (!g_str_has_prefix (path, COLD_BUS_VOLUME_PREFIX))
    return 0;
  path += strlen (COLD_BUS_VOLUME_PREFIX);
  /* Each volume has one path: 07 is not 7. */
  if (*path == '0' || !g_ascii_string_to_unsigned (path, 10, 1, G_MAXINT64, &id, NULL))
    return 0;
  return id;
}

GVariant *
cold_bus_text (const char *text)
{
  return g_variant_new_take_string (cold_text_make_valid (text));
}

static ColdError
convert (const GError *error)
{
  if (error->domain == COLD_ERROR)
    return error->code;
  if (error->domain == G_FILE_ERROR)
    switch (error->code)
      {
      case G_FILE_ERROR_NOENT:
        return COLD_ERROR_NOT_FOUND;
      case G_FILE_ERROR_ACCES:
      case G_FILE_ERROR_PERM:
        return COLD_ERROR_ACCESS_DENIED;
      case G_FILE_ERROR_NOSPC:
        return COLD_ERROR_NO_SPACE;
      default:
        return COLD_ERROR_IO;
      }
  if (error->domain == G_IO_ERROR)
    switch (error->code)
      {
      case G_IO_ERROR_NOT_FOUND:
        return COLD_ERROR_NOT_FOUND;
      case G_IO_ERROR_PERMISSION_DENIED:
        return COLD_ERROR_ACCESS_DENIED;
      case G_IO_ERROR_NO_SPACE:
        return COLD_ERROR_NO_SPACE;
      case G_IO_ERROR_INVALID_ARGUMENT:
        return COLD_ERROR_INVALID_ARGUMENT;
      case G_IO_ERROR_NOT_SUPPORTED:
        return COLD_ERROR_NOT_SUPPORTED;
      case G_IO_ERROR_BUSY:
        return COLD_ERROR_BUSY;
      default:
        return COLD_ERROR_FAILED;
      }
  return COLD_ERROR_FAILED;
}

void
cold_bus_return_error (GDBusMethodInvocation *invocation, GError *error)
{
  g_autofree char *message = cold_text_make_valid (error->message);

  /* Its name on the bus comes from the domain's table (common/cold-error.c). */
  g_dbus_method_invocation_return_error_literal (invocation, COLD_ERROR, convert (error), message);
  g_error_free (error);
}

void
cold_bus_return_new_error (GDBusMethodInvocation *invocation, ColdError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  cold_bus_return_error (invocation, g_error_new_valist (COLD_ERROR, code, format, args));
  va_end (args);
}

void
cold_bus_return_job (GDBusMethodInvocation *invocation, ColdJob *job, GError *error)
{
  g_autofree char *path = NULL;

  if (job == NULL)
    {
      cold_bus_return_error (invocation, error);
      return;
    }
  path = cold_bus_job_path (cold_job_get_number (job));
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(o)", path));
}

void
cold_bus_return_done (GDBusMethodInvocation *invocation, gboolean ok, GError *error)
{
  if (ok)
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    cold_bus_return_error (invocation, error);
}

typedef struct
{
  GDBusMethodInvocation *invocation;
  ColdBusMake make;
  gpointer data;
  GDestroyNotify data_free;
} Answer;

static void
answer_free (gpointer user_data)
{
  Answer *answer = user_data;

  if (answer->data_free != NULL)
    answer->data_free (answer->data);
  g_free (answer);
}

static void
make_on_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Answer *answer = task_data;
  g_autoptr (GError) error = NULL;
  GVariant *value = answer->make (answer->data, &error);

  /* Sent from here: serialising a big message takes longer than making it. */
  if (value != NULL)
    g_dbus_method_invocation_return_value (answer->invocation, value);
  else
    cold_bus_return_error (answer->invocation, g_steal_pointer (&error));
  g_task_return_boolean (task, TRUE);
}

void
cold_bus_return_made (GDBusMethodInvocation *invocation, ColdBusMake make, gpointer data,
                      GDestroyNotify data_free)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);
  Answer *answer = g_new0 (Answer, 1);

  answer->invocation = invocation;
  answer->make = make;
  answer->data = data;
  answer->data_free = data_free;
  g_task_set_task_data (task, answer, answer_free);
  g_task_run_in_thread (task, make_on_thread);
}
