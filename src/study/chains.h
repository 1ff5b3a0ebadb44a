/* chains.h: how many chains? One problem, the same number of proposals, split in every way over rows: annealing
 * as independent rows, tempering as rungs x copies; over seeds, each run until the target or the end of its
 * proposals. `lehr bench chains`. */
#ifndef LEHR_STUDY_CHAINS_H
#define LEHR_STUDY_CHAINS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "lehr/study.h"
#include "study/bootstrap.h"

struct json_t; /* of jansson */

enum {
    LEHR_CHAINS_ROWS_MAX = 16,   /* numbers of rows */
    LEHR_CHAINS_SPLITS_MAX = 64, /* all of their splits */
    LEHR_CHAINS_SEEDS_MAX = 1000,
    LEHR_CHAINS_GRID = 48 /* points of a curve */
};

/* One way to spend the proposals. */
typedef struct lehr_split {
    lehr_method method;
    int32_t rows, rungs, copies; /* annealing: 1 rung */
} lehr_split;

/* One look at a run. */
typedef struct lehr_chain_look {
    int64_t proposals;
    double wall_s, energy; /* the lowest so far */
} lehr_chain_look;

/* One run. */
typedef struct lehr_chain_trial {
    uint64_t seed;
    bool reached;
    lehr_chain_look *look; /* [looks], from the first weights to the end */
    int32_t looks;
} lehr_chain_trial;

/* What a split reached over all seeds. Proposals and seconds are those until the target, infinite where it was
 * not reached in more than half of the runs; tts: lehr_tts. */
typedef struct lehr_split_figures {
    lehr_interval success;
    lehr_interval proposals, seconds; /* medians */
    lehr_interval tts_proposals, tts_seconds;
    lehr_interval energy; /* median of the lowest at the end */
} lehr_split_figures;

/* A curve over a grid, median and interval. */
typedef struct lehr_chain_curve {
    lehr_interval at[LEHR_CHAINS_GRID];
} lehr_chain_curve;

/* All of it. */
typedef struct lehr_chains {
    const lehr_config *config;
    int64_t budget; /* proposals of every run, rounded down to whole scans */
    int64_t look;   /* proposals between looks, up to the rounding to whole scans */
    int32_t seeds, splits;
    lehr_split split[LEHR_CHAINS_SPLITS_MAX];
    lehr_chain_trial *trial;     /* [splits,seeds] */
    lehr_split_figures *figures; /* [splits] */
    double grid_proposals[LEHR_CHAINS_GRID], grid_s[LEHR_CHAINS_GRID];
    lehr_chain_curve *by_proposals, *by_time; /* [splits] lowest energies */
    lehr_text advice;                         /* lines: what to take, per proposal and per second */
} lehr_chains;

/* ---- Running (chains.c) ---------------------------------------------------------------------- */

/* Plan for rows[count]: of every number annealing, and tempering with each of its divisors as rungs. The config
 * must have a target, and lives as long as `chains`. Fails with LEHR_ERR_ARG. */
lehr_status lehr_chains_plan(const lehr_config *config, const int32_t *rows, int32_t count,
                             int32_t seeds, lehr_chains *out);

/* Called after every run, with how many there are. */
typedef void (*lehr_chains_look_fn)(int32_t done, int32_t all, void *data);

/* Run everything, seed after seed, so that what else the machine does falls on all splits alike; then work out
 * the figures. Fails as lehr_run_go. */
lehr_status lehr_chains_run(lehr_chains *chains, lehr_chains_look_fn look, void *data);
void lehr_chains_free(lehr_chains *chains);

/* ---- Figures (chains_figures.c, chains_advice.c) --------------------------------------------- */

/* Proposals, or seconds, until the target is reached with probability 0.99, with restarts: ln 100 times what all
 * runs spent over the number of those that reached it. Exact where successes come at a constant rate, up to 4.6
 * times too long where all of them come late and close together: the medians stand beside it. spent[n]: of every
 * run, negative where the target was not reached. Infinite without any success. (Hansen et al. 2021,
 * doi:10.1080/10556788.2020.1808977, for the ratio; Ronnow et al. 2014, doi:10.1126/science.1252319, for the
 * 0.99.) */
double lehr_tts(double *spent, int32_t n);

/* Fill figures and curves from the trials. Fails with LEHR_ERR_MEMORY. */
lehr_status lehr_chains_reckon(lehr_chains *chains);

/* Fill the advice from the figures. */
void lehr_chains_advise(lehr_chains *chains);

/* "tempering 4 x 2", "annealing 8". */
void lehr_split_name(const lehr_split *split, char out[LEHR_NAME_MAX]);

/* ---- Showing (chains_show.c) ----------------------------------------------------------------- */

void lehr_chains_table(const lehr_chains *chains, lehr_text *out);
void lehr_chains_csv(const lehr_chains *chains, lehr_text *out);      /* a line per split */
void lehr_chains_runs_csv(const lehr_chains *chains, lehr_text *out); /* a line per run */

/* Data of the page, and of --json. Fails with LEHR_ERR_MEMORY. */
lehr_status lehr_chains_json(const lehr_chains *chains, struct json_t **out);

#endif
