/* The directory of a run: where, what is there already, what is left behind. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "study/record.h"
#include "study/result.h"
#include "study/scratch.h"
#include "study/store.h"

TestSuite(store, .init = scratch_make, .fini = scratch_remove);

static const char id[] = "0123456789ab";

/* Put a short text into an array. */
#define set(array, text) cr_assert(lehr_text_copy((array), sizeof(array), (text)))

static lehr_config make_config(void)
{
    lehr_config config = lehr_config_default();
    set(config.name, "test");
    snprintf(config.output_dir, sizeof config.output_dir, "%s/runs", scratch_folder);
    config.data.generator.kind = LEHR_GENERATOR_XOR;
    config.data.validation_fraction = config.data.test_fraction = 0;
    config.network.hidden_count = 1;
    config.network.hidden[0] = 3;
    config.run.stop.scans = 40;
    config.run.observe = 10;
    config.run.ladder.rungs = 3;
    config.run.threads = 1;
    return config;
}

/* ---- Places ---------------------------------------------------------------------------------- */

Test(store, has_its_place_below_the_output_directory_or_where_it_is_told)
{
    lehr_config config = make_config();
    char path[LEHR_PATH_MAX];
    set(config.output_dir, "out");
    cr_assert_eq(lehr_store_place(&config, id, "", path), LEHR_OK);
    cr_assert_str_eq(path, "out/test/0123456789ab");
    cr_assert_eq(lehr_store_place(&config, id, "a/b//", path), LEHR_OK);
    cr_assert_str_eq(path, "a/b");
    cr_assert_eq(lehr_store_place(&config, id, "/", path), LEHR_ERR_ARG);

    static const char *const bad[] = {"..", ".", "", "a/b", "/etc", "a\nb"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set(config.name, bad[i]);
        cr_assert_eq(lehr_store_place(&config, id, "", path), LEHR_ERR_ARG, "'%s'", bad[i]);
    }
}

Test(store, follows_no_symbolic_link_that_a_config_names)
{
    lehr_config config = make_config();
    char path[LEHR_PATH_MAX];
    lehr_store *store = NULL;
    cr_assert_eq(mkdir(scratch("elsewhere"), 0755), 0);
    cr_assert_eq(mkdir(scratch("runs"), 0755), 0);
    cr_assert_eq(symlink("../elsewhere", scratch("runs/test")), 0);
    cr_assert_eq(lehr_store_place(&config, id, "", path), LEHR_OK);
    const lehr_store_spec spec = {&config, id, path, "", false, NULL, NULL, NULL};
    cr_assert_eq(lehr_store_create(&spec, &store), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), "symbolic link"), "%s", lehr_error());
    cr_assert_eq(lehr_store_reopen(&spec, &store), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), "symbolic link"), "%s", lehr_error());
    cr_assert_eq(scratch_count("elsewhere"), 0);
}

/* What is found at `run` with this status: nothing that could be read as a result. */
static void expect_found(const char *status, lehr_status expected, const char *says)
{
    const lehr_config config = make_config();
    json_t *result = NULL;
    lehr_found found;
    if (status != NULL)
        scratch_write("run/status.json", status, strlen(status));
    cr_assert_eq(lehr_store_find(scratch("run"), &config, id, &found, &result), expected, "%s: %s",
                 status, lehr_error());
    cr_assert_null(result);
    if (expected == LEHR_OK)
        cr_assert_eq(found, LEHR_FOUND_UNFINISHED, "%s", status);
    else
        cr_assert(strstr(lehr_error(), says), "%s: %s", status, lehr_error());
}

