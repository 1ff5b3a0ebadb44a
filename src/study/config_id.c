/* config_id.c: which run is this? A hash of what decides its result.
 *
 * The canonical JSON is one flat object of dotted keys in byte order, without blanks: every
 * identity key that differs from its default, and data.hash. Adding a key to lehr later therefore
 * changes no id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/file.h"
#include "study/config.h"
#include "study/config_schema.h"

enum { ENTRIES_MAX = LEHR_CONFIG_KEYS_MAX + LEHR_MOVES_MAX * 8 };

/* "key":value of the canonical JSON. */
typedef struct entry {
    char name[LEHR_CONFIG_PATH_MAX];
    size_t start, length; /* of the value, in `values` */
} entry;

typedef struct canon {
    entry *entry; /* [ENTRIES_MAX] */
    int32_t count;
    lehr_text values;
} canon;

static void add_entry(canon *c, const char *name, size_t start)
{
    entry *e = &c->entry[c->count++];
    lehr_text_copy(e->name, sizeof e->name, name);
    e->start = start;
    e->length = c->values.length - start;
}

static lehr_status hash_file(const char *path, uint64_t *hash)
{
    lehr_file file = {0};
    LEHR_TRY(lehr_file_read(path, &file));
    *hash = lehr_hash(LEHR_HASH_START, file.data, file.size);
    lehr_file_free(&file);
    return LEHR_OK;
}

/* A path counts by the content of its file. The data's are in data.hash already. */
static lehr_status add_file(canon *c, const lehr_config_key *key, const lehr_config_draft *draft)
{
    const char *path = lehr_config_field(key, 0, draft);
    if (path[0] == '\0')
        return LEHR_OK;
    uint64_t hash = 0;
    LEHR_TRY(hash_file(path, &hash));
    const size_t start = c->values.length;
    lehr_text_add(&c->values, "\"%016llx\"", (unsigned long long)hash);
    add_entry(c, key->name, start);
    return LEHR_OK;
}

/* Keep the value of a key unless it is the default; kinds of moves are kept anyhow, they count the
 * moves. */
static lehr_status add_key(canon *c, const lehr_config_key *key, int32_t move,
                           const lehr_config_draft *draft, const lehr_config_draft *base)
{
    const size_t start = c->values.length;
    LEHR_TRY(lehr_config_value_print(key, move, draft, LEHR_STYLE_JSON, &c->values));
    const size_t middle = c->values.length;
    LEHR_TRY(lehr_config_value_print(key, 0, base, LEHR_STYLE_JSON, &c->values));
    if (c->values.failed)
        return LEHR_ERR_MEMORY;
    const size_t length = middle - start;
    const bool same = c->values.length - middle == length &&
                      memcmp(c->values.data + start, c->values.data + middle, length) == 0;
    c->values.length = middle;
    if (same &&
        !(lehr_config_is_move(key) && key->value == LEHR_VALUE_KIND && key->list == LEHR_LIST_MOVE))
        return LEHR_OK;
    char name[LEHR_CONFIG_PATH_MAX];
    lehr_config_name(key, move, name);
    add_entry(c, name, start);
    return LEHR_OK;
}

static bool same_moves(const lehr_run_spec *a, const lehr_run_spec *b)
{
    if (a->move_count != b->move_count)
        return false;
    for (int32_t i = 0; i < a->move_count; i++) {
        const lehr_move_spec *x = &a->moves[i], *y = &b->moves[i];
        if (x->kind != y->kind || x->scope != y->scope || x->k != y->k || x->nu != y->nu ||
            x->scale != y->scale || x->scale_to != y->scale_to || x->target != y->target ||
            x->weight != y->weight)
            return false;
    }
    return true;
}

static lehr_status add_keys(canon *c, const lehr_config_draft *draft, const lehr_config_draft *base)
{
    const bool moved = !same_moves(&draft->config.run, &base->config.run);
    lehr_config_draft blank =
        *base; /* moves are compared with a blank one, not with the default moves */
    blank.config.run.moves[0] = lehr_config_move_blank();
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const lehr_config_key *key = &lehr_config_keys[i];
        const bool move = lehr_config_is_move(key);
        const int32_t times = !move ? 1 : moved ? draft->config.run.move_count : 0;
        if ((key->flags & LEHR_KEY_IDENTITY) == 0)
            continue;
        if (key->value == LEHR_VALUE_PATH)
            LEHR_TRY(add_file(c, key, draft));
        for (int32_t m = 0; key->value != LEHR_VALUE_PATH && m < times; m++)
            LEHR_TRY(add_key(c, key, m, draft, &blank));
    }
    return LEHR_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->name, ((const entry *)b)->name);
}

