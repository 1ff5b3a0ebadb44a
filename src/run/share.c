/* share.c: whose rows are whose, what they tell each other, and what is settled where. */
#include "run/share.h"

#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/settle.h"
#include "run/comm.h"
#include "run/replicas.h"

/* A row's record: of every array but those of weights and temperatures its part, and that of its slot. */
#define RECORD_R  1
#define RECORD_RM ((size_t)t->moves)
#define RECORD_S  1
#define RECORD_SM ((size_t)t->moves)
#define RECORD_RP 0
#define RECORD_B  0

static size_t record_bytes(const lehr_table *t)
{
    size_t bytes = 0;
#define X(type, field, letter) bytes += RECORD_##letter * sizeof(type);
    LEHR_TABLE_FIELDS(X)
#undef X
    return bytes;
}

/* ---- Dealing ----------------------------------------------------------------------------------- */

static const lehr_group *group_of(const lehr_table *shape, int32_t row)
{
    int32_t g = 0;
    while (row >= shape->group[g].first_row + shape->group[g].rows)
        g++;
    return &shape->group[g];
}

/* Where rank `rank` begins: at its share of the rows, or at the nearest copy when that is close. */
static int32_t cut(const lehr_table *shape, int32_t rank, int32_t ranks)
{
    const int32_t even = (int32_t)((int64_t)shape->rows * rank / ranks);
    if (rank == 0 || rank == ranks)
        return even;
    const lehr_group *g = group_of(shape, even);
    const int32_t over = (even - g->first_row) % g->rungs, under = g->rungs - over;
    const int32_t close = over <= under ? -over : under;
    const int32_t far = close < 0 ? -close : close;
    return 20 * far * ranks <= shape->rows ? even + close : even;
}

void lehr_share_rows(const lehr_table *shape, int32_t rank, int32_t ranks, int32_t *first,
                     int32_t *rows)
{
    *first = cut(shape, rank, ranks);
    *rows = cut(shape, rank + 1, ranks) - *first;
}

bool lehr_share_owns(const lehr_pack *pack, int32_t row)
{
    return pack->first_row <= row && row < pack->first_row + pack->rows;
}

/* Groups whose indices fall on what is there. */
static void shift_groups(lehr_pack *pack, const lehr_group *groups)
{
    for (int32_t g = 0; g < pack->count; g++) {
        pack->view.group[g] = groups[g];
        pack->view.group[g].first_row -= pack->first_row;
    }
}

void lehr_share_groups(lehr_pack *pack)
{
    shift_groups(pack, pack->table->group);
}

lehr_status lehr_share_deal(lehr_pack *pack, const lehr_table *shape)
{
    const lehr_comm *comm = pack->comm;
    LEHR_CHECK(comm->ranks <= shape->rows, LEHR_ERR_ARG,
               "%d ranks are more than the %d rows that they would share", comm->ranks,
               shape->rows);
    LEHR_TRY(LEHR_NEW(pack->view_group, (size_t)pack->count, "groups"));
    lehr_share_rows(shape, comm->rank, comm->ranks, &pack->first_row, &pack->rows);
    pack->view = *shape;
    pack->view.rows = pack->rows;
    pack->view.group = pack->view_group;
    shift_groups(pack, shape->group);
    return LEHR_OK;
}

/* The same arrays as the table's, from our first row on. */
static void make_view(lehr_pack *pack)
{
    const lehr_table *t = pack->table;
    const int64_t R = pack->first_row, RP = R * t->parameters, RM = R * t->moves;
    const int64_t S = 0, SM = 0, B = 0;
#define X(type, field, count) pack->view.field = t->field + (count);
    LEHR_TABLE_FIELDS(X)
#undef X
    lehr_share_groups(pack);
}

/* Is the copy that a row belongs to dealt to more than one rank? */
static bool is_cut(const lehr_pack *pack, int32_t row)
{
    const lehr_group *g = group_of(pack->table, row);
    const int32_t first = row - (row - g->first_row) % g->rungs, last = first + g->rungs - 1;
    for (int32_t rank = 1; rank < pack->comm->ranks; rank++) {
        const int32_t from = cut(pack->table, rank, pack->comm->ranks);
        if (first < from && from <= last)
            return true;
    }
    return false;
}

