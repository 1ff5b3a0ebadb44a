/* One scan and one exchange, transition by transition: three binary weights on two rungs have 64
 * joint states, and the probability of going from each to each is known. Nothing about how the
 * engine moves is left open but its randomness.
 *
 * p > 1e-6, SIGMA(5), fixed seed: 64 rows of the joint matrix, 2 x 8 rows of single rungs, 2
 * acceptances.
 * Planted: every bug of core/plant.h but hastings_tempered and step_stays_with_row. */
#include <criterion/criterion.h>
#include <math.h>

#include "support/systems.h"

enum { STATES = 8, JOINT = 64, COPIES = 64 * 128, ROUNDS = SAMPLES(256) };

static const double level[STATES] = {0, 1, 3, 2, 2, 4, 1, 0};
static const double betas[2] = {1.5, 0.5}; /* cold, hot */

static int state_of(const float *theta)
{
    return (theta[0] > 0) + 2 * (theta[1] > 0) + 4 * (theta[2] > 0);
}

static lehr_status energy(const float *theta, int32_t rows, int32_t parameters, double *out,
                          void *data)
{
    (void)data;
    for (int32_t r = 0; r < rows; r++)
        out[r] = level[state_of(theta + (size_t)r * (size_t)parameters)];
    return LEHR_OK;
}

/* ---- The exact matrices ---- */

/* One of three weights is flipped, each as likely. */
static void move_matrix(double beta, double m[STATES][STATES])
{
    for (int a = 0; a < STATES; a++) {
        for (int b = 0; b < STATES; b++)
            m[a][b] = 0;
        for (int bit = 1; bit < STATES; bit *= 2)
            m[a][a ^ bit] = fmin(1, exp(-beta * (level[a ^ bit] - level[a]))) / 3;
        m[a][a] = 1 - m[a][a ^ 1] - m[a][a ^ 2] - m[a][a ^ 4];
    }
}

/* Joint state: 8 cold + hot. Moves of both rungs, then a swap of what they hold. */
static void joint_matrix(double joint[JOINT][JOINT])
{
    double cold[STATES][STATES], hot[STATES][STATES];
    move_matrix(betas[0], cold);
    move_matrix(betas[1], hot);
    for (int from = 0; from < JOINT; from++) {
        for (int to = 0; to < JOINT; to++)
            joint[from][to] = 0;
        for (int c = 0; c < STATES; c++)
            for (int h = 0; h < STATES; h++) {
                const double p = cold[from / 8][c] * hot[from % 8][h];
                const double swap = fmin(1, exp((betas[0] - betas[1]) * (level[c] - level[h])));
                joint[from][8 * c + h] += p * (1 - swap);
                joint[from][8 * h + c] += p * swap;
            }
    }
}

/* ---- Counting ---- */

typedef struct counts {
    int64_t joint[JOINT][JOINT];
    int64_t move[2][STATES][STATES];
} counts;

/* Copy c starts in joint state c mod 64. */
static void set_states(lehr_run *run)
{
    lehr_table *t = run->pack->table;
    for (int32_t slot = 0; slot < t->rows; slot++) {
        const int joint = slot / 2 % JOINT, state = slot % 2 == 0 ? joint / 8 : joint % 8;
        float *theta = t->theta + (size_t)t->slot_row[slot] * 3;
        for (int i = 0; i < 3; i++)
            theta[i] = state >> i & 1 ? 1.0f : -1.0f;
    }
    LAW_NEEDS(run->pack->backend->push(run->pack->state));
    LAW_NEEDS(run->pack->backend->start(run->pack->state));
}

/* Exchanges alternate: the pair has its turn after every second scan, so the others show moves
 * alone. */
static void count(lehr_run *run, counts *n)
{
    for (int round = 0; round < ROUNDS; round++) {
        set_states(run);
        law_advance(run, 1);
        for (int32_t c = 0; c < COPIES; c++)
            n->joint[c % JOINT]
                    [8 * state_of(law_theta(run, c, 0)) + state_of(law_theta(run, c, 1))]++;
        set_states(run);
        law_advance(run, 1);
        for (int32_t c = 0; c < COPIES; c++) {
            n->move[0][c % JOINT / 8][state_of(law_theta(run, c, 0))]++;
            n->move[1][c % JOINT % 8][state_of(law_theta(run, c, 1))]++;
        }
    }
}

static void check_joint(counts *n)
{
    double exact[JOINT][JOINT];
    joint_matrix(exact);
    for (int from = 0; from < JOINT; from++) {
        const double p = stats_chi2_counts(n->joint[from], exact[from], JOINT, NULL);
        cr_expect(p > LEAST_P, "from cold %d, hot %d: p %.2g", from / 8, from % 8, p);
    }
}

/* Rows one by one, and all uphill moves together: the fine measurement of the acceptance rule. */
static void check_moves(counts *n, int rung)
{
    double exact[STATES][STATES], sum = 0, variance = 0;
    move_matrix(betas[rung], exact);
    for (int a = 0; a < STATES; a++) {
        const double p = stats_chi2_counts(n->move[rung][a], exact[a], STATES, NULL);
        cr_expect(p > LEAST_P, "rung %d, from %d: p %.2g", rung, a, p);
        const double tries = (double)COPIES / STATES * ROUNDS;
        double up = 0;
        int64_t went = 0;
        for (int b = 0; b < STATES; b++)
            if (level[b] > level[a]) {
                up += exact[a][b];
                went += n->move[rung][a][b];
            }
        sum += (double)went - tries * up;
        variance += tries * up * (1 - up);
    }
    cr_expect(fabs(sum) < SIGMA(5) * sqrt(variance), "rung %d: moves uphill, z %.1f", rung,
              sum / sqrt(variance));
}

Test(transitions, every_transition_has_its_probability)
{
    const lehr_callback_spec callback = {
        .parameters = 3, .weights = LEHR_WEIGHTS_BINARY, .energy = energy};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NONE, .scale = 1};
    lehr_objective *objective = NULL;
    LAW_NEEDS(lehr_objective_create_callback(&callback, &prior, &objective));
    lehr_run_spec spec = law_spec(betas, 2, COPIES, 2 * ROUNDS);
    spec.moves[0] = (lehr_move_spec){.kind = LEHR_MOVE_FLIP, .k = 1, .weight = 1};
    lehr_run *run = law_open(&spec, objective);
    static counts n;
    count(run, &n);
    check_joint(&n);
    check_moves(&n, 0);
    check_moves(&n, 1);
    lehr_run_destroy(&run);
    lehr_objective_destroy(&objective);
}
