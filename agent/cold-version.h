/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of two versions is the lower one, as a guest's own package manager sees it. Text only: nothing of a guest is
 * opened for it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ColdVersionOrder ColdVersionOrder;

/**
 * cold_version_order_new:
 * @format: package format as an inspection names it: deb, rpm, pacman, apk
 *
 * One order may be used by one thread at a time.
 *
 * Returns: (transfer full) (nullable): %NULL for a format whose order is not known
 */
ColdVersionOrder *cold_version_order_new (const char *format);
void cold_version_order_free (ColdVersionOrder *self);

/**
 * cold_version_order_compare:
 * @a: [epoch:]version[-release]
 * @b: likewise
 *
 * deb: as dpkg --compare-versions; a revision that is missing is 0. rpm: as rpm compares installed packages; one
 * without release is lower than one with it. pacman: as vercmp(8); releases count only when both have one.
 * apk: as apk version -t of apk-tools 3.
 *
 * Returns: less than, equal to or greater than 0
 */
int cold_version_order_compare (ColdVersionOrder *self, const char *a, const char *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ColdVersionOrder, cold_version_order_free)

G_END_DECLS
