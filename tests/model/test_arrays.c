/* NPY and IDX: every type, every order, and headers that lie. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/readers.h"
#include "support/data.h"

enum { BYTES_MAX = 512 };

/* A file in memory, in a block without a byte to spare. */
typedef struct bytes {
    unsigned char *data;
    size_t size;
} bytes;

/* An .npy file of the given version with this dictionary, padded as numpy does, then the
 * elements. */
static bytes make_npy(int version, const char *dictionary, const void *elements, size_t size)
{
    const size_t offset = version == 1 ? 10 : 12;
    const size_t length = (offset + strlen(dictionary) + 1 + 63) / 64 * 64 - offset;
    bytes file = {malloc(offset + length + size), offset + length + size};
    memcpy(file.data, "\x93NUMPY", 6);
    file.data[6] = (unsigned char)version;
    file.data[7] = 0;
    for (size_t i = 8; i < offset; i++)
        file.data[i] = (unsigned char)(length >> (8 * (i - 8)));
    memset(file.data + offset, ' ', length);
    memcpy(file.data + offset, dictionary, strlen(dictionary));
    file.data[offset + length - 1] = '\n';
    if (size > 0)
        memcpy(file.data + offset + length, elements, size);
    return file;
}

static bytes make_raw(const char *text, size_t size)
{
    bytes file = {malloc(size + (size == 0)), size};
    memcpy(file.data, text, size);
    return file;
}

/* ---- Types ----------------------------------------------------------------------------------- */

/* The four values 1, -2 (or 2, or true), 0, 100 in each type, as numpy writes them. */
Test(npy, every_type_is_read)
{
    static const struct {
        const char *type, *bytes;
        size_t size;
        float second, last;
    } cases[] = {
        {"<f8", "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x59\x40", 8, -2,
         100},
        {"<f4", "\0\0\x80\x3f\0\0\0\xc0\0\0\0\0\0\0\xc8\x42", 4, -2, 100},
        {"|i1", "\x01\xfe\0\x64", 1, -2, 100},
        {"<i1", "\x01\xfe\0\x64", 1, -2, 100},
        {"|u1", "\x01\x02\0\x64", 1, 2, 100},
        {"<i2", "\x01\0\xfe\xff\0\0\x64\0", 2, -2, 100},
        {"<u2", "\x01\0\xfe\xff\0\0\x64\0", 2, 65534, 100},
        {"<i4", "\x01\0\0\0\xfe\xff\xff\xff\0\0\0\0\x64\0\0\0", 4, -2, 100},
        {"<u4", "\x01\0\0\0\xfe\xff\xff\xff\0\0\0\0\x64\0\0\0", 4, 4294967294.0f, 100},
        {"<i8",
         "\x01\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\x64\0\0\0\0\0\0\0", 8,
         -2, 100},
        {"<u8",
         "\x01\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\x64\0\0\0\0\0\0\0", 8,
         18446744073709551614.0f, 100},
        {"|b1", "\x01\x01\0\x01", 1, 1, 1},
    };
    const lehr_data_spec spec = data_spec(LEHR_TASK_REGRESSION);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int version = 1; version <= 3; version++) {
            char dictionary[128];
            snprintf(dictionary, sizeof dictionary,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (2, 2), }", cases[i].type);
            const bytes file = make_npy(version, dictionary, cases[i].bytes, 4 * cases[i].size);
            lehr_array array;
            lehr_samples samples = {0};
            cr_assert_eq(lehr_npy_parse("x.npy", file.data, file.size, &array), LEHR_OK, "%s",
                         lehr_error());
            cr_assert_eq(lehr_array_read(&array, NULL, &spec, &samples), LEHR_OK, "%s",
                         lehr_error());
            cr_assert_eq(samples.inputs, 1);
            cr_assert_eq(samples.points, 2);
            cr_assert_eq(samples.input[0], 1.0f);
            cr_assert_eq(samples.target[0], cases[i].second, "%s", cases[i].type);
            cr_assert_eq(samples.input[1], 0.0f);
            cr_assert_eq(samples.target[1], cases[i].last);
            lehr_samples_free(&samples);
            free(file.data);
        }
}

