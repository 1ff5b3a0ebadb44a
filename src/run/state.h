/* run/state.h: everything that a run is beyond its spec and its data, as named arrays. */
#ifndef LEHR_RUN_STATE_H
#define LEHR_RUN_STATE_H

#include <stdint.h>

#include "lehr/run.h"

typedef enum lehr_field_type {
    LEHR_FIELD_F32,
    LEHR_FIELD_F64,
    LEHR_FIELD_I8,
    LEHR_FIELD_I32,
    LEHR_FIELD_I64
} lehr_field_type;

/* One array, [rows,columns] or, with one column, [rows]. */
typedef struct lehr_field {
    const char *name;
    lehr_field_type type;
    int64_t rows, columns;
    void *data;
} lehr_field;

enum { LEHR_FIELDS_MAX = 64 };

/* Views of everything that a run is beyond its spec and its data, after a pull. */
lehr_status lehr_run_fields(lehr_run *run, lehr_field out[LEHR_FIELDS_MAX], int32_t *count);

/* What was written into the fields is the state from now on. */
lehr_status lehr_run_restore(lehr_run *run);

#endif