static lehr_status make_rooms(lehr_pack *pack)
{
    const int32_t ranks = pack->comm->ranks;
    LEHR_TRY(LEHR_NEW(pack->each, (size_t)ranks, "ranks"));
    LEHR_TRY(LEHR_NEW(pack->cut, (size_t)pack->table->rows, "rows of other ranks"));
    for (int32_t row = 0; row < pack->table->rows; row++) {
        pack->cut[row] = is_cut(pack, row);
        pack->any_cut |= pack->cut[row];
    }
    const size_t record = record_bytes(pack->table);
    const size_t rows = record * (size_t)pack->table->rows, least = 64 * (size_t)ranks;
    LEHR_TRY(LEHR_NEW(pack->told, rows, "rows of other ranks"));
    return LEHR_NEW(pack->heard, rows > least ? rows : least, "rows of other ranks");
}

lehr_status lehr_share_create(lehr_pack *pack)
{
    make_view(pack);
    return pack->comm->ranks > 1 ? make_rooms(pack) : LEHR_OK;
}

void lehr_share_destroy(lehr_pack *pack)
{
    LEHR_FREE(pack->view_group);
    LEHR_FREE(pack->each);
    LEHR_FREE(pack->cut);
    LEHR_FREE(pack->told);
    LEHR_FREE(pack->heard);
}

/* ---- Telling ----------------------------------------------------------------------------------- */

/* Where the part of a row begins in arrays of each letter. */
typedef struct place {
    int64_t R, RM, S, SM, RP, B;
} place;

static place place_of(const lehr_table *t, int32_t row)
{
    const lehr_group *g = group_of(t, row);
    const int32_t slot = lehr_slot_of(g, row - g->first_row, t->rung[row]);
    return (place){.R = row,
                   .RM = (int64_t)row * t->moves,
                   .S = g->first_slot + slot,
                   .SM = g->first_step + (int64_t)slot * g->moves};
}

