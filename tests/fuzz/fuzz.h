/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzz targets have in common. Each is one file with LLVMFuzzerTestOneInput(), which hands what libFuzzer made up
 * to one parser, and checks of its answer what the callers rely on.
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

G_BEGIN_DECLS

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Returns: (transfer full): a copy that ends with a NUL, in an allocation of just that size */
char *fuzz_text (const uint8_t *data, size_t size);

/* Returns: (transfer none): the folder for this process' files: "run" makes and removes it */
const char *fuzz_folder (void);

/* Returns: (transfer full): path of a file in fuzz_folder() */
char *fuzz_path (const char *name);

/* Writes a file without going through another name: nobody else looks. */
void fuzz_write (const char *path, const uint8_t *data, size_t size);

/* A parser that fails says why, and one that does not has no error. */
void fuzz_check_error (gboolean succeeded, const GError *error);

G_END_DECLS
