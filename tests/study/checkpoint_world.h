/* checkpoint_world.h: a small state of two runs with a field of every type, and its checkpoint. */
#ifndef TESTS_STUDY_CHECKPOINT_WORLD_H
#define TESTS_STUDY_CHECKPOINT_WORLD_H

#include <string.h>

#include "base/text.h"
#include "study/checkpoint.h"
#include "study/generations.h"
#include "study/scratch.h"

typedef struct state {
    float theta[2][3];
    double energy[2];
    int32_t rung[2];
    int64_t scan[1];
    int8_t sign[3];
    lehr_field field[5];
} state;

/* Views of `s`. */
static inline lehr_checkpoint_part part_of(state *s, const char *prefix)
{
    const lehr_field fields[] = {
        {"sign", LEHR_FIELD_I8, 3, 1, s->sign},      {"theta", LEHR_FIELD_F32, 2, 3, s->theta},
        {"energy", LEHR_FIELD_F64, 2, 1, s->energy}, {"rung", LEHR_FIELD_I32, 2, 1, s->rung},
        {"scan", LEHR_FIELD_I64, 1, 1, s->scan},
    };
    memcpy(s->field, fields, sizeof fields);
    return (lehr_checkpoint_part){prefix, s->field, 5};
}

static inline state filled(int64_t scan)
{
    return (state){.theta = {{1, -2, 3}, {0.5f, 0, -0.0f}},
                   .energy = {0.1, 1e300},
                   .rung = {1, 0},
                   .scan = {scan},
                   .sign = {-1, 0, 1}};
}

static inline lehr_checkpoint_head head_at(int64_t scan)
{
    return (lehr_checkpoint_head){.version = "1.2.3",
                                  .config = "0123456789ab",
                                  .data = "00112233445566ff",
                                  .scan = scan,
                                  .observe = 100,
                                  .events_bytes = 12345};
}

static inline lehr_dir open_folder(void)
{
    lehr_dir dir = {.fd = -1};
    cr_assert_eq(lehr_dir_open(scratch_folder, &dir), LEHR_OK);
    return dir;
}

/* The checkpoint of one run at a scan. */
static inline void write_at(const lehr_dir *dir, const char *name, int64_t scan)
{
    state s = filled(scan);
    const lehr_checkpoint_part part = part_of(&s, "");
    const lehr_checkpoint_head head = head_at(scan);
    cr_assert_eq(lehr_checkpoint_write(dir, name, &head, &part, 1), LEHR_OK, "%s", lehr_error());
}

/* A small file as bytes; the caller frees. */
static inline unsigned char *slurp(const char *name, size_t *count)
{
    FILE *file = fopen(scratch(name), "rb");
    cr_assert_not_null(file);
    unsigned char *bytes = malloc(1 << 16);
    *count = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    return bytes;
}

#endif
