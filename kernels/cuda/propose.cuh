/* propose.cuh: proposed weights of one row.
 *
 * Parameter i belongs to the thread that makes its noise (core/rng.h): blocks of four words are dealt to the
 * threads in turn, and every loop over parameters here deals them the same way. So a thread reads and
 * writes its own parameters only, contiguous over a warp, and needs no barrier for that.            */
#ifndef LEHR_CUDA_PROPOSE_CUH
#define LEHR_CUDA_PROPOSE_CUH

#include "core/proposal.h"
#include "cuda/launch.h"

/* Where a row's proposal is made, by thread `rank` of `threads`. */
typedef struct lehr_drafting {
    const float *theta; /* [P] */
    float *proposed;    /* [P] */
    lehr_i32 parameters, weights;
    lehr_i32 rank, threads;
} lehr_drafting;

/* Parameter of word w of block b. */
__device__ __forceinline__ lehr_i32 lehr_noise_parameter(lehr_i32 block, int word)
{
    return block / 32 * 128 + word * 32 + block % 32;
}

/* Copy the thread's own parameters. */
__device__ __forceinline__ void lehr_copy_own(const lehr_drafting *d, const float *from, float *to)
{
    for (lehr_i32 block = d->rank; lehr_noise_parameter(block, 0) < d->parameters;
         block += d->threads)
#pragma unroll
        for (int word = 0; word < 4; word++) {
            const lehr_i32 i = lehr_noise_parameter(block, word);
            if (i < d->parameters)
                to[i] = from[i];
        }
}

/* The kind of noise behind a kind of move. */
__device__ __forceinline__ int lehr_noise_of(lehr_i32 move)
{
    switch (move) {
    case LEHR_MOVE_LAPLACE: return LEHR_NOISE_LAPLACE;
    case LEHR_MOVE_CAUCHY: return LEHR_NOISE_CAUCHY;
    case LEHR_MOVE_STUDENT_T: return LEHR_NOISE_STUDENT_T;
    case LEHR_MOVE_UNIFORM: return LEHR_NOISE_UNIFORM;
    default: return LEHR_NOISE_GAUSSIAN;
    }
}

/* Does a proposal write every parameter? Then the noise of a parameter is that of its place. */
__device__ __forceinline__ bool lehr_is_whole(const lehr_drafting *d, const lehr_proposal *p)
{
    return p->picks == 0 && p->count == d->parameters;
}

/* Noise on all of the thread's own parameters. */
__device__ __forceinline__ void lehr_perturb_own(const lehr_drafting *d, const lehr_proposal *p,
                                                 lehr_stream stream, float sigma)
{
    const int kind = lehr_noise_of(p->kind);
    for (lehr_i32 block = d->rank; lehr_noise_parameter(block, 0) < d->parameters;
         block += d->threads) {
        float z[4];
        lehr_noise4(kind, p->nu, stream, (lehr_u32)block, z);
#pragma unroll
        for (int word = 0; word < 4; word++) {
            const lehr_i32 i = lehr_noise_parameter(block, word);
            if (i < d->parameters)
                d->proposed[i] = lehr_perturb(d->theta[i], sigma, z[word]);
        }
    }
}

/* Noise on the parameters that a dense proposal touches, on a copy that is complete; places are dealt to
 * threads as parameters are elsewhere. */
__device__ __forceinline__ void lehr_perturb_places(const lehr_drafting *d, const lehr_proposal *p,
                                                    lehr_stream stream, float sigma)
{
    const int kind = lehr_noise_of(p->kind);
    for (lehr_i32 block = d->rank; lehr_noise_parameter(block, 0) < p->count; block += d->threads) {
        float z[4];
        lehr_noise4(kind, p->nu, stream, (lehr_u32)block, z);
#pragma unroll
        for (int word = 0; word < 4; word++) {
            const lehr_i32 place = lehr_noise_parameter(block, word);
            if (place < p->count) {
                const lehr_i32 i = lehr_parameter_at(p, place);
                d->proposed[i] = lehr_perturb(d->theta[i], sigma, z[word]);
            }
        }
    }
}

/* Picks, one after the other, on a copy that is complete; returns the log of the Hastings ratio. */
__device__ __forceinline__ double lehr_pick_all(const lehr_drafting *d, const lehr_proposal *p,
                                                lehr_stream stream, float sigma)
{
    double log_hastings = 0.0;
    for (lehr_i32 j = 0; j < p->picks; j++) {
        const lehr_words words = lehr_pick_words(stream, j);
        float *one = &d->proposed[lehr_pick_index(p, words)];
        *one = lehr_pick_value(p, d->weights, *one, sigma, words, &log_hastings);
    }
    return log_hastings;
}

#endif
