/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-hook.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "cold-claim.h"
#include "cold-exchange.h"
#include "cold-fd.h"
#include "cold-gate.h"
#include "cold-names.h"
#include "cold-process.h"

#define XML_MAX (1024 * 1024)
#define XML_WAIT_MS 200
#define GATE_WAIT_MS 200

typedef struct
{
  GString *uuid;
  GString *name;
} Identity;

static GString *
text_of (GMarkupParseContext *context, Identity *identity)
{
  const GSList *stack = g_markup_parse_context_get_element_stack (context);
  const char *element;

  /* Children of <domain> alone: devices and metadata have names and UUIDs of their own. */
  if (g_slist_length ((GSList *) stack) != 2 || !g_str_equal (stack->next->data, "domain"))
    return NULL;
  element = stack->data;
  return g_str_equal (element, "uuid") ? identity->uuid : g_str_equal (element, "name") ? identity->name : NULL;
}

static void
on_text (GMarkupParseContext *context, const char *text, gsize length, gpointer user_data, GError **error)
{
  GString *into = text_of (context, user_data);

  if (into != NULL)
    g_string_append_len (into, text, length);
}

static void
on_end (GMarkupParseContext *context, const char *element, gpointer user_data, GError **error)
{
  Identity *identity = user_data;

  /* Both are among the first elements: the rest of a long definition, and what is wrong with it, does not matter. */
  if (identity->uuid->len > 0 && identity->name->len > 0)
    g_set_error_literal (error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "enough");
}

static char *
read_all (int fd, gsize *length)
{
  gint64 deadline = g_get_monotonic_time () + XML_WAIT_MS * 1000;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 buffer[16384];

  while (bytes->len < XML_MAX)
    {
      struct pollfd ready = { .fd = fd, .events = POLLIN };
      gint64 left_ms = (deadline - g_get_monotonic_time ()) / 1000;
      int answer;
      ssize_t got;

      if (left_ms <= 0)
        break;
      answer = poll (&ready, 1, left_ms);
      if (answer < 0 && errno == EINTR)
        continue;
      if (answer <= 0)
        break;
      got = read (fd, buffer, sizeof buffer);
      if (got <= 0)
        break;
      g_byte_array_append (bytes, buffer, got);
    }
  *length = bytes->len;
  return (char *) g_byte_array_free (g_steal_pointer (&bytes), FALSE);
}

/* The same for every operation on one domain whose definition could not be read. */
static char *
uuid_from_name (const char *name)
{
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, name, -1);

  return g_strdup_printf ("%.8s-%.4s-8%.3s-8%.3s-%.12s", hash, hash + 8, hash + 12, hash + 15, hash + 18);
}

/* (transfer full) (nullable): %NULL when the definition names no valid UUID */
static char *
uuid_from_xml (int xml_fd)
{
  static const GMarkupParser parser = { .text = on_text, .end_element = on_end };
  g_autoptr (GString) uuid = g_string_new (NULL);
  g_autoptr (GString) name = g_string_new (NULL);
  Identity identity = { .uuid = uuid, .name = name };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&parser, 0, &identity, NULL);
  gsize length;
  g_autofree char *xml = read_all (xml_fd, &length);
  g_autofree char *found = NULL;

  g_markup_parse_context_parse (context, xml != NULL ? xml : "", length, NULL);
  found = g_ascii_strdown (g_strstrip (uuid->str), -1);
  return g_uuid_string_is_valid (found) ? g_steal_pointer (&found) : NULL;
}

/* Takes away the file that the agent has laid there under the domain's nonce, which proves that the hook is called. Returns:
 * %FALSE for a domain that the agent does not wait for: whoever may define domains may choose such a name */
static gboolean
prove_gate (const ColdHookPaths *paths, const char *domain_name)
{
  const char *nonce = domain_name + strlen (COLD_GATE_DOMAIN_PREFIX);
  cold_fd_auto folder = -1;

  if (!g_str_has_prefix (domain_name, COLD_GATE_DOMAIN_PREFIX) || *nonce == '\0' || strlen (nonce) > 64
      || strspn (nonce, "0123456789abcdef-") != strlen (nonce))
    return FALSE;
  folder = open (paths->proof_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  return folder >= 0 && unlinkat (folder, nonce, 0) == 0;
}

/* @domain: (nullable): a UUID; %NULL when the definition could not be read: any set may hold its disks */
static void
settle_sets (const ColdHookPaths *paths, const char *domain)
{
  const ColdExchangeContext context = {
    .journal_dir = paths->journal_dir,
    .claim_dir = paths->claim_dir,
    .gate_file = paths->gate_file,
    .trusted_base = paths->trusted_base,
  };
  g_autoptr (GPtrArray) journals = cold_journal_load_ready (paths->journal_dir, domain);

  for (guint i = 0; i < journals->len; i++)
    {
      ColdJournal *journal = g_ptr_array_index (journals, i);
      g_autoptr (GError) error = NULL;

      if (cold_exchange_settle (&context, journal, &error) == COLD_RECOVERY_KEPT)
        g_warning ("job %u could not be settled: %s", journal->job, error != NULL ? error->message : "quarantined");
    }
}

/* @uuid: (nullable): from the definition */
static void
claim_domain (const ColdHookPaths *paths, const char *uuid, const char *name, const char *operation)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *domain = uuid != NULL ? g_strdup (uuid) : uuid_from_name (name);
  g_autofree char *boot_id = cold_boot_id ();
  const ColdClaim claim = {
    .domain = domain,
    .name = (char *) name,
    .operation = (char *) operation,
    .libvirtd_pid = getppid (),
    .libvirtd_start = cold_process_start_time (getppid ()),
    .boot_id = boot_id,
    .time = g_get_real_time (),
  };
  cold_fd_auto gate = -1;

  /* Whoever exchanges looks at claims under the gate, before and after: once this is written, either they see it, or they are
   * through by the time that we have the gate. */
  if (!cold_claim_write (paths->claim_dir, &claim, &error))
    {
      g_warning ("%s", error->message);
      g_clear_error (&error);
    }
  gate = cold_gate_take (paths->gate_file, GATE_WAIT_MS, &error);
  if (gate < 0)
    g_warning ("%s", error->message);
  else
    settle_sets (paths, uuid);
}

int
cold_hook_run (const ColdHookPaths *paths, int argc, char **argv, int xml_fd)
{
  const char *name = argc > 1 ? argv[1] : "";
  const char *operation = argc > 2 ? argv[2] : "";
  gboolean starts = g_str_equal (operation, "prepare") || g_str_equal (operation, "restore")
                    || g_str_equal (operation, "migrate");
  g_autofree char *from_name = NULL;
  g_autofree char *domain = NULL;

  /* start, started, stopped, attach, and above all reconnect, whose failure would kill a running guest: nothing. */
  if (!starts && !g_str_equal (operation, "release"))
    return 0;
  if (starts && prove_gate (paths, name))
    return 1;

  domain = uuid_from_xml (xml_fd);
  if (starts)
    {
      claim_domain (paths, domain, name, operation);
      return 0;
    }
  from_name = uuid_from_name (name);
  if (domain != NULL)
    cold_claim_remove (paths->claim_dir, domain, NULL);
  cold_claim_remove (paths->claim_dir, from_name, NULL);
  return 0;
}
