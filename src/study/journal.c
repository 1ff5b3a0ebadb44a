/* journal.c: an index of lines by trial; the lines themselves stay in the file. */
#define _POSIX_C_SOURCE 200809L

#include "study/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "study/output.h"

static const char file_name[] = "events.jsonl", before[] = "{\"trial\":\"";

/* Lines wait for each other so long, or until they are so many: one write for all of a slice. */
static const double wait_s = 1;
enum { WAITING_BYTES = 1 << 16 };

/* Where a line stands, and the next of its trial; -1: none. */
typedef struct entry {
    int64_t offset;
    int32_t length, next;
} entry;

/* Lines of one trial; -1: none. */
typedef struct list {
    int32_t first, last;
} list;

struct lehr_journal {
    const lehr_dir *dir;
    int out; /* -1: it is only read */
    int in;
    lehr_text waiting; /* lines that are not in the file */
    int64_t size;      /* of the file and what waits for it */
    double written_s;  /* by the clock, when lines last went to the file */
    entry *entry;      /* [entries] */
    int32_t entries;
    list *list; /* [lists] */
    int32_t lists;
    json_t *index; /* id of a trial: its list */
};

/* ---- The index ------------------------------------------------------------------------------- */

/* Room for one more; doubles. */
static lehr_status grow(void **array, int32_t count, size_t size)
{
    if (count > 0 && (count & (count - 1)) != 0)
        return LEHR_OK;
    LEHR_CHECK(count <= INT32_MAX / 2, LEHR_ERR_MEMORY, "%d lines of events are too many", count);
    return lehr_memory_grow(count > 0 ? 2 * (size_t)count : 1, size, "lines of events", array);
}

static list *find_list(const lehr_journal *j, const char *id)
{
    const json_t *number = json_object_get(j->index, id);
    return number != NULL ? &j->list[json_integer_value(number)] : NULL;
}

static lehr_status make_list(lehr_journal *j, const char *id)
{
    void *array = j->list;
    LEHR_TRY(grow(&array, j->lists, sizeof *j->list));
    j->list = array;
    LEHR_ASSERT(j->list != NULL);
    j->list[j->lists] = (list){-1, -1};
    LEHR_CHECK(json_object_set_new(j->index, id, json_integer(j->lists)) == 0, LEHR_ERR_MEMORY,
               "out of memory for events of '%.40s'", id);
    j->lists++;
    return LEHR_OK;
}

/* The next line of the file is of this trial. */
static lehr_status note(lehr_journal *j, const char *id, size_t length)
{
    void *array = j->entry;
    if (find_list(j, id) == NULL)
        LEHR_TRY(make_list(j, id));
    LEHR_TRY(grow(&array, j->entries, sizeof *j->entry));
    j->entry = array;
    LEHR_ASSERT(j->entry != NULL);
    j->entry[j->entries] = (entry){j->size, (int32_t)length, -1};
    list *mine = find_list(j, id);
    if (mine->last >= 0)
        j->entry[mine->last].next = j->entries;
    else
        mine->first = j->entries;
    mine->last = j->entries++;
    j->size += (int64_t)length;
    return LEHR_OK;
}

/* ---- Open ------------------------------------------------------------------------------------ */

void lehr_journal_destroy(lehr_journal **journal)
{
    if (journal == NULL || *journal == NULL)
        return;
    lehr_journal *j = *journal;
    if (j->out >= 0)
        close(j->out);
    if (j->in >= 0)
        close(j->in);
    lehr_text_free(&j->waiting);
    LEHR_FREE(j->entry);
    LEHR_FREE(j->list);
    json_decref(j->index);
    LEHR_FREE(*journal);
}

static lehr_status fail_read(const lehr_journal *j)
{
    return lehr_fail(LEHR_ERR_IO, "%s/%s: cannot be read: %s", j->dir->path, file_name,
                     lehr_system_error(errno));
}

static lehr_status open_file(lehr_journal *j)
{
    j->index = json_object();
    LEHR_CHECK(j->index != NULL, LEHR_ERR_MEMORY, "out of memory for events");
    j->in = openat(j->dir->fd, file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return j->in >= 0 ? LEHR_OK : fail_read(j);
}

/* The trial of a line; false: it names none. */
static bool read_id(const char *line, char id[LEHR_NAME_MAX])
{
    const size_t skip = sizeof before - 1;
    if (strncmp(line, before, skip) != 0)
        return false;
    const size_t length = strcspn(line + skip, "\"");
    if (length == 0 || length >= LEHR_NAME_MAX || strncmp(line + skip + length, "\",", 2) != 0)
        return false;
    memcpy(id, line + skip, length);
    id[length] = '\0';
    return true;
}

/* Line by line, up to where a checkpoint saw the file. */
static lehr_status read_lines(lehr_journal *j, FILE *file, int64_t size_bytes)
{
    char *line = NULL, id[LEHR_NAME_MAX];
    size_t capacity = 0;
    lehr_status status = LEHR_OK;
    while (status == LEHR_OK && j->size < size_bytes) {
        const ssize_t length = getline(&line, &capacity, file);
        if (length > 0 && line[length - 1] == '\n' && read_id(line, id))
            status = note(j, id, (size_t)length);
        else
            status = lehr_fail(LEHR_ERR_DATA,
                               "%s/%s: byte %lld begins no event of a trial, of %lld bytes",
                               j->dir->path, file_name, (long long)j->size, (long long)size_bytes);
    }
    free(line);
    LEHR_TRY(status);
    LEHR_CHECK(j->size == size_bytes, LEHR_ERR_DATA, "%s/%s: a line goes beyond byte %lld",
               j->dir->path, file_name, (long long)size_bytes);
    return LEHR_OK;
}

static lehr_status read_file(lehr_journal *j, int64_t size_bytes)
{
    LEHR_TRY(open_file(j));
    const int fd = dup(j->in);
    FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL) {
        const lehr_status status = fail_read(j);
        if (fd >= 0)
            close(fd);
        return status;
    }
    const lehr_status status = read_lines(j, file, size_bytes);
    fclose(file);
    return status;
}

