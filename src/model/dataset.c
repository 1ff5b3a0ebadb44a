/* model/dataset.c: the dataset handle: read or generate, check, hash, split, standardize,
 * project. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "lehr/lehr.h"
#include "model/generator.h"
#include "model/project.h"
#include "model/readers.h"
#include "model/samples.h"
#include "model/split.h"

struct lehr_dataset {
    lehr_task task;
    lehr_samples samples; /* training, validation and test points, one after the other */
    int64_t points[LEHR_PART_COUNT];
    uint64_t hash;
    int32_t columns;      /* D; the samples have fewer inputs after a projection */
    double *mean, *scale; /* [columns + targets] */
    float *projection;    /* [inputs,columns]; NULL without */
    const char **names;   /* [columns + classes] into the samples' lists of names */
};

void lehr_dataset_destroy(lehr_dataset **dataset)
{
    if (dataset == NULL || *dataset == NULL)
        return;
    lehr_samples_free(&(*dataset)->samples);
    LEHR_FREE((*dataset)->mean);
    LEHR_FREE((*dataset)->scale);
    LEHR_FREE((*dataset)->projection);
    LEHR_FREE((*dataset)->names);
    LEHR_FREE(*dataset);
}

/* ---- Finish what every source has begun ------------------------------------------------------ */

/* Sizes first, so that no two contents run into each other. */
static uint64_t hash_samples(const lehr_samples *samples, int64_t given)
{
    const int64_t sizes[] = {samples->points, given, samples->inputs, samples->targets,
                             samples->classes.count};
    const size_t points = (size_t)samples->points;
    uint64_t hash = lehr_hash(LEHR_HASH_START, sizes, sizeof sizes);
    hash = lehr_hash(hash, samples->input, points * (size_t)samples->inputs * sizeof(float));
    hash = lehr_hash(hash, samples->target, points * (size_t)samples->targets * sizeof(float));
    for (int32_t c = 0; c < samples->classes.count; c++) {
        const char *name = lehr_names_at(&samples->classes, c);
        hash = lehr_hash(hash, name, strlen(name) + 1);
    }
    return hash;
}

static lehr_status collect_names(lehr_dataset *d)
{
    const int32_t columns = d->columns, classes = d->samples.classes.count;
    LEHR_TRY(LEHR_NEW(d->names, (size_t)columns + (size_t)classes, "names"));
    for (int32_t i = 0; i < columns; i++)
        d->names[i] = lehr_names_at(&d->samples.columns, i);
    for (int32_t c = 0; c < classes; c++)
        d->names[columns + c] = lehr_names_at(&d->samples.classes, c);
    return LEHR_OK;
}

/* Principal components are those of deviations from the mean: without a scale it is taken off alone. */
static lehr_status standardize_inputs(lehr_dataset *d, bool scaled)
{
    lehr_samples *s = &d->samples;
    lehr_standardize_fit(s->input, d->points[LEHR_PART_TRAIN], s->inputs, d->mean, d->scale);
    for (int32_t j = 0; j < s->inputs && !scaled; j++)
        d->scale[j] = 1;
    const lehr_status status = lehr_standardize(s->input, s->points, s->inputs, d->mean, d->scale);
    return status == LEHR_OK ? status : lehr_fail_prefix(status, "inputs: ");
}

static lehr_status standardize_targets(lehr_dataset *d)
{
    lehr_samples *s = &d->samples;
    double *mean = d->mean + s->inputs, *scale = d->scale + s->inputs;
    lehr_standardize_fit(s->target, d->points[LEHR_PART_TRAIN], s->targets, mean, scale);
    const lehr_status status = lehr_standardize(s->target, s->points, s->targets, mean, scale);
    return status == LEHR_OK ? status : lehr_fail_prefix(status, "targets: ");
}

static lehr_status standardize(lehr_dataset *d, const lehr_data_spec *spec)
{
    const size_t width = (size_t)d->samples.inputs + (size_t)d->samples.targets;
    LEHR_TRY(LEHR_NEW(d->mean, width, "means"));
    LEHR_TRY(LEHR_NEW(d->scale, width, "scales"));
    for (size_t i = 0; i < width; i++)
        d->scale[i] = 1;
    if (spec->standardize || spec->project.kind != LEHR_PROJECT_NONE)
        LEHR_TRY(standardize_inputs(d, spec->standardize));
    const bool targets = spec->standardize && d->task == LEHR_TASK_REGRESSION;
    return targets ? standardize_targets(d) : LEHR_OK;
}

static lehr_status project(lehr_dataset *d, const lehr_project_spec *spec)
{
    if (spec->kind == LEHR_PROJECT_NONE)
        return LEHR_OK;
    return lehr_project_samples(spec, d->points[LEHR_PART_TRAIN], &d->samples, &d->projection);
}

