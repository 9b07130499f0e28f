/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-definitions.h"

#include "cold-watch.h"

static const struct
{
  const char *folder;
  const char *suffix; /* after the domain's name */
} places[] = {
  { "/etc/libvirt/qemu", ".xml" },
  { "/var/lib/libvirt/qemu/save", ".save" },
};

struct ColdDefinitions
{
  ColdWatch *watches[G_N_ELEMENTS (places)]; /* (nullable) */
  ColdDefinitionsFunc changed;
  gpointer user_data;
};

ColdDefinitions *
cold_definitions_new (ColdDefinitionsFunc changed, gpointer user_data)
{
  ColdDefinitions *self = g_new0 (ColdDefinitions, 1);

  self->changed = changed;
  self->user_data = user_data;
  return self;
}

static void
drop (ColdDefinitions *self, guint place)
{
  if (self->watches[place] != NULL)
    g_signal_handlers_disconnect_by_data (self->watches[place], self);
  g_clear_object (&self->watches[place]);
}

void
cold_definitions_free (ColdDefinitions *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    drop (self, i);
  g_free (self);
}

static const char *
find_suffix (ColdDefinitions *self, ColdWatch *watch)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    if (self->watches[i] == watch)
      return places[i].suffix;
  g_return_val_if_reached ("");
}

static void
on_changed (ColdWatch *watch, ColdDefinitions *self)
{
  const char *suffix = find_suffix (self, watch);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, cold_watch_get_names (watch));
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (g_str_has_suffix (name, suffix))
      {
        g_autofree char *domain = g_strndup (name, strlen (name) - strlen (suffix));

        self->changed (domain, self->user_data);
      }
}

void
cold_definitions_watch (ColdDefinitions *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GError) error = NULL;

      if (self->watches[i] != NULL && cold_watch_is_alive (self->watches[i]))
        continue;
      drop (self, i);
      self->watches[i] = cold_watch_new (places[i].folder, &error);
      if (self->watches[i] != NULL)
        g_signal_connect (self->watches[i], "changed", G_CALLBACK (on_changed), self);
      else
        g_debug ("%s; what libvirt writes there is seen at the next resync", error->message);
    }
}
