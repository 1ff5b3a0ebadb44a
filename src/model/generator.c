/* model/generator.c: xor, parity, spirals, moons, sine, line. */
#include "model/generator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "core/rng.h"
#include "lehr/lehr.h"

enum {
    BITS_MAX = 16,
    DRAW_PLACE = 0,
    DRAW_NOISE = 1
}; /* noise of coordinate i: block DRAW_NOISE + i/2 */

/* ---- Formulas: point n of N into x[D], its class or value is returned ------------------------ */

/* Bit i of n is input i: -1 or +1; the class is the parity of the ones. */
static float parity(int32_t n, int32_t bits, float *x)
{
    int32_t ones = 0;
    for (int32_t i = 0; i < bits; i++) {
        const int32_t bit = n >> i & 1;
        x[i] = bit ? 1.0f : -1.0f;
        ones += bit;
    }
    return (float)(ones & 1);
}

/* Two arms of one and a half turns, half a turn apart, from radius 0.2 to 1 (after Lang and
 * Witbrock 1988). */
static float spirals(int32_t n, int32_t points, float *x)
{
    const int32_t arm = n & 1, length = (points + 1 - arm) / 2;
    const int32_t step = n / 2;
    const float along = ((float)step + 0.5f) / (float)length;
    const float radius = 0.2f + 0.8f * along;
    float s, c;
    lehr_sincos2pi(1.5f * along + 0.5f * (float)arm, &s, &c);
    x[0] = radius * c;
    x[1] = radius * s;
    return (float)arm;
}

/* Two interleaved half circles of radius 1. */
static float moons(int32_t n, int32_t points, float *x)
{
    const int32_t moon = n & 1, length = (points + 1 - moon) / 2, step = n / 2;
    float s, c;
    lehr_sincos2pi(0.5f * ((float)step + 0.5f) / (float)length, &s, &c);
    x[0] = moon ? 1.0f - c : c;
    x[1] = moon ? 0.5f - s : s;
    return (float)moon;
}

/* y = sin(2 pi x), x uniform in (0,1). */
static float sine(float u, float *x)
{
    float s, c;
    lehr_sincos2pi(u, &s, &c);
    x[0] = u;
    return s;
}

/* y = 2 x - 1, x uniform in (-1,1). */
static float line(float u, float *x)
{
    x[0] = 2.0f * u - 1.0f;
    return 2.0f * x[0] - 1.0f;
}

/* ---- Points ---------------------------------------------------------------------------------- */

static float make_point(const lehr_generator_spec *spec, int64_t points, uint64_t seed, int32_t n,
                        float *x)
{
    const lehr_words words = lehr_draw(seed, DRAW_PLACE, 0, (lehr_u32)n, LEHR_DOMAIN_GENERATOR);
    switch (spec->kind) {
    case LEHR_GENERATOR_XOR: return parity(n, 2, x);
    case LEHR_GENERATOR_PARITY: return parity(n, spec->bits, x);
    case LEHR_GENERATOR_SPIRALS: return spirals(n, (int32_t)points, x);
    case LEHR_GENERATOR_MOONS: return moons(n, (int32_t)points, x);
    case LEHR_GENERATOR_SINE: return sine(lehr_uniform(words.w[0]), x);
    default: return line(lehr_uniform(words.w[0]), x);
    }
}

static void add_noise(double noise, uint64_t seed, int32_t n, int32_t count, float *values)
{
    for (int32_t i = 0; i < count; i++) {
        const lehr_words words = lehr_draw(seed, (lehr_u32)(DRAW_NOISE + i / 2), 0, (lehr_u32)n,
                                           LEHR_DOMAIN_GENERATOR);
        float z[2];
        lehr_normal2(words.w[0], words.w[1], &z[0], &z[1]);
        values[i] = (float)((double)values[i] + noise * (double)z[i % 2]);
    }
}

