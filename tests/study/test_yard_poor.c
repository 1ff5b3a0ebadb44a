/* A sweep's directory on file systems that can do less than this one: that keep files which are removed while they are
 * open, and give one directory the place of another only in two steps. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study/crate.h"
#include "study/visits.h"

TestSuite(yard_poor, .init = scratch_make, .fini = scratch_remove);

static const char id[] = "0123456789ab";
static const char *const trials[] = {id};

/* ---- In place of the C library's ----------------------------------------------------------------- */

static int
    open_moved; /* directories that were put aside with a file of this process open in them */

/* Has this process a file open below a path? */
static bool has_open(const char *path)
{
    DIR *list = opendir("/proc/self/fd");
    const struct dirent *entry;
    bool found = false;
    cr_assert_not_null(list);
    while ((entry = readdir(list)) != NULL) {
        char target[LEHR_PATH_MAX];
        const ssize_t length = readlinkat(dirfd(list), entry->d_name, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        found |= strncmp(target, path, strlen(path)) == 0;
    }
    closedir(list);
    return found;
}

static void look_for_open(int dir, const char *name)
{
    char link[40], folder[LEHR_PATH_MAX], path[LEHR_PATH_MAX + 300];
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    const ssize_t length = readlink(link, folder, sizeof folder - 1);
    cr_assert_gt(length, 0);
    folder[length] = '\0';
    snprintf(path, sizeof path, "%s/%s", folder, name);
    open_moved += has_open(path);
}

static bool no_exchange, no_links;
static int owners_synced;
static void (*meanwhile)(void); /* once, when a trial has lost its name */
static void (*exchanged)(void); /* once, when two names were exchanged */

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (strncmp(to, ".old-", 5) == 0)
        look_for_open(from_dir, from);
    const int result = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
    if (result == 0 && strcmp(from, id) == 0 && meanwhile != NULL) {
        void (*act)(void) = meanwhile;
        meanwhile = NULL;
        act();
    }
    return result;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (no_exchange && (flags & RENAME_EXCHANGE) != 0) {
        errno = EINVAL;
        return -1;
    }
    const int result = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    if (exchanged != NULL && (flags & RENAME_EXCHANGE) != 0) {
        void (*act)(void) = exchanged;
        exchanged = NULL;
        act();
    }
    return result;
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    if (no_links) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int fsync(int fd)
{
    char link[40], path[LEHR_PATH_MAX] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    cr_assert_gt(readlink(link, path, sizeof path - 1), 0);
    owners_synced += strstr(path, "/.owner.") != NULL;
    return (int)syscall(SYS_fsync, fd);
}

/* Where a crate is made, a launch is between taking its trials and opening their files. */
static void (*on_crate)(void);

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int mkdirat(int dir, const char *name, mode_t mode)
{
    const int result = (int)syscall(SYS_mkdirat, dir, name, mode);
    if (on_crate != NULL && strchr(name, '.') != NULL && name[0] != '.') {
        void (*act)(void) = on_crate;
        on_crate = NULL;
        act();
    }
    return result;
}

/* ---- What is open stays ------------------------------------------------------------------------ */

/* As on NFS: the crate of a trial that is pruned alone was read just before. */
Test(yard_poor, no_crate_goes_while_files_in_it_are_open)
{
    world w = {0};
    open_world(&w, "base: base.yaml\naxes: {moves.0.scale: {log: [1e-3, 3], n: 6}, seed: [1, 2]}\n"
                   "objective: {metric: train_loss, over: seed}\n"
                   "prune: {kind: sha, min_scans: 25, eta: 2}\n");
    w.spec.shards = 12;
    for (int i = 0; i < 36; i++) {
        lehr_worker_end end;
        w.spec.shard = i % 12;
        cr_assert_eq(lehr_worker_go(&w.spec, &end), LEHR_OK, "%s", lehr_error());
    }
    cr_assert_eq(open_moved, 0);
    cr_assert_eq(scratch_count("sweep/packs"), 0);
    close_world(&w);
}

/* What could not be removed of an earlier crate, or trial, is in nobody's way. */
Test(yard_poor, what_is_left_of_others_is_in_nobodys_way)
{
    char left[160], file[170];
    lehr_yard yard;
    lehr_crate crate;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_crate_make(&yard, trials, 1, &crate), LEHR_OK, "%s", lehr_error());
    lehr_crate_close(&crate);
    for (int i = -1; i < 3; i++) {
        snprintf(left, sizeof left,
                 i < 0 ? "sweep/packs/.old-%.120s" : "sweep/packs/.old-%.120s.%d", yard.worker, i);
        cr_assert_eq(mkdir(scratch(left), 0755), 0);
        snprintf(file, sizeof file, "%.150s/.nfs01", left);
        scratch_write(file, "", 0);
    }
    lehr_crate_drop(&yard, crate.id);
    snprintf(left, sizeof left, "sweep/packs/%.120s", crate.id);
    cr_assert_not(scratch_has(left));
    lehr_crates_clean(&yard);
    cr_assert_eq(scratch_count("sweep/packs"), 0);
    lehr_yard_close(&yard);
}

