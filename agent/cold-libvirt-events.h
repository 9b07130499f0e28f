/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt's events in words, for one connection. */
#pragma once

#include <glib.h>
#include <libvirt/libvirt.h>

G_BEGIN_DECLS

#define COLD_LIBVIRT_DOMAIN_EVENTS 5
#define COLD_LIBVIRT_POOL_EVENTS 2

typedef struct
{
  gboolean is_pool;   /* otherwise of a domain */
  gboolean changes;   /* something may be in other use than before; a refresh of a pool changes nothing */
  const char *uuid;
  const char *name;   /* (nullable): the domain's */
  const char *event;  /* static; as in cold-connection.h */
  const char *detail; /* static */
} ColdLibvirtEvent;

/* Called by libvirt's event loop; @event is valid during the call. */
typedef void (*ColdLibvirtEventFunc) (const ColdLibvirtEvent *event, gpointer user_data);

typedef struct ColdLibvirtReceiver ColdLibvirtReceiver;

typedef struct
{
  ColdLibvirtReceiver *receiver;
  int domain[COLD_LIBVIRT_DOMAIN_EVENTS]; /* callback ids; -1: this driver does not send it */
  int pool[COLD_LIBVIRT_POOL_EVENTS];
} ColdLibvirtEvents;

/**
 * cold_libvirt_events_register:
 * @user_data: (transfer full)
 * @free_func: called for @user_data when no callback can come any more, on any thread
 *
 * Drivers that cannot send an event (test:///) do without it.
 */
void cold_libvirt_events_register (ColdLibvirtEvents *events, virConnectPtr conn, ColdLibvirtEventFunc func,
                                   gpointer user_data, GDestroyNotify free_func);
void cold_libvirt_events_deregister (ColdLibvirtEvents *events, virConnectPtr conn);

/**
 * cold_libvirt_events_begin_refresh:
 * @pool: UUID
 *
 * The caller is about to refresh the pool and to read it then: the event of that is not told, which would have all of it read
 * once more. One refresh at a time, and cold_libvirt_events_end_refresh() after it. Any thread.
 */
void cold_libvirt_events_begin_refresh (ColdLibvirtEvents *events, const char *pool);
/* @good: %FALSE when it failed: there is no event then. One that does not come soon is not waited for. */
void cold_libvirt_events_end_refresh (ColdLibvirtEvents *events, const char *pool, gboolean good);

G_END_DECLS
