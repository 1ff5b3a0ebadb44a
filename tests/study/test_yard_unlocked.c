/* A sweep's directory on a file system that has no locks: who is alive is then a matter of hosts, processes and batch
 * jobs. */
#include <criterion/criterion.h>
#include <errno.h>
#include <sys/file.h>

#include "study/output.h"
#include "study/scratch.h"
#include "study/yard.h"

TestSuite(yard_unlocked, .init = scratch_make, .fini = scratch_remove);

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

/* The owner says that it was on another host: nobody can ask there. */
static void move_owner(const lehr_yard *yard)
{
    char text[600];
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