/* Points from `given` on are a test file of their own. */
static lehr_status finish(lehr_dataset *d, const lehr_data_spec *spec, int64_t given)
{
    d->task = spec->task;
    d->hash = hash_samples(&d->samples, given);
    LEHR_TRY(lehr_split(spec, given, &d->samples, d->points));
    d->columns = d->samples.inputs;
    LEHR_TRY(standardize(d, spec));
    LEHR_TRY(project(d, &spec->project));
    return collect_names(d);
}

/* ---- Sources --------------------------------------------------------------------------------- */

static bool ends_inside(const char *text, size_t capacity)
{
    return memchr(text, '\0', capacity) != NULL;
}

static lehr_status check_spec(const lehr_data_spec *spec)
{
    LEHR_CHECK(spec->task >= 0 && spec->task < LEHR_TASK_COUNT, LEHR_ERR_ARG,
               "there is no task number %d", (int)spec->task);
    LEHR_CHECK(lehr_kind_name(LEHR_LIST_PROJECT, (int32_t)spec->project.kind) != NULL, LEHR_ERR_ARG,
               "there is no projection number %d", (int)spec->project.kind);
    LEHR_CHECK(ends_inside(spec->source, sizeof spec->source) &&
                   ends_inside(spec->labels, sizeof spec->labels) &&
                   ends_inside(spec->test_source, sizeof spec->test_source) &&
                   ends_inside(spec->test_labels, sizeof spec->test_labels) &&
                   ends_inside(spec->target, sizeof spec->target),
               LEHR_ERR_ARG, "a text of the data spec has no end");
    return LEHR_OK;
}

static lehr_status check_sources(const lehr_data_spec *spec)
{
    const bool generated = spec->generator.kind != LEHR_GENERATOR_NONE;
    LEHR_CHECK(generated || spec->source[0] != '\0', LEHR_ERR_ARG,
               "data need a source or a generator");
    LEHR_CHECK(!generated || (spec->source[0] == '\0' && spec->labels[0] == '\0' &&
                              spec->test_source[0] == '\0'),
               LEHR_ERR_ARG, "data come from a source or from a generator, not from both");
    LEHR_CHECK(spec->test_labels[0] == '\0' || spec->test_source[0] != '\0', LEHR_ERR_ARG,
               "test_labels belong to a test_source, which is not given");
    return LEHR_OK;
}

/* Fill the samples; *given: how many of them are not from a test file. */
static lehr_status fill_samples(const lehr_data_spec *spec, lehr_samples *samples, int64_t *given)
{
    if (spec->generator.kind != LEHR_GENERATOR_NONE) {
        LEHR_TRY(lehr_generate(&spec->generator, spec->task, spec->split_seed, samples));
        *given = samples->points;
        return LEHR_OK;
    }
    LEHR_TRY(lehr_data_read(spec->source, spec->labels, spec, samples));
    *given = samples->points;
    if (spec->test_source[0] != '\0')
        LEHR_TRY(lehr_data_read(spec->test_source, spec->test_labels, spec, samples));
    return LEHR_OK;
}

static lehr_status create_from_spec(const lehr_data_spec *spec, lehr_dataset *d)
{
    int64_t given = 0;
    LEHR_TRY(fill_samples(spec, &d->samples, &given));
    return finish(d, spec, given);
}

lehr_status lehr_dataset_create(const lehr_data_spec *spec, lehr_dataset **out)
{
    LEHR_CHECK(spec != NULL && out != NULL, LEHR_ERR_ARG,
               "a dataset needs a spec and a place to go");
    LEHR_TRY(check_spec(spec));
    LEHR_TRY(check_sources(spec));
    lehr_dataset *d = NULL;
    LEHR_TRY(LEHR_NEW(d, 1, "a dataset"));
    const lehr_status status = create_from_spec(spec, d);
    if (status != LEHR_OK)
        lehr_dataset_destroy(&d);
    else
        *out = d;
    return status;
}

/* ---- Arrays in memory ------------------------------------------------------------------------ */

/* Classes 0 to the largest label, named by their numbers. */
static lehr_status name_classes(lehr_samples *samples)
{
    float most = 0;
    for (int64_t n = 0; n < samples->points; n++) {
        const float label = samples->target[n];
        LEHR_CHECK(label >= 0 && label < (float)LEHR_CLASSES_MAX && label == floorf(label),
                   LEHR_ERR_DATA, "targets: point %lld is %g, expected a class number from 0 to %d",
                   (long long)n, (double)label, LEHR_CLASSES_MAX - 1);
        most = label > most ? label : most;
    }
    for (int32_t c = 0; c <= (int32_t)most; c++) {
        lehr_text name = {0};
        lehr_text_add(&name, "%d", c);
        int32_t number = 0;
        const lehr_status status = name.failed ? LEHR_ERR_MEMORY
                                               : lehr_names_intern(&samples->classes, name.data,
                                                                   name.length, &number);
        lehr_text_free(&name);
        LEHR_TRY(status);
    }
    samples->closed = true;
    return LEHR_OK;
}

