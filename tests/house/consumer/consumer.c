/* consumer.c: temper a function of one's own: E = |theta - 1|^2 over four parameters, lowest at 0. */
#include <lehr/lehr.h>
#include <stdio.h>

static lehr_status energy(const float *theta, int32_t rows, int32_t parameters, double *out,
                          void *data)
{
    (void)data;
    for (int32_t r = 0; r < rows; r++) {
        out[r] = 0;
        for (int32_t p = 0; p < parameters; p++)
            out[r] += (theta[r * parameters + p] - 1.0) * (theta[r * parameters + p] - 1.0);
    }
    return LEHR_OK;
}

int main(void)
{
    const lehr_callback_spec callback = {.parameters = 4, .energy = energy};
    const lehr_prior_spec flat = {.kind = LEHR_PRIOR_NONE, .scale = 1};
    lehr_run_spec spec = lehr_run_spec_default();
    spec.seed = 1;
    spec.move_count = 1; /* the first kind: normal steps on all parameters */
    spec.stop.scans = 2000;
    spec.ladder = (lehr_ladder_spec){.rungs = 4, .min = 1e-4, .max = 1e-1};
    spec.copies = 1;

    lehr_objective *objective = NULL;
    lehr_run *run = NULL;
    lehr_run_summary summary = {.energy_best = 1};
    lehr_status status = lehr_objective_create_callback(&callback, &flat, &objective);
    if (status == LEHR_OK)
        status = lehr_run_create(&spec, objective, &run);
    if (status == LEHR_OK)
        status = lehr_run_go(run, NULL, NULL);
    if (status == LEHR_OK)
        status = lehr_run_summarize(run, &summary);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);

    printf("lehr %s (%s): best energy %g after %lld scans\n", lehr_version(), lehr_commit(),
           summary.energy_best, (long long)summary.scans);
    if (status != LEHR_OK)
        fprintf(stderr, "%s\n", lehr_error());
    return status != LEHR_OK || summary.scans != 2000 || !(summary.energy_best < 1e-3);
}
