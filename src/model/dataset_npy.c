/* model/dataset_npy.c: the header of an .npy file, versions 1 to 3 (numpy.lib.format, NEP 1).
 *
 * The header is a Python dictionary written by numpy; the grammar here is the part of Python
 * that numpy writes, nothing is evaluated. Not here: .npz, structured types, big-endian numbers,
 * objects. */
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "model/readers.h"

enum {
    MAGIC_BYTES = 6,
    HEADER_MAX = 1 << 20, /* bytes of a header */
    SHOWN_BYTES = 48
};

/* The header under the cursor: text[at] of text[size]; `offset` is where it begins in the file. */
typedef struct npy_header {
    const char *name, *text;
    size_t size, at, offset;
} npy_header;

static lehr_status fail_at(const npy_header *h, const char *expected)
{
    char shown[SHOWN_BYTES];
    const size_t left = h->size - h->at, place = h->offset + h->at;
    LEHR_CHECK(left > 0, LEHR_ERR_DATA, "%s: byte %zu: the header ends, expected %s", h->name,
               place, expected);
    lehr_text_show(shown, sizeof shown, h->text + h->at, left < 16 ? left : 16);
    return lehr_fail(LEHR_ERR_DATA, "%s: byte %zu: '%s' in the header, expected %s", h->name, place,
                     shown, expected);
}

/* ---- Python, as much as is needed ------------------------------------------------------------ */

static void skip_blanks(npy_header *h)
{
    for (; h->at < h->size; h->at++) {
        const char byte = h->text[h->at];
        if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
            return;
    }
}

/* Take a token when it is next. */
static bool take(npy_header *h, const char *token)
{
    skip_blanks(h);
    const size_t length = strlen(token);
    if (h->size - h->at < length || memcmp(h->text + h->at, token, length) != 0)
        return false;
    h->at += length;
    return true;
}

/* A quoted string without escapes into out[capacity]. */
static lehr_status take_string(npy_header *h, char *out, size_t capacity)
{
    skip_blanks(h);
    const size_t begin = h->at + 1;
    const char quote = h->at < h->size ? h->text[h->at] : '\0';
    if (quote != '\'' && quote != '"')
        return fail_at(h, "a string");
    const char *end = memchr(h->text + begin, quote, h->size - begin);
    const size_t length = end != NULL ? (size_t)(end - h->text) - begin : capacity;
    if (length >= capacity)
        return fail_at(h, "a short string");
    memcpy(out, h->text + begin, length);
    out[length] = '\0';
    h->at = begin + length + 1;
    return LEHR_OK;
}

static lehr_status take_length(npy_header *h, int64_t *out)
{
    skip_blanks(h);
    size_t end = h->at;
    while (end < h->size && h->text[end] >= '0' && h->text[end] <= '9')
        end++;
    if (!lehr_parse_int64(h->text + h->at, end - h->at, out))
        return fail_at(h, "a length below 2^63");
    h->at = end;
    return LEHR_OK;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* "(150, 4)", "(150,)" or "()". */
static lehr_status take_shape(npy_header *h, lehr_array *out)
{
    if (!take(h, "("))
        return fail_at(h, "the shape, a tuple of lengths");
    while (!take(h, ")")) {
        if (out->dims == LEHR_ARRAY_DIMS_MAX)
            return fail_at(h, "at most 8 dimensions");
        LEHR_TRY(take_length(h, &out->dim[out->dims]));
        out->dims++;
        if (!take(h, ",")) {
            if (out->dims > 1 && take(h, ")"))
                break;
            return fail_at(h, "',' or ')'");
        }
    }
    return LEHR_OK;
}

static lehr_status take_type(npy_header *h, lehr_array *out)
{
    static const char *const known[] = {"<f4", "<f8", "|i1", "|u1", "<i2", "<u2",
                                        "<i4", "<u4", "<i8", "<u8", "|b1"};
    static const char expected[] = "little-endian f4 f8 i1 u1 i2 u2 i4 u4 i8 u8 or b1 numbers";
    char type[8] = "";
    const npy_header before = *h;
    if (take(h, "["))
        return fail_at(&before, "a plain type, not a structured one");
    LEHR_TRY(take_string(h, type, sizeof type));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(type + 1, known[i] + 1) == 0 &&
            (type[0] == known[i][0] || (type[2] == '1' && type[0] == '<'))) {
            out->kind = type[1];
            out->size = type[2] - '0';
            return LEHR_OK;
        }
    return fail_at(&before, expected);
}

