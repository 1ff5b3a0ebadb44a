/* real.h: the elementary functions of the engine, the same bits on every machine.
 *
 * Everything here is built from + - * /, an explicit fused multiply-add and the square root, all of
 * which IEEE 754 rounds in one way only; so gcc, clang, nvcc and NVRTC give the same bits as long as
 * contraction is off (-ffp-contract=off, -fmad=false) and subnormals are kept. The functions are
 * scalar and branch-free: a loop that calls one of them is vectorized by -O3 -fno-math-errno
 * -fno-trapping-math. Where the target has no fma instruction the compiler calls libm's fma:
 * right, but slow.
 *
 * Not here: the C library. Its functions differ between versions, and between hosts and devices.
 *
 * NaN passes through every function (its sign and payload are not part of the contract). Zeros,
 * infinities, subnormals and arguments outside the domain give what C's Annex F says, unless a
 * comment states a range. Each comment states the largest error that tests/core/test_real.c allows,
 * in units in the last place (ulp) of the result, against libm in twice the precision.
 *
 * Polynomials and rationals were fitted for this file by the Remez exchange in 60 digits, their
 * relative error weighted to the stated interval, then rounded to the type; tanh's were searched for
 * neighbors with a smaller error in ulp.                                                          */
#ifndef LEHR_CORE_REAL_H
#define LEHR_CORE_REAL_H

/* The dialect: C17, CUDA C++17 and NVRTC, which has neither <stdint.h> nor host functions. */
typedef int lehr_i32;
typedef unsigned int lehr_u32;
typedef long long lehr_i64;
typedef unsigned long long lehr_u64;

#if defined(__CUDACC_RTC__)
#define LEHR_FN __device__ static __forceinline__
#elif defined(__CUDACC__)
#define LEHR_FN __host__ __device__ static __forceinline__
#else
#define LEHR_FN static inline __attribute__((always_inline))
#endif

#if defined(__CUDA_ARCH__)
#define LEHR_FMAF(a, b, c)       __fmaf_rn(a, b, c)
#define LEHR_FMA(a, b, c)        __fma_rn(a, b, c)
#define LEHR_SQRTF(x)            __fsqrt_rn(x)
#define LEHR_COPY_BITS(to, from) ((to) = lehr_device_bits(from))
LEHR_FN lehr_u32 lehr_device_bits(float x)
{
    return __float_as_uint(x);
}
LEHR_FN float lehr_device_bits(lehr_u32 u)
{
    return __uint_as_float(u);
}
LEHR_FN lehr_u64 lehr_device_bits(double x)
{
    return (lehr_u64)__double_as_longlong(x);
}
LEHR_FN double lehr_device_bits(lehr_u64 u)
{
    return __longlong_as_double((lehr_i64)u);
}
#else
#define LEHR_FMAF(a, b, c)       __builtin_fmaf(a, b, c)
#define LEHR_FMA(a, b, c)        __builtin_fma(a, b, c)
#define LEHR_SQRTF(x)            __builtin_sqrtf(x)
#define LEHR_COPY_BITS(to, from) __builtin_memcpy(&(to), &(from), sizeof(to))
#endif

/* -- bits ----------------------------------------------------------------------------------------- */

LEHR_FN lehr_u32 lehr_bits(float x)
{
    lehr_u32 u;
    LEHR_COPY_BITS(u, x);
    return u;
}

LEHR_FN float lehr_float(lehr_u32 u)
{
    float x;
    LEHR_COPY_BITS(x, u);
    return x;
}

LEHR_FN lehr_u64 lehr_bits64(double x)
{
    lehr_u64 u;
    LEHR_COPY_BITS(u, x);
    return u;
}

LEHR_FN double lehr_double(lehr_u64 u)
{
    double x;
    LEHR_COPY_BITS(x, u);
    return x;
}

#define LEHR_INFINITY   (lehr_float(0x7f800000u))
#define LEHR_NAN        (lehr_float(0x7fc00000u))
#define LEHR_INFINITY64 (lehr_double(0x7ff0000000000000ull))
#define LEHR_NAN64      (lehr_double(0x7ff8000000000000ull))

/* -- exactly rounded ------------------------------------------------------------------------------ */

/* a*b + c, rounded once. */
LEHR_FN float lehr_fma(float a, float b, float c)
{
    return LEHR_FMAF(a, b, c);
}

