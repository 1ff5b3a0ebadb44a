/* worker.c: which trials next, and what is left. */
#define _DEFAULT_SOURCE

#include "study/worker.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "study/launch.h"
#include "study/output.h"
#include "study/progress.h"
#include "study/pruned.h"
#include "study/start.h"

/* A trial at work keeps its directory, its lock and, with a trace, that one's directory open; a crate its directory and
 * its events; a stage its directory. */
enum { FILES_PER_SEAT = 3, FILES_PER_SOURCE = 2, FILES_ELSE = 64 };
enum { MISSES_MAX = 50, SOURCES_MAX = 8, SENTENCE_BYTES = 512 };

typedef struct worker {
    const lehr_worker_spec *spec;
    const lehr_trials *trials;
    lehr_trial_state *state; /* [trials], as last seen */
    bool *closed;            /* [trials] nothing more will be done about it here */
    lehr_launch launch;
    int64_t files_most; /* that seats, crates and stages may keep open */
    lehr_prune *prune;  /* NULL: nothing is pruned */
    bool waits;         /* some trial here waits for what others reach */
    bool missed;        /* some trial that was free was not to be had at that moment */
    int32_t kept;       /* trials of this launch that keep lengths which the sweep has otherwise; */
    char keeps[LEHR_LENGTHS_WORDS]; /* the first of them, in words */
    int32_t revived;                /* trials of this launch that were pruned once */
    int32_t misses;                 /* since something was */
    char
        unread[LEHR_PATH_MAX + SENTENCE_BYTES]; /* why something could not be read; "": all could */
    double began_s;
    double work, proposals; /* finished here */
} worker;

static bool is_mine(const worker *w, int32_t trial)
{
    return trial % w->spec->shards == w->spec->shard;
}

/* ---- Choosing -------------------------------------------------------------------------------- */

/* As many files as the system allows at all. */
static int64_t count_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur > INT32_MAX)
        return INT32_MAX;
    return (int64_t)limit.rlim_cur - FILES_ELSE;
}

/* Of a trial that stands at a scan. */
static lehr_fate fate_of(const worker *w, int32_t i, int64_t scan)
{
    return w->prune != NULL ? lehr_prune_fate(w->prune, i, scan) : LEHR_FATE_RUNS;
}

/* What cannot be read now is nobody's to take: it is looked at again, and in the end named. */
static void miss_unread(worker *w)
{
    if (w->unread[0] == '\0')
        lehr_text_copy(w->unread, sizeof w->unread, lehr_error());
    w->missed = true;
}

/* A trial was pruned: by a list of trials, or a rule, that the sweep had once, or by what others have reached since our
 * last refresh, which the next one will know. Does it go on? */
static bool is_revived(worker *w, int32_t i)
{
    const lehr_fate fate = fate_of(w, i, INT64_MAX);
    bool judged = false;
    w->closed[i] = fate == LEHR_FATE_PRUNED;
    w->waits |= fate == LEHR_FATE_WAITS;
    if (fate != LEHR_FATE_RUNS)
        return false;
    const int64_t scan = w->prune != NULL ? lehr_prune_open(w->prune) : -1;
    if (scan >= 0 && lehr_prune_knows(w->prune, i, scan, &judged) != LEHR_OK) {
        miss_unread(w);
        return false;
    }
    w->missed |= judged;
    return !judged;
}

/* Between launches none is at work in this process: one that is ours could not be had when its pack was halved, or
 * starts over. */
static bool is_left(const worker *w, const lehr_trial_look *look)
{
    return look->state == LEHR_TRIAL_RUNNING && !look->unread &&
           strcmp(look->owner, w->spec->yard->worker) == 0;
}

/* Is this a trial to take now? What it looks like is remembered. */
static bool is_free(worker *w, int32_t i, lehr_trial_look *look)
{
    const lehr_worker_spec *s = w->spec;
    if (w->closed[i])
        return false;
    lehr_trial_look_at(s->yard, w->trials->trial[i].id, look);
    w->state[i] = look->state;
    if (look->unread)
        miss_unread(w);
    if (look->state == LEHR_TRIAL_PRUNED)
        return is_revived(w, i);
    const bool free = lehr_trial_is_free(look, s->retry, w->trials->sweep->retries) ||
                      is_left(w, look);
    w->closed[i] = !free && look->state != LEHR_TRIAL_RUNNING;
    return free;
}

