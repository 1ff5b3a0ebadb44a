/* shelf.c: reading crates. Nothing in them is changed. */
#define _POSIX_C_SOURCE 200809L

#include "study/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "lehr/lehr.h"
#include "study/generations.h"

void lehr_crate_prefix(const char *trial, char out[LEHR_RUN_ID_BYTES + 1])
{
    snprintf(out, LEHR_RUN_ID_BYTES + 1, "%s.", trial);
}

bool lehr_source_has(const lehr_source *source, const char *trial)
{
    char prefix[LEHR_RUN_ID_BYTES + 1];
    lehr_crate_prefix(trial, prefix);
    return source->checkpoint != NULL &&
           lehr_checkpoint_find(source->checkpoint, prefix, "run.scan") != NULL;
}

/* ---- One crate ------------------------------------------------------------------------------- */

void lehr_source_put_down(lehr_source *s)
{
    lehr_checkpoint_destroy(&s->checkpoint);
    lehr_journal_destroy(&s->journal);
    lehr_dir_close(&s->dir);
}

/* It is only opened: unlike lehr_generations_open, which makes and cleans. */
static lehr_status find_checkpoint(lehr_source *s)
{
    char path[LEHR_PATH_MAX];
    lehr_dir ckpt = {.fd = -1};
    LEHR_TRY(lehr_path_join(s->dir.path, "ckpt", path));
    LEHR_TRY(lehr_dir_open(path, &ckpt));
    const lehr_status status = lehr_generations_find(&ckpt, &s->checkpoint, &s->notice);
    lehr_dir_close(&ckpt);
    LEHR_TRY(status);
    LEHR_CHECK(s->checkpoint != NULL, LEHR_ERR_DATA, "%s holds no whole checkpoint", path);
    return LEHR_OK;
}

/* A state of another program is refused and left, as that of a run is. */
static lehr_status check_version(const lehr_source *s)
{
    lehr_checkpoint_head expected = *lehr_checkpoint_of(s->checkpoint);
    snprintf(expected.version, sizeof expected.version, "%s", lehr_version());
    snprintf(expected.config, sizeof expected.config, "%s", LEHR_CRATE_CONFIG);
    return lehr_checkpoint_match(s->checkpoint, &expected);
}

static lehr_status open_parts(const lehr_yard *yard, lehr_source *s)
{
    char path[LEHR_PATH_MAX];
    LEHR_TRY(lehr_path_join(yard->packs.path, s->id, path));
    LEHR_TRY(lehr_dir_open(path, &s->dir));
    LEHR_TRY(find_checkpoint(s));
    LEHR_TRY(check_version(s));
    s->scan = lehr_checkpoint_of(s->checkpoint)->scan;
    return lehr_journal_open(&s->dir, lehr_checkpoint_of(s->checkpoint)->events_bytes, &s->journal);
}

/* What is damaged or gone is a finding; anything else may be better the next time. */
static bool is_lost(const lehr_yard *yard, const lehr_source *s, lehr_status status)
{
    static const char *const names[] = {"ckpt", "events.jsonl"};
    bool gone = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[LEHR_CRATE_ID_BYTES + 16];
        snprintf(path, sizeof path, "%s/%s", s->id, names[i]);
        gone |= faccessat(yard->packs.fd, path, F_OK, 0) != 0 && errno == ENOENT;
    }
    return status == LEHR_ERR_DATA || (status == LEHR_ERR_IO && gone);
}

static lehr_status fill(const lehr_yard *yard, lehr_source *s)
{
    const lehr_status status = open_parts(yard, s);
    char sentence[LEHR_PATH_MAX];
    snprintf(sentence, sizeof sentence, "%s", lehr_error());
    s->whole = status == LEHR_OK;
    if (status == LEHR_ERR_EXISTS)
        return lehr_fail(status, "%s; remove %s to start its trials over", sentence, s->dir.path);
    if (status == LEHR_OK || !is_lost(yard, s, status))
        return status;
    lehr_text_add(&s->notice, "%s%s: its trials start over", s->notice.length > 0 ? "; " : "",
                  sentence);
    lehr_source_put_down(s);
    return LEHR_OK;
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void forget(lehr_source *s)
{
    lehr_source_put_down(s);
    lehr_text_free(&s->notice);
    LEHR_FREE(s);
}

static lehr_status read_in(const lehr_shelf *shelf, const char *id, lehr_source **out)
{
    lehr_source *s = NULL;
    LEHR_TRY(LEHR_NEW(s, 1, "a pack that was left"));
    s->dir.fd = -1;
    snprintf(s->id, sizeof s->id, "%s", id);
    const lehr_status status = fill(shelf->yard, s);
    if (status == LEHR_OK)
        *out = s;
    else
        forget(s);
    return status;
}

lehr_status lehr_shelf_find(lehr_shelf *shelf, const char *id, lehr_source **out)
{
    for (int32_t i = 0; i < shelf->count; i++)
        if (strcmp(shelf->source[i]->id, id) == 0) {
            *out = shelf->source[i];
            return LEHR_OK;
        }
    lehr_source *s = NULL;
    void *list = shelf->source;
    LEHR_TRY(lehr_memory_grow((size_t)shelf->count + 1, sizeof *shelf->source,
                              "packs that were left", &list));
    shelf->source = list;
    LEHR_TRY(read_in(shelf, id, &s));
    shelf->source[shelf->count++] = *out = s;
    return LEHR_OK;
}

lehr_status lehr_shelf_read(lehr_shelf *shelf, const char *id, lehr_source **out)
{
    LEHR_TRY(lehr_shelf_find(shelf, id, out));
    lehr_source *s = *out;
    if (!s->whole || s->checkpoint != NULL)
        return LEHR_OK;
    s->notice.length = 0;
    return fill(shelf->yard, s);
}

int32_t lehr_shelf_open(const lehr_shelf *shelf)
{
    int32_t open = 0;
    for (int32_t i = 0; i < shelf->count; i++)
        open += shelf->source[i]->checkpoint != NULL;
    return open;
}

void lehr_shelf_clear(lehr_shelf *shelf)
{
    for (int32_t i = 0; i < shelf->count; i++)
        forget(shelf->source[i]);
    LEHR_FREE(shelf->source);
    shelf->count = 0;
}

/* A network file system keeps what is open, and with it the directory. */
void lehr_shelf_drop(lehr_shelf *shelf)
{
    for (int32_t i = 0; i < shelf->count; i++) {
        lehr_source_put_down(shelf->source[i]);
        lehr_crate_drop(shelf->yard, shelf->source[i]->id);
    }
    lehr_shelf_clear(shelf);
}
