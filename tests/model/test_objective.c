/* Objectives: what a spec becomes for the backends, and every spec that becomes nothing. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/objective.h"
#include "support/data.h"

static const lehr_network_spec small = {.hidden_count = 2,
                                        .hidden = {5, 3},
                                        .activation = LEHR_ACTIVATION_TANH,
                                        .output = LEHR_ACTIVATION_IDENTITY,
                                        .bias = true,
                                        .weights = LEHR_WEIGHTS_REAL,
                                        .init = LEHR_INIT_NORMAL};
static const lehr_prior_spec flat = {LEHR_PRIOR_NONE, 0};

/* Four points with two inputs; classes 0 to classes-1, or (0) two targets each. */
static lehr_dataset *make_data(int classes)
{
    static const float x[] = {1, 2, 3, 4, 5, 6, 7, 8}, numbers[] = {1, 2, 3, 4, 5, 6, 7, 8};
    float labels[4];
    for (int n = 0; n < 4; n++)
        labels[n] = classes > 0 ? (float)(n % classes) : 0.0f;
    const lehr_data_spec spec = data_spec(classes > 0 ? LEHR_TASK_CLASSIFICATION
                                                      : LEHR_TASK_REGRESSION);
    lehr_dataset *dataset = NULL;
    cr_assert_eq(lehr_dataset_from_arrays(&spec, x, classes > 0 ? labels : numbers, 4, 2,
                                          classes > 0 ? 1 : 2, &dataset),
                 LEHR_OK, "%s", lehr_error());
    return dataset;
}

static lehr_loss_spec loss_of(lehr_loss kind)
{
    return (lehr_loss_spec){.kind = kind, .noise = 0.5, .delta = 2};
}

/* ---- Networks -------------------------------------------------------------------------------- */

Test(objective, outputs_follow_the_loss_and_the_classes)
{
    static const struct {
        lehr_loss loss;
        int classes;
        int32_t outputs; /* 0: refused */
        const char *sentence;
    } cases[] = {
        {LEHR_LOSS_CROSS_ENTROPY, 2, 2, ""},
        {LEHR_LOSS_CROSS_ENTROPY, 3, 3, ""},
        {LEHR_LOSS_BINARY_CROSS_ENTROPY, 2, 1, ""},
        {LEHR_LOSS_BINARY_CROSS_ENTROPY, 3, 0,
         "loss binary_cross_entropy needs 2 classes, the data have 3"},
        {LEHR_LOSS_HINGE, 2, 1, ""},
        {LEHR_LOSS_HINGE, 3, 3, ""},
        {LEHR_LOSS_ZERO_ONE, 2, 1, ""},
        {LEHR_LOSS_ZERO_ONE, 4, 4, ""},
        {LEHR_LOSS_MSE, 0, 2, ""},
        {LEHR_LOSS_MAE, 0, 2, ""},
        {LEHR_LOSS_HUBER, 0, 2, ""},
        {LEHR_LOSS_GAUSSIAN, 0, 2, ""},
        {LEHR_LOSS_MSE, 2, 0, "loss mse is for regression, the task of the data is classification"},
        {LEHR_LOSS_HINGE, 0, 0,
         "loss hinge is for classification, the task of the data is regression"},
        {LEHR_LOSS_CROSS_ENTROPY, 0, 0, "loss cross_entropy is for classification"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_dataset *data = make_data(cases[i].classes);
        const lehr_loss_spec loss = loss_of(cases[i].loss);
        lehr_objective *o = NULL;
        const lehr_status status = lehr_objective_create(&small, &loss, &flat, data, &o);
        if (cases[i].outputs == 0) {
            cr_assert_eq(status, LEHR_ERR_ARG, "case %zu", i);
            cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "%s", lehr_error());
            cr_assert_null(o);
        } else {
            cr_assert_eq(status, LEHR_OK, "case %zu: %s", i, lehr_error());
            cr_assert_eq(lehr_objective_problem(o)->args.outputs, cases[i].outputs);
            cr_assert_eq(lehr_objective_layer(o, 2).outputs, cases[i].outputs);
        }
        lehr_objective_destroy(&o);
        lehr_dataset_destroy(&data);
    }
}

