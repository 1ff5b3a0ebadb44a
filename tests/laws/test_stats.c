/* The measuring tools themselves: tails against published critical values, and that a wrong
 * sample is refused. The values are those of the usual tables, to the digits given. */
#include <criterion/criterion.h>
#include <math.h>

#include "support/stats.h"

/* Half a unit of the third decimal of a critical value moves its p-value by less than 1 %. */
static int close(double p, double expected)
{
    return fabs(p / expected - 1) < 0.01;
}

Test(stats, chi_square_tail_matches_the_tables)
{
    static const struct {
        double df, at_1e3, at_1e6, at_1e9;
    } cases[] = {
        {1, 10.83, 23.93, 37.33},  {4, 18.47, 33.38, 47.88},   {8, 26.12, 42.70, 58.31},
        {14, 36.12, 54.64, 71.57}, {31, 61.10, 83.64, 103.44}, {255, 330.5, 377.1, 414.5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect(close(stats_chi2_tail(cases[i].at_1e3, cases[i].df), 1e-3), "df %g", cases[i].df);
        cr_expect(close(stats_chi2_tail(cases[i].at_1e6, cases[i].df), 1e-6), "df %g", cases[i].df);
        cr_expect(close(stats_chi2_tail(cases[i].at_1e9, cases[i].df), 1e-9), "df %g", cases[i].df);
    }
    cr_expect(fabs(stats_chi2_tail(3, 2) - exp(-1.5)) < 1e-14);
}

Test(stats, student_and_normal_tails_match_the_tables)
{
    static const struct {
        double df, at_1e6;
    } cases[] = {{15, 7.903}, {31, 6.072}, {63, 5.420}, {127, 5.142}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect(close(stats_student_tail(cases[i].at_1e6, cases[i].df), 1e-6), "df %g",
                  cases[i].df);
    cr_expect(close(stats_normal_tail(4.8916), 1e-6));
    cr_expect(close(stats_normal_tail(-3.2905), 1e-3));
    cr_expect(fabs(stats_student_tail(1, 1) - 0.5) < 1e-14, "Cauchy");
}

Test(stats, incomplete_beta_has_its_closed_forms)
{
    for (double x = 0.05; x < 1; x += 0.1) {
        cr_expect(fabs(stats_beta(1, 1, x) - x) < 1e-14);
        cr_expect(fabs(stats_beta(2, 2, x) - x * x * (3 - 2 * x)) < 1e-13);
        cr_expect(fabs(stats_beta(0.5, 0.5, x) - 2 / acos(-1) * asin(sqrt(x))) < 1e-13);
        cr_expect(fabs(stats_beta(40, 3, x) + stats_beta(3, 40, 1 - x) - 1) < 1e-13);
    }
}

/* SIGMA(5), 6 checks, fixed seed: the tests' own random numbers, n = 1e6. */
Test(stats, random_numbers_are_uniform_and_normal)
{
    enum { N = 1000000 };
    stats_rng rng = {1};
    stats_bins uniform = {{0}}, normal = {{0}};
    stats_moments first = {0}, second = {0}, fourth = {0};
    for (int i = 0; i < N; i++) {
        const double z = stats_normal(&rng);
        stats_bin(&uniform, stats_uniform(&rng));
        stats_bin(&normal, 0.5 * erfc(-z / sqrt(2)));
        stats_add(&first, z);
        stats_add(&second, z * z);
        stats_add(&fourth, z * z * z * z);
    }
    cr_expect(stats_bins_p(&uniform) > LEAST_P && stats_bins_p(&normal) > LEAST_P);
    cr_expect(fabs(first.mean) < SIGMA(5) / sqrt(N));
    cr_expect(fabs(second.mean - 1) < SIGMA(5) * sqrt(2.0 / N));
    cr_expect(fabs(fourth.mean - 3) < SIGMA(5) * sqrt(96.0 / N));
    cr_expect(fabs(stats_variance(&first) - second.mean) < 1e-5 * second.mean);
}

Test(stats, chi_square_of_counts_merges_small_cells_and_sees_a_wrong_law)
{
    const double law[6] = {0.4, 0.3, 0.2, 0.09, 0.009, 0.001};
    const int64_t right[6] = {410, 290, 205, 85, 9, 1}, wrong[6] = {500, 300, 150, 45, 5, 0};
    int32_t df;
    cr_expect(stats_chi2_counts(right, law, 6, &df) > 0.1);
    cr_expect_eq(df, 3, "cells of 9 and 1 join the cell of 90: got %d", df);
    cr_expect(stats_chi2_counts(wrong, law, 6, NULL) < LEAST_P);
    const double impossible[2] = {1, 0};
    const int64_t there[2] = {1000, 1};
    cr_expect_eq(stats_chi2_counts(there, impossible, 2, NULL), 0);
}

/* SIGMA(5), 2 checks: exponentials of rates 1 and 1.5 have ln(p2/p1) = const - 0.5 x. */
Test(stats, logistic_regression_finds_the_slope_of_two_exponentials)
{
    enum { N = 20000 };
    static double first[N], second[N];
    stats_rng rng = {2};
    for (int i = 0; i < N; i++) {
        first[i] = -log(stats_uniform(&rng));
        second[i] = -log(stats_uniform(&rng)) / 1.5;
    }
    const stats_slope slope = stats_logistic(first, second, N);
    cr_expect(fabs(slope.value + 0.5) < SIGMA(5) * slope.error, "%g +- %g", slope.value,
              slope.error);
    cr_expect(slope.error < 0.02 && slope.error > 0.001, "%g", slope.error);
    cr_expect(fabs(stats_correlation_z(first, second, N)) < SIGMA(5));
    cr_expect(stats_correlation_z(first, first, N) > 100);
}
