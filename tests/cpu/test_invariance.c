/* Everything that must not change a bit: threads, instruction set, point tile, cutting into slices, and the way
 * an energy is asked for. All EXACT, on the whole content of the table.                              */
#include "cpu/cpu_world.h"

static const lehr_move_args gaussian = {.kind = LEHR_MOVE_GAUSSIAN, .adapt = 1, .target = 0.234};

/* Worlds that together use every move, loss, penalty and schedule. */
static const world_spec specs[] = {
    {.layers = 3,
     .size = {2, 16, 16, 1},
     .activation = LEHR_ACTIVATION_TANH,
     .loss = LEHR_LOSS_BINARY_CROSS_ENTROPY,
     .points = 200,
     .rungs = 4,
     .copies = 2,
     .adapt_scans = 15,
     .moves = 3,
     .move = {{.kind = LEHR_MOVE_GAUSSIAN, .adapt = 1, .target = 0.234},
              {.kind = LEHR_MOVE_LAPLACE, .scope = LEHR_SCOPE_LAYER, .adapt = 1, .target = 0.234},
              {.kind = LEHR_MOVE_STUDENT_T,
               .scope = LEHR_SCOPE_SPARSE,
               .k = 5,
               .nu = 3,
               .adapt = 1,
               .target = 0.4}}},
    {.layers = 2,
     .size = {17, 13, 5},
     .activation = LEHR_ACTIVATION_SIGMOID,
     .loss = LEHR_LOSS_CROSS_ENTROPY,
     .points = 2500,
     .rungs = 2,
     .copies = 1,
     .every = 3,
     .adapt_scans = 100,
     .exchange = LEHR_EXCHANGE_SEO,
     .l2 = 1e-3,
     .l1 = 1e-4,
     .prior = LEHR_PRIOR_NORMAL,
     .moves = 2,
     .move = {{.kind = LEHR_MOVE_CAUCHY, .adapt = 1, .target = 0.234},
              {.kind = LEHR_MOVE_LOG_SCALE, .adapt = 1, .target = 0.44}}},
    {.layers = 2,
     .size = {65, 66, 3},
     .activation = LEHR_ACTIVATION_LEAKY_RELU,
     .loss = LEHR_LOSS_HUBER,
     .points = 1030,
     .rungs = 1,
     .copies = 1,
     .every = 4,
     .scheduled = 1,
     .adapt_scans = UINT64_MAX,
     .exchange = LEHR_EXCHANGE_NONE,
     .prior = LEHR_PRIOR_LAPLACE,
     .moves = 2,
     .move =
         {{.kind = LEHR_MOVE_UNIFORM, .adapt = 1, .target = 0.234},
          {.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_LAYER, .adapt = 1, .target = 0.234}}},
    {.layers = 2,
     .size = {8, 9, 4},
     .activation = LEHR_ACTIVATION_SIGN,
     .loss = LEHR_LOSS_ZERO_ONE,
     .points = 300,
     .rungs = 3,
     .copies = 1,
     .weights = LEHR_WEIGHTS_TERNARY,
     .moves = 1,
     .move = {{.kind = LEHR_MOVE_FLIP, .k = 3}}},
    {.layers = 3, /* units: kept activations, early rejection */
     .size = {5, 19, 7, 4},
     .activation = LEHR_ACTIVATION_TANH,
     .loss = LEHR_LOSS_CROSS_ENTROPY,
     .points = 1300,
     .rungs = 3,
     .copies = 1,
     .every = 3,
     .l2 = 1e-4,
     .prior = LEHR_PRIOR_NORMAL,
     .outcomes = 1,
     .adapt_scans = 15,
     .moves = 4,
     .move = {{.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_NEURON, .adapt = 1, .target = 0.234},
              {.kind = LEHR_MOVE_LAPLACE, .scope = LEHR_SCOPE_NEURON_IN, .k = 3},
              {.kind = LEHR_MOVE_UNIFORM, .scope = LEHR_SCOPE_NEURON_OUT},
              {.kind = LEHR_MOVE_LOG_SCALE, .scope = LEHR_SCOPE_NEURON}}},
    {.layers = 2, /* the same, delayed, with whole layers between */
     .size = {9, 12, 1},
     .activation = LEHR_ACTIVATION_SIGMOID,
     .loss = LEHR_LOSS_BINARY_CROSS_ENTROPY,
     .points = 700,
     .rungs = 2,
     .copies = 2,
     .outcomes = 1,
     .delayed = 1,
     .adapt_scans = 15,
     .moves = 3,
     .move = {{.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_NEURON, .adapt = 1, .target = 0.234},
              {.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_LAYER, .adapt = 1, .target = 0.234},
              {.kind = LEHR_MOVE_CAUCHY, .scope = LEHR_SCOPE_SPARSE, .k = 4}}},
    {.layers = 2, /* units of many rows, which walk over the inputs together */
     .size = {37, 6, 3},
     .activation = LEHR_ACTIVATION_TANH,
     .loss = LEHR_LOSS_CROSS_ENTROPY,
     .points = 530,
     .rungs = 11,
     .copies = 1,
     .outcomes = 1,
     .adapt_scans = 15,
     .moves = 4,
     .move = {{.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_NEURON, .adapt = 1, .target = 0.234},
              {.kind = LEHR_MOVE_UNIFORM, .scope = LEHR_SCOPE_NEURON_IN},
              {.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_NEURON_OUT},
              {.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_LAYER}}},
    {.layers = 2, /* the same, delayed, without biases, with a regression's loss */
     .size = {21, 5, 2},
     .no_bias = 1,
     .activation = LEHR_ACTIVATION_RELU,
     .loss = LEHR_LOSS_MSE,
     .points = 1100,
     .rungs = 5,
     .copies = 2,
     .outcomes = 1,
     .delayed = 1,
     .l2 = 1e-4,
     .moves = 2,
     .move = {{.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_NEURON},
              {.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_NEURON_IN, .k = 2}}},
    {.layers = 2, /* all weights: sorted points; their steps on a schedule */
     .size = {2, 16, 1},
     .activation = LEHR_ACTIVATION_TANH,
     .loss = LEHR_LOSS_BINARY_CROSS_ENTROPY,
     .points = 333,
     .rungs = 4,
     .copies = 1,
     .outcomes = 1,
     .moves = 1,
     .move = {{.kind = LEHR_MOVE_GAUSSIAN, .scheduled = 1, .log_from = -2, .log_slope = -0.1}}},
    {.layers = 3, /* flips of units */
     .size = {6, 8, 5, 3},
     .activation = LEHR_ACTIVATION_SIGN,
     .loss = LEHR_LOSS_HINGE,
     .points = 500,
     .rungs = 2,
     .copies = 1,
     .weights = LEHR_WEIGHTS_BINARY,
     .outcomes = 1,
     .delayed = 1,
     .moves = 2,
     .move = {{.kind = LEHR_MOVE_FLIP, .scope = LEHR_SCOPE_NEURON_IN, .k = 2},
              {.kind = LEHR_MOVE_FLIP, .scope = LEHR_SCOPE_NEURON, .k = 1}}},
    {.target = LEHR_TARGET_SPINS,
     .parameters = 36,
     .weights = LEHR_WEIGHTS_BINARY,
     .rungs = 3,
     .copies = 2,
     .moves = 1,
     .move = {{.kind = LEHR_MOVE_FLIP, .k = 1}}},
    {.target = LEHR_TARGET_QUADRATIC,
     .parameters = 1100,
     .rungs = 3,
     .copies = 1,
     .adapt_scans = 10,
     .moves = 2,
     .move = {{.kind = LEHR_MOVE_GAUSSIAN, .adapt = 1, .target = 0.234},
              {.kind = LEHR_MOVE_GAUSSIAN,
               .scope = LEHR_SCOPE_SPARSE,
               .k = 3,
               .adapt = 1,
               .target = 0.4}}},
    {.target = LEHR_TARGET_MIXTURE, .parameters = 5, .rungs = 3, .copies = 1, .adapt_scans = 10},
};

