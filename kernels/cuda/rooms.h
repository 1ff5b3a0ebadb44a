/* rooms.h: how the shared memory of a team is divided. Host and device agree on it here. */
#ifndef LEHR_CUDA_ROOMS_H
#define LEHR_CUDA_ROOMS_H

#include "core/sum.h"
#include "core/target.h"
#include "core/walk.h"
#include "cuda/args.h"

enum { LEHR_TOOK = 1, LEHR_BETTERED = 2, LEHR_PASSED = 4 };

/* A row in the middle of a stretch. */
typedef struct lehr_team_state {
    lehr_walk walk;
    double log_hastings; /* of the proposal */
    double quarter;      /* delayed runs: its energy from a quarter of the points */
    lehr_u64 side;       /* kept activations: see lehr_cuda_kept */
    lehr_i32
        outcome; /* of the last decision: LEHR_TOOK, LEHR_BETTERED; LEHR_PASSED: the first of two */
    float left;  /* early rejection: see lehr_watch */
    double limit;     /* likewise */
    double ln_u;      /* of the proposal's last decision */
    lehr_sizes sizes; /* of the proposal */
} lehr_team_state;

/* A team's shared memory: its state, then floats: weights [padded], proposed [padded], lanes [256],
 * of a block the sums of its warps [16], activations. Offsets and sizes in bytes but for `padded`, the
 * parameters rounded up to 16 bytes.                                                                 */
typedef struct lehr_team_room {
    lehr_i32 padded;
    lehr_i32 floats; /* where the floats begin */
    lehr_i64 bytes;  /* a multiple of 16 */
} lehr_team_room;

/* Floats of the activations of a team. */
LEHR_FN lehr_i64 lehr_act_floats(const lehr_cuda_room *room, lehr_i32 threads)
{
    return (lehr_i64)(room->even + room->odd + room->targets) * threads;
}

/* Lanes of a team's sums, and what else a sum needs. */
LEHR_FN lehr_i32 lehr_lane_floats(lehr_i32 threads)
{
    return threads > 32 ? LEHR_LANES + 16 : LEHR_LANES;
}

LEHR_FN lehr_team_room lehr_team_room_of(const lehr_cuda_room *room, lehr_i32 parameters,
                                         lehr_i32 threads)
{
    lehr_team_room r;
    r.padded = (parameters + 3) / 4 * 4;
    r.floats = (lehr_i32)((sizeof(lehr_team_state) + 15) / 16 * 16);
    r.bytes = r.floats + 4 * (2 * (lehr_i64)r.padded + lehr_lane_floats(threads) +
                              lehr_act_floats(room, threads));
    return r;
}

#endif
