/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>
#include <unistd.h>

#include "cold-hook.h"
#include "cold-names.h"

int
main (int argc, char *argv[])
{
  const ColdHookPaths paths = {
    .claim_dir = COLD_CLAIM_DIR,
    .gate_file = COLD_GATE_FILE,
    .journal_dir = COLD_JOURNAL_DIR,
    .proof_dir = COLD_GATE_PROOF_DIR,
  };

  g_log_writer_default_set_use_stderr (TRUE);
  umask (022);
  return cold_hook_run (&paths, argc, argv, STDIN_FILENO);
}
