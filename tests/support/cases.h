/* cases.h: one table of small runs that together touch every kind of the engine: what every
 * EXACT invariance, every compiler and every backend is compared on. No C library
 * function decides a number here, so the cases themselves are the same bits everywhere. */
#ifndef TESTS_SUPPORT_CASES_H
#define TESTS_SUPPORT_CASES_H

#include <stdint.h>

#include "lehr/lehr.h"
#include "run/run.h"

enum { PARITY_NAME = 96 };

typedef struct parity_case {
    char name[PARITY_NAME];
    lehr_dataset *data; /* NULL for targets and callbacks */
    lehr_objective *objective;
    lehr_run_spec spec;
} parity_case;

int32_t parity_count(void);

/* Make case number i, 0 <= i < parity_count(). Prints the error and aborts when the engine
 * refuses it. */
parity_case parity_open(int32_t i);
void parity_close(parity_case *c);

/* A longer table of shorter runs: one run in which one thing at a time is changed, through all kinds of
 * the lists in lehr/kinds.h and through sizes around 32 and past 1,000. */
int32_t parity_sweep_count(void);
parity_case parity_sweep_open(int32_t i);

/* How a run is driven; none of it may change a bit. */
typedef struct parity_way {
    lehr_backend_options options;
    uint64_t cuts; /* seed of random slice lengths from 1 to 9; 0: slices of `slice` scans */
    int64_t slice; /* 0: as the engine likes */
    bool
        for_shape; /* cuda: kernels compiled for the case's network on a test device too, which costs
                     * seconds there; a GPU always does it unless options.plain is set */
} parity_way;

/* A case's run on a backend, at its start; destroy with lehr_run_destroy. */
lehr_run *parity_run(const parity_case *c, const char *backend, const parity_way *way);

/* Drive a run to its end. */
void parity_drive(lehr_run *run, const parity_way *way);

/* Run a case to its end; hash of its rows and rungs. */
uint64_t parity_hash(const parity_case *c, const parity_way *way);

#endif