Test(objective, a_problem_holds_everything_that_a_backend_needs)
{
    lehr_dataset *data = make_data(3);
    const lehr_loss_spec loss = {
        .kind = LEHR_LOSS_CROSS_ENTROPY, .reduction = LEHR_REDUCTION_SUM, .l2 = 0.25, .l1 = 2};
    const lehr_prior_spec prior = {LEHR_PRIOR_LAPLACE, 3};
    lehr_network_spec network = small;
    network.weights = LEHR_WEIGHTS_TERNARY;
    network.activation = LEHR_ACTIVATION_SIGN;
    network.output = LEHR_ACTIVATION_SIGMOID;
    lehr_objective *o = NULL;
    cr_assert_eq(lehr_objective_create(&network, &loss, &prior, data, &o), LEHR_OK, "%s",
                 lehr_error());
    const lehr_problem *problem = lehr_objective_problem(o);
    const lehr_energy_args *args = &problem->args;
    cr_assert_eq(args->target, LEHR_TARGET_NETWORK);
    cr_assert_eq(args->parameters, 2 * 5 + 5 + 5 * 3 + 3 + 3 * 3 + 3);
    cr_assert_eq(args->weights, LEHR_WEIGHTS_TERNARY);
    cr_assert_eq(args->loss, LEHR_LOSS_CROSS_ENTROPY);
    cr_assert_eq(args->reduction, LEHR_REDUCTION_SUM);
    cr_assert_eq(args->prior, LEHR_PRIOR_LAPLACE);
    cr_assert_eq(args->prior_scale, 3.0);
    cr_assert_eq(args->l2, 0.25);
    cr_assert_eq(args->l1, 2.0);
    cr_assert_eq(args->network.layers, 3);
    cr_assert_eq(args->network.bias, 1);
    cr_assert_eq(args->network.activation, LEHR_ACTIVATION_SIGN);
    cr_assert_eq(args->network.output, LEHR_ACTIVATION_SIGMOID);
    cr_assert_eq(memcmp(args->network.size, (int32_t[]){2, 5, 3, 3, 0}, 20), 0);
    cr_assert_eq(memcmp(args->network.offset, (int32_t[]){0, 15, 33, 45, 0}, 20), 0);
    cr_assert_eq(problem->part[LEHR_PART_TRAIN].points, 4);
    cr_assert_eq(problem->part[LEHR_PART_TRAIN].inputs, lehr_dataset_inputs(data, LEHR_PART_TRAIN));
    cr_assert_eq(problem->part[LEHR_PART_TRAIN].targets,
                 lehr_dataset_targets(data, LEHR_PART_TRAIN));
    cr_assert_null(problem->part[LEHR_PART_TEST].inputs);
    cr_assert(problem->callback == NULL);
    cr_assert_eq(lehr_objective_dataset(o), data);
    cr_assert_eq(lehr_objective_weights(o), LEHR_WEIGHTS_TERNARY);
    lehr_objective_destroy(&o);
    cr_assert_null(o);
    lehr_dataset_destroy(&data);
}

Test(objective, losses_get_their_numbers_and_neutral_ones_otherwise)
{
    lehr_dataset *data = make_data(0);
    static const struct {
        lehr_loss kind;
        float noise, delta;
    } cases[] = {{LEHR_LOSS_GAUSSIAN, 0.5f, 1}, {LEHR_LOSS_HUBER, 1, 2}, {LEHR_LOSS_MSE, 1, 1}};
    for (int i = 0; i < 3; i++) {
        const lehr_loss_spec loss = loss_of(cases[i].kind);
        lehr_objective *o = NULL;
        cr_assert_eq(lehr_objective_create(&small, &loss, NULL, data, &o), LEHR_OK, "%s",
                     lehr_error());
        cr_assert_eq(lehr_objective_problem(o)->args.noise, cases[i].noise);
        cr_assert_eq(lehr_objective_problem(o)->args.delta, cases[i].delta);
        cr_assert_eq(lehr_objective_problem(o)->args.prior, LEHR_PRIOR_NONE);
        lehr_objective_destroy(&o);
    }
    lehr_dataset_destroy(&data);
}

