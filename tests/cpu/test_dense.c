/* The register tiles against the definition of core/network.h, over shapes that fit none of them. */
#include "core/network.h"
#include "core/sum.h"
#include "core/target.h"
#include "cpu/cpu.h"
#include "cpu/cpu_world.h"

enum { WIDEST = 1024 };

/* E of a row as the definitions say, point by point. */
static double reference(const world *w, const float *theta)
{
    const lehr_energy_args *e = &w->problem.args;
    const lehr_part_data *part = &w->problem.part[LEHR_PART_TRAIN];
    const int Y = lehr_loss_has_classes(e->loss) ? 1 : e->outputs;
    float *loss = world_array((size_t)part->points, sizeof *loss);
    for (int64_t n = 0; n < part->points; n++) {
        float a[WIDEST], b[WIDEST];
        const float *z = lehr_network_point(&e->network, theta,
                                            part->inputs + n * e->network.size[0], a, b);
        loss[n] = lehr_loss_point(e->loss, lehr_loss_prepare(e), e->outputs, z,
                                  part->targets + n * Y, 1);
    }
    const double sum = lehr_sum(loss, part->points);
    free(loss);
    return lehr_reduce(e, sum, part->points);
}

/* EXACT: row 0's first energy equals the reference, plain and not. */
static void check(world_spec spec)
{
    world w = world_create(spec);
    const double expected = reference(&w, w.table.theta);
    for (int plain = 0; plain < 2; plain++) {
        world_run(&w, (lehr_backend_options){.threads = 1, .plain = plain}, 0, 1);
        cr_assert_eq(memcmp(&w.table.energy[0], &expected, sizeof expected), 0,
                     "%d-%d-%d, %d points, loss %d, plain %d: %.17g, expected %.17g", spec.size[0],
                     spec.size[1], spec.size[2], spec.points, spec.loss, plain, w.table.energy[0],
                     expected);
    }
    world_destroy(&w);
}

Test(dense, equals_the_scalar_definition_for_every_width)
{
    static const int widths[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 23, 31, 33};
    static const int inputs[] = {1, 2, 3, 5, 16, 31, 257, 784};
    const int width_count = sizeof widths / sizeof *widths;
    for (int d = 0; d < 8; d++)
        for (int i = 0; i < width_count; i++)
            check((world_spec){.layers = 2,
                               .size = {inputs[d], widths[i], widths[(i + d) % width_count]},
                               .no_bias = (i + d) % 3 == 0,
                               .activation = LEHR_ACTIVATION_TANH,
                               .loss = LEHR_LOSS_MSE,
                               .points = 17});
}

Test(dense, equals_the_scalar_definition_for_every_number_of_points)
{
    static const int points[] = {1,   15,  16,  17,   31,   63,   64,  65,
                                 200, 255, 257, 1023, 1024, 1025, 2500};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        check((world_spec){.layers = 3,
                           .size = {3, 7, 5, 4},
                           .activation = LEHR_ACTIVATION_SIGMOID,
                           .loss = LEHR_LOSS_CROSS_ENTROPY,
                           .points = points[i]});
}

Test(dense, equals_the_scalar_definition_for_every_loss_and_activation)
{
    for (int loss = 0; loss < LEHR_LOSS_COUNT; loss++)
        for (int kind = 0; kind < LEHR_ACTIVATION_COUNT; kind++)
            for (int outputs = 1; outputs <= 3; outputs += 2) {
                if (loss == LEHR_LOSS_CROSS_ENTROPY && outputs == 1)
                    continue;
                if (loss == LEHR_LOSS_BINARY_CROSS_ENTROPY && outputs > 1)
                    continue;
                check((world_spec){.layers = 2,
                                   .size = {4, 9, outputs},
                                   .activation = kind,
                                   .output = (kind + loss) % LEHR_ACTIVATION_COUNT,
                                   .loss = loss,
                                   .points = 37});
            }
}

