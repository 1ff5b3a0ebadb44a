/* The CPU backend's bookkeeping, memory, refusals and scores. */
#include "core/network.h"
#include "core/sum.h"
#include "core/target.h"
#include "core/temper.h"
#include "cpu/cpu_world.h"

static const world_spec spirals = {.layers = 3,
                                   .size = {2, 16, 16, 1},
                                   .activation = LEHR_ACTIVATION_TANH,
                                   .loss = LEHR_LOSS_BINARY_CROSS_ENTROPY,
                                   .points = 200,
                                   .rungs = 5,
                                   .copies = 3,
                                   .every = 2,
                                   .adapt_scans = 40};

static void *open_world(world *w, int threads)
{
    void *state = NULL;
    cr_assert_eq(lehr_backend_cpu.open(&(lehr_backend_options){.threads = threads}, &w->problem,
                                       &w->table, &state),
                 LEHR_OK, "%s", lehr_error());
    cr_assert_eq(lehr_backend_cpu.start(state), LEHR_OK, "%s", lehr_error());
    return state;
}

/* ---- Swaps ------------------------------------------------------------------------------------- */

static void check_permutation(const lehr_table *t)
{
    const lehr_group *g = t->group;
    for (int slot = 0; slot < g->rows; slot++) {
        const int row = t->slot_row[slot];
        cr_assert(row >= 0 && row < g->rows);
        cr_assert_eq(row / g->rungs, slot / g->rungs, "a row left its copy");
        cr_assert_eq(t->rung[row], slot % g->rungs, "rung and slot_row disagree");
    }
}

/* Weights stay where they are when rungs are exchanged: a scan that changes no weight but swaps. */
Test(backend, exchange_moves_labels_and_never_weights)
{
    world w = world_create(spirals);
    for (int s = 0; s < w.table.rows; s++)
        w.table.log_step[s] = -30;
    w.table.group->adapt_scans = 0;
    void *state = open_world(&w, 2);
    float *before = world_array((size_t)w.table.rows, sizeof *before);
    for (int r = 0; r < w.table.rows; r++)
        before[r] = w.table.theta[r * w.table.parameters];
    int64_t attempts = 0, moved = 0;
    for (uint64_t scan = 0; scan < 40; scan++) {
        lehr_backend_cpu.slice(state, scan, 1);
        check_permutation(&w.table);
    }
    for (int r = 0; r < w.table.rows; r++) {
        cr_assert_float_eq(before[r], w.table.theta[r * w.table.parameters], 1e-5);
        attempts += w.table.swap_count[r];
        moved += w.table.rung[r] != r % 5;
    }
    cr_assert_eq(attempts, 20 * 2 * 3, "20 exchanges of 2 pairs (5 rungs) in 3 copies");
    cr_assert_gt(moved, 0);
    free(before);
    lehr_backend_cpu.close(&state);
    world_destroy(&w);
}

Test(backend, deterministic_parity_alternates_and_probabilities_add_up)
{
    world_spec spec = spirals;
    spec.every = 1;
    world w = world_create(spec);
    void *state = open_world(&w, 1);
    lehr_backend_cpu.slice(state, 0, 1);
    cr_assert_eq(w.table.swap_count[0] + w.table.swap_count[2], 2);
    cr_assert_eq(w.table.swap_count[1] + w.table.swap_count[3], 0);
    lehr_backend_cpu.slice(state, 1, 1);
    cr_assert_eq(w.table.swap_count[1] + w.table.swap_count[3], 2);
    lehr_backend_cpu.slice(state, 2, 30);
    for (int slot = 0; slot < w.table.rows; slot++) {
        cr_assert(w.table.swap_sum[slot] >= 0 &&
                  w.table.swap_sum[slot] <= (double)w.table.swap_count[slot]);
        cr_assert_eq(w.table.swap_count[slot], slot % 5 == 4 ? 0 : 16);
    }
    lehr_backend_cpu.close(&state);
    world_destroy(&w);
}

/* Round trips cold-hot-cold of one replica whose every swap is accepted. */
static int free_trips(int start, int rungs, int exchanges)
{
    int at = start, reached_hot = 0, has_been_cold = start == 0, trips = 0;
    for (int e = 0; e < exchanges; e++) {
        const int partner = at % 2 == e % 2 ? at + 1 : at - 1;
        at = partner >= 0 && partner < rungs ? partner : at;
        if (at == rungs - 1)
            reached_hot = has_been_cold;
        if (at != 0)
            continue;
        trips += reached_hot;
        reached_hot = 0;
        has_been_cold = 1;
    }
    return trips;
}

