/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files in which libvirt's system QEMU driver keeps what it knows of domains: a disk that is attached or detached with
 * --config, an external snapshot of a domain that is off, and the removal of a managed save image are written there, and no
 * event tells of them (tried with libvirt 9.0). Only their names are looked at.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define COLD_DEFINITIONS_URI "qemu:///system"

typedef struct ColdDefinitions ColdDefinitions;

/* What libvirt knows of the domain has changed on disk a moment ago. */
typedef void (*ColdDefinitionsFunc) (const char *domain, gpointer user_data);

ColdDefinitions *cold_definitions_new (ColdDefinitionsFunc changed, gpointer user_data);
void cold_definitions_free (ColdDefinitions *definitions);

/* Begins to look, or goes on where a folder was not there, or is another one by now. */
void cold_definitions_watch (ColdDefinitions *definitions);

G_END_DECLS