LEHR_FN double lehr_fma64(double a, double b, double c)
{
    return LEHR_FMA(a, b, c);
}

LEHR_FN float lehr_sqrt(float x)
{
    return LEHR_SQRTF(x);
}

LEHR_FN float lehr_abs(float x)
{
    return lehr_float(lehr_bits(x) & 0x7fffffffu);
}

/* The smaller and the larger of two. When either is NaN, and when both are zeros, the result is b:
 * so a limit goes first and a value that may be NaN second. One instruction on x86, except that
 * gcc 12 makes two of it when one of them is a constant.                                         */
LEHR_FN float lehr_min(float a, float b)
{
    return a < b ? a : b;
}

LEHR_FN float lehr_max(float a, float b)
{
    return a > b ? a : b;
}

/* The smaller of two numbers that are not negative, in one integer instruction. When either is NaN
 * the result is either of them. A function of its own, for gcc 12: written where a limit is constant,
 * the comparison is threaded through all that follows and the loop loses two thirds of its speed. */
LEHR_FN lehr_i32 lehr_min_int(lehr_i32 a, lehr_i32 b)
{
    return a < b ? a : b;
}

LEHR_FN float lehr_min_positive(float a, float b)
{
    return lehr_float((lehr_u32)lehr_min_int((lehr_i32)lehr_bits(a), (lehr_i32)lehr_bits(b)));
}

/* -- exponentials ---------------------------------------------------------------------------------- */

/* 1.5 * 2^23: x + LEHR_ROUND rounds |x| < 2^22 to the nearest integer (ties to even) and leaves that
 * integer in the low bits of the sum. No float -> int cast, so NaN is harmless.                  */
#define LEHR_ROUND      12582912.0f
#define LEHR_ROUND_BITS 0x4b400000u
#define LEHR_LN2        0.693147182f      /* 0.03 ulp above ln 2 */
#define LEHR_LN2_LOW    (-1.90465421e-9f) /* ln 2 minus the above */

/* q of exp(r) = 1 + r + r^2 q, |r| <= ln(2)/2: relative error 1.4e-8 of exp(r)-1. */
LEHR_FN float lehr_exp_tail(float r)
{
    float q = 0.00138825248f;
    q = lehr_fma(q, r, 0.00836652715f);
    q = lehr_fma(q, r, 0.0416672000f);
    q = lehr_fma(q, r, 0.166665436f);
    return lehr_fma(q, r, 0.499999982f);
}

/* 2^k for -126 <= k <= 127, k as a 32-bit two's complement integer. */
LEHR_FN float lehr_power_of_2(lehr_u32 k)
{
    return lehr_float((k + 127u) << 23);
}

/* e^x for -104 <= x <= 89 only; NaN passes. ulp: 0.93. */
LEHR_FN float lehr_exp_inside(float x)
{
    const float shifted = lehr_fma(x, 1.44269504f, LEHR_ROUND);
    const float n = shifted - LEHR_ROUND;
    const lehr_u32 k = lehr_bits(shifted) - LEHR_ROUND_BITS;
    float r = lehr_fma(n, -LEHR_LN2, x);
    r = lehr_fma(n, -LEHR_LN2_LOW, r);
    const float e = lehr_fma(lehr_fma(lehr_exp_tail(r), r, 1.0f), r, 1.0f);
    /* 2^n in two factors: n reaches -150 and 128, and only the last product may round. */
    const lehr_u32 half = (lehr_u32)((lehr_i32)k >> 1);
    return e * lehr_power_of_2(half) * lehr_power_of_2(k - half);
}

/* x within low..high; NaN passes. Both tests look at x, not at each other's result: gcc vectorizes
 * that in four instructions, the nested form in eight.                                           */
LEHR_FN float lehr_clamp(float x, float low, float high)
{
    const float y = x < low ? low : x;
    return x > high ? high : y;
}

/* e^x. ulp: 0.93. Beyond the two limits it is 0 and infinity. */
LEHR_FN float lehr_exp(float x)
{
    return lehr_exp_inside(lehr_clamp(x, -104.0f, 89.0f));
}

/* e^x for x <= 0 only. ulp: 0.93. */
LEHR_FN float lehr_exp_decay(float x)
{
    return lehr_exp_inside(x < -104.0f ? -104.0f : x);
}

