/* save.h: when runs are saved, and how they go on from there: one alone, or those of a pack in one file. */
#ifndef LEHR_STUDY_SAVE_H
#define LEHR_STUDY_SAVE_H

#include <stdbool.h>

#include "lehr/run.h"
#include "study/generations.h"
#include "study/journal.h"
#include "study/store.h"
#include "study/trace.h"

/* A run that is saved. */
typedef struct lehr_saved {
    const char *prefix; /* of its fields: "" alone, "<id>." in a pack */
    lehr_run *run;
    lehr_trace *trace;      /* NULL: none */
    int64_t observe, every; /* scans between observations, and between energies of the trace */
    bool gone;              /* it has ended, and is not saved any more */
} lehr_saved;

/* What is saved together, and since when. */
typedef struct lehr_saver {
    lehr_saved *run; /* [count] */
    int32_t count;
    lehr_store *store;     /* of a run alone, whose events are its own; */
    lehr_journal *journal; /* of a pack */
    lehr_generations generations;
    lehr_checkpoint_head head; /* of the next one */
    double wanted_s;           /* between two; 0: only when asked */
    double done_s;             /* by the clock, when the last one was written or the runs went on */
    lehr_saves saves;
    struct lehr_saver_scratch *scratch;
} lehr_saver;

/* Open the folder of checkpoints of a directory for runs[count], which are the caller's. `config` stands in
 * __metadata__ and, of a run alone, its lengths. Fails as lehr_generations_open, and with LEHR_ERR_IO when the disk has
 * no room for them. */
lehr_status lehr_saver_open(lehr_saver *saver, const lehr_dir *dir, const char *config,
                            uint64_t data_hash);
void lehr_saver_close(lehr_saver *saver);

/* Is it time? The interval is stretched so that checkpoints take at most 1 % of the time. */
bool lehr_saver_due(const lehr_saver *saver);

/* Events onto the disk, then everything into the next checkpoint. Fails with LEHR_ERR_IO, LEHR_ERR_MEMORY,
 * LEHR_ERR_EXISTS; the checkpoint before it then stands. */
lehr_status lehr_saver_write(lehr_saver *saver);

/* A run alone: put the newest checkpoint into it, and events and trace back to where it saw them; without one the run
 * stays at its start, *found is false. Words about a damaged file are added to `notice`. */
lehr_status lehr_saver_read(lehr_saver *saver, bool *found, lehr_text *notice);

/* What a checkpoint of a pack says of a run besides its fields: scans between observations and between energies, and
 * whole files of its trace. Fails with LEHR_ERR_DATA. */
typedef struct lehr_lengths {
    int64_t observe, every, files;
} lehr_lengths;

lehr_status lehr_saved_lengths(const lehr_checkpoint *checkpoint, const char *prefix,
                               lehr_lengths *out);

/* A pack: put what a checkpoint, of this or another pack, holds of run `index` into it, and its trace back to there.
 * lehr_pack_restore comes when all runs have theirs. Fails with LEHR_ERR_EXISTS when it was made with other data,
 * and with LEHR_ERR_DATA. */
lehr_status lehr_saver_take(lehr_saver *saver, int32_t index, const lehr_checkpoint *checkpoint);

#endif
