/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "cold-blockers.h"
#include "cold-guest-disks.h"
#include "cold-quarantine.h"
#include "inventory-fixture.h"

static gboolean
serves (const ColdFacts *facts, gpointer user_data)
{
  return g_strcmp0 (facts->os, user_data) == 0;
}

/* What stands against the volume, as "code code ...". */
static char *
codes_with (InventoryFixture *f, ColdVolume *volume, const ColdBlockerContext *given)
{
  ColdBlockerContext context = *given;
  g_autoptr (ColdBacking) backing = cold_backing_find (f->inventory, NULL);
  g_autoptr (GPtrArray) blockers = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) words = NULL;

  context.backing = backing;
  blockers = cold_blockers_find (f->inventory, volume, &context);
  for (guint i = 0; i < blockers->len; i++)
    {
      const ColdBlocker *blocker = g_ptr_array_index (blockers, i);

      /* Every code that is found has a sentence and a remedy. */
      g_assert_cmpstr (cold_blocker_text (blocker->code)->code, ==, blocker->code);
      g_strv_builder_add (builder, blocker->code);
    }
  words = g_strv_builder_end (builder);
  return g_strjoinv (" ", words);
}

static const ColdBlockerContext harmless
    = { .gate_live = TRUE, .host_policy = "manual", .serves = serves, .user_data = (gpointer) "debian" };

#define ASSERT_CODES(volume, wanted) \
  G_STMT_START \
  { \
    g_autofree char *got_ = codes_with (f, volume, &harmless); \
    g_assert_cmpstr (got_, ==, wanted); \
  } \
  G_STMT_END

static void
set (char **where, const char *text)
{
  g_free (*where);
  *where = g_strdup (text);
}

/* Volumes large enough to hold a guest. */
static void
setup (InventoryFixture *f, gconstpointer data)
{
  inventory_fixture_setup (f, data);
  f->volume->allocation = f->other->allocation = 1 << 30;
}

static void
give_guest (ColdVolume *volume, const char *os)
{
  volume->facts = cold_facts_new ();
  volume->facts->has_guest = TRUE;
  set (&volume->facts->os, os);
}

static void
test_none (InventoryFixture *f, gconstpointer data)
{
  give_guest (f->volume, "debian");
  ASSERT_CODES (f->volume, "");
  inventory_fixture_attach (f->domain, f->volume);
  ASSERT_CODES (f->volume, "");
}

static void
test_too_small (InventoryFixture *f, gconstpointer data)
{
  f->volume->allocation = 200 * 1024;
  ASSERT_CODES (f->volume, "no-operating-system");
  /* An overlay holds only what differs from its base. */
  set (&f->volume->backing_path, "/pool/base.qcow2");
  ASSERT_CODES (f->volume, "");
}

static void
test_domain (InventoryFixture *f, gconstpointer data)
{
  ColdDomainInfo *info = f->domain->info;
  ColdDisk *disk = inventory_fixture_attach (f->domain, f->volume);

  info->active = TRUE;
  ASSERT_CODES (f->volume, "in-use");
  ASSERT_CODES (f->other, ""); /* not its */
  info->active = FALSE;
  f->domain->claimed = TRUE;
  ASSERT_CODES (f->volume, "claimed");
  f->domain->claimed = FALSE;
  info->managed_save = TRUE;
  ASSERT_CODES (f->volume, "managed-save");
  info->managed_save = FALSE;
  info->memory_snapshots = 1;
  ASSERT_CODES (f->volume, "memory-snapshot");
  info->memory_snapshots = 0;
  info->external_snapshots = 1;
  ASSERT_CODES (f->volume, "external-snapshot");
  info->external_snapshots = 0;
  info->checkpoints = 1;
  ASSERT_CODES (f->volume, "has-checkpoints");
  info->checkpoints = 0;
  disk->shareable = TRUE;
  ASSERT_CODES (f->volume, "shared");
  disk->shareable = FALSE;
  disk->transient = TRUE;
  ASSERT_CODES (f->volume, "transient-disk");
  disk->transient = FALSE;
  f->domain->gone = TRUE;
  info->active = TRUE;
  ASSERT_CODES (f->volume, "");
}

