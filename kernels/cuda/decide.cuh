/* decide.cuh: one thread decides for its row. */
#ifndef LEHR_CUDA_DECIDE_CUH
#define LEHR_CUDA_DECIDE_CUH

#include "core/walk.h"
#include "cuda/energy.cuh"

/* Take the proposal of energies e; the outcome tells the row's threads what to copy. */
__device__ __forceinline__ void lehr_take_row(const lehr_table *t, lehr_team_state *state,
                                              lehr_u64 scan, lehr_energies e)
{
    lehr_walk *w = &state->walk;
    state->outcome = LEHR_TOOK;
    w->energy = e.energy;
    w->prior = e.prior;
    w->quarter = state->quarter;
    if (e.energy < w->best_energy) {
        w->best_energy = e.energy;
        t->best_scan[w->row] = (lehr_i64)scan + 1;
        state->outcome = LEHR_TOOK | LEHR_BETTERED;
    }
}

/* The first decision of a delayed run; e: with the energy of the quarter. It is the last one when it is no. */
__device__ __forceinline__ void lehr_decide_first(const lehr_group *g, lehr_team_state *state,
                                                  lehr_i32 move, lehr_stream stream,
                                                  lehr_energies e)
{
    const lehr_question q = lehr_walk_question(&state->walk, g, stream, state->log_hastings, e);
    const lehr_decision d = lehr_walk_first(&state->walk, q, e.energy, &state->log_hastings);
    state->quarter = e.energy;
    state->outcome = d.accept ? LEHR_PASSED : 0;
    if (!d.accept)
        lehr_walk_count(&state->walk, move, d);
}

/* What the last decision is asked; its uniform is drawn before. */
__device__ __forceinline__ lehr_question lehr_last_question(const lehr_group *g,
                                                            const lehr_team_state *state,
                                                            lehr_u64 scan, lehr_energies e)
{
    return lehr_walk_question_of(&state->walk, g, scan, state->log_hastings, e, state->ln_u);
}

__device__ __forceinline__ void lehr_draw_last(const lehr_group *g, lehr_team_state *state,
                                               lehr_stream stream)
{
    state->ln_u = lehr_accept_ln_u(stream, g->delayed ? 1 : 0);
}

/* The limit of early rejection; state->sizes: of the proposal. */
__device__ __forceinline__ double lehr_row_limit(const lehr_group *g, const lehr_energy_args *e,
                                                 const lehr_team_state *state, lehr_u64 scan,
                                                 lehr_i32 points)
{
    const lehr_sizes s = state->sizes;
    const lehr_energies known = {0.0, lehr_prior_end(e, s.squares, s.sizes)};
    const lehr_question q = lehr_last_question(g, state, scan, known);
    return lehr_loss_limit(&state->walk, e, q, s, points);
}

/* The sum of losses was given up. */
__device__ __forceinline__ void lehr_reject_row(lehr_team_state *state, lehr_i32 move)
{
    lehr_walk_count(&state->walk, move, lehr_early_rejection());
    state->outcome = 0;
}

/* The decision about a proposal of energies e. */
__device__ __forceinline__ void lehr_decide_row(const lehr_group *g, const lehr_table *t,
                                                lehr_team_state *state, lehr_i32 move,
                                                lehr_u64 scan, lehr_energies e)
{
    const lehr_question q = lehr_last_question(g, state, scan, e);
    const lehr_decision d = lehr_decide(&q);
    lehr_walk_count(&state->walk, move, d);
    state->outcome = 0;
    if (d.accept)
        lehr_take_row(t, state, scan, e);
}

#endif
