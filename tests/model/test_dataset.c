/* Datasets: real files, parts, standardization, the hash, and every bad spec. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "support/data.h"

#define FILE_OF(name) LEHR_SOURCE_DIR "/configs/data/" name

static lehr_dataset *create(const lehr_data_spec *spec)
{
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_create(spec, &dataset), LEHR_OK, "%s", lehr_error());
    return dataset;
}

static lehr_status refuse(const lehr_data_spec *spec)
{
    lehr_dataset *dataset = NULL;
    const lehr_status status = lehr_dataset_create(spec, &dataset);
    cr_assert_neq(status, LEHR_OK);
    cr_assert_null(dataset);
    return status;
}

/* ---- Real files ------------------------------------------------------------------------------ */

Test(dataset, the_shipped_files_have_their_shapes)
{
    static const struct {
        const char *path, *target;
        lehr_task task;
        int64_t points;
        int32_t inputs, classes;
        const char *first_class, *first_input;
    } cases[] = {
        {FILE_OF("iris.csv"), "species", LEHR_TASK_CLASSIFICATION, 150, 4, 3, "setosa",
         "sepal_length"},
        {FILE_OF("breast_cancer.csv"), "", LEHR_TASK_CLASSIFICATION, 569, 30, 2, "benign",
         "mean_radius"},
        {FILE_OF("digits.csv.gz"), "digit", LEHR_TASK_CLASSIFICATION, 1797, 64, 10, "0",
         "pixel_0_0"},
        {FILE_OF("diabetes.csv"), "10", LEHR_TASK_REGRESSION, 442, 10, 0, NULL, "age"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_data_spec spec = data_spec_of(cases[i].path, cases[i].task);
        DATA_PUT(spec.target, cases[i].target);
        lehr_dataset *dataset = create(&spec);
        const lehr_dataset_info info = lehr_dataset_describe(dataset);
        cr_assert_eq(info.points[LEHR_PART_TRAIN], cases[i].points);
        cr_assert_eq(info.points[LEHR_PART_TEST], 0);
        cr_assert_null(lehr_dataset_inputs(dataset, LEHR_PART_TEST));
        cr_assert_eq(info.inputs, cases[i].inputs);
        cr_assert_eq(info.targets, 1);
        cr_assert_eq(info.classes, cases[i].classes);
        cr_assert_str_eq(info.input_names[0], cases[i].first_input);
        if (cases[i].classes > 0)
            cr_assert_str_eq(info.class_names[0], cases[i].first_class);
        else
            cr_assert_null(info.class_names);
        lehr_dataset_destroy(&dataset);
        cr_assert_null(dataset);
    }
}

/* The first line of iris.csv, and its means as Fisher printed them: 1e-6 is half their last
 * digit and the rounding to float32. */
Test(dataset, iris_holds_what_its_file_says)
{
    const lehr_data_spec raw = data_spec_of(FILE_OF("iris.csv"), LEHR_TASK_CLASSIFICATION);
    lehr_data_spec standard = raw;
    standard.standardize = true;
    lehr_dataset *a = create(&raw), *b = create(&standard);
    const float *x = lehr_dataset_inputs(a, LEHR_PART_TRAIN);
    cr_assert_eq(memcmp(x, (float[]){5.1f, 3.5f, 1.4f, 0.2f}, 4 * sizeof(float)), 0);
    const lehr_dataset_info info = lehr_dataset_describe(b);
    static const double mean[] = {5.843333, 3.057333, 3.758, 1.199333};
    for (int j = 0; j < 4; j++)
        cr_assert(fabs(info.input_mean[j] - mean[j]) < 1e-6, "%g", info.input_mean[j]);
    cr_assert_eq(lehr_dataset_describe(a).input_mean[0], 0.0);
    cr_assert_eq(lehr_dataset_describe(a).input_scale[3], 1.0);
    cr_assert_eq(lehr_dataset_describe(a).hash,
                 info.hash); /* of the content, not of its treatment */
    lehr_dataset_destroy(&a);
    lehr_dataset_destroy(&b);
}

/* ---- Standardization ------------------------------------------------------------------------- */

/* 1e-6 in mean and variance: values, means and scales are rounded to float32. */
Test(dataset, the_training_part_has_mean_0_and_deviation_1)
{
    lehr_data_spec spec = data_spec_of(FILE_OF("diabetes.csv"), LEHR_TASK_REGRESSION);
    spec.standardize = true;
    spec.test_fraction = 0.25;
    spec.validation_fraction = 0.25;
    lehr_dataset *dataset = create(&spec);
    const lehr_dataset_info info = lehr_dataset_describe(dataset);
    const int64_t points = info.points[LEHR_PART_TRAIN];
    for (int32_t j = 0; j <= info.inputs; j++) {
        double sum = 0, square = 0;
        for (int64_t n = 0; n < points; n++) {
            const double x = (double)(j < info.inputs
                                          ? lehr_dataset_inputs(
                                                dataset, LEHR_PART_TRAIN)[n * info.inputs + j]
                                          : lehr_dataset_targets(dataset, LEHR_PART_TRAIN)[n]);
            sum += x;
            square += x * x;
        }
        cr_assert(fabs(sum / (double)points) < 1e-6);
        cr_assert(fabs(square / (double)points - 1) < 1e-6);
    }
    cr_assert(info.target_mean[0] > 100 && info.target_scale[0] > 50);
    lehr_dataset_destroy(&dataset);
}

Test(dataset, a_constant_column_gets_scale_1_and_others_use_the_training_part_alone)
{
    const data_file train = data_write_text("train.csv", "a,b,y\n0.1,1,u\n0.1,3,v\n0.1,5,u\n");
    const data_file test = data_write_text("test.csv", "a,b,y\n1.1,1000,v\n");
    lehr_data_spec spec = data_spec_of(train.path, LEHR_TASK_CLASSIFICATION);
    DATA_PUT(spec.test_source, test.path);
    spec.standardize = true;
    lehr_dataset *dataset = create(&spec);
    const lehr_dataset_info info = lehr_dataset_describe(dataset);
    const double scale = (double)(float)sqrt(8.0 / 3.0); /* as a weight file holds it */
    cr_assert_eq(info.input_mean[0], (double)0.1f);
    cr_assert_eq(info.input_scale[0], 1.0);
    cr_assert_eq(info.input_mean[1], 3.0);
    cr_assert_eq(info.input_scale[1], scale);
    cr_assert_eq(lehr_dataset_inputs(dataset, LEHR_PART_TRAIN)[0], 0.0f);
    cr_assert_eq(lehr_dataset_inputs(dataset, LEHR_PART_TEST)[0], 1.0f);
    cr_assert_eq(lehr_dataset_inputs(dataset, LEHR_PART_TEST)[1], (float)(997.0 / scale));
    cr_assert_eq(lehr_dataset_targets(dataset, LEHR_PART_TEST)[0], 1.0f);
    cr_assert_eq(info.target_scale[0], 1.0); /* classes stay */
    lehr_dataset_destroy(&dataset);
    data_remove(&train);
    data_remove(&test);
}

Test(dataset, a_test_point_too_far_away_is_refused)
{
    const data_file train = data_write_text("train.csv", "a,y\n1e-30,1\n2e-30,2\n");
    const data_file test = data_write_text("test.csv", "a,y\n3e38,1\n");
    lehr_data_spec spec = data_spec_of(train.path, LEHR_TASK_REGRESSION);
    DATA_PUT(spec.test_source, test.path);
    spec.standardize = true;
    cr_assert_eq(refuse(&spec), LEHR_ERR_DATA);
    cr_assert_str_eq(lehr_error(),
                     "inputs: column 0 is too far from the training data to be standardized");
    data_remove(&train);
    data_remove(&test);
}

/* ---- Bad specs and files --------------------------------------------------------------------- */

Test(dataset, bad_specs_are_refused)
{
    static const struct {
        double test, validation;
        const char *text, *sentence;
    } cases[] = {
        {-0.1, 0, "1,u\n2,v\n", "test_fraction must be in [0,1), got -0.1"},
        {1, 0, "1,u\n2,v\n", "test_fraction must be in [0,1), got 1"},
        {NAN, 0, "1,u\n2,v\n", "test_fraction must be in [0,1), got nan"},
        {0, 1.5, "1,u\n2,v\n", "validation_fraction must be in [0,1), got 1.5"},
        {0.6, 0.4, "1,u\n2,v\n", "leave nothing to train on"},
        {0.1, 0, "1,u\n2,v\n", "test_fraction 0.1 of 2 points leaves no test point"},
        {0, 0.1, "1,u\n2,v\n", "validation_fraction 0.1 of 2 points leaves no validation point"},
        {0.5, 0.49, "1,u\n2,v\n", "the fractions leave none of 2 points to train on"},
        {0, 0, "1,u\n2,u\n", "only the class 'u', expected at least 2 classes"},
        {0.5, 0, "1,u\n2,v\n", "the training part has only the class"},
        {0, 0, "", ":1:1: is empty, expected data"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const data_file file = data_write_text("data.csv", cases[i].text);
        lehr_data_spec spec = data_spec_of(file.path, LEHR_TASK_CLASSIFICATION);
        spec.test_fraction = cases[i].test;
        spec.validation_fraction = cases[i].validation;
        refuse(&spec);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
        data_remove(&file);
    }
}

Test(dataset, sources_that_do_not_go_together_are_refused)
{
    const lehr_generator_spec xor = {LEHR_GENERATOR_XOR, 4, 0, 0};
    lehr_data_spec none = data_spec(LEHR_TASK_CLASSIFICATION), both = none, labels = none,
                   endless = none, task = none, missing = none;
    DATA_PUT(both.source, FILE_OF("iris.csv"));
    both.generator = xor;
    DATA_PUT(labels.source, FILE_OF("iris.csv"));
    DATA_PUT(labels.test_labels, "y.npy");
    memset(endless.source, 'x', sizeof endless.source);
    task.task = (lehr_task)7;
    DATA_PUT(missing.source, "/no/such/file.csv");
    const struct {
        const lehr_data_spec *spec;
        const char *sentence;
    } cases[] = {
        {&none, "data need a source or a generator"},
        {&both, "from a source or from a generator, not from both"},
        {&labels, "test_labels belong to a test_source"},
        {&endless, "a text of the data spec has no end"},
        {&task, "there is no task number 7"},
        {&missing, "/no/such/file.csv: cannot be read: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        refuse(cases[i].spec);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "%s", lehr_error());
    }
    DATA_PUT(none.source, FILE_OF("iris.csv"));
    DATA_PUT(none.labels, FILE_OF("iris.csv"));
    cr_assert_eq(refuse(&none), LEHR_ERR_ARG);
    cr_assert_not_null(strstr(lehr_error(), "a CSV file holds its own targets"));
}

/* A file is measured by what its name says, and by its first bytes where the name says nothing. */
Test(dataset, the_format_comes_from_the_name_or_the_first_bytes)
{
    static const char idx[] = "\0\0\x08\x02\0\0\0\x02\0\0\0\x02\x01\x00\x02\x01";
    static const struct {
        const char *name, *bytes;
        size_t size;
        const char *sentence; /* NULL: it is read */
    } cases[] = {
        {"data", idx, 16, NULL},
        {"train-ubyte", idx, 16, NULL},
        {"data.idx", idx, 16, NULL},
        {"data", "1,0\n2,1\n", 8, NULL},
        {"data.txt", "1,0\n2,1\n", 8, NULL},
        {"data.npy", "1,0\n2,1\n", 8, "data.npy: byte 0: not the first bytes of an .npy file"},
        {"data.idx.gz", "1,0\n2,1\n", 8, "byte 0: not the first bytes of an IDX file"},
        {"data.csv", idx, 16, "data.csv:1:1: a zero byte"},
        {"data", "\x93NUMPY\x07\0..", 10, "byte 6: version 7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const data_file file = data_write(cases[i].name, cases[i].bytes, cases[i].size);
        const lehr_data_spec spec = data_spec_of(file.path, LEHR_TASK_CLASSIFICATION);
        lehr_dataset *dataset = NULL;
        const lehr_status status = lehr_dataset_create(&spec, &dataset);
        if (cases[i].sentence == NULL)
            cr_assert_eq(status, LEHR_OK, "%s", lehr_error());
        else
            cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                               lehr_error());
        lehr_dataset_destroy(&dataset);
        data_remove(&file);
    }
}

Test(dataset, images_and_labels_are_read_from_two_files)
{
    const data_file images = data_write("x-idx3-ubyte",
                                        "\0\0\x08\x03\0\0\0\x03\0\0\0\1\0\0\0\2\1\2\3\4\5\6", 22);
    const data_file labels = data_write("y-idx1-ubyte", "\0\0\x08\x01\0\0\0\x03\7\2\7", 11);
    lehr_data_spec spec = data_spec_of(images.path, LEHR_TASK_CLASSIFICATION);
    DATA_PUT(spec.labels, labels.path);
    DATA_PUT(spec.test_source, images.path);
    DATA_PUT(spec.test_labels, labels.path);
    spec.test_fraction = 0.9; /* not used beside a test file */
    lehr_dataset *dataset = create(&spec);
    const lehr_dataset_info info = lehr_dataset_describe(dataset);
    cr_assert_eq(info.points[LEHR_PART_TRAIN], 3);
    cr_assert_eq(info.points[LEHR_PART_TEST], 3);
    cr_assert_eq(info.inputs, 2);
    cr_assert_str_eq(info.class_names[1], "7");
    const float *x = lehr_dataset_inputs(dataset, LEHR_PART_TEST);
    const float *y = lehr_dataset_targets(dataset, LEHR_PART_TEST);
    cr_assert_eq(memcmp(x, (float[]){1, 2, 3, 4, 5, 6}, 6 * sizeof(float)), 0);
    cr_assert_eq(memcmp(y, (float[]){1, 0, 1}, 3 * sizeof(float)), 0);
    lehr_dataset_destroy(&dataset);
    DATA_PUT(spec.labels, images.path);
    cr_assert_eq(refuse(&spec), LEHR_ERR_DATA);
    DATA_PUT(spec.labels, FILE_OF("iris.csv"));
    cr_assert_eq(refuse(&spec), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "is no file of labels, expected .npy or IDX"));
    data_remove(&images);
    data_remove(&labels);
}

/* ---- The hash -------------------------------------------------------------------------------- */

static uint64_t hash_of(const char *text, const char *test, uint64_t seed)
{
    const data_file file = data_write_text("data.csv", text),
                    other = data_write_text("test.csv", test);
    lehr_data_spec spec = data_spec_of(file.path, LEHR_TASK_CLASSIFICATION);
    DATA_PUT(spec.test_source, test[0] != '\0' ? other.path : "");
    spec.split_seed = seed;
    lehr_dataset *dataset = create(&spec);
    const uint64_t hash = lehr_dataset_describe(dataset).hash;
    lehr_dataset_destroy(&dataset);
    data_remove(&file);
    data_remove(&other);
    return hash;
}

Test(dataset, the_hash_follows_the_content_and_nothing_else)
{
    const uint64_t hash = hash_of("a,y\n1,u\n2,v\n", "", 1);
    cr_assert_eq(hash, hash_of("b,y\n1.0,\"u\"\r\n2e0,v", "", 7)); /* spelling, names, seed */
    const uint64_t others[] = {
        hash_of("a,y\n1,u\n2.5,v\n", "", 1),    hash_of("a,y\n1,v\n2,u\n", "", 1),
        hash_of("a,y\n2,v\n1,u\n", "", 1),      hash_of("a,y\n1,u\n2,w\n", "", 1),
        hash_of("a,y\n1,u\n2,v\n2,v\n", "", 1), hash_of("a,y\n1,u\n2,v\n", "a,y\n2,v\n", 1),
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        cr_assert_neq(others[i], hash, "case %zu", i);
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(others[i], others[j]);
    }
}

/* ---- Arrays in memory ------------------------------------------------------------------------ */

Test(dataset, arrays_are_copied_and_checked)
{
    float x[] = {1, 2, 3, 4, 5, 6}, y[] = {0, 2, 0};
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_from_arrays(&spec, x, y, 3, 2, 1, &dataset), LEHR_OK, "%s",
                 lehr_error());
    x[0] = 99;
    const lehr_dataset_info info = lehr_dataset_describe(dataset);
    cr_assert_eq(lehr_dataset_inputs(dataset, LEHR_PART_TRAIN)[0], 1.0f);
    cr_assert_eq(info.classes, 3);
    cr_assert_str_eq(info.class_names[2], "2");
    cr_assert_str_eq(info.input_names[1], "1");
    lehr_dataset_destroy(&dataset);
    static const struct {
        float value, label;
        int64_t points;
        int32_t inputs, targets;
        const char *sentence;
    } cases[] = {
        {NAN, 1, 3, 2, 1, "inputs: point 0, number 0 is nan, expected a finite number"},
        {1, 0.5f, 3, 2, 1, "targets: point 1 is 0.5, expected a class number"},
        {1, -1, 3, 2, 1, "targets: point 1 is -1, expected a class number"},
        {1, INFINITY, 3, 2, 1, "targets: point 1, number 0 is inf"},
        {1, 65536, 3, 2, 1, "expected a class number from 0 to 65535"},
        {1, 0, 3, 2, 1, "the training part has only the class '0'"},
        {1, 1, 0, 2, 1, "0 points, expected 1 to"},
        {1, 1, -5, 2, 1, "-5 points, expected 1 to"},
        {1, 1, INT64_MAX, 2, 1, "points, expected 1 to"},
        {1, 1, 3, 0, 1, "0 inputs, expected 1 to"},
        {1, 1, 3, 2, 0, "0 targets, expected 1 to"},
        {1, 1, 3, 2, 2, "2 targets per point, expected 1 class number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        x[0] = cases[i].value;
        y[1] = cases[i].label;
        cr_assert_neq(lehr_dataset_from_arrays(&spec, x, y, cases[i].points, cases[i].inputs,
                                               cases[i].targets, &dataset),
                      LEHR_OK);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
        cr_assert_null(dataset);
    }
}

Test(dataset, nothing_is_refused_with_a_sentence)
{
    const lehr_data_spec spec = data_spec(LEHR_TASK_CLASSIFICATION);
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_create(NULL, &dataset), LEHR_ERR_ARG);
    cr_assert_eq(lehr_dataset_create(&spec, NULL), LEHR_ERR_ARG);
    cr_assert_eq(lehr_dataset_from_arrays(&spec, NULL, NULL, 1, 1, 1, &dataset), LEHR_ERR_ARG);
    lehr_dataset_destroy(&dataset);
    lehr_dataset_destroy(NULL);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

Test(dataset, any_allocation_may_fail)
{
    lehr_data_spec specs[3];
    specs[0] = data_spec_of(FILE_OF("iris.csv"), LEHR_TASK_CLASSIFICATION);
    specs[1] = data_spec_of(FILE_OF("digits.csv.gz"), LEHR_TASK_CLASSIFICATION);
    specs[2] = data_spec(LEHR_TASK_REGRESSION);
    specs[2].generator = (lehr_generator_spec){LEHR_GENERATOR_SINE, 50, 0, 0.1};
    for (size_t i = 0; i < 3; i++) {
        specs[i].test_fraction = specs[i].validation_fraction = 0.2;
        specs[i].standardize = true;
        int failures = 0;
        for (int64_t n = 1;; n++) {
            lehr_dataset *dataset = NULL;
            lehr_memory_fail_at(n);
            const lehr_status status = lehr_dataset_create(&specs[i], &dataset);
            lehr_memory_fail_at(0);
            if (status == LEHR_OK) {
                lehr_dataset_destroy(&dataset);
                break;
            }
            cr_assert_eq(status, LEHR_ERR_MEMORY, "%s", lehr_error());
            cr_assert_null(dataset);
            failures++;
        }
        cr_assert(failures > 10, "%d", failures);
    }
}
