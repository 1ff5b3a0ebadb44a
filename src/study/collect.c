/* collect.c: rows from directories, and the CSV file. The database is in collect_db.c. */
#include "study/collect.h"

#include <jansson.h>
#include <string.h>

#include "base/status.h"
#include "study/output.h"
#include "study/result.h"

const lehr_column lehr_columns[] = {
    {"seed", "seed", true},
    {"stop", "stop", true},
    {"scans", "scans", true},
    {"proposals", "proposals", true},
    {"rows", "rows", true},
    {"rungs", "rungs", true},
    {"copies", "copies", true},
    {"parameters", "parameters", true},
    {"best_scan", "best.scan", true},
    {"train_loss", "best.train.loss", true},
    {"train_accuracy", "best.train.accuracy", true},
    {"train_r2", "best.train.r2", true},
    {"train_rmse", "best.train.rmse", true},
    {"validation_loss", "best.validation.loss", true},
    {"validation_accuracy", "best.validation.accuracy", true},
    {"validation_r2", "best.validation.r2", true},
    {"validation_rmse", "best.validation.rmse", true},
    {"test_loss", "best.test.loss", true},
    {"test_accuracy", "best.test.accuracy", true},
    {"test_r2", "best.test.r2", true},
    {"test_rmse", "best.test.rmse", true},
    {"barrier", "exchange.barrier", true},
    {"round_trips", "exchange.round_trips", true},
    {"nonfinite", "nonfinite", true},
    {"numerics", "numerics", true},
    {"state_hash", "state_hash", true},
    {"wall_s", "wall_s", false},
    {"proposals_per_s", "proposals_per_s", false},
    {"backend", "backend", false},
    {"device", "device", false},
    {"threads", "threads", false},
    {"version", "version", false},
    {"commit", "commit", false},
    {"started", "status:started", false},
    {"ended", "status:updated", false},
    {"host", "status:host", false},
    {"error", "status:error", false},
};

const int32_t lehr_column_count = (int32_t)(sizeof lehr_columns / sizeof *lehr_columns);

const json_t *lehr_column_value(const lehr_column *column, const lehr_row *row)
{
    static const char prefix[] = "status:";
    const bool status = strncmp(column->path, prefix, sizeof prefix - 1) == 0;
    const json_t *value = status ? row->status : row->result;
    const char *path = column->path + (status ? sizeof prefix - 1 : 0);
    for (const char *dot; value != NULL && (dot = strchr(path, '.')) != NULL; path = dot + 1) {
        char word[32] = "";
        memcpy(word, path, (size_t)(dot - path));
        value = json_object_get(value, word);
    }
    return json_object_get(value, path);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* Is this a column of the CSV file, and not an axis, too? */
static bool is_shown(const lehr_ledger *ledger, const lehr_column *column)
{
    for (int32_t i = 0; i < ledger->axes; i++)
        if (strcmp(ledger->axis[i], column->name) == 0)
            return false;
    return column->repeats;
}

/* In quotes where a reader would see more than one field. */
static void add_text(lehr_text *csv, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        lehr_text_add(csv, "%s", text);
        return;
    }
    lehr_text_add(csv, "\"");
    for (const char *c = text; *c != '\0'; c++)
        lehr_text_add(csv, *c == '"' ? "\"\"" : "%c", *c);
    lehr_text_add(csv, "\"");
}

