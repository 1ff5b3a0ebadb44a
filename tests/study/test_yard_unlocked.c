/* A sweep's directory on a file system that has no locks: who is alive is then a matter of hosts, processes and batch
 * jobs. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study/crate.h"
#include "study/output.h"
#include "study/scratch.h"
#include "study/yard.h"

TestSuite(yard_unlocked, .init = scratch_make, .fini = scratch_remove);

enum { PATH_BYTES = 190 };

static const char id[] = "0123456789ab";

/* In place of the C library's: as Lustre answers where it is mounted without flock. */
int flock(int fd, int operation)
{
    (void)fd;
    (void)operation;
    errno = ENOSYS;
    return -1;
}

static lehr_yard enter(const char *job)
{
    lehr_yard yard;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), job, &yard), LEHR_OK, "%s", lehr_error());
    return yard;
}

static void take(const lehr_yard *yard)
{
    const lehr_trial_look pending = {.state = LEHR_TRIAL_PENDING};
    lehr_dir dir = {.fd = -1};
    bool taken = false;
    cr_assert_eq(lehr_trial_take(yard, id, &pending, &dir, &taken), LEHR_OK, "%s", lehr_error());
    cr_assert(taken);
    lehr_dir_close(&dir);
}

static void workers_file(const char *worker, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "sweep/workers/%.120s", worker);
}

/* The owner was on another host: nobody can ask there. */
static void move_owner(lehr_yard *yard)
{
    char before[PATH_BYTES], after[PATH_BYTES], text[600];
    const char *job = strchr(yard->worker, '@');
    workers_file(yard->worker, before);
    snprintf(text, sizeof text, "elsewhere-1-abc%s", job != NULL ? job : "");
    snprintf(yard->worker, sizeof yard->worker, "%.100s", text);
    workers_file(yard->worker, after);
    cr_assert(rename(scratch(before), scratch(after)) == 0 || errno == ENOENT);
    snprintf(text, sizeof text, "{\"worker\":\"%s\",\"host\":\"elsewhere\",\"pid\":1}",
             yard->worker);
    scratch_write("sweep/trials/0123456789ab/owner", text, strlen(text));
}

static lehr_trial_look look_at(const lehr_yard *yard)
{
    lehr_trial_look look;
    lehr_trial_look_at(yard, id, &look);
    return look;
}

Test(yard_unlocked, a_job_that_was_started_again_knows_its_past_as_gone)
{
    static const struct {
        const char *owner, *looker;
        lehr_trial_state state;
        bool unknown;
    } cases[] = {
        {"12", "12 restart 1", LEHR_TRIAL_STALE, false},
        {"12 restart 1", "12 restart 2", LEHR_TRIAL_STALE, false},
        {"12 restart 1", "12 restart 1", LEHR_TRIAL_RUNNING, true}, /* another task of one start */
        {"12", "12", LEHR_TRIAL_RUNNING, true},
        {"12", "123", LEHR_TRIAL_RUNNING, true}, /* other jobs */
        {"123", "12 restart 1", LEHR_TRIAL_RUNNING, true},
        {"", "12 restart 1", LEHR_TRIAL_RUNNING, true},
        {"12", "", LEHR_TRIAL_RUNNING, true},
        {"", "", LEHR_TRIAL_RUNNING, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_yard owner = enter(cases[i].owner), looker = enter(cases[i].looker);
        take(&owner);
        move_owner(&owner);
        const lehr_trial_look look = look_at(&looker);
        cr_expect_eq(look.state, cases[i].state, "case %zu", i);
        cr_expect_eq(look.unknown, cases[i].unknown, "case %zu", i);
        lehr_yard_remove(&owner.trials, id);
        lehr_yard_close(&owner);
        lehr_yard_close(&looker);
    }
}

/* What a number that was given away again would hide. */
Test(yard_unlocked, not_even_a_living_process_of_the_same_number_makes_it_alive)
{
    lehr_yard past = enter("12");
    take(&past);
    lehr_yard other = enter("13");
    cr_assert_eq(look_at(&other).state, LEHR_TRIAL_RUNNING, "we are that process");
    cr_assert_not(look_at(&other).unknown);
    lehr_yard again = enter("12 restart 1");
    cr_assert_eq(look_at(&again).state, LEHR_TRIAL_STALE);
    cr_assert_eq(look_at(&other).state, LEHR_TRIAL_STALE, "and now others know it, too");
    lehr_yard_close(&again);
    lehr_yard_close(&other);
    lehr_yard_close(&past);
}

/* ---- What is left ------------------------------------------------------------------------------ */

static const char *const trials[] = {id};

static bool stands(const char *crate)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "sweep/packs/%.120s", crate);
    return scratch_has(path);
}

Test(yard_unlocked, what_the_dead_of_this_host_have_left_goes_and_what_nobody_can_ask_about_stays)
{
    char path[PATH_BYTES], theirs[PATH_BYTES];
    lehr_yard alive = enter("");
    lehr_crate crate;
    cr_assert_eq(lehr_crate_make(&alive, trials, 1, &crate), LEHR_OK, "%s", lehr_error());
    const pid_t child = fork();
    if (child == 0) { /* is killed */
        lehr_yard mine = enter("12");
        lehr_crate left;
        _exit(lehr_crate_make(&mine, trials, 1, &left) == LEHR_OK ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    scratch_write("sweep/workers/elsewhere-1-abc", "", 0);
    scratch_write("sweep/workers/nobody", "", 0); /* not even a name */
    cr_assert_eq(mkdir(scratch("sweep/packs/elsewhere-1-abc.1"), 0755), 0);
    scratch_write("sweep/packs/elsewhere-1-abc.1/lock", "", 0);
    scratch_write("sweep/packs/elsewhere-1-abc.1/trials", "0123456789ab\n", 13);
    gethostname(theirs, 100);
    snprintf(path, sizeof path, "sweep/workers/.new-%.100s-%d-abc", theirs, (int)child);
    scratch_write(path, "", 0);
    /* A host whose name ends as a process of ours would. */
    snprintf(theirs + strlen(theirs), 60, "-%d-1-abc", (int)child);
    workers_file(theirs, path);
    scratch_write(path, "", 0);

    lehr_yard next = enter("");
    cr_expect_eq(scratch_count("sweep/workers"), 6,
                 "two of ours, three that nobody can ask, the lock");
    cr_expect_eq(scratch_count("sweep/packs"), 2);
    cr_expect(scratch_has("sweep/workers/elsewhere-1-abc"));
    cr_expect(scratch_has(path));
    cr_expect(stands("elsewhere-1-abc.1"));
    cr_expect(stands(crate.id), "its maker is at work");
    lehr_yard_close(&next);
    lehr_crate_close(&crate);
    lehr_yard_close(&alive);
}

Test(yard_unlocked, a_crate_of_our_own_goes_when_we_have_closed_it)
{
    lehr_yard yard = enter("");
    lehr_crate first, second;
    cr_assert_eq(lehr_crate_make(&yard, trials, 1, &first), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_crate_make(&yard, trials, 1, &second), LEHR_OK, "%s", lehr_error());
    lehr_crate_close(&first);
    lehr_crate_drop(&yard, first.id);
    lehr_crate_drop(&yard, second.id);
    cr_assert_not(stands(first.id));
    cr_assert(stands(second.id), "it is in use");
    lehr_crate_close(&second);
    lehr_crate_drop(&yard, second.id);
    cr_assert_not(stands(second.id));
    lehr_yard_close(&yard);
}
