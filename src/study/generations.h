/* generations.h: two checkpoints by turns, so that one is always whole. */
#ifndef LEHR_STUDY_GENERATIONS_H
#define LEHR_STUDY_GENERATIONS_H

#include "study/checkpoint.h"

/* The folder ckpt of a run with a.safetensors and b.safetensors. */
typedef struct lehr_generations {
    lehr_dir dir;
    int next;      /* which of the two is written next */
    int64_t saves; /* made so far, those of earlier processes too */
} lehr_generations;

/* Open the folder, making it when missing; remove what killed processes left there. */
lehr_status lehr_generations_open(const lehr_dir *run, lehr_generations *out);
void lehr_generations_close(lehr_generations *generations);

/* The whole one of the highest scan in a folder that only is read, whosever it is; NULL when there is none, and
 * `notice` then says why. Fails with LEHR_ERR_IO, LEHR_ERR_MEMORY. */
lehr_status lehr_generations_find(const lehr_dir *ckpt, lehr_checkpoint **out, lehr_text *notice);

/* How many of the two files are not there. */
int lehr_generations_missing(const lehr_generations *generations);

/* The whole one of the highest scan; NULL when there is none and nothing is lost but what one damaged file
 * held. A line about a damaged file is added to `notice`. Fails with LEHR_ERR_DATA when there are two files
 * and both are damaged, LEHR_ERR_EXISTS when the newest is not of this run (`expected`, scans and lengths of
 * which do not matter). */
lehr_status lehr_generations_latest(lehr_generations *generations,
                                    const lehr_checkpoint_head *expected, lehr_checkpoint **out,
                                    lehr_text *notice);

/* Write the next one over the older of the two; `head` gets its number. Fails as lehr_checkpoint_write, after a
 * second try with a new file where the disk failed. */
lehr_status lehr_generations_write(lehr_generations *generations, lehr_checkpoint_head *head,
                                   const lehr_checkpoint_part *part, int32_t parts);

#endif
