/* Trials go on from what their pack has saved, one by one or in other company; what is damaged costs time and no result. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study/checkpoint.h"
#include "study/collect.h"
#include "study/crate.h"
#include "study/launch.h"
#include "study/visits.h"

TestSuite(packs, .init = scratch_make, .fini = scratch_remove);

static bool stands(const char *id)
{
    char path[190];
    snprintf(path, sizeof path, "sweep/packs/%.120s", id);
    return scratch_has(path);
}

/* ---- Going on ---------------------------------------------------------------------------------- */

static const char six[] = "base: base.yaml\naxes: {seed: {range: [1, 6]}, stop.scans: [6000], "
                          "output.observe: [500], output.trace.energy: [700]}\n";

/* A first worker has been stopped at some scan. */
static int64_t begin(world *w, visit *v)
{
    visit_until(w, v, 6, LEHR_WORKER_STOPPED);
    const int64_t scan = look_at(w, 0).saved;
    cr_assert_gt(scan, 0);
    cr_assert_lt(scan, 6000);
    for (int32_t i = 0; i < 6; i++) {
        cr_assert_eq(look_at(w, i).state, LEHR_TRIAL_CHECKPOINTED);
        cr_assert_eq(look_at(w, i).saved, scan);
    }
    cr_assert_str_eq(v->said, "");
    return scan;
}

/* A worker that leaves before its first slice saves what it has found: where it starts. */
static void expect_start(world *w, visit *v, int64_t scan)
{
    visit_until(w, v, 1, LEHR_WORKER_STOPPED);
    for (int32_t i = w->spec.shard; i < w->trials->count; i += w->spec.shards)
        cr_assert_eq(look_at(w, i).saved, scan, "trial %d is at %lld, not %lld", i,
                     (long long)look_at(w, i).saved, (long long)scan);
}

/* EXACT: through a stop, another number of threads and another process's name. */
Test(packs, trials_go_on_from_where_they_were_saved)
{
    world w = {0};
    visit v;
    lehr_text whole = {0}, split = {0};
    open_world(&w, six);
    go(&w, LEHR_WORKER_DONE);
    read_files(&w, 3, &whole);
    close_world(&w);
    forget_work();
    w = (world){0};
    open_world(&w, six);
    const int64_t scan = begin(&w, &v);
    close_world(&w);
    w = (world){0};
    open_world(&w, six);
    expect_start(&w, &v, scan);
    cr_assert_eq(scratch_count("sweep/packs"), 1, "the first crate is gone");
    close_world(&w);
    w = (world){0};
    open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 6]}, stop.scans: [6000], "
                   "output.observe: [500], output.trace.energy: [700], threads: [1]}\n");
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    cr_assert_str_eq(v.said, "");
    read_files(&w, 3, &split);
    cr_assert_str_eq(split.data, whole.data);
    expect_bits(&w);
    lehr_text_free(&whole);
    lehr_text_free(&split);
    close_world(&w);
}

Test(packs, one_trial_of_many_goes_on_alone_and_the_others_in_other_company)
{
    world w = {0};
    visit v;
    open_world(&w, six);
    const int64_t scan = begin(&w, &v);
    char crate[LEHR_CRATE_ID_BYTES];
    snprintf(crate, sizeof crate, "%s", look_at(&w, 0).pack);
    w.spec.shards = 6;
    w.spec.shard = 2;
    expect_start(&w, &v, scan);
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    cr_assert_eq(look_at(&w, 2).state, LEHR_TRIAL_DONE);
    cr_assert(stands(crate), "others need it");
    cr_assert_eq(scratch_count("sweep/packs"), 1);
    w.spec.shards = 2;
    w.spec.shard = 1;
    visit_until(&w, &v, 2, LEHR_WORKER_STOPPED);
    cr_assert_gt(look_at(&w, 1).saved, scan);
    w.spec.shards = 1;
    w.spec.shard = 0;
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    cr_assert_str_eq(v.said, "");
    expect_bits(&w);
    close_world(&w);
}

/* What is shown and written before a worker's first slice. */
typedef struct first_look {
    const world *w;
    json_t *status; /* of the first trial */
    double proposals_per_s, left_s;
    int looks;
} first_look;

