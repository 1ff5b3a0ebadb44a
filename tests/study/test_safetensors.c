/* Safetensors: what is written is read back, and nothing malformed is believed. */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "base/memory.h"
#include "study/safetensors.h"
#include "study/scratch.h"

TestSuite(safetensors, .init = scratch_make, .fini = scratch_remove);

static const float matrix[] = {1, -2.5f, 3, 0x1p-149f, -0.0f, 3.4028235e38f};
static const double pair[] = {1e-300, 2};
static const int64_t whole[] = {INT64_MIN};

/* Three tensors of three types and two texts. */
static void write_example(const char *name)
{
    lehr_tensor tensor[3] = {
        {.name = "d",
         .dtype = LEHR_DTYPE_F64,
         .dims = 1,
         .shape = {2},
         .data = pair,
         .bytes = sizeof pair},
        {.name = "i", .dtype = LEHR_DTYPE_I64, .data = whole, .bytes = sizeof whole},
        lehr_tensor_matrix("layers.0.weight", matrix, 2, 3)};
    const lehr_pair text[] = {{"classes", "[\"\xc3\xa9\"]"}, {"version", "1"}};
    const lehr_tensors all = {tensor, 3, text, 2, false};
    lehr_dir dir;
    lehr_output output;
    cr_assert_eq(lehr_dir_open(scratch_folder, &dir), LEHR_OK);
    cr_assert_eq(lehr_safetensors_write(&dir, name, &all, &output), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_output_commit(&output), LEHR_OK);
    lehr_dir_close(&dir);
}

/* EXACT: bytes are copied. */
Test(safetensors, gives_back_what_was_written)
{
    write_example("x.safetensors");
    lehr_safetensors *file = NULL;
    cr_assert_eq(lehr_safetensors_load(scratch("x.safetensors"), &file), LEHR_OK, "%s",
                 lehr_error());
    cr_assert_eq(lehr_safetensors_count(file), 3);

    const lehr_tensor *tensor = lehr_safetensors_find(file, "layers.0.weight");
    cr_assert_not_null(tensor);
    cr_assert_eq(tensor->dtype, LEHR_DTYPE_F32);
    cr_assert_eq(tensor->dims, 2);
    cr_assert_eq(tensor->shape[0], 2);
    cr_assert_eq(tensor->shape[1], 3);
    cr_assert_eq(tensor->bytes, sizeof matrix);
    cr_assert_arr_eq(tensor->data, matrix, sizeof matrix);
    cr_assert_arr_eq(lehr_safetensors_find(file, "d")->data, pair, sizeof pair);
    cr_assert_eq(lehr_safetensors_find(file, "i")->dims, 0);
    cr_assert_str_eq(lehr_safetensors_at(file, 0)->name, "d");
    cr_assert_str_eq(lehr_safetensors_metadata(file, "classes"), "[\"\xc3\xa9\"]");
    cr_assert_null(lehr_safetensors_metadata(file, "none"));
    cr_assert_null(lehr_safetensors_find(file, "none"));
    lehr_safetensors_destroy(&file);
    cr_assert_null(file);
    lehr_safetensors_destroy(&file);
}

Test(safetensors, pads_its_header_to_eight_bytes)
{
    for (int i = 1; i <= 9; i++) {
        char name[16] = "aaaaaaaaaaaaaaa";
        name[i] = '\0';
        const lehr_tensor tensor = lehr_tensor_vector(name, matrix, 1);
        const lehr_tensors all = {&tensor, 1, NULL, 0, false};
        lehr_text header = {0};
        cr_assert_eq(lehr_safetensors_header(&all, &header), LEHR_OK);
        uint64_t length;
        memcpy(&length, header.data, sizeof length);
        cr_assert_eq(length % 8, 0);
        cr_assert_eq(length + 8, header.length);
        lehr_text_free(&header);
    }
}

/* A file of a header text and some bytes of zeros. */
static lehr_status parse(const char *header, size_t data_bytes)
{
    static char bytes[4096];
    const uint64_t length = strlen(header);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, &length, sizeof length);
    snprintf(bytes + 8, sizeof bytes - 8, "%s", header);
    lehr_safetensors *file = NULL;
    const lehr_status status = lehr_safetensors_parse("x", bytes, 8 + length + data_bytes, &file);
    cr_assert_eq(status == LEHR_OK, file != NULL);
    lehr_safetensors_destroy(&file);
    return status;
}

