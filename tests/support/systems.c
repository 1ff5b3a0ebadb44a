/* systems.c: see systems.h. Free of Criterion, so that programs without a test runner can use it
 * too. */
#include "support/systems.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/rng.h"

/* ---- Planted bugs ---- */

/* Weak: absent from a library without plants. */
extern int lehr_plant __attribute__((weak));
extern int lehr_plant_find(const char *name) __attribute__((weak));

__attribute__((constructor)) static void plant(void)
{
    const char *name = getenv("LEHR_PLANT");
    if (!name || !*name)
        return;
    const int found = lehr_plant_find ? lehr_plant_find(name) : 0;
    if (found == 0) {
        fprintf(stderr, "LEHR_PLANT: no bug \"%s\" can be planted here\n", name);
        _exit(64);
    }
    lehr_plant = found;
}

/* ---- Runs ---- */

void law_needs(lehr_status status, const char *what)
{
    if (status == LEHR_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, lehr_error());
    abort();
}

lehr_run_spec law_spec(const double *beta, int32_t rungs, int32_t copies, int64_t scans)
{
    lehr_run_spec spec = lehr_run_spec_default();
    spec.copies = copies;
    spec.ladder = (lehr_ladder_spec){.kind = LEHR_LADDER_LIST, .rungs = rungs};
    for (int32_t t = 0; t < rungs; t++)
        spec.ladder.list[t] = beta[t] > 0 ? 1 / beta[t] : 1e300;
    spec.adapt = 0;
    spec.move_count = 1;
    spec.exchange.every = 1;
    spec.stop = (lehr_stop_spec){.scans = scans};
    spec.observe = scans;
    spec.threads = 1;
    const char *backend = getenv("LEHR_TEST_BACKEND");
    snprintf(spec.backend, sizeof spec.backend, "%s", backend && *backend ? backend : "cpu");
    return spec;
}

lehr_run *law_open(const lehr_run_spec *spec, const lehr_objective *objective)
{
    lehr_run *run = NULL;
    LAW_NEEDS(lehr_run_create(spec, objective, &run));
    return run;
}

void law_start(lehr_run *run, law_draw *draw, const void *system, uint64_t seed)
{
    lehr_table *t = run->pack->table;
    stats_rng rng = {seed};
    for (int32_t r = 0; r < t->rows; r++)
        draw(&rng, t->beta[t->rung[r]], system, t->theta + (size_t)r * (size_t)t->parameters);
    LAW_NEEDS(run->pack->backend->push(run->pack->state));
    LAW_NEEDS(run->pack->backend->start(run->pack->state));
}

void law_advance(lehr_run *run, int64_t scans)
{
    const int64_t end = run->scan + scans;
    lehr_stop stop = LEHR_STOP_NONE;
    while (run->scan < end && stop == LEHR_STOP_NONE)
        LAW_NEEDS(lehr_run_advance(run, end - run->scan, &stop));
    LAW_NEEDS(run->scan == end ? LEHR_OK : lehr_fail(LEHR_ERR_ARG, "the run is too short"));
    LAW_NEEDS(run->pack->backend->pull(run->pack->state));
}

static int32_t row_on(const lehr_run *run, int32_t copy, int32_t rung)
{
    return run->pack->table->slot_row[copy * run->pack->table->group[0].rungs + rung];
}

double law_energy(const lehr_run *run, int32_t copy, int32_t rung)
{
    return run->pack->table->energy[row_on(run, copy, rung)];
}

const float *law_theta(const lehr_run *run, int32_t copy, int32_t rung)
{
    return run->pack->table->theta +
           (size_t)row_on(run, copy, rung) * (size_t)run->pack->table->parameters;
}

double law_beta(const lehr_run *run, int32_t rung)
{
    return run->pack->table->beta[rung];
}

double law_swap(const lehr_run *run, int32_t copy, int32_t rung)
{
    const int32_t slot = copy * run->pack->table->group[0].rungs + rung;
    return run->pack->table->swap_sum[slot] / (double)run->pack->table->swap_count[slot];
}

