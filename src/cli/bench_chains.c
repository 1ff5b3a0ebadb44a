/* bench_chains.c: `lehr bench chains CONFIG`: how many rows, and how to use them. What is measured is in
 * study/chains.h. */
#include "cli/bench_chains.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "cli/console.h"
#include "cli/load.h"
#include "cli/page_file.h"
#include "study/chains.h"
#include "study/output.h"
#include "study/page.h"
#include "study/store.h"

enum { SETS = 2, SET_BYTES = 256 };

static const double line_every_s = 30;

/* ---- Options --------------------------------------------------------------------------------- */

/* "1,2,4" into rows[]. */
static lehr_status read_rows(const char *text, int32_t *rows, int32_t *count)
{
    *count = 0;
    for (const char *at = text;; at++) {
        int64_t value;
        const size_t length = strcspn(at, ",");
        LEHR_CHECK(lehr_parse_int64(at, length, &value) && value >= 1 && value <= INT32_MAX,
                   LEHR_ERR_ARG, "--rows needs numbers of rows such as 1,2,4,8, not '%s'", text);
        LEHR_CHECK(*count < LEHR_CHAINS_ROWS_MAX, LEHR_ERR_ARG, "--rows takes at most %d numbers",
                   LEHR_CHAINS_ROWS_MAX);
        rows[(*count)++] = (int32_t)value;
        at += length;
        if (*at == '\0')
            return LEHR_OK;
    }
}

static lehr_status read_seeds(const lehr_options *options, int32_t *out)
{
    const char *text = lehr_option_value(options, LEHR_OPTION_SEEDS, "20");
    int64_t value;
    LEHR_CHECK(lehr_parse_int64(text, strlen(text), &value) && value >= 2 &&
                   value <= LEHR_CHAINS_SEEDS_MAX,
               LEHR_ERR_ARG, "--seeds needs a number from 2 to %d, not '%s'", LEHR_CHAINS_SEEDS_MAX,
               text);
    *out = (int32_t)value;
    return LEHR_OK;
}

/* --target METRIC=VALUE as the two keys that it stands for. */
static lehr_status read_target(const lehr_options *options, char set[SETS][SET_BYTES],
                               lehr_options *out)
{
    const char *text = lehr_option_value(options, LEHR_OPTION_TARGET, NULL);
    if (text == NULL)
        return LEHR_OK;
    const char *equals = strchr(text, '=');
    LEHR_CHECK(equals != NULL && strlen(text) < SET_BYTES / 2, LEHR_ERR_ARG,
               "--target needs METRIC=VALUE, such as train_accuracy=1, not '%.60s'", text);
    snprintf(set[0], SET_BYTES, "stop.target.metric=%.*s", (int)(equals - text), text);
    snprintf(set[1], SET_BYTES, "stop.target.value=%s", equals + 1);
    for (int i = 0; i < SETS; i++)
        out->set[out->set_count++] = set[i];
    return LEHR_OK;
}

/* The config named by the second word, as other commands read that of their first. */
static lehr_status load(const lehr_options *options, lehr_config *config)
{
    char set[SETS][SET_BYTES];
    lehr_options shifted = *options;
    shifted.argument++;
    shifted.arguments--;
    LEHR_TRY(LEHR_NEW(shifted.set, (size_t)options->set_count + SETS, "the command line"));
    for (int32_t i = 0; i < options->set_count; i++)
        shifted.set[i] = options->set[i];
    lehr_status status = read_target(options, set, &shifted);
    if (status == LEHR_OK)
        status = lehr_load(&shifted, config);
    LEHR_FREE(shifted.set);
    return status;
}

/* ---- Output ---------------------------------------------------------------------------------- */

static lehr_status write_text(const lehr_dir *dir, const char *name,
                              void (*fill)(const lehr_chains *chains, lehr_text *out),
                              const lehr_chains *chains)
{
    lehr_text text = {0};
    fill(chains, &text);
    const lehr_status status = text.failed
                                   ? lehr_fail(LEHR_ERR_MEMORY, "out of memory for %s", name)
                                   : lehr_output_whole(dir, name, text.data, text.length);
    lehr_text_free(&text);
    return status;
}

