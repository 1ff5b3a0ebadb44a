/* Moves: which is chosen, what they touch, and that they propose what they promise. SIGMA(5), fixed key. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "core/proposal.h"
#include "support/stats.h"

enum { SCANS = 60000 };

static const lehr_network network = {3, 1, 0, 0, {2, 3, 4, 1}, {0, 9, 25, 30}};

static lehr_proposal sparse(lehr_move kind, int k)
{
    return (lehr_proposal){.kind = kind, .picks = k, .lo = 0, .hi = 5, .nu = 8};
}

/* 3 shares and 3 layers: 6 checks. */
Test(proposal, moves_and_layers_have_their_shares)
{
    lehr_group g = {.key = 7, .moves = 3};
    g.move[0] = (lehr_move_args){.kind = LEHR_MOVE_GAUSSIAN, .until = 0.5f};
    g.move[1] = (lehr_move_args){
        .kind = LEHR_MOVE_LAPLACE, .scope = LEHR_SCOPE_LAYER, .until = 0.8f};
    g.move[2] = (lehr_move_args){
        .kind = LEHR_MOVE_CAUCHY, .scope = LEHR_SCOPE_SPARSE, .k = 3, .until = 1.0f};
    const lehr_energy_args e = {.parameters = 30, .network = network};
    int64_t moves[3] = {0}, layers[3] = {0};
    for (lehr_u64 scan = 0; scan < SCANS; scan++) {
        const lehr_proposal p = lehr_propose(&g, &e, scan);
        moves[p.move]++;
        cr_assert_eq(p.kind, g.move[p.move].kind);
        cr_assert_eq(p.picks, p.move == 2 ? 3 : 0);
        cr_assert(p.lo == network.offset[p.layer]);
        cr_assert_eq(p.hi, p.move == 1 ? network.offset[p.layer + 1] : 30);
        if (p.move == 1)
            layers[p.layer]++;
    }
    cr_assert_gt(stats_chi2_counts(moves, (const double[]){0.5, 0.3, 0.2}, 3, NULL), LEAST_P);
    cr_assert_gt(stats_chi2_counts(layers, (const double[]){1, 1, 1}, 3, NULL), LEAST_P);
}

Test(proposal, flip_and_log_scale_pick_single_parameters)
{
    lehr_group g = {.key = 7, .moves = 1};
    const lehr_energy_args e = {.parameters = 30, .network = network};
    g.move[0] = (lehr_move_args){.kind = LEHR_MOVE_FLIP, .k = 4, .until = 1};
    cr_assert_eq(lehr_propose(&g, &e, 1).picks, 4);
    g.move[0] = (lehr_move_args){.kind = LEHR_MOVE_LOG_SCALE, .k = 4, .until = 1};
    cr_assert_eq(lehr_propose(&g, &e, 1).picks, 1);
}

/* Each kind: indices uniform, variates of mean 0 and variance 1 (8/6 for Student-t of 8). 2 checks of 5 kinds. */
Test(proposal, picked_noise_has_its_moments)
{
    for (int kind = LEHR_MOVE_GAUSSIAN; kind <= LEHR_MOVE_UNIFORM; kind++) {
        const lehr_proposal p = sparse(kind, 1);
        int64_t index[5] = {0}, positive[2] = {0};
        stats_moments squares = {0};
        for (lehr_u64 scan = 0; scan < SCANS; scan++) {
            const lehr_words words = lehr_pick_words(lehr_row_stream(3, scan, 2), 0);
            const double z = (double)lehr_pick_noise(&p, words);
            index[lehr_pick_index(&p, words)]++;
            positive[z > 0]++;
            stats_add(&squares, z * z);
        }
        cr_assert_gt(stats_chi2_counts(index, (const double[]){1, 1, 1, 1, 1}, 5, NULL), LEAST_P);
        cr_assert_gt(stats_chi2_counts(positive, (const double[]){1, 1}, 2, NULL), LEAST_P);
        if (kind != LEHR_MOVE_CAUCHY)
            cr_assert_lt(fabs(stats_z(&squares, kind == LEHR_MOVE_STUDENT_T ? 8.0 / 6.0 : 1.0)),
                         SIGMA(5), "kind %d", kind);
    }
}

/* EXACT for binary; each of the two other values of a ternary weight as often: 3 checks. */
Test(proposal, flips_reach_the_other_values_evenly)
{
    for (int old = -1; old <= 1; old++) {
        int64_t to[3] = {0};
        for (lehr_u64 scan = 0; scan < SCANS; scan++) {
            const lehr_u32 word = lehr_pick_words(lehr_row_stream(3, scan, 2), 0).w[1];
            const float next = lehr_flip(LEHR_WEIGHTS_TERNARY, (float)old, word);
            cr_assert(next == -1 || next == 0 || next == 1);
            to[(int)next + 1]++;
        }
        const double even[3] = {old != -1, old != 0, old != 1};
        cr_assert_eq(to[old + 1], 0, "a flip changes the value");
        cr_assert_gt(stats_chi2_counts(to, even, 3, NULL), LEAST_P);
    }
    cr_assert_eq(lehr_flip(LEHR_WEIGHTS_BINARY, 1, 0), -1.0f);
    cr_assert_eq(lehr_flip(LEHR_WEIGHTS_BINARY, -1, ~0u), 1.0f);
}

/* The Hastings term is ln|theta'/theta|, up to the rounding of theta' (1e-7). */
Test(proposal, log_scale_states_its_own_hastings_term)
{
    const lehr_proposal p = sparse(LEHR_MOVE_LOG_SCALE, 1);
    for (lehr_u64 scan = 0; scan < 1000; scan++) {
        const lehr_words words = lehr_pick_words(lehr_row_stream(3, scan, 2), 0);
        double log_hastings = 0;
        const float theta = scan % 2 ? -0.7f : 1.9f;
        const float next = lehr_pick_value(&p, LEHR_WEIGHTS_REAL, theta, 0.8f, words,
                                           &log_hastings);
        cr_assert_gt(next * theta, 0, "the sign stays");
        cr_assert_lt(fabs(log_hastings - log((double)next / (double)theta)), 1e-6);
    }
}

/* EXACT: a row's draws are its own, and no draw of all rows is one of them. */
Test(proposal, rows_have_their_own_draws)
{
    const lehr_words a = lehr_pick_words(lehr_row_stream(3, 5, 0), 0);
    const lehr_words b = lehr_pick_words(lehr_row_stream(3, 5, 1), 0);
    const lehr_words again = lehr_pick_words(lehr_row_stream(3, 5, 0), 0);
    cr_assert_neq(memcmp(&a, &b, sizeof a), 0);
    cr_assert_eq(memcmp(&a, &again, sizeof a), 0);
}
