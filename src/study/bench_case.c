/* bench_case.c: the workloads that are timed, and what a proposal on them costs at least.
 *
 * The built-in ones need no file: their shapes are those of two spirals, of handwritten digits
 * and of Fashion-MNIST, and only the shape decides the cost. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "lehr/lehr.h"
#include "study/bench.h"

/* ---- Cost ------------------------------------------------------------------------------------ */

/* What one core did on the machine of reference, whose FMA peak was 100 GFLOP/s: tanh by an inlined
 * rational, and normals by Philox4x32-10 with an inlined Box-Muller. Both are arithmetic, so they
 * scale with the peak. */
static const double reference_peak = 1e11, tanh_per_s = 3.4e9, normals_per_s = 0.65e9;

double lehr_bench_bound(const lehr_bench_cost *cost, double peak)
{
    const double products_s = cost->flop / peak;
    const double others_s = (double)cost->activations / tanh_per_s +
                            (double)cost->parameters / normals_per_s;
    return 1 / (products_s + others_s * (reference_peak / peak));
}

static bool is_arithmetic(lehr_activation kind)
{
    return kind == LEHR_ACTIVATION_TANH || kind == LEHR_ACTIVATION_SIGMOID;
}

static lehr_bench_cost cost_of(const lehr_objective *objective, lehr_activation kind,
                               int64_t points)
{
    lehr_bench_cost cost = {.points = points, .parameters = lehr_objective_parameters(objective)};
    const int32_t layers = lehr_objective_layers(objective);
    for (int32_t l = 0; l < layers; l++) {
        const lehr_layer_info layer = lehr_objective_layer(objective, l);
        cost.flop += 2.0 * (double)points * layer.inputs * layer.outputs;
        if (l + 1 < layers && is_arithmetic(kind))
            cost.activations += points * layer.outputs;
    }
    return cost;
}

/* ---- Built-in workloads ---------------------------------------------------------------------- */

typedef struct workload {
    const char *name;
    int32_t inputs, hidden_count, hidden[2], classes, points;
    lehr_loss loss;
    int32_t brightest; /* inputs are integers 0 to this one */
} workload;

static const workload built_in[LEHR_BENCH_BUILT_IN] = {
    {"a", 2, 2, {16, 16}, 2, 200, LEHR_LOSS_BINARY_CROSS_ENTROPY, 0},
    {"b", 64, 1, {32}, 10, 1797, LEHR_LOSS_CROSS_ENTROPY, 16},
    {"c", 784, 1, {128}, 10, 1024, LEHR_LOSS_CROSS_ENTROPY, 255},
};

const char *lehr_bench_name(int32_t index)
{
    return index >= 0 && index < LEHR_BENCH_BUILT_IN ? built_in[index].name : NULL;
}

/* Classes in turn; inputs without any sense, from a small generator of 64 bits (Knuth's MMIX). */
static void fill_points(const workload *w, float *inputs, float *labels)
{
    uint64_t state = 1;
    for (int64_t i = 0; i < (int64_t)w->points * w->inputs; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        inputs[i] = (float)((state >> 33) % (uint64_t)(w->brightest + 1));
    }
    for (int32_t n = 0; n < w->points; n++)
        labels[n] = (float)(n % w->classes);
}

static lehr_status make_points(const workload *w, const lehr_data_spec *spec, lehr_dataset **out)
{
    float *inputs = NULL, *labels = NULL;
    lehr_status status = LEHR_NEW(inputs, (size_t)w->points * (size_t)w->inputs,
                                  "inputs of a workload");
    if (status == LEHR_OK)
        status = LEHR_NEW(labels, (size_t)w->points, "labels of a workload");
    if (status == LEHR_OK) {
        fill_points(w, inputs, labels);
        status = lehr_dataset_from_arrays(spec, inputs, labels, w->points, w->inputs, 1, out);
    }
    LEHR_FREE(inputs);
    LEHR_FREE(labels);
    return status;
}

static lehr_status make_data(const workload *w, lehr_dataset **out)
{
    lehr_data_spec spec = {.task = LEHR_TASK_CLASSIFICATION, .split_seed = 1, .standardize = true};
    if (w->inputs > 2)
        return make_points(w, &spec, out);
    spec.generator = (lehr_generator_spec){
        .kind = LEHR_GENERATOR_SPIRALS, .points = w->points, .noise = 0.05};
    return lehr_dataset_create(&spec, out);
}

