/* Models: what a file may say and what it may not, folding, points and predictions. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>

#include "base/memory.h"
#include "study/export.h"
#include "study/model.h"
#include "study/points.h"
#include "study/predict.h"
#include "study/scratch.h"
#include "support/check.h"

TestSuite(model, .init = scratch_make, .fini = scratch_remove);
TestSuite(points, .init = scratch_make, .fini = scratch_remove);
TestSuite(predict, .init = scratch_make, .fini = scratch_remove);

/* ---- Files made by hand ---------------------------------------------------------------------- */

#define TENSOR(name, dtype, shape, begin, end)                                                     \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end   \
    "]}"
#define META(activation, loss, task, more)                                                         \
    "\"__metadata__\":{\"activation\":\"" activation "\",\"output\":\"identity\",\"loss\":\"" loss \
    "\",\"task\":\"" task "\"" more "}"
#define CLASSES(list) ",\"classes\":\"" list "\""
#define INPUTS(list)  ",\"inputs\":\"" list "\""

#define W0   TENSOR("layers.0.weight", "F32", "[2,3]", "0", "24")
#define B0   TENSOR("layers.0.bias", "F32", "[2]", "24", "32")
#define AB   CLASSES("[\\\"a\\\",\\\"b\\\"]")
#define GOOD META("tanh", "cross_entropy", "classification", AB)

/* A header and `count` floats of 0.5, 1.5, 2.5, ... as a model. */
static lehr_status parse(const char *header, int count, lehr_model **out)
{
    static char bytes[8192];
    const uint64_t length = strlen(header);
    memcpy(bytes, &length, sizeof length);
    snprintf(bytes + 8, sizeof bytes - 8, "%s", header);
    for (int i = 0; i < count; i++) {
        const float value = (float)i + 0.5f;
        memcpy(bytes + 8 + length + 4 * (size_t)i, &value, 4);
    }
    return lehr_model_parse("m", bytes, 8 + length + 4 * (size_t)count, out);
}

Test(model, is_read_with_its_names_and_without_scaling)
{
    lehr_model *model = NULL;
    static const char header[] = "{" META("tanh", "cross_entropy", "classification",
                                          AB INPUTS("[\\\"x\\\",\\\"y\\\",\\\"z\\\"]")) "," W0
                                                                                        "," B0 "}";
    cr_assert_eq(parse(header, 8, &model), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_model_inputs(model), 3);
    cr_assert_eq(lehr_model_outputs(model), 2);
    cr_assert_eq(lehr_model_parameters(model), 8);
    cr_assert_eq(lehr_model_weight(model, 0)[5], 5.5f);
    cr_assert_eq(lehr_model_bias(model, 0)[1], 7.5f);
    cr_assert_eq(model->input_scale[2], 1);
    cr_assert_eq(model->output_mean[1], 0);
    cr_assert_str_eq(lehr_model_input_name(model, 2), "z");
    cr_assert_str_eq(lehr_model_class_name(model, 1), "b");
    cr_assert_str_eq(lehr_model_class_name(model, 2), "");
    lehr_model_destroy(&model);
    lehr_model_destroy(&model);
}

