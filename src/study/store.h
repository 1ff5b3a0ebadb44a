/* store.h: the directory of a run, from before its first scan to its result. It only writes;
 * what runs and when it is looked at is in record.h. */
#ifndef LEHR_STUDY_STORE_H
#define LEHR_STUDY_STORE_H

#include "lehr/run.h"
#include "lehr/study.h"
#include "study/model.h"

struct json_t; /* of jansson */

enum { LEHR_RUN_ID_BYTES = 13 }; /* 12 hex digits and their end */

/* Where the files of a run stand: `chosen` when it is not "", else <output.dir>/<name>/<id>.
 * Fails with LEHR_ERR_ARG when that is too long or the name cannot be a directory. */
lehr_status lehr_store_place(const lehr_config *config, const char *id, const char *chosen,
                             char path[LEHR_PATH_MAX]);

/* What stands at a place: the result of the finished run `id` (free it with json_decref), or
 * NULL when there is nothing at all. Fails with LEHR_ERR_EXISTS on anything else: another run,
 * an unfinished one, a directory that is not a run's. Nothing is changed. */
lehr_status lehr_store_find(const char *path, const char *id, struct json_t **result);

/* The JSON object in the file `name` of a directory; free it with json_decref. Fails as lehr_file_read and
 * lehr_result_parse. */
lehr_status lehr_store_json(const char *dir, const char *name, struct json_t **out);

/* LEHR_ERR_EXISTS when there is anything at the place. */
lehr_status lehr_store_refuse(const char *path);

typedef struct lehr_store lehr_store;

/* Make the directory and write config.yaml, status.json and an empty events.jsonl, so that a run
 * which cannot write fails before its work; what was made is removed again then. `path` comes
 * from lehr_store_place. Fails with LEHR_ERR_EXISTS when somebody else was first, LEHR_ERR_IO,
 * LEHR_ERR_MEMORY. */
lehr_status lehr_store_create(const lehr_config *config, const char *id, const char *path,
                              lehr_store **out);

/* The same in an empty directory that is ours already, which is taken over, also by a failure. Nothing is synced
 * in it: that is done once for many such runs, by lehr_output_sync between result and end. */
lehr_status lehr_store_enter(const lehr_config *config, const char *id, lehr_dir *dir,
                             lehr_store **out);

/* Seconds between two writes of status.json, from now on. */
void lehr_store_pace(lehr_store *store, double every_s);

void lehr_store_destroy(lehr_store **store);

const lehr_dir *lehr_store_dir(const lehr_store *store);

/* One line of events.jsonl. */
lehr_status lehr_store_event(lehr_store *store, const lehr_observation *observation);

/* status.json says how far the run is; written at most every few seconds. */
lehr_status lehr_store_progress(lehr_store *store, int64_t scan, int64_t scans, double left_s);

/* The end: best.safetensors, result.json, and then the status: "done", or "stopped" by a signal. */
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