/* e^x - 1. ulp: 1.6. */
LEHR_FN float lehr_expm1(float x)
{
    const float y = lehr_clamp(x, -18.0f, 89.0f);
    const float shifted = lehr_fma(y, 1.44269504f, LEHR_ROUND);
    const float n = shifted - LEHR_ROUND;
    const lehr_u32 k = lehr_bits(shifted) - LEHR_ROUND_BITS;
    float r = lehr_fma(n, -LEHR_LN2, y);
    r = lehr_fma(n, -LEHR_LN2_LOW, r);
    const float e = lehr_fma(lehr_exp_tail(r), r * r, r);
    /* 2^n e + (2^n - 1), halved: 2^128 is no float. */
    const float half = lehr_power_of_2(k - 1u);
    const float sum = 2.0f * lehr_fma(half, e, half - 0.5f);
    return lehr_abs(x) < 2.98023224e-8f ? x : sum; /* 2^-25 */
}

/* -- logarithms ------------------------------------------------------------------------------------ */

/* ln(1+f) for -1/3 <= f <= 1/3: f + f^2 q(f), relative error 2.7e-8. */
LEHR_FN float lehr_log_near_1(float f)
{
    float q = 0.140263678f;
    q = lehr_fma(q, f, -0.153885963f);
    q = lehr_fma(q, f, 0.139958045f);
    q = lehr_fma(q, f, -0.164159512f);
    q = lehr_fma(q, f, 0.200111689f);
    q = lehr_fma(q, f, -0.250078194f);
    q = lehr_fma(q, f, 0.333331981f);
    q = lehr_fma(q, f, -0.499999361f);
    return lehr_fma(f * f, q, f);
}

/* The integer e for which x * 2^-e lies in [2/3, 4/3), from the bits of a positive normal x. */
LEHR_FN lehr_i32 lehr_exponent(lehr_u32 bits)
{
    return (lehr_i32)(bits - 0x3f2aaaabu) >> 23;
}

/* ln x for positive normal finite x only. ulp: 1.05. */
LEHR_FN float lehr_log_normal(float x)
{
    const lehr_u32 u = lehr_bits(x);
    const lehr_i32 e = lehr_exponent(u);
    const float m = lehr_float(u - ((lehr_u32)e << 23));
    return lehr_fma((float)e, LEHR_LN2, lehr_log_near_1(m - 1.0f));
}

/* What ln x is outside the positive finite numbers, where `inside` is not used. */
LEHR_FN float lehr_log_ends(float x, float inside)
{
    const float above = x < LEHR_INFINITY ? inside : x;
    const float below = x == 0.0f ? -LEHR_INFINITY : LEHR_NAN;
    return x > 0.0f ? above : below;
}

/* ln x. ulp: 1.05. */
LEHR_FN float lehr_log(float x)
{
    const int tiny = x < 1.17549435e-38f;
    const lehr_u32 u = lehr_bits(tiny ? x * 8388608.0f : x);
    const lehr_i32 e = lehr_exponent(u);
    const float m = lehr_float(u - ((lehr_u32)e << 23));
    const float power = tiny ? (float)e - 23.0f : (float)e;
    return lehr_log_ends(x, lehr_fma(power, LEHR_LN2, lehr_log_near_1(m - 1.0f)));
}

/* ln(1+y) for -1 < y < 2^24 only. ulp: 1.8.
 * With 2^e near 1+y, f = (1+y) 2^-e - 1 is formed from y itself: 1+y never has to be exact.     */
LEHR_FN float lehr_log1p_inside(float y)
{
    const lehr_i32 e = lehr_exponent(lehr_bits(1.0f + y));
    const float scale = lehr_float(0x3f800000u - ((lehr_u32)e << 23));
    const float f = lehr_fma(y, scale, scale - 1.0f);
    return lehr_fma((float)e, LEHR_LN2, lehr_log_near_1(f));
}

/* ln(1+x). ulp: 1.8. From 2^24 on it is ln x. */
LEHR_FN float lehr_log1p(float x)
{
    const float u = 1.0f + x;
    const lehr_i32 e = lehr_exponent(lehr_bits(u));
    const float scale = lehr_float(0x3f800000u - ((lehr_u32)e << 23));
    const float near = lehr_fma(x, scale, scale - 1.0f);
    const float far = lehr_float(lehr_bits(u) - ((lehr_u32)e << 23)) - 1.0f;
    const float f = x < 16777216.0f ? near : far;
    const float inside = lehr_fma((float)e, LEHR_LN2, lehr_log_near_1(f));
    const float y = lehr_log_ends(u, inside);
    return x == 0.0f ? x : y; /* keeps the sign of zero */
}

