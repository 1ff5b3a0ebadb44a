/* A run through the public doors: stop rules, best weights, refusals, memory. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "lehr/lehr.h"

enum { POINTS = 60 };

static lehr_dataset *two_clouds(double validation)
{
    float x[POINTS][2], y[POINTS];
    for (int n = 0; n < POINTS; n++) {
        y[n] = (float)(n % 2);
        x[n][0] = (n % 2 ? 1.0f : -1.0f) + 0.03f * (float)(n % 7);
        x[n][1] = 0.1f * (float)(n % 11);
    }
    const lehr_data_spec spec = {.task = LEHR_TASK_CLASSIFICATION,
                                 .split_seed = 1,
                                 .test_fraction = 0.2,
                                 .validation_fraction = validation,
                                 .standardize = true};
    lehr_dataset *data = NULL;
    cr_assert_eq(lehr_dataset_from_arrays(&spec, &x[0][0], y, POINTS, 2, 1, &data), LEHR_OK, "%s",
                 lehr_error());
    return data;
}

static lehr_objective *clouds_objective(const lehr_dataset *data)
{
    const lehr_network_spec network = {
        .hidden_count = 1, .hidden = {4}, .activation = LEHR_ACTIVATION_TANH, .bias = true};
    const lehr_loss_spec loss = {.kind = LEHR_LOSS_BINARY_CROSS_ENTROPY, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NORMAL, .scale = 3};
    lehr_objective *objective = NULL;
    cr_assert_eq(lehr_objective_create(&network, &loss, &prior, data, &objective), LEHR_OK, "%s",
                 lehr_error());
    return objective;
}

static lehr_run_spec small_spec(void)
{
    lehr_run_spec spec = lehr_run_spec_default();
    spec.ladder.rungs = 4;
    spec.ladder.min = 1e-3;
    spec.stop.scans = 400;
    spec.observe = 50;
    spec.threads = 1;
    return spec;
}

static lehr_run_summary run_to_end(const lehr_run_spec *spec, const lehr_objective *objective)
{
    lehr_run *run = NULL;
    cr_assert_eq(lehr_run_create(spec, objective, &run), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_run_go(run, NULL, NULL), LEHR_OK, "%s", lehr_error());
    lehr_run_summary summary;
    cr_assert_eq(lehr_run_summarize(run, &summary), LEHR_OK);
    lehr_run_destroy(&run);
    cr_assert_null(run);
    return summary;
}

Test(run, stops_for_each_reason_at_the_scan_that_the_rule_names)
{
    lehr_dataset *data = two_clouds(0.2);
    lehr_objective *objective = clouds_objective(data);
    struct {
        lehr_stop expected;
        int64_t scans;
        lehr_run_spec spec;
    } cases[6];
    for (int i = 0; i < 6; i++)
        cases[i].spec = small_spec();
    cases[0].expected = LEHR_STOP_SCANS, cases[0].scans = 400;
    cases[1].expected = LEHR_STOP_PROPOSALS, cases[1].scans = 13; /* 101 proposals of 8 rows */
    cases[1].spec.stop.proposals = 101;
    cases[2].expected = LEHR_STOP_TARGET, cases[2].scans = 50; /* the first look */
    cases[2].spec.stop.metric = LEHR_METRIC_TRAIN_ACCURACY, cases[2].spec.stop.value = 0.1;
    cases[3].expected = LEHR_STOP_TEMPERATURE, cases[3].scans = 77;
    cases[3].spec.method = LEHR_METHOD_ANNEALING, cases[3].spec.cooling.scans = 77;
    cases[4].expected = LEHR_STOP_WALL, cases[4].scans = -1;
    cases[4].spec.stop = (lehr_stop_spec){.wall_s = 1e-9};
    cases[5].expected = LEHR_STOP_FROZEN, cases[5].scans = 100; /* huge steps are never accepted */
    cases[5].spec.stop.frozen = 100, cases[5].spec.move_count = 1,
    cases[5].spec.moves[0].scale = 1e6;
    for (int i = 0; i < 6; i++) {
        const lehr_run_summary s = run_to_end(&cases[i].spec, objective);
        cr_assert_eq(s.stop, cases[i].expected, "case %d stopped by %d", i, (int)s.stop);
        if (cases[i].scans >= 0)
            cr_assert_eq(s.scans, cases[i].scans, "case %d: %lld scans", i, (long long)s.scans);
        cr_assert_eq(s.proposals, s.scans * s.rows);
    }
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(run, learns_two_clouds_and_scores_every_part)
{
    lehr_dataset *data = two_clouds(0.2);
    lehr_objective *objective = clouds_objective(data);
    const lehr_run_spec spec = small_spec();
    const lehr_run_summary s = run_to_end(&spec, objective);
    for (int part = 0; part < LEHR_PART_COUNT; part++)
        cr_assert_eq(s.best[part].accuracy, 1, "part %d: %g", part, s.best[part].accuracy);
    cr_assert(isnan(s.best[0].r2) && s.nonfinite == 0 && s.nonfinite_row == -1);
    cr_assert(s.best_scan > 0 && s.best_scan <= s.scans);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

/* best is the argmin of the validation loss over what was observed: its score is never beaten by a later one. */
static lehr_status never_worse(const lehr_observation *now, const lehr_run *run, void *data)
{
    double *lowest = data;
    (void)run;
    if (now->best_validation.loss > *lowest)
        return lehr_fail(LEHR_ERR_CALLBACK, "validation loss of best rose");
    *lowest = now->best_validation.loss;
    return LEHR_OK;
}

Test(run, best_never_gets_worse_on_the_part_that_chooses_it)
{
    lehr_dataset *data = two_clouds(0.2);
    lehr_objective *objective = clouds_objective(data);
    const lehr_run_spec spec = small_spec();
    lehr_run *run = NULL;
    double lowest = INFINITY;
    cr_assert_eq(lehr_run_create(&spec, objective, &run), LEHR_OK);
    cr_assert_eq(lehr_run_go(run, never_worse, &lowest), LEHR_OK, "%s", lehr_error());
    cr_assert(isfinite(lowest));
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

static lehr_status count_observations(const lehr_observation *now, const lehr_run *run, void *data)
{
    (void)now, (void)run;
    return ++*(int *)data == 3 ? lehr_fail(LEHR_ERR_CALLBACK, "enough") : LEHR_OK;
}

Test(run, passes_on_the_failure_of_an_observer)
{
    lehr_dataset *data = two_clouds(0);
    lehr_objective *objective = clouds_objective(data);
    const lehr_run_spec spec = small_spec();
    lehr_run *run = NULL;
    int calls = 0;
    cr_assert_eq(lehr_run_create(&spec, objective, &run), LEHR_OK);
    cr_assert_eq(lehr_run_go(run, count_observations, &calls), LEHR_ERR_CALLBACK);
    cr_assert_eq(calls, 3);
    cr_assert_str_eq(lehr_error(), "enough");
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

/* EXACT: without a validation part the lowest training energy of any row chooses. */
Test(run, without_validation_the_training_energy_chooses)
{
    lehr_dataset *data = two_clouds(0);
    lehr_objective *objective = clouds_objective(data);
    const lehr_run_spec spec = small_spec();
    const lehr_run_summary s = run_to_end(&spec, objective);
    cr_assert_eq(s.best[LEHR_PART_TRAIN].loss, s.energy_best);
    cr_assert(isnan(s.best[LEHR_PART_VALIDATION].loss));
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(run, starts_from_given_weights)
{
    lehr_dataset *data = two_clouds(0);
    lehr_objective *objective = clouds_objective(data);
    const lehr_run_spec spec = small_spec();
    lehr_run *run = NULL;
    cr_assert_eq(lehr_run_create(&spec, objective, &run), LEHR_OK);
    float theta[17], row[17];
    cr_assert_eq(lehr_objective_parameters(objective), 17);
    for (int i = 0; i < 17; i++)
        theta[i] = 0.01f * (float)i;
    cr_assert_eq(lehr_run_start_from(run, theta), LEHR_OK, "%s", lehr_error());
    double first, energy;
    cr_assert_eq(lehr_run_row(run, 0, row, &first, NULL), LEHR_OK);
    cr_assert_eq(memcmp(row, theta, sizeof row), 0);
    cr_assert_eq(lehr_run_row(run, 7, row, &energy, NULL), LEHR_OK);
    cr_assert_eq(energy, first);
    lehr_stop stop;
    cr_assert_eq(lehr_run_advance(run, 1, &stop), LEHR_OK);
    cr_assert_eq(lehr_run_start_from(run, theta), LEHR_ERR_ARG, "too late");
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(run, a_plan_says_what_the_run_then_is)
{
    lehr_dataset *data = two_clouds(0.2);
    lehr_objective *objective = clouds_objective(data);
    lehr_run_spec spec = small_spec();
    strcpy(spec.backend, "cpu");
    lehr_plan plan;
    cr_assert_eq(lehr_run_plan(&spec, objective, &plan), LEHR_OK, "%s", lehr_error());
    const lehr_run_summary summary = run_to_end(&spec, objective);
    cr_expect_eq(plan.rows, summary.rows);
    cr_expect_eq(plan.rungs, summary.rungs);
    cr_expect_eq(plan.copies, summary.copies);
    cr_expect_eq(plan.parameters, summary.parameters);
    cr_expect_eq(plan.units, summary.threads);
    cr_expect_eq(plan.scans, summary.scans);
    cr_expect_str_eq(plan.backend, summary.backend);
    cr_expect_str_eq(plan.device, summary.device);
    cr_expect_str_eq(plan.notice, "");
    cr_expect_eq(plan.parts, 1);
    cr_expect_eq(plan.multiply_adds, 36 * (2 * 4 + 4 * 1)); /* 60 points less a fifth, twice */
    cr_expect_geq(plan.table_bytes, (int64_t)(2 * sizeof(float)) * plan.rows * plan.parameters);
    cr_expect_eq(plan.device_bytes, 0);
    spec.stop = (lehr_stop_spec){.wall_s = 1};
    cr_assert_eq(lehr_run_plan(&spec, objective, &plan), LEHR_OK);
    cr_expect_eq(plan.scans, 0, "nobody knows");
    spec.exchange.every = 0;
    cr_expect_eq(lehr_run_plan(&spec, objective, &plan), LEHR_ERR_ARG);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(run, refuses_bad_specs)
{
    lehr_dataset *data = two_clouds(0);
    lehr_objective *objective = clouds_objective(data);
    struct {
        lehr_status status;
        const char *sentence;
        lehr_run_spec spec;
    } cases[9];
    for (int i = 0; i < 9; i++)
        cases[i].spec = small_spec(), cases[i].status = LEHR_ERR_ARG;
    cases[0].sentence = "at least 1 copy", cases[0].spec.copies = 0;
    cases[1].sentence = "too many rows", cases[1].spec.copies = 2000000000;
    cases[2].sentence = "between 0 and 1", cases[2].spec.adapt = 1.5;
    cases[3].sentence = "exchange.every", cases[3].spec.exchange.every = 0;
    cases[4].sentence = "at least one stop rule", cases[4].spec.stop = (lehr_stop_spec){0};
    cases[5].sentence = "backend cuda:4095: ", cases[5].status = LEHR_ERR_DEVICE;
    strcpy(cases[5].spec.backend, "cuda:4095");
    cases[6].sentence = "population", cases[6].status = LEHR_ERR_UNSUPPORTED;
    cases[6].spec.method = LEHR_METHOD_POPULATION;
    cases[7].sentence = "numerics: fast", cases[7].status = LEHR_ERR_UNSUPPORTED;
    cases[7].spec.numerics = LEHR_NUMERICS_FAST;
    strcpy(cases[7].spec.backend, "cpu");
    cases[8].sentence = "backend must be", strcpy(cases[8].spec.backend, "tpu");
    for (int i = 0; i < 9; i++) {
        lehr_run *run = NULL;
        cr_assert_eq(lehr_run_create(&cases[i].spec, objective, &run), cases[i].status, "case %d",
                     i);
        cr_assert(strstr(lehr_error(), cases[i].sentence), "case %d: %s", i, lehr_error());
        cr_assert_null(run);
    }
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(run, allocates_nothing_in_the_loop)
{
    lehr_dataset *data = two_clouds(0.2);
    lehr_objective *objective = clouds_objective(data);
    lehr_run_spec spec = small_spec();
    spec.threads = 2;
    lehr_run *run = NULL;
    cr_assert_eq(lehr_run_create(&spec, objective, &run), LEHR_OK);
    const int64_t before = lehr_memory_count();
    cr_assert_eq(lehr_run_go(run, NULL, NULL), LEHR_OK);
    cr_assert_eq(lehr_memory_count(), before);
    cr_assert(before > 5, "the count counts");
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

Test(run, survives_the_failure_of_every_allocation)
{
    lehr_dataset *data = two_clouds(0.2);
    lehr_objective *objective = clouds_objective(data);
    const lehr_run_spec spec = small_spec();
    int failures = 0;
    for (int n = 1;; n++) {
        lehr_run *run = NULL;
        lehr_memory_fail_at(n);
        const lehr_status status = lehr_run_create(&spec, objective, &run);
        lehr_memory_fail_at(0);
        if (status == LEHR_OK) {
            lehr_run_destroy(&run);
            break;
        }
        cr_assert_eq(status, LEHR_ERR_MEMORY, "allocation %d: %s", n, lehr_error());
        cr_assert_null(run);
        failures++;
    }
    cr_assert(failures > 5);
    lehr_objective_destroy(&objective);
    lehr_dataset_destroy(&data);
}

static lehr_status sum_of_weights(const float *theta, int32_t rows, int32_t parameters,
                                  double *energy, void *data)
{
    (void)data;
    for (int32_t r = 0; r < rows; r++) {
        energy[r] = 0;
        for (int32_t i = 0; i < parameters; i++)
            energy[r] += theta[r * parameters + i];
    }
    return LEHR_OK;
}

/* SIGMA(5), 2 checks per kind, fixed seed: 8 rows x 4,000 weights; a ternary weight has variance 2/3. */
Test(run, draws_discrete_weights_evenly_and_zeros_when_asked)
{
    static const struct {
        lehr_weights weights;
        lehr_init init;
        double variance;
    } cases[] = {
        {LEHR_WEIGHTS_BINARY, LEHR_INIT_NORMAL, 1},
        {LEHR_WEIGHTS_TERNARY, LEHR_INIT_NORMAL, 2.0 / 3},
        {LEHR_WEIGHTS_TERNARY, LEHR_INIT_ZERO, 0},
    };
    enum { P = 4000, ROWS = 8 };
    static float theta[P];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const lehr_callback_spec callback = {.parameters = P,
                                             .weights = cases[i].weights,
                                             .init = cases[i].init,
                                             .energy = sum_of_weights};
        lehr_objective *objective = NULL;
        cr_assert_eq(lehr_objective_create_callback(&callback, NULL, &objective), LEHR_OK, "%s",
                     lehr_error());
        lehr_run_spec spec = small_spec();
        spec.move_count = 1;
        spec.moves[0] = (lehr_move_spec){.kind = LEHR_MOVE_FLIP, .k = 1, .weight = 1};
        lehr_run *run = NULL;
        cr_assert_eq(lehr_run_create(&spec, objective, &run), LEHR_OK, "%s", lehr_error());
        double sum = 0, squares = 0;
        for (int32_t r = 0; r < ROWS; r++) {
            cr_assert_eq(lehr_run_row(run, r, theta, NULL, NULL), LEHR_OK);
            for (int p = 0; p < P; p++) {
                cr_assert(theta[p] == 1 || theta[p] == -1 ||
                          (theta[p] == 0 && cases[i].variance < 1));
                sum += theta[p];
                squares += theta[p] * theta[p];
            }
        }
        const double n = ROWS * P, sd = sqrt(cases[i].variance * n);
        cr_assert(fabs(sum) <= 5 * sd, "case %zu: sum %g", i, sum);
        cr_assert(fabs(squares - cases[i].variance * n) <= 5 * sqrt(2.0 / 9 * n), "case %zu: %g", i,
                  squares);
        lehr_run_destroy(&run);
        lehr_objective_destroy(&objective);
    }
}
