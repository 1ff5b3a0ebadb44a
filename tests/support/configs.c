/* configs.c: see configs.h. */
#include "support/configs.h"

#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device/control.h"
#include "lehr/study.h"
#include "support/parity.h"

#pragma weak lehr_device_live /* absent where the real CUDA runtime is linked */

static void needs(lehr_status status, const char *name)
{
    if (status == LEHR_OK)
        return;
    fprintf(stderr, "config \"%s\": %s\n", name, lehr_error());
    abort();
}

static void check(bool holds, const char *name, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "config \"%s\": %s\n", name, what);
    abort();
}

/* ---- Files ------------------------------------------------------------------------------------- */

/* The manual is no config to run, and a sweep is many. */
static bool is_other(const char *path)
{
    const char *name = strrchr(path, '/');
    return name != NULL &&
           (strcmp(name, "/defaults.yaml") == 0 || strncmp(name, "/sweep_", 7) == 0);
}

/* Data that are fetched by hand may not be here. */
static bool has_data(const char *path)
{
    lehr_config config;
    needs(lehr_config_load(path, NULL, 0, &config), path);
    const bool there = config.data.source[0] == '\0' || access(config.data.source, R_OK) == 0;
    static bool told;
    if (!there && !told)
        fprintf(stderr, "left out: %s, whose data are not here\n", config.name);
    told = told || !there;
    return there;
}

/* Number of ready configs; the path of number `i`, if there is one. */
static int32_t find(int32_t i, char path[LEHR_PATH_MAX])
{
    glob_t found;
    int32_t count = 0;
    const int status = glob(LEHR_SOURCE_DIR "/configs/*.yaml", 0, NULL, &found);
    check(status == 0, "configs/*.yaml", "not found");
    for (size_t f = 0; f < found.gl_pathc; f++)
        if (!is_other(found.gl_pathv[f]) && has_data(found.gl_pathv[f]) && count++ == i)
            snprintf(path, LEHR_PATH_MAX, "%s", found.gl_pathv[f]);
    globfree(&found);
    return count;
}

int32_t configs_count(void)
{
    char path[LEHR_PATH_MAX];
    return find(-1, path);
}

/* ---- Cutting ----------------------------------------------------------------------------------- */

enum { POINTS = 128, RUNGS = 4, COPIES = 4, COPIES_MOST = 256, WIDTH = 16 };
enum { OVERRIDES = 16, TEXT = 512 };

/* Keys with new values, as of `lehr run -s`. */
typedef struct overrides {
    char text[OVERRIDES][TEXT];
    const char *list[OVERRIDES];
    int32_t count;
} overrides;

__attribute__((format(printf, 2, 3))) static void add(overrides *o, const char *format, ...)
{
    check(o->count < OVERRIDES, format, "too many overrides");
    va_list values;
    va_start(values, format);
    const int length = vsnprintf(o->text[o->count], TEXT, format, values);
    va_end(values);
    check(length > 0 && length < TEXT, format, "too long an override");
    o->list[o->count] = o->text[o->count];
    o->count++;
}

static int32_t at_most(int32_t value, int32_t limit)
{
    return value < limit ? value : limit;
}

static void cut_network(const lehr_config *config, overrides *o)
{
    char widths[TEXT / 2] = "";
    size_t length = 0;
    for (int32_t l = 0; l < config->network.hidden_count; l++) {
        length += (size_t)snprintf(widths + length, sizeof widths - length, "%s%d",
                                   l > 0 ? ", " : "", at_most(config->network.hidden[l], WIDTH));
        check(length < sizeof widths, config->name, "too many layers");
    }
    add(o, "network.hidden=[%s]", widths);
}

