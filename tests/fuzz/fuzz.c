/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Bad input is warned of thousands of times a second; what is critical ends the process. */
static GLogWriterOutput
be_quiet (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if (!(level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)))
    return G_LOG_WRITER_HANDLED;
  g_log_writer_standard_streams (level, fields, n_fields, user_data);
  abort ();
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  g_log_set_writer_func (be_quiet, NULL, NULL);
  return 0;
}

char *
fuzz_text (const uint8_t *data, size_t size)
{
  char *text = g_malloc (size + 1);

  if (size > 0)
    memcpy (text, data, size);
  text[size] = '\0';
  return text;
}

const char *
fuzz_folder (void)
{
  const char *folder = g_getenv ("FUZZ_FOLDER");

  if (folder == NULL)
    g_error ("FUZZ_FOLDER is not set: start the target by tests/fuzz/run");
  return folder;
}

char *
fuzz_path (const char *name)
{
  return g_build_filename (fuzz_folder (), name, NULL);
}

void
fuzz_write (const char *path, const uint8_t *data, size_t size)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  if (fd < 0 || write (fd, data, size) != (ssize_t) size)
    g_error ("cannot write %s", path);
  close (fd);
}

void
fuzz_check_error (gboolean succeeded, const GError *error)
{
  g_assert_true (succeeded == (error == NULL));
  g_assert_true (error == NULL || (error->message != NULL && *error->message != '\0'));
}
