/* model/objective.c: what a run minimizes, checked and put into the form that backends take. */
#include "model/objective.h"

#include <math.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/loss.h"
#include "core/network.h"
#include "lehr/lehr.h"
#include "model/network.h"

_Static_assert(LEHR_CORE_LAYERS_MAX == LEHR_LAYERS_MAX, "layers of the door and of the kernels");

struct lehr_objective {
    lehr_problem problem;
    lehr_init init;
    double init_scale; /* 0: auto */
    const lehr_dataset *dataset;
};

/* ---- Checks ---------------------------------------------------------------------------------- */

static lehr_status check_init(lehr_weights weights, lehr_init init, double scale)
{
    LEHR_CHECK(lehr_kind_name(LEHR_LIST_WEIGHTS, (int32_t)weights) != NULL, LEHR_ERR_ARG,
               "there is no kind of weights number %d", (int)weights);
    LEHR_CHECK(lehr_kind_name(LEHR_LIST_INIT, (int32_t)init) != NULL, LEHR_ERR_ARG,
               "there is no init number %d", (int)init);
    LEHR_CHECK(init != LEHR_INIT_ZERO || weights != LEHR_WEIGHTS_BINARY, LEHR_ERR_ARG,
               "init zero is not a value of binary weights, which are -1 or +1");
    LEHR_CHECK(scale >= 0 && isfinite((float)scale), LEHR_ERR_ARG,
               "the scale of init must be at least 0 and finite, got %g", scale);
    return LEHR_OK;
}

static lehr_status check_prior(const lehr_prior_spec *prior)
{
    LEHR_CHECK(lehr_kind_name(LEHR_LIST_PRIOR, (int32_t)prior->kind) != NULL, LEHR_ERR_ARG,
               "there is no prior number %d", (int)prior->kind);
    LEHR_CHECK(prior->kind == LEHR_PRIOR_NONE || (prior->scale > 0 && isfinite(prior->scale)),
               LEHR_ERR_ARG, "the scale of the %s prior must be above 0 and finite, got %g",
               lehr_kind_name(LEHR_LIST_PRIOR, (int32_t)prior->kind), prior->scale);
    return LEHR_OK;
}

static lehr_status check_positive_float(const char *name, double value)
{
    LEHR_CHECK((float)value > 0 && isfinite((float)value), LEHR_ERR_ARG,
               "%s must be above 0 and finite in float32, got %g", name, value);
    return LEHR_OK;
}

static lehr_status check_loss(const lehr_loss_spec *loss)
{
    LEHR_CHECK(lehr_kind_name(LEHR_LIST_LOSS, (int32_t)loss->kind) != NULL, LEHR_ERR_ARG,
               "there is no loss number %d", (int)loss->kind);
    LEHR_CHECK(lehr_kind_name(LEHR_LIST_REDUCTION, (int32_t)loss->reduction) != NULL, LEHR_ERR_ARG,
               "there is no reduction number %d", (int)loss->reduction);
    LEHR_CHECK(loss->l2 >= 0 && isfinite(loss->l2), LEHR_ERR_ARG,
               "l2 must be at least 0 and finite, got %g", loss->l2);
    LEHR_CHECK(loss->l1 >= 0 && isfinite(loss->l1), LEHR_ERR_ARG,
               "l1 must be at least 0 and finite, got %g", loss->l1);
    if (loss->kind == LEHR_LOSS_GAUSSIAN)
        LEHR_TRY(check_positive_float("the noise of the gaussian loss", loss->noise));
    if (loss->kind == LEHR_LOSS_HUBER)
        LEHR_TRY(check_positive_float("the delta of the huber loss", loss->delta));
    return LEHR_OK;
}

/* A loss of classes needs classes, one of numbers needs numbers. */
static lehr_status check_fit(lehr_loss kind, const lehr_dataset_info *info)
{
    const char *name = lehr_kind_name(LEHR_LIST_LOSS, (int32_t)kind);
    const bool classes = lehr_loss_has_classes((lehr_i32)kind) != 0;
    LEHR_CHECK(
        classes == (info->task == LEHR_TASK_CLASSIFICATION), LEHR_ERR_ARG,
        "loss %s is for %s, the task of the data is %s", name,
        lehr_kind_name(LEHR_LIST_TASK, classes ? LEHR_TASK_CLASSIFICATION : LEHR_TASK_REGRESSION),
        lehr_kind_name(LEHR_LIST_TASK, (int32_t)info->task));
    LEHR_CHECK(kind != LEHR_LOSS_BINARY_CROSS_ENTROPY || info->classes == 2, LEHR_ERR_ARG,
               "loss %s needs 2 classes, the data have %d", name, info->classes);
    return LEHR_OK;
}

