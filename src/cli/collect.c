/* collect.c: `lehr collect`: the results of a sweep in one table. */
#include "study/collect.h"

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"

static lehr_status print(const char *path, int32_t rows)
{
    lehr_text text = {0};
    lehr_text_add(&text, "%d trial%s in %s/results.csv and %s/results.sqlite\n", rows,
                  rows == 1 ? "" : "s", path, path);
    return lehr_console_text(&text);
}

static lehr_status collect(const lehr_options *options, int *code)
{
    lehr_yard yard;
    int32_t rows = 0;
    *code = LEHR_EXIT_OK;
    LEHR_TRY(lehr_dir_check(options->argument[0]));
    LEHR_TRY(lehr_yard_open(options->argument[0], &yard));
    const lehr_status status = lehr_collect(&yard, &rows);
    lehr_yard_close(&yard);
    return status == LEHR_OK ? print(options->argument[0], rows) : status;
}

const lehr_command lehr_command_collect = {
    .name = "collect",
    .arguments = "DIR",
    .help = "the results of a sweep as results.csv and results.sqlite",
    .notes = "Both are made anew from the trials that have ended, at any time, and written whole. "
             "results.csv has the same\nbytes in whatever order, by however many workers and on "
             "whatever backend the trials were run; times and\nhosts are in results.sqlite.\n",
    .least = 1,
    .most = 1,
    .options = 0,
    .run = collect,
};
