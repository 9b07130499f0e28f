/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The agent's bus face on a private bus, over an inventory without libvirt (inventory-fixture.h); a client
 * beside it hears every signal.
 */
#pragma once

#include "cold-bus.h"
#include "inventory-fixture.h"

typedef struct
{
  char *path; /* without /org/coldpatch1 */
  char *member;
  GVariant *parameters;
} BusSignal;

typedef struct
{
  InventoryFixture world;
  char *folder;
  GDBusConnection *server;
  GDBusConnection *client;
  ColdConfig *config;
  ColdCatalogue *catalogue;
  ColdAppliance *appliance;
  ColdClaimWatch *claims;
  ColdScheduler *scheduler;
  ColdBus *bus;
  GPtrArray *signals; /* (element-type BusSignal) heard since bus_fixture_forget() */
} BusFixture;

/* Runs the tests with a bus around them. */
int bus_fixture_run (void);

void bus_fixture_setup (BusFixture *f, gconstpointer data);
void bus_fixture_teardown (BusFixture *f, gconstpointer data);

#define BUS_FIXTURE_ADD(path, func) g_test_add (path, BusFixture, NULL, bus_fixture_setup, func, bus_fixture_teardown)

/* Another client. */
GDBusConnection *bus_fixture_connect (void);

/* Until everything that waits has been done and heard. */
void bus_fixture_settle (BusFixture *f);
/* The same, and what was heard so far does not count. */
void bus_fixture_forget (BusFixture *f);

/**
 * bus_call:
 * @path: without /org/coldpatch1
 * @method: such as Volume.Inspect, or a full name
 * @parameters: (nullable): floating is sunk
 *
 * Returns: (transfer full): the answer; %NULL with @error
 */
GVariant *bus_call_from (GDBusConnection *client, BusFixture *f, const char *path, const char *method,
                         GVariant *parameters, GError **error);
/* From the client of the fixture; any error is a failure. */
GVariant *bus_call (BusFixture *f, const char *path, const char *method, GVariant *parameters);
/* The answer as text. */
void bus_assert_answer (BusFixture *f, const char *path, const char *method, GVariant *parameters,
                        const char *expected);
/* @name: without org.coldpatch1.Error. Returns: (transfer full): the message */
char *bus_assert_error (BusFixture *f, const char *path, const char *method, GVariant *parameters,
                        const char *name);

/* @interface: such as Volume. Returns: (transfer full) */
GVariant *bus_property (BusFixture *f, const char *path, const char *interface, const char *name);
void bus_assert_property (BusFixture *f, const char *path, const char *interface, const char *name,
                          const char *expected);

/* Returns: (transfer none) (nullable): the first such signal heard */
const BusSignal *bus_find_signal (BusFixture *f, const char *path, const char *member);
/* How many were heard. */
guint bus_count_signals (BusFixture *f, const char *path, const char *member);
/* Exactly one PropertiesChanged was heard of @path; its properties, as text, are @expected. */
void bus_assert_changed (BusFixture *f, const char *path, const char *expected);

/* a{sv} with one key, for options. @value: floating is sunk */
GVariant *bus_option (const char *key, GVariant *value);
#define BUS_NO_OPTIONS g_variant_new ("a{sv}", NULL)
