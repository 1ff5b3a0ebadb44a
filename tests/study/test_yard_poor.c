/* A sweep's directory on file systems that can do less than this one: that keep files which are removed while they are
 * open. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "study/crate.h"
#include "study/worker_world.h"

TestSuite(yard_poor, .init = scratch_make, .fini = scratch_remove);

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

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    if (strncmp(to, ".old-", 5) == 0)
        look_for_open(from_dir, from);
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
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
    static const char *const trials[] = {"0123456789ab"};
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
