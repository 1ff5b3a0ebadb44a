/* prune.c: stages, what was reached at them, and who goes on. */
#define _POSIX_C_SOURCE 200809L

#include "study/prune.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/output.h"
#include "study/result.h"

lehr_status lehr_prune_check(const lehr_prune_spec *spec, const lehr_config *config, int64_t scans)
{
    if (spec->min_scans == 0)
        return LEHR_OK;
    LEHR_CHECK(config->run.method == LEHR_METHOD_TEMPERING, LEHR_ERR_ARG,
               "prune is for method tempering: an annealed chain is hot until its end, and says "
               "nothing before");
    LEHR_CHECK(scans > 0, LEHR_ERR_ARG, "prune needs trials of a known length, such as stop.scans");
    LEHR_CHECK(spec->min_scans < scans, LEHR_ERR_ARG,
               "prune.min_scans is %lld, but the trial has only %lld scans",
               (long long)spec->min_scans, (long long)scans);
    LEHR_CHECK(config->run.observe <= spec->min_scans, LEHR_ERR_ARG,
               "prune.min_scans is %lld, before the first observation: output.observe is %lld",
               (long long)spec->min_scans, (long long)config->run.observe);
    return LEHR_OK;
}

/* ---- Making ---------------------------------------------------------------------------------- */

/* min_scans, then eta times as many, as long as the longest trial goes beyond. */
static void fill_stages(lehr_prune *p, const lehr_trials *trials)
{
    const lehr_prune_spec *spec = &trials->sweep->prune;
    int64_t longest = 0;
    for (int32_t i = 0; i < trials->count; i++)
        longest = trials->trial[i].scans > longest ? trials->trial[i].scans : longest;
    p->eta = spec->eta;
    for (int64_t scan = spec->min_scans; scan < longest && p->stages < LEHR_STAGES_MAX;
         scan *= spec->eta)
        p->scan[p->stages++] = scan;
}

static lehr_status open_stages(lehr_prune *p)
{
    lehr_dir rungs = {.fd = -1};
    LEHR_TRY(lehr_dir_enter(&p->yard->dir, "rungs", &rungs));
    lehr_status status = LEHR_OK;
    for (int32_t k = 0; status == LEHR_OK && k < p->stages; k++) {
        char name[24];
        snprintf(name, sizeof name, "%lld", (long long)p->scan[k]);
        status = lehr_dir_enter(&rungs, name, &p->dir[k]);
    }
    lehr_dir_close(&rungs);
    return status;
}

/* Stages go by places in the list, which both sides must mean alike. */
static bool is_list_of(const lehr_ledger *ledger, const lehr_trials *trials)
{
    if (ledger->count != trials->count)
        return false;
    for (int32_t i = 0; i < trials->count; i++)
        if (strcmp(ledger->entry[i].id, trials->trial[i].id) != 0)
            return false;
    return true;
}

static lehr_status fill(lehr_prune *p, const lehr_trials *trials)
{
    const size_t all = (size_t)LEHR_STAGES_MAX * (size_t)trials->count;
    LEHR_TRY(lehr_ledger_read(p->yard, &p->ledger));
    LEHR_CHECK(is_list_of(&p->ledger, trials), LEHR_ERR_EXISTS,
               "%s/sweep.json: another process has put another list of trials there; start again "
               "when it has ended",
               p->yard->dir.path);
    fill_stages(p, trials);
    LEHR_TRY(open_stages(p));
    LEHR_TRY(LEHR_NEW(p->value, all, "the stages of a sweep"));
    LEHR_TRY(LEHR_NEW(p->reached, all, "the stages of a sweep"));
    LEHR_TRY(LEHR_NEW(p->ended, (size_t)p->ledger.points + 1, "the stages of a sweep"));
    LEHR_TRY(lehr_prune_look_back(p));
    return lehr_prune_refresh(p);
}

lehr_status lehr_prune_create(const lehr_trials *trials, const lehr_yard *yard, lehr_prune **out)
{
    lehr_prune *p = NULL;
    *out = NULL;
    if (trials->sweep->prune.min_scans == 0)
        return LEHR_OK;
    LEHR_TRY(LEHR_NEW(p, 1, "the stages of a sweep"));
    p->yard = yard;
    for (int32_t k = 0; k < LEHR_STAGES_MAX; k++)
        p->dir[k].fd = -1;
    const lehr_status status = fill(p, trials);
    if (status == LEHR_OK)
        *out = p;
    else
        lehr_prune_destroy(&p);
    return status;
}

