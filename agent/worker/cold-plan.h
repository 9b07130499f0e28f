/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plan in the making: what cold-verb-plan.c, which knows no type of packages, and the functions of a type share.
 */
#pragma once

#include <solv/bitmap.h>

#include "cold-repository.h"

G_BEGIN_DECLS

struct _ColdPlan
{
  const ColdRepositoryType *type;
  const char *catalogue;
  GPtrArray *sources;       /* (element-type ColdSource) */
  gboolean security_only;
  GHashTable *held;         /* (element-type utf8) names that the guest wants to keep as they are */
  GHashTable *excluded;     /* (element-type utf8) names that the request leaves out */
  GHashTable *locked;       /* (element-type utf8) names kept back because the right choice is not known */
  Pool *pool;               /* made by load() of the type */
  Map considered;           /* initialised by load() for all solvables */
  JsonArray *problems;      /* texts for the admin */
  gpointer data;            /* the type's own */
  GDestroyNotify free_data;
};

void cold_plan_add_problem (ColdPlan *plan, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Adds the strings of an array to a set; of "name:arch" only the name, unless that is another architecture's than @arch. */
void cold_plan_add_names (GHashTable *set, JsonObject *object, const char *member, const char *arch);

/* Whether @text is not empty, not too long, begins with neither '-' nor '.', and has letters, digits and @others only. */
gboolean cold_plan_has_only (const char *text, const char *others);

G_END_DECLS
