/* team.cuh: the threads that work on one row, and how they add.
 *
 * A team is a warp (several rows per block) or a whole block (one row). It follows core/sum.h: thread t owns
 * lanes t, t+THREADS, ... of the 256, so that a lane's chain is one thread's, and the joins of lanes
 * below THREADS apart are the only ones where threads meet.                                         */
#ifndef LEHR_CUDA_TEAM_CUH
#define LEHR_CUDA_TEAM_CUH

#include "core/early.h"
#include "core/sum.h"
#include "cuda/launch.h"

#define LEHR_WARP      32
#define LEHR_ALL_LANES 0xffffffffu

template <int THREADS> struct lehr_team {
    /* The thread inside its team, and the team inside the block. */
    static __device__ __forceinline__ int rank()
    {
        return (int)threadIdx.x % THREADS;
    }
    static __device__ __forceinline__ int index()
    {
        return (int)threadIdx.x / THREADS;
    }
    /* What any thread of the team wrote before is seen by all after. */
    static __device__ __forceinline__ void sync()
    {
        if (THREADS == LEHR_WARP)
            __syncwarp();
        else
            __syncthreads();
    }
};

/* Join the lanes of a chunk, lane[256] of shared memory, each written by its owner; rank 0 gets the sum. */
template <int THREADS> __device__ __forceinline__ float lehr_team_join(float *lane)
{
    typedef lehr_team<THREADS> team;
    for (int width = LEHR_LANES / 2; width >= LEHR_WARP; width /= 2) {
        if (width < THREADS)
            team::sync(); /* lane l+width belongs to another thread */
        for (int l = team::rank(); l < width; l += THREADS)
            lane[l] += lane[l + width];
    }
    float sum = 0.0f;
    if (team::rank() < LEHR_WARP) {
        sum = lane[team::rank()];
        for (int width = LEHR_WARP / 2; width >= 1; width /= 2)
            sum += __shfl_down_sync(LEHR_ALL_LANES, sum, width);
    }
    return sum;
}

/* lehr_sum of element(n), n in [0,count), as core/sum.h defines it; rank 0 gets it. `element` is called by
 * any thread. lane: 256 floats of shared memory.                                                    */
template <int THREADS, class ELEMENT>
__device__ __forceinline__ double lehr_team_sum(lehr_i32 count, float *lane, const ELEMENT &element)
{
    typedef lehr_team<THREADS> team;
    double total = 0.0;
    for (lehr_i32 start = 0; start < count; start += LEHR_CHUNK) {
        const lehr_i32 end = start + LEHR_CHUNK < count ? start + LEHR_CHUNK : count;
        if (THREADS > LEHR_WARP)
            team::sync(); /* the lanes of the sum before are still being joined */
        for (int l = team::rank(); l < LEHR_LANES; l += THREADS) {
            float sum = 0.0f;
            for (lehr_i32 n = start + l; n < end; n += LEHR_LANES)
                sum += element(n);
            lane[l] = sum;
        }
        total += (double)lehr_team_join<THREADS>(lane);
    }
    return total;
}

/* ---- A sum of what is never negative, given up as soon as it can only end above a limit ---- */

/* What a team looks at on its way. limit and left are shared memory, written by rank 0. */
typedef struct lehr_watch {
    lehr_i32 every;      /* rounds between two looks, a power of 2; 0: nobody looks */
    const double *limit; /* of the whole sum */
    float *left;         /* of it for the chunk at hand */
    float *warp; /* [2][THREADS/32] sums of warps, for two looks in turn; not of a single warp */
} lehr_watch;

typedef struct lehr_watched {
    double sum; /* valid in rank 0 */
    bool lost;  /* the sum was given up; all threads know */
} lehr_watched;

/* Do the elements so far make too much? Those of a thread: `part`, for a warp, else its lanes, since registers are short.
 * turn: 0 and 1 alternate. Of a warp rank 0 alone compares and a vote tells the others; a block meets once, and its
 * threads all compare.                                                                              */
template <int THREADS>
__device__ __forceinline__ bool lehr_team_looks(const lehr_watch *w, const float *lane, float part,
                                                int turn)
{
    typedef lehr_team<THREADS> team;
    const int warps = THREADS / LEHR_WARP;
    for (int l = team::rank(); THREADS > LEHR_WARP && l < LEHR_LANES; l += THREADS)
        part += lane[l];
    for (int width = LEHR_WARP / 2; width >= 1; width /= 2)
        part += __shfl_down_sync(LEHR_ALL_LANES, part, width);
    if (THREADS == LEHR_WARP)
        return __any_sync(LEHR_ALL_LANES, team::rank() == 0 && lehr_part_exceeds(part, *w->left));
    float *warp = w->warp + turn * warps; /* the sums before may still be read */
    if (team::rank() % LEHR_WARP == 0)
        warp[team::rank() / LEHR_WARP] = part;
    team::sync(); /* the sums of warps, and what is left */
    float some = 0.0f;
    for (int i = 0; i < warps; i++)
        some += warp[i];
    return lehr_part_exceeds(some, *w->left);
}

/* Before the first round of a chunk; sum: of the chunks before, valid in rank 0. */
template <int THREADS>
__device__ __forceinline__ void lehr_team_begin_chunk(const lehr_watch *watch, float *lane,
                                                      double sum)
{
    typedef lehr_team<THREADS> team;
    if (THREADS > LEHR_WARP)
        team::sync(); /* the lanes of the sum before are still being joined */
    if (team::rank() == 0 && watch->every > 0)
        *watch->left = (float)(*watch->limit - sum);
    for (int l = team::rank(); l < LEHR_LANES; l += THREADS)
        lane[l] = 0.0f;
}

/* lehr_sum as above, in rounds of one element a thread; a thread has the lanes that it has above. What lives through an
 * element is as little as can be: registers are what the networks in there run out of.              */
template <int THREADS, class ELEMENT>
__device__ __forceinline__ lehr_watched lehr_team_watched_sum(lehr_i32 count, float *lane,
                                                              const ELEMENT &element,
                                                              const lehr_watch *watch)
{
    typedef lehr_team<THREADS> team;
    lehr_watched out = {0.0, false};
    float part = 0.0f; /* of the chunk, what this thread of a warp has seen */
#pragma unroll 1
    for (lehr_i32 first = 0; first < count; first += THREADS) {
        const lehr_i32 n = first + team::rank(), next = first + THREADS;
        LEHR_COUNT_ROUND(team::rank() == 0);
        if ((first & (LEHR_CHUNK - 1)) == 0) {
            lehr_team_begin_chunk<THREADS>(watch, lane, out.sum);
            part = 0.0f;
        }
        if (n < count) {
            const float x = element(n);
            lane[n & (LEHR_LANES - 1)] += x;
            part += THREADS == LEHR_WARP ? x : 0.0f;
        }
        const lehr_i32 every = watch->every, rounds = next / THREADS;
        if (every > 0 && (rounds & (every - 1)) == 0 && next < count &&
            lehr_team_looks<THREADS>(watch, lane, part, (rounds & every) != 0)) {
            out.lost = true;
            break;
        }
        if ((next & (LEHR_CHUNK - 1)) == 0 || next >= count)
            out.sum += (double)lehr_team_join<THREADS>(lane);
    }
    return out;
}

#endif