Test(dense, linear_model_has_one_layer)
{
    check((world_spec){.layers = 1, .size = {257, 1}, .loss = LEHR_LOSS_GAUSSIAN, .points = 33});
    check((world_spec){
        .layers = 1, .size = {2, 3}, .no_bias = 1, .loss = LEHR_LOSS_HINGE, .points = 16});
}

/* EXACT: predictions are the network of the run. */
Test(dense, forward_equals_the_scalar_definition)
{
    static const int points[] = {1, 16, 63, 64, 65, 150};
    const world_spec spec = {.layers = 3,
                             .size = {5, 11, 3, 2},
                             .activation = LEHR_ACTIVATION_RELU,
                             .output = LEHR_ACTIVATION_TANH,
                             .loss = LEHR_LOSS_MSE,
                             .points = 150};
    world w = world_create(spec);
    const lehr_network *n = &w.problem.args.network;
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        float out[150 * 2], a[16], b[16];
        cr_assert_eq(lehr_forward(n, w.table.theta, w.inputs, points[i], out), LEHR_OK);
        for (int p = 0; p < points[i]; p++) {
            const float *z = lehr_network_point(n, w.table.theta, w.inputs + p * 5, a, b);
            cr_assert_eq(memcmp(z, out + p * 2, 2 * sizeof *z), 0, "point %d of %d", p, points[i]);
        }
    }
    world_destroy(&w);
}

/* EXACT: so are the outputs of many rows, for tiles that end inside the data and on their end. */
Test(dense, outputs_of_rows_equal_those_of_each)
{
    static const int points[] = {16, 37, 64, 150};
    enum { ROWS = 3, OUTPUTS = 2 };
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        world w = world_create((world_spec){.layers = 2,
                                            .size = {5, 11, OUTPUTS},
                                            .activation = LEHR_ACTIVATION_TANH,
                                            .loss = LEHR_LOSS_MSE,
                                            .points = points[i],
                                            .rungs = ROWS});
        for (int threads = 1; threads <= 4; threads++) {
            const lehr_backend_options options = {.threads = threads, .point_tile = 16 << threads};
            const int64_t each = (int64_t)points[i] * OUTPUTS;
            float out[ROWS * 150 * OUTPUTS], one[150 * OUTPUTS];
            void *state = NULL;
            cr_assert_eq(lehr_backend_cpu.open(&options, &w.problem, &w.table, &state), LEHR_OK);
            cr_assert_eq(lehr_backend_cpu.outputs(state, LEHR_PART_TRAIN, w.table.theta, ROWS, out),
                         LEHR_OK);
            for (int row = 0; row < ROWS; row++) {
                cr_assert_eq(lehr_forward(&w.problem.args.network,
                                          w.table.theta + row * w.table.parameters, w.inputs,
                                          points[i], one),
                             LEHR_OK);
                cr_expect_eq(memcmp(out + row * each, one, (size_t)each * sizeof *one), 0,
                             "row %d of %d points, %d threads", row, points[i], threads);
            }
            lehr_backend_cpu.close(&state);
        }
        world_destroy(&w);
    }
}

Test(dense, nan_weights_give_nan_losses)
{
    for (int loss = 0; loss < LEHR_LOSS_COUNT; loss++) {
        const int outputs = loss == LEHR_LOSS_BINARY_CROSS_ENTROPY ? 1 : 3;
        world w = world_create((world_spec){.layers = 2,
                                            .size = {4, 9, outputs},
                                            .activation = LEHR_ACTIVATION_STEP,
                                            .loss = loss,
                                            .points = 20});
        w.table.theta[3] = NAN;
        void *state = NULL;
        cr_assert_eq(lehr_backend_cpu.open(&(lehr_backend_options){.threads = 1}, &w.problem,
                                           &w.table, &state),
                     LEHR_OK);
        cr_assert_eq(lehr_backend_cpu.start(state), LEHR_ERR_NUMERIC, "loss %d", loss);
        cr_assert_not_null(strstr(lehr_error(), "row 0"), "%s", lehr_error());
        lehr_backend_cpu.close(&state);
        world_destroy(&w);
    }
}