/* What a launch holds so far. */
typedef struct load {
    const lehr_trial *first; /* NULL: nothing */
    int64_t scan;            /* at which it stands: runs of a pack move together */
    int64_t rows, bytes;
} load;

/* One more seat, which may go on from one more crate. */
static bool has_files(const worker *w)
{
    const int64_t seats = w->launch.count + 1, sources = lehr_shelf_open(&w->launch.shelf) + 1,
                  stages = w->prune != NULL ? w->prune->stages : 0;
    return FILES_PER_SEAT * seats + FILES_PER_SOURCE * sources + stages <= w->files_most;
}

static bool fits(const worker *w, const load *l, const lehr_trial *trial)
{
    return l->first == NULL || (w->launch.count < LEHR_SEATS_MAX && has_files(w) &&
                                lehr_trials_fit(w->trials, l->first, l->rows, l->bytes, trial));
}

static void say(const worker *w, const char *sentence)
{
    if (w->spec->say != NULL)
        w->spec->say(sentence, w->spec->data);
}

/* Said when the trial is ours: until then somebody else may have it, and all may be well. */
static void say_start(const worker *w, int32_t i, const lehr_start *s)
{
    char sentence[LEHR_PATH_MAX];
    if (s->source != NULL && s->source->notice.length > 0) {
        say(w, s->source->notice.data);
        s->source->notice.length = 0;
    }
    if (s->lost == NULL)
        return;
    snprintf(sentence, sizeof sentence, "trial %s starts over: %s", w->trials->trial[i].id,
             s->lost);
    say(w, sentence);
}

static lehr_status take(worker *w, int32_t i, lehr_trial_look *look, lehr_start *from, load *l)
{
    const lehr_trial *trial = &w->trials->trial[i];
    lehr_seat seat = {.trial = i, .attempts = look->attempts, .state = LEHR_TRIAL_RUNNING};
    bool taken = false;
    char kept[LEHR_LENGTHS_WORDS];
    LEHR_TRY(
        lehr_start_read(&w->launch.shelf, trial, l->first != NULL ? &l->scan : NULL, look, from));
    const lehr_start s = *from;
    if (l->first != NULL && s.scan != l->scan)
        return LEHR_OK;
    seat.dir.fd = -1;
    LEHR_TRY(lehr_start_lengths(w->trials->sweep, trial, &s, &seat.lengths, kept));
    seat.past = lehr_trial_past(w->spec->yard, trial->id, look, s.goes_on ? s.scan : -1);
    LEHR_TRY(lehr_trial_take(w->spec->yard, trial->id, look, &seat.dir, &taken));
    w->state[i] = LEHR_TRIAL_RUNNING;
    w->missed |= !taken;
    if (!taken)
        return LEHR_OK;
    say_start(w, i, &s);
    w->revived += look->state == LEHR_TRIAL_PRUNED;
    if (kept[0] != '\0' && w->kept++ == 0)
        lehr_text_copy(w->keeps, sizeof w->keeps, kept);
    lehr_text_copy(seat.pack, sizeof seat.pack, look->anew ? "" : look->pack);
    w->launch.seat[w->launch.count++] = seat;
    l->first = l->first != NULL ? l->first : trial;
    l->scan = s.scan;
    l->rows += trial->rows;
    l->bytes += trial->bytes;
    return LEHR_OK;
}

/* Take a trial whose point is out, and say so in its directory. Crates of which only pruned trials are asked are not
 * kept open. */
static lehr_status end_pruned(worker *w, int32_t i, const lehr_trial_look *look)
{
    lehr_shelf *shelf = &w->launch.shelf;
    bool taken = false;
    LEHR_TRY(lehr_pruned_end(w->trials, i, look, shelf, &taken));
    if (lehr_shelf_open(shelf) > SOURCES_MAX)
        for (int32_t k = 0; k < shelf->count; k++)
            lehr_source_put_down(shelf->source[k]); /* a seat's is read again */
    if (!taken)
        return LEHR_OK;
    w->state[i] = LEHR_TRIAL_PRUNED;
    w->closed[i] = true;
    return LEHR_OK;
}

