/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A catalogue of one repository, and plans for guests whose manifests libFuzzer makes up. */
#pragma once

#include "fuzz.h"

G_BEGIN_DECLS

#define FUZZ_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

typedef struct
{
  const char *entry;      /* members of the repository in a request, but for id, uri and security: JSON */
  const char *generation; /* members of generation.json, but for version, uri and generation: JSON */

  /* Writes the other files of the generation. @home: its folder */
  void (*make) (const char *home);
} FuzzRepository;

/* One input: @data is the manifest. The catalogue is made at the first one. */
int fuzz_plan (const FuzzRepository *repository, const uint8_t *data, size_t size);

G_END_DECLS
