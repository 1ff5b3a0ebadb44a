/* energy.cuh: E and U of one set of weights, by one team. */
#ifndef LEHR_CUDA_ENERGY_CUH
#define LEHR_CUDA_ENERGY_CUH

#include "core/target.h"
#include "core/walk.h"
#include "cuda/kept.cuh"
#include "cuda/rooms.h"
#if defined(LEHR_FIXED_LAYERS)
#include "cuda/fixed.cuh"
#endif

/* What an energy is made from. */
typedef struct lehr_weighing {
    const lehr_energy_args *energy;
    const lehr_cuda_points *data;
    const lehr_cuda_room *room;
    float *lane;                 /* [256] of shared memory */
    float *act;                  /* the team's activations */
    const lehr_keeping *keeping; /* NULL: nothing is kept */
} lehr_weighing;

/* Elements of sums over the parameters. */
struct lehr_square_element {
    const float *theta;
    __device__ __forceinline__ float operator()(lehr_i32 i) const
    {
        return lehr_square(theta[i]);
    }
};
struct lehr_size_element {
    const float *theta;
    __device__ __forceinline__ float operator()(lehr_i32 i) const
    {
        return lehr_abs(theta[i]);
    }
};
struct lehr_value_element {
    const float *theta;
    __device__ __forceinline__ float operator()(lehr_i32 i) const
    {
        return theta[i];
    }
};
struct lehr_spin_element {
    const float *theta;
    lehr_i32 side;
    __device__ __forceinline__ float operator()(lehr_i32 i) const
    {
        return lehr_spin_bonds(theta, side, i);
    }
};

/* All points, or those of the quarter. */
template <class ELEMENT> struct lehr_subset_element {
    const ELEMENT &element;
    bool quarter;

    __device__ __forceinline__ float operator()(lehr_i32 n) const
    {
        return element(quarter ? (lehr_i32)lehr_quarter_point(n) : n);
    }
};

/* Points that are summed. */
__device__ __forceinline__ lehr_i32 lehr_subset_count(const lehr_cuda_points *data, bool quarter)
{
    return quarter ? (lehr_i32)lehr_quarter_count(data->points) : data->points;
}

/* The sum of the losses of all points, or of the quarter, where activations are kept; valid in rank 0. */
template <int THREADS>
__device__ __forceinline__ double lehr_kept_loss_sum(const lehr_weighing *w, const float *theta,
                                                     bool quarter)
{
    float *outputs = w->act + lehr_team<THREADS>::rank();
    typedef lehr_kept_element<THREADS> element_type;
    const element_type element = {w->energy,
                                  theta,
                                  w->data,
                                  w->keeping,
                                  lehr_loss_prepare(w->energy),
                                  outputs,
                                  outputs + (w->room->even + w->room->odd) * THREADS};
    const lehr_subset_element<element_type> subset = {element, quarter};
    return lehr_team_sum<THREADS>(lehr_subset_count(w->data, quarter), w->lane, subset);
}

/* The sum of the losses of all points, or of the quarter; valid in rank 0. */
template <int THREADS>
__device__ __forceinline__ double lehr_loss_sum(const lehr_weighing *w, const float *theta,
                                                bool quarter)
{
    const lehr_point_element<THREADS, false> points = lehr_points_of<THREADS, false>(
        w->energy, w->data, w->room, theta, w->act);
#if defined(LEHR_FIXED_LAYERS)
    typedef lehr_fixed_element<THREADS> element_type;
    const element_type element = {theta,    w->data,  lehr_loss_prepare(w->energy),
                                  points.a, points.b, points.target};
#else
    typedef lehr_point_element<THREADS, false> element_type;
    const element_type &element = points;
#endif
    const lehr_subset_element<element_type> subset = {element, quarter};
    return lehr_team_sum<THREADS>(lehr_subset_count(w->data, quarter), w->lane, subset);
}

/* From the target's own energy (of a network or of spins; the other targets are made of the sums here). */
template <int THREADS>
__device__ __forceinline__ lehr_energies lehr_energies_from(const lehr_weighing *w, double target,
                                                            const float *theta)
{
    const lehr_energy_args *e = w->energy;
    const lehr_i32 P = e->parameters;
    double squares = 0.0, sizes = 0.0;
    if (lehr_needs_squares(e)) {
        const lehr_square_element element = {theta};
        squares = lehr_team_sum<THREADS>(P, w->lane, element);
    }
    if (lehr_needs_sizes(e)) {
        const lehr_size_element element = {theta};
        sizes = lehr_team_sum<THREADS>(P, w->lane, element);
    }
    if (e->target == LEHR_TARGET_QUADRATIC)
        target = lehr_quadratic_end(squares);
    if (e->target == LEHR_TARGET_MIXTURE) {
        const lehr_value_element element = {theta};
        target = lehr_mixture_end(e, squares, lehr_team_sum<THREADS>(P, w->lane, element));
    }
    const lehr_energies out = {lehr_energy_end(e, target, squares, sizes),
                               lehr_prior_end(e, squares, sizes)};
    return out;
}

/* E and U of theta[P], which all threads of the team see; valid in rank 0. quarter: E of these points. */
template <int THREADS, bool KEPT>
__device__ __forceinline__ lehr_energies lehr_team_energies(const lehr_weighing *w,
                                                            const float *theta, bool quarter)
{
    double target = 0.0;
    if (KEPT || w->energy->target == LEHR_TARGET_NETWORK) {
        const double loss = KEPT ? lehr_kept_loss_sum<THREADS>(w, theta, quarter)
                                 : lehr_loss_sum<THREADS>(w, theta, quarter);
        target = lehr_reduce(w->energy, loss, lehr_subset_count(w->data, quarter));
    }
    if (w->energy->target == LEHR_TARGET_SPINS) {
        const lehr_spin_element element = {theta, w->energy->side};
        target = lehr_team_sum<THREADS>(w->energy->parameters, w->lane, element);
    }
    return lehr_energies_from<THREADS>(w, target, theta);
}

#endif
