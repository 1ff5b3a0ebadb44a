/* model/split.h: which points train, validate and test; means and scales of the training part. */
#ifndef LEHR_MODEL_SPLIT_H
#define LEHR_MODEL_SPLIT_H

#include "lehr/objective.h"
#include "model/samples.h"

/* Reorder the samples: training, validation, test, each in the order of the file, and count the
 * parts.
 *
 * Points from `given` on are a test file of their own: all of them test, and spec->test_fraction
 * is not used. Drawn per class (all points alike in a regression) by Fisher and Yates, with
 * whole numbers of points per class by largest remainders: a pure function of spec->split_seed
 * and the classes.
 * Fails with LEHR_ERR_ARG on bad fractions, a part that they leave empty, or one class to train
 * on. */
lehr_status lehr_split(const lehr_data_spec *spec, int64_t given, lehr_samples *samples,
                       int64_t points[LEHR_PART_COUNT]);

/* Mean and population standard deviation of each column of values[points,width]. A constant
 * column has its value as mean, and scale 1. Both are rounded to float32, as weight files hold
 * them. */
void lehr_standardize_fit(const float *values, int64_t points, int32_t width, double *mean,
                          double *scale);

/* (value - mean) / scale, in place. Fails with LEHR_ERR_DATA, naming the column, when that is not a
 * finite float. */
lehr_status lehr_standardize(float *values, int64_t points, int32_t width, const double *mean,
                             const double *scale);

#endif
