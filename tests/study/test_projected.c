/* Models behind a projection: what a file may say of it, the same answers from the file, from the
 * data set and from folded weights. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <math.h>

#include "backend.h"
#include "base/memory.h"
#include "study/export.h"
#include "study/model.h"
#include "study/points.h"
#include "study/predict.h"
#include "study/scratch.h"
#include "support/check.h"
#include "support/data.h"

TestSuite(projected, .init = scratch_make, .fini = scratch_remove);

/* ---- Files made by hand ---------------------------------------------------------------------- */

#define W0 "\"layers.0.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}"
#define META(names)                                                                                \
    "\"__metadata__\":{\"activation\":\"tanh\",\"output\":\"identity\",\"loss\":\"mse\","          \
    "\"task\":\"regression\",\"inputs\":\"" names "\"}"
#define XYZ "[\\\"x\\\",\\\"y\\\",\\\"z\\\"]"
#define PROJECTION(dtype, shape, end)                                                              \
    "\"input.projection\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[8," end   \
    "]}"
#define GOOD "{" META(XYZ) "," W0 "," PROJECTION("F32", "[2,3]", "32") "}"

/* A header and `count` floats of 1, 2, 3, ... as a model; number `odd` is NaN. */
static lehr_status parse(const char *header, int count, int odd, lehr_model **out)
{
    static char bytes[4096];
    const uint64_t length = strlen(header);
    memcpy(bytes, &length, sizeof length);
    snprintf(bytes + 8, sizeof bytes - 8, "%s", header);
    for (int i = 0; i < count; i++) {
        const float value = i == odd ? NAN : (float)i + 1;
        memcpy(bytes + 8 + length + 4 * (size_t)i, &value, 4);
    }
    return lehr_model_parse("m", bytes, 8 + length + 4 * (size_t)count, out);
}

/* EXACT: small integers. Inputs (1,2,3) are seen as (26,44) and give 26 + 88. */
Test(projected, a_file_is_read_and_used)
{
    lehr_model *model = NULL;
    cr_assert_eq(parse(GOOD, 8, -1, &model), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_model_inputs(model), 3);
    cr_assert_eq(model->network.size[0], 2);
    cr_assert_str_eq(lehr_model_input_name(model, 2), "z");
    float input[] = {1, 2, 3};
    const lehr_points points = {.count = 1, .input = input};
    lehr_prediction p = {0};
    cr_assert_eq(lehr_predict(model, &points, &p), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(p.value[0], 26 + 2 * 44);
    lehr_prediction_free(&p);

    model->input_mean[0] = 1; /* and now (0,2,1.5): (15.5,26) */
    model->input_scale[2] = 2;
    cr_assert_eq(lehr_predict(model, &points, &p), LEHR_OK);
    cr_assert_eq(p.value[0], 15.5f + 2 * 26);
    lehr_prediction_free(&p);

    input[1] = 3e38f;
    cr_assert_eq(lehr_predict(model, &points, &p), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "too far"));
    lehr_model_destroy(&model);
}