stats_moments law_energies(const lehr_run *run, int32_t rung)
{
    stats_moments m = {0};
    for (int32_t c = 0; c < run->spec.copies; c++)
        stats_add(&m, law_energy(run, c, rung));
    return m;
}

stats_moments law_swaps(const lehr_run *run, int32_t rung)
{
    stats_moments m = {0};
    for (int32_t c = 0; c < run->spec.copies; c++)
        if (run->pack->table->swap_count[c * run->pack->table->group[0].rungs + rung] > 0)
            stats_add(&m, law_swap(run, c, rung));
    return m;
}

double law_copies_correlation(const lehr_run *run, int32_t rung)
{
    const int32_t pairs = run->spec.copies / 2;
    double *x = calloc((size_t)pairs * 2, sizeof *x), *y = x + pairs;
    for (int32_t j = 0; j < pairs; j++) {
        x[j] = law_energy(run, 2 * j, rung);
        y[j] = law_energy(run, 2 * j + 1, rung);
    }
    const double z = stats_correlation_z(x, y, pairs);
    free(x);
    return z;
}

/* ---- Systems: what each one is ---- */

static const struct {
    const char *name;
    int32_t parameters, values;
} about[LAW_KINDS] = {
    [LAW_XOR] = {"xor 2-2-1, binary weights", 9, 2},
    [LAW_XOR_TERNARY] = {"xor 2-2-1, ternary weights", 9, 3},
    [LAW_PERCEPTRON] = {"binary perceptron 11, 9 patterns", 11, 2},
    [LAW_COMMITTEE] = {"committee machine 5-3-1, 10 patterns", 18, 2},
    [LAW_SPINS] = {"spins 4x4", 16, 2},
    [LAW_UNEVEN] = {"xor 2-2-1, 96 points", 9, 2},
};

/* Patterns that the step networks learn: inputs +-1 and classes 0, 1. */
enum { POINTS_MAX = 96, INPUTS_MAX = 11 };
typedef struct patterns {
    int32_t points, inputs;
    int8_t x[POINTS_MAX][INPUTS_MAX], y[POINTS_MAX];
} patterns;

static patterns xor_patterns(void)
{
    patterns p = {4, 2, {{0}}, {0}};
    for (int32_t n = 0; n < 4; n++) {
        p.x[n][0] = n & 1 ? 1 : -1;
        p.x[n][1] = n & 2 ? 1 : -1;
        p.y[n] = n == 1 || n == 2;
    }
    return p;
}

static patterns uneven_patterns(void)
{
    const patterns xor = xor_patterns();
    patterns p = {96, 2, {{0}}, {0}};
    for (int32_t n = 0; n < p.points; n++) {
        const int32_t from = n < 64 ? n % 4 : n % 4 == 3 ? 3 : 0;
        memcpy(p.x[n], xor.x[from], sizeof p.x[n]);
        p.y[n] = xor.y[from];
    }
    return p;
}

/* The first words of Philox under key (key, 0): input i of point n is bit i of word 0, +1 where
 * it is set. */
static patterns random_patterns(uint32_t key, int32_t points, int32_t inputs)
{
    patterns p = {points, inputs, {{0}}, {0}};
    for (int32_t n = 0; n < points; n++) {
        const lehr_words words = lehr_philox((lehr_u32)n, 0, 0, 0, key, 0);
        for (int32_t i = 0; i < inputs; i++)
            p.x[n][i] = words.w[0] >> i & 1 ? 1 : -1;
        p.y[n] = (int8_t)(words.w[1] & 1);
    }
    return p;
}

static patterns make_patterns(law_kind kind)
{
    if (kind == LAW_COMMITTEE)
        return random_patterns(2, 10, 5);
    if (kind == LAW_UNEVEN)
        return uneven_patterns();
    if (kind != LAW_PERCEPTRON)
        return xor_patterns();
    /* Its energy counts w.x < 0, as if every class were 1. A data set needs both classes, so
     * every second pattern and its class are turned round: (-x, 0) is as hard as (x, 1). */
    patterns p = random_patterns(1, 9, 11);
    for (int32_t n = 0; n < p.points; n++) {
        p.y[n] = n % 2 == 0;
        for (int32_t i = 0; i < p.inputs; i++)
            p.x[n][i] = p.y[n] ? p.x[n][i] : (int8_t)-p.x[n][i];
    }
    return p;
}