enum { SPECS = sizeof specs / sizeof *specs, SCANS = 23 };

/* Run a spec twice, with other options or slices, and compare. */
static void check(int spec, lehr_backend_options a, lehr_backend_options b, uint64_t cut)
{
    world one = world_create(specs[spec]), two = world_create(specs[spec]);
    world_run(&one, a, SCANS, SCANS);
    world_run(&two, b, SCANS, cut);
    const char *difference = world_difference(&one.table, &two.table);
    cr_assert_null(difference, "world %d: %s differs (threads %d, plain %d, tile %d, cut %d)", spec,
                   difference, b.threads, b.plain, b.point_tile, (int)cut);
    cr_assert_gt(one.table.accepts[0], 0, "world %d never accepts: nothing was compared", spec);
    world_destroy(&one);
    world_destroy(&two);
}

Test(invariance, threads)
{
    for (int i = 0; i < SPECS; i++)
        for (int threads = 2; threads <= 5; threads++)
            check(i, (lehr_backend_options){.threads = 1},
                  (lehr_backend_options){.threads = threads}, SCANS);
}

Test(invariance, instruction_set)
{
    for (int i = 0; i < SPECS; i++)
        check(i, (lehr_backend_options){.threads = 1},
              (lehr_backend_options){.threads = 1, .plain = 1}, SCANS);
}

