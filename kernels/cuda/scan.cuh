/* scan.cuh: many scans of every row in one launch: perturb, weigh, decide.
 *
 * A team of threads is a row: a warp (four rows a block) or a block of 64, 128 or 256. Weights, proposed
 * weights, noise and activations never leave the multiprocessor during a launch; only a new best row is
 * written out at once. Points are weighed as they stand, a round of one point a thread after the other; where losses
 * are never negative a proposal is rejected as soon as its sum can only be too large (core/early.h, lehr_watch).
 * A visit in the order of losses, as on the CPU, would part a warp's reads of the data.
 * Budget: dynamic shared memory of a team: its state, 2 P floats, 256 lanes, of a block 16 more, activations
 * (lehr_scan_shared_bytes); no spills. Barriers: two a scan, those of the sums, and one for each look of a
 * block at its sum, every args.look rounds.                                                          */
#ifndef LEHR_CUDA_SCAN_CUH
#define LEHR_CUDA_SCAN_CUH

#include "cuda/decide.cuh"
#include "cuda/propose.cuh"

/* One row and what its team has. */
typedef struct lehr_rowing {
    const lehr_scan_args *args;
    const lehr_group *group;
    lehr_team_state *state; /* of shared memory, written by rank 0 */
    lehr_weighing weighing;
    lehr_drafting draft;
    float *theta; /* [P] of shared memory */
} lehr_rowing;

/* E of all points, or of the quarter, and the decision from it. weighing: that of the scan. */
template <int THREADS, bool KEPT>
__device__ __forceinline__ void lehr_judge_row(const lehr_rowing *r, lehr_weighing *weighing,
                                               lehr_i32 move, lehr_stream stream, bool quarter)
{
    const lehr_energy_args *e = weighing->energy;
    const float *theta = r->draft.proposed;
    const bool leads = r->draft.rank == 0;
    lehr_watched loss = {0.0, false};
    double target = 0.0;
    if (leads && !quarter)
        lehr_draw_last(r->group, r->state, stream);
    if (KEPT || e->target == LEHR_TARGET_NETWORK) {
        weighing->watch.every = quarter ? 0 : r->args->look;
        const lehr_i32 points = lehr_subset_count(weighing->data, quarter);
        if (leads && weighing->watch.every > 0)
            r->state->limit = lehr_row_limit(r->group, e, r->state, stream.scan, points);
        loss = KEPT ? lehr_kept_loss_sum<THREADS>(weighing, theta, quarter)
                    : lehr_loss_sum<THREADS>(weighing, theta, quarter);
        target = lehr_reduce(e, loss.sum, points);
    } else {
        target = lehr_team_target<THREADS>(weighing, theta, leads ? r->state->sizes.squares : 0.0);
    }
    if (!leads)
        return;
    const lehr_energies energies = lehr_energies_from(e, target, r->state->sizes);
    if (quarter)
        lehr_decide_first(r->group, r->state, move, stream, energies);
    else if (loss.lost)
        lehr_reject_row(r->state, move);
    else
        lehr_decide_row(r->group, &r->args->rows.table, r->state, move, stream.scan, energies);
}

template <int THREADS, bool KEPT>
__device__ __forceinline__ void lehr_scan_row(const lehr_rowing *r, lehr_u64 scan)
{
    typedef lehr_team<THREADS> team;
    const lehr_drafting *d = &r->draft;
    const lehr_walk *w = &r->state->walk;
    const lehr_proposal p = lehr_propose(r->group, r->args->energy, scan);
    const lehr_stream stream = lehr_row_stream(r->group->key, scan, w->number);
    const float sigma = lehr_walk_step(w, r->group, p.move, scan);
    lehr_u64 side = 0;
    if (KEPT)
        side = r->state->side; /* before a barrier: it is written with the outcome */
    if (d->rank == 0)
        r->state->log_hastings = r->state->quarter = 0.0;
    if (lehr_is_whole(d, &p)) {
        lehr_perturb_own(d, &p, stream, sigma);
    } else {
        lehr_copy_own(d, d->theta, d->proposed);
        team::sync(); /* any thread may change a parameter of any other */
        if (p.picks == 0)
            lehr_perturb_places(d, &p, stream, sigma);
        else if (d->rank == 0)
            r->state->log_hastings = lehr_pick_all(d, &p, stream, sigma);
    }
    team::sync(); /* every thread reads all of the proposed weights */
    lehr_keeping keeping;
    lehr_weighing weighing = r->weighing;
    if (KEPT) {
        keeping = lehr_keeping_of(&r->args->kept, &r->args->energy->network, w->row, side, p.touch);
        weighing.keeping = &keeping;
    }
    const lehr_sizes sizes = lehr_team_sizes<THREADS>(&weighing, d->proposed);
    if (d->rank == 0)
        r->state->sizes = sizes;
#pragma unroll 1
    for (int first = r->group->delayed; first >= 0; first--) {
        lehr_judge_row<THREADS, KEPT>(r, &weighing, p.move, stream, first);
        if (KEPT && d->rank == 0 && (r->state->outcome & LEHR_TOOK))
            r->state->side ^= lehr_kept_turns(keeping.network, p.touch);
        team::sync(); /* the outcome; and nobody reads the proposed weights any more */
        if (first) {
            const bool passed = (r->state->outcome & LEHR_PASSED) != 0;
            team::sync(); /* all have read the first outcome before the last one is written */
            if (!passed)
                break;
        }
    }
    if (r->state->outcome & LEHR_TOOK) {
        lehr_copy_own(d, d->proposed, r->theta);
        if (KEPT)
            lehr_kept_merge(&keeping, weighing.data->points, d->rank, THREADS);
    }
    if (r->state->outcome & LEHR_BETTERED)
        lehr_copy_own(d, d->proposed, r->args->rows.table.best + w->row * d->parameters);
}

