/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An inventory without libvirt: what a store in memory holds, changed by the test at will. With no connection to wait for
 * it counts as connected.
 */
#pragma once

#include "cold-inventory.h"

#define FIXTURE_POOL "11111111-1111-4111-8111-111111111111"

typedef struct
{
  ColdStore *store;
  ColdInventory *inventory;
  ColdPool *pool;           /* FIXTURE_POOL, active, without policy */
  ColdVolume *volume;       /* a.raw in it: raw, no guest yet */
  ColdVolume *other;        /* b.raw */
  ColdDomain *domain;       /* shut off; without disks */
  ColdDomain *other_domain; /* the same */
} InventoryFixture;

/* @data: (nullable): the folder that the volumes are in; "/pool" when NULL */
void inventory_fixture_setup (InventoryFixture *f, gconstpointer data);
void inventory_fixture_teardown (InventoryFixture *f, gconstpointer data);

/* Gives the domain the volume as its next disk. Returns: (transfer none) */
ColdDisk *inventory_fixture_attach (ColdDomain *domain, const ColdVolume *volume);
