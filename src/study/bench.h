/* bench.h: how fast proposals are made, against the bound of the machine: `lehr bench speed`.
 * All of it times the CPU backend, but for lehr_bench_device.
 *
 * A time says little on a shared machine, so every figure is a ratio taken inside one
 * repetition: the rate of one thread over the bound from the FMA peak measured just before and
 * after it, and the rate of two threads over that of one. Repetitions alternate the three, and
 * the medians of the ratios are reported. What one core does is counted per second that it was
 * ours; two threads against one by the clock on the wall. */
#ifndef LEHR_STUDY_BENCH_H
#define LEHR_STUDY_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lehr/objective.h"
#include "lehr/study.h"

/* ---- What a proposal costs (bench_case.c) ---------------------------------------------------- */

typedef struct lehr_bench_cost {
    int64_t points;      /* N */
    int64_t parameters;  /* P */
    int64_t activations; /* tanh or sigmoid values per proposal: N times the hidden units */
    double flop;         /* of the matrix products: 2 N sum(in*out) */
} lehr_bench_cost;

/* Proposals per second that one core cannot pass, at a peak of `peak` FLOP/s. The one place of the
 * formula. */
double lehr_bench_bound(const lehr_bench_cost *cost, double peak);

/* ---- What is measured (bench_case.c) --------------------------------------------------------- */

/* A network on data, ready to run; every move perturbs all parameters. */
typedef struct lehr_bench_case {
    char name[LEHR_NAME_MAX];
    char shape[LEHR_NAME_MAX]; /* "2-16-16-1 tanh" */
    lehr_bench_cost cost;
    int32_t rows; /* of the runs that are timed */
    lehr_dataset *data;
    lehr_objective *objective;
} lehr_bench_case;

enum { LEHR_BENCH_BUILT_IN = 3 };

/* Built-in workload 0, 1, 2: "a", "b", "c"; NULL beyond. */
const char *lehr_bench_name(int32_t index);

/* Make a built-in workload, or the network and training data of a config. *out is untouched on
 * failure. The built-in ones need no file; both fail as lehr_dataset_create and
 * lehr_objective_create do. */
lehr_status lehr_bench_open(int32_t index, lehr_bench_case *out);
lehr_status lehr_bench_open_config(const lehr_config *config, lehr_bench_case *out);
void lehr_bench_close(lehr_bench_case *bench);

/* ---- Measuring (bench.c, bench_peak.c) ------------------------------------------------------- */

typedef struct lehr_bench_options {
    int32_t repetitions; /* at least 1 */
    double part_s;       /* length of one timed part of a repetition, > 0 */
    double warm;         /* share of the scans that a saving is warmed for, at most 1 */
} lehr_bench_options;

lehr_bench_options lehr_bench_options_default(void);
lehr_bench_options lehr_bench_options_quick(void); /* a moment: its figures mean little */

typedef struct lehr_bench_speed {
    double peak;       /* FMA FLOP/s of one core, median */
    double bound;      /* proposals/s at that peak */
    double rate;       /* proposals per second of a core, on one thread, median */
    double core_share; /* of the time on the wall that the one thread had a core, median */
    double fraction;   /* of the bound, median of the repetitions' ratios */
    double best;       /* of the bound: the best rate over the bound at the best peak */
    double threads;    /* rate of two threads over one, median of the repetitions' ratios */
    double acceptance; /* share of accepted proposals, mean over rungs */
    double wall_s;     /* of the whole measurement */
} lehr_bench_speed;

lehr_status lehr_bench_measure(const lehr_bench_case *bench, const lehr_bench_options *options,
                               lehr_bench_speed *out);

/* What is saved where a proposal costs what it touches, or is given up early: the same moves and bits, with
 * and without. */
enum { LEHR_BENCH_SAVINGS = 3 };

typedef struct lehr_bench_saving {
    double rate;       /* proposals per second of a core, on one thread, median */
    double whole_rate; /* the same, each evaluated in full */
    double ratio;      /* of the two, median of the repetitions' ratios */
    double acceptance; /* share of accepted proposals, mean over rungs */
    double wall_s;
} lehr_bench_saving;

/* "a-early": whole networks at temperatures of a trained one; "b-neuron", "c-neuron": one unit. NULL beyond. */
const char *lehr_bench_saving_name(int32_t index);

/* Make the workload behind a name. */
lehr_status lehr_bench_saving_open(int32_t index, lehr_bench_case *out);

lehr_status lehr_bench_save(int32_t index, const lehr_bench_case *bench,
                            const lehr_bench_options *options, lehr_bench_saving *out);

/* Cost of a proposal on one thread as the number of rows grows. */
enum { LEHR_BENCH_SCALES = 6 };
typedef struct lehr_bench_scaling {
    int32_t count; /* numbers of rows tried: large networks stop before the last */
    int32_t rows[LEHR_BENCH_SCALES]; /* 16 to 16,384 */
    double cost[LEHR_BENCH_SCALES];  /* over that at rows[0], median of the repetitions' ratios */
} lehr_bench_scaling;

lehr_status lehr_bench_scale(const lehr_bench_case *bench, const lehr_bench_options *options,
                             lehr_bench_scaling *out);

/* Proposals per second of a device by the clock on the wall, medians, as the number of rows grows. */
enum { LEHR_BENCH_DEVICE_SCALES = 3 };
typedef struct lehr_bench_rates {
    int32_t count; /* numbers of rows tried: large networks stop before the last */
    int32_t rows[LEHR_BENCH_DEVICE_SCALES]; /* 1,024 to 16,384 */
    double rate[LEHR_BENCH_DEVICE_SCALES];
} lehr_bench_rates;

/* backend: as lehr_run_spec's; fails where it does. */
lehr_status lehr_bench_device(const lehr_bench_case *bench, const lehr_bench_options *options,
                              const char *backend, lehr_bench_rates *out);

/* FMA FLOP per second of a core, by a loop of about `seconds`. */
double lehr_bench_peak(double seconds);

/* Sorts values[count]. */
double lehr_bench_median(double *values, int32_t count);

#endif
