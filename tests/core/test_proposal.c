/* Moves: which is chosen, what they touch, and that they propose what they promise. SIGMA(5), fixed key. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/proposal.h"
#include "support/stats.h"

enum { SCANS = 60000 };

static const lehr_network network = {3, 1, 0, 0, {2, 3, 4, 1}, {0, 9, 25, 30}};

static lehr_proposal sparse(lehr_move kind, int k)
{
    return (lehr_proposal){.kind = kind,
                           .picks = k,
                           .count = 5,
                           .a = {0, 5, 1},
                           .b = {0, 0, 1},
                           .c = {0, 0, 1},
                           .nu = 8};
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
        cr_assert_eq(p.touch.unit, -1);
        const int first = network.offset[p.touch.layer];
        cr_assert_eq(p.count, p.move == 1 ? network.offset[p.touch.layer + 1] - first : 30);
        for (int j = 0; j < p.count; j++)
            cr_assert_eq(lehr_parameter_at(&p, j), first + j);
        if (p.move == 1)
            layers[p.touch.layer]++;
    }
    cr_assert_gt(stats_chi2_counts(moves, (const double[]){0.5, 0.3, 0.2}, 3, NULL), LEAST_P);
    cr_assert_gt(stats_chi2_counts(layers, (const double[]){1, 1, 1}, 3, NULL), LEAST_P);
}

/* ---- Units ------------------------------------------------------------------------------------- */

/* What belongs to unit `unit` of layer `layer`, from the layout in words: a bit for each of its in-weights, its
 * bias and its out-weights. */
enum { IN = 1, BIAS = 2, OUT = 4 };
static int role(const lehr_network *n, int layer, int unit, int parameter)
{
    for (int l = 0; l < n->layers; l++) {
        const int weights = n->size[l] * n->size[l + 1], at = parameter - n->offset[l];
        if (parameter >= n->offset[l + 1])
            continue;
        if (at >= weights)
            return l == layer && at - weights == unit ? BIAS : 0;
        if (l == layer && at / n->size[l] == unit)
            return IN;
        return l == layer + 1 && at % n->size[l] == unit ? OUT : 0;
    }
    return 0;
}

static const lehr_network unbiased = {3, 0, 0, 0, {2, 3, 4, 1}, {0, 6, 18, 22}};

/* EXACT: places name each parameter of the unit once, in-weights, bias, out-weights; nothing else. */
static void check_unit(const lehr_network *n, int scope, const lehr_proposal *p, int layer,
                       int unit)
{
    static const int roles[] = {[LEHR_SCOPE_NEURON] = IN | BIAS | OUT,
                                [LEHR_SCOPE_NEURON_IN] = IN | BIAS,
                                [LEHR_SCOPE_NEURON_OUT] = OUT};
    int seen[64] = {0}, expected = 0, last = 0;
    for (int i = 0; i < n->offset[n->layers]; i++)
        expected += (role(n, layer, unit, i) & roles[scope]) != 0;
    cr_assert_eq(p->count, expected, "scope %d, unit %d of layer %d", scope, unit, layer);
    for (int j = 0; j < p->count; j++) {
        const int i = lehr_parameter_at(p, j), what = role(n, layer, unit, i) & roles[scope];
        cr_assert(what >= last && what > 0, "scope %d: place %d is parameter %d", scope, j, i);
        cr_assert_eq(seen[i]++, 0);
        last = what;
    }
}

/* Every unit of every scope is met, evenly: 3 scopes, with and without biases: 6 checks. */
Test(proposal, units_are_drawn_evenly_and_own_their_weights)
{
    for (int scope = LEHR_SCOPE_NEURON; scope <= LEHR_SCOPE_NEURON_OUT; scope++)
        for (int bias = 0; bias < 2; bias++) {
            const lehr_network *n = bias ? &network : &unbiased;
            const lehr_energy_args e = {.parameters = n->offset[3], .network = *n};
            lehr_group g = {.key = 7, .moves = 1};
            g.move[0] = (lehr_move_args){.scope = scope, .until = 1};
            const int units = scope == LEHR_SCOPE_NEURON_OUT ? 7 : 8;
            int64_t met[8] = {0};
            cr_assert_eq(lehr_scope_units(n, scope), units);
            for (lehr_u64 scan = 0; scan < SCANS / 4; scan++) {
                const lehr_proposal p = lehr_propose(&g, &e, scan);
                const bool out = scope == LEHR_SCOPE_NEURON_OUT;
                const int layer = p.touch.layer - out,
                          unit = out ? p.c.first - n->offset[layer + 1] : p.touch.unit;
                cr_assert_eq(p.touch.unit, out ? -1 : unit, "out-weights touch a whole layer");
                check_unit(n, scope, &p, layer, unit);
                met[(layer > 0) * 3 + (layer > 1) * 4 + unit]++;
            }
            const double even[8] = {1, 1, 1, 1, 1, 1, 1, units == 8};
            cr_assert_gt(stats_chi2_counts(met, even, 8, NULL), LEAST_P, "scope %d", scope);
        }
}