Test(invariance, point_tile)
{
    static const int tiles[] = {16, 32, 128, 256, 512, 1024};
    for (int i = 0; i < SPECS; i++)
        for (int t = 0; t < 6; t++)
            check(i, (lehr_backend_options){.threads = 1, .point_tile = 64},
                  (lehr_backend_options){.threads = 1, .point_tile = tiles[t]}, SCANS);
}

/* What is kept, given up and visited when. */
Test(invariance, savings)
{
    static const lehr_backend_options ways[] = {
        {.forget = 1},
        {.whole = 1},
        {.forget = 1, .whole = 1},
        {.visit_seed = 1},
        {.visit_seed = 77},
        {.visit_seed = 5, .forget = 1},
        {.visit_seed = 5, .point_tile = 16},
        {.memory_bytes = 1},
        {.forget = 1, .point_tile = 1024},
        {.plain = 1, .point_tile = 32, .visit_seed = 9},
    };
    for (int i = 0; i < SPECS; i++)
        for (size_t n = 0; n < sizeof ways / sizeof *ways; n++)
            for (int threads = 1; threads <= 6; threads += 5) {
                lehr_backend_options way = ways[n];
                way.threads = threads;
                check(i, (lehr_backend_options){.threads = 1}, way, SCANS);
            }
}

/* Rows that walk over the inputs together: as many as divide the rows, and as do not. */
Test(invariance, rows_together)
{
    static const lehr_backend_options ways[] = {{.threads = 1},
                                                {.whole = 1},
                                                {.forget = 1},
                                                {.visit_seed = 3},
                                                {.plain = 1, .point_tile = 16}};
    static const int rows[] = {1, 2, 3, 5, 8, 99};
    for (int i = 0; i < SPECS; i++)
        for (size_t n = 0; n < sizeof ways / sizeof *ways; n++)
            for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
                lehr_backend_options way = ways[n];
                way.rows_together = rows[r];
                way.threads = 1 + (int)(r + n) % 3;
                check(i, (lehr_backend_options){.threads = 1, .whole = 1, .forget = 1}, way,
                      r % 2 ? SCANS : 4);
            }
}

