/* rng.h: randomness as an address, not a state.
 *
 * A random word is a pure function of (key, draw, scan, row, domain): Philox4x32-10 (Salmon et al.
 * 2011, doi:10.1145/2063384.2063405) applied to a counter that holds the address. Nothing is
 * stored, nothing needs an order, and any part of a run can be recomputed anywhere.
 *
 *     counter word 0   draw    which block of four words
 *     counter word 1   scan    its low 32 bits
 *     counter word 2   row     index inside its own run
 *     counter word 3   domain  8 bits | 24 high bits of scan << 8
 *     key              the run's 64-bit seed, low word first
 *
 * Words equal Random123's philox4x32 and cuRAND's curand_Philox4x32_10, which are the tests' oracles.
 * The variates below cost no loop and no rejection, so every address always yields its value.       */
#ifndef LEHR_CORE_RNG_H
#define LEHR_CORE_RNG_H

#include "core/real.h"
#include "lehr/kinds.h"

#if defined(__NVCC__) && !defined(__CUDACC_RTC__)
#include <curand_philox4x32_x.h>
#endif

/* What a draw is for. Domains never share an address. */
#define LEHR_DOMAINS(X)                                                                            \
    X(INIT)      /* first parameters of a row */                                                   \
    X(MOVE)      /* which move, which part of the network */                                       \
    X(PROPOSAL)  /* noise of a proposal */                                                         \
    X(PROPOSAL2) /* second uniform of noise that needs two */                                      \
    X(ACCEPT)    /* Metropolis decisions */                                                        \
    X(EXCHANGE)  /* swap decisions, addressed by (copy, lower rung) */                             \
    X(RESAMPLE)  /* population annealing */                                                        \
    X(SPLIT)     /* training and test sets */                                                      \
    X(GENERATOR) /* synthetic data */                                                              \
    X(LAW)       /* exact starts and reference draws of the tests */                               \
    X(BATCH)     /* points of a mini-batch */                                                      \
    X(BOOTSTRAP) /* resamples of results, for intervals */                                         \
    X(SWEEP)     /* hyper-parameters of a random trial, addressed by (sample, hash of the key) */

/* clang-format off */
typedef enum lehr_domain {
#define X(s) LEHR_DOMAIN_##s,
    LEHR_DOMAINS(X)
#undef X
    LEHR_DOMAIN_COUNT
} lehr_domain;
/* clang-format on */

typedef struct lehr_words {
    lehr_u32 w[4];
} lehr_words;

/* -- Philox ---------------------------------------------------------------------------------------- */

/* The high word of a*b. Spelled so that gcc and clang find the vector form. */
LEHR_FN lehr_u32 lehr_mul_high(lehr_u32 a, lehr_u32 b)
{
    return (lehr_u32)(((lehr_u64)a * b) >> 32);
}

LEHR_FN lehr_words lehr_philox_round(lehr_words c, lehr_u32 k0, lehr_u32 k1)
{
    const lehr_u32 high0 = lehr_mul_high(0xd2511f53u, c.w[0]);
    const lehr_u32 high1 = lehr_mul_high(0xcd9e8d57u, c.w[2]);
    const lehr_words next = {
        {high1 ^ c.w[1] ^ k0, 0xcd9e8d57u * c.w[2], high0 ^ c.w[3] ^ k1, 0xd2511f53u * c.w[0]}};
    return next;
}

/* Round i of the cipher: the key moves by the golden ratio and by sqrt(3)-1, in units of 2^-32. */
LEHR_FN lehr_words lehr_philox_step(lehr_words c, lehr_u32 k0, lehr_u32 k1, lehr_u32 i)
{
    return lehr_philox_round(c, k0 + i * 0x9e3779b9u, k1 + i * 0xbb67ae85u);
}

/* Philox4x32-10 of counter (c0, c1, c2, c3) under key (k0, k1). Device code of nvcc takes cuRAND's
 * own rounds; all else takes those above, written out: a loop over rounds inside would keep gcc from
 * vectorizing the loop over blocks outside.                                                      */
