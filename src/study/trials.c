/* trials.c: from the numbers of a sweep to trials that are known to run.
 *
 * Data are read once for all trials that share them, and one at a time. */
#define _DEFAULT_SOURCE

#include "study/trials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/prune.h"

/* A launch takes so many rows for each thread of the CPU, or multiprocessor of a GPU: enough that all of them
 * have work to the end of a slice, few enough that a killed worker loses little and others find work. */
enum { ROWS_PER_UNIT = 256 };

/* ---- What trials have in common -------------------------------------------------------------- */

typedef enum common { COMMON_DATA, COMMON_OBJECTIVE } common;

static bool belongs(const char *name, common what)
{
    static const char *const sections[] = {"network.", "loss.", "prior."};
    if (strncmp(name, "data.batch.", 11) == 0)
        return false;
    if (strncmp(name, "data.", 5) == 0)
        return true;
    for (size_t i = 0; what == COMMON_OBJECTIVE && i < sizeof sections / sizeof *sections; i++)
        if (strncmp(name, sections[i], strlen(sections[i])) == 0)
            return true;
    return false;
}

/* The keys that decide about data, or data and energy, one a line. */
static lehr_status print_common(const lehr_config *config, common what, lehr_text *out)
{
    const lehr_config_draft draft = lehr_config_draft_of(config);
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const lehr_config_key *key = &lehr_config_keys[i];
        if (!belongs(key->name, what))
            continue;
        LEHR_TRY(lehr_config_value_print(key, 0, &draft, LEHR_STYLE_JSON, out));
        lehr_text_add(out, "\n");
    }
    LEHR_CHECK(!out->failed, LEHR_ERR_MEMORY, "out of memory for the trials");
    return LEHR_OK;
}

static lehr_status grow(void **list, int32_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return LEHR_OK;
    return lehr_memory_grow(count > 0 ? 2 * (size_t)count : 1, size, "the trials", list);
}

static lehr_status find_data(lehr_trials *t, const lehr_config *config, int32_t *out)
{
    lehr_text text = {0};
    lehr_status status = print_common(config, COMMON_DATA, &text);
    for (*out = 0; status == LEHR_OK && *out < t->datas; ++*out)
        if (strcmp(t->data[*out], text.data) == 0)
            break;
    if (status == LEHR_OK && *out == t->datas) {
        void *list = t->data;
        status = grow(&list, t->datas, sizeof *t->data);
        t->data = list;
        if (status == LEHR_OK) {
            t->data[t->datas++] = text.data;
            return LEHR_OK;
        }
    }
    lehr_text_free(&text);
    return status;
}

static bool same_shape(const lehr_shape *shape, const char *text, uint64_t hash,
                       const lehr_run_spec *spec)
{
    return shape->hash == hash && strcmp(shape->text, text) == 0 &&
           lehr_specs_pack(&shape->spec, spec);
}

/* Takes the text over. */
static lehr_status add_shape(lehr_trials *t, char *text, uint64_t hash, const lehr_run_spec *spec)
{
    void *list = t->shape;
    LEHR_TRY(grow(&list, t->shapes, sizeof *t->shape));
    t->shape = list;
    t->shape[t->shapes++] = (lehr_shape){text, hash, *spec};
    return LEHR_OK;
}

static lehr_status find_shape(lehr_trials *t, const lehr_config *config, lehr_trial *trial)
{
    lehr_text text = {0};
    lehr_status status = print_common(config, COMMON_OBJECTIVE, &text);
    const uint64_t hash = status == LEHR_OK ? lehr_hash(LEHR_HASH_START, text.data, text.length)
                                            : 0;
    trial->alone = config->init_from[0] != '\0' || config->run.batch.points > 0;
    trial->shape = trial->alone ? t->shapes : 0;
    while (status == LEHR_OK && trial->shape < t->shapes &&
           !same_shape(&t->shape[trial->shape], text.data, hash, &config->run))
        trial->shape++;
    if (status == LEHR_OK && trial->shape == t->shapes) {
        status = add_shape(t, text.data, hash, &config->run);
        if (status == LEHR_OK)
            return LEHR_OK;
    }
    lehr_text_free(&text);
    return status;
}

/* ---- First pass: configs --------------------------------------------------------------------- */

static lehr_status add_trial(lehr_trials *t, int64_t number)
{
    lehr_config config;
    LEHR_TRY(lehr_sweep_config(t->sweep, number, &config));
    lehr_trial *trial = &t->trial[t->count];
    trial->number = number;
    LEHR_TRY(find_data(t, &config, &trial->data));
    t->count++;
    return LEHR_OK;
}

