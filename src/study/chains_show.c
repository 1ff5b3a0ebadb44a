/* chains_show.c: a bench of chains as a table, as CSV, and as the data of its page. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>

#include "base/status.h"
#include "lehr/lehr.h"
#include "study/chains.h"
#include "study/progress.h"
#include "study/result.h"

/* ---- Table ----------------------------------------------------------------------------------- */

static void add_value(double value, lehr_text *out)
{
    if (isfinite(value))
        lehr_text_add_quantity(out, value);
    else
        lehr_text_add(out, "-");
}

/* "21.3 k [15.1 k, 30.2 k]", padded to a column. */
static void add_interval(lehr_interval x, int width, lehr_text *out)
{
    lehr_text cell = {0};
    add_value(x.value, &cell);
    lehr_text_add(&cell, " [");
    add_value(x.low, &cell);
    lehr_text_add(&cell, ", ");
    add_value(x.high, &cell);
    lehr_text_add(&cell, "]");
    lehr_text_add(out, "  %*s", width, cell.failed ? "" : cell.data);
    lehr_text_free(&cell);
}

void lehr_chains_table(const lehr_chains *chains, lehr_text *out)
{
    lehr_text_add(out, "%-28s  %22s  %26s  %26s  %24s\n", "split", "reached the target",
                  "proposals, median", "proposals, 99 %", "seconds, 99 %");
    for (int32_t s = 0; s < chains->splits; s++) {
        const lehr_split_figures *f = &chains->figures[s];
        char name[LEHR_NAME_MAX];
        lehr_split_name(&chains->split[s], name);
        lehr_text_add(out, "%-28s", name);
        add_interval(f->success, 22, out);
        add_interval(f->proposals, 26, out);
        add_interval(f->tts_proposals, 26, out);
        add_interval(f->tts_seconds, 24, out);
        lehr_text_add(out, "\n");
    }
    lehr_text_add(out, "\n%d seeds, at most ", chains->seeds);
    lehr_text_add_quantity(out, (double)chains->budget);
    lehr_text_add(out, " proposals each; in brackets 95 %% intervals.\n");
    if (chains->advice.length > 0)
        lehr_text_add_bytes(out, chains->advice.data, chains->advice.length);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void csv_split(const lehr_split *split, lehr_text *out)
{
    lehr_text_add(out, "%s,%d,%d,%d", lehr_kind_name(LEHR_LIST_METHOD, (int32_t)split->method),
                  split->rows, split->rungs, split->copies);
}

static void csv_number(double value, lehr_text *out)
{
    if (isfinite(value))
        lehr_text_add(out, ",%.9g", value);
    else
        lehr_text_add(out, ","); /* none, or no end */
}

static void csv_interval(lehr_interval x, lehr_text *out)
{
    csv_number(x.value, out);
    csv_number(x.low, out);
    csv_number(x.high, out);
}

void lehr_chains_csv(const lehr_chains *chains, lehr_text *out)
{
    static const char *const names[] = {"success",         "proposals",     "seconds",
                                        "tts99_proposals", "tts99_seconds", "energy"};
    lehr_text_add(out, "method,rows,rungs,copies");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        lehr_text_add(out, ",%s,%s_low,%s_high", names[i], names[i], names[i]);
    lehr_text_add(out, "\n");
    for (int32_t s = 0; s < chains->splits; s++) {
        const lehr_split_figures *f = &chains->figures[s];
        csv_split(&chains->split[s], out);
        csv_interval(f->success, out);
        csv_interval(f->proposals, out);
        csv_interval(f->seconds, out);
        csv_interval(f->tts_proposals, out);
        csv_interval(f->tts_seconds, out);
        csv_interval(f->energy, out);
        lehr_text_add(out, "\n");
    }
}

void lehr_chains_runs_csv(const lehr_chains *chains, lehr_text *out)
{
    lehr_text_add(out, "method,rows,rungs,copies,seed,reached,proposals,seconds,energy\n");
    for (int32_t i = 0; i < chains->splits * chains->seeds; i++) {
        const lehr_chain_trial *t = &chains->trial[i];
        const lehr_chain_look *last = &t->look[t->looks - 1];
        csv_split(&chains->split[i / chains->seeds], out);
        lehr_text_add(out, ",%" PRIu64 ",%d,%" PRId64, t->seed, t->reached, last->proposals);
        csv_number(last->wall_s, out);
        csv_number(last->energy, out);
        lehr_text_add(out, "\n");
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* [value, low, high]; null where there is none or no end. */
static json_t *json_interval(lehr_interval x)
{
    return json_pack("[o, o, o]", lehr_json_number(x.value), lehr_json_number(x.low),
                     lehr_json_number(x.high));
}

static json_t *json_grid(const double *grid)
{
    json_t *list = json_array();
    for (int32_t g = 0; g < LEHR_CHAINS_GRID; g++)
        json_array_append_new(list, json_real(grid[g]));
    return list;
}

static json_t *json_curve(const lehr_chain_curve *curve)
{
    json_t *list = json_array();
    for (int32_t g = 0; g < LEHR_CHAINS_GRID; g++)
        json_array_append_new(list, json_interval(curve->at[g]));
    return list;
}

static json_t *json_split(const lehr_chains *chains, int32_t s)
{
    const lehr_split *split = &chains->split[s];
    const lehr_split_figures *f = &chains->figures[s];
    char name[LEHR_NAME_MAX];
    lehr_split_name(split, name);
    return json_pack(
        "{s:s, s:s, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "name", name, "method",
        lehr_kind_name(LEHR_LIST_METHOD, (int32_t)split->method), "rows", (int)split->rows, "rungs",
        (int)split->rungs, "copies", (int)split->copies, "success", json_interval(f->success),
        "proposals", json_interval(f->proposals), "seconds", json_interval(f->seconds),
        "tts99_proposals", json_interval(f->tts_proposals), "tts99_seconds",
        json_interval(f->tts_seconds), "energy", json_interval(f->energy), "energy_by_proposals",
        json_curve(&chains->by_proposals[s]), "energy_by_time", json_curve(&chains->by_time[s]));
}

/* A list of the lines of a text. */
static json_t *json_lines(const lehr_text *text)
{
    json_t *list = json_array();
    const char *line = text->data;
    for (size_t left = text->length; left > 0;) {
        size_t n = 0;
        while (n < left && line[n] != '\n')
            n++;
        json_array_append_new(list, json_stringn(line, n));
        const size_t taken = n < left ? n + 1 : n;
        line += taken;
        left -= taken;
    }
    return list;
}

/* The problem, and on what it ran. */
static json_t *json_about(const lehr_chains *chains)
{
    const lehr_config *c = chains->config;
    lehr_device_info cpu = {0};
    lehr_device_list(&cpu, 1);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:s, s:f, s:I, s:i, s:I, s:I, s:o, s:o}", "kind", "chains", "version",
        lehr_version(), "commit", lehr_commit(), "name", lehr_json_text(c->name), "metric",
        lehr_kind_name(LEHR_LIST_METRIC, (int32_t)c->run.stop.metric), "value", c->run.stop.value,
        "budget", (json_int_t)chains->budget, "seeds", (int)chains->seeds, "first_seed",
        (json_int_t)c->run.seed, "look", (json_int_t)chains->look, "backend",
        lehr_json_text(c->run.backend), "cpu", lehr_json_text(cpu.name));
}

lehr_status lehr_chains_json(const lehr_chains *chains, json_t **out)
{
    json_t *splits = json_array();
    for (int32_t s = 0; s < chains->splits; s++)
        json_array_append_new(splits, json_split(chains, s));
    json_t *data = json_about(chains);
    if (json_object_set_new(data, "advice", json_lines(&chains->advice)) != 0 ||
        json_object_set_new(data, "grid_proposals", json_grid(chains->grid_proposals)) != 0 ||
        json_object_set_new(data, "grid_seconds", json_grid(chains->grid_s)) != 0 ||
        json_object_set_new(data, "splits", splits) != 0) {
        json_decref(data);
        return lehr_fail(LEHR_ERR_MEMORY, "out of memory for a bench of chains");
    }
    *out = data;
    return LEHR_OK;
}