Test(idx, every_type_is_read)
{
    static const struct {
        const char *bytes;
        size_t size;
        float second;
    } cases[] = {
        {"\0\0\x08\x02\0\0\0\x02\0\0\0\x02\x01\xfe\0\x64", 16, 254},
        {"\0\0\x09\x02\0\0\0\x02\0\0\0\x02\x01\xfe\0\x64", 16, -2},
        {"\0\0\x0b\x02\0\0\0\x02\0\0\0\x02\0\x01\xff\xfe\0\0\0\x64", 20, -2},
        {"\0\0\x0c\x02\0\0\0\x02\0\0\0\x02\0\0\0\x01\xff\xff\xff\xfe\0\0\0\0\0\0\0\x64", 28, -2},
        {"\0\0\x0d\x02\0\0\0\x02\0\0\0\x02\x3f\x80\0\0\xc0\0\0\0\0\0\0\0\x42\xc8\0\0", 28, -2},
        {"\0\0\x0e\x02\0\0\0\x02\0\0\0\x02\x3f\xf0\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0"
         "\0\0\0\0\0\0\0\0\x40\x59\0\0\0\0\0\0",
         44, -2},
    };
    const lehr_data_spec spec = data_spec(LEHR_TASK_REGRESSION);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bytes file = make_raw(cases[i].bytes, cases[i].size);
        lehr_array array;
        lehr_samples samples = {0};
        cr_assert_eq(lehr_idx_parse("x.idx", file.data, file.size, &array), LEHR_OK, "%s",
                     lehr_error());
        cr_assert_eq(lehr_array_read(&array, NULL, &spec, &samples), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(samples.input[0], 1.0f);
        cr_assert_eq(samples.target[0], cases[i].second, "case %zu", i);
        cr_assert_eq(samples.target[1], 100.0f);
        lehr_samples_free(&samples);
        free(file.data);
    }
}

/* ---- Shapes ---------------------------------------------------------------------------------- */

/* Twelve bytes 0..11 as inputs, in the shape given; labels "1","0","1" for its three points. */
static lehr_status read_shape(const char *shape, const char *order, lehr_samples *samples)
{
    static const unsigned char count[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
                               label[] = {1, 0, 1};
    char dictionary[128];
    snprintf(dictionary, sizeof dictionary, "{\"shape\": %s, 'fortran_order': %s, 'descr': '|u1'}",
             shape, order);
    const bytes file = make_npy(1, dictionary, count, sizeof count);
    const bytes labels = make_npy(2, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }",
                                  label, sizeof label);
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    lehr_array x, y;
    lehr_status status = lehr_npy_parse("x.npy", file.data, file.size, &x);
    if (status == LEHR_OK)
        status = lehr_npy_parse("y.npy", labels.data, labels.size, &y);
    if (status == LEHR_OK)
        status = lehr_array_read(&x, &y, &spec, samples);
    free(file.data);
    free(labels.data);
    return status;
}

