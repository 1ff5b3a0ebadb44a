/* configs/line.yaml: the smallest network finds the least-squares line. */
#include <criterion/criterion.h>
#include <math.h>

#include "lehr/lehr.h"

/* Slope and intercept that minimize the squared error, by the normal equations in double. */
static void least_squares(const lehr_dataset *data, double *slope, double *intercept)
{
    const int64_t n = lehr_dataset_describe(data).points[LEHR_PART_TRAIN];
    const float *x = lehr_dataset_inputs(data, LEHR_PART_TRAIN),
                *y = lehr_dataset_targets(data, LEHR_PART_TRAIN);
    double sx = 0, sy = 0, sxx = 0, sxy = 0;
    for (int64_t i = 0; i < n; i++) {
        sx += x[i];
        sy += y[i];
        sxx += (double)x[i] * x[i];
        sxy += (double)x[i] * y[i];
    }
    *slope = ((double)n * sxy - sx * sy) / ((double)n * sxx - sx * sx);
    *intercept = (sy - *slope * sx) / (double)n;
}

/* Tolerance 1e-2 from the goal of this config: T_min = 1e-6 gives a posterior spread of some 1e-3. */
Test(line, ends_within_1e_2_of_the_least_squares_solution)
{
    lehr_config config;
    cr_assert_eq(lehr_config_load(LEHR_SOURCE_DIR "/configs/line.yaml", NULL, 0, &config), LEHR_OK,
                 "%s", lehr_error());
    for (uint64_t seed = 1; seed <= 5; seed++) {
        config.run.seed = config.data.split_seed = seed;
        lehr_dataset *data = NULL;
        lehr_objective *objective = NULL;
        lehr_run *run = NULL;
        cr_assert_eq(lehr_dataset_create(&config.data, &data), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(
            lehr_objective_create(&config.network, &config.loss, &config.prior, data, &objective),
            LEHR_OK);
        cr_assert_eq(lehr_run_create(&config.run, objective, &run), LEHR_OK);
        cr_assert_eq(lehr_run_go(run, NULL, NULL), LEHR_OK);
        double slope, intercept;
        float theta[2];
        least_squares(data, &slope, &intercept);
        cr_assert_eq(lehr_run_best(run, theta), LEHR_OK);
        cr_assert(fabs(theta[0] - slope) < 1e-2 && fabs(theta[1] - intercept) < 1e-2,
                  "seed %d: found %g x %+g, least squares %g x %+g", (int)seed, (double)theta[0],
                  (double)theta[1], slope, intercept);
        cr_assert(fabs(slope - 2) < 0.2, "the data are a line of slope 2, got %g", slope);
        lehr_run_destroy(&run);
        lehr_objective_destroy(&objective);
        lehr_dataset_destroy(&data);
    }
}
