/* Files: plain and gzip, whole or refused. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/memory.h"
#include "model/file.h"
#include "support/data.h"

enum { PACKED_MAX = 8192 };

/* gzip of text[size] into packed; returns its length. */
static size_t pack(const void *text, size_t size, unsigned char packed[PACKED_MAX])
{
    z_stream stream = {0};
    cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (Bytef *)text;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = PACKED_MAX;
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return PACKED_MAX - stream.avail_out;
}

/* Unpack a copy without a byte to spare. */
static lehr_status unpack(const unsigned char *packed, size_t size, lehr_file *out)
{
    unsigned char *copy = malloc(size + (size == 0));
    memcpy(copy, packed, size);
    const lehr_status status = lehr_file_unpack("f.gz", copy, size, out);
    free(copy);
    return status;
}

Test(file, plain_and_packed_files_give_the_same_bytes)
{
    static char text[200000];
    unsigned char packed[PACKED_MAX];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i / 1000 % 26);
    const size_t size = pack(text, sizeof text, packed);
    const data_file plain = data_write("plain.csv", text, sizeof text);
    const data_file gzip = data_write("no_suffix", packed, size);
    const data_file *files[] = {&plain, &gzip};
    for (int i = 0; i < 2; i++) {
        lehr_file file = {0};
        cr_assert_eq(lehr_file_read(files[i]->path, &file), LEHR_OK, "%s", lehr_error());
        cr_assert_eq(file.size, sizeof text);
        cr_assert_eq(memcmp(file.data, text, sizeof text), 0);
        lehr_file_free(&file);
        cr_assert_null(file.data);
        data_remove(files[i]);
    }
}

Test(file, members_follow_each_other_and_may_be_empty)
{
    unsigned char packed[3 * PACKED_MAX];
    size_t size = pack("hello ", 6, packed);
    size += pack("", 0, packed + size);
    size += pack("world", 5, packed + size);
    lehr_file file = {0};
    cr_assert_eq(unpack(packed, size, &file), LEHR_OK, "%s", lehr_error());
    cr_assert_eq(file.size, 11);
    cr_assert_eq(memcmp(file.data, "hello world", 11), 0);
    lehr_file_free(&file);
}

Test(file, what_is_not_gzip_is_copied)
{
    static const char *const texts[] = {"", "a", "\x1f\x8b", "plain"};
    for (int i = 0; i < 4; i++) {
        lehr_file file = {0};
        cr_assert_eq(unpack((const unsigned char *)texts[i], strlen(texts[i]), &file), LEHR_OK);
        cr_assert_eq(file.size, strlen(texts[i]));
        cr_assert_eq(memcmp(file.data, texts[i], file.size), 0);
        lehr_file_free(&file);
    }
}

Test(file, every_cut_of_gzip_is_refused)
{
    unsigned char packed[PACKED_MAX];
    const size_t size = pack("some text, some text, some more text", 36, packed);
    for (size_t cut = 3; cut < size; cut++) {
        lehr_file file = {0};
        cr_assert_eq(unpack(packed, cut, &file), LEHR_ERR_DATA, "%zu bytes", cut);
        cr_assert_not_null(strstr(lehr_error(), "f.gz: gzip data end early"), "%s", lehr_error());
        cr_assert_null(file.data);
    }
}

/* Two bits can be anything: the text flag and an extra-flags byte say nothing that gzip checks. */
Test(file, flipped_bits_of_gzip_are_refused_or_change_nothing)
{
    static const char text[] = "some text, some text, some more text";
    unsigned char packed[PACKED_MAX];
    const size_t size = pack(text, sizeof text, packed);
    int refused = 0;
    for (size_t bit = 24; bit < 8 * size; bit++) {
        packed[bit / 8] ^= (unsigned char)(1 << bit % 8);
        lehr_file file = {0};
        const lehr_status status = unpack(packed, size, &file);
        packed[bit / 8] ^= (unsigned char)(1 << bit % 8);
        refused += status == LEHR_ERR_DATA;
        if (status == LEHR_OK)
            cr_assert(file.size == sizeof text && memcmp(file.data, text, sizeof text) == 0,
                      "bit %zu", bit);
        lehr_file_free(&file);
    }
    cr_assert(refused >= (int)(8 * (size - 10)));
}

Test(file, what_follows_gzip_must_be_gzip)
{
    unsigned char packed[PACKED_MAX];
    const size_t size = pack("text", 4, packed);
    data_place(packed + size, "junk");
    lehr_file file = {0};
    cr_assert_eq(unpack(packed, size + 4, &file), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "something that is not gzip follows"), "%s",
                       lehr_error());
}

/* A file that says it is 4 GiB takes no more memory than 1032 times its size; the fourth
 * allocation is the first that grows. */
Test(file, a_trailer_that_lies_costs_nothing)
{
    unsigned char packed[PACKED_MAX];
    const size_t size = pack("text", 4, packed);
    memset(packed + size - 4, 0xff, 4);
    lehr_file file = {0};
    cr_assert_eq(unpack(packed, size, &file), LEHR_ERR_DATA);
    cr_assert_not_null(strstr(lehr_error(), "bad gzip data"), "%s", lehr_error());
}

Test(file, what_cannot_be_read_says_why)
{
    const data_file file = data_write("empty", "", 0);
    char path[256];
    lehr_file out = {0};
    cr_assert_eq(lehr_file_read(file.path, &out), LEHR_OK);
    cr_assert_eq(out.size, 0);
    lehr_file_free(&out);
    snprintf(path, sizeof path, "%s/none", file.folder);
    cr_assert_eq(lehr_file_read(path, &out), LEHR_ERR_IO);
    cr_assert_not_null(strstr(lehr_error(), "/none: cannot be read: No such file"), "%s",
                       lehr_error());
    cr_assert_eq(lehr_file_read(file.folder, &out), LEHR_ERR_IO);
    cr_assert_not_null(strstr(lehr_error(), "is not a regular file"), "%s", lehr_error());
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(lehr_file_read(path, &out), LEHR_ERR_IO); /* and does not wait for a writer */
    cr_assert_not_null(strstr(lehr_error(), "is not a regular file"), "%s", lehr_error());
    unlink(path);
    data_remove(&file);
}

Test(file, any_allocation_may_fail)
{
    static char text[100000];
    unsigned char packed[2 * PACKED_MAX];
    size_t size = pack(text, sizeof text, packed);
    size += pack("x", 1, packed + size); /* the last member's length misleads: the rest must grow */
    int failures = 0;
    for (int64_t n = 1;; n++) {
        lehr_file file = {0};
        lehr_memory_fail_at(n);
        const lehr_status status = unpack(packed, size, &file);
        lehr_memory_fail_at(0);
        if (status == LEHR_OK) {
            cr_assert_eq(file.size, sizeof text + 1);
            lehr_file_free(&file);
            break;
        }
        cr_assert_eq(status, LEHR_ERR_MEMORY, "%s", lehr_error());
        cr_assert_null(file.data);
        failures++;
    }
    cr_assert(failures > 5);
}
