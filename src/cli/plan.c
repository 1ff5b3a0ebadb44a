/* plan.c: `lehr plan`: what a run would take, before any work; the data is read, nothing is written. */
#include <jansson.h>
#include <string.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/load.h"
#include "lehr/lehr.h"
#include "run/doubts.h"
#include "study/result.h"

/* Everything that is known about one run; all of it is freed in one place. */
typedef struct outlook {
    lehr_config config;
    lehr_dataset *dataset;
    lehr_objective *objective;
    lehr_plan plan;
    lehr_text doubts; /* lines */
} outlook;

static lehr_status look_ahead(const lehr_options *options, outlook *o)
{
    const lehr_config *c = &o->config;
    LEHR_TRY(lehr_load(options, &o->config));
    LEHR_TRY(lehr_load_data(options, c, &o->dataset));
    LEHR_TRY(lehr_objective_create(&c->network, &c->loss, &c->prior, o->dataset, &o->objective));
    LEHR_TRY(lehr_run_plan(&c->run, o->objective, &o->plan));
    lehr_plan_doubts(&c->run, o->objective, &o->plan, &o->doubts);
    LEHR_CHECK(!o->doubts.failed, LEHR_ERR_MEMORY, "out of memory for the output");
    return LEHR_OK;
}

/* ---- Table ----------------------------------------------------------------------------------- */

static void add_bytes(lehr_text *out, const char *name, int64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    lehr_text_add(out, "%s%.*f %s", name, unit > 0, value, units[unit]);
}

static void add_length(const outlook *o, lehr_text *out)
{
    const int64_t proposals = o->plan.scans * o->plan.rows;
    if (o->plan.scans > 0)
        lehr_text_add(out, "length        at most %lld scan%s, %lld proposal%s\n",
                      (long long)o->plan.scans, lehr_plural(o->plan.scans), (long long)proposals,
                      lehr_plural(proposals));
    else
        lehr_text_add(out, "length        not known: no number of scans ends this run\n");
    if (o->config.run.stop.wall_s > 0)
        lehr_text_add(out, "time          at most %g s\n", o->config.run.stop.wall_s);
    else
        lehr_text_add(out, "time          not known before a run; `lehr bench speed` measures this "
                           "machine\n");
}

static void add_memory(const lehr_plan *p, lehr_text *out)
{
    lehr_text_add(out, "memory        ");
    add_bytes(out, "table ", p->table_bytes);
    add_bytes(out, ", host ", p->host_bytes);
    if (p->kept_bytes > 0)
        add_bytes(out, ", of these activations ", p->kept_bytes);
    if (p->device_bytes > 0) {
        add_bytes(out, ", each device ", p->device_bytes);
        add_bytes(out, " of ", p->free_bytes);
        lehr_text_add(out, " free; %s", p->parts > 1 ? "" : "all rows stay");
    }
    if (p->parts > 1)
        lehr_text_add(out, "rows take turns in %d parts", p->parts);
    lehr_text_add(out, "\n");
}

static void add_doubts(const outlook *o, lehr_text *out)
{
    if (o->doubts.length == 0)
        return;
    for (const char *line = o->doubts.data; line != NULL;) {
        const char *end = strchr(line, '\n');
        const size_t length = end ? (size_t)(end - line) : strlen(line);
        lehr_text_add(out, "looks wrong   ");
        lehr_text_add_bytes(out, line, length);
        lehr_text_add(out, "\n");
        line = end ? end + 1 : NULL;
    }
}

static lehr_status print_table(const outlook *o)
{
    const lehr_plan *p = &o->plan;
    lehr_text text = {0};
    lehr_text_add(&text, "rows          %d: %d rung%s x %d cop%s\n", p->rows, p->rungs,
                  lehr_plural(p->rungs), p->copies, p->copies == 1 ? "y" : "ies");
    lehr_text_add(&text, "parameters    %d a row, %lld multiply-add%s a proposal\n", p->parameters,
                  (long long)p->multiply_adds, lehr_plural(p->multiply_adds));
    add_length(o, &text);
    lehr_text_add(&text, "device        %s (%s)%s, %d %s%s\n", p->backend, p->device,
                  p->devices > 1 ? " and others" : "", p->units,
                  p->device_bytes > 0 ? "multiprocessor" : "thread", lehr_plural(p->units));
    lehr_text_add(&text, "kernels       %s\n", p->kernels);
    add_memory(p, &text);
    if (p->notice[0] != '\0')
        lehr_text_add(&text, "notice        %s\n", p->notice);
    add_doubts(o, &text);
    return lehr_console_text(&text);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *json_doubts(const outlook *o)
{
    json_t *list = json_array();
    for (const char *line = o->doubts.length ? o->doubts.data : NULL; line != NULL;) {
        const char *end = strchr(line, '\n');
        json_array_append_new(list, json_stringn(line, end ? (size_t)(end - line) : strlen(line)));
        line = end ? end + 1 : NULL;
    }
    return list;
}

static lehr_status print_json(const outlook *o)
{
    const lehr_plan *p = &o->plan;
    json_t *memory = json_pack(
        "{s:I, s:I, s:I, s:I, s:I}", "table_bytes", (json_int_t)p->table_bytes, "host_bytes",
        (json_int_t)p->host_bytes, "kept_bytes", (json_int_t)p->kept_bytes, "device_bytes",
        (json_int_t)p->device_bytes, "free_bytes", (json_int_t)p->free_bytes);
    json_t *all = json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:i, s:i, s:i, s:o, s:o}", "rows",
                            (int)p->rows, "rungs", (int)p->rungs, "copies", (int)p->copies,
                            "parameters", (int)p->parameters, "scans", (json_int_t)p->scans,
                            "multiply_adds", (json_int_t)p->multiply_adds, "devices",
                            (int)p->devices, "units", (int)p->units, "parts", (int)p->parts,
                            "memory", memory, "looks_wrong", json_doubts(o));
    json_object_set_new(all, "backend", json_string(p->backend));
    json_object_set_new(all, "device", lehr_json_text(p->device));
    json_object_set_new(all, "kernels", json_string(p->kernels));
    json_object_set_new(all, "notice", lehr_json_text(p->notice));
    return lehr_console_json(all);
}

static lehr_status plan(const lehr_options *options, int *code)
{
    *code = LEHR_EXIT_OK;
    outlook o = {.dataset = NULL};
    lehr_status status = look_ahead(options, &o);
    if (status == LEHR_OK)
        status = options->given[LEHR_OPTION_JSON] ? print_json(&o) : print_table(&o);
    lehr_objective_destroy(&o.objective);
    lehr_dataset_destroy(&o.dataset);
    lehr_text_free(&o.doubts);
    return status;
}

const lehr_command lehr_command_plan = {
    .name = "plan",
    .arguments = "CONFIG",
    .help = "what a run would take, and what looks wrong about it, before any work",
    .notes = "The data is read; nothing is evaluated and nothing is written. What looks wrong is a "
             "rule of thumb: "
             "the\nrun itself would start.\n",
    .least = 1,
    .most = 1,
    .options = LEHR_BIT(SET) | LEHR_BIT(BACKEND) | LEHR_BIT(THREADS) | LEHR_BIT(JSON),
    .run = plan,
};