/* What becomes of a free trial: it joins the launch, or a stage has ended it, or it stays as it is. */
static lehr_status place(worker *w, int32_t i, lehr_trial_look *look, load *l)
{
    lehr_start s;
    const lehr_status status = lehr_start_find(&w->launch.shelf, w->prune, i, look, &s);
    if (status == LEHR_ERR_IO) {
        miss_unread(w);
        return LEHR_OK;
    }
    LEHR_TRY(status);
    switch (fate_of(w, i, s.scan)) {
    case LEHR_FATE_PRUNED: return end_pruned(w, i, look);
    case LEHR_FATE_RUNS: return take(w, i, look, &s, l);
    case LEHR_FATE_WAITS: w->waits = true; break;
    }
    if (s.source != NULL)
        lehr_source_put_down(s.source); /* a seat's is read again */
    return LEHR_OK;
}

/* New directories are led to old crates: on the disk, before anything else changes. */
static lehr_status sync_taken(const worker *w)
{
    bool any = false;
    for (int32_t i = 0; i < w->launch.count; i++)
        any |= w->launch.seat[i].pack[0] != '\0';
    return any ? lehr_output_sync(&w->spec->yard->trials) : LEHR_OK;
}

static void say_revived(const worker *w)
{
    char sentence[SENTENCE_BYTES];
    snprintf(sentence, sizeof sentence,
             "%d trial%s pruned before and start%s over: by the trials and the rule that the sweep "
             "has now %s on",
             w->revived, w->revived == 1 ? " was" : "s were", w->revived == 1 ? "s" : "",
             w->revived == 1 ? "it goes" : "they go");
    if (w->revived > 0)
        say(w, sentence);
}

static void say_kept(const worker *w)
{
    char sentence[LEHR_PATH_MAX + LEHR_LENGTHS_WORDS + SENTENCE_BYTES];
    snprintf(sentence, sizeof sentence,
             "%d trial%s to the end what %s begun with (%s); to start one over as the file says "
             "now, remove its directory in %s",
             w->kept, w->kept == 1 ? " keeps" : "s keep", w->kept == 1 ? "it was" : "they were",
             w->keeps, w->spec->yard->trials.path);
    if (w->kept > 0)
        say(w, sentence);
}

/* Fill a launch from the first trial that is free. */
static lehr_status choose(worker *w)
{
    load l = {0};
    w->launch.count = w->revived = w->kept = 0;
    w->waits = w->missed = false;
    w->unread[0] = '\0';
    if (w->prune != NULL)
        LEHR_TRY(lehr_prune_refresh(w->prune));
    if (w->prune != NULL && w->prune->unread) {
        miss_unread(w);
        return LEHR_OK;
    }
    for (int32_t i = w->spec->shard; i < w->trials->count; i += w->spec->shards) {
        lehr_trial_look look;
        if (fits(w, &l, &w->trials->trial[i]) && is_free(w, i, &look))
            LEHR_TRY(place(w, i, &look, &l));
    }
    say_revived(w);
    say_kept(w);
    return sync_taken(w);
}

/* ---- Progress -------------------------------------------------------------------------------- */

/* Share of a seat's scans that are done. */
static double share_of(const lehr_seat *seat, const lehr_trial *trial)
{
    if (seat->run == NULL || trial->scans == 0)
        return 0;
    return (double)lehr_progress_of(seat->run).scan / (double)trial->scans;
}

/* The same when the seat was taken. */
static double share_before(const lehr_seat *seat, const lehr_trial *trial)
{
    if (seat->past.scan <= 0 || trial->scans == 0)
        return 0;
    return (double)seat->past.scan / (double)trial->scans;
}

/* Work and proposals here of the launch so far, of its seats that still run, and what is left of all work then. */
static void add_launch(const worker *w, double *work, double *proposals, double *left)
{
    for (int32_t i = 0; i < w->launch.count; i++) {
        const lehr_seat *seat = &w->launch.seat[i];
        const lehr_trial *trial = &w->trials->trial[seat->trial];
        if (seat->state != LEHR_TRIAL_RUNNING)
            continue;
        const double share = share_of(seat, trial), here = share - share_before(seat, trial);
        *left -= trial->work * share;
        *work += trial->work * here;
        *proposals += (double)trial->scans * trial->rows * here;
    }
}