/* K: one per class, or one alone for two classes where the loss takes a margin or a logit. */
static int32_t count_outputs(lehr_loss kind, const lehr_dataset_info *info)
{
    if (info->task == LEHR_TASK_REGRESSION)
        return info->targets;
    return info->classes == 2 && kind != LEHR_LOSS_CROSS_ENTROPY ? 1 : info->classes;
}

/* ---- Filling --------------------------------------------------------------------------------- */

/* Numbers that a loss does not use are 1: core works out 1/noise for every loss. */
static void fill_loss(const lehr_loss_spec *loss, lehr_energy_args *args)
{
    args->loss = (lehr_i32)loss->kind;
    args->reduction = (lehr_i32)loss->reduction;
    args->l2 = loss->l2;
    args->l1 = loss->l1;
    if (loss->kind == LEHR_LOSS_GAUSSIAN)
        args->noise = (float)loss->noise;
    if (loss->kind == LEHR_LOSS_HUBER)
        args->delta = (float)loss->delta;
}

static void fill_prior(const lehr_prior_spec *prior, lehr_energy_args *args)
{
    args->prior = (lehr_i32)prior->kind;
    args->prior_scale = prior->kind == LEHR_PRIOR_NONE ? 1 : prior->scale;
}

static void fill_parts(const lehr_dataset *dataset, lehr_problem *problem)
{
    const lehr_dataset_info info = lehr_dataset_describe(dataset);
    for (int p = 0; p < LEHR_PART_COUNT; p++)
        problem->part[p] = (lehr_part_data){lehr_dataset_inputs(dataset, (lehr_part)p),
                                            lehr_dataset_targets(dataset, (lehr_part)p),
                                            info.points[p]};
}

/* Everything neutral, for one kind of target. */
static lehr_objective blank(lehr_target target, int32_t parameters, lehr_weights weights,
                            lehr_init init, double init_scale)
{
    lehr_objective o = {.init = init, .init_scale = init_scale};
    o.problem.args.target = (lehr_i32)target;
    o.problem.args.parameters = parameters;
    o.problem.args.weights = (lehr_i32)weights;
    o.problem.args.prior = LEHR_PRIOR_NONE;
    o.problem.args.prior_scale = 1;
    o.problem.args.noise = 1;
    o.problem.args.delta = 1;
    return o;
}

static lehr_status hand_over(const lehr_objective *filled, lehr_objective **out)
{
    lehr_objective *o = NULL;
    LEHR_TRY(LEHR_NEW(o, 1, "an objective"));
    *o = *filled;
    *out = o;
    return LEHR_OK;
}

/* ---- Create ---------------------------------------------------------------------------------- */

lehr_status lehr_objective_create(const lehr_network_spec *network, const lehr_loss_spec *loss,
                                  const lehr_prior_spec *prior, const lehr_dataset *dataset,
                                  lehr_objective **out)
{
    static const lehr_prior_spec flat = {LEHR_PRIOR_NONE, 1};
    LEHR_CHECK(network != NULL && loss != NULL && dataset != NULL && out != NULL, LEHR_ERR_ARG,
               "an objective needs a network, a loss, a dataset and a place to go");
    prior = prior != NULL ? prior : &flat;
    const lehr_dataset_info info = lehr_dataset_describe(dataset);
    lehr_network shape;
    LEHR_TRY(check_loss(loss));
    LEHR_TRY(check_fit(loss->kind, &info));
    LEHR_TRY(check_prior(prior));
    LEHR_TRY(check_init(network->weights, network->init, network->init_scale));
    const int32_t outputs = count_outputs(loss->kind, &info);
    LEHR_TRY(lehr_network_shape(network, info.inputs, outputs, &shape));
    lehr_objective o = blank(LEHR_TARGET_NETWORK, shape.offset[shape.layers], network->weights,
                             network->init, network->init_scale);
    o.dataset = dataset;
    o.problem.args.network = shape;
    o.problem.args.outputs = outputs;
    fill_loss(loss, &o.problem.args);
    fill_prior(prior, &o.problem.args);
    fill_parts(dataset, &o.problem);
    return hand_over(&o, out);
}

static lehr_status check_mixture(const lehr_target_spec *spec)
{
    LEHR_CHECK(spec->mode_distance >= 0 && isfinite((float)spec->mode_distance), LEHR_ERR_ARG,
               "the mode distance of a mixture must be at least 0 and finite, got %g",
               spec->mode_distance);
    LEHR_CHECK(spec->mode_weight > 0 && spec->mode_weight < 1, LEHR_ERR_ARG,
               "the mode weight of a mixture must be inside (0,1), got %g", spec->mode_weight);
    return LEHR_OK;
}

