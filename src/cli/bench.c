/* bench.c: `lehr bench speed`: proposals per second against the bound of this machine. What is
 * measured and how stands in study/bench.h. `lehr bench chains` is in bench_chains.c. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "cli/bench_chains.h"
#include "cli/command.h"
#include "cli/console.h"
#include "lehr/lehr.h"
#include "study/bench.h"
#include "study/result.h"

/* One measured workload. */
typedef struct row {
    const lehr_bench_case *bench;
    const lehr_bench_speed *speed;
    const lehr_bench_scaling *scaling; /* NULL: not asked for */
} row;

static const char *backend_of(const lehr_options *options)
{
    return lehr_option_value(options, LEHR_OPTION_BACKEND, "cpu");
}

/* ---- Output ---------------------------------------------------------------------------------- */

typedef struct output {
    bool json;
    json_t *list;   /* of workloads; NULL for a table */
    lehr_text text; /* the table so far */
} output;

static lehr_device_info processor(void)
{
    lehr_device_info device = {0};
    lehr_device_list(&device, 1); /* the first is the CPU */
    return device;
}

static json_t *flatness(const lehr_bench_scaling *scaling)
{
    json_t *object = json_object();
    for (int k = 0; k < scaling->count; k++) {
        char rows[16];
        snprintf(rows, sizeof rows, "%d", scaling->rows[k]);
        json_object_set_new(object, rows, json_real(scaling->cost[k]));
    }
    return object;
}

static void add_json(json_t *list, const row *r)
{
    const lehr_bench_cost *cost = &r->bench->cost;
    const lehr_bench_speed *s = r->speed;
    json_t *object = json_pack(
        "{s:o, s:s, s:I, s:I, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o}", "name",
        lehr_json_text(r->bench->name), "shape", r->bench->shape, "parameters",
        (json_int_t)cost->parameters, "points", (json_int_t)cost->points, "rows",
        (int)r->bench->rows, "proposals_per_s_per_core", s->rate, "fraction_of_bound", s->fraction,
        "threads_ratio", s->threads, "best_fraction_of_bound", s->best, "core_share", s->core_share,
        "bound_proposals_per_s", s->bound, "fma_peak_gflops", s->peak / 1e9, "flop_per_proposal",
        cost->flop, "acceptance", s->acceptance, "wall_s", s->wall_s, "instruction_set",
        lehr_json_text(processor().detail));
    if (r->scaling)
        json_object_set_new(object, "rows_flatness", flatness(r->scaling));
    json_array_append_new(list, object);
}

static void add_line(lehr_text *text, const row *r)
{
    const lehr_bench_speed *s = r->speed;
    if (text->length == 0)
        lehr_text_add(text, "%-12s  %-20s  %7s  %10s  %11s  %11s  %8s  %5s  %9s\n", "workload",
                      "network", "points", "parameters", "proposals/s", "bound", "of bound", "best",
                      "2 threads");
    lehr_text_add(text, "%-12s  %-20s  %7lld  %10lld  %11.0f  %11.0f  %7.0f%%  %4.0f%%  %8.2fx\n",
                  r->bench->name, r->bench->shape, (long long)r->bench->cost.points,
                  (long long)r->bench->cost.parameters, s->rate, s->bound, 100 * s->fraction,
                  100 * s->best, s->threads);
    if (!r->scaling)
        return;
    lehr_text_add(text, "%12s  cost per proposal by rows:", "");
    for (int k = 0; k < r->scaling->count; k++)
        lehr_text_add(text, " %d: %.3f", r->scaling->rows[k], r->scaling->cost[k]);
    lehr_text_add(text, "\n");
}

static lehr_status print(output *out, int32_t repetitions, const char *backend)
{
    const lehr_device_info device = processor();
    if (out->json)
        return lehr_console_json(json_pack("{s:o, s:s, s:s, s:i, s:O}", "device",
                                           lehr_json_text(device.name), "version", lehr_version(),
                                           "commit", lehr_commit(), "repetitions", (int)repetitions,
                                           "workloads", out->list));
    if (strcmp(backend, "cpu") != 0)
        lehr_text_add(&out->text, "\nBackend %s; medians of %d repetitions.\n", backend,
                      repetitions);
    else
        lehr_text_add(&out->text, "\nOne core of %s, %s; medians of %d repetitions.\n", device.name,
                      device.detail, repetitions);
    return lehr_console_text(&out->text);
}

/* ---- Devices --------------------------------------------------------------------------------- */

static void add_rates_json(json_t *list, const lehr_bench_case *bench, const char *backend,
                           const lehr_bench_rates *rates)
{
    json_t *by_rows = json_object();
    for (int k = 0; k < rates->count; k++) {
        char rows[16];
        snprintf(rows, sizeof rows, "%d", rates->rows[k]);
        json_object_set_new(by_rows, rows, json_real(rates->rate[k]));
    }
    json_array_append_new(list, json_pack("{s:o, s:s, s:I, s:I, s:o, s:f, s:o}", "name",
                                          lehr_json_text(bench->name), "shape", bench->shape,
                                          "parameters", (json_int_t)bench->cost.parameters,
                                          "points", (json_int_t)bench->cost.points, "backend",
                                          lehr_json_text(backend), "flop_per_proposal",
                                          bench->cost.flop, "proposals_per_s_by_rows", by_rows));
}

