/* choose.c: what a pack runs on: its backend, and the devices of each rank. Ranks are on one backend, all of them. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "run/device.h"
#include "run/run.h"

/* Can it, and is there memory for it? */
static lehr_status try_backend(const lehr_pack *pack, const lehr_table *table)
{
    lehr_memory_plan plan;
    LEHR_TRY(pack->backend->supports(&pack->options, pack->problem, table));
    return pack->backend->plan(&pack->options, pack->problem, table, &plan);
}

static lehr_status take_cpu(lehr_pack *pack, const lehr_table *shape)
{
    pack->options.device_count = 0;
    pack->backend = &lehr_backend_cpu;
    return pack->backend->supports(&pack->options, pack->problem, shape);
}

/* By what this rank sees. */
static lehr_status choose(lehr_pack *pack, const lehr_table *shape)
{
    const char *name = pack->run[0].spec.backend;
    LEHR_TRY(lehr_device_choose(name, pack->comm, &pack->options, &pack->backend, pack->notice,
                                sizeof pack->notice));
    const bool can_change = name[0] == '\0' || strcmp(name, "auto") == 0;
    if (!can_change || pack->backend == &lehr_backend_cpu)
        return pack->backend->supports(&pack->options, pack->problem, shape);
    const lehr_status status = try_backend(pack, shape);
    if (status != LEHR_ERR_UNSUPPORTED && status != LEHR_ERR_DEVICE)
        return status;
    snprintf(pack->notice, sizeof pack->notice, "backend auto: cpu (%s)", lehr_error());
    return take_cpu(pack, shape);
}

/* ---- Notices ----------------------------------------------------------------------------------- */

static void append(char *text, size_t capacity, const char *before, const char *words)
{
    const size_t length = strlen(text);
    snprintf(text + length, capacity - length, "%s%s", before, words);
}

static void add_notice(lehr_pack *pack, const char *sentence)
{
    append(pack->notice, sizeof pack->notice, pack->notice[0] ? "; " : "", sentence);
}

/* What a user may not expect is said. */
static lehr_status add_notices(lehr_pack *pack, const lehr_table *shape)
{
    lehr_memory_plan plan = {0};
    char sentence[LEHR_NAME_MAX];
    if (pack->problem->args.target == LEHR_TARGET_NETWORK)
        LEHR_TRY(pack->backend->plan(&pack->options, pack->problem, shape, &plan));
    if (plan.wanted_bytes > 0) {
        snprintf(sentence, sizeof sentence,
                 "proposals are evaluated in full: kept activations would take %.1f GB",
                 (double)plan.wanted_bytes / 1e9);
        add_notice(pack, sentence);
    }
    if (lehr_batched(pack->run))
        add_notice(pack, "mini-batches: the run optimizes, it samples no distribution");
    return LEHR_OK;
}

/* ---- Ranks ------------------------------------------------------------------------------------- */

typedef struct gpu {
    int32_t number; /* in its process */
    uint8_t id[LEHR_DEVICE_ID_BYTES];
    char name[LEHR_NAME_MAX];
} gpu;

/* What a rank has chosen, as it tells all others. */
typedef struct choice {
    int32_t count; /* of GPUs; 0: it is on the CPU, whose name is there all the same */
    gpu gpu[LEHR_DEVICES_MAX];
    char notice[5 * LEHR_NAME_MAX];
} choice;

static void fill_choice(const lehr_pack *pack, choice *out)
{
    *out = (choice){.count = pack->options.device_count};
    for (int32_t i = 0; i == 0 || i < out->count; i++) {
        lehr_device_info device;
        gpu *one = &out->gpu[i];
        one->number = pack->options.device[i];
        pack->backend->describe(one->number, &device);
        memcpy(one->id, device.id, sizeof one->id);
        lehr_text_copy(one->name, sizeof one->name, device.name);
    }
    lehr_text_copy(out->notice, sizeof out->notice, pack->notice);
}

/* The first rank that has to do without a GPU; -1: none has. */
static int32_t first_on_cpu(const choice *all, int32_t ranks)
{
    for (int32_t rank = 0; rank < ranks; rank++)
        if (all[rank].count == 0)
            return rank;
    return -1;
}