Test(store, finds_only_its_own_run)
{
    const lehr_config config = make_config();
    json_t *result = NULL;
    lehr_found found;
    cr_assert_eq(lehr_store_find(scratch("run"), &config, id, &found, &result), LEHR_OK);
    cr_assert(found == LEHR_FOUND_NOTHING && result == NULL);
    cr_assert_eq(lehr_store_refuse(scratch("run")), LEHR_OK);

    cr_assert_eq(mkdir(scratch("run"), 0755), 0);
    cr_assert_eq(lehr_store_refuse(scratch("run")), LEHR_ERR_EXISTS);
    expect_found(NULL, LEHR_ERR_EXISTS, "not the directory of a run");
    expect_found("{", LEHR_ERR_EXISTS, "not the directory of a run");
    expect_found("[]", LEHR_ERR_EXISTS, "not the directory of a run");
    expect_found("{}", LEHR_ERR_EXISTS, "of another config");
    expect_found("{\"id\":\"ba9876543210\",\"state\":\"done\"}", LEHR_ERR_EXISTS,
                 "'ba9876543210' of another");
    expect_found("{\"id\":\"0123456789ab\",\"state\":\"running\"}", LEHR_OK, NULL);
    expect_found("{\"id\":\"0123456789ab\",\"state\":\"failed\"}", LEHR_OK, NULL);
    expect_found("{\"id\":\"0123456789ab\",\"state\":\"checkpointed\"}", LEHR_OK, NULL);
    expect_found("{\"id\":\"0123456789ab\",\"state\":\"done\"}", LEHR_ERR_IO, "result.json");
    scratch_write("run/result.json", "{\"stop\":\"scans\"}", 16);
    cr_assert_eq(lehr_store_find(scratch("run"), &config, id, &found, &result), LEHR_OK, "%s",
                 lehr_error());
    cr_assert_eq(found, LEHR_FOUND_RESULT);
    cr_assert_str_eq(lehr_result_stop(result), "scans");
    json_decref(result);
    cr_assert_eq(symlink("nowhere", scratch("link")), 0);
    cr_assert_eq(lehr_store_refuse(scratch("link")), LEHR_ERR_EXISTS);
}