/* Work of all trials here that nobody has finished. */
static double work_left(const worker *w)
{
    double left = 0;
    for (int32_t i = 0; i < w->trials->count; i++)
        if (is_mine(w, i) && !w->closed[i])
            left += w->trials->trial[i].work;
    return left;
}

static lehr_worker_progress progress_of(const worker *w)
{
    lehr_worker_progress p = {.left_s = NAN};
    double done = w->work, proposals = w->proposals, left = work_left(w);
    add_launch(w, &done, &proposals, &left);
    for (int32_t i = 0; i < w->trials->count; i++)
        if (is_mine(w, i)) {
            p.tally.trials++;
            p.tally.state[w->state[i]]++;
        }
    const double spent_s = lehr_clock_s() - w->began_s;
    if (done > 0 && spent_s > 0)
        p.left_s = left * spent_s / done;
    p.proposals_per_s = spent_s > 0 ? proposals / spent_s : 0;
    return p;
}

/* ---- A launch -------------------------------------------------------------------------------- */

/* A seat that has ended counts from now on, not only when its launch has. */
static void settle(worker *w)
{
    for (int32_t i = 0; i < w->launch.count; i++) {
        lehr_seat *seat = &w->launch.seat[i];
        const lehr_trial *trial = &w->trials->trial[seat->trial];
        if (seat->state == w->state[seat->trial])
            continue;
        w->state[seat->trial] = seat->state;
        w->closed[seat->trial] = seat->state == LEHR_TRIAL_DONE || seat->state == LEHR_TRIAL_PRUNED;
        if (seat->state != LEHR_TRIAL_DONE)
            continue;
        const double here = 1 - share_before(seat, trial);
        w->work += trial->work * here;
        w->proposals += (double)trial->scans * trial->rows * here;
    }
}

static bool out_of_time(const worker *w)
{
    const double limit_s = w->trials->sweep->wall_s;
    return limit_s > 0 && lehr_clock_s() - w->began_s >= limit_s;
}

static bool must_stop(const worker *w)
{
    return out_of_time(w) || (w->spec->stopping != NULL && w->spec->stopping(w->spec->data));
}

static bool look(void *data)
{
    worker *w = data;
    settle(w);
    if (w->spec->look != NULL) {
        const lehr_worker_progress progress = progress_of(w);
        w->spec->look(&progress, w->spec->data);
    }
    return must_stop(w);
}

/* A failed trial is tried again here only as often as the sweep says. */
static void close_failed(worker *w)
{
    for (int32_t i = 0; i < w->launch.count; i++) {
        const lehr_seat *seat = &w->launch.seat[i];
        lehr_trial_look now;
        if (seat->state != LEHR_TRIAL_FAILED)
            continue;
        lehr_trial_look_at(w->spec->yard, w->trials->trial[seat->trial].id, &now);
        w->closed[seat->trial] = now.attempts > w->trials->sweep->retries;
    }
}

static void tell(const char *sentence, void *data)
{
    say(data, sentence);
}

/* Trials that have yet to reach the open stage, by state. Returns how many. */
static int32_t count_lacking(const worker *w, int32_t state[LEHR_TRIAL_STATE_COUNT])
{
    int32_t count = 0;
    for (int32_t i = 0; i < w->trials->count; i++) {
        lehr_trial_look look;
        if (!lehr_prune_lacks(w->prune, i))
            continue;
        lehr_trial_look_at(w->spec->yard, w->trials->trial[i].id, &look);
        state[look.state]++;
        count++;
    }
    return count;
}

