/* The directory of a run: where, what is there already, what is left behind. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/memory.h"
#include "study/progress.h"
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
    cr_assert_eq(lehr_store_create(&config, id, path, &store), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), "symbolic link"), "%s", lehr_error());
    cr_assert_eq(scratch_count("elsewhere"), 0);
}

static void expect_found(const char *status, lehr_status expected, const char *says)
{
    json_t *result = NULL;
    if (status != NULL)
        scratch_write("run/status.json", status, strlen(status));
    cr_assert_eq(lehr_store_find(scratch("run"), id, &result), expected, "%s: %s", status,
                 lehr_error());
    cr_assert_null(result);
    cr_assert(strstr(lehr_error(), says), "%s: %s", status, lehr_error());
}

Test(store, finds_only_its_own_finished_run)
{
    json_t *result = NULL;
    cr_assert_eq(lehr_store_find(scratch("run"), id, &result), LEHR_OK);
    cr_assert_null(result, "nothing is there");
    cr_assert_eq(lehr_store_refuse(scratch("run")), LEHR_OK);

    cr_assert_eq(mkdir(scratch("run"), 0755), 0);
    cr_assert_eq(lehr_store_refuse(scratch("run")), LEHR_ERR_EXISTS);
    expect_found(NULL, LEHR_ERR_EXISTS, "not the directory of a run");
    expect_found("{", LEHR_ERR_EXISTS, "not the directory of a run");
    expect_found("[]", LEHR_ERR_EXISTS, "not the directory of a run");
    expect_found("{}", LEHR_ERR_EXISTS, "of another config");
    expect_found("{\"id\":\"ba9876543210\",\"state\":\"done\"}", LEHR_ERR_EXISTS,
                 "'ba9876543210' of another");
    expect_found("{\"id\":\"0123456789ab\",\"state\":\"running\"}", LEHR_ERR_EXISTS, "unfinished");
    expect_found("{\"id\":\"0123456789ab\",\"state\":\"failed\"}", LEHR_ERR_EXISTS, "unfinished");
    expect_found("{\"id\":\"0123456789ab\",\"state\":\"done\"}", LEHR_ERR_IO, "result.json");
    scratch_write("run/result.json", "{\"stop\":\"scans\"}", 16);
    cr_assert_eq(lehr_store_find(scratch("run"), id, &result), LEHR_OK, "%s", lehr_error());
    cr_assert_str_eq(lehr_result_stop(result), "scans");
    json_decref(result);
    cr_assert_eq(symlink("nowhere", scratch("link")), 0);
    cr_assert_eq(lehr_store_refuse(scratch("link")), LEHR_ERR_EXISTS);
}

/* ---- Files ----------------------------------------------------------------------------------- */

Test(store, that_cannot_write_fails_before_the_run_and_takes_its_files_back)
{
    const lehr_config config = make_config();
    lehr_store *store = NULL;
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {64, 64};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(lehr_store_create(&config, id, scratch("run"), &store), LEHR_ERR_IO);
    cr_assert_null(store);
    cr_assert(strstr(lehr_error(), "config.yaml"), "%s", lehr_error());
    cr_assert_not(scratch_has("run"));
}

Test(store, is_claimed_by_one_run_only)
{
    const lehr_config config = make_config();
    lehr_store *first = NULL, *second = NULL;
    cr_assert_eq(lehr_store_create(&config, id, scratch("run"), &first), LEHR_OK, "%s",
                 lehr_error());
    cr_assert_eq(lehr_store_create(&config, id, scratch("run"), &second), LEHR_ERR_EXISTS);
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
    lehr_pack *pack;
    lehr_run *run; /* the pack's only one */
    lehr_model *model;
    lehr_store *store;
} world;

static void open_world(world *w)
{
    lehr_config *c = &w->config;
    *c = make_config();
    cr_assert_eq(lehr_dataset_create(&c->data, &w->dataset), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_objective_create(&c->network, &c->loss, &c->prior, w->dataset, &w->objective),
                 LEHR_OK);
    cr_assert_eq(lehr_pack_create(&c->run, 1, w->objective, &w->pack), LEHR_OK, "%s", lehr_error());
    w->run = lehr_pack_run(w->pack, 0);
    cr_assert_eq(lehr_model_create(w->objective, &w->model), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_store_create(c, id, scratch("run"), &w->store), LEHR_OK, "%s", lehr_error());
}