#if defined(__NVCC__) && !defined(__CUDACC_RTC__) && defined(__CUDA_ARCH__)
LEHR_FN lehr_words lehr_philox(lehr_u32 c0, lehr_u32 c1, lehr_u32 c2, lehr_u32 c3, lehr_u32 k0,
                               lehr_u32 k1)
{
    const uint4 c = curand_Philox4x32_10(make_uint4(c0, c1, c2, c3), make_uint2(k0, k1));
    const lehr_words words = {{c.x, c.y, c.z, c.w}};
    return words;
}
#else
LEHR_FN lehr_words lehr_philox(lehr_u32 c0, lehr_u32 c1, lehr_u32 c2, lehr_u32 c3, lehr_u32 k0,
                               lehr_u32 k1)
{
    lehr_words c = {{c0, c1, c2, c3}};
    c = lehr_philox_step(c, k0, k1, 0);
    c = lehr_philox_step(c, k0, k1, 1);
    c = lehr_philox_step(c, k0, k1, 2);
    c = lehr_philox_step(c, k0, k1, 3);
    c = lehr_philox_step(c, k0, k1, 4);
    c = lehr_philox_step(c, k0, k1, 5);
    c = lehr_philox_step(c, k0, k1, 6);
    c = lehr_philox_step(c, k0, k1, 7);
    c = lehr_philox_step(c, k0, k1, 8);
    return lehr_philox_step(c, k0, k1, 9);
}
#endif

/* The counter of an address; scan < 2^56, domain < 256. No two addresses share one. */
LEHR_FN lehr_words lehr_address(lehr_u32 draw, lehr_u64 scan, lehr_u32 row, lehr_u32 domain)
{
    const lehr_u32 high = (lehr_u32)(scan >> 32) << 8;
    const lehr_words counter = {{draw, (lehr_u32)scan, row, domain | high}};
    return counter;
}

/* The four words at an address. */
LEHR_FN lehr_words lehr_draw(lehr_u64 key, lehr_u32 draw, lehr_u64 scan, lehr_u32 row,
                             lehr_u32 domain)
{
    const lehr_words c = lehr_address(draw, scan, row, domain);
    return lehr_philox(c.w[0], c.w[1], c.w[2], c.w[3], (lehr_u32)key, (lehr_u32)(key >> 32));
}

/* -- one word, one number -------------------------------------------------------------------------- */

/* Uniform, strictly inside (0,1): (k + 1/2) 2^-23 with k the high 23 bits. 1 + k 2^-23 is made of
 * bits and the subtraction is exact; with 24 bits the largest would round to 1.                  */
LEHR_FN float lehr_uniform(lehr_u32 word)
{
    return lehr_float(0x3f800000u | (word >> 9)) - 0.999999940395355225f; /* 1 - 2^-24 */
}

/* An index in [0, n); n >= 1. Its probabilities differ from 1/n by at most 2^-32
 * (Lemire 2019, doi:10.1145/3230636, without the rejection).                                     */
LEHR_FN lehr_u32 lehr_index(lehr_u32 word, lehr_u32 n)
{
    return lehr_mul_high(word, n);
}

/* Uniform on (-sqrt 3, sqrt 3): mean 0, variance 1. */
LEHR_FN float lehr_uniform_pm(lehr_u32 word)
{
    return (lehr_uniform(word) - 0.5f) * 3.46410162f; /* sqrt 12 */
}

/* Laplace of variance 1 (scale 1/sqrt 2): an exponential and a sign bit. |z| < 11.77. */
LEHR_FN float lehr_laplace(lehr_u32 word)
{
    const float size = lehr_log_normal(lehr_uniform(word << 1)) * -0.707106781f;
    return lehr_float(lehr_bits(size) | (word & 0x80000000u));
}

/* Cauchy of scale 1: -cot(pi u) by inversion. sin(pi u) > 0 for every u drawn, so |z| < 5.4e6. */
LEHR_FN float lehr_cauchy(lehr_u32 word)
{
    float s, c;
    lehr_sincos2pi(0.5f * lehr_uniform(word), &s, &c);
    return -c / s;
}

/* -- two words ------------------------------------------------------------------------------------- */

/* Two independent standard normals (Box and Muller 1958, doi:10.1214/aoms/1177706645).
 * The least uniform is 2^-24: |z| <= sqrt(48 ln 2) = 5.77; beyond lie 8e-9 of a normal.          */
