/* model/samples.c: growing tables of points and lists of names. */
#include "model/samples.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

/* ---- Names ----------------------------------------------------------------------------------- */

const char *lehr_names_at(const lehr_names *names, int32_t i)
{
    return names->text.data + names->start[i];
}

void lehr_names_free(lehr_names *names)
{
    lehr_text_free(&names->text);
    LEHR_FREE(names->start);
    LEHR_FREE(names->order);
    *names = (lehr_names){0};
}

static lehr_status reserve_names(lehr_names *names)
{
    if (names->count < names->capacity)
        return LEHR_OK;
    LEHR_CHECK(names->capacity <= INT32_MAX / 2, LEHR_ERR_DATA, "too many names");
    const int32_t capacity = names->capacity < 8 ? 8 : 2 * names->capacity;
    void *start = names->start;
    LEHR_TRY(lehr_memory_grow((size_t)capacity, sizeof *names->start, "names", &start));
    names->start = start;
    void *order = names->order;
    LEHR_TRY(lehr_memory_grow((size_t)capacity, sizeof *names->order, "names", &order));
    names->order = order;
    names->capacity = capacity;
    return LEHR_OK;
}

lehr_status lehr_names_add(lehr_names *names, const char *bytes, size_t length)
{
    LEHR_TRY(reserve_names(names));
    const size_t start = names->text.length;
    lehr_text_add_bytes(&names->text, bytes, length);
    lehr_text_add_bytes(&names->text, "", 1);
    if (names->text.failed)
        return LEHR_ERR_MEMORY;
    names->start[names->count] = start;
    names->order[names->count] = names->count;
    names->count++;
    return LEHR_OK;
}

/* strcmp of a name that has no end with one that has. */
static int compare(const char *bytes, size_t length, const char *name)
{
    const int order = strncmp(bytes, name, length);
    return order != 0 ? order : -(name[length] != '\0');
}

/* First place in names->order whose name is not less; *found: it is equal. */
static int32_t search(const lehr_names *names, const char *bytes, size_t length, bool *found)
{
    int32_t low = 0, high = names->count;
    *found = false;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        const int order = compare(bytes, length, lehr_names_at(names, names->order[middle]));
        if (order == 0)
            *found = true;
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int32_t lehr_names_find(const lehr_names *names, const char *bytes, size_t length)
{
    bool found = false;
    const int32_t place = search(names, bytes, length, &found);
    return found ? names->order[place] : -1;
}

lehr_status lehr_names_intern(lehr_names *names, const char *bytes, size_t length, int32_t *number)
{
    bool found = false;
    const int32_t place = search(names, bytes, length, &found);
    if (!found) {
        LEHR_TRY(lehr_names_add(names, bytes, length));
        const int32_t last = names->count - 1;
        memmove(names->order + place + 1, names->order + place,
                (size_t)(last - place) * sizeof *names->order);
        names->order[place] = last;
    }
    LEHR_ASSERT(names->order != NULL); /* something is there by now */
    *number = names->order[place];
    return LEHR_OK;
}

/* ---- Points ---------------------------------------------------------------------------------- */

void lehr_samples_free(lehr_samples *samples)
{
    LEHR_FREE(samples->input);
    LEHR_FREE(samples->target);
    lehr_names_free(&samples->columns);
    lehr_names_free(&samples->classes);
    *samples = (lehr_samples){0};
}

static lehr_status grow_floats(int64_t points, int32_t width, float **inout)
{
    size_t count = 0;
    LEHR_CHECK(lehr_size_mul((size_t)points, (size_t)width, &count), LEHR_ERR_MEMORY,
               "out of memory: %lld points of %d numbers", (long long)points, width);
    void *memory = *inout;
    LEHR_TRY(lehr_memory_grow(count, sizeof **inout, "data points", &memory));
    *inout = memory;
    return LEHR_OK;
}

lehr_status lehr_samples_reserve(lehr_samples *samples, int64_t points)
{
    if (points <= samples->capacity)
        return LEHR_OK;
    LEHR_CHECK(points <= INT32_MAX, LEHR_ERR_DATA, "%lld points are more than %d",
               (long long)points, INT32_MAX);
    LEHR_TRY(grow_floats(points, samples->inputs, &samples->input));
    LEHR_TRY(grow_floats(points, samples->targets, &samples->target));
    samples->capacity = points;
    return LEHR_OK;
}

lehr_status lehr_samples_grow(lehr_samples *samples)
{
    if (samples->points < samples->capacity)
        return LEHR_OK;
    return lehr_samples_reserve(samples, samples->points + samples->points / 2 + 16);
}

static void swap_floats(float *a, float *b, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const float other = a[i];
        a[i] = b[i];
        b[i] = other;
    }
}

