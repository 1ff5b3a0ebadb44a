/* Moves: what the kernels are told, and every refusal. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "temper/exchange.h"
#include "temper/proposal.h"

static const lehr_network one_layer = {.layers = 1, .size = {3, 2}};
static const lehr_network two_layers = {.layers = 2, .size = {3, 4, 2}};
static const lehr_network no_network = {.layers = 0};

static lehr_move_spec gaussian(lehr_scope scope, int32_t k, double weight)
{
    return (lehr_move_spec){
        .kind = LEHR_MOVE_GAUSSIAN, .scope = scope, .k = k, .nu = 4, .weight = weight};
}

Test(moves, cumulate_their_weights_and_choose_targets)
{
    const lehr_move_spec spec[3] = {gaussian(LEHR_SCOPE_ALL, 1, 1),
                                    gaussian(LEHR_SCOPE_SPARSE, 1, 2),
                                    gaussian(LEHR_SCOPE_LAYER, 1, 1)};
    lehr_move_args move[LEHR_MOVES_MAX];
    cr_assert_eq(lehr_moves_fill(spec, 3, LEHR_WEIGHTS_REAL, &one_layer, move), LEHR_OK);
    cr_assert_eq(move[0].until, 0.25f);
    cr_assert_eq(move[1].until, 0.75f);
    cr_assert_eq(move[2].until, 1.0f);
    cr_assert_eq(move[0].target, 0.234);
    cr_assert_eq(move[1].target, 0.44, "one coordinate");
    cr_assert(move[0].adapt && move[2].adapt);
}

Test(moves, with_a_given_scale_are_not_adapted)
{
    lehr_move_spec spec = gaussian(LEHR_SCOPE_ALL, 1, 1);
    spec.scale = 0.125;
    lehr_move_args move[LEHR_MOVES_MAX];
    cr_assert_eq(lehr_moves_fill(&spec, 1, LEHR_WEIGHTS_REAL, &one_layer, move), LEHR_OK);
    cr_assert_eq(move[0].adapt, 0);
    cr_assert_float_eq(lehr_move_log_step(&spec, &one_layer, 100, 5.0), log(0.125), 1e-15);
}

/* EXACT. */
Test(moves, with_two_scales_follow_a_schedule)
{
    lehr_move_spec spec = gaussian(LEHR_SCOPE_ALL, 1, 1);
    spec.scale = 0.125, spec.scale_to = 0.5;
    lehr_move_args move[LEHR_MOVES_MAX];
    cr_assert_eq(lehr_moves_fill(&spec, 1, LEHR_WEIGHTS_REAL, &one_layer, move), LEHR_OK);
    cr_assert(move[0].scheduled && !move[0].adapt);
    spec.scale_to = 0;
    cr_assert_eq(lehr_moves_fill(&spec, 1, LEHR_WEIGHTS_REAL, &one_layer, move), LEHR_OK);
    cr_assert(!move[0].scheduled && !move[0].adapt);
}

/* 22 parameters of 6 units: a unit has 22/6 in-weights and biases, and as many out-weights. */
Test(moves, of_units_start_from_what_a_unit_has)
{
    static const struct {
        lehr_scope scope;
        int32_t k;
        double touched, target;
    } cases[] = {
        {LEHR_SCOPE_NEURON, 1, 44.0 / 6, 0.234},     {LEHR_SCOPE_NEURON_IN, 0, 22.0 / 6, 0.234},
        {LEHR_SCOPE_NEURON_IN, 3, 3, 0.234},         {LEHR_SCOPE_NEURON_IN, 1, 1, 0.44},
        {LEHR_SCOPE_NEURON_OUT, 1, 22.0 / 6, 0.234},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const lehr_move_spec spec = gaussian(cases[i].scope, cases[i].k, 1);
        lehr_move_args move[LEHR_MOVES_MAX];
        cr_assert_eq(lehr_moves_fill(&spec, 1, LEHR_WEIGHTS_REAL, &two_layers, move), LEHR_OK);
        cr_assert_eq(move[0].target, cases[i].target, "case %zu", i);
        cr_assert_float_eq(lehr_move_log_step(&spec, &two_layers, 22, 0.01),
                           log(0.238 / sqrt(cases[i].touched)), 1e-14, "case %zu", i);
    }
}

Test(moves, start_at_the_optimum_of_a_unit_gaussian)
{
    const lehr_move_spec all = gaussian(LEHR_SCOPE_ALL, 1, 1),
                         few = gaussian(LEHR_SCOPE_SPARSE, 4, 1);
    cr_assert_float_eq(lehr_move_log_step(&all, &no_network, 400, 1), log(2.38 / 20), 1e-14);
    cr_assert_float_eq(lehr_move_log_step(&all, &no_network, 400, 0.01), log(0.238 / 20), 1e-14);
    cr_assert_float_eq(lehr_move_log_step(&few, &no_network, 400, 0.01), log(0.238 / 2), 1e-14);
    cr_assert_eq(lehr_move_log_step(&all, &no_network, 400, INFINITY), 0,
                 "at most 1, also at beta 0");
}