LEHR_FN void lehr_normal2(lehr_u32 a, lehr_u32 b, float *z0, float *z1)
{
    float s, c;
    lehr_sincos2pi(lehr_uniform(b), &s, &c);
    const float radius = lehr_sqrt(-2.0f * lehr_log_normal(lehr_uniform(a)));
    *z0 = radius * c;
    *z1 = radius * s;
}

/* Student's t with nu degrees of freedom, scale 1 (Bailey 1994, doi:10.2307/2153537): the polar form
 * sqrt(nu (u^(-2/nu) - 1)) cos(2 pi v). Finite for nu >= 0.4.                                    */
LEHR_FN float lehr_student_t(lehr_u32 a, lehr_u32 b, float nu)
{
    float s, c;
    lehr_sincos2pi(lehr_uniform(b), &s, &c);
    const float power = lehr_expm1(-2.0f / nu * lehr_log_normal(lehr_uniform(a)));
    return lehr_sqrt(nu * power) * c;
}

/* -- noise of a proposal ---------------------------------------------------------------------------- */

/* Number i of a row's noise is word lehr_noise_word(i) of block lehr_noise_block(i): 32 consecutive
 * numbers are the same word of 32 consecutive blocks, so that SIMD lanes and warps, one block each,
 * write contiguous memory.                                                                       */
LEHR_FN lehr_u32 lehr_noise_block(lehr_u32 i)
{
    return 32u * (i / 128u) + i % 32u;
}

LEHR_FN lehr_u32 lehr_noise_word(lehr_u32 i)
{
    return i % 128u / 32u;
}

/* Turn the words of a block, and for Student-t those of a second one, into four variates of scale 1:
 * variance 1 where there is one (not Cauchy; not Student-t, whose variance is nu/(nu-2)).
 * kind: LEHR_NOISE_*; nu: degrees of freedom, read by Student-t alone.                           */
LEHR_FN void lehr_noise_shape(int kind, float nu, lehr_words a, lehr_words b, float z[4])
{
    switch (kind) {
    case LEHR_NOISE_LAPLACE:
        z[0] = lehr_laplace(a.w[0]);
        z[1] = lehr_laplace(a.w[1]);
        z[2] = lehr_laplace(a.w[2]);
        z[3] = lehr_laplace(a.w[3]);
        break;
    case LEHR_NOISE_CAUCHY:
        z[0] = lehr_cauchy(a.w[0]);
        z[1] = lehr_cauchy(a.w[1]);
        z[2] = lehr_cauchy(a.w[2]);
        z[3] = lehr_cauchy(a.w[3]);
        break;
    case LEHR_NOISE_STUDENT_T:
        z[0] = lehr_student_t(a.w[0], b.w[0], nu);
        z[1] = lehr_student_t(a.w[1], b.w[1], nu);
        z[2] = lehr_student_t(a.w[2], b.w[2], nu);
        z[3] = lehr_student_t(a.w[3], b.w[3], nu);
        break;
    case LEHR_NOISE_UNIFORM:
        z[0] = lehr_uniform_pm(a.w[0]);
        z[1] = lehr_uniform_pm(a.w[1]);
        z[2] = lehr_uniform_pm(a.w[2]);
        z[3] = lehr_uniform_pm(a.w[3]);
        break;
    default: /* LEHR_NOISE_GAUSSIAN */
        lehr_normal2(a.w[0], a.w[1], &z[0], &z[1]);
        lehr_normal2(a.w[2], a.w[3], &z[2], &z[3]);
        break;
    }
}

/* The address of one row's draws in one scan. */
typedef struct lehr_stream {
    lehr_u64 key, scan;
    lehr_u32 row; /* inside its run */
} lehr_stream;

/* The four variates of a block of a stream: z[4]. In a loop over blocks, with the kind fixed outside, this
 * vectorizes.                                                                                       */
LEHR_FN void lehr_noise4(int kind, float nu, lehr_stream s, lehr_u32 block, float z[4])
{
    const lehr_words a = lehr_draw(s.key, block, s.scan, s.row, LEHR_DOMAIN_PROPOSAL);
    lehr_words b = a;
    if (kind == LEHR_NOISE_STUDENT_T)
        b = lehr_draw(s.key, block, s.scan, s.row, LEHR_DOMAIN_PROPOSAL2);
    lehr_noise_shape(kind, nu, a, b, z);
}

#endif