static void keep_first(const lehr_worker_progress *progress, void *data)
{
    first_look *f = data;
    if (f->looks++ > 0)
        return;
    f->proposals_per_s = progress->proposals_per_s;
    f->left_s = progress->left_s;
    f->status = lehr_yard_read(&f->w->yard, f->w->trials->trial[0].id, "status.json");
}

static bool stop_at_second(void *data)
{
    return ((first_look *)data)->looks > 1;
}

/* They were begun before, and nothing was done here yet. */
Test(packs, that_go_on_say_from_the_first_moment_where_they_are)
{
    static const char *const began = "2001-02-03T04:05:06Z";
    world w = {0};
    visit v;
    char name[100];
    first_look f = {.w = &w};
    open_world(&w, six);
    const int64_t scan = begin(&w, &v);
    json_t *status = lehr_yard_read(&w.yard, w.trials->trial[0].id, "status.json");
    json_object_set_new(status, "started", json_string(began));
    char *text = json_dumps(status, 0);
    snprintf(name, sizeof name, "sweep/trials/%.20s/status.json", w.trials->trial[0].id);
    scratch_write(name, text, strlen(text));
    free(text);
    json_decref(status);
    w.spec.look = keep_first;
    w.spec.stopping = stop_at_second;
    w.spec.data = &f;
    w.spec.say = NULL;
    go(&w, LEHR_WORKER_STOPPED);
    cr_assert_not_null(f.status);
    cr_expect_str_eq(json_string_value(json_object_get(f.status, "started")), began);
    cr_expect_eq(json_integer_value(json_object_get(f.status, "scan")), scan);
    const json_t *saves = json_object_get(f.status, "checkpoints");
    cr_expect_eq(json_integer_value(json_object_get(saves, "scan")), scan);
    cr_expect_eq(f.proposals_per_s, 0, "%g", f.proposals_per_s);
    cr_expect(isnan(f.left_s), "%g", f.left_s);
    json_decref(f.status);
    w.spec.look = NULL;
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    status = lehr_yard_read(&w.yard, w.trials->trial[0].id, "status.json");
    cr_expect_str_eq(json_string_value(json_object_get(status, "started")), began);
    json_decref(status);
    close_world(&w);
}

/* New trials stand at their start, old ones where they were saved: two launches. */
Test(packs, trials_of_unequal_scans_stand_in_launches_of_their_own)
{
    world w = {0};
    visit v;
    open_world(&w, six);
    w.spec.shards = 3;
    w.spec.shard = 1;
    visit_until(&w, &v, 4, LEHR_WORKER_STOPPED);
    w.spec.shards = 1;
    w.spec.shard = 0;
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    expect_bits(&w);
    close_world(&w);
}