/* ---- Systems: counting, apart from the engine ---- */

static int sign_of(int z)
{
    return z >= 0 ? 1 : -1;
}

/* One hidden layer of sign units (none: the perceptron), then the class of the output's sign. */
static int class_of(const int8_t *w, const int8_t *x, int inputs, int hidden, int biases)
{
    int unit[3], z = 0;
    if (hidden == 0) {
        for (int i = 0; i < inputs; i++)
            z += w[i] * x[i];
        return z >= 0;
    }
    const int8_t *bias = w + hidden * inputs, *out = bias + (biases ? hidden : 0);
    for (int h = 0; h < hidden; h++) {
        int sum = biases ? bias[h] : 0;
        for (int i = 0; i < inputs; i++)
            sum += w[h * inputs + i] * x[i];
        unit[h] = sign_of(sum);
    }
    for (int h = 0; h < hidden; h++)
        z += out[h] * unit[h];
    return z + (biases ? out[hidden] : 0) >= 0;
}

static bool has_biases(law_kind kind)
{
    return kind == LAW_XOR || kind == LAW_XOR_TERNARY || kind == LAW_UNEVEN;
}

static int errors_of(law_kind kind, const patterns *p, const int8_t *w)
{
    const int hidden = kind == LAW_PERCEPTRON ? 0 : kind == LAW_COMMITTEE ? 3 : 2;
    const int biases = has_biases(kind);
    int errors = 0;
    for (int32_t n = 0; n < p->points; n++)
        errors += class_of(w, p->x[n], p->inputs, hidden, biases) != p->y[n];
    return errors;
}

static int spin_energy(const int8_t *s)
{
    int energy = 0;
    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 4; column++)
            energy -= s[4 * row + column] *
                      (s[4 * row + (column + 1) % 4] + s[4 * ((row + 1) % 4) + column]);
    return energy;
}

static void digits(const law_counted *s, int32_t state, int8_t *w)
{
    for (int32_t i = 0; i < s->parameters; i++, state /= s->values)
        w[i] = (int8_t)(s->values == 2 ? 2 * (state % 2) - 1 : state % 3 - 1);
}

static void count_states(law_counted *s, const patterns *p)
{
    s->lowest = s->kind == LAW_SPINS ? -32 : 0;
    for (int32_t state = 0; state < s->states; state++) {
        int8_t w[32];
        digits(s, state, w);
        s->energy[state] = (int8_t)(s->kind == LAW_SPINS ? spin_energy(w)
                                                         : errors_of(s->kind, p, w));
        s->g[s->energy[state] - s->lowest]++;
    }
    int32_t next[LAW_LEVELS], sum = 0;
    for (int level = 0; level < LAW_LEVELS; level++) {
        s->first[level] = next[level] = sum;
        sum += (int32_t)s->g[level];
    }
    for (int32_t state = 0; state < s->states; state++)
        s->order[next[s->energy[state] - s->lowest]++] = state;
}

/* ---- Systems: for the engine ---- */

static void make_network(law_counted *s, const patterns *p)
{
    float x[POINTS_MAX * INPUTS_MAX], y[POINTS_MAX];
    for (int32_t n = 0; n < p->points; n++) {
        y[n] = p->y[n];
        for (int32_t i = 0; i < p->inputs; i++)
            x[n * p->inputs + i] = p->x[n][i];
    }
    const lehr_data_spec data = {.task = LEHR_TASK_CLASSIFICATION, .split_seed = 1};
    const int32_t hidden = s->kind == LAW_COMMITTEE ? 3 : 2;
    const lehr_network_spec network = {
        .hidden_count = s->kind == LAW_PERCEPTRON ? 0 : 1,
        .hidden = {hidden},
        .activation = LEHR_ACTIVATION_SIGN,
        .output = LEHR_ACTIVATION_IDENTITY,
        .bias = has_biases(s->kind),
        .weights = s->values == 2 ? LEHR_WEIGHTS_BINARY : LEHR_WEIGHTS_TERNARY,
    };
    const lehr_loss_spec loss = {
        .kind = LEHR_LOSS_ZERO_ONE, .reduction = LEHR_REDUCTION_SUM, .noise = 1, .delta = 1};
    const lehr_prior_spec prior = {.kind = LEHR_PRIOR_NONE, .scale = 1};
    LAW_NEEDS(lehr_dataset_from_arrays(&data, x, y, p->points, p->inputs, 1, &s->data));
    LAW_NEEDS(lehr_objective_create(&network, &loss, &prior, s->data, &s->objective));
}

