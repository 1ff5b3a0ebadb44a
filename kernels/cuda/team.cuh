/* team.cuh: the threads that work on one row, and how they add.
 *
 * A team is a warp (several rows per block) or a whole block (one row). It follows core/sum.h: thread t owns
 * lanes t, t+THREADS, ... of the 256, so that a lane's chain is one thread's, and the joins of lanes
 * below THREADS apart are the only ones where threads meet.                                         */
#ifndef LEHR_CUDA_TEAM_CUH
#define LEHR_CUDA_TEAM_CUH

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

#endif