/* Somebody removes a crate, or takes another trial over, and is slow about it. */
Test(packs, whose_trials_cannot_be_had_at_a_moment_are_had_later)
{
    world w = {0};
    visit v;
    open_world(&w, six);
    begin(&w, &v);
    int fd, ready[2];
    char byte = 0;
    cr_assert_eq(pipe(ready), 0);
    const pid_t child = fork();
    if (child == 0) {
        const bool held = lehr_yard_reclaim(&w.yard, &fd) && write(ready[1], "x", 1) == 1;
        sleep(1);
        _exit(held ? 0 : 1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    expect_bits(&w);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    close_world(&w);
}

/* ---- What is damaged, or another's --------------------------------------------------------------- */

static void break_file(const char *crate, const char *name)
{
    char path[190];
    snprintf(path, sizeof path, "sweep/packs/%.120s/ckpt/%.20s", crate, name);
    FILE *file = fopen(scratch(path), "r+b");
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(fseek(file, -100, SEEK_END), 0);
    const int byte = fgetc(file);
    cr_assert_eq(fseek(file, -1, SEEK_CUR), 0);
    fputc(byte ^ 1, file);
    fclose(file);
}

static int64_t scan_of(const char *crate, const char *name)
{
    char path[190];
    lehr_dir dir;
    lehr_checkpoint *c = NULL;
    snprintf(path, sizeof path, "sweep/packs/%.120s/ckpt", crate);
    cr_assert_eq(lehr_dir_open(scratch(path), &dir), LEHR_OK);
    cr_assert_eq(lehr_checkpoint_load(&dir, name, &c), LEHR_OK, "%s", lehr_error());
    const int64_t scan = lehr_checkpoint_of(c)->scan;
    lehr_checkpoint_destroy(&c);
    lehr_dir_close(&dir);
    return scan;
}

static const char often[] = "base: base.yaml\naxes: {seed: {range: [1, 6]}, stop.scans: [6000], "
                            "output.observe: [500], output.checkpoint_s: [1e-9]}\n";

Test(packs, with_a_damaged_generation_give_the_other_one_and_say_so)
{
    world w = {0};
    visit v;
    open_world(&w, often);
    const int64_t scan = begin(&w, &v);
    const lehr_trial_look look = look_at(&w, 0);
    const bool a_is_new = scan_of(look.pack, "a.safetensors") == scan;
    const char *newest = a_is_new ? "a.safetensors" : "b.safetensors",
               *older = a_is_new ? "b.safetensors" : "a.safetensors";
    const int64_t before = scan_of(look.pack, older);
    cr_assert(0 < before && before < scan);
    break_file(look.pack, newest);
    expect_start(&w, &v, before);
    cr_assert_not_null(strstr(v.said, newest), "%s", v.said);
    cr_assert_not_null(strstr(v.said, "checksum"), "%s", v.said);
    cr_assert_not_null(strstr(v.said, older), "%s", v.said);
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    expect_bits(&w);
    close_world(&w);
}

Test(packs, that_hold_nothing_whole_make_their_trials_start_over_and_say_so)
{
    for (int how = 0; how < 4; how++) {
        world w = {0};
        visit v;
        char path[190];
        open_world(&w, often);
        begin(&w, &v);
        const lehr_trial_look look = look_at(&w, 0);
        snprintf(path, sizeof path,
                 how == 3 ? "sweep/packs/%.120s/events.jsonl" : "sweep/packs/%.120s", look.pack);
        if (how == 0) {
            break_file(look.pack, "a.safetensors");
            break_file(look.pack, "b.safetensors");
        } else if (how == 1) {
            lehr_yard_remove(&w.yard.packs, look.pack);
        } else if (how == 2) {
            lehr_dir crate;
            cr_assert_eq(lehr_dir_open(scratch(path), &crate), LEHR_OK);
            lehr_yard_remove(&crate, "ckpt");
            lehr_dir_close(&crate);
        } else {
            scratch_write(path, "{\"trial\":\"x\",}\n", 15);
        }
        expect_start(&w, &v, 0);
        cr_assert_not_null(strstr(v.said, "start over"), "%d: %s", how, v.said);
        cr_assert_not_null(strstr(v.said, look.pack), "%d: %s", how, v.said);
        cr_assert_eq(strstr(strstr(v.said, "start over") + 1, "start over"), NULL, "said once");
        if (how == 0) {
            visit_until(&w, &v, 0, LEHR_WORKER_DONE);
            cr_assert_str_eq(v.said, "");
            expect_bits(&w);
        }
        close_world(&w);
        forget_work();
    }
}

/* EXACT: lengths that are no part of the identity were changed meanwhile: trials that were begun keep theirs, and only
 * those that begin have the new ones. */
Test(packs, keep_the_lengths_that_they_were_begun_with)
{
    world w = {0};
    visit v;
    lehr_text whole = {0}, split = {0};
    open_world(&w, six);
    go(&w, LEHR_WORKER_DONE);
    read_files(&w, 3, &whole);
    close_world(&w);
    forget_work();
    w = (world){0};
    open_world(&w, six);
    begin(&w, &v);
    close_world(&w);
    w = (world){0};
    open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 8]}, stop.scans: [6000], "
                   "output.observe: [250], output.trace.energy: [350]}\n");
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    cr_expect_not_null(strstr(v.said, "6 trials keep to the end what they were begun with (trial "),
                       "%s", v.said);
    cr_expect_not_null(strstr(v.said, w.trials->trial[0].id), "%s", v.said);
    cr_expect_not_null(strstr(v.said, ": output.observe=500, here it is 250); to start one over"),
                       "%s", v.said);
    cr_expect_not_null(strstr(v.said, "sweep/trials\n"), "%s", v.said);
    read_files(&w, 3, &split);
    cr_assert_str_eq(split.data, whole.data);
    lehr_text_free(&split);
    read_files(&w, 7, &split);
    cr_expect_not_null(strstr(split.data, "\"scan\":250,"));
    expect_bits(&w);
    lehr_text_free(&whole);
    lehr_text_free(&split);
    close_world(&w);
}

