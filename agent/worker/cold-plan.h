/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's own package manager would upgrade, found by libsolv. What a manager prefers and refuses is known by the type of
 * its packages (cold-repository.h); cold-plan.c knows none.
 */
#pragma once

#include <solv/bitmap.h>

#include "cold-repository.h"

G_BEGIN_DECLS

struct _ColdPlan
{
  const ColdRepositoryType *type;
  const char *catalogue;
  const char *arch;         /* the packages' word, of all repositories */
  GPtrArray *sources;       /* (element-type ColdSource) */
  gboolean security_only;
  GHashTable *held;         /* (element-type utf8) names that the guest wants to keep as they are */
  GHashTable *excluded;     /* (element-type utf8) names that the request leaves out */
  GHashTable *locked;       /* (element-type utf8) names kept back because the right choice is not known */
  GHashTable *kept;         /* (element-type Id) what is installed and would be removed */
  Pool *pool;               /* made by load_catalogue() of the type */
  Map considered;           /* initialised by load_manifest() for all solvables */
  JsonArray *problems;      /* texts for the admin */
  gpointer data;            /* the type's own */
  GDestroyNotify free_data;
};

/* Loads the catalogue's repositories. @request: of the verb; borrowed. Returns: (transfer full): %NULL with @error */
ColdPlan *cold_plan_new (JsonObject *request, GError **error);
void cold_plan_free (ColdPlan *plan);

/* @guest: one of "plans". Once for a ColdPlan: the manifest is loaded into it. Returns: (transfer full): %NULL with @error */
JsonObject *cold_plan_make (ColdPlan *plan, JsonObject *guest, GError **error);

/* Whether the manifest's packages are of the repositories' architecture; else @error (Guest). */
gboolean cold_plan_check_arch (ColdPlan *plan, const char *arch, GError **error);

void cold_plan_add_problem (ColdPlan *plan, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Adds the strings of an array to a set; of "name:arch" only the name, unless that is another architecture's than @arch. */
void cold_plan_add_names (GHashTable *set, JsonObject *object, const char *member, const char *arch);

/* Whether @text is not empty, not too long, begins with neither '-' nor '.', and has letters, digits and @others only. */
gboolean cold_plan_has_only (const char *text, const char *others);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdPlan, cold_plan_free)

G_END_DECLS
