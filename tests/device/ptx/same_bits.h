/* same_bits.h: functions of core/ at every kind of argument, for the proof that nvcc's PTX and C give the same bits.
 * The same table is evaluated by a kernel (same_bits.cu) and by C (same_bits.c).                           */
#ifndef LEHR_DEVICE_PTX_SAME_BITS_H
#define LEHR_DEVICE_PTX_SAME_BITS_H

#include "core/real.h"
#include "core/rng.h"
#include "core/temper.h"

/* x: any float at all; y: a float in [-30, 30]; w: random words. */
#define SAME_BITS(X)                                                                               \
    X(exp, lehr_exp(x))                                                                            \
    X(exp_inside, lehr_exp(y))                                                                     \
    X(expm1, lehr_expm1(y))                                                                        \
    X(log, lehr_log(x))                                                                            \
    X(log1p, lehr_log1p(y))                                                                        \
    X(tanh, lehr_tanh(x))                                                                          \
    X(tanh_inside, lehr_tanh(y))                                                                   \
    X(sigmoid, lehr_sigmoid(y))                                                                    \
    X(softplus, lehr_softplus(y))                                                                  \
    X(quotient, x / y)                                                                             \
    X(root, lehr_sqrt(x))                                                                          \
    X(contracted, x *y + y)                                                                        \
    X(fused, lehr_fma(x, y, y))                                                                    \
    X(exp64, lehr_exp64((double)y * 20))                                                           \
    X(log64, lehr_log64((double)lehr_abs(x)))                                                      \
    X(quotient64, (double)x / (double)y)                                                           \
    X(integer, (double)(lehr_i32)y + (double)w.w[2])                                               \
    X(uniform, lehr_uniform(w.w[2]))                                                               \
    X(laplace, lehr_laplace(w.w[2]))                                                               \
    X(cauchy, lehr_cauchy(w.w[3]))                                                                 \
    X(student, lehr_student_t(w.w[2], w.w[3], 4.0f))                                               \
    X(ln_uniform, lehr_ln_uniform(w.w[2], w.w[3]))

enum {
#define X(name, expression) SAME_BITS_##name,
    SAME_BITS(X)
#undef X
        SAME_BITS_COUNT
};

/* The bits of function `which` at argument number i; one pattern for all NaN. */
LEHR_FN lehr_u64 same_bits_of(int which, lehr_u32 i)
{
    const lehr_words w = lehr_philox(i, 0, 0, 0, 1, 2);
    const float x = lehr_float(w.w[0]), y = ((float)(w.w[1] >> 8) - 8388608.0f) * (30.0f / 8388608);
    double value = 0;
    switch (which) {
#define X(name, expression)                                                                        \
    case SAME_BITS_##name: value = (double)(expression); break;
        SAME_BITS(X)
#undef X
    }
    return value != value ? ~(lehr_u64)0 : lehr_bits64(value);
}

/* The kernel's argument. */
typedef struct same_bits_args {
    lehr_u64 *bits; /* [SAME_BITS_COUNT, count] */
    lehr_u32 count;
    lehr_i32 which;
} same_bits_args;

#endif
