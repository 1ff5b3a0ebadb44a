/* lanes_noise.c: proposals. */
#include "cpu/lanes_isa.h"

enum { GROUP = 128, BLOCKS = 32 }; /* parameters of 32 random blocks, four words each */

/* Random words of the 32 blocks of one group, [4,32]. */
typedef struct word_group {
    _Alignas(64) lehr_u32 w[4][BLOCKS];
} word_group;

#if defined(__AVX2__)

#include <immintrin.h>

/* The rounds of core/rng.h on four blocks at a time, in the low halves of 64-bit lanes: what stands in the
 * high halves is ignored. gcc 12 makes permutations of the scalar loop and takes 2.4 times as long; that
 * loop is the test's reference.                                                                     */
typedef struct four_blocks {
    __m256i c[4];
} four_blocks;

static inline four_blocks philox_round(four_blocks s, __m256i k0, __m256i k1)
{
    const __m256i p0 = _mm256_mul_epu32(s.c[0], _mm256_set1_epi64x(0xd2511f53));
    const __m256i p1 = _mm256_mul_epu32(s.c[2], _mm256_set1_epi64x(0xcd9e8d57));
    const __m256i h0 = _mm256_srli_epi64(p0, 32), h1 = _mm256_srli_epi64(p1, 32);
    return (four_blocks){{_mm256_xor_si256(_mm256_xor_si256(h1, s.c[1]), k0), p1,
                          _mm256_xor_si256(_mm256_xor_si256(h0, s.c[3]), k1), p0}};
}

/* The low halves of two sets, whose blocks are 0 1 4 5 and 2 3 6 7, side by side. */
static inline void store_low(lehr_u32 *out, __m256i a, __m256i b)
{
    const __m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
    _mm256_store_ps((float *)out, both);
}

static void draw_group(lehr_stream a, lehr_u32 domain, lehr_u32 group, word_group *out)
{
    const lehr_words first = lehr_address(BLOCKS * group, a.scan, a.row, domain);
    const __m256i even = _mm256_setr_epi64x(0, 1, 4, 5), odd = _mm256_setr_epi64x(2, 3, 6, 7);
    const __m256i scan = _mm256_set1_epi64x(first.w[1]), row = _mm256_set1_epi64x(first.w[2]);
    const __m256i rest = _mm256_set1_epi64x(first.w[3]);
    for (lehr_u32 block = 0; block < BLOCKS; block += 16) {
        four_blocks x[2], y[2]; /* a chain of rounds waits for itself: four side by side */
#pragma GCC unroll 2
        for (int s = 0; s < 2; s++) {
            const __m256i draw = _mm256_set1_epi64x((long long)first.w[0] + block + 8 * s);
            x[s] = (four_blocks){{_mm256_add_epi64(draw, even), scan, row, rest}};
            y[s] = (four_blocks){{_mm256_add_epi64(draw, odd), scan, row, rest}};
        }
#pragma GCC unroll 10
        for (lehr_u32 i = 0; i < 10; i++) {
            const __m256i k0 = _mm256_set1_epi64x((lehr_u32)a.key + i * 0x9e3779b9u);
            const __m256i k1 = _mm256_set1_epi64x((lehr_u32)(a.key >> 32) + i * 0xbb67ae85u);
#pragma GCC unroll 2
            for (int s = 0; s < 2; s++) {
                x[s] = philox_round(x[s], k0, k1);
                y[s] = philox_round(y[s], k0, k1);
            }
        }
#pragma GCC unroll 8
        for (lehr_u32 s = 0; s < 8; s++)
            store_low(&out->w[s % 4][block + s / 4 * 8], x[s / 4].c[s % 4], y[s / 4].c[s % 4]);
    }
}

#else

static void draw_group(lehr_stream a, lehr_u32 domain, lehr_u32 group, word_group *out)
{
    for (lehr_u32 block = 0; block < BLOCKS; block++) {
        const lehr_words four = lehr_draw(a.key, BLOCKS * group + block, a.scan, a.row, domain);
        for (int w = 0; w < 4; w++)
            out->w[w][block] = four.w[w];
    }
}

#endif

