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
    lehr_watch watch;            /* over sums of losses */
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

/* The sum of the losses of all points, or of the quarter, where activations are kept. */
template <int THREADS>
__device__ __forceinline__ lehr_watched lehr_kept_loss_sum(const lehr_weighing *w,
                                                           const float *theta, bool quarter)
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
    return lehr_team_watched_sum<THREADS>(lehr_subset_count(w->data, quarter), w->lane, subset,
                                          &w->watch);
}

/* The sum of the losses of all points, or of the quarter. */
template <int THREADS>
__device__ __forceinline__ lehr_watched lehr_loss_sum(const lehr_weighing *w, const float *theta,
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
    return lehr_team_watched_sum<THREADS>(lehr_subset_count(w->data, quarter), w->lane, subset,
                                          &w->watch);
}

/* Sums over theta[P], which all threads of the team see; valid in rank 0. */
template <int THREADS>
__device__ __forceinline__ lehr_sizes lehr_team_sizes(const lehr_weighing *w, const float *theta)
{
    const lehr_energy_args *e = w->energy;
    lehr_sizes s = {0.0, 0.0};
    if (lehr_needs_squares(e)) {
        const lehr_square_element element = {theta};
        s.squares = lehr_team_sum<THREADS>(e->parameters, w->lane, element);
    }
    if (lehr_needs_sizes(e)) {
        const lehr_size_element element = {theta};
        s.sizes = lehr_team_sum<THREADS>(e->parameters, w->lane, element);
    }
    return s;
}

/* The target's own energy where it is no network's; valid in rank 0. */
template <int THREADS>
__device__ __forceinline__ double lehr_team_target(const lehr_weighing *w, const float *theta,
                                                   double squares)
{
    const lehr_energy_args *e = w->energy;
    switch (e->target) {
    case LEHR_TARGET_QUADRATIC: return lehr_quadratic_end(squares);
    case LEHR_TARGET_MIXTURE: {
        const lehr_value_element element = {theta};
        return lehr_mixture_end(e, squares,
                                lehr_team_sum<THREADS>(e->parameters, w->lane, element));
    }
    case LEHR_TARGET_SPINS: {
        const lehr_spin_element element = {theta, e->side};
        return lehr_team_sum<THREADS>(e->parameters, w->lane, element);
    }
    default: return 0.0;
    }
}

/* E and U from the target's own energy. */
__device__ __forceinline__ lehr_energies lehr_energies_from(const lehr_energy_args *e,
                                                            double target, lehr_sizes s)
{
    const lehr_energies out = {lehr_energy_end(e, target, s.squares, s.sizes),
                               lehr_prior_end(e, s.squares, s.sizes)};
    return out;
}

#endif
