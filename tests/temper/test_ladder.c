/* Ladders and cooling specs: values against formulas in long double, and every refusal with its sentence. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "lehr/temper.h"
#include "temper/ladder.h"

/* ULP: core's double log and exp are good to about 1 ulp each; the exponent amplifies that by ln(max/min). */
Test(ladder, is_geometric_between_its_ends)
{
    static const struct {
        int rungs;
        double min, max;
    } cases[] = {
        {2, 1, 2},
        {16, 1e-4, 1e-1},
        {4, 0.5, 0.500001},
        {4096, 1e-12, 1e6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_ladder_spec spec = {.kind = LEHR_LADDER_GEOMETRIC,
                                 .rungs = cases[i].rungs,
                                 .min = cases[i].min,
                                 .max = cases[i].max};
        static double beta[LEHR_RUNGS_MAX];
        cr_assert_eq(lehr_ladder_fill(&spec, beta), LEHR_OK);
        for (int t = 0; t < spec.rungs; t++) {
            const long double share = (long double)t / (spec.rungs - 1);
            const double expected = (double)(1 / (spec.min *
                                                  powl((long double)spec.max / spec.min, share)));
            cr_assert(fabs(beta[t] / expected - 1) < 2e-14,
                      "case %zu rung %d: %.17g, expected %.17g", i, t, beta[t], expected);
        }
        cr_assert_eq(beta[0], 1 / spec.min, "the coldest rung is exactly min");
    }
}

Test(ladder, takes_a_list_and_reads_1e300_as_beta_zero)
{
    const lehr_ladder_spec spec = {.kind = LEHR_LADDER_LIST, .rungs = 3, .list = {0.5, 4, 1e300}};
    double beta[3];
    cr_assert_eq(lehr_ladder_fill(&spec, beta), LEHR_OK);
    cr_assert_eq(beta[0], 2);
    cr_assert_eq(beta[1], 0.25);
    cr_assert_eq(beta[2], 0);
}

Test(ladder, refuses_bad_temperatures_and_leaves_beta_alone)
{
    static const struct {
        lehr_ladder_spec spec;
        const char *sentence;
    } cases[] = {
        {{.kind = LEHR_LADDER_GEOMETRIC, .rungs = 1, .min = 1, .max = 2},
         "at least 2 rungs, got 1"},
        {{.kind = LEHR_LADDER_GEOMETRIC, .rungs = 5000, .min = 1, .max = 2},
         "at most 4096 rungs, got 5000"},
        {{.kind = LEHR_LADDER_GEOMETRIC, .rungs = 4, .min = 0, .max = 2},
         "0 < min < max, got min 0"},
        {{.kind = LEHR_LADDER_GEOMETRIC, .rungs = 4, .min = 2, .max = 2},
         "0 < min < max, got min 2, max 2"},
        {{.kind = LEHR_LADDER_GEOMETRIC, .rungs = 4, .min = NAN, .max = 2}, "0 < min < max"},
        {{.kind = LEHR_LADDER_GEOMETRIC, .rungs = 4, .min = 1, .max = INFINITY}, "0 < min < max"},
        {{.kind = LEHR_LADDER_LIST, .rungs = 3, .list = {1, 3, 2}},
         "must be positive and rise, got 2 after 3"},
        {{.kind = LEHR_LADDER_LIST, .rungs = 2, .list = {-1, 3}}, "got -1 after 0"},
        {{.kind = LEHR_LADDER_LIST, .rungs = 300}, "at most 256 temperatures, got 300"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double beta = -7;
        cr_assert_eq(lehr_ladder_fill(&cases[i].spec, &beta), LEHR_ERR_ARG, "case %zu", i);
        cr_assert(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i, lehr_error());
        cr_assert_eq(beta, -7);
    }
}

Test(cooling, refuses_bad_schedules)
{
    static const struct {
        lehr_cooling_spec spec;
        const char *sentence;
    } cases[] = {
        {{.start = 1, .end = 0}, "0 < end <= start, got start 1, end 0"},
        {{.start = 1, .end = 2}, "0 < end <= start"},
        {{.start = INFINITY, .end = 2}, "0 < end <= start"},
        {{.start = NAN, .end = 1}, "0 < end <= start"},
        {{.start = 1, .end = 1, .scans = -1}, "must not be negative, got -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(lehr_cooling_check(&cases[i].spec), LEHR_ERR_ARG, "case %zu", i);
        cr_assert(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i, lehr_error());
    }
    const lehr_cooling_spec constant = {.start = 1, .end = 1};
    cr_assert_eq(lehr_cooling_check(&constant), LEHR_OK, "a constant temperature is a schedule");
}
