/* Moves: what the kernels are told, and every refusal. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "temper/exchange.h"
#include "temper/proposal.h"

static const lehr_network one_layer = {.layers = 1};
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
    cr_assert_float_eq(lehr_move_log_step(&spec, 100, 5.0), log(0.125), 1e-15);
}

Test(moves, start_at_the_optimum_of_a_unit_gaussian)
{
    const lehr_move_spec all = gaussian(LEHR_SCOPE_ALL, 1, 1),
                         few = gaussian(LEHR_SCOPE_SPARSE, 4, 1);
    cr_assert_float_eq(lehr_move_log_step(&all, 400, 1), log(2.38 / 20), 1e-14);
    cr_assert_float_eq(lehr_move_log_step(&all, 400, 0.01), log(0.238 / 20), 1e-14);
    cr_assert_float_eq(lehr_move_log_step(&few, 400, 0.01), log(0.238 / 2), 1e-14);
    cr_assert_eq(lehr_move_log_step(&all, 400, INFINITY), 0, "at most 1, also at beta 0");
}

Test(moves, refuse_what_cannot_be)
{
    const lehr_move_spec good = gaussian(LEHR_SCOPE_ALL, 1, 1);
    lehr_move_spec bad[8];
    for (int i = 0; i < 8; i++)
        bad[i] = good;
    bad[0].weight = 0;
    bad[1].scale = -1;
    bad[2].scope = LEHR_SCOPE_SPARSE, bad[2].k = 0;
    bad[3].scope = LEHR_SCOPE_SPARSE, bad[3].k = 65;
    bad[4].kind = LEHR_MOVE_STUDENT_T, bad[4].nu = 0;
    bad[5].target = 1;
    bad[6].kind = LEHR_MOVE_FLIP;
    bad[7].scope = LEHR_SCOPE_LAYER;
    static const char *const sentence[8] = {
        "weight must be positive",      "scale must be positive",     "k must be 1 to 64, got 0",
        "k must be 1 to 64, got 65",    "nu must be positive",        "target must be between",
        "flip needs binary or ternary", "scope layer needs a network"};
    lehr_move_args move[LEHR_MOVES_MAX];
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(lehr_moves_fill(&bad[i], 1, LEHR_WEIGHTS_REAL, &no_network, move),
                     LEHR_ERR_ARG, "%d", i);
        cr_assert(strstr(lehr_error(), sentence[i]) && strstr(lehr_error(), "moves.0"), "%s",
                  lehr_error());
    }
    cr_assert_eq(lehr_moves_fill(&good, 1, LEHR_WEIGHTS_BINARY, &no_network, move), LEHR_ERR_ARG);
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
    const double stuck[2] = {0.1, 1};
    cr_assert_eq(lehr_round_trip_rate(stuck, 2, LEHR_EXCHANGE_DEO), 0);
    cr_assert(isfinite(lehr_barrier(stuck, 2)));
}
