/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store in a temporary folder. */
#pragma once

#include "async-result.h"
#include "cold-store.h"

typedef struct
{
  char *folder;
  char *path;
  ColdStore *store;
} StoreFixture;

void store_fixture_set_up (StoreFixture *f, gconstpointer data);
void store_fixture_tear_down (StoreFixture *f, gconstpointer data);

void store_fixture_open (StoreFixture *f);
void store_fixture_close (StoreFixture *f);
/* As another agent would find it. */
void store_fixture_reopen (StoreFixture *f);

/* wait_for_result(), and the store's thread has let go of the query. Returns: (transfer none): the result */
GAsyncResult *store_fixture_wait_for (StoreFixture *f, GAsyncResult **result);