/* Noise from the words of a group; the kind is a constant in each caller. */
static inline __attribute__((always_inline)) void shape(int kind, float nu, const word_group *a,
                                                        const word_group *b, float *z)
{
    for (int block = 0; block < BLOCKS; block++) {
        const lehr_words first = {{a->w[0][block], a->w[1][block], a->w[2][block], a->w[3][block]}};
        const lehr_words second = {
            {b->w[0][block], b->w[1][block], b->w[2][block], b->w[3][block]}};
        float four[4];
        lehr_noise_shape(kind, nu, first, second, four);
        z[block] = four[0];
        z[BLOCKS + block] = four[1];
        z[2 * BLOCKS + block] = four[2];
        z[3 * BLOCKS + block] = four[3];
    }
}

/* Noise z[128] of places 128 group to 128 group + 127. */
static void fill(const lehr_proposal *p, lehr_stream a, lehr_u32 group, float *z)
{
    word_group first, second;
    draw_group(a, LEHR_DOMAIN_PROPOSAL, group, &first);
    switch (p->kind) {
    case LEHR_MOVE_LAPLACE: shape(LEHR_NOISE_LAPLACE, 0.0f, &first, &first, z); break;
    case LEHR_MOVE_CAUCHY: shape(LEHR_NOISE_CAUCHY, 0.0f, &first, &first, z); break;
    case LEHR_MOVE_STUDENT_T:
        draw_group(a, LEHR_DOMAIN_PROPOSAL2, group, &second);
        shape(LEHR_NOISE_STUDENT_T, p->nu, &first, &second, z);
        break;
    case LEHR_MOVE_UNIFORM: shape(LEHR_NOISE_UNIFORM, 0.0f, &first, &first, z); break;
    default: shape(LEHR_NOISE_GAUSSIAN, 0.0f, &first, &first, z); break;
    }
}

/* Places [from,to) are one span's from its i-th parameter on; z[to-from]. */
static void perturb_span(const lehr_draft *d, lehr_span span, lehr_i32 i, const float *z,
                         lehr_i32 count)
{
    const float *theta = d->theta + span.first + i * span.stride;
    float *proposed = d->proposed + span.first + i * span.stride;
    const float sigma = d->sigma;
    if (span.stride == 1) {
        for (lehr_i32 n = 0; n < count; n++)
            proposed[n] = lehr_perturb(theta[n], sigma, z[n]);
        return;
    }
    for (lehr_i32 n = 0; n < count; n++)
        proposed[n * span.stride] = lehr_perturb(theta[n * span.stride], sigma, z[n]);
}

/* The part of a span, whose first parameter has place `start`, that falls into a group. */
static void perturb_part(const lehr_draft *d, lehr_span span, lehr_i32 start, lehr_i32 group,
                         const float *z)
{
    const lehr_i32 first = group * GROUP;
    lehr_i32 from = start > d->from ? start : d->from, to = start + span.count;
    from = first > from ? first : from;
    to = d->to < to ? d->to : to;
    to = first + GROUP < to ? first + GROUP : to;
    if (from < to)
        perturb_span(d, span, from - start, z + (from - first), to - from);
}

static void perturb(const lehr_draft *d)
{
    const lehr_proposal *p = d->proposal;
    _Alignas(64) float z[GROUP];
    for (lehr_i32 group = d->from / GROUP; group * GROUP < d->to; group++) {
        fill(p, d->address, (lehr_u32)group, z);
        perturb_part(d, p->a, 0, group, z);
        perturb_part(d, p->b, p->a.count, group, z);
        perturb_part(d, p->c, p->a.count + p->b.count, group, z);
    }
}

static double pick(lehr_draft *d)
{
    const lehr_proposal *p = d->proposal;
    double log_hastings = 0.0;
    for (lehr_i32 j = 0; j < p->picks; j++) {
        const lehr_words words = lehr_pick_words(d->address, j);
        const lehr_i32 i = lehr_pick_index(p, words);
        d->picked[j] = i;
        d->proposed[i] = lehr_pick_value(p, d->weights, d->proposed[i], d->sigma, words,
                                         &log_hastings);
    }
    return log_hastings;
}

double LEHR_ISA_FN(propose)(lehr_draft *draft)
{
    if (draft->proposal->picks > 0)
        return pick(draft);
    perturb(draft);
    return 0.0;
}
