/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-libvirt-about.h"

void
cold_libvirt_about_read (ColdLibvirtAbout *self, virConnectPtr conn)
{
  unsigned long libvirt = 0, driver = 0;

  if (virConnectGetLibVersion (conn, &libvirt) == 0)
    g_atomic_int_set (&self->libvirt, libvirt);
  /* Not every driver has one, and QEMU may not be installed. */
  if (virConnectGetVersion (conn, &driver) == 0)
    g_atomic_int_set (&self->driver, driver);
  g_atomic_pointer_set (&self->type, g_intern_string (virConnectGetType (conn)));
}

static void
set_version (JsonObject *object, const char *member, guint version)
{
  g_autofree char *text = NULL;

  /* libvirt: "major * 1,000,000 + minor * 1,000 + release". */
  if (version != 0)
    text = g_strdup_printf ("%u.%u.%u", version / 1000000, version / 1000 % 1000, version % 1000);
  json_object_set_string_member (object, member, text != NULL ? text : "");
}

void
cold_libvirt_about_describe (ColdLibvirtAbout *self, JsonObject *object)
{
  const char *type = g_atomic_pointer_get (&self->type);

  json_object_set_string_member (object, "driver", type != NULL ? type : "");
  set_version (object, "libvirt", g_atomic_int_get (&self->libvirt));
  set_version (object, "driver-version", g_atomic_int_get (&self->driver));
}
