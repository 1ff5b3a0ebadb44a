/* A sweep's directory on file systems that can do less than this one: that keep files which are removed while they are
 * open, and give one directory the place of another only in two steps. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study/crate.h"
#include "study/worker_world.h"

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

static bool no_exchange;
static void (*meanwhile)(void); /* once, when a trial has lost its name */

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

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (no_exchange && (flags & RENAME_EXCHANGE) != 0) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
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
    char left[190];
    lehr_yard yard;
    lehr_crate crate;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_crate_make(&yard, trials, 1, &crate), LEHR_OK, "%s", lehr_error());
    lehr_crate_close(&crate);
    for (int i = -1; i < 3; i++) {
        snprintf(left, sizeof left,
                 i < 0 ? "sweep/packs/.old-%.120s" : "sweep/packs/.old-%.120s.%d", yard.worker, i);
        cr_assert_eq(mkdir(scratch(left), 0755), 0);
        strcat(left, "/.nfs01");
        scratch_write(left, "", 0);
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

static lehr_trial_look look_at(const lehr_yard *yard)
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
    cr_assert_eq(lehr_trial_lead(&gone, &dir, 0, crate.id), LEHR_OK, "%s", lehr_error());
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
        const lehr_trial_look look = look_at(yard);
        lehr_crate_drop(yard, saved_in);
        taken = take(yard, &look);
    }
    cr_assert(taken);
    cr_assert_eq(look_at(yard).state, LEHR_TRIAL_RUNNING);
    cr_assert_str_eq(look_at(yard).owner, yard->worker);
    cr_assert_str_eq(look_at(yard).pack, saved_in);
    cr_assert_eq(scratch_count("sweep/trials"), 1, "nothing else is left");
    cr_assert_eq(scratch_count("sweep/packs"), 1);
}

static lehr_yard other; /* at work at the same time */

static void begin_anew(void)
{
    const lehr_trial_look look = look_at(&other);
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
    const lehr_trial_look look = look_at(&yard);
    meanwhile = begin_anew;
    (void)take(&yard, &look); /* it may be lost to the other, and come back */
    cr_assert_null((void *)(uintptr_t)meanwhile);
    const lehr_trial_look now = look_at(&yard);
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
        const lehr_trial_look look = look_at(&mine);
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
    scratch_write("sweep/trials/0123456789ab/owner", "{\"worker\": \"gone\", \"pack\": \"\"}", 32);
    lehr_yard yard = enter();
    expect_saved(&yard);
    lehr_yard_close(&yard);
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
