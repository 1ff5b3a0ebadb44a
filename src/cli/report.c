/* report.c: `lehr report`: one HTML file about one run, or about many. What it shows is in study/report.h. */
#include "study/report.h"

#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/page_file.h"
#include "study/directory.h"
#include "study/page.h"

static const char report_name[] = "report.html";

/* A report that stands among the runs of `lehr report runs/iris/...` is none of them. */
static bool is_report(const char *path)
{
    const char *slash = strrchr(path, '/');
    return strcmp(slash != NULL ? slash + 1 : path, report_name) == 0;
}

static lehr_status find_runs(const lehr_options *options, lehr_run_list *list)
{
    for (int32_t i = 0; i < options->arguments; i++)
        if (!is_report(options->argument[i]))
            LEHR_TRY(lehr_run_list_add(list, options->argument[i]));
    LEHR_CHECK(list->runs.count > 0 || list->named_sweep, LEHR_ERR_ARG,
               "a directory is missing: lehr report DIR...");
    return LEHR_OK;
}

/* The directory of a single argument, or the one that all of several stand in. */
static lehr_status find_folder(const lehr_options *options, char folder[LEHR_PATH_MAX])
{
    if (options->arguments == 1) {
        LEHR_CHECK(lehr_text_copy(folder, LEHR_PATH_MAX, options->argument[0]), LEHR_ERR_ARG,
                   "path '%.60s...' is too long", options->argument[0]);
        return LEHR_OK;
    }
    char name[LEHR_NAME_MAX], other[LEHR_PATH_MAX];
    LEHR_TRY(lehr_path_split(options->argument[0], folder, name));
    for (int32_t i = 1; i < options->arguments; i++) {
        LEHR_TRY(lehr_path_split(options->argument[i], other, name));
        LEHR_CHECK(strcmp(folder, other) == 0, LEHR_ERR_ARG,
                   "the runs stand in different directories: say with -o where the report goes");
    }
    return LEHR_OK;
}

/* A report in its usual place is made anew each time; a file that -o names is not overwritten. */
static lehr_status write_report(const lehr_options *options, const json_t *data)
{
    const char *chosen = lehr_option_value(options, LEHR_OPTION_OUTPUT, NULL);
    char path[LEHR_PATH_MAX], folder[LEHR_PATH_MAX];
    if (chosen != NULL)
        return lehr_page_file(data, chosen, LEHR_PAGE_NEW);
    LEHR_TRY(find_folder(options, folder));
    LEHR_TRY(lehr_path_join(folder, report_name, path));
    return lehr_page_file(data, path, LEHR_PAGE_REPLACE);
}

static lehr_status report_runs(const lehr_options *options, const lehr_run_list *list)
{
    json_t *data = NULL;
    const bool one = list->runs.count == 1 && !list->named_sweep;
    LEHR_TRY(one ? lehr_report_one(list->runs.path[0], &data) : lehr_report_many(list, &data));
    const lehr_status status = write_report(options, data);
    json_decref(data);
    return status;
}

static lehr_status report(const lehr_options *options, int *code)
{
    *code = LEHR_EXIT_OK;
    lehr_run_list list = {0};
    LEHR_TRY(lehr_page_check());
    lehr_status status = find_runs(options, &list);
    if (status == LEHR_OK)
        status = report_runs(options, &list);
    lehr_run_list_free(&list);
    return status;
}

const lehr_command lehr_command_report = {
    .name = "report",
    .arguments = "DIR...",
    .help = "a run, or a comparison of many, as one HTML file",
    .notes =
        "DIR is a run's directory, or one that has runs below it (a sweep's). One run is shown "
        "whole: curves,\n"
        "ladder, moves, energies where output.trace.energy kept them, warnings, provenance. "
        "Several are compared:\n"
        "the keys that differ between their configs are the axes; trials of a sweep by its "
        "objective, "
        "averaged\nas it says, with how far it is and how trials at work go. The file needs no "
        "network and "
        "no other file.\n"
        "It is DIR/report.html, or report.html beside several DIRs, made anew each time; a file "
        "that -o names\n"
        "must not exist. Its path is printed.\n",
    .least = 1,
    .most = LEHR_ARGUMENTS_ANY,
    .options = LEHR_BIT(OUTPUT),
    .run = report,
};
