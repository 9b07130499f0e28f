/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cold-error.h"
#include "cold-policy.h"
#include "inventory-fixture.h"

static void
set (char **policy, const char *word)
{
  g_free (*policy);
  *policy = g_strdup (word);
}

static const char *
effective (InventoryFixture *f, const char *host)
{
  return cold_policy_effective (f->inventory, f->volume, host);
}

static void
test_host (InventoryFixture *f, gconstpointer data)
{
  inventory_fixture_attach (f->domain, f->volume);
  g_assert_cmpstr (effective (f, "off"), ==, "off");
  g_assert_cmpstr (effective (f, "manual"), ==, "manual");
  g_assert_cmpstr (effective (f, "auto"), ==, "auto");
}

static void
test_nearest (InventoryFixture *f, gconstpointer data)
{
  inventory_fixture_attach (f->domain, f->volume);
  set (&f->pool->policy, "auto");
  g_assert_cmpstr (effective (f, "off"), ==, "auto");
  set (&f->domain->policy, "manual");
  g_assert_cmpstr (effective (f, "off"), ==, "manual");
  set (&f->volume->policy, "off");
  g_assert_cmpstr (effective (f, "auto"), ==, "off");
  set (&f->volume->policy, "inherit");
  g_assert_cmpstr (effective (f, "off"), ==, "manual");
}

/* A template, a golden image: auto from the host must not reach it. */
static void
test_unused_volume (InventoryFixture *f, gconstpointer data)
{
  g_assert_cmpstr (effective (f, "auto"), ==, "manual");
  g_assert_cmpstr (effective (f, "off"), ==, "off");
  set (&f->pool->policy, "auto");
  g_assert_cmpstr (effective (f, "manual"), ==, "auto");
  set (&f->pool->policy, "inherit");
  set (&f->volume->policy, "auto");
  g_assert_cmpstr (effective (f, "manual"), ==, "auto");
}

static void
test_gone_domain (InventoryFixture *f, gconstpointer data)
{
  inventory_fixture_attach (f->domain, f->volume);
  set (&f->domain->policy, "auto");
  g_assert_cmpstr (effective (f, "manual"), ==, "auto");
  f->domain->gone = TRUE;
  g_assert_cmpstr (effective (f, "manual"), ==, "manual");
}

static void
test_other_domain (InventoryFixture *f, gconstpointer data)
{
  inventory_fixture_attach (f->domain, f->volume);
  inventory_fixture_attach (f->other_domain, f->other);
  set (&f->other_domain->policy, "auto");
  g_assert_cmpstr (effective (f, "manual"), ==, "manual");
}

static void
test_disagreement (InventoryFixture *f, gconstpointer data)
{
  static const char *const cases[][3] = {
    { "auto", "manual", "manual" }, { "auto", "off", "off" },       { "manual", "off", "off" },
    { "auto", "auto", "auto" },     { "inherit", "auto", "auto" },
  };

  inventory_fixture_attach (f->domain, f->volume);
  inventory_fixture_attach (f->other_domain, f->volume);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      set (&f->domain->policy, cases[i][0]);
      set (&f->other_domain->policy, cases[i][1]);
      g_assert_cmpstr (effective (f, "manual"), ==, cases[i][2]);
      set (&f->domain->policy, cases[i][1]);
      set (&f->other_domain->policy, cases[i][0]);
      g_assert_cmpstr (effective (f, "manual"), ==, cases[i][2]);
    }
}

static void
test_words (void)
{
  static const char *const wrong[] = { "", "Auto", "auto ", "on", "inherited" };
  static const char *const right[] = { "off", "manual", "auto" };

  for (guint i = 0; i < G_N_ELEMENTS (right); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (cold_policy_check (right[i], TRUE, &error));
      g_assert_true (cold_policy_check (right[i], FALSE, &error));
      g_assert_no_error (error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (cold_policy_check (wrong[i], TRUE, &error));
      g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, "off, manual, auto or inherit"));
    }
}

static void
test_inherit_from_nothing (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (cold_policy_check ("inherit", TRUE, &error));
  g_assert_no_error (error);
  g_assert_false (cold_policy_check ("inherit", FALSE, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) \
  g_test_add ("/policy/" path, InventoryFixture, NULL, inventory_fixture_setup, test, inventory_fixture_teardown)
  ADD ("host/reaches-a-domain's-volume", test_host);
  ADD ("nearest/wins", test_nearest);
  ADD ("unused-volume/no-auto-from-the-host", test_unused_volume);
  ADD ("gone-domain/is-not-heard", test_gone_domain);
  ADD ("domain/of-another-volume-is-not-heard", test_other_domain);
  ADD ("several-domains/most-careful-one-is-heard", test_disagreement);
  g_test_add_func ("/policy/word/unknown-is-refused", test_words);
  g_test_add_func ("/policy/word/inherit-not-for-the-host", test_inherit_from_nothing);
  return g_test_run ();
}
