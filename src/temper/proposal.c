/* proposal.c: checks of moves and their first step sizes. The moves themselves are in kernels/core/proposal.h. */
#include "temper/proposal.h"

#include <math.h>
#include <stdbool.h>

#include "base/status.h"
#include "core/proposal.h"
#include "lehr/lehr.h"

static const double many_coordinates = 0.234; /* Roberts, Gelman, Gilks 1997 */
static const double one_coordinate = 0.44;    /* Gelman, Roberts, Gilks 1996 */

static bool touches_one(const lehr_move_spec *spec)
{
    const bool picks = spec->scope == LEHR_SCOPE_SPARSE || spec->scope == LEHR_SCOPE_NEURON_IN;
    return spec->kind == LEHR_MOVE_LOG_SCALE || (picks && spec->k == 1);
}

static lehr_status check_kind(const lehr_move_spec *s, int32_t i, lehr_weights weights)
{
    LEHR_CHECK((unsigned)s->kind < LEHR_MOVE_COUNT && (unsigned)s->scope < LEHR_SCOPE_COUNT,
               LEHR_ERR_ARG, "moves.%d: unknown kind or scope", i);
    LEHR_CHECK(s->kind != LEHR_MOVE_FLIP || weights != LEHR_WEIGHTS_REAL, LEHR_ERR_ARG,
               "moves.%d: flip needs binary or ternary weights", i);
    LEHR_CHECK(s->kind == LEHR_MOVE_FLIP || weights == LEHR_WEIGHTS_REAL, LEHR_ERR_ARG,
               "moves.%d: binary and ternary weights need flip moves", i);
    return LEHR_OK;
}

static lehr_status check_move(const lehr_move_spec *s, int32_t i, const lehr_network *network)
{
    const bool flips = s->kind == LEHR_MOVE_FLIP,
               all_in = s->scope == LEHR_SCOPE_NEURON_IN && !flips;
    const bool picks = s->scope == LEHR_SCOPE_SPARSE || s->scope == LEHR_SCOPE_NEURON_IN || flips;
    const bool whole = s->scope == LEHR_SCOPE_ALL || s->scope == LEHR_SCOPE_SPARSE;
    LEHR_CHECK(!picks || (s->k >= (all_in ? 0 : 1) && s->k <= LEHR_CORE_PENDING_MAX), LEHR_ERR_ARG,
               "moves.%d: k must be %d to %d, got %d", i, all_in ? 0 : 1, LEHR_CORE_PENDING_MAX,
               s->k);
    LEHR_CHECK(whole || network->layers > 0, LEHR_ERR_ARG, "moves.%d: scope %s needs a network", i,
               lehr_kind_name(LEHR_LIST_SCOPE, (int32_t)s->scope));
    LEHR_CHECK(s->scope != LEHR_SCOPE_NEURON_OUT || network->layers > 1, LEHR_ERR_ARG,
               "moves.%d: scope neuron_out needs a hidden layer", i);
    LEHR_CHECK(s->scale >= 0 && isfinite(s->scale), LEHR_ERR_ARG,
               "moves.%d: scale must be positive, got %g", i, s->scale);
    LEHR_CHECK(s->scale_to >= 0 && isfinite(s->scale_to) && (s->scale_to == 0 || s->scale > 0),
               LEHR_ERR_ARG, "moves.%d: a schedule of step sizes needs both ends, got %g and %g", i,
               s->scale, s->scale_to);
    LEHR_CHECK(s->weight > 0 && isfinite(s->weight), LEHR_ERR_ARG,
               "moves.%d: weight must be positive, got %g", i, s->weight);
    LEHR_CHECK(s->target >= 0 && s->target < 1, LEHR_ERR_ARG,
               "moves.%d: target must be between 0 and 1, got %g", i, s->target);
    LEHR_CHECK(s->kind != LEHR_MOVE_STUDENT_T || s->nu > 0, LEHR_ERR_ARG,
               "moves.%d: nu must be positive, got %g", i, s->nu);
    return LEHR_OK;
}

lehr_status lehr_moves_fill(const lehr_move_spec *spec, int32_t count, lehr_weights weights,
                            const lehr_network *network, lehr_move_args *move)
{
    LEHR_CHECK(count >= 1 && count <= LEHR_MOVES_MAX, LEHR_ERR_ARG,
               "a run needs 1 to %d moves, got %d", LEHR_MOVES_MAX, count);
    double total = 0;
    for (int32_t i = 0; i < count; i++) {
        LEHR_TRY(check_kind(&spec[i], i, weights));
        LEHR_TRY(check_move(&spec[i], i, network));
        total += spec[i].weight;
    }
    double sum = 0;
    for (int32_t i = 0; i < count; i++) {
        const lehr_move_spec *s = &spec[i];
        const double target = s->target > 0    ? s->target
                              : touches_one(s) ? one_coordinate
                                               : many_coordinates;
        sum += s->weight;
        move[i] = (lehr_move_args){
            .kind = s->kind,
            .scope = s->scope,
            .k = s->k,
            .adapt = s->kind != LEHR_MOVE_FLIP && s->scale == 0,
            .scheduled = s->kind != LEHR_MOVE_FLIP && s->scale > 0 && s->scale_to > 0,
            .nu = (float)s->nu,
            .until = i + 1 == count ? 1.0f : (float)(sum / total),
            .target = target,
        };
    }
    return LEHR_OK;
}

/* Parameters that a move changes, for units the mean. */
static double touched(const lehr_move_spec *spec, const lehr_network *network, int32_t parameters)
{
    const double units = network->layers > 0 ? lehr_scope_units(network, LEHR_SCOPE_NEURON) : 1;
    if (touches_one(spec))
        return 1;
    switch (spec->scope) {
    case LEHR_SCOPE_SPARSE: return spec->k;
    case LEHR_SCOPE_NEURON: return 2 * parameters / units;
    case LEHR_SCOPE_NEURON_IN: return spec->k > 0 ? spec->k : parameters / units;
    case LEHR_SCOPE_NEURON_OUT: return parameters / units;
    default: return parameters;
    }
}

double lehr_move_log_step(const lehr_move_spec *spec, const lehr_network *network,
                          int32_t parameters, double temperature)
{
    if (spec->scale > 0)
        return lehr_log64(spec->scale);
    const double step = 2.38 * sqrt(temperature / touched(spec, network, parameters));
    return step < 1 ? lehr_log64(step) : 0;
}
