/* Splits and generators: sizes, strata, and the same parts for the same seed for ever. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/split.h"
#include "support/data.h"

/* ---- Splits ---------------------------------------------------------------------------------- */

/* Point n has input n; classes repeat 0, 0, 1, 0, 0, 1, ..., or all points are alike. */
static lehr_dataset *make(int64_t points, lehr_task task, double test, double validation,
                          uint64_t seed)
{
    static float x[3000], y[3000];
    for (int64_t n = 0; n < points; n++) {
        x[n] = (float)n;
        y[n] = n % 3 == 2;
    }
    lehr_data_spec spec = data_spec(task);
    spec.test_fraction = test;
    spec.validation_fraction = validation;
    spec.split_seed = seed;
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_from_arrays(&spec, x, y, points, 1, 1, &dataset), LEHR_OK, "%s",
                 lehr_error());
    return dataset;
}

static int64_t count_ones(const lehr_dataset *dataset, lehr_part part)
{
    int64_t ones = 0;
    for (int64_t n = 0; n < lehr_dataset_describe(dataset).points[part]; n++)
        ones += lehr_dataset_targets(dataset, part)[n] == 1.0f;
    return ones;
}

Test(split, parts_have_their_sizes_and_shares_of_the_classes)
{
    static const struct {
        int64_t points;
        double test, validation;
        int64_t sizes[LEHR_PART_COUNT], ones[LEHR_PART_COUNT];
    } cases[] = {
        {150, 0.2, 0.1, {105, 15, 30}, {35, 5, 10}},
        {4, 0, 0, {4, 0, 0}, {1, 0, 0}},
        {10, 0.5, 0.2, {3, 2, 5}, {1, 1, 1}}, /* 3.5 and 1.5: equal, the lower class wins */
        {3000, 1.0 / 3, 1.0 / 3, {1000, 1000, 1000}, {334, 333, 333}},
        {7, 0.3, 0.3, {3, 2, 2}, {1, 0, 1}}, /* 4/7 beats 3/7; then 3/5 beats 2/5 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_dataset *d = make(cases[i].points, LEHR_TASK_CLASSIFICATION, cases[i].test,
                               cases[i].validation, 1);
        for (int p = 0; p < LEHR_PART_COUNT; p++) {
            cr_assert_eq(lehr_dataset_describe(d).points[p], cases[i].sizes[p]);
            cr_assert_eq(count_ones(d, (lehr_part)p), cases[i].ones[p], "case %zu part %d: %lld", i,
                         p, (long long)count_ones(d, (lehr_part)p));
        }
        lehr_dataset_destroy(&d);
    }
}

Test(split, every_point_is_in_one_part_and_in_order)
{
    static const lehr_task tasks[] = {LEHR_TASK_CLASSIFICATION, LEHR_TASK_REGRESSION};
    for (int t = 0; t < 2; t++) {
        char seen[1000] = {0};
        lehr_dataset *d = make(1000, tasks[t], 0.31, 0.17, 5);
        for (int p = 0; p < LEHR_PART_COUNT; p++) {
            const float *x = lehr_dataset_inputs(d, (lehr_part)p),
                        *y = lehr_dataset_targets(d, (lehr_part)p);
            for (int64_t n = 0; n < lehr_dataset_describe(d).points[p]; n++) {
                seen[(int)x[n]]++;
                cr_assert_eq(y[n], (float)((int)x[n] % 3 == 2)); /* rows stay whole */
                cr_assert(n == 0 || x[n] > x[n - 1]);
            }
        }
        for (int n = 0; n < 1000; n++)
            cr_assert_eq(seen[n], 1);
        lehr_dataset_destroy(&d);
    }
}

static uint64_t fingerprint(const lehr_dataset *d)
{
    uint64_t hash = LEHR_HASH_START;
    for (int p = 0; p < LEHR_PART_COUNT; p++)
        if (lehr_dataset_inputs(d, (lehr_part)p) != NULL)
            hash = lehr_hash(hash, lehr_dataset_inputs(d, (lehr_part)p),
                             (size_t)lehr_dataset_describe(d).points[p] * sizeof(float));
    return hash;
}

/* EXACT: whoever changes the split changes every result that was ever published with it. The
 * numbers are from a second implementation of Philox, shuffle and remainders in Python. */
