/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "cold-claim.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "cold-hook.h"
#include "cold-names.h"
#include "exchange-fixture.h"

#define XML                                                                                                            \
  "<domain type='kvm' id='1'>\n  <metadata><name>no</name><uuid>aaaaaaaa-0000-0000-0000-000000000000</uuid></metadata>\n"  \
  "  <name>a &lt;b&gt;</name>\n  <uuid>" FIXTURE_DOMAIN "</uuid>\n  <devices><disk><name>x</name></disk></devices></domain>\n"

static int
run_hook_on (Fixture *f, const char *name, const char *operation, const char *sub, int xml_fd)
{
  g_autofree char *proofs = g_build_filename (f->base, "proofs", NULL);
  const ColdHookPaths paths = {
    .claim_dir = f->claims,
    .gate_file = f->gate,
    .journal_dir = f->journals,
    .proof_dir = proofs,
    .trusted_base = f->base,
  };
  char *argv[] = { (char *) "coldpatch", (char *) name, (char *) operation, (char *) sub, (char *) "-", NULL };

  return cold_hook_run (&paths, 5, argv, xml_fd);
}

static int
run_hook (Fixture *f, const char *name, const char *operation, const char *sub, const char *xml)
{
  g_autofree char *path = g_build_filename (f->base, "stdin", NULL);
  cold_fd_auto fd = -1;

  fixture_write (path, xml);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  return run_hook_on (f, name, operation, sub, fd);
}

/* As the agent does before it starts the domain of that nonce. Returns: (transfer full): path */
static char *
lay_proof (Fixture *f, const char *nonce)
{
  g_autofree char *proofs = g_build_filename (f->base, "proofs", NULL);
  char *proof = g_build_filename (proofs, nonce, NULL);

  g_mkdir (proofs, 0700);
  fixture_write (proof, "");
  return proof;
}

/* Every operation that libvirt 9 to 11 documents. */
static void
test_operations (void)
{
  static const struct
  {
    const char *operation;
    const char *sub;
    gboolean claims;  /* when there was none */
    gboolean releases; /* when there was one */
    int gate_status;
  } table[] = {
    { "prepare", "begin", TRUE, FALSE, 1 },    { "start", "begin", FALSE, FALSE, 0 },
    { "started", "begin", FALSE, FALSE, 0 },   { "stopped", "end", FALSE, FALSE, 0 },
    { "release", "end", FALSE, TRUE, 0 },      { "migrate", "begin", TRUE, FALSE, 1 },
    { "restore", "begin", TRUE, FALSE, 1 },    { "reconnect", "begin", FALSE, FALSE, 0 },
    { "attach", "begin", FALSE, FALSE, 0 },    { "something-new", "begin", FALSE, FALSE, 0 },
    { "", "", FALSE, FALSE, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    {
      g_autoptr (Fixture) f = fixture_new ();
      g_autofree char *proof = lay_proof (f, "0f");

      g_assert_cmpint (run_hook (f, "a <b>", table[i].operation, table[i].sub, XML), ==, 0);
      g_assert_cmpint (cold_claim_exists (f->claims, FIXTURE_DOMAIN), ==, table[i].claims);
      fixture_claim (f, FIXTURE_DOMAIN);
      g_assert_cmpint (run_hook (f, "a <b>", table[i].operation, table[i].sub, XML), ==, 0);
      g_assert_cmpint (cold_claim_exists (f->claims, FIXTURE_DOMAIN), ==, !table[i].releases);
      g_assert_cmpint (run_hook (f, COLD_GATE_DOMAIN_PREFIX "0f", table[i].operation, table[i].sub, XML), ==,
                       table[i].gate_status);
    }
}

static void
test_claim_says_who (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdClaim) claim = NULL;

  run_hook (f, "a <b>", "prepare", "begin", XML);
  claim = cold_claim_read (f->claims, FIXTURE_DOMAIN, NULL);
  g_assert_cmpstr (claim->name, ==, "a <b>");
  g_assert_cmpstr (claim->operation, ==, "prepare");
  g_assert_cmpint (claim->libvirtd_pid, ==, getppid ());
  g_assert_true (cold_claim_is_live (claim));
  claim->libvirtd_start++;
  g_assert_false (cold_claim_is_live (claim));
}

static void
test_garbage_claims_all_the_same (void)
{
  const char *const texts[] = { "", "<domain>", "no xml \xff", "<domain><uuid>../../etc</uuid><name>x</name></domain>",
                                "<x><uuid>" FIXTURE_DOMAIN "</uuid><name>x</name></x>" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (Fixture) f = fixture_new ();

      g_assert_cmpint (run_hook (f, "../a\nb", "prepare", "begin", texts[i]), ==, 0);
      g_assert_cmpuint (fixture_count (f->claims), ==, 1);
      g_assert_cmpint (run_hook (f, "../a\nb", "release", "end", texts[i]), ==, 0);
      g_assert_cmpuint (fixture_count (f->claims), ==, 0);
    }
}

static void
test_missing_folders (void)
{
  g_autoptr (Fixture) f = fixture_new ();

  g_assert_cmpint (g_rmdir (f->claims), ==, 0);
  g_assert_cmpint (g_rmdir (f->journals), ==, 0);
  g_assert_cmpint (run_hook (f, "vm", "prepare", "begin", XML), ==, 0);
  g_assert_true (cold_claim_exists (f->claims, FIXTURE_DOMAIN));
}

static void
test_unwritable_claims (void)
{
  g_autoptr (Fixture) f = fixture_new ();

  g_assert_cmpint (g_rmdir (f->claims), ==, 0);
  fixture_write (f->claims, "a file where the folder should be");
  g_assert_cmpint (run_hook (f, "vm", "prepare", "begin", XML), ==, 0);
  g_assert_cmpint (run_hook (f, "vm", "release", "end", XML), ==, 0);
}

static void
test_gate_wait_is_bounded (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  cold_fd_auto gate = cold_gate_take (f->gate, 0, NULL);
  gint64 begin = g_get_monotonic_time ();

  g_assert_cmpint (gate, >=, 0);
  g_assert_cmpint (run_hook (f, "vm", "prepare", "begin", XML), ==, 0);
  g_assert_cmpint (g_get_monotonic_time () - begin, >=, 190 * 1000);
  g_assert_true (cold_claim_exists (f->claims, FIXTURE_DOMAIN));
}

/* A set of which one name was exchanged is made whole before the domain of @xml starts. */
static void
assert_settled (const char *xml)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);

  fixture_swap (f, journal, 0);
  g_assert_cmpint (run_hook (f, "vm", "prepare", "begin", xml), ==, 0);
  fixture_assert_set (f, journal, "new");
}

