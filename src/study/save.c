/* save.c: one checkpoint holds a run, or all runs of a pack, whole, at a boundary between slices. */
#define _POSIX_C_SOURCE 200809L

#include "study/save.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/status.h"
#include "lehr/lehr.h"
#include "run/run.h"

/* Share of the time that checkpoints may take. */
static const double share_max = 0.01;

/* What the head says of a run alone, in a pack each one says for itself. */
enum { NUMBER_OBSERVE, NUMBER_EVERY, NUMBER_FILES, NUMBERS };
static const char numbers_name[] = "numbers";

/* The fields of a run, its numbers, and the lines of its trace that are in no file. */
typedef struct fields {
    lehr_field field[LEHR_FIELDS_MAX + 2];
    int64_t number[NUMBERS];
} fields;

struct lehr_saver_scratch {
    fields *fields;             /* [count] */
    lehr_checkpoint_part *part; /* [count] */
};

static bool is_alone(const lehr_saver *saver)
{
    return saver->store != NULL;
}

/* A run as it is read and written, but for its trace. */
static lehr_status view(const lehr_saver *saver, int32_t index, lehr_checkpoint_part *part)
{
    const lehr_saved *s = &saver->run[index];
    fields *f = &saver->scratch->fields[index];
    int32_t count;
    LEHR_TRY(lehr_run_fields(s->run, f->field, &count));
    f->number[NUMBER_OBSERVE] = s->observe;
    f->number[NUMBER_EVERY] = s->every;
    f->number[NUMBER_FILES] = s->trace != NULL ? lehr_trace_files(s->trace) : 0;
    if (!is_alone(saver))
        f->field[count++] = (lehr_field){numbers_name, LEHR_FIELD_I64, NUMBERS, 1, f->number};
    *part = (lehr_checkpoint_part){s->prefix, f->field, count};
    return LEHR_OK;
}

/* ---- Open ------------------------------------------------------------------------------------ */

static uint64_t size_of(const lehr_checkpoint_part *part)
{
    uint64_t bytes = 0;
    for (int32_t i = 0; i < part->count; i++)
        bytes += (uint64_t)part->field[i].rows * (uint64_t)part->field[i].columns *
                 lehr_field_bytes(part->field[i].type);
    return bytes;
}

/* The files that are still to come and, while one is replaced, one more. */
static lehr_status check_room(lehr_saver *saver)
{
    const lehr_dir *dir = &saver->generations.dir;
    const uint64_t files = 1 + (uint64_t)lehr_generations_missing(&saver->generations);
    struct statvfs disk;
    uint64_t bytes = 0;
    for (int32_t i = 0; i < saver->count; i++) {
        lehr_checkpoint_part part;
        LEHR_TRY(view(saver, i, &part));
        bytes += size_of(&part);
    }
    if (fstatvfs(dir->fd, &disk) != 0)
        return LEHR_OK;
    const uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    LEHR_CHECK(room >= files * bytes, LEHR_ERR_IO,
               "%s: No space left on device for checkpoints (%" PRIu64 " bytes needed, %" PRIu64
               " bytes free)",
               dir->path, files * bytes, room);
    return LEHR_OK;
}

static lehr_status make_scratch(lehr_saver *saver)
{
    const size_t count = (size_t)saver->count;
    LEHR_TRY(LEHR_NEW(saver->scratch, 1, "a checkpoint"));
    LEHR_TRY(LEHR_NEW(saver->scratch->fields, count, "a checkpoint"));
    return LEHR_NEW(saver->scratch->part, count, "a checkpoint");
}