void lehr_prune_destroy(lehr_prune **prune)
{
    if (prune == NULL || *prune == NULL)
        return;
    for (int32_t k = 0; k < LEHR_STAGES_MAX; k++)
        lehr_dir_close(&(*prune)->dir[k]);
    lehr_ledger_free(&(*prune)->ledger);
    LEHR_FREE((*prune)->value);
    LEHR_FREE((*prune)->reached);
    LEHR_FREE((*prune)->ended);
    LEHR_FREE(*prune);
}

/* ---- What was reached ------------------------------------------------------------------------ */

static size_t slot(const lehr_prune *p, int32_t stage, int32_t trial)
{
    return (size_t)stage * (size_t)p->ledger.count + (size_t)trial;
}

/* Does it say something of the metric, be it that there is none? The objective may have been another one. */
static bool says(const lehr_prune *p, const json_t *json)
{
    const json_t *best = json_object_get(json, "best");
    return json_object_get(json_object_get(best, p->ledger.metric.part), p->ledger.metric.name) !=
           NULL;
}

static lehr_reached reached_of(const lehr_prune *p, const json_t *json)
{
    const char *as = json_string_value(json_object_get(json, "as"));
    if (!says(p, json))
        return LEHR_REACHED_NOTHING;
    if (as == NULL)
        return LEHR_REACHED_PASSED;
    return strcmp(as, "failed") == 0 ? LEHR_REACHED_FAILED : LEHR_REACHED_ENDED;
}

/* A file that is damaged is as good as none: it was written last before a power loss. */
static lehr_status read_object(const lehr_prune *p, int32_t stage, int32_t trial, json_t **out)
{
    char path[LEHR_PATH_MAX];
    const char *id = p->ledger.entry[trial].id;
    *out = NULL;
    LEHR_TRY(lehr_path_join(p->dir[stage].path, id, path));
    if (access(path, F_OK) != 0 && errno == ENOENT)
        return LEHR_OK; /* no failure, not even in words */
    const lehr_status status = lehr_result_read(p->dir[stage].path, id, out);
    return status == LEHR_ERR_DATA ? LEHR_OK : status;
}

/* A failure may have been overcome meanwhile. */
static lehr_status read_one(lehr_prune *p, int32_t stage, int32_t trial)
{
    json_t *json = NULL;
    const size_t at = slot(p, stage, trial);
    if (p->reached[at] == LEHR_REACHED_PASSED || p->reached[at] == LEHR_REACHED_ENDED)
        return LEHR_OK;
    LEHR_TRY(read_object(p, stage, trial, &json));
    p->value[at] = lehr_metric_value(&p->ledger.metric, json);
    p->reached[at] = reached_of(p, json);
    json_decref(json);
    return LEHR_OK;
}

lehr_status lehr_prune_knows(lehr_prune *p, int32_t trial, int64_t scan, bool *knows)
{
    *knows = true;
    for (int32_t stage = 0; *knows && stage < p->stages && p->scan[stage] <= scan; stage++) {
        LEHR_TRY(read_one(p, stage, trial));
        *knows = p->reached[slot(p, stage, trial)] != LEHR_REACHED_NOTHING;
    }
    return LEHR_OK;
}

/* The same shape as a result: {"scan": ..., "best": {"validation": {"loss": ...}}}, and with "as" where the trial has not
 * come there. */
static json_t *json_reached(const lehr_prune *p, int32_t stage, lehr_reached as, double value)
{
    json_t *json = json_pack("{s:I, s:{s:{s:o}}}", "scan", (json_int_t)p->scan[stage], "best",
                             p->ledger.metric.part, p->ledger.metric.name, lehr_json_number(value));
    if (as != LEHR_REACHED_PASSED)
        json_object_set_new(json, "as",
                            json_string(as == LEHR_REACHED_FAILED ? "failed" : "ended"));
    return json;
}

static lehr_status write_one(lehr_prune *p, int32_t trial, int32_t stage, lehr_reached as,
                             double value)
{
    LEHR_TRY(read_one(p, stage, trial));
    const lehr_reached before = p->reached[slot(p, stage, trial)];
    if (before != LEHR_REACHED_NOTHING && (before != LEHR_REACHED_FAILED || as == before))
        return LEHR_OK;
    json_t *json = json_reached(p, stage, as, value);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    LEHR_CHECK(text != NULL, LEHR_ERR_MEMORY, "out of memory for a stage");
    const lehr_status status = lehr_output_whole(&p->dir[stage], p->ledger.entry[trial].id, text,
                                                 strlen(text));
    free(text);
    return status == LEHR_OK ? read_one(p, stage, trial) : status; /* what everybody else reads */
}

lehr_status lehr_prune_reach(lehr_prune *p, int32_t trial, int32_t stage, double value)
{
    return write_one(p, trial, stage, LEHR_REACHED_PASSED, value);
}