static lehr_status check_finite(const char *what, const float *values, int64_t points,
                                int32_t width)
{
    for (int64_t i = 0; i < points * width; i++)
        LEHR_CHECK(isfinite(values[i]), LEHR_ERR_DATA,
                   "%s: point %lld, number %lld is %g, expected a finite number", what,
                   (long long)(i / width), (long long)(i % width), (double)values[i]);
    return LEHR_OK;
}

/* d->samples has its sizes; everything else is taken from the arrays. */
static lehr_status create_from_arrays(const lehr_data_spec *spec, const float *inputs,
                                      const float *targets, int64_t points, lehr_dataset *d)
{
    lehr_samples *s = &d->samples;
    LEHR_TRY(lehr_samples_reserve(s, points));
    s->points = points;
    memcpy(s->input, inputs, (size_t)points * (size_t)s->inputs * sizeof(float));
    memcpy(s->target, targets, (size_t)points * (size_t)s->targets * sizeof(float));
    LEHR_TRY(check_finite("inputs", s->input, points, s->inputs));
    LEHR_TRY(check_finite("targets", s->target, points, s->targets));
    LEHR_TRY(lehr_samples_number_columns(s));
    if (spec->task == LEHR_TASK_CLASSIFICATION)
        LEHR_TRY(name_classes(s));
    return finish(d, spec, points);
}

static lehr_status check_arrays(const lehr_data_spec *spec, int64_t points, int32_t input_count,
                                int32_t target_count)
{
    LEHR_TRY(check_spec(spec));
    LEHR_CHECK(points >= 1 && points <= INT32_MAX, LEHR_ERR_ARG, "%lld points, expected 1 to %d",
               (long long)points, INT32_MAX);
    LEHR_CHECK(input_count >= 1 && input_count <= LEHR_INPUTS_MAX, LEHR_ERR_ARG,
               "%d inputs, expected 1 to %d", input_count, LEHR_INPUTS_MAX);
    LEHR_CHECK(target_count >= 1 && target_count <= LEHR_INPUTS_MAX, LEHR_ERR_ARG,
               "%d targets, expected 1 to %d", target_count, LEHR_INPUTS_MAX);
    LEHR_CHECK(spec->task == LEHR_TASK_REGRESSION || target_count == 1, LEHR_ERR_ARG,
               "%d targets per point, expected 1 class number", target_count);
    return LEHR_OK;
}

/* Two arrays with their three sizes, a spec and a place to go. */
/* NOLINTNEXTLINE(readability-function-size) */
lehr_status lehr_dataset_from_arrays(const lehr_data_spec *spec, const float *inputs,
                                     const float *targets, int64_t points, int32_t input_count,
                                     int32_t target_count, lehr_dataset **out)
{
    LEHR_CHECK(spec != NULL && inputs != NULL && targets != NULL && out != NULL, LEHR_ERR_ARG,
               "a dataset needs a spec, inputs, targets and a place to go");
    LEHR_TRY(check_arrays(spec, points, input_count, target_count));
    lehr_dataset *d = NULL;
    LEHR_TRY(LEHR_NEW(d, 1, "a dataset"));
    d->samples.inputs = input_count;
    d->samples.targets = target_count;
    const lehr_status status = create_from_arrays(spec, inputs, targets, points, d);
    if (status != LEHR_OK)
        lehr_dataset_destroy(&d);
    else
        *out = d;
    return status;
}

/* ---- Looking at one -------------------------------------------------------------------------- */

lehr_dataset_info lehr_dataset_describe(const lehr_dataset *d)
{
    const lehr_samples *s = &d->samples;
    lehr_dataset_info info = {
        .inputs = s->inputs,
        .columns = d->columns,
        .targets = s->targets,
        .classes = s->classes.count,
        .task = d->task,
        .hash = d->hash,
        .input_names = d->names,
        .class_names = s->classes.count > 0 ? d->names + d->columns : NULL,
        .input_mean = d->mean,
        .input_scale = d->scale,
        .projection = d->projection,
        .target_mean = d->mean + d->columns,
        .target_scale = d->scale + d->columns,
    };
    memcpy(info.points, d->points, sizeof info.points);
    return info;
}

/* First point of a part; -1 when the part is empty. */
static int64_t first_point(const lehr_dataset *d, lehr_part part)
{
    if ((int)part < 0 || part >= LEHR_PART_COUNT || d->points[part] == 0)
        return -1;
    int64_t first = 0;
    for (int p = 0; p < (int)part; p++)
        first += d->points[p];
    return first;
}

const float *lehr_dataset_inputs(const lehr_dataset *dataset, lehr_part part)
{
    const int64_t first = first_point(dataset, part);
    return first < 0 ? NULL : dataset->samples.input + first * dataset->samples.inputs;
}

const float *lehr_dataset_targets(const lehr_dataset *dataset, lehr_part part)
{
    const int64_t first = first_point(dataset, part);
    return first < 0 ? NULL : dataset->samples.target + first * dataset->samples.targets;
}
