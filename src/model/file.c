/* model/file.c: read a file whole, and unpack gzip (RFC 1952) with zlib. */
#define _POSIX_C_SOURCE 200809L
#define ZLIB_CONST

#include "model/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"

void lehr_file_free(lehr_file *file)
{
    LEHR_FREE(file->data);
    file->size = 0;
}

/* ---- Plain ----------------------------------------------------------------------------------- */

static lehr_status fail_io(const char *path, int number)
{
    return lehr_fail(LEHR_ERR_IO, "%s: cannot be read: %s", path, lehr_system_error(number));
}

/* Fill file->data[file->size] from an open file. */
static lehr_status fill(int fd, const char *path, lehr_file *file)
{
    size_t done = 0;
    while (done < file->size) {
        const ssize_t got = read(fd, file->data + done, file->size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_io(path, errno);
        LEHR_CHECK(got > 0, LEHR_ERR_IO, "%s: became shorter while it was read", path);
        done += (size_t)got;
    }
    return LEHR_OK;
}

static lehr_status read_open(int fd, const char *path, lehr_file *out)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return fail_io(path, errno);
    LEHR_CHECK(S_ISREG(about.st_mode), LEHR_ERR_IO, "%s: is not a regular file", path);
    LEHR_CHECK((uint64_t)about.st_size <= LEHR_FILE_MAX, LEHR_ERR_DATA,
               "%s: has %lld bytes, at most 4 GiB can be read", path, (long long)about.st_size);
    lehr_file file = {.size = (size_t)about.st_size};
    LEHR_TRY(LEHR_NEW(file.data, file.size, "a data file"));
    const lehr_status status = fill(fd, path, &file);
    if (status != LEHR_OK)
        lehr_file_free(&file);
    else
        *out = file;
    return status;
}

/* O_NONBLOCK: a pipe without a writer must not hang the program; regular files do not care. */
static lehr_status read_plain(const char *path, lehr_file *out)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_io(path, errno);
    const lehr_status status = read_open(fd, path, out);
    close(fd);
    return status;
}

/* ---- gzip ------------------------------------------------------------------------------------ */

enum { GZIP_SMALLEST = 18, /* header and trailer */ WINDOW_BITS_GZIP = 15 + 16 };

static bool is_gzip(const unsigned char *byte, size_t size)
{
    return size >= 3 && byte[0] == 0x1f && byte[1] == 0x8b && byte[2] == 8;
}

static voidpf take(voidpf opaque, uInt items, uInt size)
{
    (void)opaque;
    void *memory = NULL;
    return lehr_memory_new(items, size, "gzip", &memory) == LEHR_OK ? memory : NULL;
}

static void give(voidpf opaque, voidpf memory)
{
    (void)opaque;
    lehr_memory_free(&memory);
}

/* The trailer tells the size modulo 2^32; deflate makes nothing more than 1032 times smaller, so
 * that a file that lies asks for no more memory than an honest one. */
static size_t guess_size(const unsigned char *packed, size_t size)
{
    if (size < GZIP_SMALLEST)
        return 1;
    const unsigned char *last = packed + size - 4;
    const uint64_t told = last[0] | (uint64_t)last[1] << 8 | (uint64_t)last[2] << 16 |
                          (uint64_t)last[3] << 24;
    const uint64_t most = 1032 * (uint64_t)size;
    const uint64_t guess = told < most ? told : most;
    return guess < LEHR_FILE_MAX ? (size_t)guess + 1 : (size_t)LEHR_FILE_MAX;
}

static uInt window(size_t left)
{
    return left < UINT_MAX ? (uInt)left : UINT_MAX;
}

/* Unpacking under way: what came out is out.data[out.size] of `capacity` bytes. */
typedef struct unpacking {
    const char *name;
    z_stream stream;
    const unsigned char *packed;
    size_t size;
    lehr_file out;
    size_t capacity;
} unpacking;

