/* bootstrap.c: resample, reckon, sort, and take two of the sorted numbers. */
#include "study/bootstrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/rng.h"

enum { RESAMPLES = 2000, FIRST = RESAMPLES / 40, LAST = RESAMPLES - 1 - FIRST, WORDS = 4 };

static const double z95 = 1.959963984540054; /* 97.5 % point of the normal distribution */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One resample of values[n]. */
static void draw(const double *values, int32_t n, uint32_t resample, double *out)
{
    for (int32_t i = 0; i < n; i += WORDS) {
        const lehr_words words = lehr_draw(0, (uint32_t)(i / WORDS), resample, 0,
                                           LEHR_DOMAIN_BOOTSTRAP);
        for (int32_t k = 0; k < WORDS && i + k < n; k++)
            out[i + k] = values[lehr_index(words.w[k], (uint32_t)n)];
    }
}

lehr_status lehr_bootstrap(lehr_statistic_fn statistic, const double *values, int32_t n,
                           lehr_interval *out)
{
    *out = (lehr_interval){NAN, NAN, NAN};
    if (n == 0)
        return LEHR_OK;
    double *sample = NULL, results[RESAMPLES];
    LEHR_TRY(LEHR_NEW(sample, (size_t)n, "resamples"));
    memcpy(sample, values, (size_t)n * sizeof *sample);
    out->value = statistic(sample, n);
    for (uint32_t b = 0; b < RESAMPLES; b++) {
        draw(values, n, b, sample);
        results[b] = statistic(sample, n);
    }
    qsort(results, RESAMPLES, sizeof *results, compare);
    out->low = results[FIRST];
    out->high = results[LAST];
    LEHR_FREE(sample);
    return LEHR_OK;
}

lehr_interval lehr_share(int32_t successes, int32_t n)
{
    if (n == 0)
        return (lehr_interval){NAN, NAN, NAN};
    const double p = (double)successes / n, zz = z95 * z95 / n;
    const double middle = (p + zz / 2) / (1 + zz);
    const double half = z95 * sqrt(p * (1 - p) / n + zz / (4.0 * n)) / (1 + zz);
    /* None and all are ends themselves; what rounding leaves of them is no share. */
    return (lehr_interval){p, successes == 0 ? 0 : middle - half,
                           successes == n ? 1 : middle + half};
}

double lehr_mean(double *values, int32_t n)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += values[i];
    return sum / n;
}

double lehr_median(double *values, int32_t n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[(n - 1) / 2];
}
