/* standing.h: print how far a sweep is. */
#ifndef LEHR_CLI_STANDING_H
#define LEHR_CLI_STANDING_H

#include <stdbool.h>

#include "study/standing.h"

/* The table, or one JSON object; *moves (may be NULL): there is something left to wait for. */
lehr_status lehr_standing_print(const lehr_yard *yard, bool json, bool *moves);

#endif
