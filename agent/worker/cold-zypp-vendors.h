/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which vendors are one for zypper (zypp/VendorAttr.cc of libzypp): those that begin with an entry of the same group, whatever
 * the case, of several entries with the one that comes last in the alphabet. All that begin with "suse" are one without any
 * configuration. Vendors that begin with "opensuse" have to be an entry from end to end.
 */
#pragma once

#include <json-glib/json-glib.h>
#include <solv/pool.h>

G_BEGIN_DECLS

typedef struct _ColdZyppVendors ColdZyppVendors;

/* @groups: (nullable): "vendors" of a manifest */
ColdZyppVendors *cold_zypp_vendors_new (JsonArray *groups);
void cold_zypp_vendors_free (ColdZyppVendors *self);

gboolean cold_zypp_vendors_are_one (ColdZyppVendors *self, const char *a, const char *b);

/* Lets the solvers of @pool ask @self, which has to live as long; %NULL: vendors are what they are called. */
void cold_zypp_vendors_set (ColdZyppVendors *self, Pool *pool);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdZyppVendors, cold_zypp_vendors_free)

G_END_DECLS