Test(moves, refuse_what_cannot_be)
{
    const lehr_move_spec good = gaussian(LEHR_SCOPE_ALL, 1, 1);
    lehr_move_spec bad[11];
    for (int i = 0; i < 11; i++)
        bad[i] = good;
    bad[0].weight = 0;
    bad[1].scale = -1;
    bad[2].scope = LEHR_SCOPE_SPARSE, bad[2].k = 0;
    bad[3].scope = LEHR_SCOPE_SPARSE, bad[3].k = 65;
    bad[4].kind = LEHR_MOVE_STUDENT_T, bad[4].nu = 0;
    bad[5].target = 1;
    bad[6].kind = LEHR_MOVE_FLIP;
    bad[7].scope = LEHR_SCOPE_LAYER;
    bad[8].scope = LEHR_SCOPE_NEURON;
    bad[9].scale_to = 0.5;
    bad[10].scope = LEHR_SCOPE_NEURON_IN, bad[10].k = -1;
    static const char *const sentence[11] = {
        "weight must be positive",      "scale must be positive",
        "k must be 1 to 64, got 0",     "k must be 1 to 64, got 65",
        "nu must be positive",          "target must be between",
        "flip needs binary or ternary", "scope layer needs a network",
        "scope neuron needs a network", "needs both ends, got 0 and 0.5",
        "k must be 0 to 64, got -1"};
    lehr_move_args move[LEHR_MOVES_MAX];
    for (int i = 0; i < 11; i++) {
        cr_assert_eq(lehr_moves_fill(&bad[i], 1, LEHR_WEIGHTS_REAL, &no_network, move),
                     LEHR_ERR_ARG, "%d", i);
        cr_assert(strstr(lehr_error(), sentence[i]) && strstr(lehr_error(), "moves.0"), "%s",
                  lehr_error());
    }
    cr_assert_eq(lehr_moves_fill(&good, 1, LEHR_WEIGHTS_BINARY, &no_network, move), LEHR_ERR_ARG);
    lehr_move_spec out = gaussian(LEHR_SCOPE_NEURON_OUT, 1, 1), flip = out;
    cr_assert_eq(lehr_moves_fill(&out, 1, LEHR_WEIGHTS_REAL, &one_layer, move), LEHR_ERR_ARG);
    cr_assert_str_eq(lehr_error(), "moves.0: scope neuron_out needs a hidden layer");
    cr_assert_eq(lehr_moves_fill(&out, 1, LEHR_WEIGHTS_REAL, &two_layers, move), LEHR_OK);
    flip.kind = LEHR_MOVE_FLIP, flip.scope = LEHR_SCOPE_NEURON_IN, flip.k = 0;
    cr_assert_eq(lehr_moves_fill(&flip, 1, LEHR_WEIGHTS_BINARY, &two_layers, move), LEHR_ERR_ARG);
    cr_assert_str_eq(lehr_error(), "moves.0: k must be 1 to 64, got 0");
    cr_assert_eq(lehr_moves_fill(&good, 0, LEHR_WEIGHTS_REAL, &no_network, move), LEHR_ERR_ARG);
}

/* ULP-like 1e-12: erfinv by Newton. Reference: for Gaussian energies r = erf(x/2...) with 2 erfinv(r)/sqrt(pi);
 * erfinv(0.5) = 0.4769362762044699, and the closed forms of the round-trip rates. */
Test(exchange, diagnostics_follow_their_formulas)
{
    const double r[8] = {0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
    cr_assert_float_eq(lehr_barrier(r, 8), 8 * 2 * 0.4769362762044699 / sqrt(acos(-1)), 1e-12);
    cr_assert_float_eq(lehr_round_trip_rate(r, 8, LEHR_EXCHANGE_DEO), 1 / (2 + 2 * 8.0), 1e-15);
    cr_assert_float_eq(lehr_round_trip_rate(r, 8, LEHR_EXCHANGE_SEO), 1 / (16 + 2 * 8.0), 1e-15);
    double flow[9];
    lehr_flow_expected(r, 8, LEHR_EXCHANGE_SEO, flow);
    for (int t = 0; t <= 8; t++)
        cr_assert_float_eq(flow[t], 1 - t / 8.0, 1e-15);
    lehr_flow_expected(r, 8, LEHR_EXCHANGE_DEO, flow); /* r/(1-r) = 1: half a step at both ends */
    for (int t = 0; t <= 8; t++)
        cr_assert_float_eq(flow[t], t == 0 ? 1 : t == 8 ? 0 : 1 - (t + 0.5) / 9, 1e-15);
    const double stuck[2] = {0.1, 1};
    lehr_flow_expected(stuck, 2, LEHR_EXCHANGE_DEO, flow);
    cr_assert(flow[0] == 1 && flow[1] > 1 - 1e-10 && flow[2] == 0);
    cr_assert_eq(lehr_round_trip_rate(stuck, 2, LEHR_EXCHANGE_DEO), 0);
    cr_assert(isfinite(lehr_barrier(stuck, 2)));
}
