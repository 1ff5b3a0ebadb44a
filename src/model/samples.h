/* model/samples.h: a table of points as a reader leaves it, and the names of its columns and
 * classes. */
#ifndef LEHR_MODEL_SAMPLES_H
#define LEHR_MODEL_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "lehr/objective.h"

enum {
    LEHR_INPUTS_MAX = 1 << 18, /* columns of a file, inputs of a point */
    LEHR_CLASSES_MAX = 1 << 16
};

/* A list of names; all zero is empty. Name i begins at text.data + start[i] and ends with a zero
 * byte. */
typedef struct lehr_names {
    lehr_text text;
    size_t *start;
    int32_t *order; /* [count] interned lists: the names in the order of their bytes */
    int32_t count, capacity;
} lehr_names;

const char *lehr_names_at(const lehr_names *names, int32_t i);
void lehr_names_free(lehr_names *names);

/* Append a name, whatever is there already. bytes hold no zero byte. */
lehr_status lehr_names_add(lehr_names *names, const char *bytes, size_t length);

/* Number of a name in a list made by lehr_names_intern alone; -1 when it is not there. */
int32_t lehr_names_find(const lehr_names *names, const char *bytes, size_t length);

/* Number of a name, which is appended when it is new. */
lehr_status lehr_names_intern(lehr_names *names, const char *bytes, size_t length, int32_t *number);

/* N points with D inputs and K targets; all zero is empty. */
typedef struct lehr_samples {
    int64_t points, capacity;
    int32_t inputs, targets;
    float *input;       /* [N,D] */
    float *target;      /* [N,K]; classification: K = 1, a class number */
    lehr_names columns; /* [D] */
    lehr_names classes; /* classification */
    bool headed;        /* the column names come from a file, not from us */
    bool closed;        /* classes are complete and in order: a test file may not add any */
} lehr_samples;

void lehr_samples_free(lehr_samples *samples);

/* Room for one more point, or for `points` in all; inputs and targets are set. */
lehr_status lehr_samples_grow(lehr_samples *samples);
lehr_status lehr_samples_reserve(lehr_samples *samples, int64_t points);

/* Exchange two points. */
void lehr_samples_swap(lehr_samples *samples, int64_t a, int64_t b);

/* Name the columns "0", "1", ... */
lehr_status lehr_samples_number_columns(lehr_samples *samples);

/* Class number of a label for the next point. A label that is new to closed samples gives -1. */
lehr_status lehr_samples_class(lehr_samples *samples, const char *bytes, size_t length,
                               int32_t *number);

/* Put the classes in order, as numbers if all are numbers, else by their bytes, so that it does
 * not depend on the order of the points; renumber the targets and close the list. */
lehr_status lehr_samples_close(lehr_samples *samples);

#endif
