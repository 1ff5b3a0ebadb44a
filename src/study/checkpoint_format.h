/* checkpoint_format.h: what the writer and the reader of a checkpoint agree on. */
#ifndef LEHR_STUDY_CHECKPOINT_FORMAT_H
#define LEHR_STUDY_CHECKPOINT_FORMAT_H

#include "lehr/status.h"
#include "run/state.h"
#include "study/safetensors.h"

#define LEHR_CHECKPOINT_FORMAT "lehr checkpoint 1"
#define LEHR_CHECKPOINT_SUM    "checksum" /* the last tensor */
#define LEHR_CHECKPOINT_TRACE  "trace"    /* lines of the trace that are in no file yet */

enum { LEHR_CHECKPOINT_KEY_BYTES = LEHR_NAME_MAX + 8, LEHR_CHECKPOINT_HASH_BYTES = 17 };

/* Key of a tensor's checksum in __metadata__, and the checksum. */
void lehr_checkpoint_key(const char *name, char out[LEHR_CHECKPOINT_KEY_BYTES]);
void lehr_checkpoint_hash(const lehr_tensor *tensor, char out[LEHR_CHECKPOINT_HASH_BYTES]);

/* A field as a tensor. Fails with LEHR_ERR_ARG when prefix and name are too long together. */
lehr_status lehr_checkpoint_tensor(const char *prefix, const lehr_field *field, lehr_tensor *out);

#endif
