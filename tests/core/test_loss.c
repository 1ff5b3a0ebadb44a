/* Losses and activations against their textbook formulas in double; edges by hand. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>

#include "core/activation.h"
#include "core/loss.h"
#include "core/rng.h"
#include "support/check.h"

enum { POINTS = 4000, K_MAX = 7, STRIDE = 3 };

/* Float arithmetic errs by about 1e-7 of a loss; its square, with room for exp and log. */
static const double tolerance = LEHR_NMSE(1e-12);

static double uniform(lehr_u32 i, lehr_u32 stream)
{
    return (double)lehr_uniform(lehr_draw(5, i, stream, 0, LEHR_DOMAIN_LAW).w[0]);
}

static double softmax_loss(const double *z, int K, int label)
{
    double sum = 0, best = -INFINITY;
    for (int k = 0; k < K; k++)
        best = fmax(best, z[k]);
    for (int k = 0; k < K; k++)
        sum += exp(z[k] - best);
    return best + log(sum) - z[label];
}

static double margin_loss(const double *z, int K, int label)
{
    double rival = -INFINITY;
    for (int k = 0; k < K; k++)
        if (k != label)
            rival = fmax(rival, z[k]);
    return fmax(0, 1 + rival - z[label]);
}

static int argmax(const double *z, int K)
{
    int best = 0;
    for (int k = 1; k < K; k++)
        if (z[k] > z[best])
            best = k;
    return best;
}

static double regression_loss(lehr_loss loss, double d, const lehr_energy_args *e)
{
    const double noise = (double)e->noise, delta = (double)e->delta, a = fabs(d);
    switch (loss) {
    case LEHR_LOSS_MSE: return d * d / e->outputs;
    case LEHR_LOSS_MAE: return a / e->outputs;
    case LEHR_LOSS_HUBER:
        return (a <= delta ? 0.5 * d * d : delta * (a - 0.5 * delta)) / e->outputs;
    default: return 0.5 * d * d / (noise * noise) + log(noise) + 0.5 * log(2 * acos(-1.0));
    }
}

/* The right loss of outputs z[K] and targets y. */
static double reference(lehr_loss loss, const double *z, const double *y, const lehr_energy_args *e)
{
    const int K = e->outputs, label = (int)y[0];
    double sum = 0;
    switch (loss) {
    case LEHR_LOSS_BINARY_CROSS_ENTROPY: return log1p(exp(label ? -z[0] : z[0]));
    case LEHR_LOSS_CROSS_ENTROPY: return softmax_loss(z, K, label);
    case LEHR_LOSS_HINGE:
        return K == 1 ? fmax(0, 1 - (2 * y[0] - 1) * z[0]) : margin_loss(z, K, label);
    case LEHR_LOSS_ZERO_ONE: return K == 1 ? (z[0] >= 0) != label : argmax(z, K) != label;
    default:
        for (int k = 0; k < K; k++)
            sum += regression_loss(loss, z[k] - y[k], e);
        return sum;
    }
}

/* Sum of squared errors over sum of squares, over many points of one kind of loss. */
static double loss_error(lehr_loss loss, int K)
{
    const lehr_energy_args e = {.loss = loss, .outputs = K, .noise = 0.3f, .delta = 0.8f};
    double error = 0, size = 0;
    for (lehr_u32 n = 0; n < POINTS; n++) {
        double z[K_MAX], y[K_MAX];
        float zf[K_MAX * STRIDE] = {0}, yf[K_MAX * STRIDE] = {0};
        for (int k = 0; k < K; k++) {
            zf[k * STRIDE] = (float)(12 * uniform(n, (lehr_u32)k) - 6);
            yf[k * STRIDE] = (float)(2 * uniform(n, 50 + (lehr_u32)k) - 1);
            if (lehr_loss_has_classes(loss))
                yf[k * STRIDE] = (float)floor(uniform(n, 50) * (K > 1 ? K : 2));
            z[k] = (double)zf[k * STRIDE], y[k] = (double)yf[k * STRIDE];
        }
        const double got = (double)lehr_loss_point(loss, lehr_loss_prepare(&e), K, zf, yf, STRIDE);
        const double right = reference(loss, z, y, &e);
        error += (got - right) * (got - right), size += right * right;
        const double hit = (double)lehr_hit_point(loss, K, zf, yf, STRIDE);
        const double wrong = reference(LEHR_LOSS_ZERO_ONE, z, y, &e);
        cr_assert_eq(hit, lehr_loss_has_classes(loss) ? 1 - wrong : 0);
    }
    cr_assert_gt(size, 0);
    return error / size;
}