/* Before the first proposal after theta came from outside: its activations become the current ones. */
template <int THREADS> __device__ __forceinline__ void lehr_learn_row(const lehr_rowing *r)
{
    typedef lehr_team<THREADS> team;
    const lehr_touch all = {0, -1};
    const lehr_keeping keeping = lehr_keeping_of(&r->args->kept, &r->args->energy->network,
                                                 r->state->walk.row, ~(lehr_u64)0, all);
    lehr_weighing weighing = r->weighing;
    weighing.keeping = &keeping;
    lehr_kept_loss_sum<THREADS>(&weighing, r->theta, false);
    if (r->draft.rank == 0)
        r->state->side = 0;
    team::sync(); /* the side, and all points */
}

/* All scans of the row of this team. */
template <int THREADS, bool KEPT>
__device__ __forceinline__ void lehr_scan_rows(const lehr_scan_args *a)
{
    typedef lehr_team<THREADS> team;
    LEHR_DYNAMIC_SHARED(shared);
    const lehr_table *t = &a->rows.table;
    const lehr_i32 teams = (lehr_i32)blockDim.x / THREADS;
    const lehr_i64 row = (lehr_i64)blockIdx.x * teams + team::index();
    if (row >= t->rows)
        return; /* whole warps only: a block has one team, or no block-wide barrier */
    const lehr_team_room room = lehr_team_room_of(&a->room, t->parameters, THREADS);
    char *mine = shared + (lehr_i64)team::index() * room.bytes;
    float *floats = reinterpret_cast<float *>(mine + room.floats);
    lehr_rowing r;
    r.args = a;
    r.group = &t->group[a->rows.row_group[row]];
    if (lehr_rests(r.group, a->scan))
        return; /* the whole team, as above */
    r.state = reinterpret_cast<lehr_team_state *>(mine);
    r.theta = floats;
    float *proposed = floats + room.padded, *lane = proposed + room.padded;
    const lehr_watch watch = {0, &r.state->limit, &r.state->left, lane + LEHR_LANES};
    const lehr_weighing weighing = {
        a->energy, &a->train, &a->room, lane, lane + lehr_lane_floats(THREADS), nullptr, watch};
    const lehr_drafting draft = {r.theta,      proposed, t->parameters, a->energy->weights,
                                 team::rank(), THREADS};
    r.weighing = weighing;
    r.draft = draft;

    lehr_copy_own(&draft, t->theta + row * t->parameters, r.theta);
    if (draft.rank == 0) {
        lehr_walk_begin(t, r.group, row, &r.state->walk);
        if (KEPT)
            r.state->side = a->kept.side[row];
    }
    team::sync(); /* the walk */
    if (KEPT && a->kept.learn)
        lehr_learn_row<THREADS>(&r);
    for (lehr_u64 s = 0; s < a->scans; s++)
        lehr_scan_row<THREADS, KEPT>(&r, a->scan + s);
    lehr_copy_own(&draft, r.theta, t->theta + row * t->parameters);
    if (draft.rank == 0) {
        lehr_walk_end(&r.state->walk, r.group, t);
        if (KEPT)
            a->kept.side[row] = r.state->side;
    }
}

/* Blocks of 128 threads that share a multiprocessor. Registers: at most 168, so that 12 warps do; fewer would spill.
 * 128, for 16 warps, are enough for 16 chains a thread on sm_100 and newer; they spill 4 to 64 bytes before (NVRTC 13.0). */
#if defined(LEHR_FIXED_LAYERS) && defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 1000
#define LEHR_SCAN_BLOCKS (lehr_fixed_widest(1) <= 16 ? 4 : 3)
#else
#define LEHR_SCAN_BLOCKS 3
#endif

/* extern "C": jit.c finds them by these names, and wants only the one it runs. */
#if !defined(LEHR_FIXED_THREADS) || LEHR_FIXED_THREADS == 32
extern "C" __global__ void __launch_bounds__(128, LEHR_SCAN_BLOCKS)
    lehr_scan_32_kernel(lehr_scan_args a)
{
    lehr_scan_rows<32, false>(&a);
}
#endif
#if !defined(LEHR_FIXED_THREADS) || LEHR_FIXED_THREADS == 64
extern "C" __global__ void __launch_bounds__(64, 6) lehr_scan_64_kernel(lehr_scan_args a)
{
    lehr_scan_rows<64, false>(&a);
}
#endif
#if !defined(LEHR_FIXED_THREADS) || LEHR_FIXED_THREADS == 128
extern "C" __global__ void __launch_bounds__(128, 3) lehr_scan_128_kernel(lehr_scan_args a)
{
    lehr_scan_rows<128, false>(&a);
}
#endif
#if !defined(LEHR_FIXED_THREADS) || LEHR_FIXED_THREADS == 256
extern "C" __global__ void __launch_bounds__(256, 1) lehr_scan_256_kernel(lehr_scan_args a)
{
    lehr_scan_rows<256, false>(&a);
}
#endif

/* The same where activations are kept: never specialized, and only by warps or by blocks of 128, since each takes long
 * to compile. */
#if !defined(LEHR_FIXED_THREADS)
extern "C" __global__ void __launch_bounds__(128, 3) lehr_kept_32_kernel(lehr_scan_args a)
{
    lehr_scan_rows<32, true>(&a);
}
extern "C" __global__ void __launch_bounds__(128, 3) lehr_kept_128_kernel(lehr_scan_args a)
{
    lehr_scan_rows<128, true>(&a);
}
#endif

#endif
