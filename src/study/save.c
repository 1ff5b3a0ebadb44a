/* save.c: one checkpoint holds a run whole, at a boundary between slices. */
#define _POSIX_C_SOURCE 200809L

#include "study/save.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/status.h"
#include "lehr/lehr.h"
#include "run/run.h"

/* Share of the time that checkpoints may take. */
static const double share_max = 0.01;

/* The fields of the run, and the lines of its trace that are in no file. */
typedef struct fields {
    lehr_field field[LEHR_FIELDS_MAX + 1];
    int32_t count;
} fields;

static lehr_status view(lehr_run *run, fields *out, lehr_checkpoint_part *part)
{
    LEHR_TRY(lehr_run_fields(run, out->field, &out->count));
    *part = (lehr_checkpoint_part){"", out->field, out->count};
    return LEHR_OK;
}

/* ---- Open ------------------------------------------------------------------------------------ */

/* The files that are still to come and, while one is replaced, one more. */
static lehr_status check_room(lehr_saver *saver)
{
    const lehr_dir *dir = &saver->generations.dir;
    const uint64_t files = 1 + (uint64_t)lehr_generations_missing(&saver->generations);
    struct statvfs disk;
    fields f;
    lehr_checkpoint_part part;
    LEHR_TRY(view(saver->run, &f, &part));
    uint64_t bytes = 0;
    for (int32_t i = 0; i < f.count; i++)
        bytes += (uint64_t)f.field[i].rows * (uint64_t)f.field[i].columns *
                 lehr_field_bytes(f.field[i].type);
    if (fstatvfs(dir->fd, &disk) != 0)
        return LEHR_OK;
    const uint64_t room = (uint64_t)disk.f_bavail * disk.f_frsize;
    LEHR_CHECK(room >= files * bytes, LEHR_ERR_IO,
               "%s: No space left on device for checkpoints (%" PRIu64 " bytes needed, %" PRIu64
               " bytes free)",
               dir->path, files * bytes, room);
    return LEHR_OK;
}

lehr_status lehr_saver_open(lehr_saver *saver, const lehr_config *config, const char *id,
                            uint64_t data_hash)
{
    lehr_checkpoint_head *head = &saver->head;
    *head = (lehr_checkpoint_head){.observe = config->run.observe, .trace = config->trace_energy};
    snprintf(head->version, sizeof head->version, "%s", lehr_version());
    snprintf(head->config, sizeof head->config, "%s", id);
    snprintf(head->data, sizeof head->data, "%016" PRIx64, data_hash);
    saver->wanted_s = config->checkpoint_s;
    saver->saves = (lehr_saves){.scan = -1, .every_s = config->checkpoint_s};
    saver->done_s = lehr_clock_s();
    LEHR_TRY(lehr_generations_open(lehr_store_dir(saver->store), &saver->generations));
    return check_room(saver);
}

void lehr_saver_close(lehr_saver *saver)
{
    lehr_generations_close(&saver->generations);
}

/* ---- Write ----------------------------------------------------------------------------------- */

bool lehr_saver_due(const lehr_saver *saver)
{
    return saver->wanted_s > 0 && lehr_clock_s() - saver->done_s >= saver->saves.every_s;
}

/* Events first: a checkpoint never knows of more than is on the disk. */
static lehr_status write(lehr_saver *saver)
{
    lehr_checkpoint_head *head = &saver->head;
    fields f;
    lehr_checkpoint_part part;
    LEHR_TRY(lehr_store_sync(saver->store, &head->events_bytes));
    LEHR_TRY(view(saver->run, &f, &part));
    if (saver->trace != NULL) {
        head->trace_files = lehr_trace_files(saver->trace);
        f.field[part.count] = lehr_trace_field(saver->trace);
        part.count += f.field[part.count].rows > 0;
    }
    head->scan = saver->run->scan;
    head->save_us = (int64_t)(1e6 * saver->saves.spent_s);
    return lehr_generations_write(&saver->generations, head, &part, 1);
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

static lehr_status restore(lehr_saver *saver, const lehr_checkpoint *checkpoint)
{
    const lehr_checkpoint_head *head = lehr_checkpoint_of(checkpoint);
    fields f;
    lehr_checkpoint_part part;
    LEHR_TRY(view(saver->run, &f, &part));
    LEHR_TRY(lehr_checkpoint_restore(checkpoint, &part, 1));
    const lehr_status status = lehr_run_restore(saver->run);
    if (status != LEHR_OK)
        return lehr_fail_prefix(status, "%s: ", lehr_checkpoint_label(checkpoint));
    LEHR_CHECK(saver->run->scan == head->scan, LEHR_ERR_DATA,
               "%s: its run is at scan %lld, its __metadata__ says %lld",
               lehr_checkpoint_label(checkpoint), (long long)saver->run->scan,
               (long long)head->scan);
    saver->saves.count = head->save;
    saver->saves.scan = head->scan;
    saver->saves.spent_s = 1e-6 * (double)head->save_us;
    if (saver->trace == NULL)
        return LEHR_OK;
    return lehr_trace_rewind(saver->trace, head->trace_files,
                             lehr_checkpoint_find(checkpoint, "trace"));
}

/* Without a checkpoint everything but the directory begins anew. */
static lehr_status rewind_to(lehr_saver *saver, const lehr_checkpoint *checkpoint)
{
    if (checkpoint != NULL)
        LEHR_TRY(restore(saver, checkpoint));
    else if (saver->trace != NULL)
        LEHR_TRY(lehr_trace_rewind(saver->trace, 0, NULL));
    lehr_store_saved(saver->store, &saver->saves);
    return lehr_store_rewind(saver->store,
                             checkpoint != NULL ? lehr_checkpoint_of(checkpoint)->events_bytes : 0);
}

lehr_status lehr_saver_read(lehr_saver *saver, bool *found, lehr_text *notice)
{
    lehr_checkpoint *checkpoint = NULL;
    LEHR_TRY(lehr_generations_latest(&saver->generations, &saver->head, &checkpoint, notice));
    *found = checkpoint != NULL;
    LEHR_CHECK(*found || saver->run->spec.extra == 0, LEHR_ERR_DATA,
               "%s holds no checkpoint that could be extended", saver->generations.dir.path);
    const int64_t again = lehr_store_scan(saver->store) -
                          (*found ? lehr_checkpoint_of(checkpoint)->scan : 0);
    if (notice->length > 0)
        lehr_text_add(notice, ": %lld scans are done again", (long long)(again > 0 ? again : 0));
    const lehr_status status = rewind_to(saver, checkpoint);
    lehr_checkpoint_destroy(&checkpoint);
    return status;
}
