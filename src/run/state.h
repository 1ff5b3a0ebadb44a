/* run/state.h: everything that a run is beyond its spec and its data, as views that can be written down and put back.
 *
 * No state of a random number generator: numbers are addressed by the scan. What the backend remembers to go
 * faster (kept activations, orders of points) is worked out anew and changes no bit.                */
#ifndef LEHR_RUN_STATE_H
#define LEHR_RUN_STATE_H

#include <stddef.h>

#include "lehr/run.h"

typedef enum lehr_field_type {
    LEHR_FIELD_F32,
    LEHR_FIELD_F64,
    LEHR_FIELD_I8,
    LEHR_FIELD_I32,
    LEHR_FIELD_I64
} lehr_field_type;

/* One array of a run, [rows,columns] without gaps. */
typedef struct lehr_field {
    const char *name; /* static */
    lehr_field_type type;
    int64_t rows, columns;
    void *
        data; /* valid while the run lives; written between lehr_run_fields and lehr_pack_restore only */
} lehr_field;

enum { LEHR_FIELDS_MAX = 64 };

/* Bytes of an element of a type. */
size_t lehr_field_bytes(lehr_field_type type);

/* The run's fields as they are now, in a fixed order that depends on nothing. Fails as the backend does. */
lehr_status lehr_run_fields(lehr_run *run, lehr_field out[LEHR_FIELDS_MAX], int32_t *count);

/* The fields of runs were written with those of runs of the same specs and data: go on from there, bit for bit. A run
 * that had ended stays so, but for a signal, and for a limit of the clock. Runs that go on must be at one scan.
 *
 * One whose spec extends it goes on from its end.
 *
 * Fails with LEHR_ERR_DATA, and leaves a pack that can only be destroyed, when they are no state of such a run: a scan
 * beyond its end, rungs that are no permutation, energies that are not finite. */
lehr_status lehr_pack_restore(lehr_pack *pack);

#endif