static bool is_regression(lehr_generator kind)
{
    return kind == LEHR_GENERATOR_SINE || kind == LEHR_GENERATOR_LINE;
}

static int64_t count_points(const lehr_generator_spec *spec)
{
    switch (spec->kind) {
    case LEHR_GENERATOR_XOR: return 4;
    case LEHR_GENERATOR_PARITY: return INT64_C(1) << spec->bits;
    default: return spec->points;
    }
}

static int32_t count_inputs(const lehr_generator_spec *spec)
{
    if (spec->kind == LEHR_GENERATOR_PARITY)
        return spec->bits;
    return is_regression(spec->kind) ? 1 : 2;
}

static lehr_status check(const lehr_generator_spec *spec, lehr_task task)
{
    const lehr_generator kind = spec->kind;
    LEHR_CHECK(kind > LEHR_GENERATOR_NONE && kind < LEHR_GENERATOR_COUNT, LEHR_ERR_ARG,
               "there is no generator number %d", (int)kind);
    const char *name = lehr_kind_name(LEHR_LIST_GENERATOR, (int32_t)kind);
    const lehr_task own = is_regression(kind) ? LEHR_TASK_REGRESSION : LEHR_TASK_CLASSIFICATION;
    LEHR_CHECK(task == own, LEHR_ERR_ARG, "generator %s makes data for %s, the task is %s", name,
               lehr_kind_name(LEHR_LIST_TASK, (int32_t)own),
               lehr_kind_name(LEHR_LIST_TASK, (int32_t)task));
    LEHR_CHECK(kind != LEHR_GENERATOR_PARITY || (spec->bits >= 1 && spec->bits <= BITS_MAX),
               LEHR_ERR_ARG, "generator parity needs 1 to %d bits, got %d", BITS_MAX, spec->bits);
    LEHR_CHECK(kind == LEHR_GENERATOR_XOR || kind == LEHR_GENERATOR_PARITY || spec->points >= 2,
               LEHR_ERR_ARG, "generator %s needs at least 2 points, got %d", name, spec->points);
    LEHR_CHECK(spec->noise >= 0 && spec->noise <= 1e6, LEHR_ERR_ARG,
               "the noise of generator %s must be between 0 and 1e6, got %g", name, spec->noise);
    return LEHR_OK;
}

static lehr_status name_inputs(lehr_samples *samples)
{
    for (int32_t i = 0; i < samples->inputs; i++) {
        char name[16];
        const int length = snprintf(name, sizeof name, "x%d", i);
        LEHR_TRY(lehr_names_add(&samples->columns, name, (size_t)length));
    }
    return LEHR_OK;
}

/* Parity of 1 to 16 bits has both classes, as the others have. */
static lehr_status name_classes(lehr_samples *samples)
{
    int32_t number = 0;
    LEHR_TRY(lehr_names_intern(&samples->classes, "0", 1, &number));
    LEHR_TRY(lehr_names_intern(&samples->classes, "1", 1, &number));
    samples->closed = true;
    return LEHR_OK;
}

lehr_status lehr_generate(const lehr_generator_spec *spec, lehr_task task, uint64_t seed,
                          lehr_samples *samples)
{
    LEHR_TRY(check(spec, task));
    const int64_t points = count_points(spec);
    samples->inputs = count_inputs(spec);
    samples->targets = 1;
    LEHR_TRY(name_inputs(samples));
    if (task == LEHR_TASK_CLASSIFICATION)
        LEHR_TRY(name_classes(samples));
    LEHR_TRY(lehr_samples_reserve(samples, points));
    for (int32_t n = 0; n < points; n++) {
        float *x = samples->input + (int64_t)n * samples->inputs, *y = samples->target + n;
        *y = make_point(spec, points, seed, n, x);
        if (task == LEHR_TASK_REGRESSION)
            add_noise(spec->noise, seed, n, 1, y);
        else
            add_noise(spec->noise, seed, n, samples->inputs, x);
    }
    samples->points = points;
    return LEHR_OK;
}
