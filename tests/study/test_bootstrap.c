/* Intervals by resampling: the same each time, as wide as theory says, and holding the truth as often as they
 * claim. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "study/bootstrap.h"
#include "study/chains.h"

/* Value i of a list of exponential times of mean 1, at an address of its own. */
static double exponential(uint32_t list, uint32_t i)
{
    const lehr_words words = lehr_draw(7, i, list, 0, LEHR_DOMAIN_LAW);
    return -log((double)lehr_uniform(words.w[0]));
}

static double normal(uint32_t list, uint32_t i)
{
    double sum = -6; /* twelve uniforms: mean 6, variance 1 */
    for (uint32_t k = 0; k < 3; k++) {
        const lehr_words words = lehr_draw(8, 3 * i + k, list, 0, LEHR_DOMAIN_LAW);
        for (int w = 0; w < 4; w++)
            sum += (double)lehr_uniform(words.w[w]);
    }
    return sum;
}

/* EXACT. */
Test(bootstrap, the_same_values_give_the_same_interval_and_stay_as_they_are)
{
    double values[7] = {3, 1, 4, 1, 5, 9, 2}, before[7];
    memcpy(before, values, sizeof values);
    lehr_interval a, b;
    cr_assert_eq(lehr_bootstrap(lehr_median, values, 7, &a), LEHR_OK);
    cr_assert_eq(lehr_bootstrap(lehr_median, values, 7, &b), LEHR_OK);
    cr_assert_eq(memcmp(&a, &b, sizeof a), 0);
    cr_assert_eq(memcmp(values, before, sizeof values), 0);
    cr_assert_eq(a.value, 3);
    cr_assert(a.low >= 1 && a.low <= 3 && a.high >= 3 && a.high <= 9);
}

/* The mean of n values has a bootstrap deviation of s/sqrt(n), so an interval of 2 * 1.96 of these; 2,000 resamples
 * and n = 400 leave 5 % (SIGMA: ends of a normal interval vary by 3 % each). */
Test(bootstrap, the_interval_of_a_mean_is_as_wide_as_theory_says)
{
    enum { N = 400 };
    double values[N], mean = 0, square = 0;
    for (uint32_t i = 0; i < N; i++) {
        values[i] = normal(0, i);
        mean += values[i] / N;
        square += values[i] * values[i] / N;
    }
    lehr_interval x;
    cr_assert_eq(lehr_bootstrap(lehr_mean, values, N, &x), LEHR_OK);
    const double width = 2 * 1.96 * sqrt((square - mean * mean) / N);
    cr_assert_float_eq(x.value, mean, 1e-12);
    cr_assert_float_eq((x.high - x.low) / width, 1, 0.05);
}

Test(bootstrap, infinities_are_values_and_nothing_is_known_of_nothing)
{
    const double values[5] = {1, INFINITY, 2, INFINITY, INFINITY};
    lehr_interval x;
    cr_assert_eq(lehr_bootstrap(lehr_median, values, 5, &x), LEHR_OK);
    cr_assert(isinf(x.value) && isinf(x.high) && x.low <= 2);
    cr_assert_eq(lehr_bootstrap(lehr_median, values, 0, &x), LEHR_OK);
    cr_assert(isnan(x.value) && isnan(x.low) && isnan(x.high));
}

/* Wilson's formula, worked out by hand for 8 of 10: centre 0.717, half width 0.227 (5e-4: three digits). */
Test(bootstrap, a_share_has_wilsons_interval)
{
    const lehr_interval x = lehr_share(8, 10), all = lehr_share(10, 10);
    cr_assert_float_eq(x.low, 0.4902, 5e-4);
    cr_assert_float_eq(x.high, 0.9433, 5e-4);
    cr_assert_eq(all.value, 1);
    cr_assert_float_eq(all.low, 0.7225, 5e-4);
}

/* EXACT: none and all of the trials are ends of their intervals, whatever their number. */
Test(bootstrap, no_success_begins_at_zero_and_all_of_them_end_at_one)
{
    for (int32_t n = 1; n <= 1000; n++) {
        const lehr_interval none = lehr_share(0, n), all = lehr_share(n, n);
        cr_assert(none.low == 0 && none.high > 0 && none.high < 1, "0 of %d from %g", n, none.low);
        cr_assert(all.high == 1 && all.low > 0 && all.low < 1, "all of %d to %.17g", n, all.high);
    }
}

/* EXACT up to the rounding of log 100. */
Test(bootstrap, tts_is_all_that_was_spent_over_the_successes)
{
    double three_of_four[4] = {10, -50, 20, 30}, none[2] = {-5, -5};
    cr_assert_float_eq(lehr_tts(three_of_four, 4), log(100) * 110 / 3, 1e-12);
    cr_assert(isinf(lehr_tts(none, 2)));
}

/* Runs whose times are exponential with mean 1, cut at `budget`: the truth is ln 100, whatever the budget. 95 %
 * intervals of 20 runs are known to hold it a little less often (percentile bootstrap of a skew ratio: 0.92 in
 * theory's second order). SIGMA(5) about 0.92 for 400 experiments is 0.068: at least 0.85, for each of 3 budgets.
 * And two disjoint sets of runs disagree, their intervals not touching, in fewer than 5 %. */
Test(bootstrap, intervals_of_tts_hold_the_truth_and_a_repeat)
{
    enum { N = 20, EXPERIMENTS = 400 };
    static const double budgets[3] = {50, 1, 0.3};
    for (uint32_t b = 0; b < 3; b++) {
        int held = 0, apart = 0;
        lehr_interval last = {0, 0, 0};
        for (uint32_t e = 0; e < EXPERIMENTS; e++) {
            double spent[N];
            for (uint32_t i = 0; i < N; i++) {
                const double t = exponential(e + b * EXPERIMENTS, i);
                spent[i] = t < budgets[b] ? t : -budgets[b];
            }
            lehr_interval x;
            cr_assert_eq(lehr_bootstrap(lehr_tts, spent, N, &x), LEHR_OK);
            held += x.low <= log(100) && log(100) <= x.high;
            apart += e % 2 == 1 && (x.low > last.high || last.low > x.high);
            last = x;
        }
        cr_assert(held >= 0.85 * EXPERIMENTS, "budget %g: %d of %d", budgets[b], held, EXPERIMENTS);
        cr_assert(held <= 0.99 * EXPERIMENTS, "budget %g: %d of %d", budgets[b], held, EXPERIMENTS);
        cr_assert(apart < 0.05 * EXPERIMENTS / 2, "budget %g: %d pairs apart", budgets[b], apart);
    }
}
