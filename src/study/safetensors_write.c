/* safetensors_write.c: the header as JSON, then the arrays as they stand in memory. */
#include "study/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors files are little-endian");

const char *lehr_dtype_name(lehr_dtype dtype)
{
    static const char *const names[] = {
#define X(s, b) #s,
        LEHR_DTYPES(X)
#undef X
    };
    return names[dtype];
}

size_t lehr_dtype_bytes(lehr_dtype dtype)
{
    static const unsigned char bytes[] = {
#define X(s, b) b,
        LEHR_DTYPES(X)
#undef X
    };
    return bytes[dtype];
}

lehr_tensor lehr_tensor_vector(const char *name, const float *data, int64_t count)
{
    lehr_tensor tensor = {.dtype = LEHR_DTYPE_F32,
                          .dims = 1,
                          .shape = {count},
                          .data = data,
                          .bytes = (size_t)count * sizeof *data};
    LEHR_ASSERT(lehr_text_copy(tensor.name, sizeof tensor.name, name));
    return tensor;
}

lehr_tensor lehr_tensor_matrix(const char *name, const float *data, int64_t rows, int64_t columns)
{
    lehr_tensor tensor = lehr_tensor_vector(name, data, rows * columns);
    tensor.dims = 2;
    tensor.shape[0] = rows;
    tensor.shape[1] = columns;
    return tensor;
}

/* {"dtype": ..., "shape": [...], "data_offsets": [begin, end]}; NULL without memory. */
static json_t *describe(const lehr_tensor *tensor, size_t begin)
{
    json_t *shape = json_array();
    for (int32_t d = 0; d < tensor->dims; d++)
        json_array_append_new(shape, json_integer(tensor->shape[d]));
    const size_t end = begin + tensor->bytes;
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", lehr_dtype_name(tensor->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)end);
}

static lehr_status add_metadata(json_t *header, const lehr_tensors *tensors)
{
    json_t *metadata = json_object();
    LEHR_CHECK(json_object_set_new(header, "__metadata__", metadata) == 0, LEHR_ERR_MEMORY,
               "out of memory for a safetensors header");
    for (int32_t i = 0; i < tensors->metadata_count; i++) {
        const lehr_pair *pair = &tensors->metadata[i];
        LEHR_CHECK(json_object_set_new(metadata, pair->key, json_string(pair->value)) == 0,
                   LEHR_ERR_DATA, "metadata '%s' is not UTF-8 text", pair->key);
    }
    return LEHR_OK;
}

static lehr_status add_tensors(json_t *header, const lehr_tensors *tensors)
{
    size_t begin = 0;
    for (int32_t i = 0; i < tensors->count; i++) {
        const lehr_tensor *tensor = &tensors->tensor[i];
        LEHR_CHECK(json_object_get(header, tensor->name) == NULL, LEHR_ERR_DATA,
                   "tensor '%s' stands twice in a safetensors file", tensor->name);
        LEHR_CHECK(json_object_set_new(header, tensor->name, describe(tensor, begin)) == 0,
                   LEHR_ERR_DATA, "tensor name '%s' is not UTF-8 text", tensor->name);
        begin += tensor->bytes;
    }
    return LEHR_OK;
}

/* The 8 bytes of length, the JSON, and blanks up to a multiple of 8. */
static lehr_status add_text(const json_t *header, size_t most, lehr_text *text)
{
    char *json = json_dumps(header, JSON_COMPACT);
    LEHR_CHECK(json != NULL, LEHR_ERR_MEMORY, "out of memory for a safetensors header");
    const size_t length = strlen(json);
    const uint64_t padded = (length + 7) / 8 * 8;
    if (padded > most) {
        free(json);
        return lehr_fail(LEHR_ERR_DATA,
                         "names and metadata take %zu bytes, more than a safetensors "
                         "header of %zu bytes holds",
                         length, most);
    }
    lehr_text_add_bytes(text, (const char *)&padded, sizeof padded);
    lehr_text_add_bytes(text, json, length);
    lehr_text_add_bytes(text, "       ", (size_t)padded - length);
    free(json);
    LEHR_CHECK(!text->failed, LEHR_ERR_MEMORY, "out of memory for a safetensors header");
    return LEHR_OK;
}

static lehr_status fill_header(json_t *header, const lehr_tensors *tensors, lehr_text *text)
{
    LEHR_CHECK(header != NULL, LEHR_ERR_MEMORY, "out of memory for a safetensors header");
    LEHR_TRY(add_metadata(header, tensors));
    LEHR_TRY(add_tensors(header, tensors));
    return add_text(
        header, tensors->large ? LEHR_SAFETENSORS_LARGE_MAX : LEHR_SAFETENSORS_HEADER_MAX, text);
}

lehr_status lehr_safetensors_header(const lehr_tensors *tensors, lehr_text *text)
{
    json_t *header = json_object();
    const lehr_status status = fill_header(header, tensors, text);
    json_decref(header);
    return status;
}

static lehr_status write_all(const lehr_dir *dir, const char *name, const lehr_tensors *tensors,
                             const lehr_text *header, lehr_output *output)
{
    size_t size = header->length;
    for (int32_t i = 0; i < tensors->count; i++)
        size += tensors->tensor[i].bytes;
    LEHR_TRY(lehr_output_begin(dir, name, size, output));
    LEHR_TRY(lehr_output_write(output, header->data, header->length));
    for (int32_t i = 0; i < tensors->count; i++)
        LEHR_TRY(lehr_output_write(output, tensors->tensor[i].data, tensors->tensor[i].bytes));
    return LEHR_OK;
}

lehr_status lehr_safetensors_write(const lehr_dir *dir, const char *name,
                                   const lehr_tensors *tensors, lehr_output *output)
{
    lehr_text header = {0};
    lehr_status status = lehr_safetensors_header(tensors, &header);
    if (status == LEHR_OK)
        status = write_all(dir, name, tensors, &header, output);
    lehr_text_free(&header);
    return status;
}