lehr_status lehr_saver_open(lehr_saver *saver, const lehr_dir *dir, const char *config,
                            uint64_t data_hash)
{
    lehr_checkpoint_head *head = &saver->head;
    *head = (lehr_checkpoint_head){.scan = 0};
    if (is_alone(saver)) {
        head->observe = saver->run->observe;
        head->trace = saver->run->every;
    }
    snprintf(head->version, sizeof head->version, "%s", lehr_version());
    snprintf(head->config, sizeof head->config, "%s", config);
    snprintf(head->data, sizeof head->data, "%016" PRIx64, data_hash);
    saver->saves = (lehr_saves){.scan = -1, .every_s = saver->wanted_s};
    saver->done_s = lehr_clock_s();
    LEHR_TRY(make_scratch(saver));
    LEHR_TRY(lehr_generations_open(dir, &saver->generations));
    return check_room(saver);
}

void lehr_saver_close(lehr_saver *saver)
{
    lehr_generations_close(&saver->generations);
    if (saver->scratch == NULL)
        return;
    LEHR_FREE(saver->scratch->fields);
    LEHR_FREE(saver->scratch->part);
    LEHR_FREE(saver->scratch);
}

/* ---- Write ----------------------------------------------------------------------------------- */

bool lehr_saver_due(const lehr_saver *saver)
{
    return saver->wanted_s > 0 && lehr_clock_s() - saver->done_s >= saver->saves.every_s;
}

static lehr_status add_part(lehr_saver *saver, int32_t index, int32_t *parts)
{
    const lehr_saved *s = &saver->run[index];
    lehr_checkpoint_part *part = &saver->scratch->part[*parts];
    lehr_field *field = saver->scratch->fields[index].field;
    if (s->gone)
        return LEHR_OK;
    LEHR_TRY(view(saver, index, part));
    if (s->trace != NULL) {
        field[part->count] = lehr_trace_field(s->trace);
        part->count += field[part->count].rows > 0;
    }
    saver->head.scan = s->run->scan;
    ++*parts;
    return LEHR_OK;
}

/* Events first: a checkpoint never knows of more than is on the disk. */
static lehr_status write(lehr_saver *saver)
{
    lehr_checkpoint_head *head = &saver->head;
    int32_t parts = 0;
    LEHR_TRY(is_alone(saver) ? lehr_store_sync(saver->store, &head->events_bytes)
                             : lehr_journal_sync(saver->journal, &head->events_bytes));
    for (int32_t i = 0; i < saver->count; i++)
        LEHR_TRY(add_part(saver, i, &parts));
    if (is_alone(saver))
        head->trace_files = saver->scratch->fields->number[NUMBER_FILES];
    head->save_us = (int64_t)(1e6 * saver->saves.spent_s);
    return lehr_generations_write(&saver->generations, head, saver->scratch->part, parts);
}

/* What it has cost decides when the next one may come. */
static void count(lehr_saver *saver, double begin_s)
{
    saver->done_s = lehr_clock_s();
    const double cost_s = saver->done_s - begin_s;
    saver->saves.spent_s += cost_s;
    saver->saves.every_s = fmax(saver->wanted_s, cost_s / share_max);
    saver->saves.count = saver->generations.saves;
    saver->saves.scan = saver->head.scan;
    if (is_alone(saver))
        lehr_store_saved(saver->store, &saver->saves);
}

lehr_status lehr_saver_write(lehr_saver *saver)
{
    const double begin_s = lehr_clock_s();
    LEHR_TRY(write(saver));
    count(saver, begin_s);
    return LEHR_OK;
}

/* ---- Read ------------------------------------------------------------------------------------ */

/* Into the fields of a run, which is then at the scan of the whole. */
static lehr_status copy(const lehr_saver *saver, int32_t index, const lehr_checkpoint *checkpoint)
{
    const lehr_run *run = saver->run[index].run;
    const int64_t scan = lehr_checkpoint_of(checkpoint)->scan;
    lehr_checkpoint_part part;
    LEHR_TRY(view(saver, index, &part));
    LEHR_TRY(lehr_checkpoint_restore(checkpoint, &part, 1));
    LEHR_CHECK(run->scan == scan, LEHR_ERR_DATA,
               "%s: its run is at scan %lld, its __metadata__ says %lld",
               lehr_checkpoint_label(checkpoint), (long long)run->scan, (long long)scan);
    return LEHR_OK;
}