static void add_rates_line(lehr_text *text, const lehr_bench_case *bench, const char *backend,
                           const lehr_bench_rates *rates)
{
    lehr_text_add(text, "%-12s  %-20s  %s, proposals/s by rows:", bench->name, bench->shape,
                  backend);
    for (int k = 0; k < rates->count; k++)
        lehr_text_add(text, " %d: %.4g", rates->rows[k], rates->rate[k]);
    lehr_text_add(text, "\n");
}

static lehr_status measure_device(const char *backend, const lehr_bench_options *bench_options,
                                  const lehr_bench_case *bench, output *out)
{
    lehr_bench_rates rates;
    LEHR_TRY(lehr_bench_device(bench, bench_options, backend, &rates));
    if (out->json)
        add_rates_json(out->list, bench, backend, &rates);
    else
        add_rates_line(&out->text, bench, backend, &rates);
    return LEHR_OK;
}

/* ---- Savings --------------------------------------------------------------------------------- */

static void add_saving_json(json_t *list, const lehr_bench_case *bench, const lehr_bench_saving *s)
{
    json_array_append_new(list,
                          json_pack("{s:o, s:s, s:I, s:I, s:i, s:f, s:f, s:f, s:f, s:f}", "name",
                                    lehr_json_text(bench->name), "shape", bench->shape,
                                    "parameters", (json_int_t)bench->cost.parameters, "points",
                                    (json_int_t)bench->cost.points, "rows", (int)bench->rows,
                                    "proposals_per_s_per_core", s->rate,
                                    "full_proposals_per_s_per_core", s->whole_rate, "ratio_to_full",
                                    s->ratio, "acceptance", s->acceptance, "wall_s", s->wall_s));
}

static lehr_status measure_saving(int32_t index, const lehr_bench_options *bench_options,
                                  output *out)
{
    lehr_bench_case bench;
    lehr_bench_saving saving;
    LEHR_TRY(lehr_bench_saving_open(index, &bench));
    const lehr_status status = lehr_bench_save(index, &bench, bench_options, &saving);
    if (status == LEHR_OK && out->json)
        add_saving_json(out->list, &bench, &saving);
    else if (status == LEHR_OK)
        lehr_text_add(&out->text,
                      "%-12s  %-20s  %7lld  %10lld  %11.0f  %.0f in full: %.2fx, acceptance %.2f\n",
                      bench.name, bench.shape, (long long)bench.cost.points,
                      (long long)bench.cost.parameters, saving.rate, saving.whole_rate,
                      saving.ratio, saving.acceptance);
    lehr_bench_close(&bench);
    return status;
}

/* ---- Measuring ------------------------------------------------------------------------------- */

static lehr_status measure(const lehr_options *options, const lehr_bench_options *bench_options,
                           const lehr_bench_case *bench, output *out)
{
    const char *backend = backend_of(options);
    if (strcmp(backend, "cpu") != 0)
        return measure_device(backend, bench_options, bench, out);
    lehr_bench_speed speed;
    lehr_bench_scaling scaling;
    const bool scales = options->given[LEHR_OPTION_SCALING];
    LEHR_TRY(lehr_bench_measure(bench, bench_options, &speed));
    if (scales)
        LEHR_TRY(lehr_bench_scale(bench, bench_options, &scaling));
    const row r = {bench, &speed, scales ? &scaling : NULL};
    if (out->json)
        add_json(out->list, &r);
    else
        add_line(&out->text, &r);
    return LEHR_OK;
}

static lehr_status measure_config(const lehr_options *options,
                                  const lehr_bench_options *bench_options, output *out)
{
    lehr_config config;
    lehr_bench_case bench;
    LEHR_TRY(lehr_config_load(options->argument[1], options->set, options->set_count, &config));
    LEHR_TRY(lehr_bench_open_config(&config, &bench));
    const lehr_status status = measure(options, bench_options, &bench, out);
    lehr_bench_close(&bench);
    return status;
}

