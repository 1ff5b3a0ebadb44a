/* The curves of trials at work: which of several journals a trial's lines are taken from. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <sys/stat.h>

#include "study/report_work.h"
#include "study/scratch.h"

TestSuite(report_work, .init = scratch_make, .fini = scratch_remove);

static void write_journal(const char *crate, const char *lines)
{
    char path[128];
    snprintf(path, sizeof path, "packs/%s", crate);
    cr_assert_eq(mkdir(scratch(path), 0755), 0);
    snprintf(path, sizeof path, "packs/%s/events.jsonl", crate);
    scratch_write(path, lines, strlen(lines));
}

static void write_journals(void)
{
    cr_assert_eq(mkdir(scratch("packs"), 0755), 0);
    write_journal("w.1", "{\"trial\":\"a\",\"scan\":1}\n{\"trial\":\"b\",\"scan\":2}\n"
                         "{\"trial\":\"c\",\"scan\":3}\n{\"trial\":\"b\",\"scan\":4}\n");
    write_journal("w.2", "{\"trial\":\"a\",\"scan\":5}\n{\"trial\":\"a\",\"scan\":6}\n"
                         "{\"trial\":\"a\",\"scan\":7"); /* cut off */
    write_journal("w.10", "{\"trial\":\"c\",\"scan\":8}\n");
    write_journal("v.1", "{\"trial\":\"c\",\"scan\":9}\n\n{\"scan\":10}\nwords\n{\"trial\":\"\n");
    write_journal("other.1", "{\"trial\":\"a\",\"scan\":11}\n");
    write_journal("w-more.9", "{\"trial\":\"a\",\"scan\":12}\n");
    write_journal("bad.1", "{\"trial\":\"d\",\"scan\":13,}\n");
    write_journal("w.x", "{\"trial\":\"a\",\"scan\":14}\n");
    cr_assert_eq(mkdir(scratch("packs/w.3"), 0755), 0); /* without a journal */
}

Test(report_work, the_newest_crate_that_knows_the_trial_is_right)
{
    static const struct {
        const char *id, *worker, *pack;
        int scan; /* of the last line; 0: none */
    } cases[] = {
        {"a", "w", "", 6},       /* before any checkpoint: its worker's second crate */
        {"b", "v", "w.1", 4},    /* gone on with, and nothing is observed yet */
        {"c", "v", "w.1", 9},    /* gone on with */
        {"c", "w", "w.1", 8},    /* by number, not by letters */
        {"a", "", "", 0},        /* nobody has it */
        {"a", "none", "w.1", 1}, /* its worker is gone without a trace */
        {"a", "none", "w.7", 0}, /* and so is the crate */
        {"d", "bad", "", 0},     /* damaged */
    };
    write_journals();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_work_trial trial = {.id = cases[i].id, .rank = -1};
        snprintf(trial.worker, sizeof trial.worker, "%s", cases[i].worker);
        snprintf(trial.pack, sizeof trial.pack, "%s", cases[i].pack);
        cr_assert_eq(lehr_work_read(scratch(""), &trial, 1, 100), LEHR_OK, "%s", lehr_error());
        const json_t *scans = json_object_get(trial.columns, "scan");
        const size_t count = json_array_size(scans);
        const json_t *last = count > 0 ? json_array_get(scans, count - 1) : NULL;
        cr_assert_eq(json_integer_value(last), cases[i].scan, "case %zu: %lld", i,
                     (long long)json_integer_value(last));
        json_decref(trial.columns);
    }
}

/* All trials at once get what each gets alone. */
Test(report_work, trials_of_one_journal_are_told_apart)
{
    lehr_work_trial trial[3] = {{.id = "a", .worker = "w", .rank = -1},
                                {.id = "b", .worker = "w", .rank = -1},
                                {.id = "c", .worker = "v", .rank = -1}};
    static const int lines[] = {2, 2, 1};
    write_journals();
    cr_assert_eq(lehr_work_read(scratch(""), trial, 3, 100), LEHR_OK, "%s", lehr_error());
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(json_integer_value(json_object_get(trial[i].columns, "observations")),
                     lines[i], "%s", trial[i].id);
        json_decref(trial[i].columns);
    }
}

Test(report_work, a_sweep_without_packs_has_none)
{
    lehr_work_trial trial = {.id = "a", .worker = "w", .rank = -1};
    cr_assert_eq(lehr_work_read(scratch(""), &trial, 1, 100), LEHR_OK, "%s", lehr_error());
    cr_assert_null(trial.columns);
}