static void
test_last_stop (InventoryFixture *f, gconstpointer data)
{
  static const char *const clean[] = { "", "shutdown", "destroyed", "crashed", "failed", "unknown" };

  inventory_fixture_attach (f->domain, f->volume);
  set (&f->domain->last_stop, "saved");
  ASSERT_CODES (f->volume, "saved-elsewhere");
  set (&f->domain->last_stop, "migrated");
  ASSERT_CODES (f->volume, "saved-elsewhere");
  for (guint i = 0; i < G_N_ELEMENTS (clean); i++)
    {
      set (&f->domain->last_stop, clean[i]);
      ASSERT_CODES (f->volume, "");
    }
}

/* A transient domain that was saved is gone, and goes on with the disk as it was when it is restored. */
static void
test_saved_and_gone (InventoryFixture *f, gconstpointer data)
{
  ColdDisk *disk = inventory_fixture_attach (f->domain, f->volume);

  f->domain->gone = TRUE;
  ASSERT_CODES (f->volume, "");
  set (&f->domain->last_stop, "saved");
  ASSERT_CODES (f->volume, "saved-elsewhere");
  ASSERT_CODES (f->other, "");
  /* As after the agent's restart, before an image that was moved there. */
  disk->file = (ColdFileId){ 0 };
  ASSERT_CODES (f->volume, "saved-elsewhere");
  cold_domain_note_stop (f->domain, "failed");
  ASSERT_CODES (f->volume, "saved-elsewhere"); /* a restore that failed can be tried again */
  cold_domain_note_stop (f->domain, "shutdown");
  ASSERT_CODES (f->volume, "");
  /* It is being created again. */
  f->domain->claimed = TRUE;
  ASSERT_CODES (f->volume, "claimed");
}

static void
test_several_owners (InventoryFixture *f, gconstpointer data)
{
  inventory_fixture_attach (f->domain, f->volume);
  inventory_fixture_attach (f->other_domain, f->volume);
  ASSERT_CODES (f->volume, "several-owners");
  f->other_domain->info->active = TRUE;
  ASSERT_CODES (f->volume, "in-use several-owners");
}

/* What stands against one disk of a guest stands against all of them. */
static void
test_other_disk (InventoryFixture *f, gconstpointer data)
{
  inventory_fixture_attach (f->domain, f->volume);
  inventory_fixture_attach (f->domain, f->other)->shareable = TRUE;
  ASSERT_CODES (f->volume, "shared");
  f->other->file.nlink = 2;
  ASSERT_CODES (f->volume, "shared several-names");
}

static void
test_missing_disk (InventoryFixture *f, gconstpointer data)
{
  ColdDisk *disk = inventory_fixture_attach (f->domain, f->volume);

  disk = inventory_fixture_attach (f->domain, f->other);
  set (&disk->path, "/elsewhere/c.raw");
  disk->file = (ColdFileId){ 0 };
  ASSERT_CODES (f->volume, "missing-disk");
}

static void
test_backing (InventoryFixture *f, gconstpointer data)
{
  g_autoptr (ColdBacking) backing = NULL;

  set (&f->other->format, "qcow2");
  f->other->backing_path = g_strdup (f->volume->path);
  f->other->backing_format = g_strdup ("raw");
  backing = cold_backing_find (f->inventory, NULL);
  g_assert_cmpuint (g_hash_table_size (backing->volumes), ==, 1);
  g_assert_true (g_hash_table_contains (backing->volumes, &f->volume->id));
  ASSERT_CODES (f->volume, "backing-of");
  ASSERT_CODES (f->other, "");
  f->other->gone = TRUE;
  ASSERT_CODES (f->volume, "");
}

