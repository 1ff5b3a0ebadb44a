/* model/array.c: the numbers of an NPY or IDX file as points and targets. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "model/readers.h"

/* ---- Elements -------------------------------------------------------------------------------- */

lehr_status lehr_array_measure(lehr_array *array, size_t bytes)
{
    uint64_t count = 1, need = 0;
    bool fits = true;
    for (int32_t d = 0; d < array->dims; d++)
        fits = fits && !__builtin_mul_overflow(count, (uint64_t)array->dim[d], &count);
    fits = fits && !__builtin_mul_overflow(count, (uint64_t)array->size, &need);
    LEHR_CHECK(fits && need == bytes, LEHR_ERR_DATA,
               "%s: the header promises %llu%s bytes of numbers, but %zu follow it", array->name,
               (unsigned long long)(fits ? need : UINT64_MAX), fits ? "" : " or more", bytes);
    LEHR_CHECK(count > 0, LEHR_ERR_DATA, "%s: holds no numbers", array->name);
    array->count = (int64_t)count;
    return LEHR_OK;
}

/* The bits of element i, lowest byte first in the result. */
static uint64_t load(const lehr_array *array, int64_t i)
{
    const unsigned char *byte = array->bytes + i * array->size;
    uint64_t bits = 0;
    for (int32_t b = 0; b < array->size; b++) {
        const int32_t from = array->big_endian ? b : array->size - 1 - b;
        bits = bits << 8 | byte[from];
    }
    return bits;
}