lehr_status lehr_prune_end(lehr_prune *p, int32_t trial, int64_t scan, double value)
{
    for (int32_t stage = 0; stage < p->stages; stage++)
        LEHR_TRY(write_one(p, trial, stage,
                           p->scan[stage] < scan ? LEHR_REACHED_PASSED : LEHR_REACHED_ENDED,
                           value));
    return LEHR_OK;
}

lehr_status lehr_prune_fail(lehr_prune *p, int32_t trial)
{
    for (int32_t stage = 0; stage < p->stages; stage++)
        LEHR_TRY(write_one(p, trial, stage, LEHR_REACHED_FAILED, NAN));
    return LEHR_OK;
}

/* ---- Who goes on ----------------------------------------------------------------------------- */

/* A point at one stage. */
typedef struct standing {
    double mean; /* smaller is better; infinite where a trial has no figure */
    int32_t point, trials, first;
} standing;

static int by_mean(const void *a, const void *b)
{
    const standing *x = a, *y = b;
    if (x->mean != y->mean)
        return x->mean < y->mean ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Means of the points that have come so far, in order of trials; false: some trial has not reached the stage. */
static bool find_means(const lehr_prune *p, int32_t stage, standing *s)
{
    const double sign = p->ledger.maximize ? -1 : 1;
    for (int32_t i = 0; i < p->ledger.points; i++)
        s[i] = (standing){.point = i};
    for (int32_t i = 0; i < p->ledger.count; i++) {
        standing *mine = &s[p->ledger.entry[i].point];
        const size_t at = slot(p, stage, i);
        if (p->ended[mine->point] < stage)
            continue;
        if (p->reached[at] == LEHR_REACHED_NOTHING)
            return false;
        mine->first = mine->trials++ == 0 ? i : mine->first;
        mine->mean += isnan(p->value[at]) ? (double)INFINITY : sign * p->value[at];
    }
    for (int32_t i = 0; i < p->ledger.points; i++)
        s[i].mean = s[i].trials > 0 ? s[i].mean / s[i].trials : (double)INFINITY;
    return true;
}

/* End all but the best 1/eta of those that have come so far; false: that cannot be said yet. */
static bool decide(lehr_prune *p, int32_t stage, standing *s)
{
    int32_t alive = 0;
    if (!find_means(p, stage, s))
        return false;
    for (int32_t i = 0; i < p->ledger.points; i++)
        if (s[i].trials > 0)
            s[alive++] = s[i];
    qsort(s, (size_t)alive, sizeof *s, by_mean);
    for (int32_t i = (alive + p->eta - 1) / p->eta; i < alive; i++)
        p->ended[s[i].point] = stage;
    return true;
}

/* Of all whose points have come so far. */
static void read_stage(lehr_prune *p, int32_t stage)
{
    for (int32_t i = 0; i < p->ledger.count; i++)
        if (p->ended[p->ledger.entry[i].point] >= stage && read_one(p, stage, i) != LEHR_OK)
            p->unread = true;
}

lehr_status lehr_prune_refresh(lehr_prune *p)
{
    standing *s = NULL;
    LEHR_TRY(LEHR_NEW(s, (size_t)p->ledger.points + 1, "the points of a sweep"));
    for (int32_t i = 0; i < p->ledger.points; i++)
        p->ended[i] = p->stages;
    p->unread = false;
    for (p->decided = 0; p->decided < p->stages; p->decided++) {
        read_stage(p, p->decided);
        if (!decide(p, p->decided, s))
            break;
    }
    LEHR_FREE(s);
    return LEHR_OK;
}

/* Has a trial that stands at a scan come to a stage? */
static bool is_at(const lehr_prune *p, int32_t trial, int32_t stage, int64_t scan)
{
    return stage < p->stages && p->scan[stage] <= scan &&
           p->reached[slot(p, stage, trial)] == LEHR_REACHED_PASSED;
}

lehr_fate lehr_prune_fate(const lehr_prune *p, int32_t trial, int64_t scan)
{
    const int32_t ended = p->ended[p->ledger.entry[trial].point];
    if (ended < p->stages)
        return is_at(p, trial, ended, scan) ? LEHR_FATE_PRUNED : LEHR_FATE_RUNS;
    return is_at(p, trial, p->decided, scan) ? LEHR_FATE_WAITS : LEHR_FATE_RUNS;
}

int64_t lehr_prune_open(const lehr_prune *p)
{
    return p->decided < p->stages ? p->scan[p->decided] : -1;
}

bool lehr_prune_lacks(const lehr_prune *p, int32_t trial)
{
    return p->decided < p->stages && p->ended[p->ledger.entry[trial].point] == p->stages &&
           p->reached[slot(p, p->decided, trial)] == LEHR_REACHED_NOTHING;
}
