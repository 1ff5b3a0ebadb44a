/* A sweep's directory: who may take which trial, and what is left of those who are gone. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "study/output.h"
#include "study/scratch.h"
#include "study/yard.h"

TestSuite(yard, .init = scratch_make, .fini = scratch_remove);

static const char id[] = "0123456789ab";

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

/* Take the trial as it is now. */
static bool take(const lehr_yard *yard, const lehr_trial_look *look)
{
    lehr_dir dir = {.fd = -1};
    bool taken = false;
    cr_assert_eq(lehr_trial_take(yard, id, look, &dir, &taken), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(dir.fd >= 0, taken);
    lehr_dir_close(&dir);
    return taken;
}

static void set_status(const char *json)
{
    scratch_write("sweep/trials/0123456789ab/status.json", json, strlen(json));
}

Test(yard, has_one_owner_for_a_trial)
{
    lehr_yard a = enter(), b = enter();
    const lehr_trial_look pending = look_at(&a);
    cr_assert_eq(pending.state, LEHR_TRIAL_PENDING);
    cr_assert(take(&a, &pending));
    cr_assert_not(take(&b, &pending), "the name is taken");
    cr_assert_eq(look_at(&b).state, LEHR_TRIAL_RUNNING);
    cr_assert_str_eq(look_at(&b).owner, a.worker);
    cr_assert_eq(scratch_count("sweep/trials"), 1, "nothing half made is left");
    cr_assert(scratch_has("sweep/trials/0123456789ab/owner"));
    lehr_yard_close(&a);
    cr_assert_eq(look_at(&b).state, LEHR_TRIAL_STALE);
    lehr_yard_close(&b);
    cr_assert_eq(scratch_count("sweep/workers"), 0);
}

Test(yard, judges_states_and_who_may_take_them)
{
    lehr_yard yard = enter();
    static const struct {
        const char *status;
        lehr_trial_state state;
        bool free, failed, stale; /* to take; with --retry failed; with --retry stale */
    } cases[] = {
        {"{\"state\": \"running\"}", LEHR_TRIAL_RUNNING, false, false, false},
        {"{\"state\": \"stopped\"}", LEHR_TRIAL_RUNNING, false, false, false},
        {"{\"sta", LEHR_TRIAL_RUNNING, false, false, false},
        {"{\"state\": \"done\"}", LEHR_TRIAL_DONE, false, false, false},
        {"{\"state\": \"pruned\"}", LEHR_TRIAL_PRUNED, false, false, false},
        {"{\"state\": \"failed\", \"error\": \"why\"}", LEHR_TRIAL_FAILED, false, true, false},
    };
    const lehr_trial_look pending = look_at(&yard);
    cr_assert(take(&yard, &pending));
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        set_status(cases[c].status);
        const lehr_trial_look look = look_at(&yard);
        cr_expect_eq(look.state, cases[c].state, "%s: %s", cases[c].status,
                     lehr_trial_state_name(look.state));
        cr_expect_eq(lehr_trial_is_free(&look, LEHR_RETRY_NONE, 0), cases[c].free);
        cr_expect_eq(lehr_trial_is_free(&look, LEHR_RETRY_FAILED, 0), cases[c].failed);
        cr_expect_eq(lehr_trial_is_free(&look, LEHR_RETRY_STALE, 0), cases[c].stale);
    }
    cr_assert_str_eq(look_at(&yard).reason, "why");
    lehr_yard_close(&yard);
}