/* EXACT: evaluation starts at the unit whose in-weight or bias changes; two of one layer touch all of it. */
Test(proposal, evaluation_starts_at_the_first_unit_that_is_touched)
{
    for (int bias = 0; bias < 2; bias++) {
        const lehr_network *n = bias ? &network : &unbiased;
        for (int i = 0; i < n->offset[3]; i++) {
            const lehr_touch a = lehr_touch_of(n, i);
            cr_assert(role(n, a.layer, a.unit, i) & (IN | BIAS), "parameter %d", i);
            for (int j = 0; j < n->offset[3]; j++) {
                const lehr_touch b = lehr_touch_of(n, j), both = lehr_touch_both(a, b);
                const int lower = a.layer < b.layer ? a.unit : b.unit;
                cr_assert_eq(both.layer, a.layer < b.layer ? a.layer : b.layer);
                cr_assert_eq(both.unit, a.layer != b.layer ? lower
                                        : a.unit == b.unit ? a.unit
                                                           : -1);
            }
        }
    }
    const lehr_touch all = lehr_touch_both((lehr_touch){1, -1}, (lehr_touch){1, 2});
    cr_assert(all.layer == 1 && all.unit == -1, "a whole layer and one of its units");
}

/* ---- The step size ----------------------------------------------------------------------------- */

/* EXACT at both ends of what log and exp give back (1e-6 of a float); in equal ratios between; then it stays. */
Test(proposal, scheduled_steps_fall_in_equal_ratios_and_stay)
{
    lehr_group g = {.cooling_scans = 101, .moves = 1};
    g.move[0].log_from = log(0.5), g.move[0].log_slope = log(0.005 / 0.5) / 100;
    cr_assert_float_eq(lehr_scheduled_step(&g, 0, 0), 0.5f, 1e-7);
    cr_assert_float_eq(lehr_scheduled_step(&g, 0, 50), 0.05f, 1e-8);
    cr_assert_float_eq(lehr_scheduled_step(&g, 0, 100), 0.005f, 1e-9);
    cr_assert_eq(lehr_scheduled_step(&g, 0, 100), lehr_scheduled_step(&g, 0, ~0ull));
    for (lehr_u64 scan = 0; scan < 100; scan++)
        cr_assert_lt(lehr_scheduled_step(&g, 0, scan + 1), lehr_scheduled_step(&g, 0, scan));
    g.cooling_scans = 1;
    cr_assert_float_eq(lehr_scheduled_step(&g, 0, 0), 0.5f, 1e-7);
}

/* ---- Picks ------------------------------------------------------------------------------------- */

Test(proposal, flip_and_log_scale_pick_single_parameters)
{
    lehr_group g = {.key = 7, .moves = 1};
    const lehr_energy_args e = {.parameters = 30, .network = network};
    g.move[0] = (lehr_move_args){.kind = LEHR_MOVE_FLIP, .k = 4, .until = 1};
    cr_assert_eq(lehr_propose(&g, &e, 1).picks, 4);
    g.move[0] = (lehr_move_args){.kind = LEHR_MOVE_LOG_SCALE, .k = 4, .until = 1};
    cr_assert_eq(lehr_propose(&g, &e, 1).picks, 1);
    g.move[0] = (lehr_move_args){.scope = LEHR_SCOPE_NEURON_IN, .k = 2, .until = 1};
    cr_assert_eq(lehr_propose(&g, &e, 1).picks, 2);
    g.move[0].k = 0;
    cr_assert_eq(lehr_propose(&g, &e, 1).picks, 0, "all of a unit's, densely");
    g.move[0].scope = LEHR_SCOPE_NEURON;
    g.move[0].k = 1;
    cr_assert_eq(lehr_propose(&g, &e, 1).picks, 0);
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
