/* options.c: -x, -xVALUE, -x VALUE, --name, --name=VALUE, --name VALUE, and "--" before plain
 * words. */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "cli/console.h"

typedef struct option_kind {
    char letter; /* 0: none */
    const char *name, *value, *help;
} option_kind;

static const option_kind kinds[LEHR_OPTION_COUNT] = {
#define X(s, l, n, v, h) {l, n, v, h},
    LEHR_OPTIONS(X)
#undef X
};

static const uint32_t always = LEHR_BIT(HELP) | LEHR_BIT(VERSION);

/* The words, and how far they are read. */
typedef struct word_reader {
    int count, next;
    char *const *word;
    const char **argument; /* what is not an option, for the result */
    uint32_t allowed;
    bool plain; /* "--" was seen */
} word_reader;

static bool is_allowed(const word_reader *r, int option)
{
    return ((r->allowed | always) >> option & 1) != 0;
}

/* Known to be looked for where it is not: a sweep's keys are in its file, a directory's in its config. */
static lehr_status fail_set(const char *shown)
{
    return lehr_fail(LEHR_ERR_ARG,
                     "option '%s' is for commands that take the config of one run; a key for all "
                     "trials of a sweep stands in its base, or as an axis of one value",
                     shown);
}

static lehr_status fail_unknown(const word_reader *r, const char *name)
{
    int nearest = -1, best = 4; /* farther than 3 letters is no help */
    for (int i = 0; i < LEHR_OPTION_COUNT; i++) {
        if (!is_allowed(r, i))
            continue;
        const int distance = lehr_text_distance(name, kinds[i].name);
        if (distance < best) {
            best = distance;
            nearest = i;
        }
    }
    if (nearest < 0)
        return lehr_fail(LEHR_ERR_ARG, "unknown option '--%s'", name);
    return lehr_fail(LEHR_ERR_ARG, "unknown option '--%s', did you mean '--%s'?", name,
                     kinds[nearest].name);
}

/* Keep an option and its value. */
static void keep(lehr_options *out, int option, const char *value)
{
    out->given[option] = true;
    out->value[option] = value;
    if (option == LEHR_OPTION_SET)
        out->set[out->set_count++] = value;
}

/* The value that follows as a word of its own. */
static lehr_status take_word(word_reader *r, const char *shown, int option, lehr_options *out)
{
    LEHR_CHECK(r->next < r->count, LEHR_ERR_ARG, "option '%s' needs a value: %s", shown,
               kinds[option].value);
    keep(out, option, r->word[r->next++]);
    return LEHR_OK;
}

static lehr_status take_long(word_reader *r, const char *word, lehr_options *out)
{
    char name[32];
    const char *equals = strchr(word, '=');
    const size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
             word);

    for (int i = 0; i < LEHR_OPTION_COUNT; i++) {
        if (!is_allowed(r, i) || strlen(kinds[i].name) != length ||
            strcmp(kinds[i].name, name) != 0)
            continue;
        LEHR_CHECK(equals == NULL || kinds[i].value != NULL, LEHR_ERR_ARG,
                   "option '--%s' takes no value", name);
        if (equals == NULL && kinds[i].value != NULL)
            return take_word(r, word - 2, i, out);
        keep(out, i, equals != NULL ? equals + 1 : NULL);
        return LEHR_OK;
    }
    return strcmp(name, kinds[LEHR_OPTION_SET].name) == 0 ? fail_set("--set")
                                                          : fail_unknown(r, name);
}

static int find_letter(const word_reader *r, char letter)
{
    for (int i = 0; i < LEHR_OPTION_COUNT; i++)
        if (is_allowed(r, i) && kinds[i].letter == letter)
            return i;
    return -1;
}

/* "q", "qh", "oDIR". */
static lehr_status take_letters(word_reader *r, const char *letters, lehr_options *out)
{
    for (const char *c = letters; *c != '\0'; c++) {
        const int option = find_letter(r, *c);
        if (option < 0 && *c == kinds[LEHR_OPTION_SET].letter)
            return fail_set("-s");
        LEHR_CHECK(option >= 0, LEHR_ERR_ARG, "unknown option '-%c'; try --help", *c);
        if (kinds[option].value == NULL) {
            keep(out, option, NULL);
            continue;
        }
        if (c[1] == '\0')
            return take_word(r, letters - 1, option, out);
        keep(out, option, c + 1);
        return LEHR_OK;
    }
    return LEHR_OK;
}

static lehr_status take(word_reader *r, lehr_options *out)
{
    const char *word = r->word[r->next++];
    if (r->plain || word[0] != '-' || word[1] == '\0') {
        r->argument[out->arguments++] = word;
        return LEHR_OK;
    }
    if (strcmp(word, "--") == 0) {
        r->plain = true;
        return LEHR_OK;
    }
    return word[1] == '-' ? take_long(r, word + 2, out) : take_letters(r, word + 1, out);
}

lehr_status lehr_options_parse(int count, char *const *words, uint32_t allowed, lehr_options *out)
{
    *out = (lehr_options){0};
    LEHR_TRY(LEHR_NEW(out->set, (size_t)count + 1, "the command line"));
    word_reader reader = {.count = count, .word = words, .allowed = allowed};
    LEHR_TRY(LEHR_NEW(reader.argument, (size_t)count + 1, "the command line"));
    out->argument = reader.argument;
    while (reader.next < reader.count)
        LEHR_TRY(take(&reader, out));
    return LEHR_OK;
}

void lehr_options_free(lehr_options *options)
{
    LEHR_FREE(options->set);
    LEHR_FREE(options->argument);
}

const char *lehr_option_value(const lehr_options *options, lehr_option option,
                              const char *otherwise)
{
    return options->given[option] ? options->value[option] : otherwise;
}

lehr_status lehr_options_help(uint32_t allowed)
{
    lehr_text text = {0};
    for (int i = 0; i < LEHR_OPTION_COUNT; i++) {
        if (((allowed | always) >> i & 1) == 0)
            continue;
        char name[64];
        snprintf(name, sizeof name, "%c%c%s--%s%s%s", kinds[i].letter ? '-' : ' ',
                 kinds[i].letter ? kinds[i].letter : ' ', kinds[i].letter ? ", " : "  ",
                 kinds[i].name, kinds[i].value ? " " : "", kinds[i].value ? kinds[i].value : "");
        lehr_text_add(&text, "  %-26s  %s\n", name, kinds[i].help);
    }
    return lehr_console_text(&text);
}
