/* checkpoint_write.c: fields become tensors, large elements first, and the checksum comes last. */
#include <inttypes.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/checkpoint.h"
#include "study/checkpoint_format.h"
#include "study/output.h"

void lehr_checkpoint_key(const char *name, char out[LEHR_CHECKPOINT_KEY_BYTES])
{
    snprintf(out, LEHR_CHECKPOINT_KEY_BYTES, "hash.%s", name);
}

void lehr_checkpoint_hash(const lehr_tensor *tensor, char out[LEHR_CHECKPOINT_HASH_BYTES])
{
    snprintf(out, LEHR_CHECKPOINT_HASH_BYTES, "%016" PRIx64,
             lehr_hash(LEHR_HASH_START, tensor->data, tensor->bytes));
}

lehr_status lehr_checkpoint_tensor(const char *prefix, const lehr_field *field, lehr_tensor *out)
{
    static const lehr_dtype dtypes[] = {
        [LEHR_FIELD_F32] = LEHR_DTYPE_F32, [LEHR_FIELD_F64] = LEHR_DTYPE_F64,
        [LEHR_FIELD_I8] = LEHR_DTYPE_I8,   [LEHR_FIELD_I32] = LEHR_DTYPE_I32,
        [LEHR_FIELD_I64] = LEHR_DTYPE_I64,
    };
    *out = (lehr_tensor){.dtype = dtypes[field->type],
                         .dims = field->columns == 1 ? 1 : 2,
                         .shape = {field->rows, field->columns},
                         .data = field->data};
    out->bytes = (size_t)field->rows * (size_t)field->columns * lehr_dtype_bytes(out->dtype);
    const int length = snprintf(out->name, sizeof out->name, "%s%s", prefix, field->name);
    LEHR_CHECK(0 <= length && (size_t)length < sizeof out->name, LEHR_ERR_ARG,
               "the name '%.60s...' in a checkpoint is too long", prefix);
    return LEHR_OK;
}

/* A file to be: tensors, __metadata__ and the texts in it. */
typedef struct draft {
    lehr_tensor *tensor; /* [count] */
    int32_t count;
    lehr_pair *pair; /* [pairs] */
    int32_t pairs;
    char (*key)[LEHR_CHECKPOINT_KEY_BYTES];     /* [count-1] of the tensors' checksums */
    char (*hash)[LEHR_CHECKPOINT_HASH_BYTES];   /* [count-1] */
    char number[32][LEHR_CHECKPOINT_KEY_BYTES]; /* of the head */
    int32_t numbers;
    uint64_t sum;
} draft;

static void add_pair(draft *d, const char *key, const char *value)
{
    d->pair[d->pairs++] = (lehr_pair){key, value};
}

static void add_number(draft *d, const char *key, int64_t value)
{
    char *text = d->number[d->numbers++];
    snprintf(text, sizeof d->number[0], "%" PRId64, value);
    add_pair(d, key, text);
}

static void add_head(draft *d, const lehr_checkpoint_head *head)
{
    add_pair(d, "format", LEHR_CHECKPOINT_FORMAT);
#define X(field, capacity) add_pair(d, #field, head->field);
    LEHR_CHECKPOINT_TEXTS(X)
#undef X
#define X(field) add_number(d, #field, head->field);
    LEHR_CHECKPOINT_NUMBERS(X)
#undef X
}

/* Large elements first: all are then aligned, and nothing stands between them. */
static lehr_status add_fields(draft *d, const lehr_checkpoint_part *part, int32_t parts)
{
    static const size_t sizes[] = {8, 4, 1};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int32_t p = 0; p < parts; p++)
            for (int32_t i = 0; i < part[p].count; i++) {
                lehr_tensor tensor;
                LEHR_TRY(lehr_checkpoint_tensor(part[p].prefix, &part[p].field[i], &tensor));
                if (lehr_dtype_bytes(tensor.dtype) == sizes[s])
                    d->tensor[d->count++] = tensor;
            }
    return LEHR_OK;
}

static void add_hashes(draft *d)
{
    for (int32_t i = 0; i < d->count; i++) {
        lehr_checkpoint_key(d->tensor[i].name, d->key[i]);
        lehr_checkpoint_hash(&d->tensor[i], d->hash[i]);
        add_pair(d, d->key[i], d->hash[i]);
    }
}

/* The header does not depend on what the checksum is, only on its place. */
static lehr_status add_sum(draft *d)
{
    d->tensor[d->count++] = (lehr_tensor){.name = LEHR_CHECKPOINT_SUM,
                                          .dtype = LEHR_DTYPE_U64,
                                          .dims = 1,
                                          .shape = {1},
                                          .data = &d->sum,
                                          .bytes = sizeof d->sum};
    const lehr_tensors tensors = {d->tensor, d->count, d->pair, d->pairs, true};
    lehr_text header = {0};
    const lehr_status status = lehr_safetensors_header(&tensors, &header);
    if (status == LEHR_OK) {
        d->sum = lehr_hash(LEHR_HASH_START, header.data, header.length);
        for (int32_t i = 0; i + 1 < d->count; i++)
            d->sum = lehr_hash(d->sum, d->tensor[i].data, d->tensor[i].bytes);
    }
    lehr_text_free(&header);
    return status;
}

static lehr_status fill(draft *d, const lehr_checkpoint_head *head,
                        const lehr_checkpoint_part *part, int32_t parts)
{
    int32_t fields = 0;
    for (int32_t p = 0; p < parts; p++)
        fields += part[p].count;
    const size_t count = (size_t)fields + 1;
    LEHR_TRY(LEHR_NEW(d->tensor, count, "a checkpoint"));
    LEHR_TRY(LEHR_NEW(d->key, count, "a checkpoint"));
    LEHR_TRY(LEHR_NEW(d->hash, count, "a checkpoint"));
    LEHR_TRY(LEHR_NEW(d->pair, count + sizeof d->number / sizeof *d->number, "a checkpoint"));
    add_head(d, head);
    LEHR_TRY(add_fields(d, part, parts));
    LEHR_ASSERT(d->count == fields); /* no field has elements of another size */
    add_hashes(d);
    return add_sum(d);
}

static lehr_status write(const lehr_dir *dir, const char *name, const draft *d)
{
    const lehr_tensors tensors = {d->tensor, d->count, d->pair, d->pairs, true};
    lehr_output output = {.fd = -1};
    LEHR_TRY(lehr_safetensors_write(dir, name, &tensors, &output));
    return lehr_output_commit(&output);
}

lehr_status lehr_checkpoint_write(const lehr_dir *dir, const char *name,
                                  const lehr_checkpoint_head *head,
                                  const lehr_checkpoint_part *part, int32_t parts)
{
    draft d = {.count = 0};
    lehr_status status = fill(&d, head, part, parts);
    if (status == LEHR_OK)
        status = write(dir, name, &d);
    LEHR_FREE(d.tensor);
    LEHR_FREE(d.key);
    LEHR_FREE(d.hash);
    LEHR_FREE(d.pair);
    return status;
}