static uint64_t hash_canon(canon *c)
{
    qsort(c->entry, (size_t)c->count, sizeof *c->entry, by_name);
    uint64_t hash = LEHR_HASH_START;
    for (int32_t i = 0; i < c->count; i++) {
        const entry *e = &c->entry[i];
        hash = lehr_hash(hash, i == 0 ? "{\"" : ",\"", 2);
        hash = lehr_hash(hash, e->name, strlen(e->name));
        hash = lehr_hash(hash, "\":", 2);
        hash = lehr_hash(hash, c->values.data + e->start, e->length);
    }
    return lehr_hash(hash, "}", 1);
}

static lehr_status fill_id(canon *c, const lehr_config *config, uint64_t data_hash, char id[13])
{
    const int32_t moves = config->run.move_count;
    LEHR_CHECK(moves >= 1 && moves <= LEHR_MOVES_MAX, LEHR_ERR_ARG,
               "a config has 1 to %d moves, not %d", LEHR_MOVES_MAX, moves);
    const lehr_config defaults = lehr_config_default();
    const lehr_config_draft draft = lehr_config_draft_of(config),
                            base = lehr_config_draft_of(&defaults);
    lehr_text_add(&c->values, "\"%016llx\"", (unsigned long long)data_hash);
    add_entry(c, "data.hash", 0);
    LEHR_TRY(add_keys(c, &draft, &base));
    if (c->values.failed)
        return LEHR_ERR_MEMORY;
    const uint64_t hash = hash_canon(c);
    /* 64 bits folded to 48, as the authors of FNV advise for sizes that are no power of two */
    snprintf(id, 13, "%012llx",
             (unsigned long long)((hash >> 48 ^ hash) & UINT64_C(0xffffffffffff)));
    return LEHR_OK;
}

lehr_status lehr_config_id(const lehr_config *config, uint64_t data_hash, char id[13])
{
    canon c = {0};
    LEHR_TRY(LEHR_NEW(c.entry, ENTRIES_MAX, "the id of a run"));
    const lehr_status status = fill_id(&c, config, data_hash, id);
    LEHR_FREE(c.entry);
    lehr_text_free(&c.values);
    return status;
}

/* ---- What differs? --------------------------------------------------------------------------- */

/* Does the value of a key differ? Then it is said. */
static bool say_difference(const lehr_config_key *key, int32_t move, const lehr_config_draft *there,
                           const lehr_config_draft *here, lehr_text *text)
{
    lehr_text a = {0}, b = {0};
    char name[LEHR_CONFIG_PATH_MAX];
    const bool differ = lehr_config_value_print(key, move, there, LEHR_STYLE_JSON, &a) == LEHR_OK &&
                        lehr_config_value_print(key, move, here, LEHR_STYLE_JSON, &b) == LEHR_OK &&
                        !a.failed && !b.failed && strcmp(a.data, b.data) != 0;
    lehr_config_name(key, move, name);
    if (differ)
        lehr_text_add(text, "%s is %s there and %s here", name, a.data, b.data);
    lehr_text_free(&a);
    lehr_text_free(&b);
    return differ;
}

void lehr_config_difference(const lehr_config *there, const lehr_config *here, lehr_text *text)
{
    const lehr_config_draft a = lehr_config_draft_of(there), b = lehr_config_draft_of(here);
    const int32_t moves = there->run.move_count;
    if (moves != here->run.move_count) {
        lehr_text_add(text, "there are %d moves there and %d here", moves, here->run.move_count);
        return;
    }
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const lehr_config_key *key = &lehr_config_keys[i];
        if ((key->flags & LEHR_KEY_IDENTITY) == 0 || key->value == LEHR_VALUE_PATH)
            continue;
        for (int32_t m = 0; m < (lehr_config_is_move(key) ? moves : 1); m++)
            if (say_difference(key, m, &a, &b, text))
                return;
    }
}
