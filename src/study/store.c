/* store.c: writing the files of a run. Finding and reading them again is in store_find.c; checkpoints are written
 * by save.c. */
#define _POSIX_C_SOURCE 200809L

#include "study/store.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "study/journal.h"
#include "study/lock.h"
#include "study/output.h"
#include "study/result.h"

/* A reader of status.json never waits longer, and a slow disk is not kept busy. */
static const double status_every_s = 2.0;

enum { HOST_BYTES = 256 };

struct lehr_store {
    lehr_dir dir;
    bool loose;            /* nothing is synced */
    int events;            /* descriptor of events.jsonl, -1: none */
    lehr_journal *journal; /* holds them until the end; NULL: none */
    char id[LEHR_RUN_ID_BYTES];
    char name[LEHR_NAME_MAX];
    lehr_past past; /* when the run began, how far it is */
    lehr_lock lock;
    lehr_saves saves;
    int64_t scans;
    double left_s;
    double every_s;   /* between two writes of status.json */
    double written_s; /* when status.json was last written */
};

const lehr_dir *lehr_store_dir(const lehr_store *store)
{
    return &store->dir;
}

/* ---- status.json ----------------------------------------------------------------------------- */

static json_t *json_status(const lehr_store *store, const char *state)
{
    char host[HOST_BYTES] = "", now[LEHR_CLOCK_TEXT_BYTES];
    gethostname(host, sizeof host - 1);
    lehr_clock_text(now);
    return json_pack("{s:s, s:o, s:s, s:I, s:o, s:o, s:o, s:I, s:o, s:s, s:s}", "state", state,
                     "name", lehr_json_text(store->name), "id", store->id, "scan",
                     (json_int_t)store->past.scan, "scans",
                     store->scans > 0 ? json_integer(store->scans) : json_null(), "time_left_s",
                     lehr_json_number(store->left_s), "checkpoints", lehr_json_saves(&store->saves),
                     "pid", (json_int_t)getpid(), "host", lehr_json_text(host), "started",
                     store->past.started, "updated", now);
}

static lehr_status write_whole(const lehr_store *store, const char *name, const char *text,
                               size_t length)
{
    lehr_output output = {.fd = -1};
    LEHR_TRY(lehr_output_begin(&store->dir, name, length, &output));
    output.loose = store->loose;
    LEHR_TRY(lehr_output_write(&output, text, length));
    return lehr_output_commit(&output);
}

/* Write an object whole; takes it over. */
static lehr_status write_json(lehr_store *store, const char *name, json_t *object)
{
    LEHR_CHECK(object != NULL, LEHR_ERR_MEMORY, "out of memory for %s", name);
    lehr_text text = {0};
    lehr_status status = lehr_result_text(object, &text);
    if (status == LEHR_OK)
        status = write_whole(store, name, text.data, text.length);
    lehr_text_free(&text);
    json_decref(object);
    return status;
}

static lehr_status write_status(lehr_store *store, const char *state, const char *error)
{
    json_t *object = json_status(store, state);
    if (object != NULL && store->past.extra > 0)
        json_object_set_new(object, "extended",
                            json_pack("{s:I, s:I}", "from", (json_int_t)store->past.held, "scans",
                                      (json_int_t)store->past.extra));
    if (object != NULL && error != NULL)
        json_object_set_new(object, "error", lehr_json_text(error));
    store->written_s = lehr_clock_s();
    return write_json(store, "status.json", object);
}

/* ---- The start ------------------------------------------------------------------------------- */

/* Join what lehr_store_place joined, but step by step: names that come from a config are entered
 * without following symbolic links. */
static lehr_status open_parent(const lehr_config *config, const char *path, lehr_dir *parent,
                               char *last)
{
    char above[LEHR_PATH_MAX], expected[LEHR_PATH_MAX];
    LEHR_TRY(lehr_path_split(path, above, last));
    LEHR_TRY(lehr_path_join(config->output_dir, config->name, expected));
    if (strcmp(above, expected) != 0)
        return lehr_dir_make(above, parent);

    lehr_dir base = {.fd = -1};
    LEHR_TRY(lehr_dir_make(config->output_dir, &base));
    const lehr_status status = lehr_dir_enter(&base, config->name, parent);
    lehr_dir_close(&base);
    return status;
}

static lehr_status write_config(lehr_store *store, const lehr_config *config)
{
    char *text = NULL;
    LEHR_TRY(lehr_config_write(config, &text));
    const lehr_status status = write_whole(store, "config.yaml", text, strlen(text));
    free(text);
    return status;
}

static lehr_status lock(lehr_store *store, const lehr_store_spec *spec)
{
    LEHR_TRY(lehr_lock_take(&store->dir, spec->job, spec->break_lock, &store->lock));
    store->dir.lock = &store->lock;
    return LEHR_OK;
}

