/* pack.c: runs that move together: one table, one backend, and the loop of slices. A run alone is a pack of one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "model/objective.h"
#include "run/follow.h"
#include "run/replicas.h"
#include "run/run.h"
#include "run/share.h"

/* Signals and clocks are looked at between slices, so a slice is predicted to take at most this long. */
static const double slice_s = 0.2;

/* ---- What can stand together ------------------------------------------------------------------- */

/* Rows of a table share kinds of moves, not their sizes. */
static bool moves_pack(const lehr_run_spec *a, const lehr_run_spec *b)
{
    if (a->move_count != b->move_count)
        return false;
    for (int32_t m = 0; m < a->move_count; m++)
        if (a->moves[m].kind != b->moves[m].kind || a->moves[m].scope != b->moves[m].scope)
            return false;
    return true;
}

bool lehr_specs_pack(const lehr_run_spec *a, const lehr_run_spec *b)
{
    return a->batch.points == 0 && b->batch.points == 0 && moves_pack(a, b) &&
           a->numerics == b->numerics && a->keep_activations == b->keep_activations &&
           a->early_rejection == b->early_rejection &&
           a->delayed_acceptance == b->delayed_acceptance && a->threads == b->threads &&
           strcmp(a->backend, b->backend) == 0 && strcmp(a->cache_dir, b->cache_dir) == 0;
}

static lehr_status check_runs(const lehr_run_spec *specs, int32_t count,
                              const lehr_objective *objective)
{
    LEHR_CHECK(count >= 1, LEHR_ERR_ARG, "a pack needs at least 1 run, got %d", count);
    LEHR_CHECK(count == 1 || lehr_objective_problem(objective)->args.target != LEHR_TARGET_CALLBACK,
               LEHR_ERR_ARG, "a callback takes one run, not a pack of %d", count);
    for (int32_t i = 1; i < count; i++)
        LEHR_CHECK(lehr_specs_pack(&specs[0], &specs[i]), LEHR_ERR_ARG,
                   "runs 0 and %d cannot stand in one pack", i);
    return LEHR_OK;
}

/* ---- Shape ------------------------------------------------------------------------------------- */

/* The group's rows stand behind those that are in the table. */
static void place(lehr_table *shape, lehr_group *group)
{
    const lehr_group *before = group - 1;
    if (shape->rows > 0) {
        group->first_row = shape->rows;
        group->first_slot = shape->rows;
        group->first_step = before->first_step + (int64_t)before->rows * before->moves;
        group->first_beta = before->first_beta + before->rungs;
    }
    shape->rows += group->rows;
    shape->moves = group->moves > shape->moves ? group->moves : shape->moves;
}

lehr_status lehr_pack_shape(lehr_pack *pack, lehr_group *groups, lehr_table *shape)
{
    *shape = (lehr_table){
        .parameters = pack->problem->args.parameters, .group_count = pack->count, .group = groups};
    int64_t rows = 0;
    for (int32_t i = 0; i < pack->count; i++) {
        LEHR_TRY(lehr_run_plan_group(&pack->run[i], &groups[i]));
        rows += groups[i].rows;
        LEHR_CHECK(rows <= INT32_MAX / LEHR_MOVES_MAX, LEHR_ERR_ARG,
                   "%lld rows are too many for a pack", (long long)rows);
        place(shape, &groups[i]);
    }
    return LEHR_OK;
}

/* ---- The table and its backends ----------------------------------------------------------------- */

lehr_status lehr_share_pull(lehr_pack *pack)
{
    LEHR_TRY(pack->backend->pull(pack->state));
    LEHR_TRY(lehr_share_gather(pack));
    pack->pulled = true;
    return LEHR_OK;
}

lehr_status lehr_share_pull_weights(lehr_pack *pack)
{
    if (!pack->pulled)
        LEHR_TRY(lehr_share_pull(pack));
    LEHR_TRY(lehr_share_gather_weights(pack));
    pack->weights_pulled = true;
    return LEHR_OK;
}

lehr_status lehr_pack_pull(lehr_pack *pack)
{
    if (pack->pulled)
        return LEHR_OK;
    LEHR_TRY(lehr_lead(pack, LEHR_ORDER_PULL, NULL, 0));
    return lehr_led(pack, lehr_share_pull(pack));
}

