/* Forbidden states: an energy that is not a finite number rejects the move, so the law is
 * Boltzmann's on the other states. Ising 4x4 through a callback, where states with spins 0 and 1
 * opposed have no energy: NaN when spin 0 is up, else minus infinity, plus infinity when spin 2
 * is up too.
 *
 * p > 1e-6, SIGMA(5), fixed seed, 3 rungs x 2 checks; EXACT for what is counted.
 * Planted: swap_sign, swap_no_ratio, swap_copy, swap_half, swap_half_uphill, swap_greedy,
 * accept_90, uniform_8bit, shared_randoms, accept_site_same_bits. */
#include <criterion/criterion.h>
#include <math.h>

#include "support/systems.h"

enum { RUNGS = 3 };
static const double betas[RUNGS] = {0.4, 0.3, 0.2};

typedef struct forbidding {
    law_counted *spins;
    int64_t refused; /* energies given that are not finite */
    bool forbid;     /* not while the engine draws the first weights: it knows of no rule */
} forbidding;

static bool forbidden(int32_t state)
{
    return ((state ^ state >> 1) & 1) != 0;
}

static double bad_energy(int32_t state)
{
    if (state & 1)
        return NAN;
    return state & 4 ? INFINITY : -INFINITY;
}

static lehr_status energy(const float *theta, int32_t rows, int32_t parameters, double *out,
                          void *data)
{
    forbidding *f = data;
    for (int32_t r = 0; r < rows; r++) {
        const int32_t state = law_encode(f->spins, theta + (size_t)r * (size_t)parameters);
        const bool bad = f->forbid && forbidden(state);
        out[r] = bad ? bad_energy(state) : f->spins->energy[state];
        f->refused += bad;
    }
    return LEHR_OK;
}

/* A law_draw: exact draws until one is allowed. */
static void allowed_draw(stats_rng *rng, double beta, const void *system, float *theta)
{
    do
        law_counted_draw(rng, beta, system, theta);
    while (theta[0] != theta[1]);
}

static void check_rung(const law_counted *spins, const lehr_run *run, int32_t rung)
{
    int64_t count[LAW_LEVELS] = {0};
    double law[LAW_LEVELS] = {0}, mean = 0, z = 0;
    for (int32_t state = 0; state < spins->states; state++) {
        const double e = spins->energy[state], w = exp(-law_beta(run, rung) * e);
        if (forbidden(state))
            continue;
        law[spins->energy[state] - spins->lowest] += w;
        mean += w * e;
        z += w;
    }
    for (int32_t c = 0; c < run->spec.copies; c++) {
        cr_assert(!forbidden(law_encode(spins, law_theta(run, c, rung))),
                  "copy %d stands in a forbidden state", c);
        count[(int)law_energy(run, c, rung) - spins->lowest]++;
    }
    const double p = stats_chi2_counts(count, law, LAW_LEVELS, NULL);
    cr_expect(p > LEAST_P, "rung %d: energies, p %.2g", rung, p);
    const stats_moments m = law_energies(run, rung);
    cr_expect(fabs(stats_z(&m, mean / z)) < SIGMA(5), "rung %d: mean energy %g instead of %g", rung,
              m.mean, mean / z);
}

Test(forbidden, states_without_a_finite_energy_are_never_entered)
{
    enum { SCANS = 64 };
    forbidding f = {.spins = law_counted_create(LAW_SPINS)};
    const lehr_callback_spec callback = {
        .parameters = 16, .weights = LEHR_WEIGHTS_BINARY, .energy = energy, .data = &f};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NONE, .scale = 1};
    lehr_objective *objective = NULL;
    LAW_NEEDS(lehr_objective_create_callback(&callback, &prior, &objective));
    lehr_run_spec spec = law_spec(betas, RUNGS, SAMPLES(16384), SCANS);
    spec.move_count = 2;
    spec.moves[0] = (lehr_move_spec){.kind = LEHR_MOVE_FLIP, .k = 1, .weight = 1};
    spec.moves[1] = (lehr_move_spec){.kind = LEHR_MOVE_FLIP, .k = 2, .weight = 1};
    lehr_run *run = law_open(&spec, objective);
    f.forbid = true;
    law_start(run, allowed_draw, f.spins, 81);
    f.refused = 0;
    law_advance(run, SCANS);
    for (int32_t t = 0; t < RUNGS; t++)
        check_rung(f.spins, run, t);
    lehr_run_summary summary;
    LAW_NEEDS(lehr_run_summarize(run, &summary));
    cr_expect_eq(summary.nonfinite, f.refused, "%lld counted, %lld given",
                 (long long)summary.nonfinite, (long long)f.refused);
    cr_expect(f.refused > summary.proposals / 20 && summary.nonfinite_row >= 0);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
    law_counted_destroy(&f.spins);
}
