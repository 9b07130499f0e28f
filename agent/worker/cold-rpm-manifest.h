/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifest of guests with rpm, as common/cold-protocol.h says, whatever installs the packages.
 */
#pragma once

#include <guestfs.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* What the guest's admin told the package manager. */
typedef struct
{
  GPtrArray *held;         /* (element-type utf8) what must not be updated */
  GPtrArray *excludes;     /* (element-type utf8) what is taken from no repository */
  GPtrArray *multiversion; /* (nullable) (element-type utf8) what is installed beside its older versions: "NAME", "provides:NAME" */
  JsonObject *modules;     /* (nullable) which streams of dnf's modules are enabled: cold-dnf-modules.h */
} ColdRpmRules;

/**
 * cold_rpm_manifest:
 * @facts: gets "packages" and, where a package is there twice, the blocker interrupted-transaction
 * @manager: "dnf", "yum", "zypper"
 *
 * The guest's database is copied out and read here; nothing of the guest is run.
 *
 * Returns: (transfer full): the manifest; %NULL with @error (Guest)
 */
JsonObject *cold_rpm_manifest (guestfs_h *g, JsonObject *facts, const char *manager, const ColdRpmRules *rules,
                               GError **error);

/* @texts: (element-type utf8). Returns: (transfer full) */
JsonArray *cold_rpm_manifest_texts (GPtrArray *texts);

/* Paths that rpm's own triggers and common scriptlets write; %NULL-terminated. For ColdPackageManager. */
extern const char *const cold_rpm_generated[];
extern const char *const cold_rpm_kept_suffixes[];
extern const char *const cold_rpm_replaced_suffixes[];

/* Resource with what the scripts of rpm guests have in common. */
#define COLD_RPM_LIBRARY "/org/coldpatch1/worker/rpm.sh"

/* Shell command that prints every path that a package owns. */
#define COLD_RPM_OWNED "rpm -qal"

G_END_DECLS
