/* CSV: what is read, and the one sentence for everything that is not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/readers.h"
#include "support/data.h"

/* Read text[size] under the name "t.csv", from a copy without a byte to spare: the sanitizer
 * sees any step outside. */
static lehr_status read_bytes(const char *text, size_t size, const lehr_data_spec *spec,
                              lehr_samples *samples)
{
    char *copy = malloc(size + (size == 0));
    memcpy(copy, text, size);
    const lehr_status status = lehr_csv_read("t.csv", copy, size, spec, samples);
    free(copy);
    return status;
}

static lehr_status read_text(const char *text, const lehr_data_spec *spec, lehr_samples *samples)
{
    return read_bytes(text, strlen(text), spec, samples);
}

/* ---- Good files ------------------------------------------------------------------------------ */

/* "inputs;..|targets|classes" of a classification. */
static void show(const lehr_samples *s, char *out, size_t capacity)
{
    lehr_text text = {0};
    for (int32_t i = 0; i < s->inputs; i++)
        lehr_text_add(&text, "%s ", lehr_names_at(&s->columns, i));
    for (int64_t n = 0; n < s->points; n++) {
        lehr_text_add(&text, "|");
        for (int32_t i = 0; i < s->inputs; i++)
            lehr_text_add(&text, " %g", (double)s->input[n * s->inputs + i]);
        lehr_text_add(&text, " -> %g", (double)s->target[n]);
    }
    for (int32_t c = 0; c < s->classes.count; c++)
        lehr_text_add(&text, " [%s]", lehr_names_at(&s->classes, c));
    snprintf(out, capacity, "%s", text.data);
    lehr_text_free(&text);
}

