/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is at the other end of a libvirt connection. Written by the connection's thread, read by any. */
#pragma once

#include <json-glib/json-glib.h>
#include <libvirt/libvirt.h>

G_BEGIN_DECLS

/* Filled with zeros: nothing is known yet. Atomic. */
typedef struct
{
  guint libvirt;      /* version of the daemon, as libvirt packs them */
  guint driver;       /* of QEMU */
  const char *type;   /* (nullable) libvirt's word for the driver, interned */
} ColdLibvirtAbout;

/* libvirt may have to try QEMU for it, which takes a second. */
void cold_libvirt_about_read (ColdLibvirtAbout *self, virConnectPtr conn);

/* Sets "driver":"QEMU","libvirt":"9.0.0","driver-version":"7.2.22"; "" for what is not known. */
void cold_libvirt_about_describe (ColdLibvirtAbout *self, JsonObject *object);

G_END_DECLS
