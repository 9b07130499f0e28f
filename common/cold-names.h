/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and paths that more than one program, or a user, relies on. Each stands here once.
 */
#pragma once

#include "config.h"

/* The bus: data/org.coldpatch1.xml documents what lives under these names. */
#define COLD_BUS_NAME "org.coldpatch1"
#define COLD_BUS_ROOT "/org/coldpatch1"
#define COLD_BUS_POOL_PREFIX COLD_BUS_ROOT "/pool/"
#define COLD_BUS_VOLUME_PREFIX COLD_BUS_ROOT "/volume/"
#define COLD_BUS_DOMAIN_PREFIX COLD_BUS_ROOT "/domain/"
#define COLD_BUS_JOB_PREFIX COLD_BUS_ROOT "/job/"
#define COLD_BUS_ERROR_PREFIX COLD_BUS_NAME ".Error."

/* Configuration, state, cache and run-time files. */
#define COLD_CONFIG_FILE "/etc/coldpatch/coldpatch.conf"
#define COLD_CONFIG_DROPINS "coldpatch.conf.d" /* beside the configuration file */
#define COLD_SOURCES_DIR "sources.d"           /* beside the configuration file */
#define COLD_STATE_DIR "/var/lib/coldpatch"
#define COLD_STORE_FILE COLD_STATE_DIR "/store.db"
#define COLD_JOURNAL_DIR COLD_STATE_DIR "/journal"
#define COLD_MANIFEST_DIR COLD_STATE_DIR "/manifests" /* one file a manifest, named by its SHA-256 */
#define COLD_LOG_DIR COLD_STATE_DIR "/logs"           /* one file a job: <job number>.log */
#define COLD_CACHE_DIR "/var/cache/coldpatch"
#define COLD_APPLIANCE_DIR COLD_CACHE_DIR "/appliance"
#define COLD_CATALOGUE_DIR COLD_CACHE_DIR "/catalogue" /* owned by the worker's user */
#define COLD_SCRATCH_DIR COLD_CACHE_DIR "/scratch"     /* one folder a worker: owned by the worker's user */
#define COLD_RUN_DIR "/run/coldpatch"
#define COLD_CLAIM_DIR COLD_RUN_DIR "/claims"
#define COLD_GATE_PROOF_DIR COLD_RUN_DIR "/gate-proofs"
#define COLD_GATE_FILE COLD_RUN_DIR "/gate"

#define COLD_HOOK_DIR "/etc/libvirt/hooks/qemu.d"
#define COLD_HOOK_FILE COLD_HOOK_DIR "/coldpatch"

/* Transient domains with this name are our own proof that libvirtd calls the hook. */
#define COLD_GATE_DOMAIN_PREFIX "coldpatch-gate-"

/*
 * Work copies and old images: <parent>/.coldpatch-<folder> beside a volume's folder, or this inside it where the parent is
 * another file system; never shown as a volume. Both begin with this.
 */
#define COLD_HIDDEN_DIR ".coldpatch"

#define COLD_WORKER_USER "coldpatch-worker"
