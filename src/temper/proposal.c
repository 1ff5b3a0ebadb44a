/* proposal.c: checks of moves and their first step sizes. The moves themselves are in kernels/core/proposal.h. */
#include "temper/proposal.h"

#include <math.h>
#include <stdbool.h>

#include "base/status.h"

static const double many_coordinates = 0.234; /* Roberts, Gelman, Gilks 1997 */
static const double one_coordinate = 0.44;    /* Gelman, Roberts, Gilks 1996 */

static bool touches_one(const lehr_move_spec *spec)
{
    return spec->kind == LEHR_MOVE_LOG_SCALE || (spec->scope == LEHR_SCOPE_SPARSE && spec->k == 1);
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
    const bool sparse = s->scope == LEHR_SCOPE_SPARSE || s->kind == LEHR_MOVE_FLIP;
    LEHR_CHECK(!sparse || (s->k >= 1 && s->k <= LEHR_CORE_PENDING_MAX), LEHR_ERR_ARG,
               "moves.%d: k must be 1 to %d, got %d", i, LEHR_CORE_PENDING_MAX, s->k);
    LEHR_CHECK(s->scope != LEHR_SCOPE_LAYER || network->layers > 0, LEHR_ERR_ARG,
               "moves.%d: scope layer needs a network", i);
    LEHR_CHECK(s->scale >= 0 && isfinite(s->scale), LEHR_ERR_ARG,
               "moves.%d: scale must be positive, got %g", i, s->scale);
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
            .scope = (lehr_i32)(s->kind == LEHR_MOVE_FLIP ? LEHR_SCOPE_SPARSE : s->scope),
            .k = s->kind == LEHR_MOVE_LOG_SCALE ? 1 : s->k,
            .adapt = s->kind != LEHR_MOVE_FLIP && s->scale == 0,
            .nu = (float)s->nu,
            .until = i + 1 == count ? 1.0f : (float)(sum / total),
            .target = target,
        };
    }
    return LEHR_OK;
}

double lehr_move_log_step(const lehr_move_spec *spec, int32_t parameters, double temperature)
{
    if (spec->scale > 0)
        return lehr_log64(spec->scale);
    const int32_t touched = spec->scope == LEHR_SCOPE_SPARSE ? spec->k : parameters;
    const double step = 2.38 * sqrt(temperature / (touches_one(spec) ? 1 : touched));
    return step < 1 ? lehr_log64(step) : 0;
}
