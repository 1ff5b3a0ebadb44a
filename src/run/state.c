/* state.c: the fields of a run, and the checks of fields that were put back. */
#include "run/state.h"

#include "base/status.h"
#include "core/settle.h"
#include "core/temper.h"
#include "run/comm.h"
#include "run/follow.h"
#include "run/replicas.h"
#include "run/run.h"

/* ---- Fields ------------------------------------------------------------------------------------ */

/* X(name, member, type, count): what a run has beside its part of the table. A score is four doubles, an
 * observation three integers, six doubles, an integer and two scores. */
#define RUN_FIELDS(X)                                                                              \
    X("run.scan", scan, I64, 1)                                                                    \
    X("run.stop", stop, I32, 1)                                                                    \
    X("run.wall_s", wall_s, F64, 1)                                                                \
    X("run.best_loss", best_loss, F64, 1)                                                          \
    X("run.best_energy", best_energy, F64, 1)                                                      \
    X("run.best_scan", best_scan, I64, 1)                                                          \
    X("run.best_score", best_score, F64, 8)                                                        \
    X("run.observed_scan", observed_scan, I64, 1)                                                  \
    X("run.cold_proposed", cold_proposed, I64, 1)                                                  \
    X("run.cold_accepted", cold_accepted, I64, 1)                                                  \
    X("run.accepts", accepts, I64, 1)                                                              \
    X("run.accepts_scan", accepts_scan, I64, 1)                                                    \
    X("run.seen_scans", observation.scan, I64, 3)                                                  \
    X("run.seen", observation.wall_s, F64, 6)                                                      \
    X("run.seen_best_scan", observation.best_scan, I64, 1)                                         \
    X("run.seen_scores", observation.best_train, F64, 8)

_Static_assert(sizeof(lehr_observation) == 18 * sizeof(double) &&
                   sizeof(lehr_score) == 4 * sizeof(double) && sizeof(lehr_stop) == sizeof(int32_t),
               "members stand without gaps, as the counts above say");

size_t lehr_field_bytes(lehr_field_type type)
{
    switch (type) {
    case LEHR_FIELD_I8: return 1;
    case LEHR_FIELD_F32:
    case LEHR_FIELD_I32: return 4;
    default: return 8;
    }
}

#define TYPE_OF(x)                                                                                 \
    _Generic((x), float                                                                            \
             : LEHR_FIELD_F32, double                                                              \
             : LEHR_FIELD_F64, signed char                                                         \
             : LEHR_FIELD_I8, lehr_i32                                                             \
             : LEHR_FIELD_I32, lehr_i64                                                            \
             : LEHR_FIELD_I64)

/* [elements/rows columns]: one row of the field for each of the run's rows, slots or temperatures. */
static lehr_field field_of(const char *name, lehr_field_type type, size_t elements, size_t rows)
{
    return (lehr_field){name, type, (int64_t)rows, (int64_t)(elements / rows), NULL};
}

static int32_t view(lehr_run *run, lehr_field out[LEHR_FIELDS_MAX])
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    const lehr_replicas_part first = lehr_replicas_first(t, g), size = lehr_replicas_size(t, g);
    int32_t n = 0;
