/* model/dataset_idx.c: the header of an IDX file, the format of MNIST
 * (yann.lecun.com/exdb/mnist).
 *
 * Two zero bytes, a byte for the type, a byte for the number of dimensions, one big-endian
 * 32-bit length per dimension, then the elements, big-endian, the last index fastest. */
#include "base/status.h"
#include "model/readers.h"

static lehr_status find_type(const char *name, int code, lehr_array *out)
{
    static const struct {
        int code;
        char kind;
        int32_t size;
    } rows[] = {
        {0x08, 'u', 1}, {0x09, 'i', 1}, {0x0b, 'i', 2},
        {0x0c, 'i', 4}, {0x0d, 'f', 4}, {0x0e, 'f', 8},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code) {
            out->kind = rows[i].kind;
            out->size = rows[i].size;
            return LEHR_OK;
        }
    return lehr_fail(LEHR_ERR_DATA,
                     "%s: byte 2: type 0x%02x, expected 0x08 0x09 0x0b 0x0c 0x0d or 0x0e", name,
                     (unsigned)code);
}

lehr_status lehr_idx_parse(const char *name, const void *bytes, size_t size, lehr_array *out)
{
    const unsigned char *byte = bytes;
    lehr_array array = {.name = name, .big_endian = true};
    LEHR_CHECK(
        size >= 4 && byte[0] == 0 && byte[1] == 0, LEHR_ERR_DATA,
        "%s: byte 0: not the first bytes of an IDX file, expected two zero bytes, type, dimensions",
        name);
    LEHR_TRY(find_type(name, byte[2], &array));
    array.dims = byte[3];
    LEHR_CHECK(array.dims >= 1 && array.dims <= LEHR_ARRAY_DIMS_MAX, LEHR_ERR_DATA,
               "%s: byte 3: %d dimensions, expected 1 to %d", name, array.dims,
               LEHR_ARRAY_DIMS_MAX);
    const size_t data = 4 + 4 * (size_t)array.dims;
    LEHR_CHECK(size >= data, LEHR_ERR_DATA, "%s: byte %zu: the file ends inside its header", name,
               size);
    for (int32_t d = 0; d < array.dims; d++) {
        const unsigned char *length = byte + 4 + 4 * d;
        array.dim[d] = (int64_t)length[0] << 24 | length[1] << 16 | length[2] << 8 | length[3];
    }
    array.bytes = byte + data;
    LEHR_TRY(lehr_array_measure(&array, size - data));
    *out = array;
    return LEHR_OK;
}