lehr_status lehr_pack_pull_weights(lehr_pack *pack)
{
    if (pack->pulled && pack->weights_pulled)
        return LEHR_OK;
    LEHR_TRY(lehr_lead(pack, LEHR_ORDER_PULL_WEIGHTS, NULL, 0));
    return lehr_led(pack, lehr_share_pull_weights(pack));
}

lehr_status lehr_pack_push(lehr_pack *pack)
{
    lehr_share_groups(pack);
    return pack->backend->push(pack->state);
}

/* ---- Create ------------------------------------------------------------------------------------ */

/* Outputs of the largest part, for r2 and rmse. */
static lehr_status make_outputs(lehr_pack *pack)
{
    const lehr_dataset *data = lehr_objective_dataset(pack->objective);
    if (!data || lehr_dataset_describe(data).task != LEHR_TASK_REGRESSION)
        return LEHR_OK;
    int64_t points = 1;
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        if (pack->problem->part[part].points > points)
            points = pack->problem->part[part].points;
    size_t count;
    LEHR_CHECK(lehr_size_mul((size_t)points, (size_t)pack->problem->args.outputs, &count),
               LEHR_ERR_ARG, "%lld points with %d outputs are too many", (long long)points,
               pack->problem->args.outputs);
    return LEHR_NEW(pack->outputs, count, "network outputs");
}

static lehr_status make_scratch(lehr_pack *pack)
{
    const size_t P = (size_t)pack->table->parameters;
    size_t candidates;
    LEHR_CHECK(lehr_size_mul(P, LEHR_CANDIDATES, &candidates), LEHR_ERR_ARG, "too many parameters");
    LEHR_TRY(LEHR_NEW(pack->candidate, candidates, "observed weights"));
    for (int32_t i = 0; i < pack->count; i++)
        LEHR_TRY(LEHR_NEW(pack->run[i].best, P, "best weights"));
    LEHR_TRY(lehr_batch_create(pack->run));
    return make_outputs(pack);
}

lehr_status lehr_pack_start(lehr_pack *pack)
{
    if (lehr_batched(pack->run))
        LEHR_TRY(lehr_batch_draw(pack->run));
    LEHR_TRY(pack->backend->start(pack->state));
    pack->pulled = pack->weights_pulled = false;
    for (int32_t i = 0; i < pack->count; i++)
        LEHR_TRY(lehr_run_begin(&pack->run[i]));
    return LEHR_OK;
}

static lehr_status make_table(lehr_pack *pack, lehr_group *groups)
{
    lehr_table shape;
    LEHR_TRY(lehr_pack_shape(pack, groups, &shape));
    LEHR_TRY(lehr_share_deal(pack, &shape));
    LEHR_TRY(lehr_pack_choose(pack, &pack->view));
    LEHR_TRY(lehr_replicas_create(&shape, &pack->table));
    for (int32_t i = 0; i < pack->count; i++)
        LEHR_TRY(lehr_run_fill(&pack->run[i]));
    return LEHR_OK;
}

static lehr_status fill(lehr_pack *pack)
{
    lehr_group *groups = NULL;
    LEHR_TRY(LEHR_NEW(groups, (size_t)pack->count, "groups"));
    const lehr_status status = make_table(pack, groups);
    LEHR_FREE(groups);
    LEHR_TRY(status);
    LEHR_TRY(make_scratch(pack));
    LEHR_TRY(lehr_share_create(pack));
    LEHR_TRY(pack->backend->open(&pack->options, pack->problem, &pack->view, &pack->state));
    if (pack->backend->notice && pack->notice[0] == '\0')
        lehr_text_copy(pack->notice, sizeof pack->notice, pack->backend->notice(pack->state));
    return lehr_pack_start(pack);
}

static void prepare(lehr_pack *pack, const lehr_run_spec *spec, const lehr_backend_options *options,
                    const lehr_objective *objective)
{
    pack->options = *options;
    pack->options.numerics = spec->numerics;
    pack->options.whole |= !spec->early_rejection;
    pack->options.forget |= !spec->keep_activations;
    if (lehr_cache_set(&pack->cache, spec->cache_dir))
        pack->options.cache = (lehr_cache_fns){lehr_cache_get, lehr_cache_put, &pack->cache};
    pack->objective = objective;
    pack->problem = lehr_objective_problem(objective);
}

