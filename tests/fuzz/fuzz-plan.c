/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz-plan.h"

#include <unistd.h>

#include "cold-catalogue-request.h"
#include "cold-json.h"
#include "cold-plan.h"

#define GENERATION "0000000000000000000000000000000000000000000000000000000000000000"
#define URI "http://mirror.example.org/fuzz"

/* Returns: (transfer full): the request for the catalogue */
static JsonObject *
set_up (const FuzzRepository *repository)
{
  g_autofree char *home = fuzz_path ("repositories/fuzz/" GENERATION);
  g_autofree char *path = g_build_filename (home, "generation.json", NULL);
  g_autofree char *link = fuzz_path ("repositories/fuzz/current");
  g_autofree char *generation = g_strdup_printf ("{\"version\":1,\"uri\":\"" URI "\",\"generation\":\"" GENERATION "\",%s}",
                                                 repository->generation);
  g_autofree char *request = g_strdup_printf (
      "{\"catalogue\":\"%s\",\"scratch\":\"%s\",\"manifest\":\"%s/manifest\",\"repositories\":[{\"id\":\"fuzz\","
      "\"uri\":\"" URI "\",\"security\":true,%s}]}",
      fuzz_folder (), fuzz_folder (), fuzz_folder (), repository->entry);

  g_mkdir_with_parents (home, 0700);
  repository->make (home);
  fuzz_write (path, (const uint8_t *) generation, strlen (generation));
  if (symlink (GENERATION, link) < 0)
    g_error ("cannot make %s", link);
  return cold_json_parse_object (request, -1, NULL);
}

int
fuzz_plan (const FuzzRepository *repository, const uint8_t *data, size_t size)
{
  static JsonObject *request;
  g_autofree char *path = fuzz_path ("manifest");
  g_autoptr (ColdPlan) loaded = NULL;
  g_autoptr (JsonObject) plan = NULL;
  g_autoptr (GError) error = NULL;

  if (request == NULL)
    request = set_up (repository);
  fuzz_write (path, data, size);
  loaded = cold_plan_new (request, NULL);
  g_assert_nonnull (loaded);
  plan = cold_plan_make (loaded, request, &error);
  fuzz_check_error (plan != NULL, error);
  /* The agent believes nothing else. */
  if (plan != NULL)
    g_assert_true (cold_catalogue_check_plan (plan, NULL));
  return 0;
}