static void
test_backing_by_domain (InventoryFixture *f, gconstpointer data)
{
  ColdDisk *disk = inventory_fixture_attach (f->domain, f->other);
  ColdChainMember *member = cold_chain_member_new ();

  member->path = g_strdup ("/another/name/of/it");
  member->file = f->volume->file;
  g_ptr_array_add (disk->chain, member);
  f->domain->info->active = TRUE;
  ASSERT_CODES (f->volume, "in-use backing-of");
}

/* Two pools show one image, and its overlay names it by a third way. */
static void
test_backing_by_another_name (InventoryFixture *f, gconstpointer data)
{
  g_autoptr (ColdVolume) overlay = cold_volume_new (FIXTURE_POOL, "overlay");
  const char *const no_uris[] = { NULL };
  g_autoptr (ColdInventory) inventory = NULL;
  g_autoptr (ColdBacking) backing = NULL;
  ColdVolume *loaded;

  overlay->id = cold_store_next_volume_id (f->store);
  overlay->backing_path = g_strdup ("/link/to/a.raw");
  cold_store_save_volume (f->store, overlay);
  f->other->file = f->volume->file;
  cold_inventory_volume_touch (f->inventory, f->other);
  cold_store_flush (f->store);
  inventory = cold_inventory_new (f->store, no_uris, 3600);
  loaded = cold_inventory_lookup_volume (inventory, overlay->id);
  loaded->backing_file = f->volume->file;
  backing = cold_backing_find (inventory, NULL);
  g_assert_true (g_hash_table_contains (backing->volumes, &f->volume->id));
  g_assert_true (g_hash_table_contains (backing->volumes, &f->other->id));
  g_clear_pointer (&backing, cold_backing_free);
  /* By the path of one of them, as long as it was not seen where that leads. */
  loaded->backing_file = (ColdFileId){ 0 };
  set (&loaded->backing_path, f->volume->path);
  backing = cold_backing_find (inventory, NULL);
  g_assert_cmpuint (g_hash_table_size (backing->volumes), ==, 2);
}

/* What a name from a header leads to is not asked for on the main loop. */
static void
test_backing_not_looked_at (InventoryFixture *f, gconstpointer data)
{
  g_autofree char *folder = g_dir_make_tmp ("test-blockers-XXXXXX", NULL);
  g_autofree char *image = g_build_filename (folder, "a.raw", NULL);
  g_autofree char *link = g_build_filename (folder, "link", NULL);

  g_assert_true (g_file_set_contents (image, "x", 1, NULL));
  g_assert_cmpint (symlink (image, link), ==, 0);
  g_assert_true (cold_file_id_stat (image, &f->volume->file));
  f->other->backing_path = g_strdup (link);
  ASSERT_CODES (f->volume, "");
  g_assert_true (cold_file_id_peek (link, &f->other->backing_file));
  g_assert_true (cold_file_id_same_content (&f->other->backing_file, &f->volume->file));
  ASSERT_CODES (f->volume, "backing-of");
  g_unlink (link);
  g_unlink (image);
  g_rmdir (folder);
}

/* A disk in no pool whose header nobody has read may build on any volume that no domain uses. */
static void
test_backing_unread (InventoryFixture *f, gconstpointer data)
{
  ColdDisk *disk = inventory_fixture_attach (f->domain, f->volume);
  ColdDisk *mine = inventory_fixture_attach (f->other_domain, f->other);

  disk->file = (ColdFileId){ .device = 1, .inode = 99, .size = 512, .nlink = 1 };
  set (&disk->path, "/elsewhere/over.qcow2");
  ASSERT_CODES (f->volume, ""); /* a raw image has no header */
  set (&disk->format, "qcow2");
  ASSERT_CODES (f->volume, "backing-of");
  ASSERT_CODES (f->other, "");
  /* libvirt says what a running domain's disk builds on. */
  f->domain->info->active = disk->live = TRUE;
  ASSERT_CODES (f->volume, "");
  f->domain->info->active = FALSE;
  ASSERT_CODES (f->volume, "backing-of");
  f->domain->gone = TRUE;
  ASSERT_CODES (f->volume, "");
  /* Of a volume libvirt has read the header. */
  set (&mine->format, "qcow2");
  ASSERT_CODES (f->volume, "");
}