Test(model, refuses_what_is_no_model_with_a_sentence)
{
    static const struct {
        const char *header;
        int count;
        const char *says;
    } cases[] = {
        {"{" GOOD "}", 0, "no tensor 'layers.0.weight'"},
        {"{" W0 "," B0 "}", 8, "no 'activation'"},
        {"{" META("tahn", "mse", "regression", "") "," W0 "," B0 "}", 8, "tanh"},
        {"{" META("tanh", "mse", "classification", AB) "," W0 "," B0 "}", 8,
         "do not belong together"},
        {"{" META("tanh", "cross_entropy", "regression", "") "," W0 "," B0 "}", 8, "do not belong"},
        {"{" META("tanh", "binary_cross_entropy", "classification", AB) "," W0 "," B0 "}", 8,
         "has 1"},
        {"{" META("tanh", "cross_entropy", "classification", "") "," W0 "," B0 "}", 8, "0 classes"},
        {"{" META("tanh", "cross_entropy", "classification", CLASSES("[\\\"a\\\"]")) "," W0 "," B0
                                                                                     "}",
         8, "1 classes"},
        {"{" META("tanh", "cross_entropy", "classification", CLASSES("[1,2]")) "," W0 "," B0 "}", 8,
         "names"},
        {"{" META("tanh", "cross_entropy", "classification", CLASSES("[")) "," W0 "," B0 "}", 8,
         "JSON list"},
        {"{" META("tanh", "cross_entropy", "classification", CLASSES("{}")) "," W0 "," B0 "}", 8,
         "JSON list"},
        {"{" META("tanh", "mse", "regression", AB) "," W0 "," B0 "}", 8, "classes of a regression"},
        {"{" META("tanh", "cross_entropy", "classification", AB INPUTS("[\\\"x\\\"]")) "," W0 "," B0
                                                                                       "}",
         8, "names 1 inputs"},
        {"{" GOOD "," TENSOR("layers.0.weight", "F32", "[6]", "0", "24") "}", 6,
         "expected [out,in]"},
        {"{" GOOD "," TENSOR("layers.0.weight", "F32", "[0,3]", "0", "0") "}", 0, "is no layer"},
        {"{" GOOD "," TENSOR("layers.0.weight", "F64", "[2,3]", "0", "48") "}", 12,
         "F64, expected F32"},
        {"{" GOOD "," W0 "," TENSOR("layers.0.bias", "F32", "[3]", "24", "36") "}", 9, "shape [2]"},
        {"{" GOOD "," W0 "," TENSOR("layers.0.bias", "F32", "[2,1]", "24", "32") "}", 8,
         "shape [2]"},
        {"{" GOOD "," W0 "," B0 "," TENSOR("layers.1.weight", "F32", "[2,3]", "32", "56") "}", 14,
         "takes 3 inputs"},
        {"{" GOOD "," W0 "," B0 "," TENSOR("layers.1.weight", "F32", "[2,2]", "32", "48") "}", 12,
         "'layers.1.bias' is missing"},
        {"{" GOOD "," W0 "," TENSOR("input.mean", "F32", "[2]", "24", "32") "}", 8,
         "holds 2 numbers"},
        {"{" GOOD "," W0 "," TENSOR("input.mean", "I32", "[3]", "24", "36") "}", 9,
         "I32, expected F32"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_model *model = NULL;
        cr_assert_eq(parse(cases[i].header, cases[i].count, &model), LEHR_ERR_DATA, "case %zu", i);
        cr_assert_null(model);
        cr_assert(strstr(lehr_error(), cases[i].says), "case %zu: %s", i, lehr_error());
        cr_assert(strncmp(lehr_error(), "m: ", 3) == 0, "case %zu: %s", i, lehr_error());
    }
}

/* Put one value into the floats of a file that is fine otherwise. */
static lehr_status parse_with(int at, float value, lehr_model **out)
{
    static const char header[] = "{" GOOD "," W0 "," B0
                                 "," TENSOR("input.scale", "F32", "[3]", "32", "44") "}";
    static char bytes[4096];
    const uint64_t length = sizeof header - 1;
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    for (int i = 0; i < 11; i++) {
        const float number = i == at ? value : 1;
        memcpy(bytes + 8 + length + 4 * (size_t)i, &number, 4);
    }
    return lehr_model_parse("m", bytes, 8 + length + 44, out);
}

Test(model, refuses_numbers_that_cannot_be)
{
    static const struct {
        int at;
        float value;
        const char *says;
    } cases[] = {
        {0, NAN, "'layers.0.weight': number 0 is not finite"},
        {7, INFINITY, "'layers.0.bias': number 1 is not finite"},
        {8, 0, "a scale must be positive"},
        {9, -1, "a scale must be positive"},
        {10, NAN, "not finite"},
    };
    lehr_model *model = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(parse_with(cases[i].at, cases[i].value, &model), LEHR_ERR_DATA, "case %zu", i);
        cr_assert(strstr(lehr_error(), cases[i].says), "case %zu: %s", i, lehr_error());
    }
    cr_assert_eq(parse_with(-1, 0, &model), LEHR_OK, "%s", lehr_error());
    lehr_model_destroy(&model);
}

