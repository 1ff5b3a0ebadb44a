/* worker_world.h: a sweep with its directory, worked on in this process. */
#ifndef TESTS_STUDY_WORKER_WORLD_H
#define TESTS_STUDY_WORKER_WORLD_H

#include <criterion/criterion.h>
#include <jansson.h>

#include "study/ledger.h"
#include "study/scratch.h"
#include "study/worker.h"

static const char base_text[] = "data: {generator: {kind: moons, points: 40, noise: 0.1}}\n"
                                "network: {hidden: [3]}\n"
                                "temperatures: {rungs: 3, min: 1e-3, max: 1e-1, copies: 2}\n"
                                "stop: {scans: 60}\n"
                                "output: {observe: 20}\n"
                                "threads: 2\n"
                                "backend: cpu\n";

/* A sweep and its directory. */
typedef struct world {
    lehr_sweep *sweep;
    lehr_trials *trials;
    lehr_yard yard;
    lehr_worker_spec spec;
} world;

static inline void open_world(world *w, const char *text)
{
    scratch_write("base.yaml", base_text, strlen(base_text));
    scratch_write("s.yaml", text, strlen(text));
    cr_assert_eq(lehr_sweep_load(scratch("s.yaml"), NULL, 0, &w->sweep), LEHR_OK, "%s",
                 lehr_error());
    cr_assert_eq(lehr_trials_plan(w->sweep, &w->trials), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &w->yard), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_ledger_write(w->trials, "s", &w->yard), LEHR_OK, "%s", lehr_error());
    w->spec = (lehr_worker_spec){
        .trials = w->trials, .yard = &w->yard, .shards = 1, .cache_dir = ""};
}

static inline void close_world(world *w)
{
    lehr_yard_close(&w->yard);
    lehr_trials_destroy(&w->trials);
    lehr_sweep_destroy(&w->sweep);
}

/* Nothing has been done yet. */
static inline void forget_work(void)
{
    lehr_dir folder;
    cr_assert_eq(lehr_dir_open(scratch_folder, &folder), LEHR_OK);
    lehr_yard_remove(&folder, "sweep");
    lehr_dir_close(&folder);
    cr_assert_not(scratch_has("sweep"));
}

static inline lehr_tally go(const world *w, lehr_worker_end expected)
{
    lehr_tally tally;
    lehr_worker_end end;
    cr_assert_eq(lehr_worker_go(&w->spec, &end), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(end, expected);
    lehr_worker_count(&w->spec, &tally);
    return tally;
}

/* The state hash of a config's run, alone. */
static inline uint64_t run_alone(const char *path)
{
    lehr_config c;
    lehr_dataset *dataset = NULL;
    lehr_objective *objective = NULL;
    lehr_run *run = NULL;
    lehr_run_summary summary;
    cr_assert_eq(lehr_config_load(path, NULL, 0, &c), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_dataset_create(&c.data, &dataset), LEHR_OK);
    cr_assert_eq(lehr_objective_create(&c.network, &c.loss, &c.prior, dataset, &objective),
                 LEHR_OK);
    cr_assert_eq(lehr_run_create(&c.run, objective, &run), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_run_go(run, NULL, NULL), LEHR_OK);
    cr_assert_eq(lehr_run_summarize(run, &summary), LEHR_OK);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&dataset);
    return summary.state_hash;
}

static inline json_t *read_result(const char *id)
{
    char dir[300];
    json_t *result = NULL;
    snprintf(dir, sizeof dir, "%s/%s", scratch("sweep/trials"), id);
    cr_assert_eq(lehr_result_read(dir, "result.json", &result), LEHR_OK, "%s", lehr_error());
    return result;
}

/* Every trial has the bits that it has alone, and nothing is left of what they kept together. */
static inline void expect_bits(const world *w)
{
    for (int32_t i = 0; i < w->trials->count; i++) {
        char path[300], hash[17];
        const char *id = w->trials->trial[i].id;
        json_t *result = read_result(id);
        snprintf(path, sizeof path, "%s/%s/config.yaml", scratch("sweep/trials"), id);
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)run_alone(path));
        cr_expect_str_eq(json_string_value(json_object_get(result, "state_hash")), hash, "trial %d",
                         i);
        json_decref(result);
    }
    cr_assert_eq(scratch_count("sweep/packs"), 0);
}

#endif