/* ---- Cases ----------------------------------------------------------------------------------- */

/* Rows enough for every thread, few enough that a scan takes some hundredths of a second at
 * most. */
static int32_t rows_for(const lehr_bench_cost *cost)
{
    return cost->flop < 1e6 ? 64 : cost->flop < 5e7 ? 32 : 16;
}

static void describe_shape(lehr_bench_case *bench, lehr_activation activation)
{
    lehr_text text = {0};
    const int32_t layers = lehr_objective_layers(bench->objective);
    lehr_text_add(&text, "%d", lehr_objective_layer(bench->objective, 0).inputs);
    for (int32_t l = 0; l < layers; l++)
        lehr_text_add(&text, "-%d", lehr_objective_layer(bench->objective, l).outputs);
    if (layers > 1)
        lehr_text_add(&text, " %s", lehr_kind_name(LEHR_LIST_ACTIVATION, (int32_t)activation));
    if (text.failed || !lehr_text_copy(bench->shape, sizeof bench->shape, text.data))
        snprintf(bench->shape, sizeof bench->shape, "%d layers", layers);
    lehr_text_free(&text);
}

/* The network on bench->data. */
static lehr_status finish(const lehr_network_spec *network, const lehr_loss_spec *loss,
                          const lehr_prior_spec *prior, lehr_bench_case *bench)
{
    LEHR_TRY(lehr_objective_create(network, loss, prior, bench->data, &bench->objective));
    const int64_t points = lehr_dataset_describe(bench->data).points[LEHR_PART_TRAIN];
    bench->cost = cost_of(bench->objective, network->activation, points);
    bench->rows = rows_for(&bench->cost);
    describe_shape(bench, network->activation);
    return LEHR_OK;
}

static lehr_status fill(const workload *w, lehr_bench_case *bench)
{
    LEHR_TRY(make_data(w, &bench->data));
    lehr_network_spec network = {
        .hidden_count = w->hidden_count, .activation = LEHR_ACTIVATION_TANH, .bias = true};
    memcpy(network.hidden, w->hidden, (size_t)w->hidden_count * sizeof *w->hidden);
    const lehr_loss_spec loss = {.kind = w->loss, .noise = 1, .delta = 1};
    return finish(&network, &loss, &(lehr_prior_spec){.scale = 1}, bench);
}

static lehr_status fill_config(const lehr_config *config, lehr_bench_case *bench)
{
    LEHR_TRY(lehr_dataset_create(&config->data, &bench->data));
    return finish(&config->network, &config->loss, &config->prior, bench);
}

/* Hand over a filled case, or take it apart. */
static lehr_status hand_over(lehr_status status, lehr_bench_case *bench, lehr_bench_case *out)
{
    if (status == LEHR_OK)
        *out = *bench;
    else
        lehr_bench_close(bench);
    return status;
}

lehr_status lehr_bench_open(int32_t index, lehr_bench_case *out)
{
    LEHR_CHECK(lehr_bench_name(index), LEHR_ERR_ARG, "there is no built-in workload %d", index);
    lehr_bench_case bench = {0};
    lehr_text_copy(bench.name, sizeof bench.name, built_in[index].name);
    return hand_over(fill(&built_in[index], &bench), &bench, out);
}

lehr_status lehr_bench_open_config(const lehr_config *config, lehr_bench_case *out)
{
    LEHR_CHECK(config->network.weights == LEHR_WEIGHTS_REAL, LEHR_ERR_UNSUPPORTED,
               "the bench adds noise to every weight, and the weights of this network are %s",
               lehr_kind_name(LEHR_LIST_WEIGHTS, (int32_t)config->network.weights));
    lehr_bench_case bench = {0};
    lehr_text_copy(bench.name, sizeof bench.name, config->name);
    return hand_over(fill_config(config, &bench), &bench, out);
}

void lehr_bench_close(lehr_bench_case *bench)
{
    lehr_objective_destroy(&bench->objective);
    lehr_dataset_destroy(&bench->data);
}
