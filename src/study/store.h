/* store.h: the directory of a run, from before its first scan to its result. It only writes;
 * what runs and when it is looked at is in record.h. */
#ifndef LEHR_STUDY_STORE_H
#define LEHR_STUDY_STORE_H

#include "base/clock.h"
#include "lehr/run.h"
#include "lehr/study.h"
#include "study/model.h"
#include "study/result.h"

struct json_t;       /* of jansson */
struct lehr_journal; /* study/journal.h */

enum { LEHR_RUN_ID_BYTES = 13 }; /* 12 hex digits and their end */

/* Where the files of a run stand: `chosen` when it is not "", else <output.dir>/<name>/<id>.
 * Fails with LEHR_ERR_ARG when that is too long or the name cannot be a directory. */
lehr_status lehr_store_place(const lehr_config *config, const char *id, const char *chosen,
                             char path[LEHR_PATH_MAX]);

/* What stands at a place. */
typedef enum lehr_found {
    LEHR_FOUND_NOTHING,
    LEHR_FOUND_RESULT,    /* of the finished run */
    LEHR_FOUND_UNFINISHED /* running, checkpointed, failed or killed */
} lehr_found;

/* Look for the run of a config: *result is that of the finished one (free it with json_decref), else NULL. Fails
 * with LEHR_ERR_EXISTS on anything else: another run, naming the first key that differs, or a directory that
 * is not a run's. Nothing is changed. */
lehr_status lehr_store_find(const char *path, const lehr_config *config, const char *id,
                            lehr_found *found, struct json_t **result);

/* What the status at a place tells of the processes before. */
typedef struct lehr_past {
    char started[LEHR_CLOCK_TEXT_BYTES]; /* when the run began; untouched where that is not said */
    int64_t scan;                        /* how far it was when it was last written; -1: nowhere */
    int64_t held, extra;                 /* of an extended run, as in lehr_run_spec; else 0 */
} lehr_past;

lehr_status lehr_store_look_back(const char *path, lehr_past *out);

/* LEHR_ERR_EXISTS when there is anything at the place. */
lehr_status lehr_store_refuse(const char *path);

typedef struct lehr_store lehr_store;

/* Who opens which store. Strings live as long as the call. */
typedef struct lehr_store_spec {
    const lehr_config *config;
    const char *id;
    const char *path;             /* from lehr_store_place */
    const char *job;              /* number of the batch job, or "" */
    bool break_lock;              /* take the lock even when it is held */
    lehr_dir *dir;                /* of lehr_store_enter, and: */
    struct lehr_journal *journal; /* of its pack, where its events are until it ends; NULL: none */
    const lehr_past *past;        /* of one that was begun; NULL: it begins */
} lehr_store_spec;

/* Make the directory with its lock, config.yaml, status.json and an empty events.jsonl, all at once, so that
 * a run which cannot write fails before its work and leaves nothing. Fails with LEHR_ERR_EXISTS when somebody
 * else was first, LEHR_ERR_IO, LEHR_ERR_MEMORY. */
lehr_status lehr_store_create(const lehr_store_spec *spec, lehr_store **out);

/* Lock the directory of an unfinished run and remove what killed processes left in it. Who held the lock before may
 * have finished the run, so lehr_store_find comes next, and then lehr_store_rewind. Fails with LEHR_ERR_EXISTS,
 * naming the holder, when the lock is held. */
lehr_status lehr_store_reopen(const lehr_store_spec *spec, lehr_store **out);

/* The same in a directory that is ours already, and that holds no run: spec->dir, which is taken over, also by a
 * failure. With a journal there is no events.jsonl before the end, whatever that is. Nothing is synced in it: that
 * is done once for many such runs, by lehr_output_sync between result and end. */
lehr_status lehr_store_enter(const lehr_store_spec *spec, lehr_store **out);

/* Seconds between two writes of status.json, from now on. */
void lehr_store_pace(lehr_store *store, double every_s);

void lehr_store_destroy(lehr_store **store);

const lehr_dir *lehr_store_dir(const lehr_store *store);

/* Note in the status, from the next time it is written, that the run was extended. */
void lehr_store_extend(lehr_store *store, int64_t held, int64_t extra);

/* Cut events.jsonl to the length that a checkpoint saw (0: the run starts over) and go on from there: status
 * "running". Fails with LEHR_ERR_DATA when it is shorter. */
lehr_status lehr_store_rewind(lehr_store *store, int64_t events_bytes);

/* How far the run was before it was taken over, as its status said; later, as lehr_store_progress was told. */
int64_t lehr_store_scan(const lehr_store *store);

/* One line of events.jsonl; and all of them onto the disk, with their length. */
lehr_status lehr_store_event(lehr_store *store, const lehr_observation *observation);
lehr_status lehr_store_sync(lehr_store *store, int64_t *events_bytes);

/* What status.json and result.json say about checkpoints. */
void lehr_store_saved(lehr_store *store, const lehr_saves *saves);
const lehr_saves *lehr_store_saves(const lehr_store *store);

/* status.json says how far the run is; written at most every few seconds. */
lehr_status lehr_store_progress(lehr_store *store, int64_t scan, int64_t scans, double left_s);

/* The same now. */
lehr_status lehr_store_say(lehr_store *store);

/* The run was stopped behind a checkpoint: status "checkpointed". */
lehr_status lehr_store_pause(lehr_store *store);

/* The end: best.safetensors, result.json, and then the status "done". */
lehr_status lehr_store_finish(lehr_store *store, const lehr_model *best,
                              const struct json_t *result);

/* The same in two steps: best.safetensors and result.json; the status. */
lehr_status lehr_store_result(lehr_store *store, const lehr_model *best,
                              const struct json_t *result);
lehr_status lehr_store_end(lehr_store *store, const char *state);

/* The end of a run that failed, with its sentence; best effort, since the disk may be what
 * failed. */
void lehr_store_fail(lehr_store *store, const char *sentence);

#endif