/* Inputs of more than a core's cache make the backend choose it by itself: seen in its memory. */
Test(invariance, many_inputs_are_walked_over_together)
{
    const world_spec spec = {.layers = 2,
                             .size = {300, 5, 2},
                             .activation = LEHR_ACTIVATION_TANH,
                             .loss = LEHR_LOSS_CROSS_ENTROPY,
                             .points = 1000,
                             .rungs = 9,
                             .outcomes = 1,
                             .moves = 1,
                             .move = {{.kind = LEHR_MOVE_GAUSSIAN, .scope = LEHR_SCOPE_NEURON}}};
    const lehr_backend_options chosen = {.threads = 2}, alone = {.threads = 2, .rows_together = 1};
    world one = world_create(spec), two = world_create(spec);
    lehr_memory_plan together, apart;
    cr_assert_eq(lehr_backend_cpu.plan(&chosen, &one.problem, &one.table, &together), LEHR_OK);
    cr_assert_eq(lehr_backend_cpu.plan(&alone, &two.problem, &two.table, &apart), LEHR_OK);
    const int64_t slot = 7 * 1008 * 4; /* units, padded points, bytes */
    cr_assert_eq(together.kept_bytes, (9 + 2 * 5) * slot, "two threads, five rows each");
    cr_assert_eq(apart.kept_bytes, (9 + 2) * slot);
    world_run(&one, chosen, 8, 8);
    world_run(&two, alone, 8, 3);
    cr_assert_null(world_difference(&one.table, &two.table), "%s differs",
                   world_difference(&one.table, &two.table));
    cr_assert_gt(one.table.accepts[0], 0);
    world_destroy(&one);
    world_destroy(&two);
}

Test(invariance, slices)
{
    static const uint64_t cuts[] = {1, 2, 3, 4, 5, 7, 11};
    for (int i = 0; i < SPECS; i++)
        for (int c = 0; c < 7; c++)
            check(i, (lehr_backend_options){.threads = 2}, (lehr_backend_options){.threads = 2},
                  cuts[c]);
}

/* Two runs packed in one table give the bits that each gives alone. */
static void check_packing(world_spec spec, lehr_backend_options options)
{
    spec.rungs = 4, spec.copies = 2;
    world alone = world_create(spec), second = world_create(spec);
    second.table.group->key = 99;
    second.table.group->every = 4;
    world_spec both_spec = spec;
    both_spec.copies = 4;
    world both = world_create(both_spec);
    lehr_table *t = &both.table;
    lehr_group groups[2] = {*alone.table.group, *second.table.group};
    groups[1].first_row = 8, groups[1].first_slot = 8, groups[1].first_step = 8 * spec.moves;
    lehr_group *own = t->group;
    t->group = groups, t->group_count = 2;
    const size_t half = 8 * (size_t)t->parameters;
    for (int row = 0; row < 16; row++)
        t->slot_row[row] = row % 8;
    memcpy(t->theta + half, t->theta, half * sizeof *t->theta);
    world_run(&both, options, SCANS, SCANS);
    world_run(&alone, (lehr_backend_options){.threads = 2}, SCANS, SCANS);
    world_run(&second, (lehr_backend_options){.threads = 2}, SCANS, SCANS);
    cr_assert_eq(memcmp(t->theta, alone.table.theta, half * sizeof *t->theta), 0);
    cr_assert_eq(memcmp(t->theta + half, second.table.theta, half * sizeof *t->theta), 0);
    cr_assert_neq(memcmp(t->theta, t->theta + half, half * sizeof *t->theta), 0, "keys differ");
    cr_assert_eq(memcmp(t->rung + 8, second.table.rung, 8 * sizeof *t->rung), 0);
    t->group = own, t->group_count = 1;
    world_destroy(&alone), world_destroy(&second), world_destroy(&both);
}

Test(invariance, packing)
{
    for (int i = 0; i < SPECS; i++)
        if (specs[i].layers > 0)
            for (int rows = 0; rows <= 8; rows += 4)
                check_packing(specs[i],
                              (lehr_backend_options){.threads = 2, .rows_together = rows});
}