/* An exclusion that drops nothing is a mistake, unless values are drawn. */
static lehr_status check_exclusions(const lehr_sweep *s)
{
    for (int32_t e = 0; s->mode != LEHR_SWEEP_RANDOM && e < s->exclusions; e++)
        if (!s->exclusion[e].matched)
            return lehr_sweep_blame(s, s->exclusion[e].place,
                                    lehr_fail(LEHR_ERR_ARG, "this excludes no trial"));
    return LEHR_OK;
}

static lehr_status read_configs(lehr_trials *t, int64_t numbers)
{
    lehr_sweep *s = t->sweep;
    LEHR_TRY(LEHR_NEW(t->trial, (size_t)numbers + 1, "the trials"));
    int64_t kept = 0;
    for (int64_t n = 0; n < numbers; n++)
        if (lehr_sweep_excludes(s, n))
            t->excluded++;
        else
            t->trial[kept++].number = n;
    LEHR_TRY(check_exclusions(s));
    LEHR_CHECK(kept > 0, LEHR_ERR_ARG, "%s:1:1: every trial is excluded", s->file);
    LEHR_CHECK(kept <= s->most, LEHR_ERR_ARG, "%s:1:1: %lld trials, but limits.trials is %lld",
               s->file, (long long)kept, (long long)s->most);
    for (int64_t i = 0; i < kept; i++)
        LEHR_TRY(add_trial(t, t->trial[i].number));
    return LEHR_OK;
}

/* ---- Second pass: data ----------------------------------------------------------------------- */

static lehr_status blame_trial(const lehr_trials *t, const lehr_trial *trial, lehr_status status)
{
    lehr_text text = {0};
    lehr_sweep_describe(t->sweep, trial->number, &text);
    if (!text.failed)
        status = lehr_fail_prefix(status, "%s:1:1: trial %lld (%s): ", t->sweep->file,
                                  (long long)trial->number, text.data);
    lehr_text_free(&text);
    return status;
}

static void keep_device(lehr_trials *t, const lehr_plan *plan)
{
    const int64_t host = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    const int64_t rows = (int64_t)plan->units * plan->devices * ROWS_PER_UNIT;
    lehr_text_copy(t->backend, sizeof t->backend, plan->backend);
    lehr_text_copy(t->device, sizeof t->device, plan->device);
    lehr_text_copy(t->notice, sizeof t->notice, plan->notice);
    t->rows_most = rows < INT32_MAX ? (int32_t)rows : INT32_MAX;
    t->bytes_most = plan->device_bytes > 0 ? plan->free_bytes / 2 : host / 2;
}

static void keep_plan(lehr_trials *t, const lehr_plan *plan, lehr_trial *trial)
{
    trial->rows = plan->rows;
    trial->parameters = plan->parameters;
    trial->scans = plan->scans;
    trial->bytes = plan->device_bytes > 0 ? plan->device_bytes
                                          : plan->table_bytes + plan->host_bytes;
    trial->work = (double)plan->multiply_adds * (double)plan->scans * plan->rows;
    if (t->rows_most == 0)
        keep_device(t, plan);
}

static lehr_status plan_trial(lehr_trials *t, lehr_trial *trial, const lehr_config *config,
                              const lehr_dataset *dataset)
{
    lehr_objective *objective = NULL;
    lehr_plan plan;
    LEHR_TRY(lehr_config_id(config, lehr_dataset_describe(dataset).hash, trial->id));
    LEHR_TRY(find_shape(t, config, trial));
    LEHR_TRY(lehr_objective_create(&config->network, &config->loss, &config->prior, dataset,
                                   &objective));
    const lehr_status status = lehr_run_plan(&config->run, objective, &plan);
    lehr_objective_destroy(&objective);
    LEHR_TRY(status);
    keep_plan(t, &plan, trial);
    return lehr_prune_check(&t->sweep->prune, config, trial->scans);
}

/* All trials of one set of data. */
static lehr_status plan_data(lehr_trials *t, int32_t data)
{
    lehr_dataset *dataset = NULL;
    lehr_status status = LEHR_OK;
    lehr_config config;
    for (int32_t i = 0; status == LEHR_OK && i < t->count; i++) {
        lehr_trial *trial = &t->trial[i];
        if (trial->data != data)
            continue;
        status = lehr_sweep_config(t->sweep, trial->number, &config);
        if (status != LEHR_OK)
            break;
        if (dataset == NULL)
            status = lehr_dataset_create(&config.data, &dataset);
        if (status == LEHR_OK)
            status = plan_trial(t, trial, &config, dataset);
        if (status != LEHR_OK)
            status = blame_trial(t, trial, status);
    }
    lehr_dataset_destroy(&dataset);
    return status;
}