/* Equal temperatures always swap: then every replica's way is known. */
Test(backend, round_trips_are_counted_exactly)
{
    enum { EXCHANGES = 64 };
    for (int rungs = 2; rungs <= 5; rungs++) {
        world w = world_create((world_spec){.target = LEHR_TARGET_QUADRATIC,
                                            .parameters = 1,
                                            .rungs = rungs,
                                            .copies = 2,
                                            .every = 1});
        for (int r = 0; r < rungs; r++)
            w.table.beta[r] = 1.0;
        void *state = open_world(&w, 1);
        lehr_backend_cpu.slice(state, 0, EXCHANGES);
        for (int row = 0; row < w.table.rows; row++)
            cr_assert_eq(w.table.trips[row], free_trips(row % rungs, rungs, EXCHANGES),
                         "row %d of %d rungs", row, rungs);
        lehr_backend_cpu.close(&state);
        world_destroy(&w);
    }
}

/* ---- Proposals --------------------------------------------------------------------------------- */

Test(backend, counts_energies_and_best_agree)
{
    world w = world_create(spirals);
    lehr_table *t = &w.table;
    void *state = open_world(&w, 2);
    lehr_backend_cpu.slice(state, 0, 30);
    int64_t proposed = 0, accepted = 0, accepts = 0;
    for (int r = 0; r < t->rows; r++) {
        cr_assert_leq(t->best_energy[r], t->energy[r]);
        cr_assert(t->best_scan[r] >= 0 && t->best_scan[r] <= 30);
        cr_assert_eq(t->proposed[r], 30);
        cr_assert_eq(t->step_updates[r], 15);
        proposed += t->proposed[r], accepted += t->accepted[r], accepts += t->accepts[r];
    }
    cr_assert_eq(accepted, accepts);
    cr_assert(accepted > 0 && accepted < proposed);
    /* EXACT: energies belong to the weights that are kept. */
    lehr_evaluation out[15], best[15];
    cr_assert_eq(lehr_backend_cpu.evaluate(state, LEHR_PART_TRAIN, t->theta, t->rows, out),
                 LEHR_OK);
    cr_assert_eq(lehr_backend_cpu.evaluate(state, LEHR_PART_TRAIN, t->best, t->rows, best),
                 LEHR_OK);
    for (int r = 0; r < t->rows; r++) {
        cr_assert_eq(memcmp(&out[r].loss, &t->energy[r], sizeof(double)), 0);
        cr_assert_eq(memcmp(&best[r].loss, &t->best_energy[r], sizeof(double)), 0);
    }
    lehr_backend_cpu.close(&state);
    world_destroy(&w);
}

static lehr_status sometimes_nan(const float *theta, int32_t rows, int32_t parameters,
                                 double *energy, void *data)
{
    (void)data;
    for (int32_t r = 0; r < rows; r++) {
        const double x = (double)theta[r * parameters];
        energy[r] = x > 1.0 ? (double)NAN : x < -1.0 ? -(double)INFINITY : 0.5 * x * x;
    }
    return LEHR_OK;
}

Test(backend, nonfinite_energies_are_rejected_and_counted)
{
    world w = world_create((world_spec){
        .target = LEHR_TARGET_CALLBACK, .parameters = 1, .rungs = 2, .callback = sometimes_nan});
    w.table.log_step[0] = w.table.log_step[1] = 0;
    void *state = open_world(&w, 1);
    for (uint64_t scan = 0; scan < 100; scan++) {
        lehr_backend_cpu.slice(state, scan, 1);
        for (int r = 0; r < 2; r++) {
            cr_assert(fabsf(w.table.theta[r]) <= 1.0f);
            cr_assert(isfinite(w.table.energy[r]) && w.table.best_energy[r] >= 0);
        }
    }
    cr_assert(w.table.nonfinite[0] > 10 && w.table.nonfinite[0] < 100);
    lehr_backend_cpu.close(&state);
    world_destroy(&w);
}