Test(loss, equals_its_formula)
{
    for (int loss = 0; loss < LEHR_LOSS_COUNT; loss++)
        for (int K = 1; K <= K_MAX; K++) {
            const int one = loss == LEHR_LOSS_BINARY_CROSS_ENTROPY,
                      several = loss == LEHR_LOSS_CROSS_ENTROPY;
            if ((one && K > 1) || (several && K == 1))
                continue;
            cr_assert_leq(loss_error(loss, K), tolerance, "loss %d, %d outputs: %g", loss, K,
                          loss_error(loss, K));
        }
}

/* Large outputs neither overflow nor cancel. */
Test(loss, survives_large_outputs)
{
    const lehr_energy_args e = {.outputs = 3, .noise = 1, .delta = 1};
    const lehr_loss_scale s = lehr_loss_prepare(&e);
    const float z[3] = {1000.0f, -1000.0f, 999.0f}, zero = 0.0f, one = 1.0f, two = 2.0f;
    cr_assert_float_eq(lehr_loss_point(LEHR_LOSS_CROSS_ENTROPY, s, 3, z, &zero, 1), 0.3132617f,
                       1e-6f);
    cr_assert_float_eq(lehr_loss_point(LEHR_LOSS_CROSS_ENTROPY, s, 3, z, &one, 1), 2000.3132617f,
                       1e-3f);
    cr_assert_float_eq(lehr_loss_point(LEHR_LOSS_CROSS_ENTROPY, s, 3, z, &two, 1), 1.3132617f,
                       1e-6f);
    const float cases[][3] = {{80, 1, 1.80485e-35f},
                              {-80, 0, 1.80485e-35f},
                              {80, 0, 80},
                              {-80, 1, 80},
                              {0, 1, 0.693147f}};
    for (int i = 0; i < 5; i++) {
        const float got = lehr_loss_point(LEHR_LOSS_BINARY_CROSS_ENTROPY, s, 1, &cases[i][0],
                                          &cases[i][1], 1);
        cr_assert_float_eq(got / cases[i][2], 1.0f, 1e-5f, "z %g: %g", (double)cases[i][0],
                           (double)got);
    }
}

/* EXACT: ties take the lowest index, and a margin of exactly 1 costs nothing. */
Test(loss, breaks_ties_as_defined)
{
    const lehr_loss_scale s = {0};
    const float z[4] = {1, 3, 3, 2}, minus = -0.0f, plus = 0.0f, y[4] = {0, 1, 2, 3};
    cr_assert_eq(lehr_loss_point(LEHR_LOSS_ZERO_ONE, s, 4, z, &y[1], 1), 0.0f);
    cr_assert_eq(lehr_loss_point(LEHR_LOSS_ZERO_ONE, s, 4, z, &y[2], 1), 1.0f);
    cr_assert_eq(lehr_loss_point(LEHR_LOSS_ZERO_ONE, s, 1, &minus, &y[1], 1), 0.0f,
                 "-0 is class 1");
    cr_assert_eq(lehr_loss_point(LEHR_LOSS_ZERO_ONE, s, 1, &plus, &y[0], 1), 1.0f);
    const float apart[2] = {2, 1};
    cr_assert_eq(lehr_loss_point(LEHR_LOSS_HINGE, s, 2, apart, &y[0], 1), 0.0f);
    cr_assert_eq(lehr_loss_point(LEHR_LOSS_HINGE, s, 2, apart, &y[1], 1), 2.0f);
}

