/* safetensors_read.c: the header is parsed and every claim of it compared with the size of the
 * file. */
#include "study/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/file.h"

enum { LENGTH_BYTES = 8 };

struct lehr_safetensors {
    lehr_file owned;           /* the whole file when it was loaded, else empty */
    json_t *header;            /* keeps the metadata */
    lehr_tensor *tensor;       /* [count] in the order of the data */
    const lehr_tensor **named; /* [count] by name */
    int32_t count;
};

/* The arrays' bytes, while a header is checked. */
typedef struct payload {
    const char *bytes;
    size_t count;
} payload;

int32_t lehr_safetensors_count(const lehr_safetensors *file)
{
    return file->count;
}

const lehr_tensor *lehr_safetensors_at(const lehr_safetensors *file, int32_t index)
{
    return &file->tensor[index];
}

/* The first in the order of names that is not before this one. */
static int32_t first_from(const lehr_safetensors *file, const char *name)
{
    int32_t low = 0, high = file->count;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (strcmp(file->named[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const lehr_tensor *lehr_safetensors_find(const lehr_safetensors *file, const char *name)
{
    const int32_t i = first_from(file, name);
    return i < file->count && strcmp(file->named[i]->name, name) == 0 ? file->named[i] : NULL;
}

int32_t lehr_safetensors_count_with(const lehr_safetensors *file, const char *prefix)
{
    const int32_t first = first_from(file, prefix);
    int32_t end = first;
    while (end < file->count && strncmp(file->named[end]->name, prefix, strlen(prefix)) == 0)
        end++;
    return end - first;
}

const char *lehr_safetensors_metadata(const lehr_safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

/* ---- One tensor ------------------------------------------------------------------------------ */

static lehr_status read_dtype(const json_t *entry, lehr_tensor *tensor)
{
    const char *name = json_string_value(json_object_get(entry, "dtype"));
    LEHR_CHECK(name != NULL, LEHR_ERR_DATA, "tensor '%s': no dtype", tensor->name);
    for (int i = 0; i < LEHR_DTYPE_COUNT; i++) {
        if (strcmp(name, lehr_dtype_name((lehr_dtype)i)) == 0) {
            tensor->dtype = (lehr_dtype)i;
            return LEHR_OK;
        }
    }
    return lehr_fail(LEHR_ERR_DATA, "tensor '%s': unknown dtype '%.20s'", tensor->name, name);
}

/* dims, shape and, by their checked product, bytes. */
static lehr_status read_shape(const json_t *entry, lehr_tensor *tensor)
{
    const json_t *shape = json_object_get(entry, "shape");
    const size_t dims = json_array_size(shape);
    LEHR_CHECK(json_is_array(shape) && dims <= LEHR_TENSOR_DIMS_MAX, LEHR_ERR_DATA,
               "tensor '%s': the shape must be a list of at most %d sizes", tensor->name,
               LEHR_TENSOR_DIMS_MAX);

    tensor->dims = (int32_t)dims;
    tensor->bytes = lehr_dtype_bytes(tensor->dtype);
    for (size_t d = 0; d < dims; d++) {
        const json_t *size = json_array_get(shape, d);
        LEHR_CHECK(json_is_integer(size) && json_integer_value(size) >= 0, LEHR_ERR_DATA,
                   "tensor '%s': size %zu of the shape is not a whole number", tensor->name, d);
        tensor->shape[d] = json_integer_value(size);
        LEHR_CHECK(lehr_size_mul(tensor->bytes, (size_t)tensor->shape[d], &tensor->bytes),
                   LEHR_ERR_DATA, "tensor '%s': the shape has more elements than can be counted",
                   tensor->name);
    }
    return LEHR_OK;
}

static lehr_status read_offsets(const json_t *entry, payload data, lehr_tensor *tensor)
{
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    LEHR_CHECK(json_array_size(offsets) == 2 && json_is_integer(from) && json_is_integer(to),
               LEHR_ERR_DATA, "tensor '%s': data_offsets must be two whole numbers", tensor->name);

    const json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    LEHR_CHECK(0 <= begin && begin <= end && (uint64_t)end <= data.count, LEHR_ERR_DATA,
               "tensor '%s': data_offsets [%lld, %lld] do not lie in the file's %zu bytes of data",
               tensor->name, (long long)begin, (long long)end, data.count);
    LEHR_CHECK((size_t)(end - begin) == tensor->bytes, LEHR_ERR_DATA,
               "tensor '%s': its shape needs %zu bytes, its data_offsets give %lld", tensor->name,
               tensor->bytes, (long long)(end - begin));
    tensor->data = data.bytes + begin;
    return LEHR_OK;
}

static lehr_status read_tensor(const char *name, const json_t *entry, payload data,
                               lehr_tensor *tensor)
{
    LEHR_CHECK(name[0] != '\0' && lehr_text_copy(tensor->name, sizeof tensor->name, name),
               LEHR_ERR_DATA, "a tensor's name must have 1 to %d bytes, not '%.40s'",
               LEHR_NAME_MAX - 1, name);
    LEHR_CHECK(json_object_size(entry) == 3, LEHR_ERR_DATA,
               "tensor '%s': expected dtype, shape and data_offsets, nothing else", name);
    LEHR_TRY(read_dtype(entry, tensor));
    LEHR_TRY(read_shape(entry, tensor));
    return read_offsets(entry, data, tensor);
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* By place in the data; of two at one place the empty one first. */
static int by_place(const void *a, const void *b)
{
    const lehr_tensor *x = a, *y = b;
    if (x->data != y->data)
        return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static int by_name(const void *a, const void *b)
{
    const lehr_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static lehr_status sort(lehr_safetensors *file)
{
    LEHR_TRY(LEHR_NEW(file->named, (size_t)file->count + 1, "the list of tensors"));
    if (file->count == 0)
        return LEHR_OK;
    qsort(file->tensor, (size_t)file->count, sizeof *file->tensor, by_place);
    for (int32_t i = 0; i < file->count; i++)
        file->named[i] = &file->tensor[i];
    qsort(file->named, (size_t)file->count, sizeof *file->named, by_name);
    return LEHR_OK;
}

/* Every byte of the data belongs to exactly one tensor. */
static lehr_status check_cover(const lehr_safetensors *file, payload data)
{
    const char *expected = data.bytes;
    for (int32_t i = 0; i < file->count; i++) {
        const lehr_tensor *tensor = &file->tensor[i];
        LEHR_CHECK(
            (const char *)tensor->data == expected, LEHR_ERR_DATA,
            "tensor '%s' starts at byte %td of the data, expected %td: holes and overlaps are not "
            "allowed",
            tensor->name, (const char *)tensor->data - data.bytes, expected - data.bytes);
        expected += tensor->bytes;
    }
    LEHR_CHECK(expected == data.bytes + data.count, LEHR_ERR_DATA,
               "%td bytes of data belong to no tensor", data.bytes + data.count - expected);
    return LEHR_OK;
}

static lehr_status check_metadata(const json_t *metadata)
{
    LEHR_CHECK(json_is_object(metadata), LEHR_ERR_DATA, "__metadata__ must map names to texts");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)metadata, key, value)
        LEHR_CHECK(json_is_string(value), LEHR_ERR_DATA, "__metadata__ '%.40s' is not a text", key);
    return LEHR_OK;
}

static lehr_status read_tensors(lehr_safetensors *file, payload data)
{
    const char *name;
    json_t *entry;
    LEHR_TRY(LEHR_NEW(file->tensor, json_object_size(file->header), "the list of tensors"));
    json_object_foreach(file->header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            LEHR_TRY(check_metadata(entry));
        else
            LEHR_TRY(read_tensor(name, entry, data, &file->tensor[file->count++]));
    }
    LEHR_TRY(sort(file));
    return check_cover(file, data);
}

static lehr_status read_header(const char *text, size_t length, json_t **out)
{
    LEHR_CHECK(length > 0 && text[0] == '{', LEHR_ERR_DATA, "the header is not a JSON object");
    json_error_t error;
    json_t *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (header != NULL) {
        *out = header;
        return LEHR_OK;
    }
    const lehr_status status = json_error_code(&error) == json_error_out_of_memory ? LEHR_ERR_MEMORY
                                                                                   : LEHR_ERR_DATA;
    return lehr_fail(status, "the header is not valid JSON at byte %d: %s", error.position,
                     error.text);
}

static lehr_status read_all(lehr_safetensors *file, const char *bytes, size_t count, size_t most)
{
    LEHR_CHECK(count >= LENGTH_BYTES, LEHR_ERR_DATA, "%zu bytes are too few for a safetensors file",
               count);
    uint64_t length;
    memcpy(&length, bytes, sizeof length);
    LEHR_CHECK(
        length <= most, LEHR_ERR_DATA,
        "a header of %llu bytes: not a safetensors file, or one of more than %zu bytes of header",
        (unsigned long long)length, most);
    LEHR_CHECK(length <= count - LENGTH_BYTES, LEHR_ERR_DATA,
               "a header of %llu bytes does not fit in a file of %zu bytes",
               (unsigned long long)length, count);
    LEHR_TRY(read_header(bytes + LENGTH_BYTES, (size_t)length, &file->header));
    const payload data = {bytes + LENGTH_BYTES + length, count - LENGTH_BYTES - (size_t)length};
    return read_tensors(file, data);
}

void lehr_safetensors_destroy(lehr_safetensors **file)
{
    if (file == NULL || *file == NULL)
        return;
    json_decref((*file)->header);
    LEHR_FREE((*file)->tensor);
    LEHR_FREE((*file)->named);
    lehr_file_free(&(*file)->owned);
    LEHR_FREE(*file);
}

static lehr_status parse(const char *label, const lehr_file *bytes, size_t most,
                         lehr_safetensors **out)
{
    lehr_safetensors *file = NULL;
    LEHR_TRY(LEHR_NEW(file, 1, "a safetensors file"));
    const lehr_status status = read_all(file, bytes->data, bytes->size, most);
    if (status != LEHR_OK) {
        lehr_safetensors_destroy(&file);
        return lehr_fail_prefix(status, "%s: ", label);
    }
    *out = file;
    return LEHR_OK;
}

/* The bytes are only read. */
lehr_status lehr_safetensors_parse(const char *label, const void *bytes, size_t count,
                                   lehr_safetensors **out)
{
    return parse(label, &(lehr_file){(char *)(uintptr_t)bytes, count}, LEHR_SAFETENSORS_HEADER_MAX,
                 out);
}

lehr_status lehr_safetensors_parse_large(const char *label, const void *bytes, size_t count,
                                         lehr_safetensors **out)
{
    return parse(label, &(lehr_file){(char *)(uintptr_t)bytes, count}, LEHR_SAFETENSORS_LARGE_MAX,
                 out);
}

lehr_status lehr_safetensors_load(const char *path, lehr_safetensors **out)
{
    lehr_file bytes;
    LEHR_TRY(lehr_file_read(path, &bytes));
    const lehr_status status = lehr_safetensors_parse(path, bytes.data, bytes.size, out);
    if (status == LEHR_OK)
        (*out)->owned = bytes;
    else
        lehr_file_free(&bytes);
    return status;
}