Test(objective, layers_stand_where_the_door_says)
{
    lehr_dataset *data = make_data(3);
    const lehr_loss_spec loss = loss_of(LEHR_LOSS_CROSS_ENTROPY);
    lehr_network_spec network = small;
    for (int bias = 0; bias < 2; bias++) {
        static const lehr_layer_info expected[2][3] = {
            {{2, 5, 0, -1}, {5, 3, 10, -1}, {3, 3, 25, -1}},
            {{2, 5, 0, 10}, {5, 3, 15, 30}, {3, 3, 33, 42}},
        };
        network.bias = bias != 0;
        lehr_objective *o = NULL;
        cr_assert_eq(lehr_objective_create(&network, &loss, &flat, data, &o), LEHR_OK);
        cr_assert_eq(lehr_objective_layers(o), 3);
        for (int l = 0; l < 3; l++) {
            const lehr_layer_info layer = lehr_objective_layer(o, l);
            cr_assert_eq(memcmp(&layer, &expected[bias][l], sizeof layer), 0, "bias %d layer %d",
                         bias, l);
        }
        cr_assert_eq(lehr_objective_layer(o, 3).inputs, 0);
        cr_assert_eq(lehr_objective_layer(o, -1).bias_offset, -1);
        lehr_objective_destroy(&o);
    }
    network.hidden_count = 0;
    lehr_objective *linear = NULL;
    cr_assert_eq(lehr_objective_create(&network, &loss, &flat, data, &linear), LEHR_OK);
    cr_assert_eq(lehr_objective_parameters(linear), 2 * 3 + 3);
    lehr_objective_destroy(&linear);
    lehr_dataset_destroy(&data);
}

Test(objective, first_values_have_the_scale_of_their_layer)
{
    lehr_dataset *data = make_data(3);
    const lehr_loss_spec loss = loss_of(LEHR_LOSS_CROSS_ENTROPY);
    lehr_network_spec network = small;
    lehr_objective *o = NULL;
    cr_assert_eq(lehr_objective_create(&network, &loss, &flat, data, &o), LEHR_OK);
    for (int32_t i = 0; i < 45; i++) {
        const double inputs = i < 15 ? 2 : i < 33 ? 5 : 3;
        cr_assert_eq(lehr_objective_init_scale(o, i), 1 / sqrt(inputs), "parameter %d", i);
    }
    lehr_objective_destroy(&o);
    network.init_scale = 0.125;
    cr_assert_eq(lehr_objective_create(&network, &loss, &flat, data, &o), LEHR_OK);
    cr_assert_eq(lehr_objective_init_scale(o, 44), 0.125);
    lehr_objective_destroy(&o);
    network.init = LEHR_INIT_ZERO;
    cr_assert_eq(lehr_objective_create(&network, &loss, &flat, data, &o), LEHR_OK);
    cr_assert_eq(lehr_objective_init_scale(o, 0), 0.0);
    lehr_objective_destroy(&o);
    lehr_dataset_destroy(&data);
}

/* One field of a good spec made wrong at a time. */
static lehr_network_spec spoil_network(int i)
{
    lehr_network_spec n = small;
    switch (i) {
    case 0: n.hidden_count = 64; break;
    case 1: n.hidden_count = -1; break;
    case 2: n.hidden[1] = 0; break;
    case 3: n.hidden[0] = n.hidden[1] = 65536; break;
    case 4: n.hidden[0] = INT32_MAX; break;
    case 5: n.hidden[0] = 1000000000; break;
    case 6: n.activation = (lehr_activation)99; break;
    case 7: n.output = (lehr_activation)-1; break;
    case 8: n.weights = (lehr_weights)3; break;
    case 9: n.init = (lehr_init)2; break;
    case 10: n.init_scale = -1; break;
    case 11: n.init_scale = NAN; break;
    case 12: n.init_scale = 1e300; break;
    default:
        n.init = LEHR_INIT_ZERO;
        n.weights = LEHR_WEIGHTS_BINARY;
        break;
    }
    return n;
}

Test(objective, bad_networks_are_refused)
{
    static const char *const sentences[] = {
        "a network has 0 to 63 hidden layers, got 64",
        "a network has 0 to 63 hidden layers, got -1",
        "hidden layer 1 needs at least 1 unit, got 0",
        "layer 1 of 65536 x 65536 weights makes more than 2147483647 parameters",
        "layer 0 of 2 x 2147483647 weights makes more than",
        "layer 0 of 2 x 1000000000 weights makes more than", /* its biases are too many */
        "there is no activation number 99",
        "there is no output activation number -1",
        "there is no kind of weights number 3",
        "there is no init number 2",
        "the scale of init must be at least 0 and finite, got -1",
        "the scale of init must be at least 0 and finite, got nan",
        "the scale of init must be at least 0 and finite, got 1e+300",
        "init zero is not a value of binary weights",
    };
    lehr_dataset *data = make_data(0);
    const lehr_loss_spec loss = loss_of(LEHR_LOSS_MSE);
    for (int i = 0; i < (int)(sizeof sentences / sizeof *sentences); i++) {
        const lehr_network_spec network = spoil_network(i);
        lehr_objective *o = NULL;
        cr_assert_eq(lehr_objective_create(&network, &loss, &flat, data, &o), LEHR_ERR_ARG);
        cr_assert_not_null(strstr(lehr_error(), sentences[i]), "case %d: %s", i, lehr_error());
        cr_assert_null(o);
    }
    lehr_dataset_destroy(&data);
}

