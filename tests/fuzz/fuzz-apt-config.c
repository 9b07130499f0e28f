/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-apt-config.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = fuzz_text (data, size);
  g_autoptr (GHashTable) config = cold_apt_config_new ();

  cold_apt_config_add (config, text);
  cold_apt_config_add (config, text);
  cold_apt_config_get_bool (config, "apt::default-release");
  return 0;
}
