/* pruned.c: what a crate holds of a trial becomes the trial's own: events, trace, and how far it came. */
#include "study/pruned.h"

#include "base/status.h"
#include "study/save.h"

lehr_past lehr_trial_past(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                          int64_t scan)
{
    char path[LEHR_PATH_MAX];
    lehr_past past = {.scan = scan};
    const bool ended = look->state == LEHR_TRIAL_FAILED || look->state == LEHR_TRIAL_PRUNED;
    if (look->state != LEHR_TRIAL_PENDING && !ended &&
        lehr_path_join(yard->trials.path, id, path) == LEHR_OK)
        (void)lehr_store_look_back(path, &past);
    past.scan = scan;
    return past;
}

/* Files that are whole have been kept; the other lines stand in the checkpoint. */
static lehr_status write_trace(const lehr_trial *trial, const lehr_source *source,
                               const lehr_dir *dir)
{
    char prefix[LEHR_RUN_ID_BYTES + 1];
    lehr_lengths lengths;
    lehr_trace *trace = NULL;
    lehr_crate_prefix(trial->id, prefix);
    if (!lehr_source_has(source, trial->id))
        return LEHR_OK;
    LEHR_TRY(lehr_saved_lengths(source->checkpoint, prefix, &lengths));
    if (lengths.every == 0)
        return LEHR_OK;
    LEHR_TRY(lehr_trace_create(dir, trial->rows, &trace));
    lehr_status status = lehr_trace_rewind(
        trace, lengths.files, lehr_checkpoint_find(source->checkpoint, prefix, "trace"));
    if (status == LEHR_OK)
        status = lehr_trace_flush(trace);
    lehr_trace_destroy(&trace);
    return status;
}

static lehr_status write_end(const lehr_trial *trial, const lehr_source *source, lehr_store *store)
{
    if (source != NULL && source->whole)
        LEHR_TRY(write_trace(trial, source, lehr_store_dir(store)));
    return lehr_store_end(store, lehr_trial_state_name(LEHR_TRIAL_PRUNED));
}

/* The lengths that it was begun with, whatever the sweep says now. */
static lehr_status make_config(const lehr_trials *trials, const lehr_trial *trial,
                               const lehr_source *source, lehr_config *config)
{
    char prefix[LEHR_RUN_ID_BYTES + 1];
    lehr_lengths lengths;
    LEHR_TRY(lehr_sweep_config(trials->sweep, trial->number, config));
    if (source == NULL || !source->whole || !lehr_source_has(source, trial->id))
        return LEHR_OK;
    lehr_crate_prefix(trial->id, prefix);
    LEHR_TRY(lehr_saved_lengths(source->checkpoint, prefix, &lengths));
    config->run.observe = lengths.observe;
    config->trace_energy = lengths.every;
    return LEHR_OK;
}

lehr_status lehr_pruned_end(const lehr_trials *trials, int32_t index, const lehr_trial_look *look,
                            lehr_shelf *shelf, bool *taken)
{
    const lehr_trial *trial = &trials->trial[index];
    lehr_config config;
    lehr_dir dir = {.fd = -1};
    lehr_store *store = NULL;
    lehr_source *source = NULL;
    if (look->pack[0] != '\0')
        LEHR_TRY(lehr_shelf_read(shelf, look->pack, &source));
    LEHR_TRY(make_config(trials, trial, source, &config));
    const lehr_past past = lehr_trial_past(shelf->yard, trial->id, look,
                                           source != NULL && source->whole ? source->scan : -1);
    LEHR_TRY(lehr_trial_take(shelf->yard, trial->id, look, &dir, taken));
    if (!*taken)
        return LEHR_OK;
    const lehr_store_spec spec = {.config = &config,
                                  .id = trial->id,
                                  .job = shelf->yard->job,
                                  .dir = &dir,
                                  .past = &past,
                                  .journal = source != NULL ? source->journal : NULL};
    lehr_status status = lehr_store_enter(&spec, &store);
    if (status == LEHR_OK)
        status = write_end(trial, source, store);
    lehr_store_destroy(&store);
    return status;
}
