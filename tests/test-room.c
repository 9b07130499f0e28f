/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cold-error.h"
#include "cold-fd.h"
#include "cold-room.h"
#include "exchange-fixture.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

typedef struct
{
  Fixture *files;
  ColdRoom *room;
  int folder;
  guint64 free;    /* bytes; the test machine's other users may take some of it meanwhile */
  guint64 reserve;
} Place;

static void
set_up (Place *place, gconstpointer data)
{
  struct statvfs vfs;

  place->files = fixture_new ();
  place->room = cold_room_new ();
  place->folder = open (place->files->hidden, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (fstatvfs (place->folder, &vfs), ==, 0);
  place->free = (guint64) vfs.f_bavail * vfs.f_frsize;
  place->reserve = MIN ((guint64) vfs.f_blocks * vfs.f_frsize / 20, 2048 * MIB);
}

static void
tear_down (Place *place, gconstpointer data)
{
  cold_fd_clear (&place->folder);
  cold_room_unref (place->room);
  fixture_free (place->files);
}

static gboolean
take (Place *place, gconstpointer owner, const char *name, guint64 bytes)
{
  g_autoptr (GError) error = NULL;
  gboolean taken = cold_room_take (place->room, owner, place->folder, name, bytes, &error);

  if (taken)
    {
      g_assert_no_error (error);
      return TRUE;
    }
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_assert_true (g_str_has_prefix (error->message, "no-space: "));
  return FALSE;
}

/* What is told to be missing is what refuses, with what others were promised. */
static void
test_missing (Place *place, gconstpointer data)
{
  const guint64 slack = 512 * MIB; /* the machine's other users */

  g_assert_cmpuint (cold_room_missing (place->room, place->folder, 0), ==, 0);
  g_assert_cmpuint (cold_room_missing (place->room, place->folder, place->free + slack), >=, place->reserve);
  g_assert_true (take (place, place, "copy", place->free / 3));
  g_assert_cmpuint (cold_room_missing (place->room, place->folder, place->free + slack), >=,
                    place->reserve + place->free / 3);
}

/* Two thirds of what there is: once, but not twice. */
static guint64
most_of (Place *place)
{
  return (place->free - place->reserve) / 3 * 2;
}

static void
test_reserve (Place *place, gconstpointer data)
{
  if (place->free <= place->reserve + 64 * MIB)
    {
      g_test_skip ("too little is free here");
      return;
    }
  g_assert_false (take (place, place, "copy", place->free - place->reserve / 2));
  g_assert_true (take (place, place, "copy", most_of (place)));
}

static void
test_promises_add_up (Place *place, gconstpointer data)
{
  if (place->free <= place->reserve + 64 * MIB)
    {
      g_test_skip ("too little is free here");
      return;
    }
  g_assert_true (take (place, place, "first", most_of (place)));
  /* Of the same guest as well as of another. */
  g_assert_false (take (place, place, "second", most_of (place)));
  g_assert_false (take (place, &place->room, "second", most_of (place)));
  g_assert_true (take (place, &place->room, "small", MIB));
  cold_room_give_back (place->room, place);
  g_assert_true (take (place, &place->room, "second", most_of (place)));
  g_assert_false (take (place, place, "first", most_of (place)));
}

static gboolean
blocks_are_exact (int fd, guint64 bytes)
{
  struct stat st;

  g_assert_cmpint (fstat (fd, &st), ==, 0);
  return (guint64) st.st_blocks * 512 == bytes;
}

static void
assert_promised (Place *place, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (cold_room_take (place->room, &error, place->folder, "huge", G_MAXUINT64 / 4, &error));
  g_assert_error (error, COLD_ERROR, COLD_ERROR_BLOCKED);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, words));
}

/* What a copy has taken is no longer free, and must not count twice. */
static void
test_taken_blocks (Place *place, gconstpointer data)
{
  g_autofree char *path = fixture_hidden (place->files, "copy");
  cold_fd_auto fd = -1;

  if (place->free <= place->reserve + 64 * MIB)
    {
      g_test_skip ("too little is free here");
      return;
    }
  assert_promised (place, "other work copies need 0 MiB");
  g_assert_true (take (place, place, "copy", 16 * MIB));
  assert_promised (place, "other work copies need 16 MiB");
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  g_assert_cmpint (posix_fallocate (fd, 0, 12 * MIB), ==, 0);
  /* A file system may need a block more than the file for its own records. */
  assert_promised (place, blocks_are_exact (fd, 12 * MIB) ? "other work copies need 4 MiB" : "other work copies need 3 MiB");
  g_assert_cmpint (posix_fallocate (fd, 0, 20 * MIB), ==, 0);
  assert_promised (place, "other work copies need 0 MiB");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/room/reserve", Place, NULL, set_up, test_reserve, tear_down);
  g_test_add ("/room/missing", Place, NULL, set_up, test_missing, tear_down);
  g_test_add ("/room/promises-add-up", Place, NULL, set_up, test_promises_add_up, tear_down);
  g_test_add ("/room/taken-blocks", Place, NULL, set_up, test_taken_blocks, tear_down);
  return g_test_run ();
}
