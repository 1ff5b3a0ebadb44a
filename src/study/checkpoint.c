/* checkpoint.c: reading a checkpoint and giving its fields back. Writing is in checkpoint_write.c. */
#define _POSIX_C_SOURCE 200809L

#include "study/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/checkpoint_format.h"

struct lehr_checkpoint {
    char label[LEHR_PATH_MAX];
    char *owned; /* the bytes of a file that was loaded; else NULL */
    lehr_safetensors *file;
    lehr_checkpoint_head head;
};

const lehr_checkpoint_head *lehr_checkpoint_of(const lehr_checkpoint *checkpoint)
{
    return &checkpoint->head;
}

const char *lehr_checkpoint_label(const lehr_checkpoint *checkpoint)
{
    return checkpoint->label;
}

const lehr_tensor *lehr_checkpoint_find(const lehr_checkpoint *checkpoint, const char *prefix,
                                        const char *name)
{
    char whole[LEHR_NAME_MAX];
    const int length = snprintf(whole, sizeof whole, "%s%s", prefix, name);
    return (size_t)length < sizeof whole ? lehr_safetensors_find(checkpoint->file, whole) : NULL;
}

/* ---- Is it whole? ---------------------------------------------------------------------------- */

/* The last tensor against every byte before it. */
static lehr_status check_sum(const lehr_safetensors *file, const char *bytes)
{
    const int32_t count = lehr_safetensors_count(file);
    const lehr_tensor *last = count > 0 ? lehr_safetensors_at(file, count - 1) : NULL;
    LEHR_CHECK(last != NULL && strcmp(last->name, LEHR_CHECKPOINT_SUM) == 0 &&
                   last->dtype == LEHR_DTYPE_U64 && last->bytes == sizeof(uint64_t),
               LEHR_ERR_DATA, "its last tensor is not `%s`", LEHR_CHECKPOINT_SUM);
    uint64_t expected;
    memcpy(&expected, last->data, sizeof expected);
    const size_t before = (size_t)((const char *)last->data - bytes);
    LEHR_CHECK(lehr_hash(LEHR_HASH_START, bytes, before) == expected, LEHR_ERR_DATA,
               "the checksum of its %zu bytes is wrong: the file is damaged", before);
    return LEHR_OK;
}

static lehr_status check_tensor(const lehr_safetensors *file, const lehr_tensor *tensor)
{
    char key[LEHR_CHECKPOINT_KEY_BYTES], expected[LEHR_CHECKPOINT_HASH_BYTES];
    lehr_checkpoint_key(tensor->name, key);
    lehr_checkpoint_hash(tensor, expected);
    const char *found = lehr_safetensors_metadata(file, key);
    LEHR_CHECK(found != NULL && strcmp(found, expected) == 0, LEHR_ERR_DATA,
               "tensor '%s' has not the checksum that __metadata__ names", tensor->name);
    return LEHR_OK;
}

static lehr_status read_text(const lehr_safetensors *file, const char *key, char *out,
                             size_t capacity)
{
    const char *text = lehr_safetensors_metadata(file, key);
    LEHR_CHECK(text != NULL && lehr_text_copy(out, capacity, text), LEHR_ERR_DATA,
               "__metadata__ has no text '%s' of at most %zu bytes", key, capacity - 1);
    return LEHR_OK;
}

static lehr_status read_number(const lehr_safetensors *file, const char *key, int64_t *out)
{
    const char *text = lehr_safetensors_metadata(file, key);
    LEHR_CHECK(text != NULL && lehr_parse_int64(text, strlen(text), out) && *out >= 0,
               LEHR_ERR_DATA, "__metadata__ has no number '%s' of at least 0", key);
    return LEHR_OK;
}

