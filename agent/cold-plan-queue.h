/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans that are asked for. Those that the same repositories serve are collected, and one worker makes them: loading the
 * catalogue takes longer than solving. Equal ones are made once; those that were used last are kept.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

typedef struct _ColdPlanQueue ColdPlanQueue;

ColdPlanQueue *cold_plan_queue_new (void);
/* Workers that run finish all the same. */
void cold_plan_queue_free (ColdPlanQueue *self);

/**
 * cold_plan_queue_ask:
 * @repositories: a request's members that are about the catalogue
 * @generation: of the catalogue
 * @manifest: id of the guest's manifest
 * @exclude: (nullable): names of packages
 * @task: (transfer full): returns the plan (JsonObject), or with an error; at once when it is cancelled. A task that can be is
 *   somebody's who waits: it goes before the others.
 */
void cold_plan_queue_ask (ColdPlanQueue *self, JsonObject *repositories, guint64 generation, const char *manifest,
                          gboolean security_only, const char *const *exclude, GTask *task);

G_END_DECLS
