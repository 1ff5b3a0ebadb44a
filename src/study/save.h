/* save.h: when a run is saved, and how it goes on from there. */
#ifndef LEHR_STUDY_SAVE_H
#define LEHR_STUDY_SAVE_H

#include <stdbool.h>

#include "lehr/run.h"
#include "study/generations.h"
#include "study/store.h"
#include "study/trace.h"

/* What is saved together, and since when. */
typedef struct lehr_saver {
    lehr_store *store;
    lehr_run *run;
    lehr_trace *trace; /* NULL: none */
    lehr_generations generations;
    lehr_checkpoint_head head; /* of the next one */
    double wanted_s;           /* between two; 0: only when asked */
    double done_s;             /* by the clock, when the last one was written or the run went on */
    lehr_saves saves;
} lehr_saver;

/* Open the folder of checkpoints of a store's directory. Fails as lehr_generations_open, and with LEHR_ERR_IO when
 * the disk has no room for them. */
lehr_status lehr_saver_open(lehr_saver *saver, const lehr_config *config, const char *id,
                            uint64_t data_hash);
void lehr_saver_close(lehr_saver *saver);

/* Is it time? The interval is stretched so that checkpoints take at most 1 % of the time. */
bool lehr_saver_due(const lehr_saver *saver);

/* Events onto the disk, then everything into the next checkpoint. Fails with LEHR_ERR_IO, LEHR_ERR_MEMORY,
 * LEHR_ERR_EXISTS; the checkpoint before it then stands. */
lehr_status lehr_saver_write(lehr_saver *saver);

/* Put the newest checkpoint into the run, and events and trace back to where it saw them; without one the run stays
 * at its start, *found is false. Words about a damaged file are added to `notice`. */
lehr_status lehr_saver_read(lehr_saver *saver, bool *found, lehr_text *notice);

#endif
