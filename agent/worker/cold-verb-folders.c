/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-json.h"
#include "cold-verb.h"

const char *
cold_verb_catalogue (JsonObject *request)
{
  const char *folder = cold_json_string (request, "catalogue");

  return folder != NULL ? folder : "/catalogue";
}

const char *
cold_verb_scratch (JsonObject *request)
{
  const char *folder = cold_json_string (request, "scratch");

  return folder != NULL ? folder : "/scratch";
}
