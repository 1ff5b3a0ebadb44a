/* score.cuh: what rows of weights are worth: E and U on the training part, loss and right answers on any.
 *
 * One block = one row of weights, which are read from device memory. Used at starts and observations, a few
 * times in a run.
 * Budget: 256 lanes and the activations in shared memory; no spills.                                */
#ifndef LEHR_CUDA_SCORE_CUH
#define LEHR_CUDA_SCORE_CUH

#include "cuda/energy.cuh"

template <int THREADS> __device__ __forceinline__ void lehr_score_row(const lehr_score_args *a)
{
    LEHR_DYNAMIC_SHARED(shared);
    float *lane = reinterpret_cast<float *>(shared);
    const lehr_weighing w = {a->energy,
                             &a->part,
                             &a->room,
                             lane,
                             lane + LEHR_LANES,
                             nullptr,
                             {0, nullptr, nullptr, nullptr}};
    const float *theta = a->theta + (lehr_i64)blockIdx.x * a->energy->parameters;
    lehr_cuda_score score = {0.0, 0.0, 0.0, 0.0};
    double target = 0.0;
    if (a->energy->target == LEHR_TARGET_NETWORK) {
        score.loss = lehr_loss_sum<THREADS>(&w, theta, a->quarter != 0).sum;
        target = lehr_reduce(a->energy, score.loss, lehr_subset_count(&a->part, a->quarter != 0));
        const lehr_point_element<THREADS, true> hits = lehr_points_of<THREADS, true>(
            a->energy, &a->part, &a->room, theta, w.act);
        score.hits = lehr_team_sum<THREADS>(a->part.points, lane, hits);
    }
    const lehr_sizes sizes = lehr_team_sizes<THREADS>(&w, theta);
    if (a->energy->target != LEHR_TARGET_NETWORK)
        target = lehr_team_target<THREADS>(&w, theta, sizes.squares);
    const lehr_energies e = lehr_energies_from(a->energy, target, sizes);
    score.energy = e.energy;
    score.prior = e.prior;
    if (threadIdx.x == 0)
        a->score[blockIdx.x] = score;
}

extern "C" __global__ void __launch_bounds__(32) lehr_score_32_kernel(lehr_score_args a)
{
    lehr_score_row<32>(&a);
}
extern "C" __global__ void __launch_bounds__(256, 2) lehr_score_256_kernel(lehr_score_args a)
{
    lehr_score_row<256>(&a);
}

#endif