/* ---- A model made by hand -------------------------------------------------------------------- */

/* 3-4-K tanh regression without biases, with scaling on both sides. */
static lehr_model *make_model(int outputs)
{
    const lehr_network network = {.layers = 2,
                                  .activation = LEHR_ACTIVATION_TANH,
                                  .output = LEHR_ACTIVATION_IDENTITY,
                                  .size = {3, 4, outputs},
                                  .offset = {0, 12, 12 + 4 * outputs}};
    lehr_model *model = NULL;
    cr_assert_eq(lehr_model_empty(&network, &model), LEHR_OK);
    model->loss = LEHR_LOSS_MSE;
    model->task = LEHR_TASK_REGRESSION;
    for (int i = 0; i < 12 + 4 * outputs; i++)
        model->theta[i] = 0.3f * sinf((float)i + 1);
    for (int d = 0; d < 3; d++) {
        model->input_mean[d] = 10.0f * (float)d - 3;
        model->input_scale[d] = (float)d + 0.5f;
    }
    for (int k = 0; k < outputs; k++) {
        model->output_mean[k] = 100;
        model->output_scale[k] = 7;
    }
    return model;
}

static lehr_prediction predict(const lehr_model *model, int count)
{
    static float input[64 * 3];
    for (int i = 0; i < 3 * count; i++)
        input[i] = 5 * cosf((float)i);
    const lehr_points points = {.count = count, .input = input};
    lehr_prediction prediction = {0};
    cr_assert_eq(lehr_predict(model, &points, &prediction), LEHR_OK, "%s", lehr_error());
    return prediction;
}

/* NMSE: the folded chain rounds scaled weights; deviations are compared, so that the mean of 100
 * hides nothing. */
