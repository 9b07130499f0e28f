/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that lead out into the world, and those that lead to this host, its network or nowhere.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * cold_address_is_public:
 *
 * Returns: %FALSE for loopback, unspecified, link-local, private, shared (RFC 6598), benchmarking, multicast and reserved
 *   addresses (RFC 6890), and for IPv6 ones that wrap such an IPv4 address: mapped, compatible, NAT64, 6to4
 */
gboolean cold_address_is_public (GInetAddress *address);

/**
 * cold_address_parse:
 * @host: of a URI
 *
 * Returns: (transfer full) (nullable): the address, in any of the ways that the C library reads ("127.1", "0x7f000001",
 *   "fe80::1%eth0"); %NULL for a name
 */
GInetAddress *cold_address_parse (const char *host);

G_END_DECLS
