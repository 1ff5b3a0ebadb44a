/* test_real.c: core/real.h against libm in twice the precision, and against itself on every compiler. */
#include "core/real.h"
#include "support/check.h"
#include "support/stats.h"

#include <criterion/criterion.h>

/* Every STRIDE-th float of all 2^32, a prime. 1 makes the ulp test exhaustive: seven minutes. */
enum { STRIDE = REDUCED_SAMPLES ? 16381 : 1021, NEIGHBORS = 4096 };

#define UNARY(X) X(exp) X(expm1) X(log) X(log1p) X(tanh) X(sigmoid) X(softplus) X(sqrt) X(abs)

#define X(name)                                                                                    \
    static float our_##name(float x)                                                               \
    {                                                                                              \
        return lehr_##name(x);                                                                     \
    }
UNARY(X)
#undef X

static double right_sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double right_softplus(double x)
{
    return x > 40.0 ? x : log1p(exp(x));
}

static float as_float(uint32_t bits)
{
    return lehr_float(bits);
}

/* ULP, bounds as stated in real.h and found by the exhaustive run: 4e6 floats each, and all those next
 * to the places where a formula changes.                                                         */
Test(real, every_function_keeps_its_ulp_bound)
{
    static const struct {
        const char *name;
        float (*ours)(float);
        double (*right)(double);
        double ulp;
    } functions[] = {
        {"exp", our_exp, exp, LEHR_ULP(0.93)},
        {"expm1", our_expm1, expm1, LEHR_ULP(1.6)},
        {"log", our_log, log, LEHR_ULP(1.05)},
        {"log1p", our_log1p, log1p, LEHR_ULP(1.8)},
        {"tanh", our_tanh, tanh, LEHR_ULP(5.3)},
        {"sigmoid", our_sigmoid, right_sigmoid, LEHR_ULP(2.5)},
        {"softplus", our_softplus, right_softplus, LEHR_ULP(2.25)},
        {"sqrt", our_sqrt, sqrt, LEHR_ULP(0.5)},
        {"abs", our_abs, fabs, LEHR_EXACT},
    };
    static const float places[] = {0.0f,       1e-38f,     3e-8f,       0.3465736f, 0.3994520f,
                                   0.6666667f, 1.0f,       1.3333f,     2.0f,       6.9934177f,
                                   8.1999998f, 16.635532f, 18.0f,       87.3f,      88.7228f,
                                   103.27f,    103.972f,   16777216.0f, 3.4e38f};

    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        double worst = 0.0;
        float where = 0.0f;
        for (uint64_t u = 0; u < 0x100000000u; u += STRIDE) {
            const float x = as_float((uint32_t)u);
            const double ulp = check_ulp(functions[f].ours(x), functions[f].right((double)x));
            if (!(ulp <= worst)) {
                worst = ulp;
                where = x;
            }
        }
        for (size_t p = 0; p < 2 * sizeof places / sizeof *places; p++)
            for (uint32_t i = 0; i < NEIGHBORS; i++) {
                const uint32_t sign = p % 2 == 0 ? 0u : 0x80000000u;
                const uint32_t middle = lehr_bits(places[p / 2]);
                const uint32_t first = middle < NEIGHBORS / 2 ? 0u : middle - NEIGHBORS / 2;
                const float x = as_float((first + i) | sign);
                const double ulp = check_ulp(functions[f].ours(x), functions[f].right((double)x));
                if (!(ulp <= worst)) {
                    worst = ulp;
                    where = x;
                }
            }
        cr_expect(worst <= functions[f].ulp, "%s: %.4f ulp at %.9g, allowed %.4f",
                  functions[f].name, worst, (double)where, functions[f].ulp);
    }
}

/* sin(2 pi u) from the exactly reduced argument, |r| <= 1/4. */
static long double right_sin2pi(long double u)
{
    const long double half = roundl(2.0L * u);
    const long double s = sinl(6.283185307179586476925286766559005768L * (u - 0.5L * half));
    return fmodl(half, 2.0L) == 0.0L ? s : -s;
}