lehr_status lehr_pack_new(const lehr_run_spec *specs, int32_t count,
                          const lehr_backend_options *options, const lehr_objective *objective,
                          lehr_pack **out)
{
    lehr_pack *pack = NULL;
    LEHR_TRY(check_runs(specs, count, objective));
    LEHR_TRY(LEHR_NEW(pack, 1, "run"));
    prepare(pack, specs, options, objective);
    const lehr_status status = LEHR_NEW(pack->run, (size_t)count, "runs");
    if (status != LEHR_OK) {
        LEHR_FREE(pack);
        return status;
    }
    pack->count = count;
    pack->comm = lehr_comm_solo();
    for (int32_t i = 0; i < count; i++)
        pack->run[i] = (lehr_run){.spec = specs[i], .pack = pack};
    *out = pack;
    return LEHR_OK;
}

lehr_status lehr_pack_create_with(const lehr_run_spec *specs, int32_t count,
                                  const lehr_backend_options *options,
                                  const lehr_objective *objective, const lehr_comm *comm,
                                  lehr_pack **out)
{
    lehr_pack *pack = NULL;
    LEHR_TRY(lehr_pack_new(specs, count, options, objective, &pack));
    pack->comm = comm;
    const lehr_status status = fill(pack);
    if (status != LEHR_OK) {
        lehr_pack_destroy(&pack);
        return status;
    }
    *out = pack;
    return LEHR_OK;
}

lehr_status lehr_pack_create_shared(const lehr_run_spec *specs, int32_t count,
                                    const lehr_objective *objective, const lehr_comm *comm,
                                    lehr_pack **out)
{
    const lehr_backend_options options = {.threads = count > 0 ? specs->threads : 0};
    return lehr_pack_create_with(specs, count, &options, objective, comm, out);
}

lehr_status lehr_pack_create(const lehr_run_spec *specs, int32_t count,
                             const lehr_objective *objective, lehr_pack **out)
{
    return lehr_pack_create_shared(specs, count, objective, lehr_comm_solo(), out);
}

void lehr_pack_destroy(lehr_pack **pack)
{
    lehr_pack *p = *pack;
    if (!p)
        return;
    if (p->state && p->comm->rank == 0 && !p->broken)
        (void)lehr_lead(p, LEHR_ORDER_END, NULL, 0);
    if (p->state)
        p->backend->close(&p->state);
    lehr_replicas_destroy(&p->table);
    lehr_share_destroy(p);
    for (int32_t i = 0; i < p->count; i++)
        LEHR_FREE(p->run[i].best);
    lehr_batch_destroy(p->run);
    LEHR_FREE(p->run);
    LEHR_FREE(p->candidate);
    LEHR_FREE(p->outputs);
    LEHR_FREE(*pack);
}

/* ---- Alone ------------------------------------------------------------------------------------- */

lehr_status lehr_run_create_with(const lehr_run_spec *spec, const lehr_backend_options *options,
                                 const lehr_objective *objective, lehr_run **out)
{
    lehr_pack *pack = NULL;
    LEHR_TRY(lehr_pack_create_with(spec, 1, options, objective, lehr_comm_solo(), &pack));
    *out = pack->run;
    return LEHR_OK;
}

lehr_status lehr_run_create(const lehr_run_spec *spec, const lehr_objective *objective,
                            lehr_run **out)
{
    const lehr_backend_options options = {.threads = spec->threads};
    return lehr_run_create_with(spec, &options, objective, out);
}

void lehr_run_destroy(lehr_run **run)
{
    if (!*run)
        return;
    lehr_pack *pack = (*run)->pack;
    LEHR_ASSERT(pack->count == 1);
    lehr_pack_destroy(&pack);
    *run = NULL;
}

/* ---- The loop ---------------------------------------------------------------------------------- */

int32_t lehr_pack_count(const lehr_pack *pack)
{
    return pack->count;
}

lehr_run *lehr_pack_run(lehr_pack *pack, int32_t index)
{
    LEHR_ASSERT(index >= 0 && index < pack->count);
    return &pack->run[index];
}

static bool moves(const lehr_run *run)
{
    return run->stop == LEHR_STOP_NONE;
}

/* Restored runs may come from different scans. */
static lehr_status check_scans(const lehr_pack *pack)
{
    for (int32_t i = 0; i < pack->count; i++)
        LEHR_CHECK(!moves(&pack->run[i]) || pack->run[i].scan == pack->scan, LEHR_ERR_ARG,
                   "run %d is at scan %lld, its pack at %lld", i, (long long)pack->run[i].scan,
                   (long long)pack->scan);
    return LEHR_OK;
}