static lehr_status write_page(const lehr_options *options, const lehr_dir *dir, const json_t *data)
{
    char path[LEHR_PATH_MAX];
    if (lehr_page_check() != LEHR_OK) {
        if (!options->given[LEHR_OPTION_QUIET])
            lehr_console_note("%s", lehr_error());
        return LEHR_OK;
    }
    LEHR_TRY(lehr_path_join(dir->path, "report.html", path));
    return lehr_page_save(data, path, LEHR_PAGE_NEW);
}

static lehr_status write_files(const lehr_options *options, const lehr_dir *dir,
                               const lehr_chains *chains, const json_t *data)
{
    LEHR_TRY(write_text(dir, "chains.csv", lehr_chains_csv, chains));
    LEHR_TRY(write_text(dir, "runs.csv", lehr_chains_runs_csv, chains));
    return write_page(options, dir, data);
}

static lehr_status print(const lehr_options *options, const lehr_chains *chains, json_t *data)
{
    if (options->given[LEHR_OPTION_JSON])
        return lehr_console_json(json_incref(data));
    lehr_text text = {0};
    lehr_chains_table(chains, &text);
    return lehr_console_text(&text);
}

static lehr_status show(const lehr_options *options, const lehr_dir *dir, const lehr_chains *chains)
{
    json_t *data = NULL;
    LEHR_TRY(lehr_chains_json(chains, &data));
    lehr_status status = dir->fd >= 0 ? write_files(options, dir, chains, data) : LEHR_OK;
    if (status == LEHR_OK)
        status = print(options, chains, data);
    json_decref(data);
    return status;
}

/* ---- Running --------------------------------------------------------------------------------- */

typedef struct screen {
    bool quiet;
    double next_s; /* when a line is written again */
} screen;

static void look(int32_t done, int32_t all, void *data)
{
    screen *s = data;
    if (s->quiet || lehr_clock_s() < s->next_s)
        return;
    s->next_s = lehr_clock_s() + line_every_s;
    lehr_console_note("%d of %d runs", done, all);
}

static lehr_status claim(const lehr_dir *above, const char *name, lehr_dir *dir)
{
    char staged[LEHR_NAME_MAX + 32];
    LEHR_TRY(lehr_dir_stage(above, name, dir, staged));
    const lehr_status status = lehr_dir_reveal(above, staged, dir, name);
    if (status == LEHR_OK)
        return LEHR_OK;
    lehr_dir_close(dir);
    unlinkat(above->fd, staged, AT_REMOVEDIR);
    return status;
}

/* Where -o says, made before the work: a new directory. */
static lehr_status make_folder(const lehr_options *options, lehr_dir *dir)
{
    const char *path = lehr_option_value(options, LEHR_OPTION_OUTPUT, NULL);
    char parent[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    if (path == NULL)
        return LEHR_OK;
    lehr_dir above = {.fd = -1};
    LEHR_TRY(lehr_path_split(path, parent, name));
    LEHR_TRY(lehr_store_refuse(path));
    LEHR_TRY(lehr_dir_make(parent, &above));
    const lehr_status status = claim(&above, name, dir);
    lehr_dir_close(&above);
    return status;
}

static lehr_status run_and_show(const lehr_options *options, lehr_chains *chains)
{
    lehr_dir dir = {.fd = -1};
    screen s = {options->given[LEHR_OPTION_QUIET], lehr_clock_s() + line_every_s};
    lehr_status status = make_folder(options, &dir);
    if (status == LEHR_OK)
        status = lehr_chains_run(chains, look, &s);
    if (status == LEHR_OK)
        status = show(options, &dir, chains);
    lehr_dir_close(&dir);
    return status;
}

lehr_status lehr_bench_chains(const lehr_options *options)
{
    int32_t rows[LEHR_CHAINS_ROWS_MAX], count, seeds;
    lehr_config config;
    lehr_chains chains = {0};
    LEHR_CHECK(options->arguments == 2, LEHR_ERR_ARG, "missing argument: lehr bench chains CONFIG");
    LEHR_TRY(read_rows(lehr_option_value(options, LEHR_OPTION_ROWS, "1,2,4,8"), rows, &count));
    LEHR_TRY(read_seeds(options, &seeds));
    LEHR_TRY(load(options, &config));
    LEHR_TRY(lehr_chains_plan(&config, rows, count, seeds, &chains));
    const lehr_status status = run_and_show(options, &chains);
    lehr_chains_free(&chains);
    return status;
}
