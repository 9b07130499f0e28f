/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is needed from libvirt's XML documents. Only reads: nothing here asks libvirt or the file system.
 */
#pragma once

#include "cold-snapshot.h"

G_BEGIN_DECLS

/* Sets type, format, capacity, allocation and backing image. %FALSE when @xml cannot be parsed. */
gboolean cold_libvirt_xml_read_volume (const char *xml, ColdVolumeInfo *info);

/* Sets type and target path. */
gboolean cold_libvirt_xml_read_pool (const char *xml, ColdPoolInfo *info);

/**
 * cold_libvirt_xml_read_domain:
 *
 * Sets the architecture and adds the disks, those left out that are there already with the same target and source (the live and the
 * inactive definition of one domain are read one after the other). Disks of type volume keep a %NULL path, and no
 * disk has its file identified.
 */
gboolean cold_libvirt_xml_read_domain (const char *xml, ColdDomainInfo *info);

/* Whether a domain snapshot holds memory, and whether any disk of it is external. */
gboolean cold_libvirt_xml_read_snapshot (const char *xml, gboolean *memory, gboolean *external);

G_END_DECLS