/* One key at a time; of several the first in the order of a config file. */
Test(store, of_another_config_names_the_key)
{
    lehr_config there = make_config();
    char *text = NULL;
    cr_assert_eq(lehr_config_write(&there, &text), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(mkdir(scratch("run"), 0755), 0);
    scratch_write("run/config.yaml", text, strlen(text));
    free(text);
    static const char status[] = "{\"id\":\"ba9876543210\",\"state\":\"running\"}";
    scratch_write("run/status.json", status, sizeof status - 1);
    static const char *const says[] = {"seed is 1 there and 7 here",
                                       "network.hidden is [3] there",
                                       "temperatures.rungs is 3 there and 4 here",
                                       "moves.1.weight is 0.5 there and 2 here",
                                       "there are 2 moves there and 1 here",
                                       "the content of its data"};
    for (int i = 0; i < 6; i++) {
        lehr_config here = there;
        json_t *result = NULL;
        lehr_found found;
        here.run.seed = i == 0 ? 7 : 1;
        here.network.hidden[0] = i == 1 ? 5 : 3;
        here.run.ladder.rungs = i == 2 ? 4 : 3;
        here.run.moves[1].weight = i == 3 ? 2 : 0.5;
        here.run.move_count = i == 4 ? 1 : 2;
        here.checkpoint_s = 3; /* not part of the identity */
        cr_assert_eq(lehr_store_find(scratch("run"), &here, id, &found, &result), LEHR_ERR_EXISTS);
        cr_assert(strstr(lehr_error(), says[i]), "%d: %s", i, lehr_error());
    }
}

/* ---- Files ----------------------------------------------------------------------------------- */

Test(store, that_cannot_write_fails_before_the_run_and_takes_its_files_back)
{
    const lehr_config config = make_config();
    lehr_store *store = NULL;
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {64, 64};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const lehr_store_spec spec = {&config, id, scratch("run"), "", false, NULL, NULL, NULL};
    cr_assert_eq(lehr_store_create(&spec, &store), LEHR_ERR_IO);
    cr_assert_null(store);
    cr_assert(strstr(lehr_error(), "run/"), "%s", lehr_error());
    cr_assert_eq(scratch_count("."), 0);
}

Test(store, is_claimed_by_one_run_only)
{
    const lehr_config config = make_config();
    lehr_store *first = NULL, *second = NULL;
    const lehr_store_spec spec = {&config, id, scratch("run"), "", false, NULL, NULL, NULL};
    cr_assert_eq(lehr_store_create(&spec, &first), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_store_create(&spec, &second), LEHR_ERR_EXISTS);
    cr_assert_eq(scratch_count("."), 1, "of the second nothing is left");
    cr_assert_eq(lehr_store_reopen(&spec, &second), LEHR_ERR_EXISTS);
    cr_assert(strstr(lehr_error(), "run is in use by process"), "%s", lehr_error());
    cr_assert(strstr(scratch_read("run/status.json"), "\"running\""));
    cr_assert(scratch_has("run/config.yaml"));
    lehr_store_fail(first, "it \xff broke");
    cr_assert(strstr(scratch_read("run/status.json"), "\"it ? broke\""));
    cr_assert(strstr(scratch_read("run/status.json"), "\"failed\""));
    lehr_store_destroy(&first);
    lehr_store_destroy(&first);
}

/* Everything that one small run needs. */
typedef struct world {
    lehr_config config;
    lehr_dataset *dataset;
    lehr_objective *objective;
    lehr_run *run;
    lehr_model *model;
    lehr_store *store;
    lehr_recorder *recorder;
    lehr_look_fn look;
    void *data;
} world;

/* A run and, in its directory, a store of it: a new one, or the one that is there. */
static void open_world(world *w)
{
    lehr_config *c = &w->config;
    if (c->name[0] == '\0')
        *c = make_config();
    cr_assert_eq(lehr_dataset_create(&c->data, &w->dataset), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_objective_create(&c->network, &c->loss, &c->prior, w->dataset, &w->objective),
                 LEHR_OK);
    cr_assert_eq(lehr_run_create(&c->run, w->objective, &w->run), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_model_create(w->objective, &w->model), LEHR_OK, "%s", lehr_error());
    const lehr_store_spec spec = {c, id, scratch("run"), "", false, NULL, NULL, NULL};
    lehr_status (*open)(const lehr_store_spec *,
                        lehr_store **) = scratch_has("run") ? lehr_store_reopen : lehr_store_create;
    cr_assert_eq(open(&spec, &w->store), LEHR_OK, "%s", lehr_error());
}

/* Run it to its end, or to where `look` leaves it: was it the end? */
static lehr_status record(world *w, bool *ended)
{
    const lehr_record_spec spec = {&w->config, id, 1, w->look, w->data, false};
    const bool again = scratch_has("run/ckpt");
    bool found = false;
    lehr_text notice = {0};
    lehr_status status = lehr_recorder_create(w->store, w->run, &spec, &w->recorder);
    if (status == LEHR_OK && again)
        status = lehr_recorder_resume(w->recorder, &found, &notice);
    cr_assert_eq(notice.length, 0, "%s", notice.data);
    return status == LEHR_OK ? lehr_recorder_go(w->recorder, ended) : status;
}

static void close_world(world *w)
{
    lehr_recorder_destroy(&w->recorder);
    lehr_store_destroy(&w->store);
    lehr_model_destroy(&w->model);
    lehr_run_destroy(&w->run);
    lehr_objective_destroy(&w->objective);
    lehr_dataset_destroy(&w->dataset);
}

static json_t *finish_world(world *w)
{
    json_t *result = NULL;
    const lehr_result_about about = {&w->config, id, "here", lehr_store_saves(w->store)};
    cr_assert_eq(lehr_run_best(w->run, w->model->theta), LEHR_OK);
    cr_assert_eq(lehr_result_make(w->run, &about, &result), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_store_finish(w->store, w->model, result), LEHR_OK, "%s", lehr_error());
    return result;
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

Test(store, holds_a_whole_run)
{
    world w = {.config = make_config()};
    lehr_found found;
    bool ended = false;
    w.config.trace_energy = 7;
    open_world(&w);
    cr_assert_eq(record(&w, &ended), LEHR_OK, "%s", lehr_error());
    cr_assert(ended);
    json_t *result = finish_world(&w), *again = NULL;

    cr_assert_eq(count_lines(scratch_read("run/events.jsonl")), 5, "scans 0, 10, 20, 30, 40");
    cr_assert(strstr(scratch_read("run/status.json"), "\"done\""));
    cr_assert_eq(scratch_count("run"), 8);
    cr_assert_eq(lehr_store_find(scratch("run"), &w.config, id, &found, &again), LEHR_OK);
    cr_assert_eq(json_equal(result, again), 1);
    static const char *const keys[] = {
        "stop",     "scans",     "proposals",  "wall_s",  "proposals_per_s", "best",     "moves",
        "exchange", "nonfinite", "state_hash", "backend", "device",          "numerics", "threads",
        "ranks",    "seed",      "version",    "commit",  "parameters",      "rows",     "rungs",
        "copies",   "id",        "name",       "dir",     "checkpoints",     "gpus"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        cr_assert_not_null(json_object_get(result, keys[i]), "%s", keys[i]);
    cr_assert(json_is_null(json_object_get(json_object_get(result, "best"), "test")));
    cr_assert_eq(json_array_size(json_object_get(result, "moves")), 2 * 3);
    cr_assert_eq(strlen(json_string_value(json_object_get(result, "state_hash"))), 16);

    lehr_text table = {0};
    lehr_result_table(result, &table);
    cr_assert(strstr(table.data, "scans after 40 scans of 6 rows"), "%s", table.data);
    lehr_text_free(&table);
    json_decref(result);
    json_decref(again);
    close_world(&w);
}

/* EXACT: the trace cuts slices elsewhere; the run must not notice. */
Test(store, traces_energies_without_changing_the_run)
{
    uint64_t hash[2];
    for (int traced = 0; traced < 2; traced++) {
        world w = {.config = make_config()};
        lehr_run_summary summary;
        bool ended;
        w.config.trace_energy = traced ? 7 : 0;
        open_world(&w);
        cr_assert_eq(record(&w, &ended), LEHR_OK);
        cr_assert_eq(lehr_run_summarize(w.run, &summary), LEHR_OK);
        hash[traced] = summary.state_hash;
        close_world(&w);
        cr_assert_eq(scratch_has("run/trace"), traced);
        if (!traced)
            cr_assert_eq(rename(scratch("run"), scratch("plain")), 0);
    }
    cr_assert_eq(hash[0], hash[1]);

    FILE *file = fopen(scratch("run/trace/energy-000000.npy"), "rb");
    char header[129] = {0};
    double line[5][7];
    cr_assert_eq(fread(header, 1, 128, file), 128);
    cr_assert(strstr(header + 10, "'shape': (5, 7), }"), "%s", header + 10);
    cr_assert_eq(fread(line, sizeof line, 1, file), 1);
    cr_assert_eq(fgetc(file), EOF);
    fclose(file);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(line[i][0], 7 * (i + 1));
    for (int i = 0; i < 7; i++)
        cr_assert(isfinite(line[4][i]));
}

/* ---- Leaving and going on -------------------------------------------------------------------- */

/* Leave at a scan; data is the scan, looks go on. */
static bool leave_at(const lehr_progress *progress, void *data)
{
    const int64_t *scan = data;
    return progress->scan < *scan;
}

/* A file with the value of wall_s, the only time in it, cut out. Valid until the next call. */
static const char *read_timeless(const char *name)
{
    static char text[1 << 16];
    char *to = text;
    for (const char *from = scratch_read(name); *from != '\0'; from++) {
        *to++ = *from;
        if (strncmp(from, "wall_s\":", 8) == 0)
            from += strcspn(from, ",") - 1;
    }
    *to = '\0';
    return text;
}

/* What a finished run leaves that must not depend on where it was left. */
typedef struct outcome {
    uint64_t hash;
    char events[1 << 16], model[1 << 12], trace[1 << 14];
} outcome;

static void finish_outcome(world *w, outcome *out)
{
    lehr_run_summary summary;
    cr_assert_eq(lehr_run_summarize(w->run, &summary), LEHR_OK);
    json_decref(finish_world(w));
    close_world(w);
    memset(out, 0, sizeof *out);
    out->hash = summary.state_hash;
    snprintf(out->events, sizeof out->events, "%s", read_timeless("run/events.jsonl"));
    static const struct {
        const char *name;
        size_t capacity, at;
    } files[] = {
        {"run/best.safetensors", sizeof out->model, offsetof(outcome, model)},
        {"run/trace/energy-000000.npy", sizeof out->trace, offsetof(outcome, trace)},
    };
    for (size_t i = 0; i < 2; i++) {
        FILE *file = fopen(scratch(files[i].name), "rb");
        cr_assert_not_null(file);
        cr_assert_lt(fread((char *)out + files[i].at, 1, files[i].capacity, file),
                     files[i].capacity);
        fclose(file);
    }
}

/* Slices of one scan, exchanges every three scans: both parities, scans before, at and behind each of them. */
static lehr_config make_split_config(void)
{
    lehr_config config = make_config();
    config.trace_energy = 1;
    config.run.exchange.every = 3;
    config.run.stop.scans = 25;
    config.run.observe = 4;
    return config;
}

/* EXACT: 25 places to leave at, each in a new process's memory; the last ones leave twice. */
Test(store, of_a_run_that_was_left_at_any_scan_is_that_of_one_that_never_was)
{
    static outcome whole, split;
    bool ended = false;
    world w = {.config = make_split_config()};
    open_world(&w);
    cr_assert_eq(record(&w, &ended), LEHR_OK, "%s", lehr_error());
    finish_outcome(&w, &whole);
    cr_assert_eq(count_lines(whole.events), 8, "scans 0, 4, ..., 24, 25");
    cr_assert_eq(rename(scratch("run"), scratch("whole")), 0);

    for (int64_t at = 0; at < 25; at++) {
        char name[32];
        int64_t leave[2] = {at, at > 12 ? at + 2 : at};
        for (int i = 0; i < 2; i++) {
            w = (world){.config = make_split_config(), .look = leave_at, .data = &leave[i]};
            w.config.run.threads = 1 + i;
            open_world(&w);
            cr_assert_eq(record(&w, &ended), LEHR_OK, "%s", lehr_error());
            if (ended) /* at+2 may be the last scan */
                break;
            cr_assert_eq(lehr_store_pause(w.store), LEHR_OK);
            cr_assert(strstr(scratch_read("run/status.json"), "\"checkpointed\""));
            close_world(&w);
        }
        if (!ended) {
            w = (world){.config = make_split_config()};
            open_world(&w);
            cr_assert_eq(record(&w, &ended), LEHR_OK, "%s", lehr_error());
        }
        cr_assert(ended);
        finish_outcome(&w, &split);
        cr_assert_eq(split.hash, whole.hash, "left at %d", (int)at);
        cr_assert_str_eq(split.events, whole.events, "left at %d", (int)at);
        cr_assert_eq(memcmp(split.model, whole.model, sizeof whole.model), 0, "%d", (int)at);
        cr_assert_eq(memcmp(split.trace, whole.trace, sizeof whole.trace), 0, "%d", (int)at);
        snprintf(name, sizeof name, "split-%d", (int)at);
        cr_assert_eq(rename(scratch("run"), scratch(name)), 0);
    }
}

/* A process that is killed leaves more events than its checkpoint knows of: they are written again. */
Test(store, cuts_events_behind_the_checkpoint)
{
    int64_t leave = 20;
    bool ended;
    world w = {.config = make_config(), .look = leave_at, .data = &leave};
    open_world(&w);
    cr_assert_eq(record(&w, &ended), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_store_event(w.store, &(lehr_observation){.scan = 99}), LEHR_OK);
    close_world(&w);
    w = (world){.config = make_config()};
    open_world(&w);
    cr_assert_eq(record(&w, &ended), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(count_lines(scratch_read("run/events.jsonl")), 5);
    cr_assert_null(strstr(scratch_read("run/events.jsonl"), "\"scan\":99,"));
    close_world(&w);
}

/* 1 %: a checkpoint may follow only a hundred times its cost later. */
Test(store, is_not_kept_busy_with_checkpoints)
{
    bool ended;
    world w = {.config = make_config()};
    w.config.checkpoint_s = 1e-9;
    w.config.run.observe = 1;
    w.config.run.stop.scans = 20000;
    open_world(&w);
    const double begin_s = lehr_clock_s();
    cr_assert_eq(record(&w, &ended), LEHR_OK, "%s", lehr_error());
    const double wall_s = lehr_clock_s() - begin_s;
    const lehr_saves *saves = lehr_store_saves(w.store);
    cr_assert_geq(saves->count, 2, "one at once, one at the end");
    cr_assert_geq(saves->every_s, 1e-9);
    cr_assert_gt(saves->spent_s, 0);
    /* all but the first and the last are paid for by what they waited */
    cr_assert_leq((double)(saves->count - 2) * 100 * saves->spent_s / (double)saves->count,
                  3 * wall_s, "%lld checkpoints in %g s took %g s", (long long)saves->count, wall_s,
                  saves->spent_s);
    close_world(&w);
}

Test(store, that_fills_the_disk_while_it_runs_fails_with_the_file)
{
    world w = {.config = make_config()};
    bool ended;
    open_world(&w);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {512, 512};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(record(&w, &ended), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), "events.jsonl"), "%s", lehr_error());
    lehr_store_fail(w.store, "full");
    cr_assert(strstr(scratch_read("run/status.json"), "failed"));
    close_world(&w);
}

static bool count_look(const lehr_progress *progress, void *data)
{
    int64_t *last = data;
    cr_assert_gt(progress->scan, *last);
    *last = progress->scan;
    return true;
}

Test(store, shows_progress_between_slices)
{
    int64_t last = -1;
    bool ended;
    world w = {.config = make_config(), .look = count_look, .data = &last};
    open_world(&w);
    cr_assert_eq(record(&w, &ended), LEHR_OK);
    cr_assert_eq(last, 40);
    close_world(&w);
}

/* ---- Words ----------------------------------------------------------------------------------- */

Test(result, has_no_number_that_json_does_not_know)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++) {
        json_t *number = lehr_json_number(odd[i]);
        cr_assert(json_is_null(number));
        json_decref(number);
    }
    const lehr_score empty = {NAN, NAN, NAN, NAN};
    const lehr_score classes = {0.5, 0.25, NAN, NAN};
    const lehr_score values = {0.5, NAN, NAN, 2};
    json_t *a = lehr_json_score(&empty), *b = lehr_json_score(&classes),
           *c = lehr_json_score(&values);
    cr_assert(json_is_null(a));
    cr_assert_eq(json_object_size(b), 2);
    cr_assert_eq(json_real_value(json_object_get(b, "accuracy")), 0.25);
    cr_assert_eq(json_object_size(c), 3);
    cr_assert(json_is_null(json_object_get(c, "r2")));
    json_decref(a);
    json_decref(b);
    json_decref(c);
}