/* ---- A trial between two directories --------------------------------------------------------------- */

static lehr_yard enter(void)
{
    lehr_yard yard;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_OK, "%s", lehr_error());
    return yard;
}

static lehr_trial_look look_in(const lehr_yard *yard)
{
    lehr_trial_look look;
    lehr_trial_look_at(yard, id, &look);
    return look;
}

static bool take(const lehr_yard *yard, const lehr_trial_look *look)
{
    lehr_dir dir = {.fd = -1};
    bool taken = false;
    cr_assert_eq(lehr_trial_take(yard, id, look, &dir, &taken), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(dir.fd >= 0, taken);
    lehr_dir_close(&dir);
    return taken;
}

static const lehr_trial_look never = {.state = LEHR_TRIAL_PENDING};
static char saved_in[LEHR_CRATE_ID_BYTES];

/* A dead worker's trial, whose state is in a crate. */
static void leave_trial(void)
{
    lehr_yard gone = enter();
    lehr_crate crate;
    lehr_dir dir = {.fd = -1};
    bool taken = false;
    cr_assert_eq(lehr_crate_make(&gone, trials, 1, &crate), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_trial_take(&gone, id, &never, &dir, &taken), LEHR_OK, "%s", lehr_error());
    cr_assert(taken);
    cr_assert_eq(lehr_trial_lead(&gone, &dir, 0, "", crate.id), LEHR_OK, "%s", lehr_error());
    snprintf(saved_in, sizeof saved_in, "%s", crate.id);
    lehr_dir_close(&dir);
    lehr_crate_close(&crate);
    lehr_yard_close(&gone);
}

/* It can be had within a few looks, and goes on from where it was saved. */
static void expect_saved(const lehr_yard *yard)
{
    bool taken = false;
    for (int i = 0; i < 3 && !taken; i++) {
        const lehr_trial_look look = look_in(yard);
        lehr_crate_drop(yard, saved_in);
        taken = take(yard, &look);
    }
    cr_assert(taken);
    cr_assert_eq(look_in(yard).state, LEHR_TRIAL_RUNNING);
    cr_assert_str_eq(look_in(yard).owner, yard->worker);
    cr_assert_str_eq(look_in(yard).pack, saved_in);
    cr_assert_eq(scratch_count("sweep/trials"), 1, "nothing else is left");
    cr_assert_eq(scratch_count("sweep/packs"), 1);
}

static lehr_yard other; /* at work at the same time */

static void begin_anew(void)
{
    const lehr_trial_look look = look_in(&other);
    cr_expect_eq(look.state, LEHR_TRIAL_CHECKPOINTED, "%s", lehr_trial_state_name(look.state));
    cr_expect_not(take(&other, &look));
    cr_expect_not(take(&other, &never), "by an older look");
    lehr_crate_drop(&other, saved_in);
}

Test(yard_poor, nobody_begins_a_trial_anew_while_it_has_no_name)
{
    no_exchange = true;
    leave_trial();
    lehr_yard yard = enter();
    other = enter();
    const lehr_trial_look look = look_in(&yard);
    meanwhile = begin_anew;
    (void)take(&yard, &look); /* it may be lost to the other, and come back */
    cr_assert_null((void *)(uintptr_t)meanwhile);
    const lehr_trial_look now = look_in(&yard);
    if (now.state == LEHR_TRIAL_RUNNING)
        cr_assert_str_eq(now.pack, saved_in);
    else
        expect_saved(&yard);
    lehr_yard_close(&yard);
    lehr_yard_close(&other);
}

static void die(void)
{
    _exit(0);
}

Test(yard_poor, a_trial_without_a_name_finds_it_again)
{
    no_exchange = true;
    leave_trial();
    const pid_t child = fork();
    if (child == 0) {
        lehr_yard mine = enter();
        const lehr_trial_look look = look_in(&mine);
        meanwhile = die;
        (void)take(&mine, &look);
        _exit(1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_not(scratch_has("sweep/trials/0123456789ab"));
    lehr_yard yard = enter();
    expect_saved(&yard);
    lehr_yard_close(&yard);
}

/* Somebody was killed who had begun it anew just then and did not come to look what else was there. */
Test(yard_poor, a_trial_whose_name_another_has_got_finds_it_again)
{
    no_exchange = true;
    leave_trial();
    cr_assert_eq(
        rename(scratch("sweep/trials/0123456789ab"), scratch("sweep/trials/.gap-0123456789ab")), 0);
    cr_assert_eq(mkdir(scratch("sweep/trials/0123456789ab"), 0755), 0);
    scratch_write("sweep/trials/0123456789ab/owner", "{\"worker\": \"gone\", \"pack\": \"\"}", 30);
    lehr_yard yard = enter();
    expect_saved(&yard);
    lehr_yard_close(&yard);
}

/* ---- A trial that goes on ------------------------------------------------------------------------ */

/* An empty one after a power loss would be one that leads nowhere. */
Test(yard_poor, an_owner_that_leads_to_a_state_is_on_the_disk_before_it_has_its_place)
{
    lehr_dir dir = {.fd = -1};
    bool taken = false;
    leave_trial();
    cr_assert_eq(owners_synced, 0, "it began");
    lehr_yard yard = enter();
    const lehr_trial_look look = look_in(&yard);
    cr_assert_eq(lehr_trial_take(&yard, id, &look, &dir, &taken), LEHR_OK, "%s", lehr_error());
    cr_assert(taken);
    cr_assert_eq(owners_synced, 1);
    cr_assert_eq(lehr_trial_lead(&yard, &dir, 0, saved_in, "other.1"), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(owners_synced, 2);
    lehr_dir_close(&dir);
    lehr_yard_close(&yard);
}

Test(yard_poor, a_trace_is_kept_where_files_have_one_name_only)
{
    static const char kept[] = "sweep/trials/0123456789ab/trace/energy-000000.npy";
    leave_trial();
    cr_assert_eq(mkdir(scratch("sweep/trials/0123456789ab/trace"), 0755), 0);
    cr_assert_eq(mkdir(scratch("sweep/trials/0123456789ab/trace/mine"), 0755), 0);
    scratch_write(kept, "numbers", 7);
    no_links = true;
    lehr_yard yard = enter();
    const lehr_trial_look look = look_in(&yard);
    cr_assert(take(&yard, &look));
    cr_assert(scratch_has(kept));
    cr_assert_str_eq(scratch_read(kept), "numbers");
    cr_assert_eq(scratch_count("sweep/trials/0123456789ab/trace"), 1);
    lehr_yard_close(&yard);
}

static pid_t holder;
static const lehr_yard *held;

/* Somebody removes a crate, or takes another trial over, and is slow about it. */
static void hold_up(void)
{
    int fd, ready[2];
    char byte = 0;
    cr_assert_eq(pipe(ready), 0);
    holder = fork();
    if (holder == 0) {
        const bool had = lehr_yard_reclaim(held, &fd) && write(ready[1], "x", 1) == 1;
        sleep(1);
        _exit(had ? 0 : 1);
    }
    cr_assert_eq(read(ready[0], &byte, 1), 1);
}

/* The pack is halved until the one to blame is alone. It starts over, and the others go on, also when they cannot be had
 * at that moment. */
Test(yard_poor, a_trial_that_has_lost_files_of_its_trace_starts_over_and_says_so)
{
    for (int late = 0; late < 2; late++) {
        world w = {0};
        visit v;
        char path[120];
        open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 4]}, stop.scans: [6000], "
                       "output.observe: [500], output.trace.energy: [1]}\n");
        snprintf(path, sizeof path, "sweep/trials/%s/trace/energy-000000.npy",
                 w.trials->trial[2].id);
        visit_until(&w, &v, 4500, LEHR_WORKER_STOPPED); /* a look for each line, 4096 in a file */
        cr_assert_eq(unlink(scratch(path)), 0);
        held = &w.yard;
        on_crate = late ? hold_up : NULL;
        visit_until(&w, &v, 0, LEHR_WORKER_DONE);
        cr_assert_null((void *)(uintptr_t)on_crate);
        cr_assert_not_null(strstr(v.said, w.trials->trial[2].id), "%s", v.said);
        cr_assert_not_null(strstr(v.said, "starts over"), "%s", v.said);
        cr_assert_not_null(strstr(v.said, "files of its trace are gone"), "%s", v.said);
        cr_assert_str_eq(strchr(v.said, '\n'), "\n", "only that one");
        expect_bits(&w);
        cr_assert(scratch_has(path));
        int status = 0;
        cr_assert(!late || (waitpid(holder, &status, 0) == holder && status == 0));
        close_world(&w);
        forget_work();
    }
}

/* ---- Two that believe to have taken one trial ------------------------------------------------------ */

static char stolen[LEHR_RUN_ID_BYTES];

/* What only happens where there are no locks: another directory has the name, and ours is removed. */
static void steal(void)
{
    char text[300];
    const int dir = other.trials.fd;
    cr_assert_eq(mkdir(scratch("sweep/trials/.thief"), 0755), 0);
    snprintf(text, sizeof text, "{\"worker\": \"%.200s\", \"pack\": \"\"}", other.worker);
    scratch_write("sweep/trials/.thief/owner", text, strlen(text));
    cr_assert_eq(syscall(SYS_renameat2, dir, ".thief", dir, stolen, RENAME_EXCHANGE), 0);
    lehr_yard_remove(&other.trials, ".thief");
}

Test(yard_poor, the_last_one_to_take_a_trial_has_it)
{
    leave_trial();
    lehr_yard yard = enter();
    other = enter();
    snprintf(stolen, sizeof stolen, "%s", id);
    const lehr_trial_look look = look_in(&yard);
    exchanged = steal;
    cr_assert_not(take(&yard, &look));
    cr_assert_null((void *)(uintptr_t)exchanged);
    cr_assert_str_eq(look_in(&yard).owner, other.worker);
    lehr_yard_close(&yard);
    lehr_yard_close(&other);
}

Test(yard_poor, a_worker_that_has_lost_a_trial_goes_on_with_the_others)
{
    world w = {0};
    open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 3]}}\n");
    other = enter();
    snprintf(stolen, sizeof stolen, "%s", w.trials->trial[1].id);
    on_crate = steal;
    const lehr_tally tally = go(&w, LEHR_WORKER_DONE);
    cr_assert_null((void *)(uintptr_t)on_crate);
    cr_assert_eq(tally.state[LEHR_TRIAL_DONE], 2);
    cr_assert_eq(tally.state[LEHR_TRIAL_RUNNING], 1);
    lehr_yard_close(&other);
    cr_assert_eq(go(&w, LEHR_WORKER_DONE).state[LEHR_TRIAL_DONE], 3);
    expect_bits(&w);
    close_world(&w);
}

/* EXACT. */
Test(yard_poor, a_sweep_that_is_stopped_has_the_same_bits)
{
    world w = {0};
    no_exchange = true;
    open_world(&w, "base: base.yaml\naxes: {seed: {range: [1, 3]}, stop.scans: [6000], "
                   "output.observe: [500], output.trace.energy: [1]}\n");
    for (int i = 0; i < 3; i++) {
        visit v;
        visit_until(&w, &v, i < 2 ? 4 : 0, i < 2 ? LEHR_WORKER_STOPPED : LEHR_WORKER_DONE);
        cr_assert_str_eq(v.said, "");
    }
    expect_bits(&w);
    close_world(&w);
}
