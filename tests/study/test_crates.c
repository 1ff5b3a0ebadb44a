/* What the trials of a pack keep together: their events, and when all of it can go. test_packs.c goes on from it. */
#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "study/crate.h"
#include "study/journal.h"
#include "study/scratch.h"

TestSuite(journal, .init = scratch_make, .fini = scratch_remove);
TestSuite(crates, .init = scratch_make, .fini = scratch_remove);

/* ---- Events ---------------------------------------------------------------------------------- */

static void expect_lines(lehr_journal *journal, const char *id, const char *expected)
{
    lehr_text lines = {0};
    cr_assert_eq(lehr_journal_lines(journal, id, &lines), LEHR_OK, "%s", lehr_error());
    cr_assert_str_eq(lines.length > 0 ? lines.data : "", expected);
    lehr_text_free(&lines);
}

Test(journal, gives_every_trial_its_own_lines_again)
{
    static const char first[] = "{\"scan\":0}\n", second[] = "{\"scan\":1}\n{\"scan\":2}\n";
    lehr_dir dir;
    lehr_journal *journal = NULL, *again = NULL;
    int64_t bytes = 0;
    cr_assert_eq(lehr_dir_open(scratch_folder, &dir), LEHR_OK);
    cr_assert_eq(lehr_journal_create(&dir, &journal), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_journal_add(journal, "a", first, strlen(first)), LEHR_OK);
    cr_assert_eq(lehr_journal_add(journal, "b", first, strlen(first)), LEHR_OK);
    cr_assert_eq(lehr_journal_add(journal, "a", second, strlen(second)), LEHR_OK);
    expect_lines(journal, "a", "{\"scan\":0}\n{\"scan\":1}\n{\"scan\":2}\n");
    expect_lines(journal, "b", first);
    expect_lines(journal, "c", "");
    cr_assert_eq(lehr_journal_sync(journal, &bytes), LEHR_OK);
    cr_assert_str_eq(scratch_read("events.jsonl"),
                     "{\"trial\":\"a\",\"scan\":0}\n{\"trial\":\"b\",\"scan\":0}\n"
                     "{\"trial\":\"a\",\"scan\":1}\n{\"trial\":\"a\",\"scan\":2}\n");
    cr_assert_eq(bytes, (int64_t)strlen(scratch_read("events.jsonl")));
    lehr_journal_destroy(&journal);

    cr_assert_eq(lehr_journal_open(&dir, 3 * bytes / 4, &again), LEHR_OK, "%s", lehr_error());
    expect_lines(again, "a", "{\"scan\":0}\n{\"scan\":1}\n");
    lehr_journal_destroy(&again);
    for (int64_t wrong = 1; wrong <= bytes + 1; wrong++)
        if (wrong % (bytes / 4) != 0)
            cr_assert_eq(lehr_journal_open(&dir, wrong, &again), LEHR_ERR_DATA, "%lld",
                         (long long)wrong);
    static const char *const bad[] = {"{\"scan\":0}\n", "{\"trial\":\"\",\"scan\":0}\n",
                                      "{\"trial\":\"a\"}\n", "\n", "{\"trial\":\"a\",\"scan\":0}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scratch_write("events.jsonl", bad[i], strlen(bad[i]));
        cr_assert_eq(lehr_journal_open(&dir, (int64_t)strlen(bad[i]), &again), LEHR_ERR_DATA, "%s",
                     bad[i]);
    }
    lehr_dir_close(&dir);
}

/* ---- Who needs a crate ------------------------------------------------------------------------- */

static const char *const two[] = {"0123456789ab", "ba9876543210"};

/* A trial whose state is in a crate. */
static void make_trial(const lehr_yard *yard, const char *id, const char *pack)
{
    lehr_trial_look look;
    lehr_dir dir = {.fd = -1};
    bool taken = false;
    lehr_trial_look_at(yard, id, &look);
    cr_assert_eq(lehr_trial_take(yard, id, &look, &dir, &taken), LEHR_OK, "%s", lehr_error());
    cr_assert(taken);
    cr_assert_eq(lehr_trial_lead(yard, &dir, 0, "", pack), LEHR_OK, "%s", lehr_error());
    lehr_dir_close(&dir);
}

static bool stands(const char *id)
{
    char path[160];
    snprintf(path, sizeof path, "sweep/packs/%.140s", id);
    return scratch_has(path);
}

