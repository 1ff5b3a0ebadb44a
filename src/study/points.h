/* points.h: inputs to predict from, in the order that a model takes them. Not a data set:
 * nothing is split, and a target column is only there to compare with. */
#ifndef LEHR_STUDY_POINTS_H
#define LEHR_STUDY_POINTS_H

#include <stdint.h>

#include "lehr/status.h"
#include "study/model.h"

/* N points; all zero is empty. Truth: class numbers, or values in the data's units; NaN where it is
 * not given; NULL when there is no such column. */
typedef struct lehr_points {
    int64_t count; /* N */
    float *input;  /* [N,D] as they stand in the file */
    float *truth;  /* [N] */
} lehr_points;

/* Read a CSV, NPY or IDX file, gzip too.
 *
 * A CSV file with a header is read by the names of the model's inputs; one more column, if there
 * is exactly one, is the target. Without a header, in NPY and IDX, and for a model without names
 * of its own, the first D columns are the inputs and one more is the target. Fails with
 * LEHR_ERR_DATA and "file:line:column: ...", LEHR_ERR_IO, LEHR_ERR_MEMORY; nothing is then held. */
lehr_status lehr_points_read(const char *path, const lehr_model *model, lehr_points *out);

void lehr_points_free(lehr_points *points);

#endif
