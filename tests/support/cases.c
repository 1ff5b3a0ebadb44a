/* cases.c: see cases.h. */
#include "support/cases.h"

#include "support/devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Data: whole numbers from a linear congruential generator, scaled by powers of two ---- */

/* How points are dealt to the parts. */
typedef enum split { SPLIT_VALIDATION, SPLIT_THREE, SPLIT_NONE } split;

typedef struct shape {
    int32_t points, inputs, classes; /* classes 0: regression with `targets` columns */
    int32_t targets;
    split split;
} shape;

/* A number on a grid of 1/1024 in [-2, 2). */
static float grid(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)((int32_t)(*state >> 20) - 2048) / 1024.0f;
}

/* Points of class k lie about a corner of their own; a regression target is a bent function of
 * the inputs. */
static void fill_point(const shape *s, int32_t n, uint32_t *state, float *x, float *y)
{
    const int32_t label = s->classes > 0 ? n % s->classes : 0;
    for (int32_t i = 0; i < s->inputs; i++)
        x[i] = grid(state) + (s->classes > 0 && (label >> i % 3 & 1) ? 1.5f : 0.0f);
    y[0] = (float)label;
    for (int32_t k = 0; k < s->targets && s->classes == 0; k++)
        y[k] = x[k % s->inputs] * x[(k + 1) % s->inputs] - 0.5f * x[0] + 0.125f * grid(state);
}

static lehr_dataset *make_data(const shape *s, uint32_t seed)
{
    const size_t columns = s->classes > 0 ? 1 : (size_t)s->targets, points = (size_t)s->points;
    float *x = calloc(points * (size_t)s->inputs, sizeof *x),
          *y = calloc(points * columns, sizeof *y);
    uint32_t state = seed;
    for (int32_t n = 0; n < s->points; n++)
        fill_point(s, n, &state, x + n * s->inputs, y + (size_t)n * columns);
    const lehr_data_spec spec = {.task = s->classes > 0 ? LEHR_TASK_CLASSIFICATION
                                                        : LEHR_TASK_REGRESSION,
                                 .split_seed = 5,
                                 .test_fraction = s->split == SPLIT_THREE ? 0.25 : 0,
                                 .validation_fraction = s->split == SPLIT_NONE ? 0 : 0.125,
                                 .standardize = true};
    lehr_dataset *data = NULL;
    if (lehr_dataset_from_arrays(&spec, x, y, s->points, s->inputs, (int32_t)columns, &data) !=
        LEHR_OK) {
        fprintf(stderr, "data: %s\n", lehr_error());
        abort();
    }
    free(x);
    free(y);
    return data;
}

/* ---- The table ---- */

/* A user's energy: a bent valley without libm. */
static lehr_status valley(const float *theta, int32_t rows, int32_t parameters, double *energy,
                          void *data)
{
    (void)data;
    for (int32_t r = 0; r < rows; r++) {
        const float *x = theta + (size_t)r * (size_t)parameters;
        double sum = 0;
        for (int32_t i = 0; i + 1 < parameters; i++) {
            const double a = 1 - (double)x[i], b = (double)x[i + 1] - (double)x[i] * (double)x[i];
            sum += a * a + 10 * b * b;
        }
        energy[r] = sum;
    }
    return LEHR_OK;
}

typedef struct row {
    const char *name;
    lehr_target target;
    shape data;
    lehr_network_spec network;
    lehr_loss_spec loss;
    lehr_prior_spec prior;
    lehr_target_spec test; /* of a test target */
    lehr_method method;
    lehr_exchange exchange;
    int32_t rungs, copies, every;
    bool delayed;
    int32_t move_count;
    lehr_move_spec moves[3];
} row;

