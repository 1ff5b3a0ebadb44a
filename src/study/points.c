/* points.c: which column is which input, and the numbers below. */
#include "study/points.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "model/csv.h"
#include "model/file.h"
#include "model/readers.h"
#include "model/samples.h"

enum { SHOWN_BYTES = 48 }; /* of a field in an error sentence */

/* What a column is: the number of an input, or one of these. */
enum { COLUMN_TARGET = -1, COLUMN_UNUSED = -2 };

typedef struct points_reading {
    lehr_csv csv;
    const lehr_model *model;
    lehr_names names; /* of the model's inputs, to be looked up */
    int32_t *column;  /* [columns] what each is */
    bool *seen;       /* [D] inputs whose column was found by name */
    int32_t columns;
    int64_t capacity; /* points that there is memory for */
    lehr_points *points;
} points_reading;

void lehr_points_free(lehr_points *points)
{
    LEHR_FREE(points->input);
    LEHR_FREE(points->truth);
    points->count = 0;
}

/* ---- Columns --------------------------------------------------------------------------------- */

static bool is_number(const lehr_csv_field *field)
{
    double ignored;
    return lehr_parse_double(field->text, field->length, &ignored);
}

/* Were the names given by a file, or are they the numbers 0, 1, 2 ... that a reader puts? */
static bool has_own_names(const lehr_model *model)
{
    for (int32_t d = 0; d < lehr_model_inputs(model); d++) {
        uint64_t number;
        const char *name = lehr_model_input_name(model, d);
        if (name[0] != '\0' && !lehr_parse_uint64(name, strlen(name), &number))
            return true;
    }
    return false;
}

static lehr_status intern_names(points_reading *r)
{
    for (int32_t d = 0; d < lehr_model_inputs(r->model); d++) {
        int32_t number;
        const char *name = lehr_model_input_name(r->model, d);
        LEHR_TRY(lehr_names_intern(&r->names, name, strlen(name), &number));
        LEHR_CHECK(number == d, LEHR_ERR_DATA,
                   "the model has two inputs called '%s', so columns cannot be "
                   "found by name; give a file without a header",
                   name);
    }
    return LEHR_OK;
}

/* What each column is, by its name; no input may come twice. */
static lehr_status name_columns(points_reading *r)
{
    LEHR_TRY(LEHR_NEW(r->seen, (size_t)lehr_model_inputs(r->model), "the columns of a file"));
    for (int32_t c = 0; c < r->columns; c++) {
        const lehr_csv_field *field = &r->csv.field[c];
        const int32_t input = lehr_names_find(&r->names, field->text, field->length);
        r->column[c] = input >= 0 ? input : COLUMN_UNUSED;
        if (input < 0)
            continue;
        if (r->seen[input]) {
            lehr_fail(LEHR_ERR_DATA, "a second column is called '%s'",
                      lehr_names_at(&r->names, input));
            return lehr_csv_place(&r->csv, field);
        }
        r->seen[input] = true;
    }
    return LEHR_OK;
}

static lehr_status check_missing(const points_reading *r)
{
    for (int32_t d = 0; d < lehr_model_inputs(r->model); d++)
        LEHR_CHECK(r->seen[d], LEHR_ERR_DATA,
                   "%s:%lld:1: no column is called '%s', an input of the model", r->csv.name,
                   (long long)r->csv.field[0].line, lehr_model_input_name(r->model, d));
    return LEHR_OK;
}

static lehr_status columns_by_name(points_reading *r)
{
    const int32_t D = lehr_model_inputs(r->model);
    LEHR_TRY(intern_names(r));
    LEHR_TRY(name_columns(r));
    LEHR_TRY(check_missing(r));
    for (int32_t c = 0; c < r->columns && r->columns == D + 1; c++)
        if (r->column[c] == COLUMN_UNUSED)
            r->column[c] = COLUMN_TARGET;
    return LEHR_OK;
}

static lehr_status columns_by_place(points_reading *r)
{
    const int32_t D = lehr_model_inputs(r->model);
    LEHR_CHECK(r->columns == D || r->columns == D + 1, LEHR_ERR_DATA,
               "%s:%lld:1: %d columns, expected the model's %d inputs, or one more for the target",
               r->csv.name, (long long)r->csv.field[0].line, r->columns, D);
    for (int32_t c = 0; c < r->columns; c++)
        r->column[c] = c < D ? c : COLUMN_TARGET;
    return LEHR_OK;
}

/* Is one of the first D fields no number? A target may be a word in any line. */
static bool is_header(const points_reading *r)
{
    for (int32_t c = 0; c < r->columns && c < lehr_model_inputs(r->model); c++)
        if (r->csv.field[c].length > 0 && !is_number(&r->csv.field[c]))
            return true;
    return false;
}

