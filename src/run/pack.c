/* pack.c: several runs as one: a stand-in that moves them one after another. */
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "run/run.h"

struct lehr_pack {
    lehr_run **run;
    int32_t count;
};

lehr_status lehr_pack_create(const lehr_run_spec *specs, int32_t count,
                             const lehr_objective *objective, lehr_pack **out)
{
    lehr_pack *pack = NULL;
    LEHR_TRY(LEHR_NEW(pack, 1, "pack"));
    lehr_status status = LEHR_NEW(pack->run, (size_t)count, "pack");
    for (; status == LEHR_OK && pack->count < count; pack->count++) {
        status = lehr_run_create(&specs[pack->count], objective, &pack->run[pack->count]);
        if (status != LEHR_OK)
            break;
    }
    if (status == LEHR_OK)
        *out = pack;
    else
        lehr_pack_destroy(&pack);
    return status;
}

void lehr_pack_destroy(lehr_pack **pack)
{
    if (!*pack)
        return;
    for (int32_t i = 0; i < (*pack)->count; i++)
        lehr_run_destroy(&(*pack)->run[i]);
    LEHR_FREE((*pack)->run);
    LEHR_FREE(*pack);
}

int32_t lehr_pack_count(const lehr_pack *pack)
{
    return pack->count;
}

lehr_run *lehr_pack_run(lehr_pack *pack, int32_t index)
{
    return pack->run[index];
}

lehr_status lehr_pack_advance(lehr_pack *pack, int64_t scans, bool *moving)
{
    int64_t least = INT64_MAX;
    *moving = false;
    for (int32_t i = 0; i < pack->count; i++)
        if (pack->run[i]->stop == LEHR_STOP_NONE && pack->run[i]->scan < least)
            least = pack->run[i]->scan;
    for (int32_t i = 0; i < pack->count; i++) {
        lehr_run *run = pack->run[i];
        lehr_stop stop;
        if (run->stop == LEHR_STOP_NONE && run->scan == least)
            LEHR_TRY(lehr_run_advance(run, scans, &stop));
        *moving |= run->stop == LEHR_STOP_NONE;
    }
    return LEHR_OK;
}

void lehr_pack_interrupt(lehr_pack *pack)
{
    for (int32_t i = 0; i < pack->count; i++)
        lehr_run_interrupt(pack->run[i]);
}

lehr_stop lehr_run_stopped(const lehr_run *run)
{
    return run->stop;
}

void lehr_run_halt(lehr_run *run, lehr_stop why)
{
    run->stop = why;
}

bool lehr_specs_pack(const lehr_run_spec *a, const lehr_run_spec *b)
{
    if (a->method != b->method || a->move_count != b->move_count || a->batch.points || b->batch.points)
        return false;
    for (int32_t m = 0; m < a->move_count; m++)
        if (a->moves[m].kind != b->moves[m].kind || a->moves[m].scope != b->moves[m].scope)
            return false;
    return a->numerics == b->numerics && a->threads == b->threads && strcmp(a->backend, b->backend) == 0 &&
           a->keep_activations == b->keep_activations && a->early_rejection == b->early_rejection &&
           a->delayed_acceptance == b->delayed_acceptance;
}