static bool any_moves(const lehr_pack *pack)
{
    for (int32_t i = 0; i < pack->count; i++)
        if (moves(&pack->run[i]))
            return true;
    return false;
}

/* Scans of the next slice: at most `wanted`, never across an observation or an end of any run. */
static int64_t slice_scans(const lehr_pack *pack, int64_t wanted)
{
    int64_t scans = wanted > 0 ? wanted : INT64_MAX;
    for (int32_t i = 0; i < pack->count; i++)
        if (moves(&pack->run[i]) && lehr_run_scans_left(&pack->run[i]) < scans)
            scans = lehr_run_scans_left(&pack->run[i]);
    const double affordable = pack->scan_s > 0 ? slice_s / pack->scan_s
                                               : pack->table->group[0].every;
    return (double)scans > affordable ? (int64_t)fmax(affordable, 1) : scans;
}

/* What ranks tell each other after a slice: all go by the slowest, and by the clock of rank 0. */
typedef struct minute {
    double slice_s, look_s;
    int64_t interrupted;
} minute;

static lehr_status agree(lehr_pack *pack, minute *now)
{
    const lehr_comm *comm = pack->comm;
    if (comm->ranks == 1)
        return LEHR_OK;
    minute *all = (void *)pack->heard;
    for (int32_t rank = 0; rank < comm->ranks; rank++)
        pack->each[rank] = sizeof *now;
    LEHR_TRY(comm->gather(comm, now, pack->each, all));
    *now = all[0];
    for (int32_t rank = 1; rank < comm->ranks; rank++) {
        now->slice_s = fmax(now->slice_s, all[rank].slice_s);
        now->interrupted |= all[rank].interrupted;
    }
    return LEHR_OK;
}

static void charge(lehr_pack *pack, double spent_s)
{
    for (int32_t i = 0; i < pack->count; i++)
        if (moves(&pack->run[i])) {
            pack->run[i].scan = pack->scan;
            pack->run[i].wall_s += spent_s;
        }
}

static lehr_status run_slice(lehr_pack *pack, int64_t scans)
{
    const double begin_s = lehr_clock_s();
    const uint64_t from = (uint64_t)pack->scan, to = from + (uint64_t)scans;
    LEHR_TRY(lehr_batch_refresh(pack->run));
    pack->pulled = pack->weights_pulled = false;
    LEHR_TRY(lehr_share_slice(pack, from, to));
    minute now = {lehr_clock_s() - begin_s, pack->look_s, atomic_load(&pack->interrupted)};
    LEHR_TRY(agree(pack, &now));
    if (now.interrupted)
        atomic_store(&pack->interrupted, 1);
    pack->scan += scans;
    pack->scan_s = now.slice_s / (double)scans;
    charge(pack, now.slice_s + now.look_s);
    return LEHR_OK;
}

/* Observations and ends of runs; their time is charged with the next slice, or to those that end. */
static lehr_status look(lehr_pack *pack)
{
    const double begin_s = lehr_clock_s();
    for (int32_t i = 0; i < pack->count; i++) {
        lehr_run *run = &pack->run[i];
        if (!moves(run))
            continue;
        LEHR_TRY(lehr_run_look(run));
        run->wall_s += moves(run) ? 0 : lehr_clock_s() - begin_s;
    }
    pack->look_s = lehr_clock_s() - begin_s;
    return LEHR_OK;
}

lehr_status lehr_share_advance(lehr_pack *pack, int64_t scans, bool *moving)
{
    *moving = any_moves(pack);
    if (!*moving)
        return LEHR_OK;
    LEHR_TRY(check_scans(pack));
    const int64_t next = slice_scans(pack, scans);
    if (next > 0)
        LEHR_TRY(run_slice(pack, next));
    LEHR_TRY(look(pack));
    *moving = any_moves(pack);
    return LEHR_OK;
}

lehr_status lehr_pack_advance(lehr_pack *pack, int64_t scans, bool *moving)
{
    LEHR_TRY(lehr_lead(pack, LEHR_ORDER_ADVANCE, NULL, scans));
    return lehr_led(pack, lehr_share_advance(pack, scans, moving));
}