Test(npy, shapes_and_orders_are_kept)
{
    static const struct {
        const char *shape, *order;
        int32_t inputs;
        float second; /* input 1 of point 0; of point 1 with one input */
    } cases[] = {
        {"(3, 4)", "False", 4, 1},        {"(3,4)", "True", 4, 3},
        {"( 3 , 2 , 2 )", "False", 4, 1}, {"(3, 4,)", "False", 4, 1},
        {"(3, 1, 2, 2)", "False", 4, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_samples samples = {0};
        cr_assert_eq(read_shape(cases[i].shape, cases[i].order, &samples), LEHR_OK, "%s",
                     lehr_error());
        cr_assert_eq(samples.points, 3);
        cr_assert_eq(samples.inputs, cases[i].inputs);
        cr_assert_eq(samples.input[1], cases[i].second, "case %zu", i);
        cr_assert_eq(samples.classes.count, 2);
        cr_assert_str_eq(lehr_names_at(&samples.classes, 0), "0");
        cr_assert_eq(samples.target[0], 1.0f);
        cr_assert_eq(samples.target[1], 0.0f);
        cr_assert_str_eq(lehr_names_at(&samples.columns, 3), "3");
        lehr_samples_free(&samples);
    }
}

/* ---- Headers that lie ------------------------------------------------------------------------ */

typedef struct bad_case {
    const char *dictionary, *sentence;
} bad_case;

Test(npy, bad_dictionaries_are_refused_with_their_place)
{
#define GOOD_TYPE  "'descr': '<f8', "
#define GOOD_ORDER "'fortran_order': False, "
    static const bad_case cases[] = {
        {"", "x.npy: byte 64: the header ends, expected '{'"},
        {"[1, 2]", "in the header, expected '{'"},
        {"{" GOOD_TYPE GOOD_ORDER "}", "expected descr, fortran_order and shape, and nothing else"},
        {"{" GOOD_TYPE GOOD_ORDER GOOD_TYPE "'shape': (2, 2)}",
         "expected descr, fortran_order and shape, once"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (2, 2), 'x': 1}", "once each"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (2, 2)} 7", "'7"},
        {"{'descr': '>f8', " GOOD_ORDER "'shape': (2, 2)}", "expected little-endian f4"},
        {"{'descr': '<f2', " GOOD_ORDER "'shape': (2, 2)}", "'<f2'"},
        {"{'descr': '|f8', " GOOD_ORDER "'shape': (2, 2)}", "expected little-endian f4"},
        {"{'descr': '|O', " GOOD_ORDER "'shape': (2, 2)}", "expected little-endian f4"},
        {"{'descr': '<c16', " GOOD_ORDER "'shape': (2, 2)}", "expected little-endian f4"},
        {"{'descr': 'datetime64[ns]', " GOOD_ORDER "'shape': (2, 2)}", "expected a short string"},
        {"{'descr': [('x', '<f8')], " GOOD_ORDER "'shape': (2, 2)}", "expected a plain type"},
        {"{'descr': 8, " GOOD_ORDER "'shape': (2, 2)}", "expected a string"},
        {"{'descr' 8}", "expected ':'"},
        {"{'descr': '', " GOOD_ORDER "'shape': (2, 2)}", "expected little-endian f4"},
        {"{'descr: 8", "expected a short string"},
        {"{" GOOD_TYPE "'fortran_order': 0, 'shape': (2, 2)}", "expected True or False"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': 4}", "expected the shape, a tuple"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (4)}", "expected ',' or ')'"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (2 2)}", "expected ',' or ')'"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (-2, 2)}", "expected a length below 2^63"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (2L, 2)}", "expected ',' or ')'"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (9223372036854775808, 1)}",
         "expected a length below 2^63"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (1,1,1,1,1,1,1,1,4)}", "expected at most 8 dimensions"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (2, 2)", "expected ',' or '}'"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (2,", "expected a length"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (0, 4)}", "promises 0 bytes of numbers, but 32 follow"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (2, 3)}",
         "promises 48 bytes of numbers, but 32 follow"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (1, 2)}",
         "promises 16 bytes of numbers, but 32 follow"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (65536, 65536)}", "promises 34359738368 bytes"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (2147483648, 4294967296)}",
         "promises 18446744073709551615 or more"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (9223372036854775807, 9223372036854775807)}",
         "or more bytes"},
        {"{" GOOD_TYPE GOOD_ORDER "'shape': (4611686018427387904, 4, 1)}", "or more bytes"},
        {"{" GOOD_TYPE "'fortran_order': True, 'shape': (2, 1, 2)}",
         "3 dimensions in column-major order"},
    };
    const double numbers[4] = {1, 2, 3, 4};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bytes file = make_npy(1, cases[i].dictionary, numbers, sizeof numbers);
        lehr_array array = {.count = 77};
        cr_assert_eq(lehr_npy_parse("x.npy", file.data, file.size, &array), LEHR_ERR_DATA,
                     "case %zu", i);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
        cr_assert_eq(strncmp(lehr_error(), "x.npy: ", 7), 0);
        cr_assert_eq(array.count, 77);
        free(file.data);
    }
}

Test(npy, broken_files_are_refused_with_their_place)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *sentence;
    } cases[] = {
        {"", 0, "byte 0: not the first bytes of an .npy file"},
        {"\x93NUMPY\x01", 7, "byte 0: not the first bytes"},
        {"PK\x03\x04 and more", 13, "byte 0: not the first bytes"},
        {"\x93NUMPY\x04\0\x10\0\0\0{}", 14, "byte 6: version 4 of .npy, expected 1, 2 or 3"},
        {"\x93NUMPY\0\0\x10\0\0\0{}", 14, "byte 6: version 0"},
        {"\x93NUMPY\x02\0\x10\0", 10, "byte 10: the file ends inside its header"},
        {"\x93NUMPY\x01\0\x10\0{}", 12, "byte 8: a header of 16 bytes, but only 2 bytes follow"},
        {"\x93NUMPY\x02\0\xff\xff\xff\xff{}", 14,
         "byte 8: a header of 4294967295 bytes, expected at most"},
        {"\x93NUMPY\x01\0\0\0", 10, "byte 10: the header ends, expected '{'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bytes file = make_raw(cases[i].bytes, cases[i].size);
        lehr_array array;
        cr_assert_eq(lehr_npy_parse("x.npy", file.data, file.size, &array), LEHR_ERR_DATA,
                     "case %zu", i);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
        free(file.data);
    }
}