Test(backend, step_sizes_follow_acceptance_until_frozen)
{
    world w = world_create(spirals);
    void *state = open_world(&w, 1);
    lehr_backend_cpu.slice(state, 0, 40);
    double frozen[15];
    memcpy(frozen, w.table.log_step, sizeof frozen);
    cr_assert_neq(frozen[0], -1.5);
    lehr_backend_cpu.slice(state, 40, 40);
    cr_assert_eq(memcmp(frozen, w.table.log_step, sizeof frozen), 0,
                 "steps moved after adapt_scans");
    cr_assert_eq(w.table.step_updates[0], 20);
    lehr_backend_cpu.close(&state);
    world_destroy(&w);
}

Test(backend, flips_keep_the_kind_of_weights)
{
    for (int kind = LEHR_WEIGHTS_BINARY; kind <= LEHR_WEIGHTS_TERNARY; kind++) {
        world w = world_create((world_spec){.layers = 2,
                                            .size = {4, 5, 1},
                                            .activation = LEHR_ACTIVATION_SIGN,
                                            .loss = LEHR_LOSS_ZERO_ONE,
                                            .points = 16,
                                            .rungs = 2,
                                            .weights = kind,
                                            .moves = 1,
                                            .move = {{.kind = LEHR_MOVE_FLIP, .k = 2}}});
        void *state = open_world(&w, 1);
        lehr_backend_cpu.slice(state, 0, 200);
        int zeros = 0;
        for (int i = 0; i < 2 * w.table.parameters; i++) {
            const float x = w.table.theta[i];
            cr_assert(x == 1 || x == -1 || (x == 0 && kind == LEHR_WEIGHTS_TERNARY));
            zeros += x == 0;
        }
        cr_assert_eq(zeros > 0, kind == LEHR_WEIGHTS_TERNARY);
        cr_assert_gt(w.table.accepts[0], 20);
        lehr_backend_cpu.close(&state);
        world_destroy(&w);
    }
}

/* ---- Scores ------------------------------------------------------------------------------------ */

/* EXACT against point by point, for one row (chunks over threads) and many (rows over threads). */
Test(backend, evaluate_equals_the_definition)
{
    world w = world_create((world_spec){.layers = 2,
                                        .size = {3, 8, 4},
                                        .activation = LEHR_ACTIVATION_RELU,
                                        .loss = LEHR_LOSS_CROSS_ENTROPY,
                                        .points = 3000,
                                        .rungs = 4});
    const lehr_energy_args *e = &w.problem.args;
    void *state = open_world(&w, 3);
    lehr_evaluation all[4], one;
    cr_assert_eq(lehr_backend_cpu.evaluate(state, LEHR_PART_VALIDATION, w.table.theta, 4, all),
                 LEHR_OK);
    for (int r = 0; r < 4; r++) {
        const float *theta = w.table.theta + r * w.table.parameters;
        float *loss = world_array(3000, sizeof *loss), a[8], b[8];
        int hits = 0;
        for (int n = 0; n < 3000; n++) {
            const float *z = lehr_network_point(&e->network, theta, w.inputs + n * 3, a, b);
            loss[n] = lehr_loss_point(e->loss, lehr_loss_prepare(e), 4, z, w.targets + n, 1);
            hits += (int)lehr_hit_point(e->loss, 4, z, w.targets + n, 1);
        }
        cr_assert_eq(lehr_backend_cpu.evaluate(state, LEHR_PART_VALIDATION, theta, 1, &one),
                     LEHR_OK);
        cr_assert_eq(all[r].loss, lehr_sum(loss, 3000) / 3000);
        cr_assert_eq(all[r].hits, hits);
        cr_assert(one.loss == all[r].loss && one.hits == all[r].hits);
        free(loss);
    }
    cr_assert_eq(lehr_backend_cpu.evaluate(state, LEHR_PART_TEST, w.table.theta, 1, &one),
                 LEHR_ERR_ARG);
    lehr_backend_cpu.close(&state);
    world_destroy(&w);
}

/* ---- Memory and refusals ----------------------------------------------------------------------- */

