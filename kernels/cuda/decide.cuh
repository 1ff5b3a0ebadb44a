/* decide.cuh: one thread decides for its row. */
#ifndef LEHR_CUDA_DECIDE_CUH
#define LEHR_CUDA_DECIDE_CUH

#include "core/walk.h"
#include "cuda/energy.cuh"

/* Decide a proposal of energies e and note it; the outcome tells the row's threads what to copy. */
__device__ __forceinline__ void lehr_decide_row(const lehr_group *g, const lehr_table *t,
                                                lehr_team_state *state, lehr_i32 move,
                                                lehr_stream stream, lehr_energies e)
{
    lehr_walk *w = &state->walk;
    const double beta = g->scheduled ? lehr_cooling_beta(g, stream.scan) : w->beta;
    const double ln_u = lehr_accept_ln_u(stream.key, stream.scan, stream.row);
    const lehr_decision d = lehr_decide(beta, e.energy - w->energy, e.prior - w->prior,
                                        state->log_hastings, ln_u);
    lehr_walk_count(w, move, d);
    state->outcome = 0;
    if (!d.accept)
        return;
    state->outcome = LEHR_TOOK;
    w->energy = e.energy;
    w->prior = e.prior;
    if (e.energy < w->best_energy) {
        w->best_energy = e.energy;
        t->best_scan[w->row] = (lehr_i64)stream.scan + 1;
        state->outcome = LEHR_TOOK | LEHR_BETTERED;
    }
}

#endif