Test(csv, good_files_are_read)
{
    static const struct {
        const char *text, *target, *shown;
    } cases[] = {
        {"a,b,y\n1,2,u\n3,4,v\n", "", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"a,b,y\n1,2,v\n3,4,u", "",
         "a b | 1 2 -> 1| 3 4 -> 0 [u] [v]"}, /* order of rows, no last end */
        {"a,b,y\r\n1,2,u\r\n3,4,v\r\n", "", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"a,b,y\r1,2,u\r3,4,v", "", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"\xef\xbb\xbf"
         "a,b,y\n1,2,u\n3,4,v\n",
         "", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"1,2,u\n3,4,v\n", "", "0 1 | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"1,2,10\n3,4,9\n5,6,-1\n", "", "0 1 | 1 2 -> 2| 3 4 -> 1| 5 6 -> 0 [-1] [9] [10]"},
        {"1,2,10\n3,4,9\n5,6,x\n", "", "0 1 | 1 2 -> 0| 3 4 -> 1| 5 6 -> 2 [10] [9] [x]"},
        {"y,a,b\nu,1,2\nv,3,4\n", "y", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"a,y,b\n1,u,2\n3,v,4\n", "1", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"u,1,2\nv,3,4\n", "0", "0 1 | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"3,4,4\n3,4,5\n", "1",
         "0 1 | 3 4 -> 0| 3 5 -> 0 [4]"}, /* a place, not the values called 1 */
        {"a,1,b\n3,4,5\n6,7,8\n", "1", "a b | 3 5 -> 0| 6 8 -> 1 [4] [7]"},
        {"a;b;y\n1;2;u\n3;4;v\n", "", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"a\tb\ty\n1\t2\tu\n3\t4\tv\n", "", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"\"a\",\"b,c\",y\n\"1\",2,\"u \"\"q\"\", w\"\n3,4,\"line\none\"\n", "",
         "a b,c | 1 2 -> 1| 3 4 -> 0 [line\none] [u \"q\", w]"},
        {" a , b ,y\n 1 , 2e0 , u \n+3,4.,\" u\"\n", "", "a b | 1 2 -> 1| 3 4 -> 0 [ u] [u]"},
        {"\n\na,b,y\n\n1,2,u\n   \n3,4,v\n\n\n", "", "a b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {",b,y\n1,2,u\n3,4,v\n", "", "0 b | 1 2 -> 0| 3 4 -> 1 [u] [v]"},
        {"a,b,y\n1,2,\xc3\xb6\n3,4,z\n", "", "a b | 1 2 -> 1| 3 4 -> 0 [z] [\xc3\xb6]"},
        {"a,y\n1e-400,u\n-0,v\n.5e1,v\n", "", "a | 0 -> 0| -0 -> 1| 5 -> 1 [u] [v]"},
        {"a,y\n1,\"\"\"\"\n2,\"x\"\"\"\n", "", "a | 1 -> 0| 2 -> 1 [\"] [x\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[256];
        lehr_samples samples = {0};
        lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
        DATA_PUT(spec.target, cases[i].target);
        const lehr_status status = read_text(cases[i].text, &spec, &samples);
        cr_assert_eq(status, LEHR_OK, "case %zu: %s", i, lehr_error());
        show(&samples, shown, sizeof shown);
        cr_assert_str_eq(shown, cases[i].shown, "case %zu: %s", i, shown);
        lehr_samples_free(&samples);
    }
}

Test(csv, a_regression_has_numbers_as_targets)
{
    lehr_samples samples = {0};
    const lehr_data_spec spec = data_spec(LEHR_TASK_REGRESSION);
    cr_assert_eq(read_text("x,y\n1,-2.5\n2,1e3\n", &spec, &samples), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(samples.classes.count, 0);
    cr_assert_eq(samples.target[0], -2.5f);
    cr_assert_eq(samples.target[1], 1000.0f);
    lehr_samples_free(&samples);
}

/* ---- Bad files ------------------------------------------------------------------------------- */

typedef struct bad_case {
    const char *text, *target, *sentence;
} bad_case;

static void refuse(lehr_task task, const bad_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        lehr_samples samples = {0};
        lehr_data_spec spec = data_spec(task);
        DATA_PUT(spec.target, cases[i].target);
        const lehr_status status = read_text(cases[i].text, &spec, &samples);
        cr_assert(status == LEHR_ERR_DATA || status == LEHR_ERR_ARG, "case %zu: %s", i,
                  cases[i].text);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
        cr_assert_null(strchr(lehr_error(), '\n'));
        lehr_samples_free(&samples);
    }
}

Test(csv, bad_files_are_refused_with_their_place)
{
    static const bad_case cases[] = {
        {"", "", "t.csv:1:1: no points"},
        {"\n \n\n", "", "t.csv:4:1: no points"},
        {"a,b,y\n", "", "t.csv:2:1: a header and no points"},
        {"a\n1\n", "", "t.csv:1:1: 1 column, expected inputs and a target"},
        {"a,b,y\n1,,u\n", "", "t.csv:2:3: column 2 (b): '' is a missing value, expected a number"},
        {"a,b,y\n1,2,u\n1,?,v\n", "", "t.csv:3:3: column 2 (b): '?' is a missing value"},
        {"a,b,y\n1,2,u\nNA,2,v\n", "", "t.csv:3:1: column 1 (a): 'NA' is a missing value"},
        {"a,b,y\n1,nan,u\n", "", "t.csv:2:3: column 2 (b): 'nan' is a missing value"},
        {"1,?,u\n1,2,v\n", "", "t.csv:1:3: column 2 (1): '?' is a missing value"},
        {"a,b,y\n1,2,u\n1,2,\n", "",
         "t.csv:3:5: column 3 (the target): '' is a missing value, expected a class"},
        {"a,b,y\n1,2,?\n", "", "t.csv:2:5: column 3 (the target): '?' is a missing value"},
        {"a,b,y\n1,2,u\n1,2\n", "", "t.csv:3:1: 2 columns, expected 3"},
        {"a,b,y\n1,2,u\n1,2,v,\n", "", "t.csv:3:1: 4 columns, expected 3"},
        {"a,b,y\n1,2,u\n\n\n7\n", "", "t.csv:5:1: 1 columns, expected 3"},
        {"a,b,y\n1,x2,u\n", "", "t.csv:2:3: column 2 (b): 'x2' is not a number"},
        {"a,b,y\n1,0x10,u\n", "", "t.csv:2:3: column 2 (b): '0x10' is not a number"},
        {"a,b,y\n1,0x1p3,u\n", "", "'0x1p3' is not a number"},
        {"a,b,y\n1,inf,u\n", "", "'inf' is not a number"},
        {"a,b,y\n1,1e400,u\n", "", "t.csv:2:3: column 2 (b): '1e400' is out of range"},
        {"a,b,y\n1,-1e39,u\n", "", "t.csv:2:3: column 2 (b): '-1e39' is out of range"},
        {"a,b,y\n1,1 2,u\n", "", "'1 2' is not a number"},
        {"a,b,y\n1,2\x01,u\n", "", "'2\\x01' is not a number"},
        {"a,b,y\n1,2,u\n1,2,\"v\n3,4,w\n", "", "t.csv:3:5: a quoted field is never closed"},
        {"a,b,y\n1,2,\"v\"x\n", "", "t.csv:2:8: something follows a closing quote, expected ','"},
        {"a,b,y\n1,2\"2,u\n", "", "t.csv:2:4: a quote inside an unquoted field"},
        {"a,b,\"y\r\"\n1,q,u\n", "", "t.csv:3:3: column 2 (b): 'q'"},
        {"a,b,\"y\n\"\"z\"\n1,q,u\n", "",
         "t.csv:3:3: column 2 (b): 'q'"}, /* lines inside quotes count */
        {"a,b,y\n1,2,\xff\n", "", "t.csv:2:5: the class name is not UTF-8 at its byte 1"},
        {"a,\xc3(,y\n1,2,u\n", "", "t.csv:1:3: the column name is not UTF-8 at its byte 1"},
        {"\xff\xfe"
         "a,b",
         "", "t.csv:1:1: is UTF-16, expected UTF-8"},
        {"\xfe\xff"
         "a,b",
         "", "t.csv:1:1: is UTF-16, expected UTF-8"},
        {"a,b,y\n1,2,u\n", "z", "t.csv:1:1: no column is called 'z', the target"},
        {"1,2,3\n", "z", "t.csv:1:1: no column is called 'z'"},
        {"a,b,y\n1,2,u\n", "3", "t.csv:1:1: the target is column 3 counted from 0, there are 3"},
        {"a,y,y\n1,2,u\n", "y", "t.csv:1:1: 2 columns are called 'y', the target"},
        {"a,b,y\n1,2,u\n", "a", "t.csv:2:5: column 3 (y): 'u' is not a number"},
        {"\xef\xbb\xbf"
         "1,2,u\n2,q,v",
         "", "t.csv:2:3: column 2 (1): 'q'"},
    };
    refuse(LEHR_TASK_CLASSIFICATION, cases, sizeof cases / sizeof *cases);
    static const bad_case numbers[] = {
        {"a,y\n1,u\n", "", "t.csv:2:3: column 2 (the target): 'u' is not a number"},
        {"a,y\n1,\n", "",
         "t.csv:2:3: column 2 (the target): '' is a missing value, expected a number"},
        {"a,y\n1,1e39\n", "", "is out of range"},
        {"a;y\n1;2,5\n", "", "t.csv:2:3: column 2 (the target): '2,5' is not a number"},
    };
    refuse(LEHR_TASK_REGRESSION, numbers, sizeof numbers / sizeof *numbers);
}

Test(csv, zero_bytes_are_refused_with_their_place)
{
    lehr_samples samples = {0};
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    cr_assert_eq(read_bytes("a,b\n1,\0002\n", 9, &spec, &samples), LEHR_ERR_DATA);
    cr_assert_str_eq(lehr_error(), "t.csv:2:3: a zero byte, expected text");
    lehr_samples_free(&samples);
}

Test(csv, long_names_long_fields_and_many_columns_have_limits)
{
    const size_t size = (size_t)LEHR_INPUTS_MAX * 2 + 64;
    char *text = malloc(size);
    lehr_samples samples = {0};
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    memset(text, 'n', 300);
    data_place(text + 128, ",y\n1,u\n");
    text[135] = '\0';
    cr_assert_eq(read_text(text, &spec, &samples), LEHR_ERR_DATA);
    cr_assert_not_null(
        strstr(lehr_error(), "t.csv:1:1: the column name has 128 bytes, expected at most 127"));
    lehr_samples_free(&samples);
    memset(text, '7', size);
    data_place(text, "a,y\n1,u\n");
    data_place(text + size - 4, ",v\n");
    cr_assert_eq(read_bytes(text, size - 1, &spec, &samples),
                 LEHR_ERR_DATA); /* one field of 512 KiB */
    cr_assert_not_null(strstr(lehr_error(), "t.csv:3:1: column 1 (a): '77777"), "%s", lehr_error());
    cr_assert(strlen(lehr_error()) < 200);
    lehr_samples_free(&samples);
    for (size_t i = 0; i + 1 < size; i += 2)
        data_place(text + i, "1,");
    cr_assert_eq(read_bytes(text, size, &spec, &samples), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "t.csv:1:524289: more than 262144 columns"), "%s",
                       lehr_error());
    lehr_samples_free(&samples);
    free(text);
}

Test(csv, too_many_classes_are_refused)
{
    lehr_text text = {0};
    lehr_text_add(&text, "x,y\n");
    for (int i = 0; i <= LEHR_CLASSES_MAX; i++)
        lehr_text_add(&text, "1,%d\n", i);
    lehr_samples samples = {0};
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    cr_assert_eq(read_text(text.data, &spec, &samples), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "t.csv:65538:3: more than 65536 classes"), "%s",
                       lehr_error());
    lehr_samples_free(&samples);
    lehr_text_free(&text);
}

/* ---- A second file --------------------------------------------------------------------------- */

Test(csv, a_test_file_must_have_the_same_columns_and_classes)
{
    static const struct {
        const char *text, *sentence; /* NULL: it is taken */
    } cases[] = {
        {"a,b,y\n5,6,v\n", NULL},
        {"5,6,v\n", NULL},        /* without a header */
        {"y,a,b\nv,5,6\n", NULL}, /* the target elsewhere */
        {"b,a,y\n5,6,v\n",
         "t.csv:1:1: column 1 (a): 'b' is its name here, expected that of the training"},
        {"a,b,c,y\n5,6,7,v\n", "t.csv:1:1: 4 columns, expected 3 as in the training data"},
        {"a,b,y\n5,6,w\n",
         "t.csv:2:5: column 3 (the target): 'w' is a class that the training data do not"},
        {"a,b,z\n5,6,v\n", "no column is called 'y'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_samples samples = {0};
        lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
        DATA_PUT(spec.target, i == 1 ? "2" : "y");
        cr_assert_eq(read_text("a,b,y\n1,2,v\n3,4,u\n", &spec, &samples), LEHR_OK, "%s",
                     lehr_error());
        const lehr_status status = read_text(cases[i].text, &spec, &samples);
        if (cases[i].sentence != NULL) {
            cr_assert_neq(status, LEHR_OK);
            cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                               lehr_error());
        } else {
            cr_assert_eq(status, LEHR_OK, "case %zu: %s", i, lehr_error());
            cr_assert_eq(samples.points, 3);
            cr_assert_eq(samples.input[4], 5.0f);
            cr_assert_eq(samples.input[5], 6.0f);
            cr_assert_eq(samples.target[2], 1.0f);
        }
        lehr_samples_free(&samples);
    }
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* Every allocation fails once; the sanitizer sees what leaks. */
Test(csv, any_allocation_may_fail)
{
    lehr_text text = {0};
    lehr_text_add(&text, "a,b,y\n");
    for (int i = 0; i < 100; i++)
        lehr_text_add(&text, "%d,%d,\"class %d\"\n", i, -i, i % 20);
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    int failures = 0;
    for (int64_t n = 1;; n++) {
        lehr_samples samples = {0};
        lehr_memory_fail_at(n);
        const lehr_status status = read_text(text.data, &spec, &samples);
        lehr_memory_fail_at(0);
        lehr_samples_free(&samples);
        if (status == LEHR_OK)
            break;
        cr_assert_eq(status, LEHR_ERR_MEMORY, "allocation %lld: %s", (long long)n, lehr_error());
        cr_assert_not_null(strstr(lehr_error(), "out of memory"));
        failures++;
    }
    cr_assert(failures > 10);
    lehr_text_free(&text);
}