static lehr_status read_head(const lehr_safetensors *file, lehr_checkpoint_head *head)
{
    const char *format = lehr_safetensors_metadata(file, "format");
    LEHR_CHECK(format != NULL && strcmp(format, LEHR_CHECKPOINT_FORMAT) == 0, LEHR_ERR_DATA,
               "its format is '%.40s', expected '%s'", format != NULL ? format : "",
               LEHR_CHECKPOINT_FORMAT);
#define X(field, capacity) LEHR_TRY(read_text(file, #field, head->field, capacity));
    LEHR_CHECKPOINT_TEXTS(X)
#undef X
#define X(field) LEHR_TRY(read_number(file, #field, &head->field));
    LEHR_CHECKPOINT_NUMBERS(X)
#undef X
    return LEHR_OK;
}

static lehr_status check(lehr_checkpoint *checkpoint, const char *bytes)
{
    const lehr_safetensors *file = checkpoint->file;
    LEHR_TRY(check_sum(file, bytes));
    LEHR_TRY(read_head(file, &checkpoint->head));
    for (int32_t i = 0; i + 1 < lehr_safetensors_count(file); i++)
        LEHR_TRY(check_tensor(file, lehr_safetensors_at(file, i)));
    return LEHR_OK;
}

void lehr_checkpoint_destroy(lehr_checkpoint **checkpoint)
{
    if (checkpoint == NULL || *checkpoint == NULL)
        return;
    lehr_safetensors_destroy(&(*checkpoint)->file);
    LEHR_FREE((*checkpoint)->owned);
    LEHR_FREE(*checkpoint);
}

lehr_status lehr_checkpoint_parse(const char *label, const void *bytes, size_t count,
                                  lehr_checkpoint **out)
{
    lehr_checkpoint *checkpoint = NULL;
    LEHR_TRY(LEHR_NEW(checkpoint, 1, "a checkpoint"));
    snprintf(checkpoint->label, sizeof checkpoint->label, "%s", label);
    lehr_status status = lehr_safetensors_parse_large(label, bytes, count, &checkpoint->file);
    if (status == LEHR_OK) {
        status = check(checkpoint, bytes);
        if (status != LEHR_OK)
            lehr_fail_prefix(status, "%s: ", label);
    }
    if (status != LEHR_OK) {
        lehr_checkpoint_destroy(&checkpoint);
        return status;
    }
    *out = checkpoint;
    return LEHR_OK;
}

/* ---- From a file ----------------------------------------------------------------------------- */

static bool read_all(int fd, char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t taken = read(fd, bytes, count);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0) {
            errno = taken == 0 ? EIO : errno;
            return false;
        }
        bytes += taken;
        count -= (size_t)taken;
    }
    return true;
}

/* The size is the file's own, so what it claims about itself never decides about memory. */
static lehr_status read_open(int fd, const char *label, char **bytes, size_t *count)
{
    struct stat about;
    LEHR_CHECK(fstat(fd, &about) == 0, LEHR_ERR_IO, "%s: cannot be read: %s", label,
               lehr_system_error(errno));
    LEHR_CHECK(S_ISREG(about.st_mode), LEHR_ERR_DATA, "%s: is not a file", label);
    *count = (size_t)about.st_size;
    LEHR_TRY(LEHR_NEW(*bytes, *count + 1, "a checkpoint"));
    if (read_all(fd, *bytes, *count))
        return LEHR_OK;
    const int error = errno;
    LEHR_FREE(*bytes);
    return lehr_fail(LEHR_ERR_IO, "%s: cannot be read: %s", label, lehr_system_error(error));
}