/* As for a run: what was made otherwise is refused by name and stays. */
Test(packs, of_another_version_are_refused)
{
    world w = {0};
    visit v;
    lehr_worker_end end;
    open_world(&w, six);
    const int64_t scan = begin(&w, &v);
    const lehr_trial_look look = look_at(&w, 0);
    char path[190];
    lehr_dir ckpt;
    int64_t number = 0;
    const lehr_field field = {"x", LEHR_FIELD_I64, 1, 1, &number};
    const lehr_checkpoint_part part = {"", &field, 1};
    const lehr_checkpoint_head head = {.version = "0.0.0", .config = "pack", .scan = 1 << 30};
    snprintf(path, sizeof path, "sweep/packs/%.120s/ckpt", look.pack);
    cr_assert_eq(lehr_dir_open(scratch(path), &ckpt), LEHR_OK);
    cr_assert_eq(lehr_checkpoint_write(&ckpt, "b.safetensors", &head, &part, 1), LEHR_OK);
    cr_assert_eq(work(&w, &v, 0, &end), LEHR_ERR_EXISTS);
    cr_assert_not_null(strstr(lehr_error(), "another version of lehr, '0.0.0'"), "%s",
                       lehr_error());
    cr_assert_not_null(strstr(lehr_error(), "to start its trials over"), "%s", lehr_error());
    cr_assert_eq(unlinkat(ckpt.fd, "b.safetensors", 0), 0);
    lehr_dir_close(&ckpt);
    expect_start(&w, &v, scan);
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    expect_bits(&w);
    close_world(&w);
}

/* ---- Pruning ----------------------------------------------------------------------------------- */

static const char halving[] = "base: base.yaml\n"
                              "axes: {moves.0.scale: {log: [1e-3, 3], n: 6}, seed: [1, 2]}\n"
                              "objective: {metric: train_loss, over: seed}\n"
                              "prune: {kind: sha, min_scans: 25, eta: 2}\n";

/* Two shards: each waits for the other at 25 and 50 of 60 scans, and nobody does a scan twice. */
Test(packs, those_that_wait_for_others_go_on_where_they_waited)
{
    static char expected[1 << 16];
    world w = {0};
    visit v;
    int32_t rows = 0;
    open_world(&w, halving);
    go(&w, LEHR_WORKER_DONE);
    cr_assert_eq(lehr_collect(&w.yard, &rows), LEHR_OK);
    snprintf(expected, sizeof expected, "%s", scratch_read("sweep/results.csv"));
    close_world(&w);
    forget_work();
    w = (world){0};
    open_world(&w, halving);
    w.spec.shards = 2;
    for (w.spec.shard = 0; w.spec.shard < 2; w.spec.shard++) {
        visit_until(&w, &v, 0, LEHR_WORKER_WAITS);
        for (int32_t i = w.spec.shard; i < 12; i += 2) {
            const lehr_trial_look look = look_at(&w, i);
            const bool pruned = look.state == LEHR_TRIAL_PRUNED;
            cr_assert(pruned || look.state == LEHR_TRIAL_CHECKPOINTED, "%d", (int)look.state);
            cr_assert(pruned || look.saved == (w.spec.shard == 0 ? 25 : 50), "%d", (int)look.saved);
        }
    }
    w.spec.shard = 0;
    visit_until(&w, &v, 1, LEHR_WORKER_STOPPED);
    int32_t alive = 0;
    for (int32_t i = 0; i < 12; i += 2)
        if (look_at(&w, i).state == LEHR_TRIAL_CHECKPOINTED)
            alive += look_at(&w, i).saved == 25;
    cr_assert_eq(alive, 3, "half of six points: %d", alive);
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    w.spec.shard = 1;
    visit_until(&w, &v, 0, LEHR_WORKER_DONE);
    cr_assert_eq(lehr_collect(&w.yard, &rows), LEHR_OK);
    cr_assert_str_eq(scratch_read("sweep/results.csv"), expected);
    cr_assert_eq(scratch_count("sweep/packs"), 0);
    close_world(&w);
}