void lehr_samples_swap(lehr_samples *samples, int64_t a, int64_t b)
{
    swap_floats(samples->input + a * samples->inputs, samples->input + b * samples->inputs,
                samples->inputs);
    swap_floats(samples->target + a * samples->targets, samples->target + b * samples->targets,
                samples->targets);
}

lehr_status lehr_samples_number_columns(lehr_samples *samples)
{
    for (int32_t i = 0; i < samples->inputs; i++) {
        lehr_text name = {0};
        lehr_text_add(&name, "%d", i);
        const lehr_status status = name.failed
                                       ? LEHR_ERR_MEMORY
                                       : lehr_names_add(&samples->columns, name.data, name.length);
        lehr_text_free(&name);
        LEHR_TRY(status);
    }
    return LEHR_OK;
}

/* ---- Classes --------------------------------------------------------------------------------- */

lehr_status lehr_samples_class(lehr_samples *samples, const char *bytes, size_t length,
                               int32_t *number)
{
    if (samples->closed) {
        *number = lehr_names_find(&samples->classes, bytes, length);
        return LEHR_OK;
    }
    LEHR_TRY(lehr_names_intern(&samples->classes, bytes, length, number));
    LEHR_CHECK(samples->classes.count <= LEHR_CLASSES_MAX, LEHR_ERR_DATA,
               "more than %d classes: is this a regression?", LEHR_CLASSES_MAX);
    return LEHR_OK;
}

/* A class on its way to its place: the number behind its name, and its place by bytes. */
typedef struct class_key {
    double number;
    int32_t by_bytes, old;
} class_key;

static int compare_keys(const void *a, const void *b)
{
    const class_key *x = a, *y = b;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return x->by_bytes < y->by_bytes ? -1 : x->by_bytes > y->by_bytes;
}

/* Without numbers all keys are 0 and the bytes decide. */
static void fill_keys(const lehr_names *classes, class_key *key)
{
    bool numbers = true;
    for (int32_t i = 0; i < classes->count; i++) {
        const char *name = lehr_names_at(classes, classes->order[i]);
        key[i] = (class_key){.by_bytes = i, .old = classes->order[i]};
        numbers = numbers && lehr_parse_double(name, strlen(name), &key[i].number);
    }
    for (int32_t i = 0; i < classes->count && !numbers; i++)
        key[i].number = 0;
}

/* Sorted names into `sorted`, and new numbers into place[old number]. */
static lehr_status sort_classes(const lehr_names *classes, class_key *key, int32_t *place,
                                lehr_names *sorted)
{
    fill_keys(classes, key);
    qsort(key, (size_t)classes->count, sizeof *key, compare_keys);
    for (int32_t i = 0; i < classes->count; i++) {
        const char *name = lehr_names_at(classes, key[i].old);
        LEHR_TRY(lehr_names_intern(sorted, name, strlen(name), &place[key[i].old]));
    }
    return LEHR_OK;
}

static lehr_status order_classes(lehr_samples *samples, class_key *key, int32_t *place)
{
    lehr_names sorted = {0};
    const lehr_status status = sort_classes(&samples->classes, key, place, &sorted);
    if (status != LEHR_OK) {
        lehr_names_free(&sorted);
        return status;
    }
    for (int64_t n = 0; n < samples->points; n++)
        samples->target[n] = (float)place[(int32_t)samples->target[n]];
    lehr_names_free(&samples->classes);
    samples->classes = sorted;
    samples->closed = true;
    return LEHR_OK;
}

lehr_status lehr_samples_close(lehr_samples *samples)
{
    class_key *key = NULL;
    int32_t *place = NULL;
    lehr_status status = LEHR_NEW(key, (size_t)samples->classes.count, "classes");
    if (status == LEHR_OK)
        status = LEHR_NEW(place, (size_t)samples->classes.count, "classes");
    if (status == LEHR_OK)
        status = order_classes(samples, key, place);
    LEHR_FREE(key);
    LEHR_FREE(place);
    return status;
}