Test(npy, every_cut_of_a_file_is_refused)
{
    const double numbers[4] = {1, 2, 3, 4};
    const bytes whole = make_npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }",
                                 numbers, sizeof numbers);
    for (size_t size = 0; size < whole.size; size++) {
        const bytes file = make_raw((const char *)whole.data, size);
        lehr_array array;
        cr_assert_eq(lehr_npy_parse("x.npy", file.data, file.size, &array), LEHR_ERR_DATA,
                     "%zu bytes", size);
        free(file.data);
    }
    free(whole.data);
}

Test(idx, broken_files_are_refused_with_their_place)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *sentence;
    } cases[] = {
        {"", 0, "byte 0: not the first bytes of an IDX file"},
        {"\0\0\x08", 3, "byte 0: not the first bytes"},
        {"a\0\x08\x01\0\0\0\x01z", 9, "byte 0: not the first bytes"},
        {"\0\0\x0a\x01\0\0\0\x01z", 9, "byte 2: type 0x0a, expected 0x08"},
        {"\0\0\x08\0", 4, "byte 3: 0 dimensions, expected 1 to 8"},
        {"\0\0\x08\x09\0\0\0\x01z", 9, "byte 3: 9 dimensions"},
        {"\0\0\x08\x02\0\0\0\x01z", 9, "byte 9: the file ends inside its header"},
        {"\0\0\x08\x01\0\0\0\x02z", 9, "promises 2 bytes of numbers, but 1 follow"},
        {"\0\0\x08\x01\0\0\0\x01zz", 10, "promises 1 bytes of numbers, but 2 follow"},
        {"\0\0\x08\x01\0\0\0\0", 8, "holds no numbers"},
        {"\0\0\x0e\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16,
         "or more bytes of numbers, but 0"},
        {"\0\0\x0e\x02\x80\0\0\0\x80\0\0\0", 12, "or more bytes of numbers, but 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bytes file = make_raw(cases[i].bytes, cases[i].size);
        lehr_array array = {.count = 77};
        cr_assert_eq(lehr_idx_parse("x.idx", file.data, file.size, &array), LEHR_ERR_DATA,
                     "case %zu", i);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
        cr_assert_eq(array.count, 77);
        free(file.data);
    }
}

/* ---- Contents that do not fit ---------------------------------------------------------------- */

static lehr_array array_of(const double *values, int32_t dims, int64_t rows, int64_t columns)
{
    lehr_array array = {.name = dims == 1 ? "y.npy" : "x.npy",
                        .bytes = (const unsigned char *)values,
                        .dims = dims,
                        .dim = {rows, columns},
                        .count = dims == 1 ? rows : rows * columns,
                        .kind = 'f',
                        .size = 8};
    return array;
}