/* A sweep that prunes from now on: what is saved beyond a first stage tells nothing about it. */
Test(packs, beyond_a_stage_that_was_not_reached_are_of_no_use)
{
    static const char plain[] = "base: base.yaml\naxes: {seed: {range: [1, 6]}, "
                                "stop.scans: [6000], output.observe: [500]}\n";
    char text[300];
    world w = {0};
    visit v;
    open_world(&w, plain);
    begin(&w, &v);
    close_world(&w);
    snprintf(text, sizeof text,
             "%sobjective: {metric: train_loss}\nprune: {kind: sha, min_scans: 500, eta: 2}\n",
             plain);
    w = (world){0};
    open_world(&w, text);
    expect_start(&w, &v, 0);
    cr_assert_not_null(strstr(v.said, "a stage that it has not reached"), "%s", v.said);
    close_world(&w);
}

/* ---- Size -------------------------------------------------------------------------------------- */

/* 500 trials: a header of 3 MB. */
Test(packs, of_500_trials_are_saved_and_read)
{
    world w = {0};
    visit v;
    open_world(&w, "base: base.yaml\nlimits: {trials: 500}\naxes: {seed: {range: [1, 500]}, "
                   "temperatures.copies: [1], temperatures.rungs: [2], stop.scans: [600]}\n");
    w.trials->rows_most = 1000;
    visit_until(&w, &v, 3, LEHR_WORKER_STOPPED);
    const int64_t scan = look_at(&w, 0).saved;
    cr_assert_gt(scan, 0);
    cr_assert_eq(scratch_count("sweep/packs"), 1);
    expect_start(&w, &v, scan);
    close_world(&w);
}

/* The fields of a run, again and again under other names. */
Test(packs, of_the_largest_launch_have_room_for_all)
{
    static char prefix[LEHR_SEATS_MAX][LEHR_RUN_ID_BYTES + 1];
    static lehr_checkpoint_part part[LEHR_SEATS_MAX];
    world w = {0};
    open_world(&w, six);
    lehr_config c;
    lehr_dataset *dataset = NULL;
    lehr_objective *objective = NULL;
    lehr_run *run = NULL;
    lehr_field field[LEHR_FIELDS_MAX + 2];
    int32_t count;
    cr_assert_eq(lehr_sweep_config(w.sweep, 0, &c), LEHR_OK);
    cr_assert_eq(lehr_dataset_create(&c.data, &dataset), LEHR_OK);
    cr_assert_eq(lehr_objective_create(&c.network, &c.loss, &c.prior, dataset, &objective),
                 LEHR_OK);
    cr_assert_eq(lehr_run_create(&c.run, objective, &run), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_run_fields(run, field, &count), LEHR_OK);
    int64_t numbers[3] = {0};
    field[count++] = (lehr_field){"numbers", LEHR_FIELD_I64, 3, 1, numbers};
    field[count++] = (lehr_field){"trace", LEHR_FIELD_I64, 3, 1, numbers};
    for (int32_t i = 0; i < LEHR_SEATS_MAX; i++) {
        snprintf(prefix[i], sizeof prefix[i], "%012d.", i);
        part[i] = (lehr_checkpoint_part){prefix[i], field, count};
    }
    lehr_dir folder;
    const lehr_checkpoint_head head = {.config = "pack", .scan = INT64_MAX};
    cr_assert_eq(lehr_dir_open(scratch_folder, &folder), LEHR_OK);
    cr_assert_eq(lehr_checkpoint_write(&folder, "x", &head, part, LEHR_SEATS_MAX), LEHR_OK, "%s",
                 lehr_error());
    lehr_dir_close(&folder);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&dataset);
    close_world(&w);
}
