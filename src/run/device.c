/* device.c: the devices of every backend, and which of them a name like "cuda:0,2" stands for. */
#include "run/device.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"

enum { BACKENDS = 2 };
static const lehr_backend *const backends[BACKENDS] = {&lehr_backend_cpu, &lehr_backend_cuda};

/* ---- The list ---------------------------------------------------------------------------------- */

static void describe_absence(const lehr_backend *backend, const char *reason, lehr_device_info *out)
{
    *out = (lehr_device_info){0};
    lehr_text_copy(out->backend, sizeof out->backend, backend->name);
    lehr_text_copy(out->detail, sizeof out->detail, reason);
}

int32_t lehr_device_list(lehr_device_info *out, int32_t capacity)
{
    int32_t found = 0;
    for (int32_t b = 0; b < BACKENDS; b++) {
        const char *reason = "";
        const int32_t count = backends[b]->device_count(&reason);
        if (count == 0 && found++ < capacity)
            describe_absence(backends[b], reason, &out[found - 1]);
        for (int32_t i = 0; i < count; i++, found++)
            if (found < capacity)
                backends[b]->describe(i, &out[found]);
    }
    return found;
}

/* ---- Reading a name ---------------------------------------------------------------------------- */

typedef enum wish_kind { WISH_AUTO, WISH_CPU, WISH_CUDA, WISH_LIST, WISH_ALL, WISH_PART } wish_kind;

/* What a name asks for. */
typedef struct wish {
    wish_kind kind;
    char name[64];    /* whole, for sentences */
    const char *part; /* of a device's name */
    int32_t count, device[LEHR_DEVICES_MAX];
} wish;

static lehr_status add_device(wish *w, int64_t device)
{
    for (int32_t i = 0; i < w->count; i++)
        LEHR_CHECK(w->device[i] != device, LEHR_ERR_ARG, "backend %s names device %lld twice",
                   w->name, (long long)device);
    LEHR_CHECK(w->count < LEHR_DEVICES_MAX, LEHR_ERR_ARG, "backend %s names more than %d devices",
               w->name, LEHR_DEVICES_MAX);
    w->device[w->count++] = (int32_t)device;
    return LEHR_OK;
}

/* "0", "0,2": digits and commas, and every number is one. */
static lehr_status read_list(const char *text, wish *w)
{
    w->kind = WISH_LIST;
    for (const char *at = text;; at++) {
        const size_t length = strcspn(at, ",");
        int64_t device;
        LEHR_CHECK(lehr_parse_int64(at, length, &device) && device <= INT32_MAX, LEHR_ERR_ARG,
                   "backend must be cuda: and device numbers, such as cuda:0 or cuda:0,2, got '%s'",
                   w->name);
        LEHR_TRY(add_device(w, device));
        at += length;
        if (*at == '\0')
            return LEHR_OK;
    }
}

static lehr_status read_devices(const char *text, wish *w)
{
    if (strspn(text, "0123456789,") == strlen(text))
        return read_list(text, w);
    w->kind = strcmp(text, "all") == 0 ? WISH_ALL : WISH_PART;
    w->part = text;
    return LEHR_OK;
}

static lehr_status read_wish(const char *name, wish *w)
{
    *w = (wish){.kind = WISH_AUTO};
    lehr_text_show(w->name, sizeof w->name, name, strlen(name));
    if (name[0] == '\0' || strcmp(name, "auto") == 0)
        return LEHR_OK;
    if (strncmp(name, "cuda:", 5) == 0 && name[5] != '\0')
        return read_devices(name + 5, w);
    w->kind = strcmp(name, "cpu") == 0 ? WISH_CPU : WISH_CUDA;
    LEHR_CHECK(w->kind == WISH_CPU || strcmp(name, "cuda") == 0, LEHR_ERR_ARG,
               "backend must be auto, cpu, cuda, or cuda: and device numbers, 'all' or a part of a "
               "device's name, got '%s'",
               w->name);
    return LEHR_OK;
}

lehr_status lehr_device_check(const char *name)
{
    wish w;
    LEHR_CHECK(name[0] != '\0', LEHR_ERR_ARG, "backend must not be empty");
    return read_wish(name, &w);
}

/* ---- Finding the devices ----------------------------------------------------------------------- */

static bool is_usable(int32_t device)
{
    lehr_device_info info;
    lehr_backend_cuda.describe(device, &info);
    return info.usable;
}

static int32_t first_usable(int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (is_usable(i))
            return i;
    return 0;
}

static lehr_status find_all(int32_t count, wish *w)
{
    for (int32_t i = 0; i < count && w->count < LEHR_DEVICES_MAX; i++)
        if (is_usable(i))
            LEHR_TRY(add_device(w, i));
    return w->count > 0 ? LEHR_OK : add_device(w, 0);
}

/* Whatever the case of letters. */
static bool starts_with(const char *text, const char *part)
{
    while (*part != '\0' && tolower((unsigned char)*text) == tolower((unsigned char)*part))
        text++, part++;
    return *part == '\0';
}