/* ---- Twins ----------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
    const lehr_trial *const *x = a, *const *y = b;
    const int order = strcmp((*x)->id, (*y)->id);
    return order != 0 ? order : (*x)->number < (*y)->number ? -1 : (*x)->number > (*y)->number;
}

/* Of trials with one id the first stays. */
static lehr_status drop_twins(lehr_trials *t)
{
    lehr_trial **sorted = NULL;
    LEHR_TRY(LEHR_NEW(sorted, (size_t)t->count, "the trials"));
    for (int32_t i = 0; i < t->count; i++)
        sorted[i] = &t->trial[i];
    qsort(sorted, (size_t)t->count, sizeof *sorted, by_id);
    for (int32_t i = t->count - 1; i > 0; i--)
        if (strcmp(sorted[i]->id, sorted[i - 1]->id) == 0)
            sorted[i]->number = -1;
    LEHR_FREE(sorted);
    const int32_t all = t->count;
    t->count = 0;
    for (int32_t i = 0; i < all; i++)
        if (t->trial[i].number >= 0)
            t->trial[t->count++] = t->trial[i];
    t->repeated = all - t->count;
    return LEHR_OK;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static lehr_status plan(lehr_trials *t)
{
    int64_t numbers;
    LEHR_TRY(lehr_sweep_count(t->sweep, &numbers));
    LEHR_TRY(read_configs(t, numbers));
    for (int32_t data = 0; data < t->datas; data++)
        LEHR_TRY(plan_data(t, data));
    return drop_twins(t);
}

lehr_status lehr_trials_plan(lehr_sweep *sweep, lehr_trials **out)
{
    lehr_trials *trials = NULL;
    LEHR_TRY(LEHR_NEW(trials, 1, "the trials"));
    trials->sweep = sweep;
    const lehr_status status = plan(trials);
    if (status == LEHR_OK)
        *out = trials;
    else
        lehr_trials_destroy(&trials);
    return status;
}

void lehr_trials_destroy(lehr_trials **trials)
{
    if (trials == NULL || *trials == NULL)
        return;
    for (int32_t i = 0; i < (*trials)->datas; i++)
        LEHR_FREE((*trials)->data[i]);
    for (int32_t i = 0; i < (*trials)->shapes; i++)
        LEHR_FREE((*trials)->shape[i].text);
    LEHR_FREE((*trials)->data);
    LEHR_FREE((*trials)->shape);
    LEHR_FREE((*trials)->trial);
    LEHR_FREE(*trials);
}

bool lehr_trials_fit(const lehr_trials *t, const lehr_trial *first, int64_t rows, int64_t bytes,
                     const lehr_trial *next)
{
    return next->shape == first->shape && !first->alone && rows + next->rows <= t->rows_most &&
           bytes + next->bytes <= t->bytes_most;
}

/* ---- Prediction ------------------------------------------------------------------------------ */

static double measure(const lehr_config *config, const lehr_objective *objective, double seconds)
{
    lehr_run *run = NULL;
    lehr_stop stop = LEHR_STOP_NONE;
    lehr_run_summary summary = {0};
    lehr_run_spec spec = config->run;
    spec.stop.wall_s = seconds;
    if (lehr_run_create(&spec, objective, &run) != LEHR_OK)
        return 0;
    while (stop == LEHR_STOP_NONE && lehr_run_advance(run, 0, &stop) == LEHR_OK)
        ;
    const bool done = stop != LEHR_STOP_NONE && lehr_run_summarize(run, &summary) == LEHR_OK;
    lehr_run_destroy(&run);
    return done && summary.wall_s > 0 ? (double)summary.proposals / summary.wall_s : 0;
}

double lehr_trials_rate(const lehr_trials *trials, int32_t index, double seconds)
{
    lehr_config config;
    lehr_dataset *dataset = NULL;
    lehr_objective *objective = NULL;
    double rate = 0;
    if (lehr_sweep_config(trials->sweep, trials->trial[index].number, &config) == LEHR_OK &&
        lehr_dataset_create(&config.data, &dataset) == LEHR_OK &&
        lehr_objective_create(&config.network, &config.loss, &config.prior, dataset, &objective) ==
            LEHR_OK)
        rate = measure(&config, objective, seconds);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&dataset);
    return rate;
}
