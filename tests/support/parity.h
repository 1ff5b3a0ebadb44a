/* parity.h: is what two runs hold the same, bit for bit? The replica table is compared field by field, so
 * that a difference has a name and a place; the state hash covers less.                            */
#ifndef TESTS_SUPPORT_PARITY_H
#define TESTS_SUPPORT_PARITY_H

#include "support/cases.h"

/* The first difference between the tables of two runs, pulled to the host before; NULL: none. The text
 * stays until the next call. */
const char *parity_difference(lehr_run *a, lehr_run *b);

/* The first difference in what the two backends say of so many weights, at most PARITY_SCORES, on each part of
 * the data: of a's rows, over and over. Where a part has no points both must fail. */
enum { PARITY_SCORES = 65 }; /* one more than a backend takes at once */
const char *parity_scores_difference(lehr_run *a, lehr_run *b, int32_t rows);

/* Options with the least memory of a device with which this case still runs: one copy at a time. */
parity_way parity_least_memory(const parity_case *c, parity_way way);

#endif
