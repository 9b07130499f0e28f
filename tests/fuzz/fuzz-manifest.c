/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest, which a worker wrote after it had seen a guest, as another worker plans with it.
 */
#include "fuzz-plan.h"

static const char packages[]
    = "Package: foo\nVersion: 1:1.2-1\nArchitecture: amd64\nDepends: libfoo (>= 1.2), awk | mawk\nProvides: virtual (= 2)\n"
      "Filename: pool/f/foo_1.2-1_amd64.deb\nSize: 100\nSHA256: " FUZZ_SHA256 "\n\n"
      "Package: libfoo\nSource: foo (1.2)\nVersion: 1.2\nArchitecture: amd64\nMulti-Arch: same\nBreaks: foo (<< 1:1.2)\n"
      "Filename: pool/f/libfoo_1.2_amd64.deb\nSize: 200\nSHA256: " FUZZ_SHA256 "\n\n"
      "Package: mawk\nVersion: 1.3.4\nArchitecture: amd64\nPre-Depends: libfoo\nConflicts: bar\n"
      "Filename: pool/m/mawk_1.3.4_amd64.deb\nSize: 300\nSHA256: " FUZZ_SHA256 "\n";

static void
make_index (const char *home)
{
  g_autofree char *index = g_build_filename (home, "0.main.amd64.Packages", NULL);

  fuzz_write (index, (const uint8_t *) packages, strlen (packages));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const FuzzRepository repository = {
    .entry = "\"type\":\"deb\",\"suites\":[\"stable\"],\"components\":[\"main\"],\"architectures\":[\"amd64\"]",
    .generation
    = "\"packages\":3,\"suites\":[{\"suite\":\"stable\",\"inrelease\":\"0.InRelease\",\"date\":1,\"origin\":\"Test\","
      "\"label\":\"Test\",\"archive\":\"stable\",\"codename\":\"stable\",\"release\":\"1\",\"not-automatic\":false,"
      "\"but-automatic-upgrades\":false}],\"indexes\":[{\"suite\":0,\"component\":\"main\",\"arch\":\"amd64\","
      "\"packages\":\"0.main.amd64.Packages\",\"sha256\":\"" FUZZ_SHA256 "\",\"count\":3}]",
    .make = make_index,
  };

  return fuzz_plan (&repository, data, size);
}