Test(progress, is_said_in_one_line)
{
    lehr_progress p = {.scan = 1200,
                       .scans = 20000,
                       .left_s = 80,
                       .scans_per_s = 5214,
                       .proposals_per_s = 166848,
                       .seen = {.swap_acceptance = 0.414,
                                .best_train = {0.04, 0.98, NAN, NAN},
                                .best_validation = {0.0812, 0.9333, NAN, NAN}}};
    lehr_text text = {0};
    lehr_progress_line(&p, &text);
    cr_assert_str_eq(
        text.data,
        "scan 1200/20000, 5.21 k scans/s, 167 k proposals/s, best validation loss 0.0812 "
        "accuracy 0.9333, swaps 0.41, left 1 min 20 s");
    lehr_text_free(&text);
    p.scans = 0;
    p.left_s = p.seen.swap_acceptance = p.seen.best_validation.loss = NAN;
    p.seen.best_train = (lehr_score){0.04, NAN, 0.5, 1};
    lehr_progress_line(&p, &text);
    cr_assert_str_eq(
        text.data,
        "scan 1200, 5.21 k scans/s, 167 k proposals/s, best training loss 0.04 r2 0.5000");
    lehr_text_free(&text);
    p.scans = 2400;
    lehr_progress_bar(&p, 40, &text);
    cr_assert_str_eq(text.data, "[##########..........] scan 1200/2400, 5");
    lehr_text_free(&text);
}

Test(progress, numbers_keep_three_digits)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},          {0.5, "0.5"}, {999, "999"},     {999.6, "1 k"},
        {12345, "12.3 k"}, {1e6, "1 M"}, {3.2e9, "3.2 G"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_text text = {0};
        lehr_text_add_quantity(&text, cases[i].value);
        cr_assert_str_eq(text.data, cases[i].text);
        lehr_text_free(&text);
    }
}