static lehr_status make(const lehr_dir *dir, lehr_journal **out)
{
    LEHR_TRY(LEHR_NEW(*out, 1, "events"));
    (*out)->dir = dir;
    (*out)->out = (*out)->in = -1;
    (*out)->written_s = lehr_clock_s();
    return LEHR_OK;
}

lehr_status lehr_journal_create(const lehr_dir *dir, lehr_journal **out)
{
    lehr_journal *j = NULL;
    LEHR_TRY(make(dir, &j));
    lehr_status status = lehr_log_create(dir, file_name, &j->out);
    if (status == LEHR_OK)
        status = open_file(j);
    if (status == LEHR_OK)
        *out = j;
    else
        lehr_journal_destroy(&j);
    return status;
}

lehr_status lehr_journal_open(const lehr_dir *dir, int64_t size_bytes, lehr_journal **out)
{
    lehr_journal *j = NULL;
    LEHR_TRY(make(dir, &j));
    const lehr_status status = read_file(j, size_bytes);
    if (status == LEHR_OK)
        *out = j;
    else
        lehr_journal_destroy(&j);
    return status;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static lehr_status flush(lehr_journal *j)
{
    if (j->waiting.length == 0)
        return LEHR_OK;
    LEHR_TRY(lehr_log_append(j->dir, file_name, j->out, j->waiting.data, j->waiting.length));
    j->waiting.length = 0;
    j->written_s = lehr_clock_s();
    return LEHR_OK;
}

static lehr_status add_line(lehr_journal *j, const char *id, const char *line, size_t length)
{
    const size_t start = j->waiting.length;
    lehr_text_add(&j->waiting, "%s%s\",", before, id);
    lehr_text_add_bytes(&j->waiting, line + 1, length - 1);
    LEHR_CHECK(!j->waiting.failed, LEHR_ERR_MEMORY, "out of memory for events");
    return note(j, id, j->waiting.length - start);
}

lehr_status lehr_journal_add(lehr_journal *journal, const char *id, const char *lines,
                             size_t length)
{
    LEHR_ASSERT(journal->out >= 0);
    for (const char *line = lines, *end = lines + length; line < end;) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        LEHR_ASSERT(next != NULL && line[0] == '{');
        LEHR_TRY(add_line(journal, id, line, (size_t)(next + 1 - line)));
        line = next + 1;
    }
    const bool due = journal->waiting.length >= WAITING_BYTES ||
                     lehr_clock_s() - journal->written_s >= wait_s;
    return due ? flush(journal) : LEHR_OK;
}

/* One line without its trial. */
static lehr_status read_line(const lehr_journal *j, const entry *e, size_t skip, lehr_text *out)
{
    const size_t start = out->length, length = (size_t)e->length - skip;
    int64_t from = e->offset + (int64_t)skip;
    lehr_text_add(out, "{%*s", (int)length, "");
    LEHR_CHECK(!out->failed, LEHR_ERR_MEMORY, "out of memory for events");
    for (size_t done = 0; done < length;) {
        const ssize_t taken = pread(j->in, out->data + start + 1 + done, length - done,
                                    (off_t)(from + (int64_t)done));
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0)
            return fail_read(j);
        done += (size_t)taken;
    }
    return LEHR_OK;
}

lehr_status lehr_journal_lines(lehr_journal *journal, const char *id, lehr_text *out)
{
    const list *mine = find_list(journal, id);
    const size_t skip = sizeof before - 1 + strlen(id) + 2;
    if (journal->out >= 0)
        LEHR_TRY(flush(journal));
    for (int32_t i = mine != NULL ? mine->first : -1; i >= 0; i = journal->entry[i].next)
        LEHR_TRY(read_line(journal, &journal->entry[i], skip, out));
    return LEHR_OK;
}

lehr_status lehr_journal_sync(lehr_journal *journal, int64_t *size_bytes)
{
    LEHR_TRY(flush(journal));
    return lehr_log_sync(journal->dir, file_name, journal->out, size_bytes);
}