/* -- squashing functions --------------------------------------------------------------------------- */

/* tanh x = x P(x^2)/Q(x^2), relative error 9e-9 up to |x| = 8.2. ulp: 5.3.
 * Beyond, x^2 is held at its limit, so |x P| grows past Q, which is its own limit: the quotient is
 * then exactly 1, and never more. P(0) = Q(0) = 1 makes tanh x = x exact near 0. The NaN of x^2 is
 * lost in holding it, the NaN of x is not. Cost: 8 fma, 2 multiplications, 3 minima, 1 division.
 * Historical note: one degree less saves 8 % of the time and costs 3 ulp.
 * The quotient's two parts on their own, because a GPU's division branches: several tops and bottoms side
 * by side before the first division overlap, whole functions do not.                             */
LEHR_FN float lehr_tanh_top(float x, float *bottom)
{
    const float t = lehr_min_positive(x * x, 67.24f);
    float p = 1.49032502e-8f;
    p = lehr_fma(p, t, 2.16832796e-5f);
    p = lehr_fma(p, t, 0.00355953141f);
    p = lehr_fma(p, t, 0.134345412f);
    p = lehr_fma(p, t, 1.0f);
    float q = 8.39646532e-7f;
    q = lehr_fma(q, t, 3.39105492e-4f);
    q = lehr_fma(q, t, 0.0261191912f);
    q = lehr_fma(q, t, 0.467678666f);
    q = lehr_fma(q, t, 1.0f);
    *bottom = q;
    return lehr_max(-q, lehr_min(q, x * p));
}

LEHR_FN float lehr_tanh(float x)
{
    float bottom;
    const float top = lehr_tanh_top(x, &bottom);
    return top / bottom;
}

