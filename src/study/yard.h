/* yard.h: the directory of a sweep, and who works in it.
 *
 *     sweep.json      the trials that the sweep file has now: ids, values, objective; written whole
 *     trials/<id>/    one trial: the files of a run, and `owner`
 *     workers/<name>  one file per process at work, held by flock(2): a killed one lets go by itself
 *     packs/<id>/     the states of trials that have not ended: crate.h
 *     results.csv, results.sqlite   by `lehr collect`
 *
 * A trial's directory is made under another name, with its `owner` in it, and then renamed: of several
 * processes one succeeds, and nobody ever sees a trial that nobody owns. To take one over, or to remove a crate, is
 * for one process at a time: workers/.reclaim. There is no other lock and no shared database. */
#ifndef LEHR_STUDY_YARD_H
#define LEHR_STUDY_YARD_H

#include <stdint.h>

#include "study/directory.h"
#include "study/store.h"

struct json_t; /* of jansson */

enum { LEHR_OWNER_MAX = 200, LEHR_CRATE_ID_BYTES = LEHR_OWNER_MAX + 12, LEHR_REASON_MAX = 400 };

/* X(SUFFIX, "name"). */
#define LEHR_TRIAL_STATES(X)                                                                       \
    X(PENDING, "pending")           /* nobody has begun it */                                      \
    X(RUNNING, "running")           /* its owner is alive */                                       \
    X(CHECKPOINTED, "checkpointed") /* its owner is not, or has let go of it; it can go on */      \
    X(STALE, "stale")               /* its owner is not, and it starts over */                     \
    X(DONE, "done")                                                                                \
    X(PRUNED, "pruned")                                                                            \
    X(FAILED, "failed")

typedef enum lehr_trial_state {
#define X(suffix, name) LEHR_TRIAL_##suffix,
    LEHR_TRIAL_STATES(X)
#undef X
        LEHR_TRIAL_STATE_COUNT
} lehr_trial_state;

const char *lehr_trial_state_name(lehr_trial_state state);

/* What a look at a trial's directory has found. */
typedef struct lehr_trial_look {
    lehr_trial_state state;
    int32_t attempts; /* that ended in a failure */
    bool
        unknown; /* its owner is on another host, on a file system without locks: taken for alive */
    bool unread; /* what it says cannot be read now: taken for running, and nobody takes it */
    int64_t scan;  /* as of its status.json */
    int64_t saved; /* scan of the checkpoint that its status.json knows of; -1: none */
    char owner[LEHR_OWNER_MAX];
    char pack[LEHR_CRATE_ID_BYTES]; /* the crate that holds its state; "": none */
    bool anew; /* false from a look; true: what the crate holds is of no use, and it starts over */
    char reason[LEHR_REASON_MAX]; /* of a failed one */
} lehr_trial_look;

typedef struct lehr_yard {
    lehr_dir dir, trials;
    lehr_dir workers; /* closed in a copy without it, where nobody is at work */
    lehr_dir packs;   /* closed where this process only looks */
    int worker_fd;    /* -1: this process only looks */
    char worker[LEHR_OWNER_MAX], job[LEHR_NAME_MAX];
} lehr_yard;

/* Is a worker at work? Where the file system has no locks its name says which process to ask for. *unknown: it cannot
 * be told, so it counts as alive. */
bool lehr_worker_lives(const lehr_yard *yard, const char *worker, bool *unknown);

/* Workers that are at work, without this process. */
int32_t lehr_yard_workers(const lehr_yard *yard);

/* A JSON object of a trial, for those who only show it; NULL when it is not there, or cannot be read. */
struct json_t *lehr_yard_read(const lehr_yard *yard, const char *id, const char *name);

/* Remove a directory with all that is in it, as far as that goes. */
void lehr_yard_remove(const lehr_dir *parent, const char *name);

enum { LEHR_ASIDE_BYTES = LEHR_OWNER_MAX + 16 };