static void cut_rows(const lehr_config *config, int32_t copies, overrides *o)
{
    if (config->run.method == LEHR_METHOD_ANNEALING) {
        add(o, "chains=%d", copies);
        return;
    }
    check(config->run.ladder.kind == LEHR_LADDER_GEOMETRIC, config->name,
          "only a geometric ladder can be cut");
    add(o, "temperatures.rungs=%d", at_most(config->run.ladder.rungs, RUNGS));
    add(o, "temperatures.copies=%d", copies);
}

/* The test part takes what is too much; the validation part shrinks with the training part. */
static void cut_points(const lehr_config *config, overrides *o)
{
    lehr_dataset *data = NULL;
    needs(lehr_dataset_create(&config->data, &data), config->name);
    const lehr_dataset_info info = lehr_dataset_describe(data);
    const int64_t train = info.points[LEHR_PART_TRAIN],
                  validation = info.points[LEHR_PART_VALIDATION] * POINTS / train;
    const bool own_test = config->data.test_source[0] != '\0';
    const double all = (double)(train + info.points[LEHR_PART_VALIDATION] +
                                (own_test ? 0 : info.points[LEHR_PART_TEST]));
    lehr_dataset_destroy(&data);
    if (own_test) {
        add(o, "data.test_source=");
        add(o, "data.test_labels=");
    }
    if (train <= POINTS)
        return;
    add(o, "data.validation_fraction=%.17g", (double)validation / all);
    add(o, "data.test_fraction=%.17g", (all - POINTS - (double)validation) / all);
}

static void cut_batches(const lehr_config *config, overrides *o)
{
    if (config->run.batch.points == 0)
        return;
    add(o, "data.batch.points=%d", POINTS / 2);
    add(o, "data.batch.grow=%d", POINTS * 3 / 4);
    add(o, "data.batch.refresh=10");
}

/* Without the rule that ends a run early. */
static void cut_scans(const lehr_config *config, int32_t every, overrides *o)
{
    static const char *const thorough[] = {"iris", "line", "xor_step"};
    int32_t scans = 64, exchanges = 8;
    for (size_t i = 0; i < sizeof thorough / sizeof *thorough; i++)
        if (strcmp(config->name, thorough[i]) == 0)
            scans = 1000, exchanges = 100;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    scans = 4, exchanges = 2;
#endif
    add(o, "stop.scans=%d", scans);
    add(o, "exchange.every=%d", every > 0 ? every : scans / exchanges);
    add(o, "stop.target.metric=none");
}

static lehr_config load(const char *path, const overrides *o)
{
    lehr_config config;
    needs(lehr_config_load(path, o->list, o->count, &config), path);
    check(config.init_from[0] == '\0', config.name, "first weights from a file are not read here");
    return config;
}

parity_case configs_open(int32_t i, config_change change)
{
    char path[LEHR_PATH_MAX];
    check(i >= 0 && i < find(i, path), "configs/*.yaml", "no config of that number");
    overrides o = {.count = 0};
    lehr_config config = load(path, &o);
    cut_network(&config, &o);
    cut_rows(&config, change.copies > 0 ? change.copies : COPIES, &o);
    cut_points(&config, &o);
    cut_batches(&config, &o);
    cut_scans(&config, change.every, &o);
    config = load(path, &o);
    parity_case c = {.spec = config.run};
    snprintf(c.name, sizeof c.name, "%.*s", PARITY_NAME - 1, config.name);
    needs(lehr_dataset_create(&config.data, &c.data), c.name);
    needs(lehr_objective_create(&config.network, &config.loss, &config.prior, c.data, &c.objective),
          c.name);
    return c;
}

/* ---- Running ----------------------------------------------------------------------------------- */

static uint64_t hash_of(lehr_run *run, const char *name)
{
    lehr_run_summary summary;
    needs(lehr_run_summarize(run, &summary), name);
    return summary.state_hash;
}