/* Learn the columns from the first line; a header is left behind. */
static lehr_status begin(points_reading *r)
{
    LEHR_TRY(lehr_csv_next(&r->csv));
    LEHR_CHECK(r->csv.count > 0, LEHR_ERR_DATA, "%s:1:1: no points", r->csv.name);
    r->columns = r->csv.count;
    LEHR_TRY(LEHR_NEW(r->column, (size_t)r->columns, "the columns of a file"));
    const bool header = is_header(r);
    LEHR_TRY(header && has_own_names(r->model) ? columns_by_name(r) : columns_by_place(r));
    return header ? lehr_csv_next(&r->csv) : LEHR_OK;
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static bool has_target(const points_reading *r)
{
    for (int32_t c = 0; c < r->columns; c++)
        if (r->column[c] == COLUMN_TARGET)
            return true;
    return false;
}

static lehr_status grow(points_reading *r)
{
    lehr_points *points = r->points;
    if (points->count < r->capacity)
        return LEHR_OK;
    const size_t more = r->capacity > 0 ? 2 * (size_t)r->capacity : 64;
    size_t numbers;
    LEHR_CHECK(lehr_size_mul(more, (size_t)lehr_model_inputs(r->model), &numbers), LEHR_ERR_MEMORY,
               "%s: too many points", r->csv.name);
    LEHR_TRY(lehr_memory_grow(numbers, sizeof *points->input, "points", (void **)&points->input));
    if (has_target(r))
        LEHR_TRY(lehr_memory_grow(more, sizeof *points->truth, "points", (void **)&points->truth));
    r->capacity = (int64_t)more;
    return LEHR_OK;
}

static lehr_status fail_field(const points_reading *r, const lehr_csv_field *field,
                              const char *what)
{
    char shown[SHOWN_BYTES];
    lehr_text_show(shown, sizeof shown, field->text, field->length);
    lehr_fail(LEHR_ERR_DATA, "'%s' %s", shown, what);
    return lehr_csv_place(&r->csv, field);
}

static lehr_status take_number(const points_reading *r, const lehr_csv_field *field, float *out)
{
    double value;
    if (!lehr_parse_double(field->text, field->length, &value) || !isfinite((float)value))
        return fail_field(r, field, "is not a number that float32 holds");
    *out = (float)value;
    return LEHR_OK;
}

/* Number of a class; -1 when the model has none of this name. */
static int32_t find_class(const lehr_model *model, const char *text, size_t length)
{
    for (int32_t k = 0; k < lehr_model_classes(model); k++) {
        const char *name = lehr_model_class_name(model, k);
        if (strlen(name) == length && memcmp(name, text, length) == 0)
            return k;
    }
    return -1;
}

static lehr_status take_truth(const points_reading *r, const lehr_csv_field *field, float *out)
{
    *out = NAN;
    if (field->length == 0)
        return LEHR_OK;
    if (r->model->task == LEHR_TASK_REGRESSION)
        return take_number(r, field, out);
    const int32_t number = find_class(r->model, field->text, field->length);
    if (number < 0)
        return fail_field(r, field,
                          "is not a class of the model; without this column nothing is compared");
    *out = (float)number;
    return LEHR_OK;
}

static lehr_status take_point(points_reading *r)
{
    if (r->csv.count != r->columns) {
        lehr_fail(LEHR_ERR_DATA, "%d columns, expected %d", r->csv.count, r->columns);
        return lehr_csv_place(&r->csv, &r->csv.field[0]);
    }
    LEHR_TRY(grow(r));
    lehr_points *points = r->points;
    float *input = points->input + points->count * lehr_model_inputs(r->model);
    for (int32_t c = 0; c < r->columns; c++) {
        if (r->column[c] >= 0)
            LEHR_TRY(take_number(r, &r->csv.field[c], input + r->column[c]));
        if (r->column[c] == COLUMN_TARGET)
            LEHR_TRY(take_truth(r, &r->csv.field[c], &points->truth[points->count]));
    }
    points->count++;
    return LEHR_OK;
}

static lehr_status take_lines(points_reading *r)
{
    LEHR_TRY(begin(r));
    LEHR_CHECK(r->csv.count > 0, LEHR_ERR_DATA, "%s: a header and no points", r->csv.name);
    while (r->csv.count > 0) {
        LEHR_TRY(take_point(r));
        LEHR_TRY(lehr_csv_next(&r->csv));
    }
    return LEHR_OK;
}

static lehr_status read_csv(const char *path, lehr_file *file, const lehr_model *model,
                            lehr_points *out)
{
    points_reading r = {.model = model, .points = out};
    LEHR_TRY(lehr_csv_open(path, file->data, file->size, &r.csv));
    const lehr_status status = take_lines(&r);
    lehr_csv_close(&r.csv);
    lehr_names_free(&r.names);
    LEHR_FREE(r.column);
    LEHR_FREE(r.seen);
    return status;
}

/* ---- Arrays ---------------------------------------------------------------------------------- */

/* The class or value in the last column of a point. */
static lehr_status array_truth(const char *path, const lehr_model *model, int64_t point,
                               float value, float *out)
{
    char text[32];
    *out = value;
    if (model->task == LEHR_TASK_REGRESSION)
        return LEHR_OK;
    const int length = snprintf(text, sizeof text, "%lld", (long long)value);
    const int32_t number = value == floorf(value) ? find_class(model, text, (size_t)length) : -1;
    LEHR_CHECK(number >= 0, LEHR_ERR_DATA, "%s: point %lld: label %g is not a class of the model",
               path, (long long)point, (double)value);
    *out = (float)number;
    return LEHR_OK;
}

/* Split samples of D or D+1 columns into inputs and truth. */
static lehr_status split(const char *path, const lehr_model *model, const lehr_samples *all,
                         lehr_points *out)
{
    const int32_t D = lehr_model_inputs(model);
    LEHR_CHECK(
        all->inputs == D || all->inputs == D + 1, LEHR_ERR_DATA,
        "%s: %d numbers per point, expected the model's %d inputs, or one more for the target",
        path, all->inputs, D);
    LEHR_TRY(LEHR_NEW(out->input, (size_t)all->points * (size_t)D, "points"));
    if (all->inputs > D)
        LEHR_TRY(LEHR_NEW(out->truth, (size_t)all->points, "points"));
    out->count = all->points;
    for (int64_t n = 0; n < all->points; n++) {
        const float *from = all->input + n * all->inputs;
        memcpy(out->input + n * D, from, (size_t)D * sizeof *from);
        if (all->inputs > D)
            LEHR_TRY(array_truth(path, model, n, from[D], &out->truth[n]));
    }
    return LEHR_OK;
}

/* The reader of data sets wants targets: it gets zeros, which nobody looks at. */
static lehr_status read_samples(const lehr_array *array, lehr_samples *all)
{
    const lehr_data_spec spec = {.task = LEHR_TASK_REGRESSION};
    unsigned char *zeros = NULL;
    LEHR_TRY(LEHR_NEW(zeros, (size_t)array->dim[0], "points"));
    const lehr_array labels = {.name = array->name,
                               .bytes = zeros,
                               .dims = 1,
                               .dim = {array->dim[0]},
                               .count = array->dim[0],
                               .kind = 'u',
                               .size = 1};
    const lehr_status status = lehr_array_read(array, &labels, &spec, all);
    LEHR_FREE(zeros);
    return status;
}

static lehr_status read_array(const char *path, const lehr_array *array, const lehr_model *model,
                              lehr_points *out)
{
    LEHR_CHECK(array->dims >= 2, LEHR_ERR_DATA,
               "%s: %d dimension, expected points and their inputs", path, array->dims);
    lehr_samples all = {0};
    lehr_status status = read_samples(array, &all);
    if (status == LEHR_OK)
        status = split(path, model, &all, out);
    lehr_samples_free(&all);
    return status;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* Text has no zero bytes; NPY and IDX begin with bytes of their own. */
static lehr_status read_bytes(const char *path, lehr_file *file, const lehr_model *model,
                              lehr_points *out)
{
    lehr_array array;
    if (file->size >= 6 && memcmp(file->data, "\x93NUMPY", 6) == 0) {
        LEHR_TRY(lehr_npy_parse(path, file->data, file->size, &array));
        return read_array(path, &array, model, out);
    }
    if (file->size >= 4 && file->data[0] == 0 && file->data[1] == 0) {
        LEHR_TRY(lehr_idx_parse(path, file->data, file->size, &array));
        return read_array(path, &array, model, out);
    }
    return read_csv(path, file, model, out);
}

lehr_status lehr_points_read(const char *path, const lehr_model *model, lehr_points *out)
{
    lehr_file file;
    lehr_points points = {0};
    LEHR_TRY(lehr_file_read(path, &file));
    const lehr_status status = read_bytes(path, &file, model, &points);
    lehr_file_free(&file);
    if (status != LEHR_OK) {
        lehr_points_free(&points);
        return status;
    }
    *out = points;
    return LEHR_OK;
}
