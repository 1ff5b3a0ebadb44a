/* model/project.h: fewer inputs in place of many: principal components, their fit and their use.
 * What they are, and why scaled so, is said at lehr_project_spec. */
#ifndef LEHR_MODEL_PROJECT_H
#define LEHR_MODEL_PROJECT_H

#include <stdint.h>

#include "lehr/objective.h"
#include "model/samples.h"

/* Principal components of values[points,width] as projection[components,width]: what a point less
 * its mean is multiplied with. Fails with LEHR_ERR_DATA when the inputs spread too little or too
 * much for float32, LEHR_ERR_MEMORY, LEHR_ERR_NUMERIC. */
lehr_status lehr_project_fit(const float *values, int64_t points, int32_t width, int32_t components,
                             float *projection);

/* out[points,components] = values[points,width] times the transposed projection: each number one
 * chain over the width in double, then rounded, so that it has the same bits wherever a point is
 * projected. Fails with LEHR_ERR_DATA when that is no finite float, LEHR_ERR_MEMORY. */
lehr_status lehr_project_points(const float *values, int64_t points, const float *projection,
                                int32_t width, int32_t components, float *out);

/* Fit on the first `train` of the samples and replace all inputs; *projection [components,inputs]
 * is the caller's to free with LEHR_FREE. Fails with LEHR_ERR_ARG on a number of components that
 * these samples do not have; the samples are then as they were, and nothing is held. */
lehr_status lehr_project_samples(const lehr_project_spec *spec, int64_t train,
                                 lehr_samples *samples, float **projection);

#endif
