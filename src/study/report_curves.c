/* report_curves.c: the lines of events.jsonl as columns, thinned to what a screen can show. */
#define _POSIX_C_SOURCE 200809L

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/status.h"
#include "model/file.h"
#include "study/directory.h"
#include "study/report.h"
#include "study/report_work.h"

/* Name of a column, and where it stands in a line. */
typedef struct column {
    const char *name, *part, *key; /* part NULL: at the top */
} column;

static const column columns[] = {
    {"scan", NULL, "scan"},
    {"proposals", NULL, "proposals"},
    {"wall_s", NULL, "wall_s"},
    {"energy_best", NULL, "energy_best"},
    {"energy_cold", NULL, "energy_cold"},
    {"acceptance", NULL, "acceptance"},
    {"swap_acceptance", NULL, "swap_acceptance"},
    {"temperature", NULL, "temperature"},
    {"best_scan", NULL, "best_scan"},
    {"train_loss", "train", "loss"},
    {"train_accuracy", "train", "accuracy"},
    {"train_r2", "train", "r2"},
    {"train_rmse", "train", "rmse"},
    {"validation_loss", "validation", "loss"},
    {"validation_accuracy", "validation", "accuracy"},
    {"validation_r2", "validation", "r2"},
    {"validation_rmse", "validation", "rmse"},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

/* The whole lines of the file: what follows the last line end was cut off. */
static int64_t count_lines(const lehr_file *file)
{
    int64_t lines = 0;
    for (size_t i = 0; i < file->size; i++)
        lines += file->data[i] == '\n';
    return lines;
}

/* Null where the line has no such number. */
static json_t *cell(const json_t *line, const column *c)
{
    const json_t *from = c->part != NULL ? json_object_get(line, c->part) : line;
    json_t *value = json_object_get(from, c->key);
    return json_is_number(value) ? json_incref(value) : json_null();
}

static lehr_status take_line(const char *path, int64_t number, const char *text, size_t length,
                             json_t *lists[COLUMNS])
{
    json_error_t error;
    json_t *line = json_loadb(text, length, 0, &error);
    LEHR_CHECK(line != NULL, LEHR_ERR_DATA, "%s:%lld:%d: not valid JSON: %s", path,
               (long long)number, error.column, error.text);
    bool whole = true;
    for (int c = 0; c < COLUMNS; c++)
        whole &= json_array_append_new(lists[c], cell(line, &columns[c])) == 0;
    json_decref(line);
    LEHR_CHECK(whole, LEHR_ERR_MEMORY, "out of memory for the curves of a report");
    return LEHR_OK;
}

/* Every stride-th line, and the last. */
static lehr_status take_lines(const char *path, const lehr_file *file, int64_t lines,
                              int64_t stride, json_t *lists[COLUMNS])
{
    const char *text = file->data;
    for (int64_t n = 0; n < lines; n++) {
        const char *end = memchr(text, '\n', file->size - (size_t)(text - file->data));
        if (n % stride == 0 || n + 1 == lines)
            LEHR_TRY(take_line(path, n + 1, text, (size_t)(end - text), lists));
        text = end + 1;
    }
    return LEHR_OK;
}

/* The columns that hold a number somewhere, and how many lines they stand for. Takes the lists over. */
static json_t *gather(json_t *lists[COLUMNS], int64_t lines, int64_t stride)
{
    json_t *object = json_pack("{s:I, s:I}", "observations", (json_int_t)lines, "every",
                               (json_int_t)stride);
    for (int c = 0; c < COLUMNS; c++) {
        bool any = false;
        for (size_t i = 0; i < json_array_size(lists[c]) && !any; i++)
            any = json_is_number(json_array_get(lists[c], i));
        if (any)
            json_object_set(object, columns[c].name, lists[c]);
    }
    return object;
}

static lehr_status make(const char *path, const lehr_file *file, int32_t points, json_t **out)
{
    json_t *lists[COLUMNS];
    for (int c = 0; c < COLUMNS; c++)
        lists[c] = json_array();
    const int64_t lines = count_lines(file), stride = lines / points + 1;
    const lehr_status status = take_lines(path, file, lines, stride, lists);
    if (status == LEHR_OK)
        *out = gather(lists, lines, stride);
    for (int c = 0; c < COLUMNS; c++)
        json_decref(lists[c]);
    LEHR_TRY(status);
    LEHR_CHECK(*out != NULL, LEHR_ERR_MEMORY, "out of memory for the curves of a report");
    return LEHR_OK;
}

lehr_status lehr_report_columns(const char *name, const char *lines, size_t length, int32_t points,
                                json_t **out)
{
    char none[] = "";
    const lehr_file file = {length > 0 ? (char *)lines : none, length};
    return make(name, &file, points, out);
}

/* A trial at work: its lines are those of its pack. */
static lehr_status make_packed(const char *sweep, const char *id, const lehr_report_run *run,
                               int32_t points, json_t **out)
{
    lehr_yard yard;
    LEHR_TRY(lehr_yard_open(sweep, &yard));
    lehr_work_trial trial = {.id = id};
    lehr_work_look(&yard, &trial);
    lehr_status status = lehr_work_read(sweep, &trial, 1, points);
    lehr_yard_close(&yard);
    if (status == LEHR_OK && trial.columns == NULL)
        status = lehr_report_columns(run->dir, NULL, 0, points, &trial.columns);
    *out = trial.columns;
    return status;
}

lehr_status lehr_report_curves(const lehr_report_run *run, int32_t points, json_t **out)
{
    char path[LEHR_PATH_MAX], sweep[LEHR_PATH_MAX], id[LEHR_NAME_MAX];
    lehr_file file;
    LEHR_TRY(lehr_path_join(run->dir, "events.jsonl", path));
    if (access(path, F_OK) != 0 && lehr_run_sweep(run->dir, sweep, id))
        return make_packed(sweep, id, run, points, out);
    LEHR_TRY(lehr_file_read(path, &file));
    const lehr_status status = make(path, &file, points, out);
    lehr_file_free(&file);
    return status;
}
