/* stats.h: the statistics that the laws need: random numbers of the tests' own, tails of
 * distributions, running moments, chi-square of counts. Not here: anything of the engine, so
 * that a law is judged from outside.
 *
 * The tolerance class SIGMA(5) is defined here: a statistic with a normal law under a correct
 * engine passes within 5 standard errors (false alarm 5.7e-7), any other one when its p-value is
 * above 1e-6. Seeds are fixed, so a test that passes does not flake; the number of checks says
 * how likely a legitimate change of random streams trips it. */
#ifndef TESTS_SUPPORT_STATS_H
#define TESTS_SUPPORT_STATS_H

#include <stdint.h>

#define SIGMA(n) ((double)(n))
#define LEAST_P  1e-6

/* Sanitized and unoptimized builds, and kernels that run on a test device (tests/device), take fewer
 * samples, unless the build says how many; every tolerance is worked out from the number taken. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STATS_SANITIZED 1
#endif
#endif
#if defined(LEHR_SAMPLES_CUT)
#define SAMPLES_CUT LEHR_SAMPLES_CUT
#elif defined(LEHR_TEST_DEVICE)
#define SAMPLES_CUT 32
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(STATS_SANITIZED) || \
    !defined(__OPTIMIZE__)
#define SAMPLES_CUT 8
#else
#define SAMPLES_CUT 1
#endif
#define SAMPLES(n)      ((n) / SAMPLES_CUT)
#define REDUCED_SAMPLES (SAMPLES_CUT > 1)

/* ---- Random numbers: SplitMix64 (Steele, Lea, Flood 2014), apart from the engine's Philox ---- */

typedef struct stats_rng {
    uint64_t state;
} stats_rng;

uint64_t stats_next(stats_rng *rng);
double stats_uniform(stats_rng *rng); /* in (0,1), 53 bits */
double stats_normal(stats_rng *rng);

/* Index of the first cumulated probability in [count] that is above a uniform draw. */
int32_t stats_pick(stats_rng *rng, const double *cumulated, int32_t count);

/* ---- Tails ---- */

double stats_chi2_tail(double chi2, double df);  /* P(X > chi2) */
double stats_normal_tail(double z);              /* P(|Z| > |z|) */
double stats_student_tail(double t, double df);  /* P(|T| > |t|) */
double stats_beta(double a, double b, double x); /* regularized incomplete beta function */

/* ---- Running moments (Welford 1962) ---- */

typedef struct stats_moments {
    int64_t n;
    double mean, squares; /* sum of squared deviations */
} stats_moments;

void stats_add(stats_moments *m, double x);
double stats_variance(const stats_moments *m); /* unbiased */
double stats_error(const stats_moments *m);    /* standard error of the mean */

/* (mean - expected) in standard errors estimated from the sample itself; needs hundreds of
 * samples to be as good as normal. 0 when all samples equal `expected`, infinite when they agree
 * on another value. */
double stats_z(const stats_moments *m, double expected);

/* ---- Counts ---- */

/* p-value of observed[cells] against probability[cells] (need not be normalized); neighbors are
 * merged until each cell expects at least 10. A count in a cell that cannot be gives 0. *df (may
 * be NULL): degrees of freedom used. */
double stats_chi2_counts(const int64_t *observed, const double *probability, int32_t cells,
                         int32_t *df);

/* Counts of numbers that should be uniform on (0,1), in equal bins. */
enum { STATS_BINS = 20 };
typedef struct stats_bins {
    int64_t count[STATS_BINS];
} stats_bins;

void stats_bin(stats_bins *bins, double u);
double stats_bins_p(const stats_bins *bins);

/* ---- Two samples ---- */

/* Slope b, with its standard error, of the logistic regression ln(p/(1-p)) = a + b x of "x is
 * from the second sample", p = P(second | x); n values in each. */
typedef struct stats_slope {
    double value, error;
} stats_slope;

stats_slope stats_logistic(const double *first, const double *second, int32_t n);

/* Correlation of n pairs times sqrt(n): standard normal when they are independent. */
double stats_correlation_z(const double *x, const double *y, int32_t n);

#endif
