/* Early rejection decides as the whole sum would, to the last bit. The test that sees a missing margin: at
 * temperature 0 and with step units most moves change nothing, so a proposal's energy is exactly the old one and
 * must be accepted; but a part of its losses, added in double, is often more than all of them in float.
 *
 * EXACT: hashes of runs with and without early rejection. Planted: no_margin. */
#include <criterion/criterion.h>

#include "run/run.h"
#include "support/systems.h"

enum { POINTS = 1024, LOSSES = 700, INPUTS = 4, SCANS = 200, COPIES = 8 };

typedef struct steps {
    lehr_dataset *data;
    lehr_objective *objective;
} steps;

/* Targets of the first points are drawn; the others have inputs 0, so that units without biases give the same output
 * for all weights but those of the last layer, and it is the target: what is visited last is 0 now and then. */
static steps steps_create(void)
{
    static float x[POINTS * INPUTS], y[POINTS];
    stats_rng rng = {5};
    steps s;
    for (int n = 0; n < POINTS; n++) {
        for (int i = 0; i < INPUTS; i++)
            x[n * INPUTS + i] = n < LOSSES ? (float)stats_normal(&rng) : 0;
        y[n] = n < LOSSES ? (float)stats_normal(&rng) : 1;
    }
    const lehr_data_spec data = {.task = LEHR_TASK_REGRESSION, .split_seed = 1};
    const lehr_network_spec network = {.hidden_count = 1,
                                       .hidden = {3},
                                       .activation = LEHR_ACTIVATION_STEP,
                                       .output = LEHR_ACTIVATION_STEP};
    const lehr_loss_spec loss = {
        .kind = LEHR_LOSS_MSE, .reduction = LEHR_REDUCTION_SUM, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NONE, .scale = 1};
    LAW_NEEDS(lehr_dataset_from_arrays(&data, x, y, POINTS, INPUTS, 1, &s.data));
    LAW_NEEDS(lehr_objective_create(&network, &loss, &prior, s.data, &s.objective));
    return s;
}

/* options: for the CUDA backend, which looks at a sum less often where points are little work. */
static lehr_run_summary run_steps(const lehr_objective *objective, lehr_scope scope, bool early,
                                  const lehr_backend_options *options)
{
    static const double cold[1] = {1e12};
    lehr_run_spec spec = law_spec(cold, 1, COPIES, SCANS);
    spec.method = LEHR_METHOD_ANNEALING;
    spec.cooling.start = spec.cooling.end = 1e-12;
    spec.early_rejection = early;
    spec.moves[0] = (lehr_move_spec){
        .kind = LEHR_MOVE_GAUSSIAN, .scope = scope, .k = 1, .scale = 0.05, .weight = 1};
    lehr_run *run = NULL;
    lehr_run_summary summary;
    LAW_NEEDS(lehr_run_create_with(&spec, options, objective, &run));
    law_advance(run, SCANS);
    LAW_NEEDS(lehr_run_summarize(run, &summary));
    lehr_run_destroy(&run);
    return summary;
}

static void check_scope(lehr_scope scope)
{
    steps s = steps_create();
    static const lehr_backend_options ways[] = {
        {.forget = 1, .look_rounds = 1, .row_threads = 32},
        {.forget = 1, .look_rounds = 1},
        {.look_rounds = 1, .row_threads = 32},
        {.look_rounds = 1},
    };
    const lehr_run_summary whole = run_steps(s.objective, scope, false, &ways[0]);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const lehr_run_summary early = run_steps(s.objective, scope, true, &ways[i]);
        cr_expect_eq(early.state_hash, whole.state_hash, "scope %d, way %zu: the hashes differ",
                     (int)scope, i);
    }
    lehr_objective_destroy(&s.objective);
    lehr_dataset_destroy(&s.data);
}

/* Where all weights move, points are sorted by their losses. */
Test(early, a_move_that_changes_nothing_is_accepted_from_sorted_points)
{
    check_scope(LEHR_SCOPE_ALL);
}

Test(early, a_move_that_changes_nothing_is_accepted_from_tiles)
{
    check_scope(LEHR_SCOPE_NEURON_IN);
}