Test(crates, stand_while_somebody_works_in_them_or_a_trial_needs_them)
{
    lehr_yard yard;
    lehr_crate crate;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_crate_make(&yard, two, 2, &crate), LEHR_OK, "%s", lehr_error());
    lehr_crate_drop(&yard, crate.id);
    cr_assert(stands(crate.id), "it is in use");
    make_trial(&yard, two[0], "");
    make_trial(&yard, two[1], crate.id);
    lehr_crate_close(&crate);
    lehr_crate_drop(&yard, crate.id);
    cr_assert(stands(crate.id), "the second trial needs it");

    lehr_yard_close(&yard);
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_OK);
    cr_assert(stands(crate.id), "whoever its maker was");
    lehr_trial_look look;
    lehr_trial_look_at(&yard, two[0], &look);
    cr_assert_eq(look.state, LEHR_TRIAL_STALE);
    lehr_trial_look_at(&yard, two[1], &look);
    cr_assert_eq(look.state, LEHR_TRIAL_CHECKPOINTED);
    cr_assert_str_eq(look.pack, crate.id);
    scratch_write("sweep/trials/ba9876543210/status.json", "{\"state\": \"done\"}", 17);
    lehr_crate_drop(&yard, crate.id);
    cr_assert_not(stands(crate.id), "all have ended");
    cr_assert_eq(scratch_count("sweep/packs"), 0);
    lehr_yard_close(&yard);
}

/* A file that cannot be read now may lead to a crate: only what is known not to lets it go. */
Test(crates, stand_while_it_cannot_be_told_who_needs_them)
{
    lehr_yard yard;
    lehr_crate crate;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_crate_make(&yard, two, 2, &crate), LEHR_OK, "%s", lehr_error());
    lehr_crate_close(&crate);
    make_trial(&yard, two[1], crate.id);
    const char *owner = scratch("sweep/trials/ba9876543210/owner");
    cr_assert_eq(unlink(owner), 0);
    cr_assert_eq(symlink("owner", owner), 0);
    lehr_crate_drop(&yard, crate.id);
    cr_assert(stands(crate.id), "its owner cannot be read");
    cr_assert_eq(unlink(owner), 0);
    scratch_write("sweep/trials/ba9876543210/owner", "{\"wor", 6);
    lehr_crate_drop(&yard, crate.id);
    cr_assert(stands(crate.id), "its owner is damaged");
    cr_assert_eq(unlink(owner), 0);
    lehr_crate_drop(&yard, crate.id);
    cr_assert_not(stands(crate.id), "it has no owner");
    lehr_yard_close(&yard);
}

Test(crates, that_dead_workers_have_left_are_removed_by_the_next)
{
    lehr_yard yard;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_OK, "%s", lehr_error());
    char half[190];
    snprintf(half, sizeof half, "sweep/packs/%.120s.7", yard.worker);
    cr_assert_eq(mkdir(scratch(half), 0755), 0);
    cr_assert_eq(mkdir(scratch("sweep/packs/gone-1-a.1"), 0755), 0); /* not even a list */
    cr_assert_eq(mkdir(scratch("sweep/packs/.old-gone-1-a"), 0755), 0);
    cr_assert_eq(mkdir(scratch("sweep/packs/gone-1-a.2"), 0755), 0);
    scratch_write("sweep/packs/gone-1-a.2/trials", "0123456789ab\n../../x\n", 21);
    lehr_yard other;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &other), LEHR_OK);
    cr_assert(scratch_has(half), "its maker lives");
    cr_assert_eq(scratch_count("sweep/packs"), 1);
    lehr_yard_close(&yard);
    lehr_yard_close(&other);
}

/* A trial that starts over needs nothing; one that goes on brings the whole files of its trace. */
Test(crates, a_trial_that_is_taken_over_leads_to_them_until_it_is_led_elsewhere)
{
    lehr_yard yard;
    cr_assert_eq(lehr_yard_enter(scratch("sweep"), "", &yard), LEHR_OK, "%s", lehr_error());
    make_trial(&yard, two[0], "gone.1");
    cr_assert_eq(mkdir(scratch("sweep/trials/0123456789ab/trace"), 0755), 0);
    scratch_write("sweep/trials/0123456789ab/trace/energy-000000.npy", "x", 1);
    scratch_write("sweep/trials/0123456789ab/trace/.energy.tmp", "x", 1);
    lehr_trial_look look;
    for (int anew = 0; anew < 2; anew++) {
        lehr_dir dir = {.fd = -1};
        bool taken = false;
        lehr_trial_look_at(&yard, two[0], &look);
        cr_assert_str_eq(look.pack, "gone.1");
        look.anew = anew;
        cr_assert_eq(lehr_trial_take(&yard, two[0], &look, &dir, &taken), LEHR_OK);
        cr_assert(taken);
        lehr_dir_close(&dir);
        lehr_trial_look_at(&yard, two[0], &look);
        cr_assert_str_eq(look.pack, anew ? "" : "gone.1");
        cr_assert_eq(scratch_has("sweep/trials/0123456789ab/trace/energy-000000.npy"), !anew);
        cr_assert_not(scratch_has("sweep/trials/0123456789ab/trace/.energy.tmp"));
        cr_assert_eq(scratch_count("sweep/trials"), 1);
    }
    lehr_yard_close(&yard);
}
