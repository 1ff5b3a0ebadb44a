/* store_find.c: where the files of a run stand, and what stands there already. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "base/text.h"
#include "study/config.h"
#include "study/config_schema.h"
#include "study/result.h"
#include "study/store.h"

/* A path without the slashes at its end. */
static lehr_status copy_plain(const char *path, char out[LEHR_PATH_MAX])
{
    LEHR_CHECK(lehr_text_copy(out, LEHR_PATH_MAX, path), LEHR_ERR_ARG,
               "path '%.60s...' is too long", path);
    for (size_t end = strlen(out); end > 1 && out[end - 1] == '/'; end--)
        out[end - 1] = '\0';
    return LEHR_OK;
}

lehr_status lehr_store_place(const lehr_config *config, const char *id, const char *chosen,
                             char path[LEHR_PATH_MAX])
{
    char parent[LEHR_PATH_MAX], last[LEHR_NAME_MAX];
    if (chosen[0] != '\0') {
        LEHR_TRY(lehr_path_split(chosen, parent,
                                 last)); /* "", "/" and names that are too long end here */
        return copy_plain(chosen, path);
    }
    LEHR_TRY(lehr_name_check(config->name));
    LEHR_TRY(lehr_path_join(config->output_dir, config->name, parent));
    return lehr_path_join(parent, id, path);
}

/* Is there anything of this name, be it a broken link? */
static lehr_status exists(const char *path, bool *out)
{
    struct stat about;
    *out = lstat(path, &about) == 0;
    LEHR_CHECK(*out || errno == ENOENT, LEHR_ERR_IO, "%s: %s", path, lehr_system_error(errno));
    return LEHR_OK;
}

lehr_status lehr_store_refuse(const char *path)
{
    bool there;
    LEHR_TRY(exists(path, &there));
    LEHR_CHECK(!there, LEHR_ERR_EXISTS, "%s exists; nothing that exists is overwritten", path);
    return LEHR_OK;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* The first key that the config of the directory has otherwise, for the message; both have ids that differ. */
static void name_difference(const char *path, const lehr_config *config, char *out, size_t capacity)
{
    char file[LEHR_PATH_MAX];
    lehr_config there;
    lehr_text words = {0};
    if (lehr_path_join(path, "config.yaml", file) == LEHR_OK &&
        lehr_config_load(file, NULL, 0, &there) == LEHR_OK)
        lehr_config_difference(&there, config, &words);
    snprintf(out, capacity, "%s",
             words.length > 0 ? words.data : "the content of its data or of its first weights");
    lehr_text_free(&words);
}

static lehr_status check_id(const char *path, const json_t *status, const lehr_config *config,
                            const char *id)
{
    const char *found = text_of(status, "id");
    char difference[2 * LEHR_CONFIG_PATH_MAX];
    if (strcmp(found, id) == 0)
        return LEHR_OK;
    name_difference(path, config, difference, sizeof difference);
    return lehr_fail(LEHR_ERR_EXISTS,
                     "%s holds run '%.20s' of another config or other data; this run is %s: %s",
                     path, found, id, difference);
}

lehr_status lehr_store_find(const char *path, const lehr_config *config, const char *id,
                            lehr_found *found, json_t **result)
{
    bool there;
    *result = NULL;
    *found = LEHR_FOUND_NOTHING;
    LEHR_TRY(exists(path, &there));
    if (!there)
        return LEHR_OK;
    json_t *status = NULL;
    LEHR_CHECK(lehr_result_read(path, "status.json", &status) == LEHR_OK, LEHR_ERR_EXISTS,
               "%s exists and is not the directory of a run; choose another with -o", path);
    const lehr_status same = check_id(path, status, config, id);
    const bool done = strcmp(text_of(status, "state"), "done") == 0;
    json_decref(status);
    LEHR_TRY(same);
    *found = done ? LEHR_FOUND_RESULT : LEHR_FOUND_UNFINISHED;
    return done ? lehr_result_read(path, "result.json", result) : LEHR_OK;
}

lehr_status lehr_store_look_back(const char *path, lehr_past *out)
{
    json_t *status = NULL;
    LEHR_TRY(lehr_result_read(path, "status.json", &status));
    const char *started = text_of(status, "started");
    if (started[0] != '\0')
        lehr_text_copy(out->started, sizeof out->started, started);
    out->scan = json_integer_value(json_object_get(status, "scan"));
    const json_t *extended = json_object_get(status, "extended");
    out->held = json_integer_value(json_object_get(extended, "from"));
    out->extra = json_integer_value(json_object_get(extended, "scans"));
    json_decref(status);
    return LEHR_OK;
}