static lehr_status write_first(lehr_store *store, const lehr_store_spec *spec)
{
    LEHR_TRY(lock(store, spec));
    LEHR_TRY(write_config(store, spec->config));
    LEHR_TRY(write_status(store, "running", NULL));
    if (store->journal != NULL)
        return LEHR_OK;
    return lehr_log_create(&store->dir, "events.jsonl", &store->events);
}

/* Take back a start that failed. */
static void remove_first(lehr_store *store, const lehr_dir *parent, const char *staged)
{
    static const char *const names[] = {"lock", "config.yaml", "status.json", "events.jsonl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlinkat(store->dir.fd, names[i], 0);
    unlinkat(parent->fd, staged, AT_REMOVEDIR);
}

static lehr_status stage(lehr_store *store, const lehr_store_spec *spec, const lehr_dir *parent,
                         const char *name)
{
    char staged[LEHR_NAME_MAX + 32];
    LEHR_TRY(lehr_dir_stage(parent, name, &store->dir, staged));
    lehr_status status = write_first(store, spec);
    if (status == LEHR_OK)
        status = lehr_dir_reveal(parent, staged, &store->dir, name);
    if (status != LEHR_OK)
        remove_first(store, parent, staged);
    return status;
}

static lehr_status make(lehr_store *store, const lehr_store_spec *spec)
{
    char name[LEHR_NAME_MAX];
    lehr_dir parent = {.fd = -1};
    LEHR_TRY(open_parent(spec->config, spec->path, &parent, name));
    const lehr_status status = stage(store, spec, &parent, name);
    lehr_dir_close(&parent);
    return status;
}

/* An existing directory; names that come from a config are entered as open_parent does. */
static lehr_status open_there(const lehr_config *config, const char *path, lehr_dir *out)
{
    char name[LEHR_NAME_MAX], expected[LEHR_PATH_MAX];
    lehr_dir parent = {.fd = -1};
    LEHR_TRY(lehr_path_join(config->output_dir, config->name, expected));
    const size_t length = strlen(expected);
    if (strncmp(path, expected, length) != 0 || path[length] != '/')
        return lehr_dir_open(path, out);
    LEHR_TRY(open_parent(config, path, &parent, name));
    const lehr_status status = lehr_dir_enter(&parent, name, out);
    lehr_dir_close(&parent);
    return status;
}

static lehr_status take_over(lehr_store *store, const lehr_store_spec *spec)
{
    LEHR_TRY(open_there(spec->config, spec->path, &store->dir));
    LEHR_TRY(lock(store, spec));
    LEHR_TRY(lehr_output_sweep(&store->dir));
    return lehr_store_look_back(spec->path, &store->past);
}

/* From a checkpoint of another pack, unless it starts over: nobody who looks finds less than before. */
static void go_on(lehr_store *store, const lehr_past *past)
{
    if (past->started[0] != '\0')
        lehr_text_copy(store->past.started, sizeof store->past.started, past->started);
    store->past.scan = past->scan > 0 ? past->scan : 0;
    store->saves.scan = past->scan;
}

static lehr_status enter(lehr_store *store, const lehr_store_spec *spec)
{
    store->dir = *spec->dir;
    store->loose = true;
    store->journal = spec->journal;
    spec->dir->fd = -1;
    if (spec->past != NULL)
        go_on(store, spec->past);
    return write_first(store, spec);
}

/* An empty store, then by one of the three ways a directory for it. */
static lehr_status open_store(const lehr_store_spec *spec,
                              lehr_status (*way)(lehr_store *, const lehr_store_spec *),
                              lehr_store **out)
{
    lehr_store *store = NULL;
    LEHR_TRY(LEHR_NEW(store, 1, "the files of a run"));
    store->dir.fd = store->events = store->lock.fd = -1;
    store->left_s = NAN;
    store->every_s = status_every_s;
    store->scans = spec->config->run.stop.scans;
    store->saves.scan = -1;
    lehr_clock_text(store->past.started);
    LEHR_ASSERT(lehr_text_copy(store->id, sizeof store->id, spec->id));
    LEHR_ASSERT(lehr_text_copy(store->name, sizeof store->name, spec->config->name));
    const lehr_status status = way(store, spec);
    if (status != LEHR_OK) {
        lehr_store_destroy(&store);
        return status;
    }
    *out = store;
    return LEHR_OK;
}

lehr_status lehr_store_create(const lehr_store_spec *spec, lehr_store **out)
{
    return open_store(spec, make, out);
}

lehr_status lehr_store_reopen(const lehr_store_spec *spec, lehr_store **out)
{
    return open_store(spec, take_over, out);
}

lehr_status lehr_store_enter(const lehr_store_spec *spec, lehr_store **out)
{
    const lehr_status status = open_store(spec, enter, out);
    lehr_dir_close(spec->dir);
    return status;
}

void lehr_store_pace(lehr_store *store, double every_s)
{
    store->every_s = every_s;
}

void lehr_store_destroy(lehr_store **store)
{
    if (store == NULL || *store == NULL)
        return;
    if ((*store)->events >= 0)
        close((*store)->events);
    lehr_lock_release(&(*store)->lock);
    lehr_dir_close(&(*store)->dir);
    LEHR_FREE(*store);
}

/* ---- While it runs --------------------------------------------------------------------------- */

static json_t *json_event(const lehr_observation *o)
{
    return json_pack(
        "{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}", "scan", (json_int_t)o->scan,
        "proposals", (json_int_t)o->proposals, "wall_s", lehr_json_number(o->wall_s), "energy_best",
        lehr_json_number(o->energy_best), "energy_cold", lehr_json_number(o->energy_cold),
        "acceptance", lehr_json_number(o->acceptance), "swap_acceptance",
        lehr_json_number(o->swap_acceptance), "temperature", lehr_json_number(o->temperature),
        "best_scan", (json_int_t)o->best_scan, "train", lehr_json_score(&o->best_train),
        "validation", lehr_json_score(&o->best_validation));
}

lehr_status lehr_store_event(lehr_store *store, const lehr_observation *observation)
{
    json_t *event = json_event(observation);
    char *json = json_dumps(event, JSON_COMPACT);
    lehr_text line = {0};
    if (json != NULL)
        lehr_text_add(&line, "%s\n", json);
    free(json);
    json_decref(event);

    lehr_status status;
    if (line.length == 0 || line.failed)
        status = lehr_fail(LEHR_ERR_MEMORY, "out of memory for a line of events.jsonl");
    else if (store->journal != NULL)
        status = lehr_journal_add(store->journal, store->id, line.data, line.length);
    else
        status = lehr_log_append(&store->dir, "events.jsonl", store->events, line.data,
                                 line.length);
    lehr_text_free(&line);
    return status;
}

lehr_status lehr_store_rewind(lehr_store *store, int64_t events_bytes)
{
    if (store->events >= 0)
        close(store->events);
    store->events = -1;
    LEHR_TRY(lehr_log_reopen(&store->dir, "events.jsonl", events_bytes, &store->events));
    return write_status(store, "running", NULL);
}

lehr_status lehr_store_sync(lehr_store *store, int64_t *events_bytes)
{
    return lehr_log_sync(&store->dir, "events.jsonl", store->events, events_bytes);
}

void lehr_store_extend(lehr_store *store, int64_t held, int64_t extra)
{
    store->past.held = held;
    store->past.extra = extra;
}

int64_t lehr_store_scan(const lehr_store *store)
{
    return store->past.scan;
}

void lehr_store_saved(lehr_store *store, const lehr_saves *saves)
{
    store->saves = *saves;
}

const lehr_saves *lehr_store_saves(const lehr_store *store)
{
    return &store->saves;
}

lehr_status lehr_store_progress(lehr_store *store, int64_t scan, int64_t scans, double left_s)
{
    store->past.scan = scan;
    store->scans = scans;
    store->left_s = left_s;
    return lehr_clock_s() - store->written_s < store->every_s ? LEHR_OK : lehr_store_say(store);
}

lehr_status lehr_store_say(lehr_store *store)
{
    return write_status(store, "running", NULL);
}

/* ---- The end --------------------------------------------------------------------------------- */

/* Its lines of the pack's are its own now. */
static lehr_status write_events(lehr_store *store)
{
    lehr_text lines = {0};
    if (store->journal == NULL)
        return LEHR_OK;
    lehr_status status = lehr_journal_lines(store->journal, store->id, &lines);
    if (status == LEHR_OK)
        status = write_whole(store, "events.jsonl", lines.length > 0 ? lines.data : "",
                             lines.length);
    lehr_text_free(&lines);
    LEHR_TRY(status);
    store->journal = NULL;
    return LEHR_OK;
}

lehr_status lehr_store_result(lehr_store *store, const lehr_model *best, const json_t *result)
{
    lehr_output output = {.fd = -1};
    LEHR_TRY(write_events(store));
    LEHR_TRY(lehr_model_write(best, &store->dir, "best.safetensors", &output));
    output.loose = store->loose;
    LEHR_TRY(lehr_output_commit(&output));
    return write_json(store, "result.json", json_incref((json_t *)result));
}

lehr_status lehr_store_end(lehr_store *store, const char *state)
{
    store->left_s = 0;
    LEHR_TRY(write_events(store));
    return write_status(store, state, NULL);
}

lehr_status lehr_store_finish(lehr_store *store, const lehr_model *best, const json_t *result)
{
    LEHR_TRY(lehr_store_result(store, best, result));
    /* The status is the authority, so it comes last: "done" means that all of it is there. */
    return lehr_store_end(store, "done");
}

lehr_status lehr_store_pause(lehr_store *store)
{
    return write_status(store, "checkpointed", NULL);
}

void lehr_store_fail(lehr_store *store, const char *sentence)
{
    char *error = strdup(sentence); /* lehr_error() itself, which a failing write replaces */
    (void)write_events(store);
    if (error != NULL)
        (void)write_status(store, "failed", error);
    free(error);
}