/* P of a test target: given, or side*side. */
static lehr_status count_parameters(const lehr_target_spec *spec, int32_t *parameters)
{
    if (spec->kind != LEHR_TARGET_SPINS) {
        LEHR_CHECK(spec->parameters >= 1, LEHR_ERR_ARG,
                   "a target needs at least 1 parameter, got %d", spec->parameters);
        *parameters = spec->parameters;
        return LEHR_OK;
    }
    LEHR_CHECK(spec->side >= 2 && spec->side <= 46340, LEHR_ERR_ARG, /* 46341^2 passes 2^31 */
               "the side of a lattice of spins must be between 2 and 46340, got %d", spec->side);
    *parameters = spec->side * spec->side;
    LEHR_CHECK(spec->parameters == *parameters || spec->parameters == 0, LEHR_ERR_ARG,
               "%d x %d spins are %d parameters, got %d", spec->side, spec->side, *parameters,
               spec->parameters);
    return LEHR_OK;
}

lehr_status lehr_objective_create_target(const lehr_target_spec *spec, lehr_objective **out)
{
    LEHR_CHECK(spec != NULL && out != NULL, LEHR_ERR_ARG,
               "an objective needs a target and a place to go");
    const lehr_target kind = spec->kind;
    LEHR_CHECK(kind == LEHR_TARGET_QUADRATIC || kind == LEHR_TARGET_MIXTURE ||
                   kind == LEHR_TARGET_SPINS,
               LEHR_ERR_ARG, "target number %d is not quadratic, mixture or spins", (int)kind);
    const lehr_weights weights = kind == LEHR_TARGET_SPINS ? LEHR_WEIGHTS_BINARY
                                                           : LEHR_WEIGHTS_REAL;
    int32_t parameters = 0;
    LEHR_TRY(count_parameters(spec, &parameters));
    LEHR_TRY(check_init(weights, spec->init, spec->init_scale));
    lehr_objective o = blank(kind, parameters, weights, spec->init, spec->init_scale);
    if (kind == LEHR_TARGET_MIXTURE) {
        LEHR_TRY(check_mixture(spec));
        const double w = spec->mode_weight;
        o.problem.args.mode = (float)(spec->mode_distance / sqrt((double)parameters));
        o.problem.args.mode_log_odds = (float)(lehr_log64(w) - lehr_log64(1 - w));
    }
    if (kind == LEHR_TARGET_SPINS)
        o.problem.args.side = spec->side;
    return hand_over(&o, out);
}

lehr_status lehr_objective_create_callback(const lehr_callback_spec *spec,
                                           const lehr_prior_spec *prior, lehr_objective **out)
{
    static const lehr_prior_spec flat = {LEHR_PRIOR_NONE, 1};
    LEHR_CHECK(spec != NULL && out != NULL && spec->energy != NULL, LEHR_ERR_ARG,
               "an objective needs an energy function and a place to go");
    prior = prior != NULL ? prior : &flat;
    LEHR_CHECK(spec->parameters >= 1, LEHR_ERR_ARG, "a callback needs at least 1 parameter, got %d",
               spec->parameters);
    LEHR_TRY(check_prior(prior));
    LEHR_TRY(check_init(spec->weights, spec->init, spec->init_scale));
    lehr_objective o = blank(LEHR_TARGET_CALLBACK, spec->parameters, spec->weights, spec->init,
                             spec->init_scale);
    fill_prior(prior, &o.problem.args);
    o.problem.callback = spec->energy;
    o.problem.callback_data = spec->data;
    return hand_over(&o, out);
}

void lehr_objective_destroy(lehr_objective **objective)
{
    if (objective != NULL)
        LEHR_FREE(*objective);
}

/* ---- Looking at one -------------------------------------------------------------------------- */

const lehr_problem *lehr_objective_problem(const lehr_objective *objective)
{
    return &objective->problem;
}

const lehr_dataset *lehr_objective_dataset(const lehr_objective *objective)
{
    return objective->dataset;
}

lehr_weights lehr_objective_weights(const lehr_objective *objective)
{
    return (lehr_weights)objective->problem.args.weights;
}

int32_t lehr_objective_parameters(const lehr_objective *objective)
{
    return objective->problem.args.parameters;
}

double lehr_objective_init_scale(const lehr_objective *objective, int32_t parameter)
{
    const lehr_network *network = &objective->problem.args.network;
    if (objective->init == LEHR_INIT_ZERO)
        return 0;
    if (objective->init_scale > 0 || network->layers == 0)
        return objective->init_scale > 0 ? objective->init_scale : 1;
    return 1 / sqrt((double)network->size[lehr_layer_of(network, parameter)]);
}

int32_t lehr_objective_layers(const lehr_objective *objective)
{
    return objective->problem.args.network.layers;
}

lehr_layer_info lehr_objective_layer(const lehr_objective *objective, int32_t layer)
{
    const lehr_network *network = &objective->problem.args.network;
    if (layer < 0 || layer >= network->layers)
        return (lehr_layer_info){.bias_offset = -1};
    return (lehr_layer_info){.inputs = network->size[layer],
                             .outputs = network->size[layer + 1],
                             .weight_offset = network->offset[layer],
                             .bias_offset = network->bias ? lehr_bias_offset(network, layer) : -1};
}
