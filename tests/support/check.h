/* check.h: how far a computed number may be from the right one. Every tolerance of a test names one
 * of these classes and its reason; SIGMA(n), the class of everything random, is in support/stats.h.
 *
 *     LEHR_EXACT    the same bits (any NaN equals any NaN)
 *     LEHR_ULP(n)   at most n units in the last place of the right result
 *     LEHR_NMSE(e)  sum of squared differences over sum of squares at most e: sums in another order
 */
#ifndef TESTS_SUPPORT_CHECK_H
#define TESTS_SUPPORT_CHECK_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LEHR_EXACT        0.0
#define LEHR_ULP(n)       ((double)(n))
#define LEHR_NMSE(e)      ((double)(e))
#define LEHR_NMSE_DEFAULT LEHR_NMSE(1e-7)

/* |got - right| in units of the last of `digits` bits of `right`, whose least exponent is `least`; a
 * result past the largest number counts as if the exponents went on.                             */
static inline double check_distance(long double got, long double right, int digits, int least)
{
    if (isnan(right) || isnan(got))
        return isnan(right) && isnan(got) ? 0.0 : (double)INFINITY;
    if (got == right)
        return 0.0;
    if (isinf(right))
        return (double)INFINITY;
    int exponent;
    frexpl(right, &exponent);
    if (exponent < least || right == 0.0L)
        exponent = least;
    return (double)(fabsl(got - right) / ldexpl(1.0L, exponent - digits));
}

/* Distance of a float from the right result, in ulp of that result. */
static inline double check_ulp(float got, double right)
{
    if (isinf(got) && fabs(right) >= 0x1.ffffffp127) /* rounds to infinity */
        return (got > 0.0f) == (right > 0.0) ? 0.0 : (double)INFINITY;
    return check_distance((long double)got, (long double)right, 24, -125);
}

/* Distance of a double from the right result, in ulp of that result. */
static inline double check_ulp64(double got, long double right)
{
    if (isinf(got) && fabsl(right) >= 0x1.fffffffffffff8p1023L)
        return (got > 0.0) == (right > 0.0L) ? 0.0 : (double)INFINITY;
    return check_distance((long double)got, right, 53, -1021);
}

/* The same bits, or both NaN? */
static inline int check_same(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static inline int check_same64(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* Normalized mean squared error of got[n] against right[n]. */
static inline double check_nmse(const float *got, const float *right, size_t n)
{
    double error = 0.0, square = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)got[i] - (double)right[i];
        error += d * d;
        square += (double)right[i] * (double)right[i];
    }
    return square > 0.0 ? error / square : error;
}

#endif
