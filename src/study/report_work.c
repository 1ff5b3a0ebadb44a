/* report_work.c: from the journals of a sweep's packs to the curves of its trials.
 *
 * A trial goes on in a crate of its worker, whose journal begins with all that was observed before; until that has
 * lines of it, or where its worker has made none, they are in the crate that its directory leads to. So crates have
 * ranks: that one 0, those of the worker by their number, and the highest that knows the trial is right. */
#define _POSIX_C_SOURCE 200809L

#include "study/report_work.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/file.h"
#include "study/report.h"

/* All trials that are asked about, and their lines in the journal at hand. */
typedef struct reading {
    lehr_work_trial *trial; /* [count] */
    lehr_text *lines;       /* [count] */
    int32_t count, points;
    json_t *index; /* id: its place */
} reading;

void lehr_work_look(const lehr_yard *yard, lehr_work_trial *trial)
{
    lehr_trial_look look;
    lehr_trial_look_at(yard, trial->id, &look);
    lehr_text_copy(trial->worker, sizeof trial->worker, look.owner);
    lehr_text_copy(trial->pack, sizeof trial->pack, look.pack);
    trial->state = look.state;
    trial->rank = -1;
}

/* -1: the crate has nothing to do with the trial. A crate is "<worker>.<number>". */
static int64_t rank_of(const lehr_work_trial *trial, const char *crate)
{
    int64_t number;
    const size_t length = strlen(trial->worker);
    if (length > 0 && strncmp(crate, trial->worker, length) == 0 && crate[length] == '.' &&
        lehr_parse_int64(crate + length + 1, strlen(crate + length + 1), &number) && number > 0)
        return number;
    return strcmp(crate, trial->pack) == 0 ? 0 : -1;
}

/* ---- One journal ----------------------------------------------------------------------------- */

/* The trial of a line, and where the rest of the line begins; NULL: none that is asked about. */
static lehr_text *find_lines(const reading *r, const char *line, size_t length, const char **rest)
{
    static const char before[] = "{\"trial\":\"";
    const size_t skip = sizeof before - 1;
    char id[LEHR_NAME_MAX];
    if (length <= skip || memcmp(line, before, skip) != 0)
        return NULL;
    const char *end = memchr(line + skip, '"', length - skip);
    const size_t letters = end != NULL ? (size_t)(end - line) - skip : sizeof id;
    if (letters >= sizeof id || skip + letters + 2 > length || end[1] != ',')
        return NULL;
    memcpy(id, line + skip, letters);
    id[letters] = '\0';
    *rest = end + 2;
    const json_t *place = json_object_get(r->index, id);
    return place != NULL ? &r->lines[json_integer_value(place)] : NULL;
}

/* A last line that was cut off is dropped. */
static void sort_lines(const reading *r, const lehr_file *file)
{
    const char *line = file->data, *end = file->data + file->size, *next, *rest;
    for (; line < end && (next = memchr(line, '\n', (size_t)(end - line))) != NULL;
         line = next + 1) {
        lehr_text *lines = find_lines(r, line, (size_t)(next - line), &rest);
        if (lines == NULL)
            continue;
        lehr_text_add_bytes(lines, "{", 1);
        lehr_text_add_bytes(lines, rest, (size_t)(next + 1 - rest));
    }
}

static lehr_status take_columns(const reading *r, int32_t i, int64_t rank)
{
    json_t *columns = NULL;
    const lehr_text *lines = &r->lines[i];
    LEHR_CHECK(!lines->failed, LEHR_ERR_MEMORY, "out of memory for events");
    const lehr_status status = lehr_report_columns(r->trial[i].id, lines->data, lines->length,
                                                   r->points, &columns);
    if (status == LEHR_ERR_DATA)
        return LEHR_OK;
    LEHR_TRY(status);
    json_decref(r->trial[i].columns);
    r->trial[i].columns = columns;
    r->trial[i].rank = rank;
    return LEHR_OK;
}

static lehr_status read_journal(const reading *r, const char *path, const char *crate)
{
    lehr_file file;
    lehr_status status = lehr_file_read(path, &file);
    if (status != LEHR_OK)
        return status == LEHR_ERR_MEMORY ? status : LEHR_OK;
    sort_lines(r, &file);
    lehr_file_free(&file);
    for (int32_t i = 0; i < r->count; i++) {
        const int64_t rank = rank_of(&r->trial[i], crate);
        if (status == LEHR_OK && r->lines[i].length > 0 && rank > r->trial[i].rank)
            status = take_columns(r, i, rank);
        lehr_text_free(&r->lines[i]);
    }
    return status;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static bool is_wanted(const reading *r, const char *crate)
{
    for (int32_t i = 0; i < r->count; i++)
        if (rank_of(&r->trial[i], crate) > r->trial[i].rank)
            return true;
    return false;
}

static lehr_status read_journals(const reading *r, const char *packs, DIR *folder)
{
    char crate[LEHR_PATH_MAX], path[LEHR_PATH_MAX];
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || !is_wanted(r, entry->d_name))
            continue;
        LEHR_TRY(lehr_path_join(packs, entry->d_name, crate));
        LEHR_TRY(lehr_path_join(crate, "events.jsonl", path));
        LEHR_TRY(read_journal(r, path, entry->d_name));
    }
    return LEHR_OK;
}

static lehr_status prepare(reading *r)
{
    LEHR_TRY(LEHR_NEW(r->lines, (size_t)r->count, "events"));
    r->index = json_object();
    for (int32_t i = 0; i < r->count; i++)
        LEHR_CHECK(json_object_set_new(r->index, r->trial[i].id, json_integer(i)) == 0,
                   LEHR_ERR_MEMORY, "out of memory for events");
    return LEHR_OK;
}

lehr_status lehr_work_read(const char *sweep, lehr_work_trial *trial, int32_t count, int32_t points)
{
    char packs[LEHR_PATH_MAX];
    reading r = {.trial = trial, .count = count, .points = points};
    LEHR_TRY(lehr_path_join(sweep, "packs", packs));
    DIR *folder = count > 0 ? opendir(packs) : NULL;
    LEHR_CHECK(folder != NULL || count == 0 || errno == ENOENT, LEHR_ERR_IO,
               "%s: cannot open the directory: %s", packs, lehr_system_error(errno));
    if (folder == NULL)
        return LEHR_OK;
    lehr_status status = prepare(&r);
    if (status == LEHR_OK)
        status = read_journals(&r, packs, folder);
    closedir(folder);
    json_decref(r.index);
    LEHR_FREE(r.lines);
    return status;
}