/* 1/(1 + e^-x). ulp: 2.5. */
LEHR_FN float lehr_sigmoid(float x)
{
    const float e = lehr_exp_decay(-lehr_abs(x)); /* not e^-x: that overflows for small results */
    return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* ln(1 + e^x) from e^-|x|. On its own because two loops, one for each half, overlap more points than one
 * loop with the whole chain.                                                                     */
LEHR_FN float lehr_softplus_end(float x, float decay)
{
    return lehr_max(0.0f, x) + lehr_log1p_inside(decay);
}

/* ln(1 + e^x). ulp: 2.25. */
LEHR_FN float lehr_softplus(float x)
{
    return lehr_softplus_end(x, lehr_exp_decay(-lehr_abs(x)));
}

/* -- circle ---------------------------------------------------------------------------------------- */

/* sin and cos of 2 pi u, for 0 <= u <= 1 (right for |u| < 2^20). ulp: 1.72 (8.5e-8 absolute).
 * u - n/4 is exact, so there is no error of range reduction and no slow path.                     */
LEHR_FN void lehr_sincos2pi(float u, float *s, float *c)
{
    const float shifted = lehr_fma(u, 4.0f, LEHR_ROUND);
    const float r = lehr_fma(shifted - LEHR_ROUND, -0.25f, u); /* |r| <= 1/8 */
    const lehr_u32 quarter = lehr_bits(shifted);
    const float t = r * r;
    float sine = -75.3935352f;
    sine = lehr_fma(sine, t, 81.5923530f);
    sine = lehr_fma(sine, t, -41.3416615f);
    sine = lehr_fma(sine, t, 6.28318529f) * r;
    float cosine = 59.2292259f;
    cosine = lehr_fma(cosine, t, -85.4432358f);
    cosine = lehr_fma(cosine, t, 64.9393218f);
    cosine = lehr_fma(cosine, t, -19.7392087f);
    cosine = lehr_fma(cosine, t, 1.0f);
    const lehr_u32 a = lehr_bits((quarter & 1u) != 0u ? cosine : sine);
    const lehr_u32 b = lehr_bits((quarter & 1u) != 0u ? sine : cosine);
    *s = lehr_float(a ^ ((quarter & 2u) << 30));
    *c = lehr_float(b ^ (((quarter + 1u) & 2u) << 30));
}

/* -- double ---------------------------------------------------------------------------------------- */

#define LEHR_ROUND64      6755399441055744.0 /* 1.5 * 2^52 */
#define LEHR_ROUND64_BITS 0x4338000000000000ull
#define LEHR_LN2_64       0.69314718055994529
#define LEHR_LN2_LOW64    2.3190468138462996e-17 /* ln 2 minus the above */

/* 2^k for -1022 <= k <= 1023, k as a 64-bit two's complement integer. */
LEHR_FN double lehr_power_of_2_64(lehr_u64 k)
{
    return lehr_double((k + 1023u) << 52);
}

/* e^x in double. ulp: 0.95. */
LEHR_FN double lehr_exp64(double x)
{
    x = x < -746.0 ? -746.0 : x;
    x = x > 710.0 ? 710.0 : x;
    const double shifted = lehr_fma64(x, 1.4426950408889634, LEHR_ROUND64);
    const double n = shifted - LEHR_ROUND64;
    const lehr_u64 k = lehr_bits64(shifted) - LEHR_ROUND64_BITS;
    double r = lehr_fma64(n, -LEHR_LN2_64, x);
    r = lehr_fma64(n, -LEHR_LN2_LOW64, r);
    double q = 2.5000055872988690e-8; /* exp(r) = 1 + r + r^2 q: relative error 3.7e-18 */
    q = lehr_fma64(q, r, 2.7630262727881908e-7);
    q = lehr_fma64(q, r, 2.7557586468645779e-6);
    q = lehr_fma64(q, r, 2.4801493061865251e-5);
    q = lehr_fma64(q, r, 1.9841269506387950e-4);
    q = lehr_fma64(q, r, 1.3888888943662374e-3);
    q = lehr_fma64(q, r, 8.3333333334945879e-3);
    q = lehr_fma64(q, r, 4.1666666666530051e-2);
    q = lehr_fma64(q, r, 0.16666666666666412);
    q = lehr_fma64(q, r, 0.50000000000000106);
    const double e = lehr_fma64(lehr_fma64(q, r, 1.0), r, 1.0);
    const lehr_u64 half = ((k + 2048u) >> 1) - 1024u; /* floor(k/2) without an arithmetic shift */
    return e * lehr_power_of_2_64(half) * lehr_power_of_2_64(k - half);
}

/* ln x in double. ulp: 0.9.
 * x = 2^n (1+f) with 1+f in [sqrt(1/2), sqrt(2)). With s = f/(2+f) and z = s^2,
 * ln(1+f) = 2 atanh(s) = 2s + s R(z), and 2s = f - (h - s h) where h = f^2/2: so f, which is exact,
 * enters last.                                                                                   */
LEHR_FN double lehr_log64(double x)
{
    const int tiny = x < 2.2250738585072014e-308;
    const lehr_u64 u = lehr_bits64(tiny ? x * 4503599627370496.0 : x);
    const lehr_u64 n = (u - 0x3fe6a09e667f3bcdull + (2048ull << 52)) >> 52; /* + 2048 */
    const double f = lehr_double(u - (n << 52) + (2048ull << 52)) - 1.0;
    const double whole = lehr_double(LEHR_ROUND64_BITS + n) - (LEHR_ROUND64 + 2048.0);
    const double power = tiny ? whole - 52.0 : whole;
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double h = 0.5 * f * f;
    double tail = 0.14795786556161145; /* R(z): relative error 1.3e-18 of ln(1+f) */
    tail = lehr_fma64(tail, z, 0.15314069388879287);
    tail = lehr_fma64(tail, z, 0.18183563487577751);
    tail = lehr_fma64(tail, z, 0.22222198591347081);
    tail = lehr_fma64(tail, z, 0.28571428742190415);
    tail = lehr_fma64(tail, z, 0.39999999999415657);
    tail = lehr_fma64(tail, z, 0.66666666666667343);
    const double rest = lehr_fma64(s, lehr_fma64(tail, z, h), power * LEHR_LN2_LOW64);
    const double inside = lehr_fma64(power, LEHR_LN2_64, f - (h - rest));
    const double above = x < LEHR_INFINITY64 ? inside : x;
    const double below = x == 0.0 ? -LEHR_INFINITY64 : LEHR_NAN64;
    return x > 0.0 ? above : below;
}

#endif
