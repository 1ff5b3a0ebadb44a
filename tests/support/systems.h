/* systems.h: runs whose rows a test sets and reads, and small systems whose law is known by
 * counting.
 *
 * A law starts every row from its exact law (drawn with random numbers of the tests' own) and
 * asks whether the engine keeps it: then no scan is wasted on equilibration and copies are
 * independent samples at every scan. Rows of one copy on different rungs are independent as
 * well, at any one scan.
 *
 * Planted bugs: a program linked with the planted library reads LEHR_PLANT=<name> when it
 * starts; the engine itself never reads the environment. An unknown name, or a library without
 * plants, ends the program with exit code 64. */
#ifndef TESTS_SUPPORT_SYSTEMS_H
#define TESTS_SUPPORT_SYSTEMS_H

#include <stdint.h>

#include "lehr/lehr.h"
#include "run/run.h"
#include "support/stats.h"

/* Print lehr_error() and abort unless a call of the engine worked: what a law is made of must
 * not fail. */
#define LAW_NEEDS(call) law_needs((call), #call)
void law_needs(lehr_status status, const char *what);

/* ---- Runs ---- */

/* Tempering on the listed betas (cold to hot, so falling; 0 is allowed at the end), exchange
 * after every scan, fixed steps of automatic size on all weights, one thread, nothing observed
 * before the end. LEHR_TEST_BACKEND in the environment names another backend than "cpu". */
lehr_run_spec law_spec(const double *beta, int32_t rungs, int32_t copies, int64_t scans);

/* A run with these rows; destroy with lehr_run_destroy. */
lehr_run *law_open(const lehr_run_spec *spec, const lehr_objective *objective);

/* Draw theta[P] of a row that stands on `rung`, at inverse temperature beta. */
typedef void law_draw(stats_rng *rng, double beta, const void *system, float *theta);

/* Set every row to a draw of its own and evaluate it; allowed at any scan. Rungs stay where they
 * are. */
void law_start(lehr_run *run, law_draw *draw, const void *system, uint64_t seed);

/* Exactly `scans` more scans. */
void law_advance(lehr_run *run, int64_t scans);

/* What stands on a rung of a copy. */
double law_energy(const lehr_run *run, int32_t copy, int32_t rung);
const float *law_theta(const lehr_run *run, int32_t copy, int32_t rung);
double law_beta(const lehr_run *run, int32_t rung);

/* Mean swap probability between rung and rung+1 in one copy so far. */
double law_swap(const lehr_run *run, int32_t copy, int32_t rung);

/* Over copies: moments of the energy on a rung now, and of the mean swap probability of a pair
 * so far (copies whose pair never had its turn are left out). */
stats_moments law_energies(const lehr_run *run, int32_t rung);
stats_moments law_swaps(const lehr_run *run, int32_t rung);

/* Correlation, as a standard normal number, of the energies of copies 2j and 2j+1 on a rung. */
double law_copies_correlation(const lehr_run *run, int32_t rung);

/* ---- Systems that can be counted ---- */

typedef enum law_kind {
    LAW_XOR,         /* 2-2-1 sign units with biases, 9 weights +-1, exclusive or: 512 states */
    LAW_XOR_TERNARY, /* the same with weights -1, 0, 1: 19,683 states */
    LAW_PERCEPTRON,  /* 11 weights +-1, 9 random patterns: 2,048 states */
    LAW_COMMITTEE,   /* 5-3-1 sign units, 18 weights +-1, 10 random patterns: 262,144 states */
    LAW_SPINS,       /* 4x4 Ising model, periodic: 65,536 states */
    LAW_UNEVEN, /* as LAW_XOR, with 96 points: the first 64, a quarter, hold each pattern 16 times,
                        the other 32 hold one of them 24 and one 8 times */
    LAW_KINDS
} law_kind;

enum { LAW_LEVELS = 97 }; /* energies are whole numbers, at most 96 apart */

typedef struct law_counted {
    law_kind kind;
    const char *name;
    int32_t parameters, values; /* P, and how many values each takes: 2 or 3 */
    int32_t states;
    int32_t lowest;            /* energy of level 0 */
    int64_t g[LAW_LEVELS];     /* states of energy lowest + level */
    int32_t first[LAW_LEVELS]; /* of the level's states in `order` */
    int32_t *order;            /* [states] sorted by energy */
    int8_t *energy;            /* [states] */
    lehr_dataset *data;
    lehr_objective *objective;
} law_counted;

/* Count all states with the test's own evaluation, and make the engine's objective. */
law_counted *law_counted_create(law_kind kind);
void law_counted_destroy(law_counted **system);

/* State <-> weights: digit i of the state (base `values`) is weight i, lowest value first. */
void law_decode(const law_counted *system, int32_t state, float *theta);
int32_t law_encode(const law_counted *system, const float *theta);

/* A state from the exact law: a law_draw. */
void law_counted_draw(stats_rng *rng, double beta, const void *system, float *theta);

/* Boltzmann weights of the levels at beta, normalized; energies of the levels. */
void law_boltzmann(const law_counted *system, double beta, double probability[LAW_LEVELS]);
double law_mean_energy(const law_counted *system, double beta);
double law_log_z(const law_counted *system, double beta);

/* Mean of min(1, exp((beta_i - beta_j)(E_i - E_j))) over independent E_i, E_j. */
double law_exact_swap(const law_counted *system, double beta_i, double beta_j);

#endif