/* Give a directory that is to be removed another name, ".old-...": whatever cannot be removed, since somebody has files
 * in it open, is in nobody's way. False, and errno: it has its name still, or never had it. */
bool lehr_yard_set_aside(const lehr_yard *yard, const lehr_dir *parent, const char *name,
                         char aside[LEHR_ASIDE_BYTES]);

/* Names below a directory of the yard, one by one, to a function that may remove them. */
void lehr_yard_for_each(const lehr_yard *yard, const lehr_dir *dir,
                        void (*take)(const lehr_yard *yard, const char *name));

/* One process at a time takes, or removes, what was another's. *fd: close it to let go. False: somebody else is at
 * it. */
bool lehr_yard_reclaim(const lehr_yard *yard, int *fd);

/* Open a sweep's directory, or a copy of its trials, to look at it. Fails with LEHR_ERR_IO, and with LEHR_ERR_EXISTS when it is no sweep's. */
lehr_status lehr_yard_open(const char *path, lehr_yard *out);

/* LEHR_ERR_EXISTS when a path holds something else than a sweep's directory, or room for one. */
lehr_status lehr_yard_check(const char *path);

/* Make or open it to work in it; what killed workers have left half made is removed. `job`: the number of a batch
 * job, and behind a blank which of its starts this is; or "". Fails with LEHR_ERR_EXISTS on a directory that holds
 * something else, and with LEHR_ERR_IO. */
lehr_status lehr_yard_enter(const char *path, const char *job, lehr_yard *out);

/* Let go of everything; harmless on a closed one. */
void lehr_yard_close(lehr_yard *yard);

/* Is there a sweep's directory? */
bool lehr_yard_is(const char *path);

enum { LEHR_GAP_BYTES = LEHR_NAME_MAX + 8 };

/* Where one directory cannot take the place of another at once, the old one is called ".gap-<id>" until the new one has
 * its place. As long as it is called so it is the trial: whoever finds it, and holds up all others, puts it back. */
void lehr_trial_gap(const char *id, char out[LEHR_GAP_BYTES]);

void lehr_trial_look_at(const lehr_yard *yard, const char *id, lehr_trial_look *out);

/* What may be taken besides pending trials and those whose owner is known to be gone. */
typedef enum lehr_retry { LEHR_RETRY_NONE, LEHR_RETRY_FAILED, LEHR_RETRY_STALE } lehr_retry;

/* May a worker take a trial in this state? */
bool lehr_trial_is_free(const lehr_trial_look *look, lehr_retry retry, int32_t retries);

/* Take a trial that was free at the look, or anew one of our own. *taken: its directory, empty but for `owner`, which
 * leads to the crate of the look, and whole files of a trace, is ours; false: somebody else was first. Fails with
 * LEHR_ERR_IO. */
lehr_status lehr_trial_take(const lehr_yard *yard, const char *id, const lehr_trial_look *look,
                            lehr_dir *dir, bool *taken);

/* LEHR_ERR_EXISTS, with the command that goes on with it, when a directory is that of a sweep's trial: its state is in a
 * crate, and who works in the sweep agrees on who has it. */
lehr_status lehr_trial_refuse(const char *path);

/* From now on the state of a trial of ours, whose directory is given, is in this crate; "": it starts over. Synced only
 * as far as the state in the crate `before`, "": none, would be lost with the power. Fails with LEHR_ERR_EXISTS when the
 * trial was taken over, LEHR_ERR_IO, LEHR_ERR_MEMORY. */
lehr_status lehr_trial_lead(const lehr_yard *yard, const lehr_dir *dir, int32_t attempts,
                            const char *before, const char *pack);

typedef enum lehr_need { LEHR_NEED_NONE, LEHR_NEED_SOME, LEHR_NEED_UNKNOWN } lehr_need;

/* Has a trial not ended, and is its state in this crate? Unknown: what says so cannot be read now. */
lehr_need lehr_trial_needs(const lehr_yard *yard, const char *id, const char *pack);

#endif