/* Other seed, one scan less: the comparison must see a difference. */
Test(invariance, comparison_sees_differences)
{
    world one = world_create(specs[0]), two = world_create(specs[0]);
    two.table.group->key++;
    world_run(&one, (lehr_backend_options){.threads = 1}, SCANS, SCANS);
    world_run(&two, (lehr_backend_options){.threads = 1}, SCANS, SCANS);
    cr_assert_not_null(world_difference(&one.table, &two.table));
    world_destroy(&two);
    two = world_create(specs[0]);
    world_run(&two, (lehr_backend_options){.threads = 1}, SCANS - 1, SCANS);
    cr_assert_not_null(world_difference(&one.table, &two.table));
    world_destroy(&one);
    world_destroy(&two);
}

/* ---- Callbacks --------------------------------------------------------------------------------- */

static lehr_status quadratic(const float *theta, int32_t rows, int32_t parameters, double *energy,
                             void *data)
{
    ++*(int *)data;
    for (int32_t r = 0; r < rows; r++) {
        float sum = 0;
        for (int32_t i = 0; i < parameters; i++)
            sum += theta[r * parameters + i] * theta[r * parameters + i];
        energy[r] = 0.5 * (double)sum;
    }
    return LEHR_OK;
}

/* With 2 parameters the order of a sum does not matter. */
Test(invariance, callback_equals_the_same_target)
{
    int calls = 0;
    const world_spec own = {
        .target = LEHR_TARGET_QUADRATIC,
        .parameters = 2,
        .rungs = 4,
        .copies = 3,
        .adapt_scans = 10,
        .prior = LEHR_PRIOR_NORMAL,
        .moves = 2,
        .move = {gaussian, {.kind = LEHR_MOVE_LOG_SCALE, .adapt = 1, .target = 0.44}}};
    world_spec called = own;
    called.target = LEHR_TARGET_CALLBACK;
    called.callback = quadratic;
    called.callback_data = &calls;
    world one = world_create(own), two = world_create(called);
    world_run(&one, (lehr_backend_options){.threads = 1}, SCANS, SCANS);
    world_run(&two, (lehr_backend_options){.threads = 2}, SCANS, 4);
    cr_assert_null(world_difference(&one.table, &two.table), "%s differs",
                   world_difference(&one.table, &two.table));
    cr_assert_eq(calls, SCANS + 1, "one call per scan and one at the start, got %d", calls);
    world_destroy(&one);
    world_destroy(&two);
}

static lehr_status failing(const float *theta, int32_t rows, int32_t parameters, double *energy,
                           void *data)
{
    if (++*(int *)data == 4)
        return lehr_fail(LEHR_ERR_CALLBACK, "the fourth call fails");
    int unused = 0;
    return quadratic(theta, rows, parameters, energy, &unused);
}

Test(invariance, failing_callback_leaves_the_scan_before)
{
    int calls = 0, others = -100;
    const world_spec spec = {.target = LEHR_TARGET_CALLBACK,
                             .parameters = 2,
                             .rungs = 2,
                             .callback = failing,
                             .callback_data = &calls};
    world_spec whole_spec = spec;
    whole_spec.callback_data = &others;
    world broken = world_create(spec), whole = world_create(whole_spec);
    void *state = NULL;
    cr_assert_eq(lehr_backend_cpu.open(&(lehr_backend_options){.threads = 1}, &broken.problem,
                                       &broken.table, &state),
                 LEHR_OK);
    cr_assert_eq(lehr_backend_cpu.start(state), LEHR_OK);
    cr_assert_eq(lehr_backend_cpu.slice(state, 0, 9), LEHR_ERR_CALLBACK);
    cr_assert_str_eq(lehr_error(), "the fourth call fails");
    lehr_backend_cpu.close(&state);
    world_run(&whole, (lehr_backend_options){.threads = 1}, 2, 2);
    cr_assert_null(world_difference(&broken.table, &whole.table));
    world_destroy(&broken);
    world_destroy(&whole);
}