Test(model, gives_the_same_values_after_folding)
{
    for (int outputs = 1; outputs <= 2; outputs++) {
        lehr_model *model = make_model(outputs), *folded = NULL;
        cr_assert_eq(lehr_model_fold(model, &folded), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(folded->network.bias, 1);
        cr_assert_eq(folded->input_scale[2], 1);
        lehr_prediction a = predict(model, 64), b = predict(folded, 64);
        for (int i = 0; i < 64 * outputs; i++) {
            a.value[i] -= 100;
            b.value[i] -= 100;
        }
        const double error = check_nmse(b.value, a.value, 64 * (size_t)outputs);
        cr_assert(error <= LEHR_NMSE(1e-10), "%g", error);
        lehr_prediction_free(&a);
        lehr_prediction_free(&b);
        lehr_model_destroy(&folded);
        lehr_model_destroy(&model);
    }
}

Test(model, is_not_folded_where_weights_cannot_do_it)
{
    lehr_model *model = make_model(1), *folded = NULL;
    model->network.output = LEHR_ACTIVATION_SIGMOID;
    cr_assert_eq(lehr_model_fold(model, &folded), LEHR_ERR_UNSUPPORTED);
    model->network.output = LEHR_ACTIVATION_IDENTITY;
    model->input_scale[0] = 1e-38f;
    model->theta[0] = 100;
    cr_assert_eq(lehr_model_fold(model, &folded), LEHR_ERR_NUMERIC);
    cr_assert_null(folded);
    lehr_model_destroy(&model);
}

/* EXACT: nine digits name a float32. */
Test(model, as_csv_reads_back_to_the_same_numbers)
{
    lehr_model *model = make_model(2);
    lehr_text text = {0};
    cr_assert_eq(lehr_model_csv(model, &text), LEHR_OK);
    cr_assert(strncmp(text.data, "layer,kind,output,input,value\n", 30) == 0);
    const char *line = strchr(text.data, '\n') + 1;
    for (int i = 0; i < 20; i++) {
        int layer, output, input;
        float value;
        cr_assert_eq(sscanf(line, "%d,weight,%d,%d,%f", &layer, &output, &input, &value), 4,
                     "line %d", i);
        cr_assert_eq(layer, i >= 12);
        cr_assert(check_same(value, model->theta[i]) &&
                      value == lehr_model_weight(
                                   model, layer)[output * model->network.size[layer] + input],
                  "line %d", i);
        line = strchr(line, '\n') + 1;
    }
    cr_assert_eq(*line, '\0');
    lehr_text_free(&text);
    lehr_model_destroy(&model);
}

Test(model, written_and_read_predicts_the_same_bits)
{
    lehr_model *model = make_model(2), *again = NULL;
    lehr_dir dir;
    lehr_output output;
    cr_assert_eq(lehr_model_check(model), LEHR_OK);
    cr_assert_eq(lehr_dir_open(scratch_folder, &dir), LEHR_OK);
    cr_assert_eq(lehr_model_write(model, &dir, "m.safetensors", &output), LEHR_OK);
    cr_assert_eq(lehr_output_commit(&output), LEHR_OK);
    lehr_dir_close(&dir);
    cr_assert_eq(lehr_model_load(scratch("m.safetensors"), &again), LEHR_OK, "%s", lehr_error());
    lehr_prediction a = predict(model, 9), b = predict(again, 9);
    cr_assert_arr_eq(a.value, b.value, 18 * sizeof *a.value);
    lehr_prediction_free(&a);
    lehr_prediction_free(&b);
    lehr_model_destroy(&again);
    lehr_model_destroy(&model);
}

Test(model, says_so_without_memory_at_any_allocation)
{
    static const char header[] = "{" GOOD "," W0 "," B0 "}";
    int64_t n = 1;
    for (lehr_status status = LEHR_ERR_MEMORY; status != LEHR_OK; n++) {
        lehr_model *model = NULL;
        lehr_memory_fail_at(n);
        status = parse(header, 8, &model);
        cr_assert(status == LEHR_ERR_MEMORY || status == LEHR_OK, "n %" PRId64 ": %s", n,
                  lehr_error());
        lehr_model_destroy(&model);
    }
    lehr_memory_fail_at(0);
    cr_assert_gt(n, 6);
}

/* ---- Points ---------------------------------------------------------------------------------- */

static lehr_model *make_classifier(void)
{
    lehr_model *model = NULL;
    static const char header[] = "{" META("tanh", "cross_entropy", "classification",
                                          AB INPUTS("[\\\"x\\\",\\\"y\\\",\\\"z\\\"]")) "," W0
                                                                                        "," B0 "}";
    cr_assert_eq(parse(header, 8, &model), LEHR_OK, "%s", lehr_error());
    return model;
}

static lehr_status read_text(const lehr_model *model, const char *text, lehr_points *points)
{
    scratch_write("p.csv", text, strlen(text));
    return lehr_points_read(scratch("p.csv"), model, points);
}

Test(points, are_found_by_name_or_by_place)
{
    static const struct {
        const char *text;
        int truth;
    } cases[] = {
        {"x,y,z\n1,2,3\n4,5,6\n", 0},
        {"z,x,y\n3,1,2\n6,4,5\n", 0},
        {"kind,z,y,x\na,3,2,1\nb,6,5,4\n", 1},
        {"x,y,z,kind\r\n1,2,3,a\r\n4,5,6,\r\n", 1},
        {"id,x,y,z,note\n7,1,2,3,q\n8,4,5,6,q\n", 0},
        {"1,2,3\n4,5,6\n", 0},
        {"1,2,3,a\n4,5,6,b", 1},
        {"1;2;3\n4;5;6\n", 0},
    };
    lehr_model *model = make_classifier();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_points points;
        cr_assert_eq(read_text(model, cases[i].text, &points), LEHR_OK, "case %zu: %s", i,
                     lehr_error());
        cr_assert_eq(points.count, 2);
        for (int n = 0; n < 6; n++)
            cr_assert_eq(points.input[n], (float)n + 1, "case %zu, number %d", i, n);
        cr_assert_eq(points.truth != NULL, cases[i].truth, "case %zu", i);
        cr_assert(points.truth == NULL || points.truth[0] == 0);
        cr_assert(points.truth == NULL || points.truth[1] == 1 || isnan(points.truth[1]));
        lehr_points_free(&points);
    }
    lehr_model_destroy(&model);
}

