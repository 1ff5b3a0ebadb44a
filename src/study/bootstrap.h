/* bootstrap.h: intervals by resampling, the same for the same data: the draws are Philox words at fixed
 * addresses. */
#ifndef LEHR_STUDY_BOOTSTRAP_H
#define LEHR_STUDY_BOOTSTRAP_H

#include <stdint.h>

#include "lehr/status.h"

/* An estimate and its 95 % interval; infinite where there is no upper end, NaN where nothing is known. */
typedef struct lehr_interval {
    double value, low, high;
} lehr_interval;

/* A number made of values[n]; it may sort them. */
typedef double (*lehr_statistic_fn)(double *values, int32_t n);

/* The statistic of values[n], and the 2.5 % and 97.5 % points of it over 2,000 resamples with replacement
 * (Efron 1979, doi:10.1214/aos/1176344552). Infinite values are values like others. Fails with
 * LEHR_ERR_MEMORY. */
lehr_status lehr_bootstrap(lehr_statistic_fn statistic, const double *values, int32_t n,
                           lehr_interval *out);

/* A share of n trials: Wilson's interval (1927, doi:10.1080/01621459.1927.10502953), since resampling n successes
 * of n would give an interval of no width. */
lehr_interval lehr_share(int32_t successes, int32_t n);

/* Statistics. */
double lehr_mean(double *values, int32_t n);
double lehr_median(double *values,
                   int32_t n); /* the lower of two middle ones, so that infinities stay whole */

#endif