static void tell(const lehr_table *t, int32_t row, char *out)
{
    const place from = place_of(t, row);
#define X(type, field, letter)                                                                     \
    memcpy(out, t->field + from.letter, RECORD_##letter * sizeof(type));                           \
    out += RECORD_##letter * sizeof(type);
    LEHR_TABLE_FIELDS(X)
#undef X
}

/* Its rung first: that says which slot the rest is about. */
static void hear(const lehr_table *t, int32_t row, const char *in)
{
    const char *at = in;
#define X(type, field, letter)                                                                     \
    if ((const void *)t->field == (const void *)t->rung)                                           \
        memcpy(&t->rung[row], at, sizeof *t->rung);                                                \
    at += RECORD_##letter * sizeof(type);
    LEHR_TABLE_FIELDS(X)
#undef X
    const place to = place_of(t, row);
#define X(type, field, letter)                                                                     \
    memcpy(t->field + to.letter, in, RECORD_##letter * sizeof(type));                              \
    in += RECORD_##letter * sizeof(type);
    LEHR_TABLE_FIELDS(X)
#undef X
}

/* Which rows are told of. */
typedef enum choice { CHOICE_ALL, CHOICE_CUT } choice;

static bool is_chosen(const lehr_pack *pack, choice which, int32_t row)
{
    return which == CHOICE_ALL || pack->cut[row];
}

static lehr_status gather(lehr_pack *pack, choice which)
{
    const lehr_comm *comm = pack->comm;
    const size_t record = record_bytes(pack->table);
    char *out = pack->told;
    for (int32_t r = pack->first_row; r < pack->first_row + pack->rows; r++)
        if (is_chosen(pack, which, r)) {
            tell(pack->table, r, out);
            out += record;
        }
    for (int32_t rank = 0, first, rows; rank < comm->ranks; rank++) {
        lehr_share_rows(pack->table, rank, comm->ranks, &first, &rows);
        pack->each[rank] = 0;
        for (int32_t r = first; r < first + rows; r++)
            pack->each[rank] += is_chosen(pack, which, r) ? (int64_t)record : 0;
    }
    LEHR_TRY(comm->gather(comm, pack->told, pack->each, pack->heard));
    const char *in = pack->heard;
    for (int32_t r = 0; r < pack->table->rows; r++)
        if (is_chosen(pack, which, r)) {
            if (!lehr_share_owns(pack, r))
                hear(pack->table, r, in);
            in += record;
        }
    return LEHR_OK;
}

lehr_status lehr_share_gather(lehr_pack *pack)
{
    return pack->comm->ranks > 1 ? gather(pack, CHOICE_ALL) : LEHR_OK;
}

static lehr_status gather_floats(lehr_pack *pack, float *x)
{
    const lehr_comm *comm = pack->comm;
    const int64_t row = pack->table->parameters * (int64_t)sizeof *x;
    for (int32_t rank = 0, first, rows; rank < comm->ranks; rank++) {
        lehr_share_rows(pack->table, rank, comm->ranks, &first, &rows);
        LEHR_TRY(
            comm->broadcast(comm, rank, x + (int64_t)first * pack->table->parameters, rows * row));
    }
    return LEHR_OK;
}

lehr_status lehr_share_gather_weights(lehr_pack *pack)
{
    if (pack->comm->ranks == 1)
        return LEHR_OK;
    LEHR_TRY(gather_floats(pack, pack->table->theta));
    return gather_floats(pack, pack->table->best);
}

/* ---- Slices ------------------------------------------------------------------------------------ */

/* Copies that nobody owns whole, by everybody. */
static void settle_cut(lehr_pack *pack, uint64_t scan)
{
    const lehr_table *t = pack->table;
    for (int32_t i = 0; i < t->group_count; i++) {
        const lehr_group *g = &t->group[i];
        for (int32_t copy = 0; lehr_settles(g, scan) && copy < g->copies; copy++)
            if (pack->cut[g->first_row + copy * g->rungs])
                lehr_settle_copy(t, g, scan, copy, t->energy);
    }
}

static bool settles_cut(const lehr_pack *pack, uint64_t scan)
{
    for (int32_t r = 0; r < pack->table->rows; r++)
        if (pack->cut[r] && lehr_settles(group_of(pack->table, r), scan))
            return true;
    return false;
}

lehr_status lehr_share_slice(lehr_pack *pack, uint64_t scan, uint64_t end)
{
    if (!pack->any_cut)
        return pack->backend->slice(pack->state, scan, end - scan);
    while (scan < end) {
        const uint64_t next = lehr_stretch_end(pack->table, scan, end);
        LEHR_TRY(pack->backend->slice(pack->state, scan, next - scan));
        if (settles_cut(pack, next - 1)) {
            LEHR_TRY(pack->backend->pull_labels(pack->state));
            LEHR_TRY(gather(pack, CHOICE_CUT));
            settle_cut(pack, next - 1);
            LEHR_TRY(pack->backend->push_labels(pack->state));
        }
        scan = next;
    }
    return LEHR_OK;
}

/* ---- The best ---------------------------------------------------------------------------------- */

/* What a rank has found at an observation. */
typedef struct finding {
    double loss, energy;
    int64_t scan;
    int64_t changed;
} finding;

static bool is_better(const finding *a, const finding *b)
{
    if (!a->changed || !b->changed)
        return a->changed && !b->changed;
    return a->loss < b->loss || (a->loss == b->loss && a->energy < b->energy);
}

lehr_status lehr_share_best(lehr_run *run, bool changed)
{
    const lehr_comm *comm = run->pack->comm;
    if (comm->ranks == 1)
        return LEHR_OK;
    finding *all = (void *)run->pack->heard;
    const finding mine = {run->best_loss, run->best_energy, run->best_scan, changed};
    for (int32_t rank = 0; rank < comm->ranks; rank++)
        run->pack->each[rank] = sizeof mine;
    LEHR_TRY(comm->gather(comm, &mine, run->pack->each, all));
    int32_t winner = 0;
    for (int32_t rank = 1; rank < comm->ranks; rank++)
        if (is_better(&all[rank], &all[winner]))
            winner = rank;
    if (!all[winner].changed)
        return LEHR_OK;
    run->best_loss = all[winner].loss;
    run->best_energy = all[winner].energy;
    run->best_scan = all[winner].scan;
    return comm->broadcast(comm, winner, run->best,
                           run->pack->table->parameters * (int64_t)sizeof *run->best);
}
