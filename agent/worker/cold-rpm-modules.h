/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dnf's modules: modules.yaml of a repository, which libmodulemd reads once, when the repository is refreshed (several
 * seconds for the largest), and the file that is made of it, which a plan maps in no time:
 *
 *   (b           whether something in it could not be read: what is missing is not known
 *    a(sxs)      defaults of modules: module, when they were modified, default stream or ""
 *    a(sssssba(ta(sas)as)s))
 *                what is enabled and disabled as one ("context"): module, stream, context, architecture, what it requires as one
 *                text, whether the context is for this ("static"), versions, and the packages of all versions
 *
 * A version: number, what it requires (module, streams, "-stream" being one that it must not be), names of packages that left the module.
 * Of those that require the same there is the latest. A package: a line of name, version as libsolv has it, architecture, with
 * blanks between them; sources are none.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLD_RPM_MODULES_REQUIRES "a(sas)"
#define COLD_RPM_MODULES_VERSION "(t" COLD_RPM_MODULES_REQUIRES "as)"
#define COLD_RPM_MODULES_CONTEXT "(sssssba" COLD_RPM_MODULES_VERSION "s)"
#define COLD_RPM_MODULES_DEFAULT "(sxs)"
#define COLD_RPM_MODULES "(ba" COLD_RPM_MODULES_DEFAULT "a" COLD_RPM_MODULES_CONTEXT ")"

/* Name of the file in a generation. */
#define COLD_RPM_MODULES_FILE "modules"

/* Second argument of a worker that is cold_rpm_modules_main(). */
#define COLD_RPM_MODULES_COMMAND "modules"

/**
 * cold_rpm_modules_make:
 * @yaml: path of modules.yaml, unpacked
 * @path: of the file that is made of it
 *
 * A document in it that cannot be understood is left out, as dnf does it; that there was one is noted down. libmodulemd (2.14) frees
 * its own errors twice over some of those: this program, started once more, reads the file, and if it dies the file is refused.
 *
 * Returns: %FALSE with @error (Signature) when it is no YAML, or nothing came of it
 */
gboolean cold_rpm_modules_make (const char *yaml, const char *path, GError **error);

/* What the program does then; prints why it fails. Returns: its exit status */
int cold_rpm_modules_main (const char *yaml, const char *path);

/* Returns: (transfer full): %NULL with @error */
GVariant *cold_rpm_modules_load (const char *path, GError **error);

G_END_DECLS
