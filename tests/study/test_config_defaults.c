/* configs/defaults.yaml is the manual: it must say what the code does, for every key. */
#include "study/config_world.h"

static char *read_manual(void)
{
    glob_t found = find_configs("defaults.yaml");
    FILE *file = fopen(found.gl_pathv[0], "rb");
    cr_assert_not_null(file);
    char *text = calloc(1, 1 << 20);
    cr_assert(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    globfree(&found);
    return text;
}

/* The defaults, and the one thing that has none. */
static lehr_config manual_config(void)
{
    lehr_config config = lehr_config_default();
    lehr_text_copy(config.data.source, sizeof config.data.source, "data/iris.csv");
    return config;
}

Test(config_defaults, the_manual_is_the_code_word_for_word)
{
    const lehr_config config = manual_config();
    lehr_text expected = {0};
    cr_assert_eq(lehr_config_manual(&config, &expected), LEHR_OK, "%s", lehr_error());
    char *text = read_manual();
    size_t same = 0;
    while (text[same] != '\0' && text[same] == expected.data[same])
        same++;
    cr_expect_str_eq(text, expected.data,
                     "they part at byte %zu: the file has\n%.200s\nthe code has\n%.200s", same,
                     text + same, expected.data + same);
    free(text);
    lehr_text_free(&expected);
}

Test(config_defaults, the_manual_loads_to_the_defaults)
{
    char *text = read_manual();
    const lehr_config loaded = parse_good(text, NULL), expected = manual_config();
    assert_same_config(&loaded, &expected);
    free(text);
}

/* Does the manual hold this key: its value and, above it, its comment? */
static void expect_key(const char *text, const lehr_config_key *key)
{
    const char *dot = strrchr(key->name, '.'), *word = dot != NULL ? dot + 1 : key->name;
    char comment[256], line[64];
    snprintf(comment, sizeof comment, "# %s\n", key->meaning);
    snprintf(line, sizeof line, " %s: ", word);
    const char *found = strstr(text, comment);
    cr_expect(found != NULL, "%s has no comment", key->name);
    if (found == NULL)
        return;
    const char *second = strchr(found, '\n') + 1, *third = strchr(second, '\n') + 1;
    const char *end = strchr(third, '\n');
    char lines[2][512];
    snprintf(lines[0], sizeof lines[0], "%.*s", (int)(third - second), second);
    snprintf(lines[1], sizeof lines[1], " %.*s", (int)(end - third), third);
    cr_expect(strstr(lines[1], line) != NULL, "%s is not under its comment but %s", key->name,
              lines[1]);
    cr_expect(strstr(lines[0], "; unit: ") != NULL && strstr(lines[0], "; identity: ") != NULL,
              "%s", lines[0]);
    const bool path = key->value == LEHR_VALUE_PATH,
               identity = (key->flags & LEHR_KEY_IDENTITY) != 0;
    const char *word_of_identity = path       ? "identity: by the file's content\n"
                                   : identity ? "identity: yes\n"
                                              : "identity: no\n";
    cr_expect(strstr(lines[0], word_of_identity) != NULL, "%s: %s", key->name, lines[0]);
}

Test(config_defaults, the_manual_holds_every_key_of_the_table)
{
    char *text = read_manual();
    for (int32_t i = 0; i < lehr_config_key_count; i++)
        expect_key(text, &lehr_config_keys[i]);
    free(text);
}

/* A field of lehr_config that no key reaches would never be read, written or part of an id. What no
 * key reaches is padding before fields of 4 and 8 bytes: a new field without a key changes the sum.
 */
Test(config_defaults, every_field_has_a_key)
{
    static unsigned char reached[sizeof(lehr_config_draft)];
    static lehr_config_draft draft;
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const lehr_config_key *key = &lehr_config_keys[i];
        for (int32_t m = 0; m < (lehr_config_is_move(key) ? LEHR_MOVES_MAX : 1); m++) {
            const size_t offset = (size_t)((char *)lehr_config_field(key, m, &draft) -
                                           (char *)&draft);
            cr_assert_leq(offset + value_size(key), sizeof draft);
            cr_assert_null(memchr(reached + offset, 1, value_size(key)), "%s lies on another key",
                           key->name);
            memset(reached + offset, 1, value_size(key));
        }
        if (key->count > 0)
            memset(reached + key->count, 1, sizeof(int32_t));
    }
    memset(reached + offsetof(lehr_config, run.move_count), 1, sizeof(int32_t));
    memset(reached + offsetof(lehr_config, run.cache_dir), 1,
           LEHR_PATH_MAX); /* the program's to say, as are the next two */
    memset(reached + offsetof(lehr_config, run.held), 1, sizeof(int64_t));
    memset(reached + offsetof(lehr_config, run.extra), 1, sizeof(int64_t));
    int padding = 0;
    for (size_t b = 0; b < sizeof(lehr_config); b++)
        padding += !reached[b];
    cr_expect_eq(padding, 75, "%d bytes have no key: does a new field need one?", padding);
}

Test(config_defaults, every_key_is_found_by_its_name)
{
    for (int32_t i = 0; i < lehr_config_key_count; i++) {
        const lehr_config_key *key = &lehr_config_keys[i];
        int32_t move = -1;
        char name[LEHR_CONFIG_PATH_MAX], nearest[LEHR_CONFIG_PATH_MAX];
        lehr_config_name(key, 1, name);
        cr_expect_eq(lehr_config_find(name, &move), key, "%s", name);
        cr_expect_eq(move, lehr_config_is_move(key), "%s", name);
        lehr_config_nearest(name, nearest);
        cr_expect_str_eq(nearest, name, "a key is the nearest to itself");
        cr_expect(strlen(key->meaning) <= 96 && key->meaning[0] != '\0', "%s", name);
    }
}