Test(loss, nan_outputs_give_nan_and_no_hit)
{
    for (int loss = 0; loss < LEHR_LOSS_COUNT; loss++)
        for (int K = 1; K <= 4; K += 3)
            for (int at = 0; at < K; at++) {
                const lehr_energy_args e = {.outputs = K, .noise = 1, .delta = 1};
                float z[4] = {-1, 2, 1, -2}, y[4] = {0, 0, 0, 0};
                z[at] = NAN;
                if (K > 1 && loss == LEHR_LOSS_BINARY_CROSS_ENTROPY)
                    continue;
                cr_assert(isnan(lehr_loss_point(loss, lehr_loss_prepare(&e), K, z, y, 1)),
                          "loss %d, output %d of %d", loss, at, K);
                cr_assert_eq(lehr_hit_point(loss, K, z, y, 1), 0.0f);
            }
}

/* ---- Never negative ---------------------------------------------------------------------------- */

/* Early rejection lives by this: a loss that lehr_loss_is_positive names is never below 0, at any outputs. */
static const float extremes[] = {
    0.0f,  -0.0f,    0x1p-149f,     -0x1p-149f,     0x1p-126f, -0x1p-126f, 0x1p-24f, -0.5f,
    0.7f,  1.0f,     -1.0f,         0x1.fffffep-1f, 88.7f,     -104.0f,    104.0f,   -1e10f,
    1e19f, -3.4e38f, 3.4028235e38f, INFINITY,       -INFINITY, NAN};
enum { EXTREMES = sizeof extremes / sizeof *extremes };

static void check_not_negative(lehr_loss loss, const lehr_energy_args *e, const float *z,
                               const float *y)
{
    const float got = lehr_loss_point(loss, lehr_loss_prepare(e), e->outputs, z, y, 1);
    cr_assert(!(got < 0), "loss %d of outputs %g, %g, %g and target %g: %g", loss, (double)z[0],
              (double)z[1], (double)z[2], (double)y[0], (double)got);
}

/* EXACT: every three of the extremes as outputs, each target. */
Test(loss, is_never_negative_at_extremes)
{
    static const float deltas[] = {0x1p-149f, 0.8f, 3e38f};
    for (int loss = 0; loss < LEHR_LOSS_COUNT; loss++)
        for (int i = 0; lehr_loss_is_positive(loss) && i < EXTREMES * EXTREMES * EXTREMES; i++) {
            const float z[3] = {extremes[i % EXTREMES], extremes[i / EXTREMES % EXTREMES],
                                extremes[i / EXTREMES / EXTREMES]};
            const bool binary = loss == LEHR_LOSS_BINARY_CROSS_ENTROPY;
            for (int K = 1; K <= (binary ? 1 : 3); K += 2) {
                const lehr_energy_args e = {.outputs = K, .noise = 1, .delta = deltas[i % 3]};
                const int labels = K > 1 ? K : 2;
                if (K == 1 && loss == LEHR_LOSS_CROSS_ENTROPY)
                    continue;
                for (int y = 0; y < labels; y++)
                    check_not_negative(loss, &e, z, (const float[]){(float)y, -1e3f, 2e38f});
            }
        }
}

