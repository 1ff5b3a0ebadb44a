/* model/standardize.c: mean 0 and standard deviation 1, as fitted on the training part. In
 * double: two passes, points in order. */
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "base/status.h"
#include "model/split.h"

static void fit_means(const float *values, int64_t points, int32_t width, double *mean)
{
    for (int32_t j = 0; j < width; j++)
        mean[j] = 0;
    for (int64_t n = 0; n < points; n++)
        for (int32_t j = 0; j < width; j++)
            mean[j] += (double)values[n * width + j];
    for (int32_t j = 0; j < width; j++)
        mean[j] /= (double)points;
}

static void fit_scales(const float *values, int64_t points, int32_t width, const double *mean,
                       double *scale)
{
    for (int32_t j = 0; j < width; j++)
        scale[j] = 0;
    for (int64_t n = 0; n < points; n++)
        for (int32_t j = 0; j < width; j++) {
            const double d = (double)values[n * width + j] - mean[j];
            scale[j] += d * d;
        }
    for (int32_t j = 0; j < width; j++)
        scale[j] = sqrt(scale[j] / (double)points);
}

/* Looked at exactly: the rounding of a mean would make a tiny scale out of a constant. */
static bool is_constant(const float *values, int64_t points, int32_t width, int32_t j)
{
    for (int64_t n = 1; n < points; n++)
        if (values[n * width + j] != values[j])
            return false;
    return true;
}

void lehr_standardize_fit(const float *values, int64_t points, int32_t width, double *mean,
                          double *scale)
{
    fit_means(values, points, width, mean);
    fit_scales(values, points, width, mean, scale);
    for (int32_t j = 0; j < width; j++)
        if (is_constant(values, points, width, j)) {
            mean[j] = (double)values[j];
            scale[j] = 1;
        }
    /* Rounded to float32, as weight files hold them: whoever loads one scales with the same
     * bits. */
    for (int32_t j = 0; j < width; j++) {
        mean[j] = (double)(float)mean[j];
        scale[j] = fmax((double)(float)scale[j], (double)FLT_TRUE_MIN);
    }
}

lehr_status lehr_standardize(float *values, int64_t points, int32_t width, const double *mean,
                             const double *scale)
{
    for (int64_t n = 0; n < points; n++)
        for (int32_t j = 0; j < width; j++) {
            float *value = &values[n * width + j];
            *value = (float)(((double)*value - mean[j]) / scale[j]);
            LEHR_CHECK(isfinite(*value), LEHR_ERR_DATA,
                       "column %d is too far from the training data to be standardized", j);
        }
    return LEHR_OK;
}