Test(projected, a_bad_file_is_refused_with_a_sentence)
{
    static const struct {
        const char *header;
        int count, odd;
        const char *says;
    } cases[] = {
        {"{" META(XYZ) "," W0 "," PROJECTION("F32", "[3,2]", "32") "}", 8, -1,
         "'input.projection' must have shape [2,inputs of a point]"},
        {"{" META(XYZ) "," W0 "," PROJECTION("F32", "[6]", "32") "}", 8, -1, "must have shape [2,"},
        {"{" META(XYZ) "," W0 "," PROJECTION("F32", "[2,3,1]", "32") "}", 8, -1, "must have shape"},
        {"{" META(XYZ) "," W0 "," PROJECTION("F32", "[2,0]", "8") "}", 2, -1, "must have shape"},
        {"{" META(XYZ) "," W0 "," PROJECTION("I32", "[2,3]", "32") "}", 8, -1, "I32, expected F32"},
        {"{" META("[\\\"x\\\",\\\"y\\\"]") "," W0 "," PROJECTION("F32", "[2,3]", "32") "}", 8, -1,
         "names 2 inputs, the model has 3"},
        {GOOD, 8, 7, "'input.projection': number 5 is not finite"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_model *model = NULL;
        cr_assert_eq(parse(cases[i].header, cases[i].count, cases[i].odd, &model), LEHR_ERR_DATA,
                     "case %zu", i);
        cr_assert_null(model);
        cr_assert_not_null(strstr(lehr_error(), cases[i].says), "case %zu: %s", i, lehr_error());
    }
}

Test(projected, says_so_without_memory_at_any_allocation)
{
    int64_t n = 1;
    for (lehr_status status = LEHR_ERR_MEMORY; status != LEHR_OK; n++) {
        lehr_model *model = NULL, *folded = NULL;
        float input[] = {1, 2, 3};
        const lehr_points points = {.count = 1, .input = input};
        lehr_prediction p = {0};
        lehr_memory_fail_at(n);
        status = parse(GOOD, 8, -1, &model);
        if (status == LEHR_OK)
            status = lehr_predict(model, &points, &p);
        if (status == LEHR_OK)
            status = lehr_model_fold(model, &folded);
        lehr_memory_fail_at(0);
        cr_assert(status == LEHR_ERR_MEMORY || status == LEHR_OK, "n %" PRId64 ": %s", n,
                  lehr_error());
        lehr_prediction_free(&p);
        lehr_model_destroy(&folded);
        lehr_model_destroy(&model);
    }
    cr_assert_gt(n, 18);
}

/* ---- From data to a file and back ------------------------------------------------------------ */

/* A data set, a network on it, and that as a model with weights from nowhere. */
typedef struct world {
    lehr_data_spec spec;
    lehr_dataset *dataset;
    lehr_objective *objective;
    lehr_model *model;
} world;

static world make_world(const char *file, lehr_task task, bool bias, bool standardize)
{
    world w = {.spec = data_spec_of(file, task)};
    w.spec.project = (lehr_project_spec){LEHR_PROJECT_PCA, 5};
    w.spec.standardize = standardize;
    w.spec.test_fraction = 0.25;
    const lehr_network_spec network = {.hidden_count = 1,
                                       .hidden = {7},
                                       .activation = LEHR_ACTIVATION_TANH,
                                       .output = LEHR_ACTIVATION_IDENTITY,
                                       .bias = bias};
    const lehr_loss_spec loss = {.kind = task == LEHR_TASK_REGRESSION ? LEHR_LOSS_MSE
                                                                      : LEHR_LOSS_HINGE};
    cr_assert_eq(lehr_dataset_create(&w.spec, &w.dataset), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_objective_create(&network, &loss, NULL, w.dataset, &w.objective), LEHR_OK);
    cr_assert_eq(lehr_model_create(w.objective, &w.model), LEHR_OK, "%s", lehr_error());
    for (int32_t i = 0; i < lehr_model_parameters(w.model); i++)
        w.model->theta[i] = 0.5f * sinf((float)i + 1);
    return w;
}

static void drop(world *w)
{
    lehr_model_destroy(&w->model);
    lehr_objective_destroy(&w->objective);
    lehr_dataset_destroy(&w->dataset);
}

static lehr_model *write_and_load(const lehr_model *model)
{
    lehr_dir dir;
    lehr_output output;
    lehr_model *again = NULL;
    cr_assert_eq(lehr_model_check(model), LEHR_OK);
    cr_assert_eq(lehr_dir_open(scratch_folder, &dir), LEHR_OK);
    cr_assert_eq(lehr_model_write(model, &dir, "m.safetensors", &output), LEHR_OK);
    cr_assert_eq(lehr_output_commit(&output), LEHR_OK);
    lehr_dir_close(&dir);
    cr_assert_eq(lehr_model_load(scratch("m.safetensors"), &again), LEHR_OK, "%s", lehr_error());
    return again;
}

/* Raw inputs of the test part, which has the order of the file. */
static lehr_points raw_points(const world *w, lehr_dataset **raw)
{
    lehr_data_spec spec = w->spec;
    spec.project.kind = LEHR_PROJECT_NONE;
    spec.standardize = false;
    cr_assert_eq(lehr_dataset_create(&spec, raw), LEHR_OK);
    return (lehr_points){.count = lehr_dataset_describe(*raw).points[LEHR_PART_TEST],
                         .input = (float *)lehr_dataset_inputs(*raw, LEHR_PART_TEST)};
}

/* EXACT: a prediction from raw inputs and a file sees the bits that the run saw. */
Test(projected, a_prediction_from_the_file_has_the_bits_of_the_run)
{
    for (int standardize = 0; standardize < 2; standardize++) {
        world w = make_world(LEHR_SOURCE_DIR "/configs/data/digits.csv.gz",
                             LEHR_TASK_CLASSIFICATION, true, standardize);
        lehr_model *again = write_and_load(w.model);
        cr_assert_eq(lehr_model_inputs(again), 64);
        cr_assert_str_eq(lehr_model_input_name(again, 63), "pixel_7_7");
        cr_assert_arr_eq(again->projection, w.model->projection, 5 * 64 * sizeof(float));

        lehr_dataset *raw = NULL;
        const lehr_points points = raw_points(&w, &raw);
        lehr_prediction p = {0};
        cr_assert_eq(lehr_predict(again, &points, &p), LEHR_OK, "%s", lehr_error());
        float *expected = calloc((size_t)points.count, 10 * sizeof *expected);
        cr_assert_eq(lehr_forward(&w.model->network, w.model->theta,
                                  lehr_dataset_inputs(w.dataset, LEHR_PART_TEST), points.count,
                                  expected),
                     LEHR_OK);
        cr_assert_arr_eq(p.value, expected, (size_t)points.count * 10 * sizeof *expected);
        free(expected);
        lehr_prediction_free(&p);
        lehr_dataset_destroy(&raw);
        lehr_model_destroy(&again);
        drop(&w);
    }
}

/* NMSE: the folded chain is over 10 or 64 columns instead of 5 components, in float32, of weights
 * rounded once more; deviations from the mean of the targets are compared, so that it hides nothing. */
static void assert_folds(const world *w, const lehr_points *points)
{
    lehr_model *folded = NULL;
    lehr_prediction a = {0}, b = {0};
    cr_assert_eq(lehr_model_fold(w->model, &folded), LEHR_OK, "%s", lehr_error());
    cr_assert_null(folded->projection);
    cr_assert_eq(lehr_model_inputs(folded), lehr_model_inputs(w->model));
    cr_assert_eq(folded->network.size[0], lehr_model_inputs(w->model));
    cr_assert_eq(folded->network.bias, 1);
    cr_assert_str_eq(lehr_model_input_name(folded, 3), lehr_model_input_name(w->model, 3));
    lehr_model *again = write_and_load(folded);
    cr_assert_eq(lehr_predict(w->model, points, &a), LEHR_OK);
    cr_assert_eq(lehr_predict(again, points, &b), LEHR_OK);
    const size_t values = (size_t)(a.count * a.outputs);
    for (size_t i = 0; i < values; i++) {
        a.value[i] -= w->model->output_mean[0];
        b.value[i] -= w->model->output_mean[0];
    }
    const double error = check_nmse(b.value, a.value, values);
    cr_assert(error <= LEHR_NMSE(1e-10), "%g", error);
    lehr_prediction_free(&a);
    lehr_prediction_free(&b);
    lehr_model_destroy(&again);
    lehr_model_destroy(&folded);
}

Test(projected, folded_weights_take_the_inputs_of_a_point)
{
    static const struct {
        const char *file;
        lehr_task task;
        bool bias;
    } cases[] = {
        {LEHR_SOURCE_DIR "/configs/data/digits.csv.gz", LEHR_TASK_CLASSIFICATION, true},
        {LEHR_SOURCE_DIR "/configs/data/diabetes.csv", LEHR_TASK_REGRESSION, true},
        {LEHR_SOURCE_DIR "/configs/data/diabetes.csv", LEHR_TASK_REGRESSION, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int standardize = 0; standardize < 2; standardize++) {
            world w = make_world(cases[i].file, cases[i].task, cases[i].bias, standardize);
            lehr_dataset *raw = NULL;
            const lehr_points points = raw_points(&w, &raw);
            assert_folds(&w, &points);
            lehr_dataset_destroy(&raw);
            drop(&w);
        }
}

/* EXACT: products of small integers. A model without scaling and biases gets none. */
Test(projected, folding_a_bare_projection_adds_no_biases)
{
    lehr_model *model = NULL, *folded = NULL;
    cr_assert_eq(parse(GOOD, 8, -1, &model), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_model_fold(model, &folded), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(folded->network.bias, 0);
    cr_assert_eq(lehr_model_parameters(folded), 3);
    const float expected[] = {3 + 2 * 6, 4 + 2 * 7, 5 + 2 * 8};
    cr_assert_arr_eq(folded->theta, expected, sizeof expected);
    lehr_model_destroy(&folded);
    lehr_model_destroy(&model);
}