/* EXACT: 1e5 drawn outputs of every magnitude. */
Test(loss, is_never_negative_anywhere)
{
    for (int loss = 0; loss < LEHR_LOSS_COUNT; loss++)
        for (lehr_u32 n = 0; lehr_loss_is_positive(loss) && n < 100000; n++) {
            float z[K_MAX], y[K_MAX];
            for (lehr_u32 k = 0; k < K_MAX; k++) {
                const double size = exp(200 * uniform(n, 3 * k) - 100);
                z[k] = (float)(uniform(n, 3 * k + 1) < 0.5 ? -size : size);
                y[k] = lehr_loss_has_classes(loss) ? (float)(n % 2) : (float)uniform(n, 3 * k + 2);
            }
            const bool one = n % 2 || loss == LEHR_LOSS_BINARY_CROSS_ENTROPY;
            const lehr_energy_args e = {.outputs = one && loss != LEHR_LOSS_CROSS_ENTROPY ? 1
                                                                                          : K_MAX,
                                        .noise = 1,
                                        .delta = 0.8f};
            check_not_negative(loss, &e, z, y);
        }
    cr_assert(!lehr_loss_is_positive(LEHR_LOSS_GAUSSIAN), "a density may be above 1");
}

/* EXACT: what the classes' losses end with. All floats of [1,4), then one in 997; all decays in steps of 997. */
Test(loss, logarithms_of_what_is_above_one_are_not_negative)
{
    for (lehr_u32 bits = 0x3f800000u; bits < 0x7f800000u; bits += bits < 0x40800000u ? 1 : 997)
        cr_assert_geq(lehr_log(lehr_float(bits)), 0.0f, "%a", (double)lehr_float(bits));
    for (lehr_u32 bits = 0; bits <= 0x3f800000u; bits += 997) {
        cr_assert_geq(lehr_softplus_end(-1e30f, lehr_float(bits)), 0.0f, "%a",
                      (double)lehr_float(bits));
        cr_assert_geq(lehr_softplus_end(1.5f, lehr_float(bits)), 1.5f);
    }
    cr_assert_eq(lehr_softplus_end(0, 0), 0.0f);
    cr_assert_eq(lehr_exp_decay(0.0f), 1.0f, "the sum of a softmax is at least 1");
}

/* ---- Activations ------------------------------------------------------------------------------- */

static double activation_reference(lehr_activation kind, double z)
{
    switch (kind) {
    case LEHR_ACTIVATION_TANH: return tanh(z);
    case LEHR_ACTIVATION_SIGMOID: return 1 / (1 + exp(-z));
    case LEHR_ACTIVATION_RELU: return fmax(z, 0);
    case LEHR_ACTIVATION_LEAKY_RELU: return z < 0 ? 0.01 * z : z;
    case LEHR_ACTIVATION_STEP: return z >= 0;
    case LEHR_ACTIVATION_SIGN: return z >= 0 ? 1 : -1;
    default: return z;
    }
}

/* ULP: what core/real.h promises for tanh and sigmoid, with room. */
Test(activation, equals_its_formula)
{
    for (int kind = 0; kind < LEHR_ACTIVATION_COUNT; kind++)
        for (lehr_u32 n = 0; n < POINTS; n++) {
            const float z = (float)(20 * uniform(n, 90) - 10);
            const float got = lehr_activate(kind, z);
            cr_assert_leq(check_ulp(got, activation_reference(kind, (double)z)), LEHR_ULP(8),
                          "kind %d of %g: %g", kind, (double)z, (double)got);
        }
}

Test(activation, passes_nan_and_takes_zero_and_infinity)
{
    for (int kind = 0; kind < LEHR_ACTIVATION_COUNT; kind++) {
        cr_assert(isnan(lehr_activate(kind, NAN)), "kind %d", kind);
        const float zeros[] = {0.0f, -0.0f};
        for (int i = 0; i < 2; i++)
            cr_assert_eq((double)lehr_activate(kind, zeros[i]), activation_reference(kind, 0),
                         "kind %d of 0", kind);
        cr_assert_eq((double)lehr_activate(kind, INFINITY), activation_reference(kind, INFINITY));
        cr_assert_eq((double)lehr_activate(kind, -INFINITY), activation_reference(kind, -INFINITY));
    }
}