static double load_float(uint64_t bits, int32_t size)
{
    if (size == 8) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    const uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

/* Element i as a number; integers above 2^53 are rounded. */
static double element(const lehr_array *array, int64_t i)
{
    const uint64_t bits = load(array, i);
    switch (array->kind) {
    case 'f': return load_float(bits, array->size);
    case 'b': return bits != 0;
    case 'i': {
        const uint64_t sign = UINT64_C(1) << (8 * array->size - 1);
        return (double)(int64_t)((bits ^ sign) - sign);
    }
    default: return (double)bits;
    }
}

/* Where element j of point n stands; `width` elements per point. */
static int64_t place(const lehr_array *array, int64_t n, int64_t j, int64_t width)
{
    return array->fortran ? j * array->dim[0] + n : n * width + j;
}

static lehr_status take_float(const lehr_array *array, int64_t n, int64_t j, int64_t width,
                              float *out)
{
    const double value = element(array, place(array, n, j, width));
    *out = (float)value;
    LEHR_CHECK(isfinite(*out), LEHR_ERR_DATA,
               "%s: point %lld, number %lld: %g, expected a finite number that float32 holds",
               array->name, (long long)n, (long long)j, value);
    return LEHR_OK;
}

/* The class number of point n, whose label is element j. */
static lehr_status take_class(const lehr_array *array, int64_t n, int64_t j, int64_t width,
                              lehr_samples *samples)
{
    const double exact = 9007199254740992.0; /* 2^53 */
    const double value = element(array, place(array, n, j, width));
    LEHR_CHECK(fabs(value) <= exact && value == floor(value), LEHR_ERR_DATA,
               "%s: point %lld: the label %g, expected an integer", array->name, (long long)n,
               value);
    char text[32];
    int32_t number = 0;
    const int length = snprintf(text, sizeof text, "%lld", (long long)value);
    LEHR_TRY(lehr_samples_class(samples, text, (size_t)length, &number));
    LEHR_CHECK(number >= 0, LEHR_ERR_DATA, "%s: point %lld: the training data do not have class %s",
               array->name, (long long)n, text);
    samples->target[n + samples->points] = (float)number;
    return LEHR_OK;
}

/* ---- Shape ----------------------------------------------------------------------------------- */

/* How points stand in the arrays. */
typedef struct array_shape {
    int64_t points;
    int64_t width;  /* elements of a point, with the target if it is one of them */
    int64_t target; /* its column, or -1 with labels */
    int64_t targets;
} array_shape;

static lehr_status find_column(const lehr_array *inputs, const lehr_data_spec *spec,
                               array_shape *shape)
{
    uint64_t index = (uint64_t)shape->width - 1;
    const size_t length = strlen(spec->target);
    LEHR_CHECK(
        inputs->dims == 2 && shape->width >= 2, LEHR_ERR_DATA,
        "%s: %d dimensions without labels, expected 2 with a target column, or a file of labels",
        inputs->name, inputs->dims);
    LEHR_CHECK(length == 0 || lehr_parse_uint64(spec->target, length, &index), LEHR_ERR_ARG,
               "%s: has no column names, expected the target '%s' as a number", inputs->name,
               spec->target);
    LEHR_CHECK(index < (uint64_t)shape->width, LEHR_ERR_ARG,
               "%s: the target is column %s counted from 0, there are %lld", inputs->name,
               spec->target, (long long)shape->width);
    shape->target = (int64_t)index;
    shape->targets = 1;
    return LEHR_OK;
}

static lehr_status match_labels(const lehr_array *inputs, const lehr_array *labels, lehr_task task,
                                array_shape *shape)
{
    LEHR_CHECK(labels->dims == 1 || labels->dims == 2, LEHR_ERR_DATA,
               "%s: %d dimensions of labels, expected 1 or 2", labels->name, labels->dims);
    LEHR_CHECK(labels->dim[0] == shape->points, LEHR_ERR_DATA,
               "%s: %lld labels for the %lld points of %s", labels->name, (long long)labels->dim[0],
               (long long)shape->points, inputs->name);
    shape->target = -1;
    shape->targets = labels->count / labels->dim[0];
    LEHR_CHECK(shape->targets == 1 || task == LEHR_TASK_REGRESSION, LEHR_ERR_DATA,
               "%s: %lld labels per point, expected 1 class number", labels->name,
               (long long)shape->targets);
    return LEHR_OK;
}

/* Find the shape, and hold it against that of the training data when there are some. */
static lehr_status find_shape(const lehr_array *inputs, const lehr_array *labels,
                              const lehr_data_spec *spec, const lehr_samples *samples,
                              array_shape *shape)
{
    LEHR_CHECK(inputs->dims >= 1, LEHR_ERR_DATA, "%s: a single number, expected points",
               inputs->name);
    shape->points = inputs->dim[0];
    shape->width = inputs->count / inputs->dim[0];
    LEHR_TRY(labels != NULL ? match_labels(inputs, labels, spec->task, shape)
                            : find_column(inputs, spec, shape));
    const int64_t width = shape->width - (shape->target >= 0);
    LEHR_CHECK(width <= LEHR_INPUTS_MAX && shape->targets <= LEHR_INPUTS_MAX, LEHR_ERR_DATA,
               "%s: %lld inputs and %lld targets per point, expected at most %d", inputs->name,
               (long long)width, (long long)shape->targets, LEHR_INPUTS_MAX);
    LEHR_CHECK(samples->inputs == 0 ||
                   (width == samples->inputs && shape->targets == samples->targets),
               LEHR_ERR_DATA,
               "%s: %lld inputs and %lld targets, expected %d and %d as in the training data",
               inputs->name, (long long)width, (long long)shape->targets, samples->inputs,
               samples->targets);
    return LEHR_OK;
}

/* ---- Points ---------------------------------------------------------------------------------- */

static lehr_status take_inputs(const lehr_array *inputs, const array_shape *shape,
                               lehr_samples *samples)
{
    float *to = samples->input + samples->points * samples->inputs;
    for (int64_t n = 0; n < shape->points; n++)
        for (int64_t j = 0; j < shape->width; j++)
            if (j != shape->target)
                LEHR_TRY(take_float(inputs, n, j, shape->width, to++));
    return LEHR_OK;
}

static lehr_status take_targets(const lehr_array *array, const array_shape *shape, lehr_task task,
                                lehr_samples *samples)
{
    const bool column = shape->target >= 0;
    const int64_t width = column ? shape->width : shape->targets,
                  first = column ? shape->target : 0;
    float *to = samples->target + samples->points * samples->targets;
    for (int64_t n = 0; n < shape->points; n++) {
        if (task == LEHR_TASK_CLASSIFICATION) {
            LEHR_TRY(take_class(array, n, first, width, samples));
            continue;
        }
        for (int64_t k = 0; k < shape->targets; k++)
            LEHR_TRY(take_float(array, n, first + k, width, to++));
    }
    return LEHR_OK;
}

lehr_status lehr_array_read(const lehr_array *inputs, const lehr_array *labels,
                            const lehr_data_spec *spec, lehr_samples *samples)
{
    array_shape shape = {0};
    LEHR_TRY(find_shape(inputs, labels, spec, samples, &shape));
    const bool first = samples->inputs == 0;
    samples->inputs = (int32_t)(shape.width - (shape.target >= 0));
    samples->targets = (int32_t)shape.targets;
    LEHR_TRY(lehr_samples_reserve(samples, samples->points + shape.points));
    LEHR_TRY(take_inputs(inputs, &shape, samples));
    LEHR_TRY(take_targets(labels != NULL ? labels : inputs, &shape, spec->task, samples));
    samples->points += shape.points;
    if (first)
        LEHR_TRY(lehr_samples_number_columns(samples));
    const bool close = spec->task == LEHR_TASK_CLASSIFICATION && !samples->closed;
    return close ? lehr_samples_close(samples) : LEHR_OK;
}
