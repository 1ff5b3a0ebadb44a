/* Step sizes belong to rungs: each rung learns its own, keeps it when replicas pass through, and
 * after the freeze the acceptance on every rung is the one asked for.
 *
 * The quadratic target looks the same on every rung when lengths are measured in sqrt(T), so ln
 * sigma must differ between rungs by ln(T ratio)/2. SIGMA(5) over copies plus a stated bias,
 * fixed seed, 5 rungs x 2 moves x 2 checks.
 * Planted: step_stays_with_row, beta_stays_with_row. */
#include <criterion/criterion.h>
#include <math.h>

#include "support/systems.h"

enum { RUNGS = 5, MOVES = 2, D = 12, SCANS = 6000, EVERY = 5 };
static const double betas[RUNGS] = {16, 8, 4, 2, 1};
static const double targets[MOVES] = {0.3, 0.44};

/* Mean over copies of ln sigma, and of acceptance since the counters were noted. */
static double log_step(const lehr_run *run, int32_t copy, int32_t rung, int32_t move)
{
    return run->pack->table->log_step[(copy * RUNGS + rung) * MOVES + move];
}

static void check_ratios(const lehr_run *run)
{
    for (int32_t m = 0; m < MOVES; m++)
        for (int32_t t = 0; t + 1 < RUNGS; t++) {
            stats_moments difference = {0};
            for (int32_t c = 0; c < run->spec.copies; c++)
                stats_add(&difference, log_step(run, c, t + 1, m) - log_step(run, c, t, m));
            const double z = stats_z(&difference, 0.5 * log(betas[t] / betas[t + 1]));
            cr_expect(fabs(z) < SIGMA(5),
                      "move %d, rungs %d and %d: ln sigma differs by %.4f, z %.1f", m, t, t + 1,
                      difference.mean, z);
            cr_expect(stats_error(&difference) < 0.02 * sqrt(SAMPLES_CUT), "too coarse: %g",
                      stats_error(&difference));
        }
}

/* Acceptance is not linear in ln sigma, whose spread after 600 updates is about 0.1: that biases
 * it by less than 0.005. */
static void check_acceptance(const lehr_run *run, const int64_t *proposed, const int64_t *accepted)
{
    for (int32_t m = 0; m < MOVES; m++)
        for (int32_t t = 0; t < RUNGS; t++) {
            stats_moments rate = {0};
            for (int32_t c = 0; c < run->spec.copies; c++) {
                const int32_t i = (c * RUNGS + t) * MOVES + m;
                stats_add(&rate, (double)(run->pack->table->accepted[i] - accepted[i]) /
                                     (double)(run->pack->table->proposed[i] - proposed[i]));
            }
            cr_expect(fabs(rate.mean - targets[m]) < SIGMA(5) * stats_error(&rate) + 0.005,
                      "move %d, rung %d: acceptance %.4f +- %.4f instead of %g", m, t, rate.mean,
                      stats_error(&rate), targets[m]);
            cr_expect(stats_error(&rate) < 0.004 * sqrt(SAMPLES_CUT), "too coarse: %g",
                      stats_error(&rate));
        }
}

Test(steps, every_rung_learns_its_own_step_and_keeps_it)
{
    const lehr_target_spec target = {.kind = LEHR_TARGET_QUADRATIC, .parameters = D};
    lehr_objective *objective = NULL;
    LAW_NEEDS(lehr_objective_create_target(&target, &objective));
    lehr_run_spec spec = law_spec(betas, RUNGS, SAMPLES(128), SCANS);
    spec.adapt = 0.5;
    spec.exchange.every = EVERY;
    spec.move_count = MOVES;
    spec.moves[0] = (lehr_move_spec){LEHR_MOVE_GAUSSIAN, LEHR_SCOPE_ALL, 1, 4, 0, 0, targets[0], 1};
    spec.moves[1] = (lehr_move_spec){LEHR_MOVE_UNIFORM, LEHR_SCOPE_SPARSE, 1, 4, 0, 0, 0, 1};
    lehr_run *run = law_open(&spec, objective);
    law_advance(run, SCANS / 2);
    int64_t proposed[128 * RUNGS * MOVES], accepted[128 * RUNGS * MOVES];
    double frozen[128 * RUNGS * MOVES];
    const int32_t steps = spec.copies * RUNGS * MOVES;
    for (int32_t i = 0; i < steps; i++) {
        proposed[i] = run->pack->table->proposed[i];
        accepted[i] = run->pack->table->accepted[i];
        frozen[i] = run->pack->table->log_step[i];
    }
    law_advance(run, SCANS / 2);
    for (int32_t i = 0; i < steps; i++)
        cr_assert_eq(run->pack->table->log_step[i], frozen[i], "a frozen step moved"); /* EXACT */
    check_ratios(run);
    check_acceptance(run, proposed, accepted);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}