#define T(dtype, shape, begin, end)                                                                \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

Test(safetensors, accepts_what_the_format_allows)
{
    static const struct {
        const char *header;
        size_t data_bytes;
    } cases[] = {
        {"{}", 0},
        {"{}      ", 0},
        {"{\"__metadata__\":{}}", 0},
        {"{\"a\":" T("F32", "[]", "0", "4") "}", 4},
        {"{\"b\":" T("U8", "[3]", "4", "7") ",\"a\":" T("F32", "[1,1]", "0", "4") "}", 7},
        {"{\"a\":" T("F32", "[0,9]", "0", "0") ",\"b\":" T("BOOL", "[2]", "0", "2") "}", 2},
        {"{\"b\":" T("BF16", "[1]", "0", "2") ",\"a\":" T("F32", "[0]", "2", "2") "}", 2},
        {"{\"a\":" T("I8", "[1,1,1,1,1,1,1,1]", "0", "1") "}", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_assert_eq(parse(cases[i].header, cases[i].data_bytes), LEHR_OK, "case %zu: %s", i,
                     lehr_error());
}

Test(safetensors, refuses_malformed_headers_with_a_sentence)
{
    static const struct {
        const char *header;
        size_t data_bytes;
        const char *says;
    } cases[] = {
        {"", 0, "not a JSON object"},
        {"[]", 0, "not a JSON object"},
        {" {}", 0, "not a JSON object"},
        {"{", 0, "not valid JSON"},
        {"{} x", 0, "not valid JSON"},
        {"{\"a\":1}", 0, "nothing else"},
        {"{\"a\":{}}", 0, "nothing else"},
        {"{\"a\":" T("F32", "[1]", "0", "4") ",\"a\":" T("F32", "[1]", "0", "4") "}", 4,
         "duplicate"},
        {"{\"\":" T("F32", "[1]", "0", "4") "}", 4, "1 to 127 bytes"},
        {"{\"a\":" T("F31", "[1]", "0", "4") "}", 4, "unknown dtype 'F31'"},
        {"{\"a\":{\"dtype\":5,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "no dtype"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"offsets\":[0,4]}}", 4, "two whole numbers"},
        {"{\"a\":" T("F32", "4", "0", "4") "}", 4, "list of at most 8"},
        {"{\"a\":" T("I8", "[1,1,1,1,1,1,1,1,1]", "0", "1") "}", 1, "list of at most 8"},
        {"{\"a\":" T("F32", "[-1]", "0", "4") "}", 4, "not a whole number"},
        {"{\"a\":" T("F32", "[1.0]", "0", "4") "}", 4, "not a whole number"},
        {"{\"a\":" T("F32", "[4294967296,4294967296]", "0", "4") "}", 4, "more elements than"},
        {"{\"a\":" T("F64", "[2305843009213693952]", "0", "0") "}", 0, "more elements than"},
        {"{\"a\":" T("F32", "[99999999999999999999]", "0", "4") "}", 4, "not valid JSON"},
        {"{\"a\":" T("F32", "[2]", "0", "4") "}", 4, "needs 8 bytes"},
        {"{\"a\":" T("F32", "[1]", "0", "8") "}", 8, "needs 4 bytes"},
        {"{\"a\":" T("F32", "[1]", "0", "4") "}", 3, "do not lie in"},
        {"{\"a\":" T("F32", "[1]", "4", "0") "}", 8, "do not lie in"},
        {"{\"a\":" T("F32", "[1]", "-4", "0") "}", 8, "do not lie in"},
        {"{\"a\":" T("F32", "[1]", "0", "4") "}", 5, "belong to no tensor"},
        {"{}", 1, "belong to no tensor"},
        {"{\"a\":" T("F32", "[1]", "4", "8") "}", 8, "holes and overlaps"},
        {"{\"a\":" T("F32", "[1]", "0", "4") ",\"b\":" T("F32", "[1]", "2", "6") "}", 6,
         "holes and"},
        {"{\"a\":" T("F32", "[1]", "0", "4") ",\"b\":" T("F32", "[1]", "0", "4") "}", 4,
         "holes and"},
        {"{\"__metadata__\":[]}", 0, "names to texts"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "'k' is not a text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(parse(cases[i].header, cases[i].data_bytes), LEHR_ERR_DATA, "case %zu", i);
        cr_assert(strstr(lehr_error(), cases[i].says), "case %zu: %s", i, lehr_error());
        cr_assert(strncmp(lehr_error(), "x: ", 3) == 0, "case %zu: %s", i, lehr_error());
    }
}

Test(safetensors, refuses_lengths_that_the_file_does_not_have)
{
    static const struct {
        uint64_t length;
        size_t count;
        const char *says;
    } cases[] = {
        {0, 0, "too few"},
        {2, 7, "too few"},
        {9, 16, "does not fit"},
        {1 << 20, 16, "does not fit"},
        {(1 << 20) + 1, 16, "header of 1048577"},
        {UINT64_MAX, 16, "header of"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[16] = {0};
        memcpy(bytes, &cases[i].length, 8);
        lehr_safetensors *file = NULL;
        cr_assert_eq(lehr_safetensors_parse("x", bytes, cases[i].count, &file), LEHR_ERR_DATA);
        cr_assert(strstr(lehr_error(), cases[i].says), "case %zu: %s", i, lehr_error());
    }
}

/* Every prefix of a file is refused, and no flipped bit makes the reader leave the file's bytes
 * (asan watches); a flip in the header's blanks or structure is refused, one in the data cannot
 * be known. */
Test(safetensors, refuses_every_truncation_and_survives_every_flipped_bit)
{
    write_example("x.safetensors");
    FILE *stream = fopen(scratch("x.safetensors"), "rb");
    unsigned char bytes[2048];
    const size_t count = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    cr_assert(count > 100 && count < sizeof bytes);
    lehr_safetensors *file = NULL;
    for (size_t length = 0; length < count; length++)
        cr_assert_eq(lehr_safetensors_parse("x", bytes, length, &file), LEHR_ERR_DATA, "length %zu",
                     length);
    for (size_t bit = 0; bit < 8 * count; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        const lehr_status status = lehr_safetensors_parse("x", bytes, count, &file);
        cr_assert(status == LEHR_OK || status == LEHR_ERR_DATA);
        cr_assert(bit >= 64 || status == LEHR_ERR_DATA, "bit %zu of the length", bit);
        lehr_safetensors_destroy(&file);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}

Test(safetensors, refuses_to_write_what_it_could_not_read)
{
    const lehr_tensor twice[] = {lehr_tensor_vector("a", matrix, 1),
                                 lehr_tensor_vector("a", matrix, 1)};
    const lehr_tensor latin = lehr_tensor_vector("\xe9", matrix, 1);
    const lehr_pair bad = {"classes", "\xe9"};
    static char huge[1 << 20];
    memset(huge, 'x', sizeof huge - 1);
    const lehr_pair large = {"inputs", huge};
    const struct {
        lehr_tensors all;
        const char *says;
    } cases[] = {
        {{twice, 2, NULL, 0, false}, "twice"},
        {{&latin, 1, NULL, 0, false}, "UTF-8"},
        {{NULL, 0, &bad, 1, false}, "UTF-8"},
        {{NULL, 0, &large, 1, false}, "1048576"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_text header = {0};
        cr_assert_eq(lehr_safetensors_header(&cases[i].all, &header), LEHR_ERR_DATA);
        cr_assert(strstr(lehr_error(), cases[i].says), "case %zu: %s", i, lehr_error());
        lehr_text_free(&header);
    }
}

Test(safetensors, says_so_without_memory)
{
    write_example("x.safetensors");
    lehr_safetensors *file = NULL;
    for (int64_t n = 1; n <= 3; n++) {
        lehr_memory_fail_at(n);
        cr_assert_eq(lehr_safetensors_load(scratch("x.safetensors"), &file), LEHR_ERR_MEMORY,
                     "n %" PRId64, n);
        cr_assert_null(file);
    }
    lehr_memory_fail_at(0);
}