static void
test_untrusted_chain (InventoryFixture *f, gconstpointer data)
{
  set (&f->volume->format, "qcow2");
  f->volume->backing_path = g_strdup ("/etc/shadow");
  f->volume->backing_format = g_strdup ("raw");
  ASSERT_CODES (f->volume, "untrusted-chain");
  /* A raw image has no header: a guest has written there what libvirt took for one. */
  set (&f->volume->format, "raw");
  ASSERT_CODES (f->volume, "");
}

/* After an exchange the domain is known by the file that its disk was before. */
static void
test_owner_by_path (InventoryFixture *f, gconstpointer data)
{
  ColdDisk *disk = inventory_fixture_attach (f->domain, f->volume);
  g_autoptr (GPtrArray) disks = NULL;
  g_autoptr (GError) error = NULL;
  const ColdGuestDisk *first;

  inventory_fixture_attach (f->domain, f->other);
  disk->file.inode = 98;
  set (&f->volume->format, "qcow2"); /* as libvirt has probed it */
  disks = cold_guest_disks_resolve (f->inventory, f->volume, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (disks->len, ==, 2);
  first = g_ptr_array_index (disks, 0);
  g_assert_cmpint (first->volume, ==, f->volume->id);
  g_assert_cmpstr (first->format, ==, "raw");
}

static void
test_guest_is_another (InventoryFixture *f, gconstpointer data)
{
  ColdDisk *disk = inventory_fixture_attach (f->domain, f->volume);
  g_autoptr (GPtrArray) before = NULL, same = NULL, other_format = NULL, other_base = NULL, more = NULL;

  set (&disk->format, "qcow2");
  f->volume->backing_path = g_strdup (f->other->path);
  f->volume->backing_format = g_strdup ("raw");
  before = cold_guest_disks_resolve (f->inventory, f->volume, NULL);
  f->volume->file.size++;
  same = cold_guest_disks_resolve (f->inventory, f->volume, NULL);
  g_assert_true (cold_guest_disks_equal (before, same));
  f->other->file.mtime_ns++;
  other_base = cold_guest_disks_resolve (f->inventory, f->volume, NULL);
  g_assert_false (cold_guest_disks_equal (before, other_base));
  f->other->file.mtime_ns--;
  set (&disk->format, "raw");
  other_format = cold_guest_disks_resolve (f->inventory, f->volume, NULL);
  g_assert_false (cold_guest_disks_equal (before, other_format));
  inventory_fixture_attach (f->domain, f->other);
  more = cold_guest_disks_resolve (f->inventory, f->volume, NULL);
  g_assert_cmpuint (more->len, ==, 2);
  g_assert_false (cold_guest_disks_equal (other_format, more));
}

static void
test_unsupported (InventoryFixture *f, gconstpointer data)
{
  set (&f->volume->type, "block");
  ASSERT_CODES (f->volume, "unsupported-storage");
  set (&f->volume->type, "file");
  set (&f->volume->format, "vmdk");
  ASSERT_CODES (f->volume, "unsupported-format");
}

static void
test_pool (InventoryFixture *f, gconstpointer data)
{
  f->pool->active = FALSE;
  ASSERT_CODES (f->volume, "pool-inactive");
  f->pool->active = TRUE;
  f->volume->file.nlink = 2;
  ASSERT_CODES (f->volume, "several-names");
  f->volume->file.nlink = 1;
  f->pool->exported = g_strdup ("/srv");
  ASSERT_CODES (f->volume, "shared");
}

static void
test_not_connected (InventoryFixture *f, gconstpointer data)
{
  const char *const uris[] = { "test:///default", NULL };
  g_autoptr (ColdInventory) unconnected = cold_inventory_new (f->store, uris, 3600);
  ColdVolume *volume = cold_inventory_lookup_volume (unconnected, f->volume->id);
  g_autoptr (ColdBacking) backing = cold_backing_find (unconnected, NULL);
  g_autoptr (GPtrArray) blockers = NULL;
  ColdBlockerContext context = harmless;
  const ColdBlocker *first;

  volume->allocation = f->volume->allocation;
  volume->allocation = f->volume->allocation;
  context.backing = backing;
  blockers = cold_blockers_find (unconnected, volume, &context);
  g_assert_cmpuint (blockers->len, ==, 1);
  first = g_ptr_array_index (blockers, 0);
  g_assert_cmpstr (first->code, ==, "pool-inactive");
  g_assert_nonnull (strstr (first->detail, "not connected"));
}

static void
test_gone (InventoryFixture *f, gconstpointer data)
{
  f->volume->gone = TRUE;
  ASSERT_CODES (f->volume, "missing-disk");
}

static void
test_guest (InventoryFixture *f, gconstpointer data)
{
  give_guest (f->volume, "plan9");
  ASSERT_CODES (f->volume, "no-catalogue");
  /* What the inspection found counts more than that nothing serves such a guest. */
  g_ptr_array_add (f->volume->facts->blockers, cold_blocker_new ("hibernated", "swap signature"));
  ASSERT_CODES (f->volume, "hibernated");
  g_ptr_array_add (f->volume->facts->blockers, cold_blocker_new ("hibernated", "again"));
  ASSERT_CODES (f->volume, "hibernated");
}

static void
test_quarantine (InventoryFixture *f, gconstpointer data)
{
  f->volume->failures = COLD_FAILURES_MAX - 1;
  ASSERT_CODES (f->volume, "");
  f->volume->failures = COLD_FAILURES_MAX;
  ASSERT_CODES (f->volume, "quarantined");
}

/* An exchange left an image that is not to be deleted: whoever asks for an upgrade does not end that. */
static void
test_quarantine_by_journal (InventoryFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) journals = g_ptr_array_new_with_free_func ((GDestroyNotify) cold_journal_free);
  ColdJournal *journal = cold_journal_new (7, "upgrade");
  ColdJournalMember *member = cold_journal_add_member (journal);

  g_ptr_array_add (journals, journal);
  member->directory = g_path_get_dirname (f->volume->path);
  member->name = g_path_get_basename (f->volume->path);
  member->hidden_directory = g_strdup ("/hidden");
  member->hidden_name = g_strdup ("image-7");
  cold_quarantine_update (f->inventory, journals);
  ASSERT_CODES (f->volume, "");
  journal->quarantined = TRUE;
  cold_quarantine_update (f->inventory, journals);
  ASSERT_CODES (f->volume, "quarantined");
  ASSERT_CODES (f->other, "");
  g_assert_nonnull (strstr (f->volume->quarantine, "/hidden/image-7"));
  /* As after the remedy. */
  g_ptr_array_set_size (journals, 0);
  cold_quarantine_update (f->inventory, journals);
  ASSERT_CODES (f->volume, "");
}