/* A file that cannot be read now may say anything: that the trial is done, or whose it is. */
Test(yard, leaves_alone_what_it_cannot_read)
{
    static const char *const names[] = {"sweep/trials/0123456789ab/status.json",
                                        "sweep/trials/0123456789ab/owner",
                                        "sweep/trials/0123456789ab"};
    lehr_yard yard = enter();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const lehr_trial_look pending = look_at(&yard);
        lehr_yard gone = enter();
        cr_assert(take(&gone, &pending));
        lehr_yard_close(&gone);
        set_status("{\"state\": \"running\"}");
        const lehr_trial_look stale = look_at(&yard);
        cr_assert_eq(stale.state, LEHR_TRIAL_STALE);
        cr_assert_not(stale.unread);
        cr_assert_eq(rename(scratch(names[i]), scratch("kept")), 0);
        cr_assert_eq(symlink(scratch(names[i]), scratch(names[i])), 0);
        const lehr_trial_look look = look_at(&yard);
        cr_expect(look.unread, "%s", names[i]);
        cr_expect_eq(look.state, LEHR_TRIAL_RUNNING, "%s: %s", names[i],
                     lehr_trial_state_name(look.state));
        for (lehr_retry retry = LEHR_RETRY_NONE; retry <= LEHR_RETRY_STALE; retry++)
            cr_expect_not(lehr_trial_is_free(&look, retry, 9), "%s", names[i]);
        cr_expect_not(take(&yard, &stale), "%s", names[i]);
        unlink(scratch(names[i]));
        cr_assert_eq(rename(scratch("kept"), scratch(names[i])), 0);
        lehr_yard_remove(&yard.trials, id);
    }
    lehr_yard_close(&yard);
}

Test(yard, counts_failures_and_tries_as_often_as_it_is_told)
{
    lehr_yard yard = enter();
    lehr_trial_look look = look_at(&yard);
    for (int failures = 1; failures <= 3; failures++) {
        cr_assert(take(&yard, &look));
        set_status("{\"state\": \"failed\"}");
        look = look_at(&yard);
        cr_assert_eq(look.attempts, failures);
        cr_assert_eq(lehr_trial_is_free(&look, LEHR_RETRY_NONE, 2), failures <= 2);
    }
    lehr_yard_close(&yard);
}

Test(yard, takes_over_from_the_dead_once)
{
    lehr_yard a = enter(), b = enter();
    const pid_t child = fork();
    if (child == 0) { /* holds the trial and is killed */
        lehr_yard mine = enter();
        const lehr_trial_look pending = look_at(&mine);
        const bool taken = take(&mine, &pending);
        _exit(taken ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    set_status("{\"state\": \"running\", \"scan\": 7}");
    const lehr_trial_look stale = look_at(&a);
    cr_assert_eq(stale.state, LEHR_TRIAL_STALE);
    cr_assert_eq(stale.scan, 7);
    cr_assert(take(&a, &stale));
    cr_assert_not(scratch_has("sweep/trials/0123456789ab/status.json"), "it starts over");
    cr_assert_not(take(&b, &stale), "a's trial is not the dead one's any more");
    cr_assert_eq(look_at(&b).state, LEHR_TRIAL_RUNNING);
    lehr_yard_close(&a);
    lehr_yard_close(&b);
}

Test(yard, removes_what_the_dead_have_half_made_and_nothing_of_the_living)
{
    lehr_yard a = enter();
    char name[160];
    snprintf(name, sizeof name, "sweep/trials/.new-%.120s", a.worker);
    cr_assert_eq(mkdir(scratch(name), 0755), 0);
    cr_assert_eq(mkdir(scratch("sweep/trials/.old-gone"), 0755), 0);
    scratch_write("sweep/trials/.old-gone/file", "x", 1);
    scratch_write("sweep/workers/gone", "", 0);
    scratch_write("sweep/workers/.new-gone", "", 0);
    lehr_yard b = enter();
    cr_assert(scratch_has(name));
    cr_assert_not(scratch_has("sweep/trials/.old-gone"));
    cr_assert_not(scratch_has("sweep/workers/gone"));
    cr_assert_not(scratch_has("sweep/workers/.new-gone"));
    cr_assert_eq(scratch_count("sweep/workers"), 2);
    lehr_yard_close(&a);
    lehr_yard_close(&b);
}

Test(yard, goes_into_nothing_that_is_not_a_sweeps)
{
    lehr_yard yard;
    cr_assert_eq(mkdir(scratch("sweep"), 0755), 0);
    cr_assert_eq(lehr_yard_open(scratch("sweep"), &yard), LEHR_ERR_EXISTS);
    scratch_write("sweep/notes.txt", "mine", 4);
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_ERR_EXISTS);
    cr_assert_eq(scratch_count("sweep"), 1);
    scratch_write("file", "", 0);
    cr_assert_eq(lehr_yard_enter(scratch("file"), "", &yard), LEHR_ERR_IO);
}
