/* config_write.c: a config as YAML, plain or with the comments that make it the manual. */
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/config.h"
#include "study/config_schema.h"
#include "study/directory.h"

/* The two ways to write the same keys. */
typedef enum page_kind { PAGE_PLAIN, PAGE_MANUAL } page_kind;

typedef struct writer {
    const lehr_config_draft *draft;
    lehr_text *text;
    page_kind page;
    const char *previous; /* name of the key before, "" at first */
} writer;

enum { INDENT = 2 };

static void indent(const writer *w, int levels)
{
    lehr_text_add(w->text, "%*s", INDENT * levels, "");
}

/* Dots of a name: how deep its key stands. */
static int depth_of(const char *name)
{
    int dots = 0;
    for (const char *c = name; *c != '\0'; c++)
        dots += *c == '.';
    return dots;
}

/* The mappings that this key opens: those of its sections that the key before did not stand in. */
static void open_sections(const writer *w, const char *name)
{
    size_t start = 0;
    int level = 0;
    for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot + 1, '.'), level++) {
        const size_t end = (size_t)(dot - name) + 1;
        if (strncmp(name, w->previous, end) != 0) {
            if (level == 0 && w->page == PAGE_MANUAL)
                lehr_text_add(w->text, "\n");
            indent(w, level);
            lehr_text_add(w->text, "%.*s:\n", (int)(end - 1 - start), name + start);
        }
        start = end;
    }
}

static const char *identity_of(const lehr_config_key *key)
{
    if (key->value == LEHR_VALUE_PATH)
        return "by the file's content";
    return (key->flags & LEHR_KEY_IDENTITY) != 0 ? "yes" : "no";
}

static void comment(const writer *w, const lehr_config_key *key, int levels)
{
    if (w->page != PAGE_MANUAL)
        return;
    if (levels == 0)
        lehr_text_add(w->text, "\n");
    indent(w, levels);
    lehr_text_add(w->text, "# %s\n", key->meaning);
    indent(w, levels);
    lehr_text_add(w->text, "# ");
    lehr_config_describe(key, w->text);
    lehr_text_add(w->text, "; unit: %s; identity: %s\n", key->unit != NULL ? key->unit : "none",
                  identity_of(key));
}

/* "word: value", the word being the last part of the key's name. */
static lehr_status write_value(const writer *w, const lehr_config_key *key, int32_t move)
{
    const char *dot = strrchr(key->name, '.');
    lehr_text_add(w->text, "%s: ", dot != NULL ? dot + 1 : key->name);
    LEHR_TRY(lehr_config_value_print(key, move, w->draft, LEHR_STYLE_YAML, w->text));
    lehr_text_add(w->text, "\n");
    return LEHR_OK;
}

/* All keys of all moves, a list of mappings; `first` is the first of their keys. */
static lehr_status write_moves(const writer *w, const lehr_config_key *first)
{
    const lehr_config_key *const end = lehr_config_keys + lehr_config_key_count;
    lehr_text_add(w->text, w->page == PAGE_MANUAL ? "\nmoves:\n" : "moves:\n");
    for (int32_t i = 0; i < w->draft->config.run.move_count; i++) {
        for (const lehr_config_key *key = first; key < end && lehr_config_is_move(key); key++) {
            if (i == 0)
                comment(w, key, 2);
            lehr_text_add(w->text, "%s", key == first ? "  - " : "    ");
            LEHR_TRY(write_value(w, key, i));
        }
    }
    return LEHR_OK;
}

static lehr_status write_keys(writer *w)
{
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const lehr_config_key *key = &lehr_config_keys[i];
        const int levels = depth_of(key->name);
        if (!lehr_config_is_move(key)) {
            open_sections(w, key->name);
            comment(w, key, levels);
            indent(w, levels);
            LEHR_TRY(write_value(w, key, 0));
        } else if (strncmp(w->previous, "moves.", 6) != 0) {
            LEHR_TRY(write_moves(w, key));
        }
        w->previous = key->name;
    }
    return w->text->failed ? LEHR_ERR_MEMORY : LEHR_OK;
}

static lehr_status write_config(const lehr_config *config, page_kind page, lehr_text *text)
{
    const int32_t moves = config->run.move_count;
    LEHR_CHECK(moves >= 1 && moves <= LEHR_MOVES_MAX, LEHR_ERR_ARG,
               "a config has 1 to %d moves, not %d", LEHR_MOVES_MAX, moves);
    const lehr_config_draft draft = lehr_config_draft_of(config);
    writer w = {.draft = &draft, .text = text, .page = page, .previous = ""};
    return write_keys(&w);
}

lehr_status lehr_config_manual(const lehr_config *config, lehr_text *text)
{
    lehr_text_add(
        text,
        "# Every key of a config, with its default.\n"
        "#\n"
        "# Above each key: what it means; what it accepts, its unit, and whether it is part of a "
        "run's\n"
        "# identity: two runs that differ in such a key have different ids. A config holds the "
        "keys that\n"
        "# differ; only the data have no default (data.source here is an example).\n"
        "#\n"
        "# On the command line keys are dotted: -s temperatures.rungs=8 -s moves.0.scale=0.1\n"
        "# -s 'network.hidden=[8, 8]'. A path there is relative to the config's folder, as in the "
        "file.\n");
    return write_config(config, PAGE_MANUAL, text);
}

/* ---- Paths that load from anywhere ----------------------------------------------------------- */

static lehr_status make_absolute(const char *folder, char path[LEHR_PATH_MAX])
{
    char joined[LEHR_PATH_MAX];
    if (path[0] == '\0' || path[0] == '/')
        return LEHR_OK;
    LEHR_TRY(lehr_path_join(folder, path, joined));
    lehr_text_copy(path, LEHR_PATH_MAX, joined);
    return LEHR_OK;
}

static lehr_status make_paths_absolute(lehr_config *config)
{
    char folder[LEHR_PATH_MAX];
    LEHR_CHECK(getcwd(folder, sizeof folder) != NULL, LEHR_ERR_IO,
               "cannot tell the working directory");
    LEHR_TRY(make_absolute(folder, config->data.source));
    LEHR_TRY(make_absolute(folder, config->data.labels));
    LEHR_TRY(make_absolute(folder, config->data.test_source));
    LEHR_TRY(make_absolute(folder, config->data.test_labels));
    return make_absolute(folder, config->init_from);
}

lehr_status lehr_config_write(const lehr_config *config, char **text)
{
    lehr_config resolved = *config;
    LEHR_TRY(make_paths_absolute(&resolved));
    lehr_text out = {0};
    const lehr_status status = write_config(&resolved, PAGE_PLAIN, &out);
    if (status != LEHR_OK) {
        lehr_text_free(&out);
        return status;
    }
    *text = out.data; /* from realloc: the caller's free() takes it */
    return LEHR_OK;
}
