/* file_kind.c: by the words at the root of the YAML. */
#define _POSIX_C_SOURCE 200809L

#include "cli/file_kind.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/config.h"
#include "study/config_schema.h"
#include "study/config_yaml.h"

enum { SENTENCE_BYTES = 2048 };

/* `seed` stands in both. */
static bool is_of_a_run(const char *word)
{
    int32_t move = 0;
    return strcmp(word, "seed") != 0 &&
           (lehr_config_is_section(word) || lehr_config_find(word, &move) != NULL);
}

static lehr_file_kind kind_of(const lehr_yaml *tree)
{
    lehr_file_kind kind = LEHR_FILE_OTHER;
    if (tree->count == 0 || tree->node[0].kind != LEHR_YAML_MAP)
        return kind;
    for (int32_t n = tree->node[0].first; n >= 0; n = tree->node[tree->node[n].next].next) {
        const char *word = lehr_yaml_text(tree, n);
        if (strcmp(word, "base") == 0)
            return LEHR_FILE_SWEEP;
        kind = is_of_a_run(word) ? LEHR_FILE_RUN : kind;
    }
    return kind;
}

lehr_status lehr_file_kind_find(const char *path, lehr_file_kind *out)
{
    char *text = NULL;
    size_t length;
    lehr_yaml tree = {0};
    lehr_yaml_place where;
    const lehr_status status = lehr_config_text(path, &text, &length);
    *out = status == LEHR_OK && lehr_yaml_parse(text, length, &tree, &where) == LEHR_OK
               ? kind_of(&tree)
               : LEHR_FILE_OTHER;
    lehr_yaml_free(&tree);
    LEHR_FREE(text);
    return status;
}

/* A pipe gives its text once, and asking again can wait for ever. */
static bool reads_twice(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

lehr_status lehr_file_kind_blame(const char *path, lehr_file_kind wanted, lehr_status status)
{
    char sentence[SENTENCE_BYTES]; /* which a look at the file may overwrite */
    lehr_file_kind kind = LEHR_FILE_OTHER;
    if (status != LEHR_ERR_ARG || !reads_twice(path))
        return status;
    snprintf(sentence, sizeof sentence, "%s", lehr_error());
    (void)lehr_file_kind_find(path, &kind);
    if (kind == wanted || kind == LEHR_FILE_OTHER)
        return lehr_fail(status, "%s", sentence);
    if (kind == LEHR_FILE_SWEEP)
        return lehr_fail(status, "%s:1:1: this is a sweep, not the config of a run: lehr sweep %s",
                         path, path);
    return lehr_fail(status, "%s:1:1: this is the config of a run, not a sweep: lehr run %s", path,
                     path);
}