static bool contains(const char *text, const char *part)
{
    while (*text != '\0' && !starts_with(text, part))
        text++;
    return *text != '\0';
}

static lehr_status find_part(int32_t count, wish *w)
{
    for (int32_t i = 0; i < count; i++) {
        lehr_device_info info;
        lehr_backend_cuda.describe(i, &info);
        if (!contains(info.name, w->part))
            continue;
        LEHR_CHECK(w->count == 0, LEHR_ERR_ARG,
                   "backend %s fits devices %d and %d; name one by its number, or take cuda:all",
                   w->name, w->device[0], i);
        LEHR_TRY(add_device(w, i));
    }
    LEHR_CHECK(w->count == 1, LEHR_ERR_DEVICE, "backend %s: none of %d CUDA devices is called that",
               w->name, count);
    return LEHR_OK;
}

static lehr_status check_devices(int32_t count, const wish *w)
{
    for (int32_t i = 0; i < w->count; i++) {
        LEHR_CHECK(w->device[i] < count, LEHR_ERR_DEVICE,
                   "backend %s: there is no device %d, only %d CUDA device%s, counted from 0",
                   w->name, w->device[i], count, lehr_plural(count));
        lehr_device_info info;
        lehr_backend_cuda.describe(w->device[i], &info);
        LEHR_CHECK(info.usable, LEHR_ERR_DEVICE, "backend %s: device %d, %s, cannot be used: %s",
                   w->name, w->device[i], info.name, info.detail);
    }
    return LEHR_OK;
}

static lehr_status find_devices(int32_t count, const lehr_comm *comm, wish *w)
{
    if (w->kind == WISH_ALL || (w->kind == WISH_CUDA && comm->node_ranks > 1))
        return find_all(count, w);
    if (w->kind == WISH_PART)
        return find_part(count, w);
    return w->kind == WISH_CUDA ? add_device(w, first_usable(count)) : LEHR_OK;
}

/* Where nothing says how many, a rank takes one; of a list its share, neighbors; of one that is too short, one that
 * others take as well. */
static void deal(const lehr_comm *comm, wish *w)
{
    const int32_t rank = comm->node_rank, ranks = comm->node_ranks, found = w->count;
    const bool one = w->kind == WISH_CUDA || found <= ranks;
    const int32_t first = one ? rank % found : rank * found / ranks;
    const int32_t end = one ? first + 1 : (rank + 1) * found / ranks;
    if (ranks == 1)
        return;
    for (int32_t i = first; i < end; i++)
        w->device[i - first] = w->device[i];
    w->count = end - first;
}

static lehr_status take_devices(wish *w, const lehr_comm *comm, lehr_backend_options *options)
{
    const char *reason = "";
    const int32_t count = lehr_backend_cuda.device_count(&reason);
    LEHR_CHECK(count > 0, LEHR_ERR_DEVICE, "backend %s: %s", w->name, reason);
    if (w->kind == WISH_CUDA && options->device_count > 0) {
        w->kind = WISH_LIST;
        w->count = options->device_count;
        memcpy(w->device, options->device, sizeof w->device);
    } else {
        LEHR_TRY(find_devices(count, comm, w));
    }
    LEHR_TRY(check_devices(count, w));
    deal(comm, w);
    options->device_count = w->count;
    memcpy(options->device, w->device, sizeof w->device);
    return LEHR_OK;
}

/* ---- Choosing ---------------------------------------------------------------------------------- */

/* Why `auto` finds no GPU; NULL: it finds one. */
static const char *reason_for_cpu(lehr_device_info *info)
{
    const char *reason = "no device";
    const int32_t count = lehr_backend_cuda.device_count(&reason);
    if (count == 0)
        return reason;
    lehr_backend_cuda.describe(first_usable(count), info);
    return info->usable ? NULL : info->detail;
}

static void use_cpu(lehr_backend_options *options, const lehr_backend **backend)
{
    options->device_count = 0;
    memset(options->device, 0, sizeof options->device);
    *backend = &lehr_backend_cpu;
}

lehr_status lehr_device_choose(const char *name, const lehr_comm *comm,
                               lehr_backend_options *options, const lehr_backend **backend,
                               char *why, size_t capacity)
{
    wish w;
    LEHR_TRY(read_wish(name, &w));
    why[0] = '\0';
    if (w.kind == WISH_AUTO) {
        lehr_device_info info;
        const char *reason = reason_for_cpu(&info);
        w.kind = reason ? WISH_CPU : WISH_CUDA;
        if (reason)
            snprintf(why, capacity, "backend auto: cpu (%s)", reason);
    }
    if (w.kind == WISH_CPU) {
        use_cpu(options, backend);
        return LEHR_OK;
    }
    LEHR_TRY(take_devices(&w, comm, options));
    *backend = &lehr_backend_cuda;
    return LEHR_OK;
}