/* ULP(1.72) and never past 1: exact zeros and ones at the quarters included. */
Test(real, sine_and_cosine_keep_their_ulp_bound)
{
    double worst_sin = 0.0, worst_cos = 0.0;
    for (uint32_t u = 0; u <= 0x3f800000u; u += STRIDE) {
        const float x = as_float(u);
        float s, c;
        lehr_sincos2pi(x, &s, &c);
        worst_sin = fmax(worst_sin, check_ulp(s, (double)right_sin2pi((long double)x)));
        worst_cos = fmax(worst_cos, check_ulp(c, (double)right_sin2pi(0.25L + (long double)x)));
        cr_assert(fabsf(s) <= 1.0f && fabsf(c) <= 1.0f, "%.9g", (double)x);
    }
    cr_expect(worst_sin <= LEHR_ULP(1.72), "sin: %.4f", worst_sin);
    cr_expect(worst_cos <= LEHR_ULP(1.72), "cos: %.4f", worst_cos);

    static const float quarter[5][3] = {{0.0f, 0.0f, 1.0f},
                                        {0.25f, 1.0f, 0.0f},
                                        {0.5f, 0.0f, -1.0f},
                                        {0.75f, -1.0f, 0.0f},
                                        {1.0f, 0.0f, 1.0f}};
    for (int i = 0; i < 5; i++) {
        float s, c;
        lehr_sincos2pi(quarter[i][0], &s, &c);
        cr_expect(s == quarter[i][1] && c == quarter[i][2], "%d/4: %g %g", i, (double)s, (double)c);
    }
}

/* ULP(0.95) and ULP(0.9), against long double: x87's 64 bits or binary128. */
Test(real, double_functions_keep_their_ulp_bound)
{
    stats_rng rng = {1};
    double worst_exp = 0.0, worst_log = 0.0;
    for (int i = 0; i < SAMPLES(1000000); i++) {
        const double wide = -746.0 + 1456.0 * stats_uniform(&rng);
        const double x = i % 2 == 0 ? wide : ldexp(wide, -10 - i % 60);
        worst_exp = fmax(worst_exp, check_ulp64(lehr_exp64(x), expl((long double)x)));

        const double near_1 = 0.6 + 0.9 * stats_uniform(&rng);
        const double any = lehr_double(stats_next(&rng) % 0x7ff0000000000000u);
        const double y = i % 2 == 0   ? any
                         : i % 4 == 1 ? near_1
                                      : 1.0 + ldexp(near_1 - 1.0, -i % 50);
        worst_log = fmax(worst_log, check_ulp64(lehr_log64(y), logl((long double)y)));
    }
    cr_expect(worst_exp <= LEHR_ULP(0.95), "exp64: %.4f", worst_exp);
    cr_expect(worst_log <= LEHR_ULP(0.9), "log64: %.4f", worst_log);
}