#define X(ctype, field, letter)                                                                    \
    out[n] = field_of(#field, TYPE_OF(*t->field), size.letter,                                     \
                      #letter[0] == 'B' ? size.B : size.R);                                        \
    out[n++].data = t->field + first.letter;
    LEHR_TABLE_FIELDS(X)
#undef X
#define X(name, member, type, length)                                                              \
    out[n++] = (lehr_field){name, LEHR_FIELD_##type, length, 1, &run->member};
    RUN_FIELDS(X)
#undef X
    out[n++] = (lehr_field){"run.best", LEHR_FIELD_F32, t->parameters, 1, run->best};
    return n;
}

lehr_status lehr_run_fields(lehr_run *run, lehr_field out[LEHR_FIELDS_MAX], int32_t *count)
{
    LEHR_TRY(lehr_pack_pull_weights(run->pack));
    *count = view(run, out);
    return LEHR_OK;
}

/* ---- Putting them back ------------------------------------------------------------------------- */

#define CHECK_STATE(what, ...) LEHR_CHECK(what, LEHR_ERR_DATA, __VA_ARGS__)

static lehr_status check_scans(const lehr_run *run)
{
    CHECK_STATE(0 <= run->scan && run->scan <= run->last_scan,
                "scan %lld is not one of a run of %lld scans", (long long)run->scan,
                (long long)run->last_scan);
    CHECK_STATE(run->spec.extra == 0 || run->scan >= run->spec.held,
                "scan %lld is before the end at %lld that was extended", (long long)run->scan,
                (long long)run->spec.held);
    CHECK_STATE((unsigned)run->stop < LEHR_STOP_COUNT, "stop %d is not a reason to stop",
                (int)run->stop);
    CHECK_STATE(run->observed_scan <= run->scan && run->best_scan <= run->scan &&
                    run->accepts_scan <= run->scan,
                "what was seen at scan %lld is later than the run, which is at %lld",
                (long long)run->observed_scan, (long long)run->scan);
    return LEHR_OK;
}

/* Every slot is held by a row of its own copy, which stands on its rung. */
static lehr_status check_places(const lehr_table *t, const lehr_group *g)
{
    for (int32_t slot = 0; slot < g->rows; slot++) {
        const int32_t row = t->slot_row[g->first_slot + slot];
        CHECK_STATE(0 <= row && row < g->rows && row / g->rungs == slot / g->rungs &&
                        t->rung[g->first_row + row] == slot % g->rungs,
                    "row %d cannot hold rung %d of copy %d", row, slot % g->rungs, slot / g->rungs);
    }
    return LEHR_OK;
}

static lehr_status check_energies(const lehr_table *t, const lehr_group *g)
{
    for (int32_t r = g->first_row; r < g->first_row + g->rows; r++)
        CHECK_STATE(lehr_is_finite(t->energy[r]) && lehr_is_finite(t->prior[r]) &&
                        lehr_is_finite(t->best_energy[r]),
                    "the energy of row %d is not finite", r - g->first_row);
    return LEHR_OK;
}

/* What rank 0 has put back is put back everywhere. */
static lehr_status spread(lehr_run *run)
{
    const lehr_comm *comm = run->pack->comm;
    lehr_field field[LEHR_FIELDS_MAX];
    const int32_t count = view(run, field);
    for (int32_t i = 0; i < count; i++)
        LEHR_TRY(comm->broadcast(comm, 0, field[i].data,
                                 field[i].rows * field[i].columns *
                                     (int64_t)lehr_field_bytes(field[i].type)));
    return LEHR_OK;
}

static lehr_status settle(lehr_run *run)
{
    LEHR_TRY(spread(run));
    if (run->stop == LEHR_STOP_NONE)
        run->pack->scan = run->scan;
    else
        lehr_run_group(run)->until = (lehr_u64)run->scan;
    return lehr_batched(run) ? lehr_batch_draw(run) : LEHR_OK;
}

lehr_status lehr_share_restore(lehr_pack *pack)
{
    for (int32_t i = 0; i < pack->count; i++)
        LEHR_TRY(settle(&pack->run[i]));
    pack->pulled = pack->weights_pulled = true;
    return lehr_pack_push(pack);
}

static lehr_status check(lehr_run *run)
{
    const lehr_table *t = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    LEHR_TRY(check_scans(run));
    LEHR_TRY(check_places(t, g));
    LEHR_TRY(check_energies(t, g));
    const bool extended = run->spec.extra > 0 && run->scan < run->last_scan;
    if (run->stop == LEHR_STOP_SIGNAL || run->stop == LEHR_STOP_WALL || extended)
        run->stop = LEHR_STOP_NONE;
    return LEHR_OK;
}

lehr_status lehr_pack_restore(lehr_pack *pack)
{
    for (int32_t i = 0; i < pack->count; i++)
        LEHR_TRY(check(&pack->run[i]));
    LEHR_TRY(lehr_lead(pack, LEHR_ORDER_RESTORE, NULL, 0));
    return lehr_led(pack, lehr_share_restore(pack));
}