Test(objective, bad_losses_and_priors_are_refused)
{
    static const struct {
        lehr_loss_spec loss;
        lehr_prior_spec prior;
        const char *sentence;
    } cases[] = {
        {{.kind = (lehr_loss)50}, {0}, "there is no loss number 50"},
        {{.reduction = (lehr_reduction)2}, {0}, "there is no reduction number 2"},
        {{.l2 = -1}, {0}, "l2 must be at least 0 and finite, got -1"},
        {{.l1 = INFINITY}, {0}, "l1 must be at least 0 and finite, got inf"},
        {{0}, {(lehr_prior)7, 1}, "there is no prior number 7"},
        {{0},
         {LEHR_PRIOR_NORMAL, 0},
         "the scale of the normal prior must be above 0 and finite, got 0"},
        {{0}, {LEHR_PRIOR_LAPLACE, NAN}, "the scale of the laplace prior must be above 0"},
        {{.kind = LEHR_LOSS_GAUSSIAN}, {0}, "the noise of the gaussian loss must be above 0"},
        {{.kind = LEHR_LOSS_GAUSSIAN, .noise = 1e-60}, {0}, "finite in float32, got 1e-60"},
        {{.kind = LEHR_LOSS_HUBER, .delta = 1e60}, {0}, "the delta of the huber loss must be"},
    };
    lehr_dataset *data = make_data(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_objective *o = NULL;
        cr_assert_eq(lehr_objective_create(&small, &cases[i].loss, &cases[i].prior, data, &o),
                     LEHR_ERR_ARG, "case %zu", i);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "%s", lehr_error());
        cr_assert_null(o);
    }
    lehr_dataset_destroy(&data);
}

/* ---- Test targets and callbacks -------------------------------------------------------------- */

/* ULP(1) for the rounding to float32. */
Test(objective, test_targets_get_their_numbers)
{
    const lehr_target_spec mixture = {
        .kind = LEHR_TARGET_MIXTURE, .parameters = 4, .mode_distance = 5, .mode_weight = 0.7};
    const lehr_target_spec spins = {.kind = LEHR_TARGET_SPINS, .side = 4};
    const lehr_target_spec quadratic = {
        .kind = LEHR_TARGET_QUADRATIC, .parameters = 7, .init_scale = 2};
    lehr_objective *o = NULL;
    cr_assert_eq(lehr_objective_create_target(&mixture, &o), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_objective_problem(o)->args.mode, 2.5f);
    cr_assert_eq(lehr_objective_problem(o)->args.mode_log_odds, (float)log(0.7 / 0.3));
    cr_assert_eq(lehr_objective_init_scale(o, 3), 1.0);
    lehr_objective_destroy(&o);
    cr_assert_eq(lehr_objective_create_target(&spins, &o), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_objective_parameters(o), 16);
    cr_assert_eq(lehr_objective_problem(o)->args.side, 4);
    cr_assert_eq(lehr_objective_weights(o), LEHR_WEIGHTS_BINARY);
    lehr_objective_destroy(&o);
    cr_assert_eq(lehr_objective_create_target(&quadratic, &o), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_objective_parameters(o), 7);
    cr_assert_eq(lehr_objective_layers(o), 0);
    cr_assert_null(lehr_objective_dataset(o));
    cr_assert_eq(lehr_objective_init_scale(o, 6), 2.0);
    lehr_objective_destroy(&o);
}