Test(split, the_parts_of_a_seed_never_change)
{
    static const struct {
        lehr_task task;
        uint64_t seed, fingerprint;
    } cases[] = {
        {LEHR_TASK_CLASSIFICATION, 1, UINT64_C(0xcd9c786d422d8234)},
        {LEHR_TASK_CLASSIFICATION, 2, UINT64_C(0xb9ac69cf5b0b6d10)},
        {LEHR_TASK_REGRESSION, 1, UINT64_C(0xa80dd43bf080e4f0)},
        {LEHR_TASK_REGRESSION, UINT64_MAX, UINT64_C(0xdfb9b570fa2c8674)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_dataset *d = make(100, cases[i].task, 0.3, 0.2, cases[i].seed);
        cr_assert_eq(fingerprint(d), cases[i].fingerprint, "case %zu: 0x%016llx", i,
                     (unsigned long long)fingerprint(d));
        lehr_dataset_destroy(&d);
    }
}

/* SIGMA(5), 30 points over 2,000 seeds: a point tests as often as any other. */
Test(split, every_point_is_drawn_equally_often)
{
    int drawn[30] = {0};
    for (uint64_t seed = 0; seed < 2000; seed++) {
        lehr_dataset *d = make(30, LEHR_TASK_CLASSIFICATION, 0.2, 0, seed);
        for (int64_t n = 0; n < 6; n++)
            drawn[(int)lehr_dataset_inputs(d, LEHR_PART_TEST)[n]]++;
        lehr_dataset_destroy(&d);
    }
    for (int n = 0; n < 30; n++)
        cr_assert(fabs(drawn[n] - 400.0) < 5 * sqrt(2000 * 0.2 * 0.8), "point %d: %d", n, drawn[n]);
}

/* ---- Generators ------------------------------------------------------------------------------ */

static lehr_dataset *generate(lehr_generator kind, int32_t points, double noise, uint64_t seed)
{
    lehr_data_spec spec = data_spec(kind == LEHR_GENERATOR_SINE || kind == LEHR_GENERATOR_LINE
                                        ? LEHR_TASK_REGRESSION
                                        : LEHR_TASK_CLASSIFICATION);
    spec.generator = (lehr_generator_spec){kind, points, 4, noise};
    spec.split_seed = seed;
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_create(&spec, &dataset), LEHR_OK, "%s", lehr_error());
    return dataset;
}

Test(generator, xor_and_parity_are_complete_truth_tables)
{
    static const struct {
        lehr_generator kind;
        int32_t bits;
    } cases[] = {{LEHR_GENERATOR_XOR, 2}, {LEHR_GENERATOR_PARITY, 4}};
    for (int i = 0; i < 2; i++) {
        lehr_dataset *d = generate(cases[i].kind, 99, 0, 1);
        const lehr_dataset_info info = lehr_dataset_describe(d);
        cr_assert_eq(info.points[LEHR_PART_TRAIN], 1 << cases[i].bits);
        cr_assert_eq(info.inputs, cases[i].bits);
        cr_assert_eq(info.classes, 2);
        cr_assert_str_eq(info.input_names[1], "x1");
        for (int n = 0; n < 1 << cases[i].bits; n++) {
            const float *x = lehr_dataset_inputs(d, LEHR_PART_TRAIN) + n * info.inputs;
            int ones = 0, number = 0;
            for (int b = 0; b < cases[i].bits; b++) {
                cr_assert(x[b] == 1.0f || x[b] == -1.0f);
                ones += x[b] > 0;
                number |= (x[b] > 0) << b;
            }
            cr_assert_eq(number, n);
            cr_assert_eq(lehr_dataset_targets(d, LEHR_PART_TRAIN)[n], (float)(ones % 2));
        }
        lehr_dataset_destroy(&d);
    }
}

/* ULP(8) of 1 against libm, for the formula and its rounding in float32. */
Test(generator, curves_lie_where_their_formulas_say)
{
    const double pi = 3.14159265358979323846, tolerance = 8 * 5.96e-8;
    lehr_dataset *d = generate(LEHR_GENERATOR_SPIRALS, 101, 0, 1);
    int64_t ones = count_ones(d, LEHR_PART_TRAIN);
    cr_assert_eq(ones, 50);
    for (int n = 0; n < 101; n++) {
        const float *x = lehr_dataset_inputs(d, LEHR_PART_TRAIN) + 2 * n;
        const double r = hypot((double)x[0], (double)x[1]),
                     turn = (r - 0.2) / 0.8 * 1.5 + 0.5 * (n % 2);
        cr_assert(r > 0.2 && r < 1);
        cr_assert(fabs((double)x[0] - r * cos(2 * pi * turn)) < 10 * tolerance);
        cr_assert(fabs((double)x[1] - r * sin(2 * pi * turn)) < 10 * tolerance);
    }
    lehr_dataset_destroy(&d);
    d = generate(LEHR_GENERATOR_MOONS, 100, 0, 1);
    for (int n = 0; n < 100; n++) {
        const float *x = lehr_dataset_inputs(d, LEHR_PART_TRAIN) + 2 * n;
        const double a = n % 2 ? 1 - (double)x[0] : (double)x[0],
                     b = n % 2 ? 0.5 - (double)x[1] : (double)x[1];
        cr_assert(b > 0 && fabs(a * a + b * b - 1) < tolerance);
    }
    lehr_dataset_destroy(&d);
    d = generate(LEHR_GENERATOR_SINE, 100, 0, 1);
    for (int n = 0; n < 100; n++) {
        const double x = (double)lehr_dataset_inputs(d, LEHR_PART_TRAIN)[n];
        cr_assert(x > 0 && x < 1);
        cr_assert(fabs((double)lehr_dataset_targets(d, LEHR_PART_TRAIN)[n] - sin(2 * pi * x)) <
                  tolerance);
    }
    lehr_dataset_destroy(&d);
    d = generate(LEHR_GENERATOR_LINE, 100, 0, 1);
    for (int n = 0; n < 100; n++) {
        const float x = lehr_dataset_inputs(d, LEHR_PART_TRAIN)[n];
        cr_assert(x > -1 && x < 1);
        cr_assert_eq(lehr_dataset_targets(d, LEHR_PART_TRAIN)[n], 2 * x - 1);
    }
    lehr_dataset_destroy(&d);
}

