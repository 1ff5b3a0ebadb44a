/* collect.c: `lehr collect`: the results of a sweep in one table. */
#include "study/collect.h"

#include <jansson.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "study/standing.h"

/* Trials that may have ended since the table was made are those that it lacks. */
static void add_open(const json_t *standing, int32_t rows, lehr_text *out)
{
    const long long all = (long long)json_integer_value(json_object_get(standing, "trials")) +
                          (long long)json_integer_value(json_object_get(standing, "others"));
    if (rows < all)
        lehr_text_add(out, ", of %lld: %lld %s not ended", all, all - rows,
                      all - rows == 1 ? "has" : "have");
    lehr_text_add(out, "\n");
}

static lehr_status print(const lehr_yard *yard, const char *path, int32_t rows)
{
    json_t *standing = NULL;
    lehr_text text = {0};
    LEHR_TRY(lehr_standing_json(yard, &standing));
    lehr_text_add(&text, "%d trial%s in %s/results.csv and %s/results.sqlite", rows,
                  lehr_plural(rows), path, path);
    add_open(standing, rows, &text);
    lehr_standing_findings(standing, &text);
    json_decref(standing);
    return lehr_console_text(&text);
}

static lehr_status collect(const lehr_options *options, int *code)
{
    lehr_yard yard;
    int32_t rows = 0;
    *code = LEHR_EXIT_OK;
    LEHR_TRY(lehr_dir_check(options->argument[0]));
    LEHR_TRY(lehr_yard_open(options->argument[0], &yard));
    lehr_status status = lehr_collect(&yard, &rows);
    if (status == LEHR_OK)
        status = print(&yard, options->argument[0], rows);
    lehr_yard_close(&yard);
    return status;
}

const lehr_command lehr_command_collect = {
    .name = "collect",
    .arguments = "DIR",
    .help = "the results of a sweep as results.csv and results.sqlite",
    .notes =
        "Both are made anew from the trials that have ended, at any time, and written whole. "
        "results.csv has the same\nbytes in whatever order, by however many workers and on "
        "whatever backend the trials were run; times and\nhosts are in results.sqlite. Trials that "
        "the sweep "
        "file no longer names stay, behind the others, with an\nempty column `trial`; they are "
        "never the best.\n",
    .least = 1,
    .most = 1,
    .options = 0,
    .run = collect,
};