static void close_world(world *w)
{
    lehr_store_destroy(&w->store);
    lehr_model_destroy(&w->model);
    lehr_pack_destroy(&w->pack);
    lehr_objective_destroy(&w->objective);
    lehr_dataset_destroy(&w->dataset);
}

static json_t *finish_world(world *w)
{
    json_t *result = NULL;
    const lehr_result_about about = {&w->config, id, "here"};
    cr_assert_eq(lehr_run_best(w->run, w->model->theta), LEHR_OK);
    cr_assert_eq(lehr_result_make(w->run, &about, &result), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_store_finish(w->store, w->model, result), LEHR_OK, "%s", lehr_error());
    return result;
}

static lehr_status record_world(const world *w, int64_t trace_energy, void (*look)(void *data),
                                void *data)
{
    lehr_recorded run = {.store = w->store, .trace_energy = trace_energy};
    lehr_recorder recorder = {.pack = w->pack, .run = &run, .look = look, .data = data};
    return lehr_record(&recorder);
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
    world w = {0};
    open_world(&w);
    cr_assert_eq(record_world(&w, 7, NULL, NULL), LEHR_OK, "%s", lehr_error());
    json_t *result = finish_world(&w), *again = NULL;

    cr_assert_eq(count_lines(scratch_read("run/events.jsonl")), 5, "scans 0, 10, 20, 30, 40");
    cr_assert(strstr(scratch_read("run/status.json"), "\"done\""));
    cr_assert_eq(scratch_count("run"), 6);
    cr_assert_eq(lehr_store_find(scratch("run"), id, &again), LEHR_OK);
    cr_assert_eq(json_equal(result, again), 1);
    static const char *const keys[] = {
        "stop",     "scans",     "proposals",  "wall_s",  "proposals_per_s", "best",     "moves",
        "exchange", "nonfinite", "state_hash", "backend", "device",          "numerics", "threads",
        "ranks",    "seed",      "version",    "commit",  "parameters",      "rows",     "rungs",
        "copies",   "id",        "name",       "dir"};
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
        world w = {0};
        lehr_run_summary summary;
        open_world(&w);
        cr_assert_eq(record_world(&w, traced ? 7 : 0, NULL, NULL), LEHR_OK);
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

Test(store, of_a_run_that_a_signal_stopped_says_so)
{
    world w = {0};
    open_world(&w);
    lehr_run_interrupt(w.run);
    cr_assert_eq(record_world(&w, 0, NULL, NULL), LEHR_OK);
    json_t *result = finish_world(&w);
    cr_assert_str_eq(lehr_result_stop(result), "signal");
    cr_assert(strstr(scratch_read("run/status.json"), "\"stopped\""));
    json_decref(result);
    close_world(&w);
}

Test(store, that_fills_the_disk_while_it_runs_fails_with_the_file)
{
    world w = {0};
    open_world(&w);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {512, 512};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(record_world(&w, 0, NULL, NULL), LEHR_ERR_IO);
    cr_assert(strstr(lehr_error(), "events.jsonl"), "%s", lehr_error());
    lehr_store_fail(w.store, "full");
    cr_assert(strstr(scratch_read("run/status.json"), "failed"));
    close_world(&w);
}

/* Whose progress is watched, and how far it was. */
typedef struct watching {
    const lehr_run *run;
    int64_t last;
} watching;

static void count_look(void *data)
{
    watching *w = data;
    const lehr_progress progress = lehr_progress_of(w->run);
    cr_assert_gt(progress.scan, w->last);
    w->last = progress.scan;
}

Test(store, shows_progress_between_slices)
{
    world w = {0};
    open_world(&w);
    watching watched = {.run = w.run};
    cr_assert_eq(record_world(&w, 0, count_look, &watched), LEHR_OK);
    cr_assert_eq(watched.last, 40);
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