/* SIGMA(5), 3 generators with 10,000 points: mean and deviation of the noise. */
Test(generator, noise_has_the_deviation_asked_for)
{
    static const lehr_generator kinds[] = {LEHR_GENERATOR_LINE, LEHR_GENERATOR_SPIRALS,
                                           LEHR_GENERATOR_MOONS};
    const int points = 10000;
    for (int i = 0; i < 3; i++) {
        lehr_dataset *clean = generate(kinds[i], points, 0, 3),
                     *noisy = generate(kinds[i], points, 0.25, 3);
        const bool regression = i == 0;
        const int count = regression ? points : 2 * points;
        double sum = 0, square = 0;
        for (int n = 0; n < count; n++) {
            const double z = regression
                                 ? (double)lehr_dataset_targets(noisy, LEHR_PART_TRAIN)[n] -
                                       (double)lehr_dataset_targets(clean, LEHR_PART_TRAIN)[n]
                                 : (double)lehr_dataset_inputs(noisy, LEHR_PART_TRAIN)[n] -
                                       (double)lehr_dataset_inputs(clean, LEHR_PART_TRAIN)[n];
            sum += z / 0.25;
            square += z * z / 0.0625;
        }
        cr_assert(fabs(sum / count) < 5 / sqrt(count));
        cr_assert(fabs(square / count - 1) < 5 * sqrt(2.0 / count));
        lehr_dataset_destroy(&clean);
        lehr_dataset_destroy(&noisy);
    }
}

Test(generator, a_seed_makes_the_noise_and_the_points_do_not_depend_on_their_number)
{
    lehr_dataset *a = generate(LEHR_GENERATOR_SINE, 50, 0.1, 1),
                 *b = generate(LEHR_GENERATOR_SINE, 80, 0.1, 1),
                 *c = generate(LEHR_GENERATOR_SINE, 50, 0.1, 2);
    const size_t size = 50 * sizeof(float);
    cr_assert_eq(memcmp(lehr_dataset_inputs(a, LEHR_PART_TRAIN),
                        lehr_dataset_inputs(b, LEHR_PART_TRAIN), size),
                 0);
    cr_assert_eq(memcmp(lehr_dataset_targets(a, LEHR_PART_TRAIN),
                        lehr_dataset_targets(b, LEHR_PART_TRAIN), size),
                 0);
    cr_assert_neq(memcmp(lehr_dataset_inputs(a, LEHR_PART_TRAIN),
                         lehr_dataset_inputs(c, LEHR_PART_TRAIN), size),
                  0);
    lehr_dataset_destroy(&a);
    lehr_dataset_destroy(&b);
    lehr_dataset_destroy(&c);
}

Test(generator, bad_specs_are_refused)
{
    static const struct {
        lehr_generator_spec spec;
        lehr_task task;
        const char *sentence;
    } cases[] = {
        {{LEHR_GENERATOR_SINE, 10, 0, 0},
         LEHR_TASK_CLASSIFICATION,
         "generator sine makes data for regression, the"},
        {{LEHR_GENERATOR_XOR, 4, 0, 0},
         LEHR_TASK_REGRESSION,
         "generator xor makes data for classification, the"},
        {{LEHR_GENERATOR_PARITY, 4, 0, 0},
         LEHR_TASK_CLASSIFICATION,
         "parity needs 1 to 16 bits, got 0"},
        {{LEHR_GENERATOR_PARITY, 4, 17, 0},
         LEHR_TASK_CLASSIFICATION,
         "parity needs 1 to 16 bits, got 17"},
        {{LEHR_GENERATOR_MOONS, 1, 0, 0},
         LEHR_TASK_CLASSIFICATION,
         "moons needs at least 2 points, got 1"},
        {{LEHR_GENERATOR_MOONS, -7, 0, 0},
         LEHR_TASK_CLASSIFICATION,
         "moons needs at least 2 points, got -7"},
        {{LEHR_GENERATOR_MOONS, 9, 0, -1},
         LEHR_TASK_CLASSIFICATION,
         "must be between 0 and 1e6, got -1"},
        {{LEHR_GENERATOR_MOONS, 9, 0, NAN},
         LEHR_TASK_CLASSIFICATION,
         "must be between 0 and 1e6, got nan"},
        {{(lehr_generator)99, 9, 0, 0},
         LEHR_TASK_CLASSIFICATION,
         "there is no generator number 99"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_data_spec spec = data_spec(cases[i].task);
        lehr_dataset *dataset = NULL;
        spec.generator = cases[i].spec;
        cr_assert_eq(lehr_dataset_create(&spec, &dataset), LEHR_ERR_ARG);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
    }
}