static lehr_status make_room(unpacking *u)
{
    if (u->out.size < u->capacity)
        return LEHR_OK;
    LEHR_CHECK(u->capacity < LEHR_FILE_MAX, LEHR_ERR_DATA, "%s: unpacks to more than 4 GiB",
               u->name);
    const size_t wanted = u->capacity + u->capacity / 2 + 4096;
    const size_t capacity = wanted < LEHR_FILE_MAX ? wanted : (size_t)LEHR_FILE_MAX;
    void *data = u->out.data;
    LEHR_TRY(lehr_memory_grow(capacity, 1, "an unpacked file", &data));
    u->out.data = data;
    u->capacity = capacity;
    return LEHR_OK;
}

/* One call of inflate; *end becomes true behind the last member. */
static lehr_status step(unpacking *u, bool *end)
{
    LEHR_TRY(make_room(u));
    const size_t at = (size_t)(u->stream.next_in - u->packed);
    u->stream.avail_in = window(u->size - at);
    u->stream.next_out = (Bytef *)u->out.data + u->out.size;
    u->stream.avail_out = window(u->capacity - u->out.size);
    const int result = inflate(&u->stream, Z_NO_FLUSH);
    u->out.size = (size_t)(u->stream.next_out - (Bytef *)u->out.data);
    const size_t used = (size_t)(u->stream.next_in - u->packed);
    LEHR_CHECK(result != Z_MEM_ERROR, LEHR_ERR_MEMORY, "out of memory: unpacking %s", u->name);
    LEHR_CHECK(result != Z_BUF_ERROR &&
                   (result != Z_OK || used < u->size || u->stream.avail_out == 0),
               LEHR_ERR_DATA, "%s: gzip data end early, at byte %zu", u->name, used);
    LEHR_CHECK(result == Z_OK || result == Z_STREAM_END, LEHR_ERR_DATA,
               "%s: bad gzip data at byte %zu: %s", u->name, used,
               u->stream.msg != NULL ? u->stream.msg : "not deflate");
    if (result == Z_OK)
        return LEHR_OK;
    *end = used == u->size;
    LEHR_CHECK(*end || is_gzip(u->packed + used, u->size - used), LEHR_ERR_DATA,
               "%s: byte %zu: something that is not gzip follows the gzip data", u->name, used);
    inflateReset(&u->stream);
    return LEHR_OK;
}

static lehr_status unpack(unpacking *u)
{
    LEHR_CHECK(inflateInit2(&u->stream, WINDOW_BITS_GZIP) == Z_OK, LEHR_ERR_MEMORY,
               "out of memory: unpacking %s", u->name);
    u->stream.next_in = u->packed;
    lehr_status status = LEHR_OK;
    for (bool end = false; status == LEHR_OK && !end;)
        status = step(u, &end);
    inflateEnd(&u->stream);
    return status;
}

static lehr_status unpack_gzip(const char *name, const unsigned char *packed, size_t size,
                               lehr_file *out)
{
    unpacking u = {.name = name, .packed = packed, .size = size};
    u.stream.zalloc = take;
    u.stream.zfree = give;
    u.capacity = guess_size(packed, size);
    LEHR_TRY(LEHR_NEW(u.out.data, u.capacity, "an unpacked file"));
    const lehr_status status = unpack(&u);
    if (status != LEHR_OK)
        lehr_file_free(&u.out);
    else
        *out = u.out;
    return status;
}

/* ---- Both ------------------------------------------------------------------------------------ */

lehr_status lehr_file_unpack(const char *name, const void *packed, size_t size, lehr_file *out)
{
    if (is_gzip(packed, size))
        return unpack_gzip(name, packed, size, out);
    lehr_file copy = {.size = size};
    LEHR_TRY(LEHR_NEW(copy.data, size, "a data file"));
    if (size > 0)
        memcpy(copy.data, packed, size);
    *out = copy;
    return LEHR_OK;
}

lehr_status lehr_file_read(const char *path, lehr_file *out)
{
    lehr_file packed = {0};
    LEHR_TRY(read_plain(path, &packed));
    if (!is_gzip((const unsigned char *)packed.data, packed.size)) {
        *out = packed;
        return LEHR_OK;
    }
    const lehr_status status = unpack_gzip(path, (const unsigned char *)packed.data, packed.size,
                                           out);
    lehr_file_free(&packed);
    return status;
}