Test(arrays, contents_that_do_not_fit_are_refused)
{
    static const double good[] = {1, 2, 3, 4, 5, 6}, bad[] = {1, 2, NAN, 4, 5, 6},
                        big[] = {1, 2, 3, 4, 5, 1e39}, half[] = {0, 1, 0.5}, wide[] = {0, 1, 1e17},
                        none[] = {0, 1, NAN};
    const lehr_array x = array_of(good, 2, 3, 2), nan = array_of(bad, 2, 3, 2),
                     huge = array_of(big, 2, 3, 2);
    const lehr_array y = array_of(half, 1, 3, 1), far = array_of(wide, 1, 3, 1),
                     hole = array_of(none, 1, 3, 1);
    const lehr_array two = array_of(good, 1, 2, 1), flat = array_of(good, 1, 6, 1);
    const struct {
        const lehr_array *inputs, *labels;
        const char *target, *sentence;
    } cases[] = {
        {&nan, NULL, "", "x.npy: point 1, number 0: nan, expected a finite number"},
        {&huge, NULL, "0",
         "x.npy: point 2, number 1: 1e+39, expected a finite number that float32 holds"},
        {&x, &y, "", "y.npy: point 2: the label 0.5, expected an integer"},
        {&x, &far, "", "y.npy: point 2: the label 1e+17, expected an integer"},
        {&x, &hole, "", "y.npy: point 2: the label nan, expected an integer"},
        {&x, &x, "", "x.npy: 2 labels per point, expected 1 class number"},
        {&x, &two, "", "y.npy: 2 labels for the 3 points of x.npy"},
        {&flat, NULL, "", "y.npy: 1 dimensions without labels, expected 2 with a target column"},
        {&x, NULL, "species",
         "x.npy: has no column names, expected the target 'species' as a number"},
        {&x, NULL, "2", "x.npy: the target is column 2 counted from 0, there are 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_samples samples = {0};
        lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
        DATA_PUT(spec.target, cases[i].target);
        const lehr_status status = lehr_array_read(cases[i].inputs, cases[i].labels, &spec,
                                                   &samples);
        cr_assert(status == LEHR_ERR_DATA || status == LEHR_ERR_ARG, "case %zu", i);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
        lehr_samples_free(&samples);
    }
}

Test(arrays, a_second_array_must_have_the_same_shape_and_classes)
{
    static const double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, classes[] = {7, -1, 7},
                        other[] = {7, 3, 7};
    const lehr_array x = array_of(values, 2, 3, 2), y = array_of(classes, 1, 3, 1),
                     z = array_of(other, 1, 3, 1);
    const lehr_array wide = array_of(values, 2, 3, 3);
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    lehr_samples samples = {0};
    cr_assert_eq(lehr_array_read(&x, &y, &spec, &samples), LEHR_OK);
    cr_assert_str_eq(lehr_names_at(&samples.classes, 0), "-1");
    cr_assert_eq(lehr_array_read(&x, &y, &spec, &samples), LEHR_OK);
    cr_assert_eq(samples.points, 6);
    cr_assert_eq(samples.target[4], 0.0f);
    cr_assert_eq(samples.target[5], 1.0f);
    cr_assert_eq(lehr_array_read(&x, &z, &spec, &samples), LEHR_ERR_DATA);
    cr_assert_str_eq(lehr_error(), "y.npy: point 1: the training data do not have class 3");
    cr_assert_eq(lehr_array_read(&wide, &y, &spec, &samples), LEHR_ERR_DATA);
    cr_assert_not_null(
        strstr(lehr_error(), "3 inputs and 1 targets, expected 2 and 1 as in the training"));
    lehr_samples_free(&samples);
}

/* Several targets per point, column-major: both arrays point by point. */
Test(arrays, a_regression_may_have_several_targets)
{
    static const double values[] = {1, 2, 3, 4, 5, 6};
    const lehr_data_spec spec = data_spec(LEHR_TASK_REGRESSION);
    lehr_array x = array_of(values, 2, 3, 2), y = x;
    lehr_samples samples = {0};
    y.fortran = true;
    cr_assert_eq(lehr_array_read(&x, &y, &spec, &samples), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(samples.targets, 2);
    cr_assert_eq(memcmp(samples.target, (float[]){1, 4, 2, 5, 3, 6}, 6 * sizeof(float)), 0);
    cr_assert_eq(memcmp(samples.input, (float[]){1, 2, 3, 4, 5, 6}, 6 * sizeof(float)), 0);
    lehr_samples_free(&samples);
}

Test(arrays, any_allocation_may_fail)
{
    static const double values[] = {1, 2, 3, 4, 5, 6}, classes[] = {7, -1, 7};
    const lehr_array x = array_of(values, 2, 3, 2), y = array_of(classes, 1, 3, 1);
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    int failures = 0;
    for (int64_t n = 1;; n++) {
        lehr_samples samples = {0};
        lehr_memory_fail_at(n);
        const lehr_status status = lehr_array_read(&x, &y, &spec, &samples);
        lehr_memory_fail_at(0);
        lehr_samples_free(&samples);
        if (status == LEHR_OK)
            break;
        cr_assert_eq(status, LEHR_ERR_MEMORY);
        failures++;
    }
    cr_assert(failures > 5);
}