static void
test_policy_and_gate (InventoryFixture *f, gconstpointer data)
{
  ColdBlockerContext context = harmless;
  g_autofree char *off = NULL;
  g_autofree char *dead = NULL;

  context.host_policy = "off";
  off = codes_with (f, f->volume, &context);
  g_assert_cmpstr (off, ==, "policy-off");
  context.gate_live = FALSE;
  context.gate_problem = "no hook";
  dead = codes_with (f, f->volume, &context);
  g_assert_cmpstr (dead, ==, "policy-off gate-missing");
}

static gboolean
is_sentence (const char *text)
{
  return g_str_has_suffix (text, ".") && strlen (text) > 10 && strchr (text, '\n') == NULL;
}

static void
test_table (void)
{
  guint n;
  const ColdBlockerText *texts = cold_blocker_texts (&n);

  g_assert_cmpuint (n, >, 30);
  for (guint i = 0; i < n; i++)
    {
      g_assert_true (cold_blocker_text (texts[i].code) == &texts[i]); /* stands there once */
      g_assert_true (is_sentence (texts[i].reason));
      g_assert_true (is_sentence (texts[i].remedy));
    }
  g_assert_cmpstr (cold_blocker_text ("no-such-code")->code, ==, "");
  g_assert_true (is_sentence (cold_blocker_text ("no-such-code")->reason));
}

