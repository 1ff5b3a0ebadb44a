/* start.c: a trial's crate, and whether it can be gone on from. */
#include "study/start.h"

#include <stdio.h>

#include "base/status.h"

lehr_status lehr_start_find(lehr_shelf *shelf, lehr_prune *prune, int32_t index,
                            lehr_trial_look *look, lehr_start *out)
{
    bool knows = true;
    *out = (lehr_start){.scan = 0};
    look->anew = look->state == LEHR_TRIAL_PRUNED; /* its state went with the others of its pack */
    if (look->pack[0] == '\0' || look->anew)
        return LEHR_OK;
    LEHR_TRY(lehr_shelf_find(shelf, look->pack, &out->source));
    if (out->source->whole && prune != NULL)
        LEHR_TRY(lehr_prune_knows(prune, index, out->source->scan, &knows));
    if (!knows)
        out->lost = "it is saved beyond a stage that it has not reached";
    look->anew = !out->source->whole || !knows;
    out->goes_on = !look->anew;
    out->scan = look->anew ? 0 : out->source->scan;
    return LEHR_OK;
}

lehr_status lehr_start_read(lehr_shelf *shelf, const lehr_trial *trial, const int64_t *at,
                            lehr_trial_look *look, lehr_start *s)
{
    if (s->source == NULL)
        return LEHR_OK;
    if (at != NULL && s->source->scan != *at)
        lehr_source_put_down(s->source); /* memory is for what goes on now */
    if (!s->goes_on || (at != NULL && s->scan != *at))
        return LEHR_OK;
    LEHR_TRY(lehr_shelf_read(shelf, look->pack, &s->source)); /* it may be put down */
    if (s->source->checkpoint == NULL || lehr_source_has(s->source, trial->id))
        return LEHR_OK;
    s->lost = "its pack has not saved it";
    look->anew = true;
    s->goes_on = false;
    s->scan = 0;
    return LEHR_OK;
}

lehr_status lehr_start_lengths(const lehr_sweep *sweep, const lehr_trial *trial,
                               const lehr_start *s, lehr_lengths *kept,
                               char words[LEHR_LENGTHS_WORDS])
{
    char prefix[LEHR_RUN_ID_BYTES + 1];
    lehr_config config;
    words[0] = '\0';
    if (!s->goes_on)
        return LEHR_OK;
    lehr_crate_prefix(trial->id, prefix);
    LEHR_TRY(lehr_saved_lengths(s->source->checkpoint, prefix, kept));
    LEHR_TRY(lehr_sweep_config(sweep, trial->number, &config));
    if (kept->observe != config.run.observe)
        snprintf(words, LEHR_LENGTHS_WORDS, "trial %s: output.observe=%lld, here it is %lld",
                 trial->id, (long long)kept->observe, (long long)config.run.observe);
    else if (kept->every != config.trace_energy)
        snprintf(words, LEHR_LENGTHS_WORDS, "trial %s: output.trace.energy=%lld, here it is %lld",
                 trial->id, (long long)kept->every, (long long)config.trace_energy);
    return LEHR_OK;
}