Test(backend, slices_and_scores_allocate_nothing)
{
    world_spec called = {
        .target = LEHR_TARGET_CALLBACK, .parameters = 1, .rungs = 2, .callback = sometimes_nan};
    world_spec specs[2] = {spirals, called};
    for (int i = 0; i < 2; i++) {
        world w = world_create(specs[i]);
        void *state = open_world(&w, 2);
        lehr_evaluation out;
        const int64_t before = lehr_memory_count();
        lehr_backend_cpu.slice(state, 0, 20);
        lehr_backend_cpu.evaluate(state, LEHR_PART_TRAIN, w.table.theta, 1, &out);
        cr_assert_eq(lehr_memory_count(), before);
        lehr_backend_cpu.close(&state);
        world_destroy(&w);
    }
}

/* Leaks of the failed calls are the sanitizer's to see. */
Test(backend, open_survives_every_failed_allocation)
{
    world w = world_create(spirals);
    int64_t needed = lehr_memory_count();
    void *state = open_world(&w, 3);
    needed = lehr_memory_count() - needed;
    lehr_backend_cpu.close(&state);
    cr_assert_gt(needed, 10);
    for (int64_t n = 1; n <= needed; n++) {
        lehr_memory_fail_at(n);
        cr_assert_eq(lehr_backend_cpu.open(&(lehr_backend_options){.threads = 3}, &w.problem,
                                           &w.table, &state),
                     LEHR_ERR_MEMORY, "allocation %d of %d", (int)n, (int)needed);
        cr_assert_null(state);
    }
    lehr_memory_fail_at(0);
    float out[2];
    for (int64_t n = 1; n <= 2; n++) {
        lehr_memory_fail_at(n);
        cr_assert_eq(lehr_forward(&w.problem.args.network, w.table.theta, w.inputs, 2, out),
                     LEHR_ERR_MEMORY);
    }
    lehr_memory_fail_at(0);
    world_destroy(&w);
}

Test(backend, refuses_what_it_cannot_run)
{
    world w = world_create(spirals);
    const lehr_backend *b = &lehr_backend_cpu;
    const lehr_backend_options exact = {0}, fast = {.numerics = LEHR_NUMERICS_FAST};
    cr_assert_eq(b->supports(&fast, &w.problem, &w.table), LEHR_ERR_UNSUPPORTED);
    cr_assert_str_eq(lehr_error(), "numerics: fast needs the CUDA backend");
    w.table.group->move[0].kind = LEHR_MOVE_FLIP;
    cr_assert_eq(b->supports(&exact, &w.problem, &w.table), LEHR_ERR_UNSUPPORTED);
    w.problem.args.weights = LEHR_WEIGHTS_BINARY;
    cr_assert_eq(b->supports(&exact, &w.problem, &w.table), LEHR_OK);
    w.table.group->move[0].kind = LEHR_MOVE_GAUSSIAN;
    cr_assert_eq(b->supports(&exact, &w.problem, &w.table), LEHR_ERR_UNSUPPORTED);
    void *state = NULL;
    static const int tiles[] = {8, 24, 48, 2048, 17};
    for (int i = 0; i < 5; i++)
        cr_assert_eq(
            b->open(&(lehr_backend_options){.point_tile = tiles[i]}, &w.problem, &w.table, &state),
            LEHR_ERR_ARG);
    cr_assert_null(state);
    w.problem.args.target = LEHR_TARGET_CALLBACK;
    cr_assert_eq(b->supports(&exact, &w.problem, &w.table), LEHR_ERR_UNSUPPORTED);
    world_destroy(&w);
}

Test(backend, failed_start_changes_nothing)
{
    world w = world_create(spirals);
    void *state = open_world(&w, 2);
    const double before = w.table.energy[0];
    w.table.theta[0] += 1;
    w.table.theta[7 * w.table.parameters] = NAN;
    cr_assert_eq(lehr_backend_cpu.start(state), LEHR_ERR_NUMERIC);
    cr_assert_not_null(strstr(lehr_error(), "row 7"), "%s", lehr_error());
    cr_assert_eq(w.table.energy[0], before);
    lehr_backend_cpu.close(&state);
    world_destroy(&w);
}

Test(backend, describes_the_machine)
{
    lehr_device_info info;
    cr_assert_eq(lehr_backend_cpu.device_count(NULL), 1);
    lehr_backend_cpu.describe(0, &info);
    cr_assert_str_eq(info.backend, "cpu");
    cr_assert(info.usable && info.threads >= 1 && info.memory_bytes > 1000000);
    cr_assert(strlen(info.name) > 0 && strlen(info.detail) > 0);
}