/* All GPUs of all ranks, one behind the other; returns their number. */
static int32_t list_gpus(const choice *all, int32_t ranks, gpu *list)
{
    int32_t count = 0;
    for (int32_t rank = 0; rank < ranks; rank++)
        for (int32_t i = 0; i < all[rank].count; i++)
            list[count++] = all[rank].gpu[i];
    return count;
}

typedef enum trait { TRAIT_NUMBER, TRAIT_NAME, TRAIT_ID } trait;

static bool are_alike(const gpu *a, const gpu *b, trait which)
{
    switch (which) {
    case TRAIT_NUMBER: return a->number == b->number;
    case TRAIT_NAME: return strcmp(a->name, b->name) == 0;
    default: return memcmp(a->id, b->id, sizeof a->id) == 0;
    }
}

/* Is none before it like it? */
static bool is_new(const gpu *list, int32_t i, trait which)
{
    for (int32_t before = 0; before < i; before++)
        if (are_alike(&list[before], &list[i], which))
            return false;
    return true;
}

/* "cuda:0,1", the names of these, and how many they are whatever their numbers. */
static void note_gpus(lehr_pack *pack, const gpu *list, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", list[i].number);
        if (is_new(list, i, TRAIT_NUMBER))
            append(pack->where, sizeof pack->where, i == 0 ? "cuda:" : ",", number);
        if (is_new(list, i, TRAIT_NAME))
            append(pack->device, sizeof pack->device, i == 0 ? "" : ", ", list[i].name);
        pack->gpus += is_new(list, i, TRAIT_ID);
    }
    if (pack->gpus == count)
        return;
    char sentence[LEHR_NAME_MAX];
    snprintf(sentence, sizeof sentence, "%d ranks share %d GPU%s", pack->comm->ranks, pack->gpus,
             lehr_plural(pack->gpus));
    add_notice(pack, sentence);
}

static void note_cpu(lehr_pack *pack)
{
    lehr_device_info device;
    pack->backend->describe(0, &device);
    append(pack->where, sizeof pack->where, "", pack->backend->name);
    append(pack->device, sizeof pack->device, "", device.name);
}

/* All ranks have chosen: all[ranks], and room for list[]. Where one is on the CPU all are. */
static lehr_status agree(lehr_pack *pack, const lehr_table *shape, const choice *all, gpu *list)
{
    const int32_t ranks = pack->comm->ranks, on_cpu = first_on_cpu(all, ranks);
    if (on_cpu < 0) {
        note_gpus(pack, list, list_gpus(all, ranks, list));
        return LEHR_OK;
    }
    if (pack->backend != &lehr_backend_cpu)
        LEHR_TRY(take_cpu(pack, shape));
    if (on_cpu > 0) {
        snprintf(pack->notice, sizeof pack->notice, "rank %d: ", on_cpu);
        append(pack->notice, sizeof pack->notice, "", all[on_cpu].notice);
    }
    note_cpu(pack);
    return LEHR_OK;
}

/* What ranks tell each other while they agree. */
typedef struct council {
    choice mine, *all; /* [ranks] */
    int64_t *each;     /* [ranks] */
    gpu *list;         /* of all ranks */
} council;

static lehr_status talk(lehr_pack *pack, const lehr_table *shape, council *t)
{
    const size_t ranks = (size_t)pack->comm->ranks;
    LEHR_TRY(LEHR_NEW(t->all, ranks, "ranks"));
    LEHR_TRY(LEHR_NEW(t->each, ranks, "ranks"));
    LEHR_TRY(LEHR_NEW(t->list, ranks * LEHR_DEVICES_MAX, "ranks"));
    for (size_t rank = 0; rank < ranks; rank++)
        t->each[rank] = sizeof t->mine;
    fill_choice(pack, &t->mine);
    LEHR_TRY(pack->comm->gather(pack->comm, &t->mine, t->each, t->all));
    return agree(pack, shape, t->all, t->list);
}

lehr_status lehr_pack_choose(lehr_pack *pack, const lehr_table *shape)
{
    council t = {.all = NULL};
    LEHR_TRY(choose(pack, shape));
    const lehr_status status = talk(pack, shape, &t);
    LEHR_FREE(t.all);
    LEHR_FREE(t.each);
    LEHR_FREE(t.list);
    LEHR_TRY(status);
    return add_notices(pack, shape);
}