/* One line of words, as a reader sees them: roff's own dash is a dash. */
static char *
read_manual (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("TEST_DATA"), "man", "coldpatchd.8", NULL);
  g_autoptr (GString) text = NULL;
  g_autofree char *source = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &source, NULL, &error);
  g_assert_no_error (error);
  text = g_string_new (source);
  g_string_replace (text, "\\-", "-", 0);
  g_string_replace (text, "\n", " ", 0);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_manual (void)
{
  g_autofree char *manual = read_manual ();
  const char *at = strstr (manual, ".Sh BLOCKERS");
  guint n;
  const ColdBlockerText *texts = cold_blocker_texts (&n);

  g_assert_nonnull (at);
  at = strstr (at, ".It ");
  /* The same entries in the same order, and no others. */
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *entry
          = g_strdup_printf (".It Sy %s %s %s ", texts[i].code, texts[i].reason, texts[i].remedy);

      g_assert_nonnull (at);
      if (!g_str_has_prefix (at, entry))
        g_test_message ("the manual has \"%.*s\"", (int) strlen (entry), at);
      g_assert_cmpmem (at, MIN (strlen (at), strlen (entry)), entry, strlen (entry));
      at += strlen (entry);
    }
  g_assert_true (g_str_has_prefix (at, ".El"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test) \
  g_test_add ("/blockers/" path, InventoryFixture, NULL, setup, test, inventory_fixture_teardown)
  ADD ("none/harmless-guest", test_none);
  ADD ("too-small/no-operating-system", test_too_small);
  ADD ("domain/each", test_domain);
  ADD ("domain/last-stop", test_last_stop);
  ADD ("domain/saved-and-gone", test_saved_and_gone);
  ADD ("domain/several-owners", test_several_owners);
  ADD ("domain/other-disk-counts", test_other_disk);
  ADD ("domain/missing-disk", test_missing_disk);
  ADD ("backing/by-header", test_backing);
  ADD ("backing/by-definition", test_backing_by_domain);
  ADD ("backing/by-another-name", test_backing_by_another_name);
  ADD ("backing/header-names-are-not-looked-at", test_backing_not_looked_at);
  ADD ("backing/unread-header", test_backing_unread);
  ADD ("untrusted-chain/not-for-raw", test_untrusted_chain);
  ADD ("guest-disks/owner-by-path", test_owner_by_path);
  ADD ("guest-disks/another-guest", test_guest_is_another);
  ADD ("unsupported/type-and-format", test_unsupported);
  ADD ("pool/inactive-and-several-names", test_pool);
  ADD ("pool/libvirt-not-connected", test_not_connected);
  ADD ("gone/missing-disk", test_gone);
  ADD ("guest/found-inside-goes-first", test_guest);
  ADD ("quarantined/only-after-the-last-try", test_quarantine);
  ADD ("quarantined/by-a-journal", test_quarantine_by_journal);
  ADD ("policy-off-and-gate-missing/last", test_policy_and_gate);
  g_test_add_func ("/blockers/texts/sentences", test_table);
  g_test_add_func ("/blockers/texts/manual-has-them", test_manual);
  return g_test_run ();
}