Test(objective, bad_targets_are_refused)
{
    static const struct {
        lehr_target_spec spec;
        const char *sentence;
    } cases[] = {
        {{.kind = LEHR_TARGET_NETWORK, .parameters = 1},
         "target number 0 is not quadratic, mixture or spins"},
        {{.kind = (lehr_target)-3, .parameters = 1}, "target number -3 is not"},
        {{.kind = LEHR_TARGET_QUADRATIC}, "a target needs at least 1 parameter, got 0"},
        {{.kind = LEHR_TARGET_SPINS, .side = 1},
         "the side of a lattice of spins must be between 2 and 46340, got 1"},
        {{.kind = LEHR_TARGET_SPINS, .side = 46341}, "between 2 and 46340, got 46341"},
        {{.kind = LEHR_TARGET_SPINS, .side = 4, .parameters = 15},
         "4 x 4 spins are 16 parameters, got 15"},
        {{.kind = LEHR_TARGET_SPINS, .side = 4, .init = LEHR_INIT_ZERO},
         "init zero is not a value of binary"},
        {{.kind = LEHR_TARGET_MIXTURE, .parameters = 1, .mode_weight = 1},
         "must be inside (0,1), got 1"},
        {{.kind = LEHR_TARGET_MIXTURE, .parameters = 1, .mode_weight = NAN},
         "must be inside (0,1), got nan"},
        {{.kind = LEHR_TARGET_MIXTURE, .parameters = 1, .mode_weight = 0.5, .mode_distance = -1},
         "mode distance of a mixture must be at least 0 and finite, got -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lehr_objective *o = NULL;
        cr_assert_eq(lehr_objective_create_target(&cases[i].spec, &o), LEHR_ERR_ARG);
        cr_assert_not_null(strstr(lehr_error(), cases[i].sentence), "case %zu: %s", i,
                           lehr_error());
        cr_assert_null(o);
    }
}

/* Its signature is that of lehr_energy_fn. NOLINTNEXTLINE(readability-non-const-parameter) */
static lehr_status no_energy(const float *theta, int32_t rows, int32_t parameters, double *energy,
                             void *data)
{
    (void)theta;
    (void)rows;
    (void)parameters;
    (void)energy;
    (void)data;
    return LEHR_OK;
}

Test(objective, a_callback_is_handed_on_with_its_data)
{
    int data = 0;
    const lehr_prior_spec prior = {LEHR_PRIOR_NORMAL, 2};
    lehr_callback_spec spec = {
        .parameters = 3, .weights = LEHR_WEIGHTS_TERNARY, .energy = no_energy, .data = &data};
    lehr_objective *o = NULL;
    cr_assert_eq(lehr_objective_create_callback(&spec, &prior, &o), LEHR_OK, "%s", lehr_error());
    const lehr_problem *problem = lehr_objective_problem(o);
    cr_assert_eq(problem->args.target, LEHR_TARGET_CALLBACK);
    cr_assert_eq(problem->args.prior_scale, 2.0);
    cr_assert(problem->callback == no_energy && problem->callback_data == &data);
    cr_assert_eq(lehr_objective_weights(o), LEHR_WEIGHTS_TERNARY);
    lehr_objective_destroy(&o);
    cr_assert_eq(lehr_objective_create_callback(&spec, NULL, &o), LEHR_OK);
    lehr_objective_destroy(&o);
    spec.parameters = 0;
    cr_assert_eq(lehr_objective_create_callback(&spec, NULL, &o), LEHR_ERR_ARG);
    cr_assert_str_eq(lehr_error(), "a callback needs at least 1 parameter, got 0");
    spec.energy = NULL;
    cr_assert_eq(lehr_objective_create_callback(&spec, NULL, &o), LEHR_ERR_ARG);
    cr_assert_not_null(strstr(lehr_error(), "needs an energy function"));
    cr_assert_null(o);
}

Test(objective, nothing_leaks_or_changes_without_memory)
{
    lehr_dataset *data = make_data(3);
    const lehr_loss_spec loss = loss_of(LEHR_LOSS_CROSS_ENTROPY);
    const lehr_target_spec quadratic = {.kind = LEHR_TARGET_QUADRATIC, .parameters = 7};
    const lehr_callback_spec callback = {.parameters = 3, .energy = no_energy};
    lehr_objective *o = NULL;
    for (int i = 0; i < 3; i++) {
        lehr_memory_fail_at(1);
        cr_assert_eq(i == 0   ? lehr_objective_create(&small, &loss, &flat, data, &o)
                     : i == 1 ? lehr_objective_create_target(&quadratic, &o)
                              : lehr_objective_create_callback(&callback, NULL, &o),
                     LEHR_ERR_MEMORY);
        cr_assert_null(o);
        lehr_memory_fail_at(0);
    }
    cr_assert_eq(lehr_objective_create(NULL, &loss, &flat, data, &o), LEHR_ERR_ARG);
    cr_assert_eq(lehr_objective_create_target(NULL, &o), LEHR_ERR_ARG);
    lehr_objective_destroy(&o);
    lehr_objective_destroy(NULL);
    lehr_dataset_destroy(&data);
}