law_counted *law_counted_create(law_kind kind)
{
    law_counted *s = calloc(1, sizeof *s);
    s->kind = kind;
    s->name = about[kind].name;
    s->parameters = about[kind].parameters;
    s->values = about[kind].values;
    s->states = 1;
    for (int32_t i = 0; i < s->parameters; i++)
        s->states *= s->values;
    s->energy = calloc((size_t)s->states, sizeof *s->energy);
    s->order = calloc((size_t)s->states, sizeof *s->order);
    const patterns p = make_patterns(kind);
    count_states(s, &p);
    if (kind != LAW_SPINS) {
        make_network(s, &p);
        return s;
    }
    const lehr_target_spec spins = {.kind = LEHR_TARGET_SPINS, .parameters = 16, .side = 4};
    LAW_NEEDS(lehr_objective_create_target(&spins, &s->objective));
    return s;
}

void law_counted_destroy(law_counted **system)
{
    lehr_objective_destroy(&(*system)->objective);
    lehr_dataset_destroy(&(*system)->data);
    free((*system)->energy);
    free((*system)->order);
    free(*system);
    *system = NULL;
}

void law_decode(const law_counted *system, int32_t state, float *theta)
{
    int8_t w[32];
    digits(system, state, w);
    for (int32_t i = 0; i < system->parameters; i++)
        theta[i] = w[i];
}

int32_t law_encode(const law_counted *system, const float *theta)
{
    int32_t state = 0;
    for (int32_t i = system->parameters - 1; i >= 0; i--)
        state = state * system->values +
                (system->values == 2 ? theta[i] > 0 : (int32_t)theta[i] + 1);
    return state;
}

/* ---- Systems: exact laws ---- */

void law_boltzmann(const law_counted *system, double beta, double probability[LAW_LEVELS])
{
    double z = 0;
    for (int level = 0; level < LAW_LEVELS; level++)
        z += probability[level] = (double)system->g[level] * exp(-beta * level);
    for (int level = 0; level < LAW_LEVELS; level++)
        probability[level] /= z;
}

/* A level by its Boltzmann weight, then any of its states. */
void law_counted_draw(stats_rng *rng, double beta, const void *system, float *theta)
{
    const law_counted *s = system;
    double p[LAW_LEVELS];
    law_boltzmann(s, beta, p);
    for (int level = 1; level < LAW_LEVELS; level++)
        p[level] += p[level - 1];
    const int32_t level = stats_pick(rng, p, LAW_LEVELS);
    const int32_t among = (int32_t)(stats_uniform(rng) * (double)s->g[level]);
    law_decode(s, s->order[s->first[level] + among], theta);
}

double law_mean_energy(const law_counted *system, double beta)
{
    double p[LAW_LEVELS], mean = system->lowest;
    law_boltzmann(system, beta, p);
    for (int level = 0; level < LAW_LEVELS; level++)
        mean += p[level] * level;
    return mean;
}

double law_log_z(const law_counted *system, double beta)
{
    double z = 0;
    for (int level = 0; level < LAW_LEVELS; level++)
        z += (double)system->g[level] * exp(-beta * level);
    return log(z) - beta * system->lowest;
}

double law_exact_swap(const law_counted *system, double beta_i, double beta_j)
{
    double p[LAW_LEVELS], q[LAW_LEVELS], mean = 0;
    law_boltzmann(system, beta_i, p);
    law_boltzmann(system, beta_j, q);
    for (int i = 0; i < LAW_LEVELS; i++)
        for (int j = 0; j < LAW_LEVELS; j++)
            mean += p[i] * q[j] * fmin(1, exp((beta_i - beta_j) * (i - j)));
    return mean;
}
