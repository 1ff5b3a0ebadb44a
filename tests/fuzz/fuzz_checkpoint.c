/* Any bytes as a checkpoint: refused with a sentence, or read without leaving them. The checksums stop nearly
 * everything, so the same bytes are tried once more with right ones. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "study/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* What a small run would ask for. */
static void restore(const lehr_checkpoint *checkpoint)
{
    float theta[6] = {0};
    int64_t scan = 0;
    const lehr_field field[] = {
        {"theta", LEHR_FIELD_F32, 2, 3, theta},
        {"scan", LEHR_FIELD_I64, 1, 1, &scan},
    };
    const lehr_checkpoint_part part = {"", field, 2};
    if (lehr_checkpoint_restore(checkpoint, &part, 1) != LEHR_OK && (scan != 0 || theta[0] != 0))
        abort(); /* a failure copies nothing */
}

static void parse(const uint8_t *bytes, size_t count)
{
    lehr_checkpoint *checkpoint = NULL;
    if (lehr_checkpoint_parse("input", bytes, count, &checkpoint) != LEHR_OK)
        return;
    restore(checkpoint);
    const lehr_checkpoint_head head = *lehr_checkpoint_of(checkpoint);
    if (lehr_checkpoint_match(checkpoint, &head) != LEHR_OK || head.scan < 0)
        abort();
    lehr_checkpoint_destroy(&checkpoint);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    parse(bytes, count);
    if (count < sizeof(uint64_t))
        return 0;
    const size_t before = count - sizeof(uint64_t);
    const uint64_t sum = lehr_hash(LEHR_HASH_START, bytes, before);
    uint8_t *copy = malloc(count);
    if (copy == NULL)
        return 0;
    memcpy(copy, bytes, before);
    memcpy(copy + before, &sum, sizeof sum);
    parse(copy, count);
    free(copy);
    return 0;
}