Test(points, that_are_malformed_are_refused_with_their_place)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no points"},
        {"x,y,z\n", "a header and no points"},
        {"x,y\n1,2\n", "p.csv:1:1: no column is called 'z'"},
        {"x,y,w\n1,2,3\n", "no column is called 'z'"},
        {"x,y,z,x\n1,2,3,4\n", "p.csv:1:7: a second column is called 'x'"},
        {"1,2\n", "p.csv:1:1: 2 columns, expected the model's 3"},
        {"1,2,3,4,5\n", "5 columns"},
        {"1,2,3\n1,2\n", "p.csv:2:1: 2 columns, expected 3"},
        {"1,2,3\n1,oops,3\n", "p.csv:2:3: 'oops' is not a number"},
        {"1,2,3\n1,1e39,3\n", "p.csv:2:3"},
        {"1,2,3\n1,nan,3\n", "p.csv:2:3"},
        {"1,2,3\n1,,3\n", "p.csv:2:3"},
        {"1,2,3,a\n1,2,3,c\n", "p.csv:2:7: 'c' is not a class"},
    };
    lehr_model *model = make_classifier();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_points points = {0};
        cr_assert_eq(read_text(model, cases[i].text, &points), LEHR_ERR_DATA, "case %zu", i);
        cr_assert(strstr(lehr_error(), cases[i].says), "case %zu: %s", i, lehr_error());
        cr_assert_null(points.input);
    }
    lehr_points points = {0};
    cr_assert_eq(lehr_points_read(scratch("none.csv"), model, &points), LEHR_ERR_IO);
    lehr_model_destroy(&model);
}

/* An NPY file of doubles, [rows,columns]. */
static void write_npy(int rows, int columns, const double *values)
{
    char bytes[512];
    memset(bytes, ' ', sizeof bytes);
    static const char magic[10] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, 118, 0};
    memcpy(bytes, magic, sizeof magic);
    const int end = snprintf(bytes + 10, 118,
                             "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }", rows,
                             columns);
    bytes[10 + end] = ' ';
    bytes[127] = '\n';
    const size_t size = (size_t)(rows * columns) * sizeof *values;
    memcpy(bytes + 128, values, size);
    scratch_write("p.npy", bytes, 128 + size);
}

