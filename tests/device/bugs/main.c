/* main.c: the example in plain C, the same on the device, and whether they agree to the last bit.
 *
 * main [BUG [STEPS [CHAINS [THREADS]]]]: exit status 0: equal, 1: different, 2: the device gave an error.   */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bugs/example.h"

enum { LANES = 32, MAX_THREADS = 1024, MAX_PARAMETERS = 4096 };

/* What lane 0 of a shuffle ladder holds. */
static float sum_of_lanes(float *lane)
{
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++)
            lane[i] += lane[i + half];
    return lane[0];
}

static float energy_of(const example_config *c, const float *w, const float *x, const float *y)
{
    float part[MAX_THREADS] = {0}, warp[LANES] = {0};
    for (int t = 0; t < c->threads; t++)
        for (int n = t; n < c->points; n += c->threads)
            part[t] += example_square(example_network(c, w, x + n * c->inputs) - y[n]);
    for (int k = 0; k < c->threads / LANES; k++)
        warp[k] = sum_of_lanes(part + k * LANES);
    return sum_of_lanes(warp) / (float)c->points;
}

static void step_chain(const example_config *c, int chain, int step, const float *x, const float *y,
                       example_state *s)
{
    const int parameters = example_parameters(c);
    float *w = s->weights + chain * parameters, proposal[MAX_PARAMETERS];
    for (int i = 0; i < parameters; i++)
        proposal[i] = w[i] + c->sigma * example_noise(c, chain, step, i);
    const float proposed = energy_of(c, proposal, x, y);
    if (!example_accept(s->beta[chain] * (proposed - s->energy[chain]),
                        example_bits(~c->seed, (unsigned)step, (unsigned)chain)))
        return;
    memcpy(w, proposal, sizeof *w * (size_t)parameters);
    s->energy[chain] = proposed;
    s->accepted[chain]++;
}

static void swap_pairs(const example_config *c, int round, example_state *s)
{
    for (int lower = round & 1; lower + 1 < c->chains; lower += 2) {
        const int a = s->slot[lower], b = s->slot[lower + 1];
        const float rise = (s->beta[b] - s->beta[a]) * (s->energy[a] - s->energy[b]);
        if (!example_accept(rise, example_bits(c->seed + 1, (unsigned)round, (unsigned)lower)))
            continue;
        const float kept = s->beta[a];
        s->beta[a] = s->beta[b];
        s->beta[b] = kept;
        s->slot[lower] = b;
        s->slot[lower + 1] = a;
        s->swaps++;
    }
}

static void run_host(const example_config *c, const float *x, const float *y, example_state *s)
{
    for (int step = 0; step < c->steps; step++) {
        for (int chain = 0; chain < c->chains; chain++)
            step_chain(c, chain, step, x, y, s);
        if ((step + 1) % c->swap_every == 0 || step + 1 == c->steps)
            swap_pairs(c, step / c->swap_every, s);
    }
}

static void *allocate(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);
    if (!memory)
        abort();
    return memory;
}

static example_state make_state(const example_config *c, const float *x, const float *y)
{
    const size_t chains = (size_t)c->chains, parameters = (size_t)example_parameters(c);
    example_state s = {
        .weights = allocate(chains * parameters, sizeof(float)),
        .energy = allocate(chains, sizeof(float)),
        .beta = allocate(chains, sizeof(float)),
        .slot = allocate(chains, sizeof(int)),
        .accepted = allocate(chains, sizeof(unsigned)),
    };
    for (size_t i = 0; i < chains * parameters; i++)
        s.weights[i] = example_uniform(example_bits(3, (unsigned)i, 0)) - 0.5f;
    for (int k = 0; k < c->chains; k++) {
        s.energy[k] = energy_of(c, s.weights + (size_t)k * parameters, x, y);
        s.beta[k] = 1000.0f / (float)(1 + k % 32);
        s.slot[k] = k;
    }
    return s;
}

static void free_state(example_state *s)
{
    free(s->weights);
    free(s->energy);
    free(s->beta);
    free(s->slot);
    free(s->accepted);
}

static int equal(const example_config *c, const example_state *a, const example_state *b)
{
    const size_t chains = (size_t)c->chains, weights = chains * (size_t)example_parameters(c);
    return !memcmp(a->weights, b->weights, weights * sizeof(float)) &&
           !memcmp(a->energy, b->energy, chains * sizeof(float)) &&
           !memcmp(a->beta, b->beta, chains * sizeof(float)) &&
           !memcmp(a->slot, b->slot, chains * sizeof(int)) &&
           !memcmp(a->accepted, b->accepted, chains * sizeof(unsigned)) && a->swaps == b->swaps;
}

/* Points of a smooth function of the inputs. */
static void make_data(const example_config *c, float *x, float *y)
{
    for (int n = 0; n < c->points; n++) {
        float sum = 0;
        for (int i = 0; i < c->inputs; i++) {
            x[n * c->inputs + i] = 2 * example_uniform(example_bits(7, (unsigned)n, (unsigned)i)) -
                                   1;
            sum += x[n * c->inputs + i] * (float)(i + 1);
        }
        y[n] = sum / (1 + sum * sum);
    }
}

static int argument(int count, char **values, int i, int otherwise)
{
    return count > i ? atoi(values[i]) : otherwise;
}

int main(int argc, char **argv)
{
    const example_config c = {
        .inputs = 3,
        .hidden = 6,
        .points = 80,
        .chains = argument(argc, argv, 3, 4),
        .threads = argument(argc, argv, 4, 64),
        .steps = argument(argc, argv, 2, 20),
        .swap_every = 5,
        .sigma = 0.05f,
        .seed = 12345,
        .bug = argument(argc, argv, 1, 0),
    };
    float *x = allocate((size_t)c.points * (size_t)c.inputs, sizeof *x);
    float *y = allocate((size_t)c.points, sizeof *y);
    make_data(&c, x, y);
    example_state host = make_state(&c, x, y), device = make_state(&c, x, y);
    run_host(&c, x, y, &host);
    const int code = example_run_device(&c, x, y, &device);
    const int same = !code && equal(&c, &host, &device);
    unsigned accepted = 0;
    for (int k = 0; k < c.chains; k++)
        accepted += host.accepted[k];
    printf("%s: accepted %u of %d, swaps %u\n",
           code   ? "ERROR"
           : same ? "IDENTICAL"
                  : "DIFFERENT",
           accepted, c.steps * c.chains, host.swaps);
    free_state(&host);
    free_state(&device);
    free(x);
    free(y);
    return code ? 2 : !same;
}