static lehr_status restore(lehr_saver *saver, const lehr_checkpoint *checkpoint)
{
    const lehr_checkpoint_head *head = lehr_checkpoint_of(checkpoint);
    lehr_trace *trace = saver->run->trace;
    LEHR_TRY(copy(saver, 0, checkpoint));
    const lehr_status status = lehr_pack_restore(saver->run->run->pack);
    if (status != LEHR_OK)
        return lehr_fail_prefix(status, "%s: ", lehr_checkpoint_label(checkpoint));
    saver->saves.count = head->save;
    saver->saves.scan = head->scan;
    saver->saves.spent_s = 1e-6 * (double)head->save_us;
    if (trace == NULL)
        return LEHR_OK;
    return lehr_trace_rewind(trace, head->trace_files,
                             lehr_checkpoint_find(checkpoint, "", "trace"));
}

/* Without a checkpoint everything but the directory begins anew. */
static lehr_status rewind_to(lehr_saver *saver, const lehr_checkpoint *checkpoint)
{
    if (checkpoint != NULL)
        LEHR_TRY(restore(saver, checkpoint));
    else if (saver->run->trace != NULL)
        LEHR_TRY(lehr_trace_rewind(saver->run->trace, 0, NULL));
    lehr_store_saved(saver->store, &saver->saves);
    return lehr_store_rewind(saver->store,
                             checkpoint != NULL ? lehr_checkpoint_of(checkpoint)->events_bytes : 0);
}

lehr_status lehr_saver_read(lehr_saver *saver, bool *found, lehr_text *notice)
{
    lehr_checkpoint *checkpoint = NULL;
    LEHR_TRY(lehr_generations_latest(&saver->generations, &saver->head, &checkpoint, notice));
    *found = checkpoint != NULL;
    LEHR_CHECK(*found || saver->run->run->spec.extra == 0, LEHR_ERR_DATA,
               "%s holds no checkpoint that could be extended", saver->generations.dir.path);
    const int64_t again = lehr_store_scan(saver->store) -
                          (*found ? lehr_checkpoint_of(checkpoint)->scan : 0);
    if (notice->length > 0)
        lehr_text_add(notice, ": %lld scans are done again", (long long)(again > 0 ? again : 0));
    const lehr_status status = rewind_to(saver, checkpoint);
    lehr_checkpoint_destroy(&checkpoint);
    return status;
}

/* ---- Read, in a pack --------------------------------------------------------------------------- */

lehr_status lehr_saved_lengths(const lehr_checkpoint *checkpoint, const char *prefix,
                               lehr_lengths *out)
{
    const lehr_tensor *numbers = lehr_checkpoint_find(checkpoint, prefix, numbers_name);
    int64_t number[NUMBERS];
    LEHR_CHECK(numbers != NULL && numbers->bytes == sizeof number, LEHR_ERR_DATA,
               "%s: trial %.*s has no lengths", lehr_checkpoint_label(checkpoint),
               (int)strcspn(prefix, "."), prefix);
    memcpy(number, numbers->data, sizeof number);
    *out = (lehr_lengths){number[NUMBER_OBSERVE], number[NUMBER_EVERY], number[NUMBER_FILES]};
    return LEHR_OK;
}

lehr_status lehr_saver_take(lehr_saver *saver, int32_t index, const lehr_checkpoint *checkpoint)
{
    const lehr_saved *s = &saver->run[index];
    LEHR_TRY(lehr_checkpoint_match(checkpoint, &saver->head));
    LEHR_TRY(copy(saver, index, checkpoint));
    if (s->trace == NULL)
        return LEHR_OK;
    const int64_t files = saver->scratch->fields[index].number[NUMBER_FILES];
    LEHR_CHECK(lehr_trace_has(s->trace, files), LEHR_ERR_DATA,
               "trial %.*s: files of its trace are gone", (int)strcspn(s->prefix, "."), s->prefix);
    return lehr_trace_rewind(s->trace, files, lehr_checkpoint_find(checkpoint, s->prefix, "trace"));
}