static void
test_half_done_set_is_settled (void)
{
  assert_settled (XML);
}

static void
test_waiting_set_is_left_alone (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autoptr (ColdJournal) journal = fixture_ready (f, 2);
  g_autofree char *path = fixture_volume (f, "volume-0");

  g_assert_cmpint (run_hook (f, "vm", "prepare", "begin", XML), ==, 0);
  fixture_assert_content (path, "old");
  g_assert_cmpuint (fixture_count (f->hidden), ==, 2);
}

/* Without a UUID any set may hold the domain's disks. */
static void
test_half_done_set_of_unread_domain (void)
{
  assert_settled ("<domain>");
}

/* An old EINTR says nothing of a poll that timed out. */
static void
test_silent_libvirtd (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  alarm (60);
  errno = EINTR;
  g_assert_cmpint (run_hook_on (f, "vm", "prepare", "begin", ends[0]), ==, 0);
  alarm (0);
  g_assert_cmpuint (fixture_count (f->claims), ==, 1);
  close (ends[0]);
  close (ends[1]);
}

static void
test_proof (void)
{
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *proof = lay_proof (f, "0f-1a");

  g_assert_cmpint (run_hook (f, COLD_GATE_DOMAIN_PREFIX "0f-1a", "prepare", "begin", XML), ==, 1);
  g_assert_false (g_file_test (proof, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (fixture_count (f->claims), ==, 0);
}

/* Whoever may define domains may call one as we call ours: it starts as any other. */
static void
test_strangers_gate_domain (void)
{
  static const char *const nonces[] = { "", ".", "../stdin", "XY", "0/1", "0f-1b" };
  g_autoptr (Fixture) f = fixture_new ();
  g_autofree char *proof = lay_proof (f, "0f-1a");
  g_autofree char *upper = lay_proof (f, "XY");

  for (guint i = 0; i < G_N_ELEMENTS (nonces); i++)
    {
      g_autofree char *name = g_strconcat (COLD_GATE_DOMAIN_PREFIX, nonces[i], NULL);

      g_assert_cmpint (run_hook (f, name, "prepare", "begin", XML), ==, 0);
      g_assert_true (cold_claim_exists (f->claims, FIXTURE_DOMAIN));
      g_assert_cmpint (run_hook (f, name, "release", "end", XML), ==, 0);
      g_assert_cmpuint (fixture_count (f->claims), ==, 0);
    }
  g_assert_true (g_file_test (proof, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test (upper, G_FILE_TEST_EXISTS));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_test_add_func ("/hook/operations", test_operations);
  g_test_add_func ("/hook/claim-says-who", test_claim_says_who);
  g_test_add_func ("/hook/garbage-claims-all-the-same", test_garbage_claims_all_the_same);
  g_test_add_func ("/hook/missing-folders", test_missing_folders);
  g_test_add_func ("/hook/unwritable-claims", test_unwritable_claims);
  g_test_add_func ("/hook/gate-wait-is-bounded", test_gate_wait_is_bounded);
  g_test_add_func ("/hook/half-done-set-is-settled", test_half_done_set_is_settled);
  g_test_add_func ("/hook/waiting-set-is-left-alone", test_waiting_set_is_left_alone);
  g_test_add_func ("/hook/half-done-set-of-unread-domain-is-settled", test_half_done_set_of_unread_domain);
  g_test_add_func ("/hook/silent-libvirtd", test_silent_libvirtd);
  g_test_add_func ("/hook/proof", test_proof);
  g_test_add_func ("/hook/strangers-gate-domain-starts", test_strangers_gate_domain);
  return g_test_run ();
}