static lehr_status measure_built_in(const lehr_options *options,
                                    const lehr_bench_options *bench_options, output *out)
{
    const char *only = lehr_option_value(options, LEHR_OPTION_WORKLOAD, NULL);
    bool found = false;
    for (int32_t i = 0; i < LEHR_BENCH_BUILT_IN; i++) {
        if (only && strcmp(only, lehr_bench_name(i)) != 0)
            continue;
        lehr_bench_case bench;
        found = true;
        LEHR_TRY(lehr_bench_open(i, &bench));
        const lehr_status status = measure(options, bench_options, &bench, out);
        lehr_bench_close(&bench);
        LEHR_TRY(status);
    }
    const bool cpu = strcmp(backend_of(options), "cpu") == 0;
    for (int32_t i = 0; cpu && i < LEHR_BENCH_SAVINGS; i++) {
        if (only && strcmp(only, lehr_bench_saving_name(i)) != 0)
            continue;
        found = true;
        LEHR_TRY(measure_saving(i, bench_options, out));
    }
    LEHR_CHECK(found, LEHR_ERR_ARG,
               "unknown workload '%s': a, b, c, and on the CPU a-early, b-neuron, c-neuron", only);
    return LEHR_OK;
}

/* ---- The command ----------------------------------------------------------------------------- */

static lehr_status check_chains(const lehr_options *options)
{
    static const lehr_option others[] = {LEHR_OPTION_WORKLOAD, LEHR_OPTION_QUICK,
                                         LEHR_OPTION_SCALING};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        LEHR_CHECK(!options->given[others[i]], LEHR_ERR_ARG,
                   "--workload, --quick and --scaling are options of lehr bench speed");
    return LEHR_OK;
}

static lehr_status check_speed(const lehr_options *options)
{
    static const lehr_option others[] = {LEHR_OPTION_ROWS, LEHR_OPTION_SEEDS, LEHR_OPTION_TARGET,
                                         LEHR_OPTION_OUTPUT};
    LEHR_CHECK(strcmp(options->argument[0], "speed") == 0, LEHR_ERR_ARG,
               "unknown bench '%s': lehr bench speed [CONFIG], or chains CONFIG",
               options->argument[0]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        LEHR_CHECK(!options->given[others[i]], LEHR_ERR_ARG,
                   "--rows, --seeds, --target and -o are options of lehr bench chains");
    const bool config = options->arguments > 1;
    LEHR_CHECK(!config || !options->given[LEHR_OPTION_WORKLOAD], LEHR_ERR_ARG,
               "--workload chooses among the built-in workloads, and a config was given");
    LEHR_CHECK(config || options->set_count == 0, LEHR_ERR_ARG,
               "--set changes a config, and the built-in workloads have none");
    return LEHR_OK;
}

static lehr_status bench(const lehr_options *options, int *code)
{
    *code = LEHR_EXIT_OK;
    if (strcmp(options->argument[0], "chains") == 0) {
        LEHR_TRY(check_chains(options));
        return lehr_bench_chains(options);
    }
    LEHR_TRY(check_speed(options));
    const lehr_bench_options bench_options = options->given[LEHR_OPTION_QUICK]
                                                 ? lehr_bench_options_quick()
                                                 : lehr_bench_options_default();
    output out = {.json = options->given[LEHR_OPTION_JSON]};
    if (out.json)
        out.list = json_array();
    lehr_status status = options->arguments > 1 ? measure_config(options, &bench_options, &out)
                                                : measure_built_in(options, &bench_options, &out);
    if (status == LEHR_OK)
        status = print(&out, bench_options.repetitions, backend_of(options));
    json_decref(out.list);
    lehr_text_free(&out.text);
    return status;
}

const lehr_command lehr_command_bench = {
    .name = "bench",
    .arguments = "speed|chains CONFIG",
    .help = "proposals per second; how many chains a problem wants",
    .notes =
        "lehr bench speed [CONFIG]\n"
        "Without CONFIG the built-in workloads a, b and c are timed; with it, its network on "
        "its training\n"
        "data. Every move perturbs all weights. `of bound` is the share of what one core "
        "could reach, and\n"
        "`2 threads` the rate of two threads over one; both are medians of ratios taken close "
        "together.\n"
        "a-early, b-neuron and c-neuron say what early rejection and kept activations save "
        "against full\n"
        "evaluation, with the same bits.\n"
        "--backend times another device at 1,024 rows and more, by the clock on the wall, without "
        "a bound.\n"
        "bench/README.md says more.\n\n"
        "lehr bench chains CONFIG\n"
        "The same number of proposals (stop.proposals, or all rows of stop.scans) is split over "
        "--rows rows in every\n"
        "way: annealing as so many rows, tempering as rungs x copies; each until the target or "
        "the end, for --seeds\n"
        "seeds. Figures have 95 % intervals. -o DIR keeps chains.csv, runs.csv and report.html in "
        "a new directory.\n",
    .least = 1,
    .most = 2,
    .options = LEHR_BIT(SET) | LEHR_BIT(OUTPUT) | LEHR_BIT(BACKEND) | LEHR_BIT(THREADS) |
               LEHR_BIT(WORKLOAD) | LEHR_BIT(QUICK) | LEHR_BIT(SCALING) | LEHR_BIT(ROWS) |
               LEHR_BIT(SEEDS) | LEHR_BIT(TARGET) | LEHR_BIT(QUIET) | LEHR_BIT(JSON),
    .run = bench,
};