/* For whom it waits, and who does something about it: what nobody is at work on gets no further by itself. */
static void say_stage(const worker *w)
{
    lehr_text text = {0};
    int32_t state[LEHR_TRIAL_STATE_COUNT] = {0};
    const int32_t count = count_lacking(w, state), running = state[LEHR_TRIAL_RUNNING];
    lehr_text_add(&text,
                  "%d trial%s of others ha%s yet to reach scan %lld, where it is decided which go "
                  "on: %d at work now",
                  count, lehr_plural(count), count == 1 ? "s" : "ve",
                  (long long)lehr_prune_open(w->prune), running);
    for (int i = 0; i < LEHR_TRIAL_STATE_COUNT; i++)
        if (i != LEHR_TRIAL_RUNNING && state[i] > 0)
            lehr_text_add(&text, ", %d %s", state[i], lehr_trial_state_name((lehr_trial_state)i));
    lehr_text_add(&text, count == running
                             ? "; run it again then"
                             : "; those that are not at work are for the other shards, or for this "
                               "command without --shard");
    if (!text.failed)
        say(w, text.data);
    lehr_text_free(&text);
}

static void say_waits(const worker *w)
{
    if (w->waits)
        say_stage(w);
    else
        say(w, "some trials are just being taken over by another process; run it again");
}

/* 1, 2, 4, ... ms, 64 at most: some 3 s in all. */
static void pause_for(int32_t misses)
{
    const long ms = misses < 7 ? 1L << (misses - 1) : 64;
    (void)nanosleep(&(struct timespec){.tv_nsec = 1000000 * ms}, NULL);
}

static lehr_status work(worker *w, lehr_worker_end *end)
{
    *end = LEHR_WORKER_STOPPED;
    while (!must_stop(w)) {
        LEHR_TRY(choose(w));
        w->misses = w->launch.count == 0 && w->missed ? w->misses + 1 : 0;
        if (w->launch.count == 0)
            lehr_shelf_drop(&w->launch.shelf); /* the last trials of a crate may have been pruned */
        if (w->misses > 0 && w->misses <= MISSES_MAX) {
            pause_for(w->misses); /* who was first has it by then, or somebody held all up */
            continue;
        }
        LEHR_CHECK(w->launch.count > 0 || w->unread[0] == '\0', LEHR_ERR_IO, "%s", w->unread);
        if (w->launch.count == 0) {
            *end = w->waits || w->missed ? LEHR_WORKER_WAITS : LEHR_WORKER_DONE;
            if (*end == LEHR_WORKER_WAITS)
                say_waits(w);
            return LEHR_OK;
        }
        LEHR_TRY(lehr_launch_run(&w->launch));
        settle(w);
        close_failed(w);
    }
    return LEHR_OK;
}

lehr_status lehr_worker_go(const lehr_worker_spec *spec, lehr_worker_end *end)
{
    worker w = {.spec = spec,
                .trials = spec->trials,
                .files_most = count_files(),
                .began_s = lehr_clock_s()};
    const size_t count = (size_t)spec->trials->count;
    w.launch = (lehr_launch){.trials = spec->trials,
                             .yard = spec->yard,
                             .cache_dir = spec->cache_dir,
                             .shelf = {.yard = spec->yard},
                             .look = look,
                             .say = tell,
                             .data = &w};
    lehr_status status = LEHR_NEW(w.state, count, "the states of the trials");
    if (status == LEHR_OK)
        status = LEHR_NEW(w.closed, count, "the states of the trials");
    if (status == LEHR_OK)
        status = LEHR_NEW(w.launch.seat, count, "the seats of a launch");
    if (status == LEHR_OK)
        status = lehr_prune_create(spec->trials, spec->yard, &w.prune);
    w.launch.prune = w.prune;
    if (status == LEHR_OK)
        status = work(&w, end);
    if (status == LEHR_OK)
        lehr_crates_clean(spec->yard); /* what was needed, or held up, when it was looked at last */
    lehr_prune_destroy(&w.prune);
    lehr_shelf_clear(&w.launch.shelf);
    LEHR_FREE(w.state);
    LEHR_FREE(w.closed);
    LEHR_FREE(w.launch.seat);
    return status;
}

void lehr_worker_count(const lehr_worker_spec *spec, lehr_tally *out)
{
    *out = (lehr_tally){0};
    for (int32_t i = spec->shard; i < spec->trials->count; i += spec->shards) {
        lehr_trial_look look;
        lehr_trial_look_at(spec->yard, spec->trials->trial[i].id, &look);
        out->trials++;
        out->state[look.state]++;
        out->unknown += look.unknown;
    }
}