/* EXACT: what Annex F of C says. */
Test(real, zeros_infinities_nans_and_subnormals_are_those_of_c)
{
    const float inf = INFINITY, nan = NAN, tiny = 0x1p-149f;
    const struct {
        const char *name;
        float (*ours)(float);
        float x, expected;
    } cases[] = {
        {"exp", our_exp, 0.0f, 1.0f},         {"exp", our_exp, -0.0f, 1.0f},
        {"exp", our_exp, inf, inf},           {"exp", our_exp, -inf, 0.0f},
        {"exp", our_exp, nan, nan},           {"exp", our_exp, 88.7228394f, inf},
        {"exp", our_exp, -103.98f, 0.0f},     {"exp", our_exp, -103.9f, tiny},
        {"expm1", our_expm1, -0.0f, -0.0f},   {"expm1", our_expm1, inf, inf},
        {"expm1", our_expm1, -inf, -1.0f},    {"expm1", our_expm1, nan, nan},
        {"expm1", our_expm1, tiny, tiny},     {"log", our_log, 1.0f, 0.0f},
        {"log", our_log, 0.0f, -inf},         {"log", our_log, -0.0f, -inf},
        {"log", our_log, -1.0f, nan},         {"log", our_log, -inf, nan},
        {"log", our_log, inf, inf},           {"log", our_log, nan, nan},
        {"log", our_log, -tiny, nan},         {"log", our_log, tiny, -103.278931f},
        {"log1p", our_log1p, 0.0f, 0.0f},     {"log1p", our_log1p, -0.0f, -0.0f},
        {"log1p", our_log1p, -1.0f, -inf},    {"log1p", our_log1p, -1.5f, nan},
        {"log1p", our_log1p, inf, inf},       {"log1p", our_log1p, nan, nan},
        {"log1p", our_log1p, tiny, tiny},     {"tanh", our_tanh, 0.0f, 0.0f},
        {"tanh", our_tanh, -0.0f, -0.0f},     {"tanh", our_tanh, inf, 1.0f},
        {"tanh", our_tanh, -inf, -1.0f},      {"tanh", our_tanh, nan, nan},
        {"tanh", our_tanh, -nan, nan},        {"tanh", our_tanh, -tiny, -tiny},
        {"sigmoid", our_sigmoid, 0.0f, 0.5f}, {"sigmoid", our_sigmoid, inf, 1.0f},
        {"sigmoid", our_sigmoid, -inf, 0.0f}, {"sigmoid", our_sigmoid, nan, nan},
        {"softplus", our_softplus, inf, inf}, {"softplus", our_softplus, -inf, 0.0f},
        {"softplus", our_softplus, nan, nan}, {"sqrt", our_sqrt, -0.0f, -0.0f},
        {"sqrt", our_sqrt, -1.0f, nan},       {"abs", our_abs, -0.0f, 0.0f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const float got = cases[i].ours(cases[i].x);
        cr_expect(check_same(got, cases[i].expected), "%s(%g) = %.9g, expected %.9g", cases[i].name,
                  (double)cases[i].x, (double)got, (double)cases[i].expected);
    }

    const double inf64 = (double)INFINITY, nan64 = (double)NAN;
    const double pairs[][3] = {/* x, exp, log */
                               {0.0, 1.0, -inf64},
                               {-0.0, 1.0, -inf64},
                               {inf64, inf64, inf64},
                               {-inf64, 0.0, nan64},
                               {nan64, nan64, nan64}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        cr_expect(check_same64(lehr_exp64(pairs[i][0]), pairs[i][1]), "exp64 %zu", i);
        cr_expect(check_same64(lehr_log64(pairs[i][0]), pairs[i][2]), "log64 %zu", i);
    }
    cr_expect(lehr_exp64(709.79) == inf64 && lehr_exp64(-745.1) == 0x1p-1074);
    cr_expect(lehr_log64(1.0) == 0.0);

    cr_expect(lehr_min(1.0f, nan) != lehr_min(1.0f, nan) && lehr_min(nan, 1.0f) == 1.0f);
    cr_expect(lehr_max(1.0f, nan) != lehr_max(1.0f, nan) && lehr_max(nan, 1.0f) == 1.0f);
    cr_expect(lehr_min(-1.0f, 2.0f) == -1.0f && lehr_max(-1.0f, 2.0f) == 2.0f);
    cr_expect(lehr_fma(0x1.000002p0f, 0x1.000002p0f, -0x1.000004p0f) == 0x1p-46f, "rounded once");
}

/* EXACT: |tanh| <= 1, 1 from 8.21 on, odd, and the identity near 0. */
Test(real, tanh_saturates_at_one_and_is_odd)
{
    for (uint64_t u = 0; u <= 0x7f800000u; u += STRIDE / 4) {
        const float x = as_float((uint32_t)u), y = lehr_tanh(x);
        cr_assert(y <= 1.0f && y >= 0.0f && lehr_tanh(-x) == -y, "%.9g", (double)x);
        cr_assert(x < 8.21f || y == 1.0f, "%.9g", (double)x);
        cr_assert(x > 1e-4f || y == x, "%.9g", (double)x);
    }
}

/* EXACT: one number per function, found with gcc 12 and clang 14, -O1 to -O3, with and without AVX2 and
 * FMA. Whoever changes a formula changes every trajectory, and sees it here.                      */
Test(real, every_compiler_gives_the_same_bits)
{
    static const struct {
        const char *name;
        float (*ours)(float);
        uint64_t hash;
    } functions[] = {
        {"exp", our_exp, 0x073087d5b953e9d6u},
        {"expm1", our_expm1, 0x4ce63af7070848e1u},
        {"log", our_log, 0x9ea676612e4ae239u},
        {"log1p", our_log1p, 0x23a3e73fcaaca66au},
        {"tanh", our_tanh, 0x32b7fc5e0edd02cfu},
        {"sigmoid", our_sigmoid, 0xdcfd5159698f39b1u},
        {"softplus", our_softplus, 0xa145bd32dec01b2eu},
    };
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, a word at a time */
        for (uint64_t u = 0; u < 0x100000000u; u += 16381) {
            const float y = functions[f].ours(as_float((uint32_t)u));
            hash = (hash ^ (isnan(y) ? 0x7fc00000u : lehr_bits(y))) * 0x100000001b3u;
        }
        cr_expect(hash == functions[f].hash, "%s: 0x%016llxu", functions[f].name,
                  (unsigned long long)hash);
    }
}
