/* model/dataset_csv.c: what the lines of a CSV file mean: header, target, inputs, classes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "model/csv.h"
#include "model/readers.h"

enum { SHOWN_BYTES = 48 }; /* of a field in an error sentence */

/* A file being read. */
typedef struct csv_reading {
    lehr_csv csv;
    lehr_task task;
    const char *wanted; /* the spec's target */
    int32_t target;     /* its column */
    bool headed;        /* the first record is a header */
    lehr_samples *samples;
} csv_reading;

/* ---- Fields ---------------------------------------------------------------------------------- */

static bool equals(const lehr_csv_field *field, const char *text)
{
    return strlen(text) == field->length && memcmp(text, field->text, field->length) == 0;
}

static bool is_missing(const lehr_csv_field *field)
{
    static const char *const marks[] = {"", "?", "NA", "N/A", "nan", "NaN", "NAN"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (equals(field, marks[i]))
            return true;
    return false;
}

static bool is_number(const lehr_csv_field *field)
{
    double ignored;
    return lehr_parse_double(field->text, field->length, &ignored);
}

/* Made of the characters of a number: then it is one that does not fit. */
static bool looks_like_number(const lehr_csv_field *field)
{
    bool digits = false;
    for (size_t i = 0; i < field->length; i++) {
        const char byte = field->text[i];
        const bool digit = byte >= '0' && byte <= '9';
        if (!digit && byte != '+' && byte != '-' && byte != '.' && byte != 'e' && byte != 'E')
            return false;
        digits = digits || digit;
    }
    return digits;
}

/* Name of an input column; `column` counts the target too. */
static const char *title(const csv_reading *r, int32_t column)
{
    return lehr_names_at(&r->samples->columns, column - (column > r->target));
}

static lehr_status fail_field(const csv_reading *r, int32_t column, const char *what)
{
    char shown[SHOWN_BYTES], called[SHOWN_BYTES];
    const lehr_csv_field *field = &r->csv.field[column];
    const char *name = column == r->target ? "the target" : title(r, column);
    lehr_text_show(called, sizeof called, name, strlen(name));
    lehr_text_show(shown, sizeof shown, field->text, field->length);
    lehr_fail(LEHR_ERR_DATA, "column %d (%s): '%s' %s", column + 1, called, shown, what);
    return lehr_csv_place(&r->csv, field);
}

static lehr_status take_number(const csv_reading *r, int32_t column, float *out)
{
    const lehr_csv_field *field = &r->csv.field[column];
    double value = 0;
    if (lehr_parse_double(field->text, field->length, &value) && isfinite((float)value)) {
        *out = (float)value;
        return LEHR_OK;
    }
    if (is_missing(field))
        return fail_field(r, column, "is a missing value, expected a number");
    return fail_field(r, column,
                      looks_like_number(field)
                          ? "is out of range, expected a number that float32 holds"
                          : "is not a number, expected one");
}

/* Names go to JSON files and error sentences: UTF-8, and short. */
static lehr_status check_name(const csv_reading *r, const lehr_csv_field *field, const char *what)
{
    size_t at = 0, bytes = 1;
    while (at < field->length && bytes > 0) {
        bytes = lehr_utf8_length(field->text + at, field->length - at);
        at += bytes;
    }
    if (bytes > 0 && field->length < LEHR_NAME_MAX)
        return LEHR_OK;
    if (bytes == 0)
        lehr_fail(LEHR_ERR_DATA, "%s is not UTF-8 at its byte %zu, expected UTF-8", what, at + 1);
    else
        lehr_fail(LEHR_ERR_DATA, "%s has %zu bytes, expected at most %d", what, field->length,
                  LEHR_NAME_MAX - 1);
    return lehr_csv_place(&r->csv, field);
}

static lehr_status take_class(const csv_reading *r, float *out)
{
    const lehr_csv_field *field = &r->csv.field[r->target];
    if (is_missing(field))
        return fail_field(r, r->target, "is a missing value, expected a class");
    LEHR_TRY(check_name(r, field, "the class name"));
    int32_t number = 0;
    const lehr_status status = lehr_samples_class(r->samples, field->text, field->length, &number);
    if (status == LEHR_ERR_DATA)
        return lehr_csv_place(&r->csv, field);
    LEHR_TRY(status);
    if (number < 0)
        return fail_field(r, r->target, "is a class that the training data do not have");
    *out = (float)number;
    return LEHR_OK;
}

/* ---- Header ---------------------------------------------------------------------------------- */

/* How many fields of the first record are called like the target; *column: the first of them. */
static int32_t count_named(const csv_reading *r, int32_t *column)
{
    int32_t count = 0;
    for (int32_t i = 0; i < r->csv.count; i++)
        if (equals(&r->csv.field[i], r->wanted)) {
            *column = count == 0 ? i : *column;
            count++;
        }
    return r->wanted[0] != '\0' ? count : 0;
}

/* Does a field other than the target's say that the first record is a header? */
static bool has_titles(const csv_reading *r, int64_t target)
{
    for (int32_t i = 0; i < r->csv.count; i++)
        if (i != target && !is_number(&r->csv.field[i]) && !is_missing(&r->csv.field[i]))
            return true;
    return false;
}

/* Decide which column is the target and whether the first record is a header. A target that is a
 * number is a column's name if a header has it, else a place. */
static lehr_status find_target(csv_reading *r)
{
    const lehr_csv *c = &r->csv;
    uint64_t index = (uint64_t)c->count - 1;
    const bool by_index = r->wanted[0] == '\0' ||
                          lehr_parse_uint64(r->wanted, strlen(r->wanted), &index);
    const bool inside = by_index && index < (uint64_t)c->count;
    int32_t named = -1;
    const int32_t names = count_named(r, &named);
    r->headed = has_titles(r, inside ? (int64_t)index : -1) || (!by_index && names > 0);
    r->target = r->headed && names > 0 ? named : (int32_t)(inside ? index : 0);
    if (r->headed && names > 0) {
        LEHR_CHECK(names == 1, LEHR_ERR_ARG, "%s:%lld:1: %d columns are called '%s', the target",
                   c->name, (long long)c->field[0].line, names, r->wanted);
        return LEHR_OK;
    }
    LEHR_CHECK(by_index, LEHR_ERR_ARG, "%s:%lld:1: no column is called '%s', the target", c->name,
               (long long)c->field[0].line, r->wanted);
    LEHR_CHECK(inside, LEHR_ERR_ARG,
               "%s:%lld:1: the target is column %s counted from 0, there are %d", c->name,
               (long long)c->field[0].line, r->wanted, c->count);
    return LEHR_OK;
}

/* The header's names of the inputs; a place where a name is empty. */
static lehr_status name_columns(const csv_reading *r)
{
    for (int32_t i = 0; i < r->csv.count; i++) {
        const lehr_csv_field *field = &r->csv.field[i];
        LEHR_TRY(check_name(r, field, "the column name"));
        if (i == r->target)
            continue;
        char place[16];
        const bool named = field->length > 0;
        const int length = snprintf(place, sizeof place, "%d", i);
        LEHR_TRY(lehr_names_add(&r->samples->columns, named ? field->text : place,
                                named ? field->length : (size_t)length));
    }
    return LEHR_OK;
}

/* The inputs of a test file must be those of the training file: as many, and with the same
 * names. */
static lehr_status compare_columns(const csv_reading *r)
{
    const lehr_csv *c = &r->csv;
    const int32_t expected = r->samples->inputs + 1;
    LEHR_CHECK(c->count == expected, LEHR_ERR_DATA,
               "%s:%lld:1: %d columns, expected %d as in the training data", c->name,
               (long long)c->field[0].line, c->count, expected);
    for (int32_t i = 0; i < c->count && r->headed && r->samples->headed; i++) {
        if (i == r->target || c->field[i].length == 0 || equals(&c->field[i], title(r, i)))
            continue;
        return fail_field(r, i, "is its name here, expected that of the training data");
    }
    return LEHR_OK;
}

/* Learn the shape from the first record, which stays at hand. */
static lehr_status begin(csv_reading *r)
{
    lehr_csv *c = &r->csv;
    lehr_samples *samples = r->samples;
    LEHR_TRY(lehr_csv_next(c));
    LEHR_CHECK(c->count > 0, LEHR_ERR_DATA, "%s:%lld:1: no points, expected lines of numbers",
               c->name, (long long)c->line);
    LEHR_CHECK(c->count >= 2, LEHR_ERR_DATA, "%s:%lld:1: 1 column, expected inputs and a target",
               c->name, (long long)c->field[0].line);
    LEHR_TRY(find_target(r));
    if (samples->inputs > 0)
        return compare_columns(r);
    samples->inputs = c->count - 1;
    samples->targets = 1;
    samples->headed = r->headed;
    return r->headed ? name_columns(r) : lehr_samples_number_columns(samples);
}

/* ---- Points ---------------------------------------------------------------------------------- */

static lehr_status take_point(const csv_reading *r)
{
    lehr_samples *samples = r->samples;
    if (r->csv.count != samples->inputs + 1) {
        lehr_fail(LEHR_ERR_DATA, "%d columns, expected %d", r->csv.count, samples->inputs + 1);
        return lehr_csv_place(&r->csv, &r->csv.field[0]);
    }
    LEHR_TRY(lehr_samples_grow(samples));
    float *input = samples->input + samples->points * samples->inputs;
    float *target = samples->target + samples->points;
    for (int32_t i = 0; i < r->csv.count; i++)
        if (i != r->target)
            LEHR_TRY(take_number(r, i, input++));
    LEHR_TRY(r->task == LEHR_TASK_CLASSIFICATION ? take_class(r, target)
                                                 : take_number(r, r->target, target));
    samples->points++;
    return LEHR_OK;
}

static lehr_status take_all(csv_reading *r)
{
    const int64_t before = r->samples->points;
    LEHR_TRY(begin(r));
    if (r->headed)
        LEHR_TRY(lehr_csv_next(&r->csv));
    while (r->csv.count > 0) {
        LEHR_TRY(take_point(r));
        LEHR_TRY(lehr_csv_next(&r->csv));
    }
    LEHR_CHECK(r->samples->points > before, LEHR_ERR_DATA, "%s:%lld:1: a header and no points",
               r->csv.name, (long long)r->csv.line);
    const bool close = r->task == LEHR_TASK_CLASSIFICATION && !r->samples->closed;
    return close ? lehr_samples_close(r->samples) : LEHR_OK;
}

lehr_status lehr_csv_read(const char *name, char *text, size_t size, const lehr_data_spec *spec,
                          lehr_samples *samples)
{
    csv_reading r = {.task = spec->task, .wanted = spec->target, .samples = samples};
    LEHR_TRY(lehr_csv_open(name, text, size, &r.csv));
    const lehr_status status = take_all(&r);
    lehr_csv_close(&r.csv);
    return status;
}
