/* cases.h: one table of small runs that together touch every kind of the engine: what every
 * EXACT invariance, every compiler and (later) every backend is compared on. No C library
 * function decides a number here, so the cases themselves are the same bits everywhere. */
#ifndef TESTS_SUPPORT_CASES_H
#define TESTS_SUPPORT_CASES_H

#include <stdint.h>

#include "lehr/lehr.h"
#include "run/run.h"

typedef struct parity_case {
    const char *name;
    lehr_dataset *data; /* NULL for targets and callbacks */
    lehr_objective *objective;
    lehr_run_spec spec;
} parity_case;

int32_t parity_count(void);

/* Make case number i, 0 <= i < parity_count(). Prints the error and aborts when the engine
 * refuses it. */
parity_case parity_open(int32_t i);
void parity_close(parity_case *c);

/* How a run is driven; none of it may change a bit. */
typedef struct parity_way {
    lehr_backend_options options;
    uint64_t cuts; /* seed of random slice lengths from 1 to 9; 0: slices of `slice` scans */
    int64_t slice; /* 0: as the engine likes */
} parity_way;

/* Run a case to its end; hash of its rows and rungs. */
uint64_t parity_hash(const parity_case *c, const parity_way *way);

#endif