lehr_status lehr_checkpoint_load(const lehr_dir *dir, const char *name, lehr_checkpoint **out)
{
    char label[LEHR_PATH_MAX], *bytes = NULL;
    size_t count = 0;
    LEHR_TRY(lehr_path_join(dir->path, name, label));
    const int fd = openat(dir->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    LEHR_CHECK(fd >= 0, LEHR_ERR_IO, "%s: cannot be opened: %s", label, lehr_system_error(errno));
    lehr_status status = read_open(fd, label, &bytes, &count);
    close(fd);
    LEHR_TRY(status);
    status = lehr_checkpoint_parse(label, bytes, count, out);
    if (status == LEHR_OK)
        (*out)->owned = bytes;
    else
        LEHR_FREE(bytes);
    return status;
}

/* ---- Whose is it? ---------------------------------------------------------------------------- */

static lehr_status match_text(const lehr_checkpoint *c, const char *what, const char *found,
                              const char *expected)
{
    LEHR_CHECK(strcmp(found, expected) == 0, LEHR_ERR_EXISTS,
               "%s: is of another %s, '%s'; this run's is '%s'", c->label, what, found, expected);
    return LEHR_OK;
}

static lehr_status match_number(const lehr_checkpoint *c, const char *key, int64_t found,
                                int64_t expected)
{
    LEHR_CHECK(found == expected, LEHR_ERR_EXISTS,
               "%s: was made with %s=%lld, here it is %lld; a run keeps it to its end", c->label,
               key, (long long)found, (long long)expected);
    return LEHR_OK;
}

lehr_status lehr_checkpoint_match(const lehr_checkpoint *checkpoint,
                                  const lehr_checkpoint_head *expected)
{
    const lehr_checkpoint_head *found = &checkpoint->head;
    LEHR_TRY(match_text(checkpoint, "version of lehr", found->version, expected->version));
    LEHR_TRY(match_text(checkpoint, "data hash", found->data, expected->data));
    LEHR_TRY(match_text(checkpoint, "config", found->config, expected->config));
    LEHR_TRY(match_number(checkpoint, "output.observe", found->observe, expected->observe));
    return match_number(checkpoint, "output.trace.energy", found->trace, expected->trace);
}

/* ---- The fields ------------------------------------------------------------------------------ */

/* The tensor of a field, which must be of its type and shape. */
static lehr_status find_field(const lehr_checkpoint *c, const char *prefix, const lehr_field *field,
                              const lehr_tensor **out)
{
    lehr_tensor expected;
    LEHR_TRY(lehr_checkpoint_tensor(prefix, field, &expected));
    const lehr_tensor *found = lehr_safetensors_find(c->file, expected.name);
    LEHR_CHECK(found != NULL, LEHR_ERR_DATA, "%s: has no tensor '%s'", c->label, expected.name);
    LEHR_CHECK(
        found->dtype == expected.dtype && found->dims == expected.dims &&
            memcmp(found->shape, expected.shape, (size_t)found->dims * sizeof *found->shape) == 0,
        LEHR_ERR_DATA, "%s: tensor '%s' has another type or shape than this run's, %s [%lld,%lld]",
        c->label, expected.name, lehr_dtype_name(expected.dtype), (long long)field->rows,
        (long long)field->columns);
    *out = found;
    return LEHR_OK;
}

/* Of a run alone these are all tensors, the checksum, too. */
static lehr_status check_fields(const lehr_checkpoint *c, const lehr_checkpoint_part *part)
{
    const lehr_tensor *unused;
    const bool alone = part->prefix[0] == '\0';
    const bool traced = lehr_checkpoint_find(c, part->prefix, LEHR_CHECKPOINT_TRACE) != NULL;
    for (int32_t i = 0; i < part->count; i++)
        LEHR_TRY(find_field(c, part->prefix, &part->field[i], &unused));
    const int32_t found = lehr_safetensors_count_with(c->file, part->prefix),
                  expected = part->count + traced + alone;
    LEHR_CHECK(found == expected, LEHR_ERR_DATA,
               "%s: has %d tensors%s%s, expected %d: what the others mean is not known", c->label,
               found, alone ? "" : " of ", part->prefix, expected);
    return LEHR_OK;
}

lehr_status lehr_checkpoint_restore(const lehr_checkpoint *checkpoint,
                                    const lehr_checkpoint_part *part, int32_t parts)
{
    for (int32_t p = 0; p < parts; p++)
        LEHR_TRY(check_fields(checkpoint, &part[p]));
    for (int32_t p = 0; p < parts; p++)
        for (int32_t i = 0; i < part[p].count; i++) {
            const lehr_tensor *tensor = NULL;
            LEHR_TRY(find_field(checkpoint, part[p].prefix, &part[p].field[i], &tensor));
            memcpy(part[p].field[i].data, tensor->data, tensor->bytes);
        }
    return LEHR_OK;
}