static lehr_status take_order(npy_header *h, lehr_array *out)
{
    if (take(h, "True")) {
        out->fortran = true;
        return LEHR_OK;
    }
    return take(h, "False") ? LEHR_OK : fail_at(h, "True or False");
}

/* The three keys, each once, in any order. */
static lehr_status take_dictionary(npy_header *h, lehr_array *out)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    bool seen[3] = {false, false, false};
    if (!take(h, "{"))
        return fail_at(h, "'{'");
    while (!take(h, "}")) {
        char key[16];
        const npy_header before = *h;
        LEHR_TRY(take_string(h, key, sizeof key));
        size_t k = 0;
        while (k < 3 && strcmp(key, keys[k]) != 0)
            k++;
        if (k == 3 || seen[k])
            return fail_at(&before, "descr, fortran_order and shape, once each");
        seen[k] = true;
        if (!take(h, ":"))
            return fail_at(h, "':'");
        LEHR_TRY(k == 0 ? take_type(h, out) : k == 1 ? take_order(h, out) : take_shape(h, out));
        if (take(h, ","))
            continue;
        if (take(h, "}"))
            break;
        return fail_at(h, "',' or '}'");
    }
    skip_blanks(h);
    if (!seen[0] || !seen[1] || !seen[2] || h->at != h->size)
        return fail_at(h, "descr, fortran_order and shape, and nothing else");
    return LEHR_OK;
}

/* ---- File ------------------------------------------------------------------------------------ */

/* Find the header behind the magic, the version and its own length. */
static lehr_status find_header(const char *name, const unsigned char *byte, size_t size,
                               npy_header *out)
{
    LEHR_CHECK(size >= 10 && memcmp(byte, "\x93NUMPY", MAGIC_BYTES) == 0, LEHR_ERR_DATA,
               "%s: byte 0: not the first bytes of an .npy file, expected \\x93NUMPY", name);
    const int version = byte[MAGIC_BYTES];
    LEHR_CHECK(version >= 1 && version <= 3, LEHR_ERR_DATA,
               "%s: byte 6: version %d of .npy, expected 1, 2 or 3", name, version);
    const size_t offset = version == 1 ? 10 : 12;
    LEHR_CHECK(size >= offset, LEHR_ERR_DATA, "%s: byte %zu: the file ends inside its header", name,
               size);
    size_t length = byte[8] | (size_t)byte[9] << 8;
    if (version > 1)
        length |= (size_t)byte[10] << 16 | (size_t)byte[11] << 24;
    LEHR_CHECK(length <= HEADER_MAX, LEHR_ERR_DATA,
               "%s: byte 8: a header of %zu bytes, expected at most %d", name, length, HEADER_MAX);
    LEHR_CHECK(length <= size - offset, LEHR_ERR_DATA,
               "%s: byte 8: a header of %zu bytes, but only %zu bytes follow", name, length,
               size - offset);
    *out = (npy_header){name, (const char *)byte + offset, length, 0, offset};
    return LEHR_OK;
}

lehr_status lehr_npy_parse(const char *name, const void *bytes, size_t size, lehr_array *out)
{
    npy_header header;
    lehr_array array = {.name = name};
    LEHR_TRY(find_header(name, bytes, size, &header));
    LEHR_TRY(take_dictionary(&header, &array));
    LEHR_CHECK(!array.fortran || array.dims <= 2, LEHR_ERR_DATA,
               "%s: %d dimensions in column-major order, expected at most 2 or C order", name,
               array.dims);
    const size_t data = header.offset + header.size;
    array.bytes = (const unsigned char *)bytes + data;
    LEHR_TRY(lehr_array_measure(&array, size - data));
    *out = array;
    return LEHR_OK;
}