lehr_run *configs_expect(const parity_case *c)
{
    const parity_way straight = {.options = {.threads = 1}};
    lehr_run *run = parity_run(c, "cpu", &straight);
    parity_drive(run, &straight);
    const int64_t points = lehr_dataset_describe(c->data).points[LEHR_PART_TRAIN];
    check(points <= POINTS && run->scan == c->spec.stop.scans, c->name, "was not cut");
    printf("%-14s %d rows of %d weights, %lld points, %lld scans, %lld settlings, cpu: %016llx\n",
           c->name, run->pack->table->rows, run->pack->table->parameters, (long long)points,
           (long long)run->scan, (long long)(run->scan / c->spec.exchange.every),
           (unsigned long long)hash_of(run, c->name));
    (void)fflush(stdout);
    return run;
}

static parity_way way_of(const parity_case *c, const config_way *w)
{
    parity_way way = {
        .options = {.path = w->threads > 0 ? LEHR_PATH_FUSED : LEHR_PATH_TILED,
                    .row_threads = w->threads,
                    .launch_scans = w->launch,
                    .device_count = w->devices,
                    .plain = !w->shaped,
                    .forget = w->shaped}, /* kernels that keep are never compiled for it */
        .for_shape = w->shaped};
    for (int32_t d = 0; d < w->devices; d++)
        way.options.device[d] = d;
    return w->parted ? parity_least_memory(c, way) : way;
}

/* What is really there: kernels, parts, and how many compiled kernels a test device has loaded. */
typedef struct layout {
    lehr_memory_plan plan;
    int64_t loaded;
} layout;

static layout look(const lehr_run *run, const char *name)
{
    layout l = {.loaded = lehr_device_live ? lehr_device_live().libraries : 0};
    needs(run->pack->backend->plan(&run->pack->options, run->pack->problem, run->pack->table,
                                   &l.plan),
          name);
    return l;
}

/* Do the parts take turns if, and only if, they should, and do those kernels run? */
static bool is_laid_out(const layout *l, const config_way *w)
{
    return (l->plan.parts > w->devices) == w->parted && l->loaded == w->loads;
}

/* Do the parts take turns with the least memory? The fused kernels have the fewest arrays. */
static bool takes_turns(const parity_case *c, int32_t devices)
{
    const config_way fused = {.devices = devices, .threads = 64, .parted = true};
    const parity_way way = way_of(c, &fused);
    lehr_run *run = parity_run(c, "cuda", &way);
    const layout l = look(run, c->name);
    lehr_run_destroy(&run);
    return l.plan.parts > devices;
}

parity_case configs_open_parted(int32_t i, int32_t devices)
{
    for (config_change change = {.copies = COPIES};; change.copies++) {
        parity_case c = configs_open(i, change);
        if (takes_turns(&c, devices))
            return c;
        check(change.copies < COPIES_MOST, c.name, "never parted");
        parity_close(&c);
    }
}

bool configs_compare(const parity_case *c, const config_way *w, lehr_run *right)
{
    const parity_way way = way_of(c, w);
    lehr_run *run = parity_run(c, "cuda", &way);
    const layout l = look(run, c->name);
    parity_drive(run, &way);
    const uint64_t hash = hash_of(run, c->name);
    const char *found = parity_difference(right, run);
    const bool same = !found && hash == hash_of(right, c->name);
    printf("%-14s %d device%s, %d part%s, %s, %d scan%s a launch, %s: %016llx %s%s%s\n", c->name,
           w->devices, w->devices > 1 ? "s" : "", l.plan.parts, l.plan.parts > 1 ? "s" : "",
           l.plan.kernels, w->launch, w->launch > 1 ? "s" : "",
           l.loaded > 0 ? "compiled for it" : "plain", (unsigned long long)hash,
           same ? "EXACT" : "DIFFERS", found ? ": " : "", found ? found : "");
    if (!is_laid_out(&l, w))
        printf("%-14s these are not the parts or kernels that were asked for\n", c->name);
    (void)fflush(stdout);
    lehr_run_destroy(&run);
    return same && is_laid_out(&l, w);
}