Test(points, are_read_from_arrays)
{
    static const char header[] = "{" META("tanh", "cross_entropy", "classification",
                                          CLASSES("[\\\"7\\\",\\\"9\\\"]")) "," W0 "," B0 "}";
    lehr_model *model = NULL;
    lehr_points points;
    cr_assert_eq(parse(header, 8, &model), LEHR_OK);
    write_npy(2, 3, (double[]){1, 2, 3, 4, 5, 6});
    cr_assert_eq(lehr_points_read(scratch("p.npy"), model, &points), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(points.count, 2);
    cr_assert_eq(points.input[5], 6);
    cr_assert_null(points.truth);
    lehr_points_free(&points);

    write_npy(2, 4, (double[]){1, 2, 3, 9, 4, 5, 6, 7});
    cr_assert_eq(lehr_points_read(scratch("p.npy"), model, &points), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(points.input[3], 4);
    cr_assert_eq(points.truth[0], 1);
    cr_assert_eq(points.truth[1], 0);
    lehr_points_free(&points);

    write_npy(1, 4, (double[]){1, 2, 3, 8});
    cr_assert_eq(lehr_points_read(scratch("p.npy"), model, &points), LEHR_ERR_DATA);
    write_npy(2, 2, (double[]){1, 2, 3, 8});
    cr_assert_eq(lehr_points_read(scratch("p.npy"), model, &points), LEHR_ERR_DATA);
    lehr_model_destroy(&model);
}

/* ---- Predictions ----------------------------------------------------------------------------- */

/* ULP(8): weights of 0.5 to 7.5 on inputs of 0 and 1 are exact in float32, the rest is one
 * softmax. */
Test(predict, gives_the_class_and_its_probability)
{
    lehr_model *model = make_classifier();
    float input[] = {0, 0, 0, -1, 0, 0}; /* outputs: (6.5, 7.5) and (6, 4) */
    float truth[] = {1, 1};
    const lehr_points points = {2, input, truth};
    lehr_prediction p = {0};
    cr_assert_eq(lehr_predict(model, &points, &p), LEHR_OK);
    cr_assert(p.probabilities);
    cr_assert_eq(p.label[0], 1);
    cr_assert_eq(p.label[1], 0);
    cr_assert(check_ulp(p.value[1], 1 / (1 + exp(-1))) <= LEHR_ULP(8));
    cr_assert(check_ulp(p.value[2], 1 / (1 + exp(-2))) <= LEHR_ULP(8));
    int64_t compared;
    const lehr_score score = lehr_prediction_score(&p, &points, &compared);
    cr_assert_eq(compared, 2);
    cr_assert_eq(score.accuracy, 0.5);
    cr_assert(isnan(score.r2));
    lehr_prediction_free(&p);
    lehr_model_destroy(&model);
}

Test(predict, with_one_output_says_class_one_from_zero_on)
{
    const lehr_network network = {.layers = 1, .size = {1, 1}, .offset = {0, 1}};
    lehr_model *model = NULL;
    cr_assert_eq(lehr_model_empty(&network, &model), LEHR_OK);
    model->theta[0] = 1;
    model->loss = LEHR_LOSS_BINARY_CROSS_ENTROPY;
    float input[] = {0, -1, 2};
    const lehr_points points = {3, input, NULL};
    lehr_prediction p = {0};
    cr_assert_eq(lehr_predict(model, &points, &p), LEHR_OK);
    cr_assert(p.label[0] == 1 && p.label[1] == 0 && p.label[2] == 1);
    cr_assert_eq(p.outputs, 2);
    cr_assert_eq(p.value[1], 0.5f);
    cr_assert(check_ulp(p.value[4], 1 / (1 + exp(2))) <= LEHR_ULP(2), "one rounding to float32");
    lehr_prediction_free(&p);

    model->loss = LEHR_LOSS_HINGE;
    cr_assert_eq(lehr_predict(model, &points, &p), LEHR_OK);
    cr_assert_eq(p.outputs, 1);
    cr_assert_not(p.probabilities);
    cr_assert_eq(p.value[2], 2);
    lehr_prediction_free(&p);
    lehr_model_destroy(&model);
}

Test(predict, of_a_regression_is_compared_in_the_units_of_the_data)
{
    const lehr_network network = {.layers = 1, .size = {1, 1}, .offset = {0, 1}};
    lehr_model *model = NULL;
    cr_assert_eq(lehr_model_empty(&network, &model), LEHR_OK);
    model->theta[0] = 1;
    model->task = LEHR_TASK_REGRESSION;
    model->input_mean[0] = 1;
    model->output_scale[0] = 10;
    model->output_mean[0] = 5;
    float input[] = {1, 2, 3, 9}, truth[] = {5, 16, 24, NAN}; /* predicted: 5, 15, 25 */
    const lehr_points points = {4, input, truth};
    lehr_prediction p = {0};
    cr_assert_eq(lehr_predict(model, &points, &p), LEHR_OK);
    cr_assert_eq(p.value[1], 15);
    int64_t compared;
    const lehr_score score = lehr_prediction_score(&p, &points, &compared);
    cr_assert_eq(compared, 3);
    cr_assert(fabs(score.rmse - sqrt(2.0 / 3)) < 1e-12, "doubles, a few operations");
    cr_assert(fabs(score.r2 - (1 - 2.0 / 182)) < 1e-12, "doubles, a few operations");
    lehr_prediction_free(&p);
    lehr_model_destroy(&model);
}