/* clang-format off */
/* Layers by width; 33 units fill no SIMD lane. */
#define NET(weights, bias, hidden, output, count, ...)                                             \
    {count, {__VA_ARGS__}, LEHR_ACTIVATION_##hidden, LEHR_ACTIVATION_##output, bias,               \
     LEHR_WEIGHTS_##weights, LEHR_INIT_NORMAL, 0}
#define LOSS(kind, reduction, l2, l1, noise, delta)                                                \
    {LEHR_LOSS_##kind, LEHR_REDUCTION_##reduction, l2, l1, noise, delta}
#define PRIOR(kind, scale) {LEHR_PRIOR_##kind, scale}
#define TEST(kind, parameters, side, distance)                                                     \
    {LEHR_TARGET_##kind, parameters, side, distance, 0.7, LEHR_INIT_NORMAL, 0}
#define TEMPER(scheme, every, rungs, copies)                                                       \
    LEHR_METHOD_TEMPERING, LEHR_EXCHANGE_##scheme, rungs, copies, every, false
#define ANNEAL(every, copies) LEHR_METHOD_ANNEALING, LEHR_EXCHANGE_NONE, 1, copies, every, false
#define TEMPER_DELAYED(scheme, every, rungs, copies)                                               \
    LEHR_METHOD_TEMPERING, LEHR_EXCHANGE_##scheme, rungs, copies, every, true
#define ANNEAL_DELAYED(every, copies)                                                              \
    LEHR_METHOD_ANNEALING, LEHR_EXCHANGE_NONE, 1, copies, every, true
#define MOVE(kind, scope, k, scale, weight)                                                        \
    {LEHR_MOVE_##kind, LEHR_SCOPE_##scope, k, 3, scale, 0, 0, weight}

/* name, target, {points, inputs, classes, columns}, network, loss, prior, test target, method,
 * moves. An eighth of the points is kept for validation: 1,120 and 1,050 that are left are two chunks. */
static const row table[] = {
    {"classes, tanh, cross-entropy, normal prior", LEHR_TARGET_NETWORK, {150, 4, 3, 1, 0},
     NET(REAL, true, TANH, IDENTITY, 1, 8), LOSS(CROSS_ENTROPY, MEAN, 1e-3, 0, 1, 1),
     PRIOR(NORMAL, 2), {0}, TEMPER(DEO, 3, 4, 2), 2,
     {MOVE(GAUSSIAN, ALL, 1, 0, 1), MOVE(GAUSSIAN, LAYER, 1, 0, 0.5)}},
    {"regression, relu, huber, laplace prior", LEHR_TARGET_NETWORK, {203, 5, 0, 2, 0},
     NET(REAL, true, RELU, IDENTITY, 2, 7, 5), LOSS(HUBER, MEAN, 0, 1e-3, 1, 0.7),
     PRIOR(LAPLACE, 1), {0}, TEMPER(SEO, 2, 3, 2), 2,
     {MOVE(LAPLACE, ALL, 1, 0, 1), MOVE(STUDENT_T, SPARSE, 5, 0, 1)}},
    {"two chunks, sigmoid, binary cross-entropy", LEHR_TARGET_NETWORK, {1280, 9, 2, 1, 0},
     NET(REAL, true, SIGMOID, IDENTITY, 1, 33), LOSS(BINARY_CROSS_ENTROPY, SUM, 0, 0, 1, 1),
     PRIOR(NONE, 1), {0}, TEMPER(DEO, 5, 2, 1), 2,
     {MOVE(UNIFORM, ALL, 1, 0.02, 1), MOVE(CAUCHY, SPARSE, 1, 0, 1)}},
    {"one row, two chunks, gaussian loss", LEHR_TARGET_NETWORK, {1200, 3, 0, 1, 0},
     NET(REAL, true, TANH, TANH, 1, 70), LOSS(GAUSSIAN, SUM, 0, 0, 0.3, 1),
     PRIOR(NORMAL, 1), {0}, ANNEAL(4, 1), 1,
     {MOVE(GAUSSIAN, ALL, 1, 0, 1)}},
    {"linear model, mse, log scale", LEHR_TARGET_NETWORK, {40, 6, 0, 1, 0},
     NET(REAL, true, TANH, IDENTITY, 0, 0), LOSS(MSE, MEAN, 0, 0, 1, 1),
     PRIOR(NONE, 1), {0}, TEMPER(NONE, 1, 3, 3), 2,
     {MOVE(LOG_SCALE, SPARSE, 1, 0, 1), MOVE(GAUSSIAN, SPARSE, 2, 0, 1)}},
    {"leaky relu, hinge of many classes, no biases", LEHR_TARGET_NETWORK, {96, 7, 5, 1, 0},
     NET(REAL, false, LEAKY_RELU, IDENTITY, 2, 17, 6), LOSS(HINGE, MEAN, 0, 0, 1, 1),
     PRIOR(NONE, 1), {0}, ANNEAL(6, 5), 2,
     {MOVE(GAUSSIAN, LAYER, 1, 0, 1), MOVE(STUDENT_T, ALL, 1, 0, 1)}},
    {"step units, zero-one loss", LEHR_TARGET_NETWORK, {64, 4, 2, 1, 0},
     NET(REAL, true, STEP, IDENTITY, 1, 6), LOSS(ZERO_ONE, MEAN, 0, 0, 1, 1),
     PRIOR(NORMAL, 1), {0}, TEMPER(DEO, 1, 5, 2), 1,
     {MOVE(GAUSSIAN, ALL, 1, 0, 1)}},
    {"binary weights, sign units, mae", LEHR_TARGET_NETWORK, {70, 5, 0, 1, 0},
     NET(BINARY, true, SIGN, SIGMOID, 1, 9), LOSS(MAE, SUM, 0, 0, 1, 1),
     PRIOR(NONE, 1), {0}, TEMPER(DEO, 2, 3, 2), 2,
     {MOVE(FLIP, SPARSE, 1, 0, 1), MOVE(FLIP, SPARSE, 3, 0, 0.5)}},
    {"ternary weights, zero-one loss of many classes", LEHR_TARGET_NETWORK, {60, 4, 3, 1, 0},
     NET(TERNARY, true, SIGN, IDENTITY, 1, 5), LOSS(ZERO_ONE, SUM, 0, 0, 1, 1),
     PRIOR(NONE, 1), {0}, ANNEAL(3, 4), 1,
     {MOVE(FLIP, SPARSE, 2, 0, 1)}},
    {"one unit of two hidden layers, l2", LEHR_TARGET_NETWORK, {300, 6, 4, 1, 0},
     NET(REAL, true, TANH, IDENTITY, 2, 11, 7), LOSS(CROSS_ENTROPY, MEAN, 1e-3, 0, 1, 1),
     PRIOR(NORMAL, 2), {0}, TEMPER(DEO, 4, 3, 2), 3,
     {MOVE(GAUSSIAN, NEURON, 1, 0, 1), MOVE(LAPLACE, NEURON_OUT, 1, 0, 0.5),
      MOVE(GAUSSIAN, LAYER, 1, 0, 0.5)}},
    {"a unit's inputs, two chunks, delayed", LEHR_TARGET_NETWORK, {1300, 9, 2, 1, 0},
     NET(REAL, true, SIGMOID, IDENTITY, 1, 20), LOSS(BINARY_CROSS_ENTROPY, SUM, 0, 0, 1, 1),
     PRIOR(LAPLACE, 1), {0}, TEMPER_DELAYED(SEO, 3, 2, 1), 3,
     {MOVE(GAUSSIAN, NEURON_IN, 3, 0, 1), MOVE(STUDENT_T, NEURON, 1, 0, 1),
      MOVE(UNIFORM, NEURON_IN, 0, 0, 0.5)}},
    {"all weights, delayed", LEHR_TARGET_NETWORK, {420, 5, 0, 2, 0},
     NET(REAL, false, RELU, IDENTITY, 2, 9, 5), LOSS(MSE, MEAN, 0, 1e-3, 1, 0.7),
     PRIOR(NORMAL, 1), {0}, ANNEAL_DELAYED(3, 3), 3,
     {MOVE(GAUSSIAN, ALL, 1, 0, 1), MOVE(LOG_SCALE, SPARSE, 1, 0, 1),
      MOVE(CAUCHY, SPARSE, 2, 0, 1)}},
    {"flips of a unit's weights", LEHR_TARGET_NETWORK, {170, 5, 3, 1, 0},
     NET(TERNARY, true, SIGN, IDENTITY, 2, 9, 6), LOSS(ZERO_ONE, MEAN, 0, 0, 1, 1),
     PRIOR(NONE, 1), {0}, TEMPER(DEO, 2, 3, 2), 3,
     {MOVE(FLIP, NEURON_IN, 2, 0, 1), MOVE(FLIP, NEURON, 1, 0, 1), MOVE(FLIP, SPARSE, 1, 0, 1)}},
    {"spins", LEHR_TARGET_SPINS, {0}, {0}, {0}, {0}, TEST(SPINS, 36, 6, 0),
     TEMPER(DEO, 2, 4, 2), 1, {MOVE(FLIP, SPARSE, 1, 0, 1)}},
    {"quadratic of two chunks", LEHR_TARGET_QUADRATIC, {0}, {0}, {0}, {0},
     TEST(QUADRATIC, 1100, 0, 0), TEMPER(DEO, 4, 3, 1), 2,
     {MOVE(GAUSSIAN, ALL, 1, 0, 1), MOVE(CAUCHY, ALL, 1, 1e-3, 0.3)}},
    {"mixture", LEHR_TARGET_MIXTURE, {0}, {0}, {0}, {0}, TEST(MIXTURE, 3, 0, 4),
     TEMPER(SEO, 1, 4, 3), 1, {MOVE(UNIFORM, ALL, 1, 0, 1)}},
    {"callback", LEHR_TARGET_CALLBACK, {0}, {0}, {0}, PRIOR(NORMAL, 3), {0},
     TEMPER(DEO, 3, 3, 2), 2, {MOVE(GAUSSIAN, ALL, 1, 0, 1), MOVE(LOG_SCALE, SPARSE, 1, 0, 0.5)}},
};
/* clang-format on */

int32_t parity_count(void)
{
    return (int32_t)(sizeof table / sizeof *table);
}

/* ---- Cases ---- */

static lehr_status make_objective(const row *r, parity_case *c)
{
    if (r->target == LEHR_TARGET_CALLBACK) {
        const lehr_callback_spec callback = {.parameters = 6, .energy = valley};
        return lehr_objective_create_callback(&callback, &r->prior, &c->objective);
    }
    if (r->target != LEHR_TARGET_NETWORK)
        return lehr_objective_create_target(&r->test, &c->objective);
    c->data = make_data(&r->data, 77);
    return lehr_objective_create(&r->network, &r->loss, &r->prior, c->data, &c->objective);
}

static lehr_run_spec make_spec(const row *r)
{
    lehr_run_spec spec = lehr_run_spec_default();
    snprintf(spec.backend, sizeof spec.backend, "cpu");
    spec.seed = 0x1234567890abcdefu;
    spec.method = r->method;
    spec.copies = r->copies;
    spec.ladder = (lehr_ladder_spec){
        .kind = LEHR_LADDER_GEOMETRIC, .rungs = r->rungs, .min = 0.01, .max = 1};
    spec.cooling = (lehr_cooling_spec){.kind = r->copies % 2 ? LEHR_COOLING_GEOMETRIC
                                                             : LEHR_COOLING_LINEAR,
                                       .start = 1,
                                       .end = 0.01};
    spec.adapt = 0.75;
    spec.exchange = (lehr_exchange_spec){r->exchange, r->every};
    spec.stop = (lehr_stop_spec){.scans = 83};
    spec.observe = 19;
    spec.delayed_acceptance = r->delayed;
    spec.move_count = r->move_count;
    for (int32_t m = 0; m < r->move_count; m++)
        spec.moves[m] = r->moves[m];
    return spec;
}

static void needs(lehr_status status, const char *name)
{
    if (status == LEHR_OK)
        return;
    fprintf(stderr, "case \"%s\": %s\n", name, lehr_error());
    abort();
}

static parity_case open_row(const row *r, const char *name)
{
    parity_case c = {.spec = make_spec(r)};
    snprintf(c.name, sizeof c.name, "%s", name);
    needs(make_objective(r, &c), c.name);
    return c;
}

parity_case parity_open(int32_t i)
{
    return open_row(&table[i], table[i].name);
}

void parity_close(parity_case *c)
{
    lehr_objective_destroy(&c->objective);
    lehr_dataset_destroy(&c->data);
}

/* ---- The sweep: one thing at a time is changed in one small run ---- */

/* clang-format off */
static const row base = {
    "", LEHR_TARGET_NETWORK, {48, 3, 0, 2, SPLIT_THREE}, NET(REAL, true, TANH, IDENTITY, 1, 5),
    LOSS(MSE, MEAN, 0, 0, 0.4, 0.7), PRIOR(NONE, 1.5), {0}, TEMPER(DEO, 2, 3, 2), 1,
    {MOVE(GAUSSIAN, ALL, 1, 0, 1)}};
/* clang-format on */

/* Around a warp, and past a tile and a chunk. */
static const int32_t sizes[] = {1, 31, 33, 1000};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void set_hidden_activation(row *r, int32_t i)
{
    r->network.activation = (lehr_activation)i;
}

static void set_output_activation(row *r, int32_t i)
{
    r->network.output = (lehr_activation)i;
}

/* Every loss with both reductions; those of classes with two and with more where both are there. */
static void set_loss(row *r, int32_t i)
{
    static const struct {
        lehr_loss kind;
        int32_t classes;
    } losses[] = {{LEHR_LOSS_MSE, 0},           {LEHR_LOSS_MAE, 0},
                  {LEHR_LOSS_HUBER, 0},         {LEHR_LOSS_GAUSSIAN, 0},
                  {LEHR_LOSS_CROSS_ENTROPY, 3}, {LEHR_LOSS_BINARY_CROSS_ENTROPY, 2},
                  {LEHR_LOSS_HINGE, 2},         {LEHR_LOSS_HINGE, 3},
                  {LEHR_LOSS_ZERO_ONE, 2},      {LEHR_LOSS_ZERO_ONE, 3}};
    r->loss.kind = losses[i / LEHR_REDUCTION_COUNT].kind;
    r->loss.reduction = (lehr_reduction)(i % LEHR_REDUCTION_COUNT);
    r->data.classes = losses[i / LEHR_REDUCTION_COUNT].classes;
}

static void set_prior(row *r, int32_t i)
{
    r->prior.kind = (lehr_prior)(i / 4);
    r->loss.l2 = i % 4 & 1 ? 1e-3 : 0;
    r->loss.l1 = i % 4 & 2 ? 2e-3 : 0;
}

static void set_noise(row *r, int32_t i)
{
    r->moves[0].kind = (lehr_move)(i / LEHR_SCOPE_COUNT);
    r->moves[0].scope = (lehr_scope)(i % LEHR_SCOPE_COUNT);
    r->moves[0].k = r->moves[0].scope == LEHR_SCOPE_SPARSE ? 7 : 1;
}

static void set_log_scale(row *r, int32_t i)
{
    r->moves[0].kind = LEHR_MOVE_LOG_SCALE;
    r->moves[0].scope = LEHR_SCOPE_SPARSE;
    r->prior.kind = (lehr_prior)i;
}

static void set_flips(row *r, int32_t i)
{
    r->network.weights = i % 2 ? LEHR_WEIGHTS_TERNARY : LEHR_WEIGHTS_BINARY;
    r->moves[0].kind = LEHR_MOVE_FLIP;
    r->moves[0].scope = LEHR_SCOPE_SPARSE;
    r->moves[0].k = i / 2 ? 33 : 1;
}

static void set_points(row *r, int32_t i)
{
    r->data.points = sizes[i];
    r->data.split = SPLIT_NONE;
}

static void set_inputs(row *r, int32_t i)
{
    r->data.inputs = sizes[i];
}

/* The activations of 240 units are more than 256 threads of a block may share: there a warp gives scores. */
static const int32_t widths[] = {1, 31, 33, 240, 1000};
enum { WIDTHS = sizeof widths / sizeof *widths };

static void set_width(row *r, int32_t i)
{
    r->network.hidden[0] = widths[i];
}

static void set_outputs(row *r, int32_t i)
{
    r->data.targets = sizes[i];
}

static void set_layers(row *r, int32_t i)
{
    r->network.hidden_count = i;
    for (int32_t l = 0; l < i; l++)
        r->network.hidden[l] = 2 + 5 * l;
    r->network.bias = i % 2 == 0;
}

static void set_rows(row *r, int32_t i)
{
    r->method = LEHR_METHOD_ANNEALING;
    r->rungs = 1;
    r->copies = sizes[i];
}

/* 33 and 129 rungs are more than a warp and more than two turns of the threads that exchange. */
static void set_rungs(row *r, int32_t i)
{
    static const int32_t rungs[] = {2, 33, 129};
    r->rungs = rungs[i / LEHR_EXCHANGE_COUNT];
    r->exchange = (lehr_exchange)(i % LEHR_EXCHANGE_COUNT);
}

static void set_quadratic(row *r, int32_t i)
{
    r->target = r->test.kind = LEHR_TARGET_QUADRATIC;
    r->test.parameters = sizes[i];
}

static void set_mixture(row *r, int32_t i)
{
    r->target = r->test.kind = LEHR_TARGET_MIXTURE;
    r->test.parameters = sizes[i];
    r->test.mode_distance = 3;
    r->test.mode_weight = 0.3;
}

static void set_spins(row *r, int32_t i)
{
    static const int32_t sides[] = {2, 6, 33};
    r->target = r->test.kind = LEHR_TARGET_SPINS;
    r->test.side = sides[i];
    r->moves[0] = table[0].moves[0];
    r->moves[0].kind = LEHR_MOVE_FLIP;
    r->moves[0].scope = LEHR_SCOPE_SPARSE;
}

static const struct aspect {
    const char *name;
    int32_t count;
    void (*set)(row *r, int32_t i);
} aspects[] = {
    {"hidden activation", LEHR_ACTIVATION_COUNT, set_hidden_activation},
    {"output activation", LEHR_ACTIVATION_COUNT, set_output_activation},
    {"loss", 10 * LEHR_REDUCTION_COUNT, set_loss},
    {"prior and penalties", 4 * LEHR_PRIOR_COUNT, set_prior},
    {"noise and scope", LEHR_MOVE_FLIP *LEHR_SCOPE_COUNT, set_noise},
    {"log scale, prior", LEHR_PRIOR_COUNT, set_log_scale},
    {"flips", 4, set_flips},
    {"points", SIZES, set_points},
    {"inputs", SIZES, set_inputs},
    {"hidden units", WIDTHS, set_width},
    {"outputs", SIZES, set_outputs},
    {"layers", 5, set_layers},
    {"rows", SIZES, set_rows},
    {"rungs and exchange", 3 * LEHR_EXCHANGE_COUNT, set_rungs},
    {"quadratic", SIZES, set_quadratic},
    {"mixture", SIZES, set_mixture},
    {"spins", 3, set_spins},
};
enum { ASPECTS = sizeof aspects / sizeof *aspects };

int32_t parity_sweep_count(void)
{
    int32_t count = 0;
    for (int32_t a = 0; a < ASPECTS; a++)
        count += aspects[a].count;
    return count;
}

parity_case parity_sweep_open(int32_t i)
{
    const struct aspect *a = aspects;
    for (; i >= a->count; a++)
        i -= a->count;
    row r = base;
    a->set(&r, i);
    char name[PARITY_NAME];
    snprintf(name, sizeof name, "%s %d", a->name, i);
    parity_case c = open_row(&r, name);
    c.spec.stop.scans = 9;
    c.spec.observe = 4;
    return c;
}

/* ---- Runs ---- */

lehr_run *parity_run(const parity_case *c, const char *backend, const parity_way *way)
{
    lehr_run_spec spec = c->spec;
    snprintf(spec.backend, sizeof spec.backend, "%s", backend);
    lehr_backend_options options = way->options;
    if (devices_are_tests() && strncmp(backend, "cuda", 4) == 0 && !way->for_shape)
        options.plain = 1;
    lehr_run *run = NULL;
    needs(lehr_run_create_with(&spec, &options, c->objective, &run), c->name);
    return run;
}

void parity_drive(lehr_run *run, const parity_way *way)
{
    lehr_stop stop = LEHR_STOP_NONE;
    uint64_t cuts = way->cuts;
    while (stop == LEHR_STOP_NONE) {
        cuts = cuts * 6364136223846793005u + 1442695040888963407u;
        const int64_t scans = way->cuts ? 1 + (int64_t)(cuts >> 33) % 9 : way->slice;
        needs(lehr_run_advance(run, scans, &stop), "a slice");
    }
}

uint64_t parity_hash(const parity_case *c, const parity_way *way)
{
    lehr_run *run = parity_run(c, c->spec.backend, way);
    parity_drive(run, way);
    lehr_run_summary summary;
    needs(lehr_run_summarize(run, &summary), c->name);
    lehr_run_destroy(&run);
    return summary.state_hash;
}
