/* standing.h: print how far a sweep is. */
#ifndef LEHR_CLI_STANDING_H
#define LEHR_CLI_STANDING_H

#include <stdbool.h>

#include "study/standing.h"

/* What the last look has found. */
typedef struct lehr_watch {
    bool moves; /* there is something left to wait for */
    bool rests; /* nobody is at work on it, which has been said */
} lehr_watch;

/* The table, or one JSON object. */
lehr_status lehr_standing_print(const lehr_yard *yard, bool json, lehr_watch *watch);

#endif
