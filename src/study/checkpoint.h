/* checkpoint.h: one file that holds the whole state of one or more runs.
 *
 * A safetensors file: __metadata__ says whose state it is and carries a checksum of every tensor; the last
 * tensor, `checksum`, covers every byte of the file before it. Randomness is an address (seed, scan), so there
 * is no state of it here. Which of several files is the newest, and when one is written, is in
 * generations.h and save.h. */
#ifndef LEHR_STUDY_CHECKPOINT_H
#define LEHR_STUDY_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "lehr/objective.h"
#include "lehr/status.h"
#include "run/state.h"
#include "study/directory.h"
#include "study/safetensors.h"

/* What stands in __metadata__. X(field, capacity), X(field): texts, then whole numbers. */
#define LEHR_CHECKPOINT_TEXTS(X)                                                                   \
    X(version, 32) /* of the program */                                                            \
    X(config, 16)  /* id of the config */                                                          \
    X(data, 20)    /* hash of the data */
#define LEHR_CHECKPOINT_NUMBERS(X)                                                                 \
    X(scan)         /* done */                                                                     \
    X(save)         /* number of this checkpoint: of two at one scan the later one has more */     \
    X(observe)      /* scans between observations */                                               \
    X(trace)        /* scans between energies of the trace; 0: none */                             \
    X(events_bytes) /* of events.jsonl */                                                          \
    X(trace_files)  /* whole ones; what is in none yet is the tensor `trace` */                    \
    X(save_us)      /* spent in checkpoints */

typedef struct lehr_checkpoint_head {
#define X(field, capacity) char field[capacity];
    LEHR_CHECKPOINT_TEXTS(X)
#undef X
#define X(field) int64_t field;
    LEHR_CHECKPOINT_NUMBERS(X)
#undef X
} lehr_checkpoint_head;

/* Fields of one run; their names in the file begin with the prefix: "" for a run alone, "<id>." in a pack. */
typedef struct lehr_checkpoint_part {
    const char *prefix;
    const lehr_field *field; /* [count] */
    int32_t count;
} lehr_checkpoint_part;

/* Write a whole file in the place of an older one of that name. Fails with LEHR_ERR_IO, LEHR_ERR_MEMORY,
 * LEHR_ERR_EXISTS when the directory's lock was lost; the older file then stands as it did. */
lehr_status lehr_checkpoint_write(const lehr_dir *dir, const char *name,
                                  const lehr_checkpoint_head *head,
                                  const lehr_checkpoint_part *part, int32_t parts);

typedef struct lehr_checkpoint lehr_checkpoint;

/* Read and check a file, or bytes in memory (which must outlive the object); `label` is their name in
 * messages. Fails with LEHR_ERR_DATA on anything that is not a whole checkpoint, byte for byte, LEHR_ERR_IO,
 * LEHR_ERR_MEMORY. */
lehr_status lehr_checkpoint_load(const lehr_dir *dir, const char *name, lehr_checkpoint **out);
lehr_status lehr_checkpoint_parse(const char *label, const void *bytes, size_t count,
                                  lehr_checkpoint **out);
void lehr_checkpoint_destroy(lehr_checkpoint **checkpoint);

const lehr_checkpoint_head *lehr_checkpoint_of(const lehr_checkpoint *checkpoint);
const char *lehr_checkpoint_label(const lehr_checkpoint *checkpoint);

/* Does it belong to this config, data, version and these lengths of `observe` and `trace`? Fails with
 * LEHR_ERR_EXISTS, naming what differs. */
lehr_status lehr_checkpoint_match(const lehr_checkpoint *checkpoint,
                                  const lehr_checkpoint_head *expected);

/* A tensor of a part; NULL when there is none. */
const lehr_tensor *lehr_checkpoint_find(const lehr_checkpoint *checkpoint, const char *prefix,
                                        const char *name);

/* Copy into the fields of the parts; tensors of their prefixes that are none of their fields are refused, but for
 * `trace`. Fails with LEHR_ERR_DATA; nothing is then copied. */
lehr_status lehr_checkpoint_restore(const lehr_checkpoint *checkpoint,
                                    const lehr_checkpoint_part *part, int32_t parts);

#endif
