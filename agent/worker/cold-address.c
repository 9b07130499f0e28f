/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cold-address.h"

#include <netdb.h>

typedef struct
{
  guint8 bytes[16];
  guint bits;
} Network;

/* RFC 6890 and the registry of special-purpose addresses, IPv4. */
static const Network special[] = {
  { { 0 }, 8 },           { { 10 }, 8 },          { { 100, 64 }, 10 },    { { 127 }, 8 },         { { 169, 254 }, 16 },
  { { 172, 16 }, 12 },    { { 192, 0, 0 }, 24 },  { { 192, 0, 2 }, 24 },  { { 192, 88, 99 }, 24 }, { { 192, 168 }, 16 },
  { { 198, 18 }, 15 },    { { 198, 51, 100 }, 24 }, { { 203, 0, 113 }, 24 }, { { 224 }, 4 },       { { 240 }, 4 },
};

/* IPv6: everything that is handed out for use in the world lies in 2000::/3; of that not Teredo, whose addresses hide others,
 * benchmarking and ORCHID, nor the addresses of documents. */
static const Network unicast = { { 0x20 }, 3 };
static const Network not_used[] = { { { 0x20, 0x01, 0x00 }, 23 }, { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, { { 0x3f, 0xff }, 20 } };

/* IPv4 inside IPv6, and where. */
static const struct
{
  Network network;
  guint offset;
} wrappers[] = { { { { [10] = 0xff, [11] = 0xff }, 96 }, 12 },            /* ::ffff:0:0/96 */
                 { { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 },              /* 64:ff9b::/96 */
                 { { { 0x20, 0x02 }, 16 }, 2 } };                         /* 2002::/16 */

static gboolean
is_in (const guint8 *bytes, const Network *network)
{
  for (guint bit = 0; bit < network->bits; bit++)
    if ((bytes[bit / 8] ^ network->bytes[bit / 8]) & (0x80 >> bit % 8))
      return FALSE;
  return TRUE;
}

static gboolean
is_in_any (const guint8 *bytes, const Network *networks, guint n)
{
  for (guint i = 0; i < n; i++)
    if (is_in (bytes, &networks[i]))
      return TRUE;
  return FALSE;
}

gboolean
cold_address_is_public (GInetAddress *address)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    return !is_in_any (bytes, special, G_N_ELEMENTS (special));
  for (guint i = 0; i < G_N_ELEMENTS (wrappers); i++)
    if (is_in (bytes, &wrappers[i].network))
      return !is_in_any (bytes + wrappers[i].offset, special, G_N_ELEMENTS (special));
  return is_in (bytes, &unicast) && !is_in_any (bytes, not_used, G_N_ELEMENTS (not_used));
}

GInetAddress *
cold_address_parse (const char *host)
{
  const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
  struct addrinfo *found = NULL;
  g_autoptr (GSocketAddress) address = NULL;

  if (getaddrinfo (host, NULL, &hints, &found) != 0)
    return NULL;
  address = g_socket_address_new_from_native (found->ai_addr, found->ai_addrlen);
  freeaddrinfo (found);
  return G_IS_INET_SOCKET_ADDRESS (address)
             ? g_object_ref (g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address)))
             : NULL;
}