static void add_cell(lehr_text *csv, const json_t *value)
{
    lehr_text_add(csv, ",");
    if (json_is_integer(value))
        lehr_text_add(csv, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        lehr_text_add_number(csv, json_real_value(value));
    else if (json_is_string(value))
        add_text(csv, json_string_value(value));
}

static void add_header(lehr_text *csv, const lehr_ledger *ledger)
{
    lehr_text_add(csv, "trial,id");
    for (int32_t i = 0; i < ledger->axes; i++) {
        lehr_text_add(csv, ",");
        add_text(csv, ledger->axis[i]);
    }
    lehr_text_add(csv, ",state");
    for (int32_t i = 0; i < lehr_column_count; i++)
        if (is_shown(ledger, &lehr_columns[i]))
            lehr_text_add(csv, ",%s", lehr_columns[i].name);
    lehr_text_add(csv, "\n");
}

static void add_row(lehr_text *csv, const lehr_ledger *ledger, const lehr_row *row)
{
    if (row->number >= 0)
        lehr_text_add(csv, "%lld", (long long)row->number);
    lehr_text_add(csv, ",%s", row->id);
    for (int32_t i = 0; i < ledger->axes; i++) {
        lehr_text_add(csv, ",");
        add_text(csv, row->value[i] != NULL ? row->value[i] : "");
    }
    lehr_text_add(csv, ",%s", row->state);
    for (int32_t i = 0; i < lehr_column_count; i++)
        if (is_shown(ledger, &lehr_columns[i]))
            add_cell(csv, lehr_column_value(&lehr_columns[i], row));
    lehr_text_add(csv, "\n");
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Where rows go. */
typedef struct sink {
    const lehr_yard *yard;
    const lehr_ledger *ledger;
    lehr_text csv;
    lehr_database *database;
    int32_t rows;
} sink;

static bool has_ended(lehr_trial_state state)
{
    return state == LEHR_TRIAL_DONE || state == LEHR_TRIAL_PRUNED || state == LEHR_TRIAL_FAILED;
}

/* A trial that has ended, with its axis values already in the row. */
static lehr_status take_row(sink *s, lehr_row *row)
{
    lehr_trial_look look;
    lehr_trial_look_at(s->yard, row->id, &look);
    if (!has_ended(look.state))
        return LEHR_OK;
    json_t *result = lehr_yard_read(s->yard, row->id, "result.json");
    json_t *status = lehr_yard_read(s->yard, row->id, "status.json");
    row->state = lehr_trial_state_name(look.state);
    row->result = result;
    row->status = status;
    add_row(&s->csv, s->ledger, row);
    s->rows++;
    const lehr_status added = lehr_database_add(s->database, row);
    json_decref(result);
    json_decref(status);
    return added;
}

static lehr_status take_listed(sink *s)
{
    for (int32_t i = 0; i < s->ledger->count; i++) {
        const lehr_entry *entry = &s->ledger->entry[i];
        lehr_row row = {.number = entry->number, .id = entry->id};
        memcpy(row.value, entry->value, sizeof row.value);
        LEHR_TRY(take_row(s, &row));
    }
    return LEHR_OK;
}

/* ---- Trials of the sweep as it was ----------------------------------------------------------- */

/* Their values are those of their own configs. */
static lehr_status take_other(sink *s, const char *id)
{
    char dir[LEHR_PATH_MAX], path[LEHR_PATH_MAX];
    lehr_config config;
    lehr_text text[LEHR_AXES_MAX] = {0};
    lehr_row row = {.number = -1, .id = id};
    LEHR_TRY(lehr_path_join(s->yard->trials.path, id, dir));
    LEHR_TRY(lehr_path_join(dir, "config.yaml", path));
    const bool known = lehr_config_load(path, NULL, 0, &config) == LEHR_OK;
    const lehr_config_draft draft = known ? lehr_config_draft_of(&config) : (lehr_config_draft){0};
    for (int32_t i = 0; known && i < s->ledger->axes; i++) {
        int32_t move = 0;
        const lehr_config_key *key = lehr_config_find(s->ledger->axis[i], &move);
        if (key != NULL && move < config.run.move_count &&
            lehr_config_value_print(key, move, &draft, LEHR_STYLE_YAML, &text[i]) == LEHR_OK &&
            !text[i].failed)
            row.value[i] = text[i].data;
    }
    const lehr_status status = take_row(s, &row);
    for (int32_t i = 0; i < s->ledger->axes; i++)
        lehr_text_free(&text[i]);
    return status;
}

static lehr_status take_others(sink *s)
{
    char **other = NULL;
    int32_t found = 0;
    lehr_status status = lehr_ledger_others(s->ledger, s->yard, &other, &found);
    for (int32_t i = 0; i < found && status == LEHR_OK; i++)
        status = take_other(s, other[i]);
    lehr_ledger_others_free(&other, found);
    return status;
}

/* ---- All of it ------------------------------------------------------------------------------- */

static lehr_status fill(sink *s)
{
    LEHR_TRY(lehr_database_create(s->ledger, &s->database));
    add_header(&s->csv, s->ledger);
    LEHR_TRY(take_listed(s));
    LEHR_TRY(take_others(s));
    LEHR_CHECK(!s->csv.failed, LEHR_ERR_MEMORY, "out of memory for results.csv");
    LEHR_TRY(lehr_output_whole(&s->yard->dir, "results.csv", s->csv.data, s->csv.length));
    return lehr_database_write(s->database, &s->yard->dir, "results.sqlite");
}

lehr_status lehr_collect(const lehr_yard *yard, int32_t *rows)
{
    lehr_ledger ledger;
    LEHR_TRY(lehr_ledger_read(yard, &ledger));
    sink s = {.yard = yard, .ledger = &ledger};
    const lehr_status status = fill(&s);
    *rows = s.rows;
    lehr_database_destroy(&s.database);
    lehr_text_free(&s.csv);
    lehr_ledger_free(&ledger);
    return status;
}
