/* data.h: small files and specs for the tests of everything that reads data. */
#ifndef TESTS_SUPPORT_DATA_H
#define TESTS_SUPPORT_DATA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lehr/objective.h"

/* A folder with one file in it. */
typedef struct data_file {
    char folder[32], path[128];
} data_file;

/* Ends the test program when the file cannot be written. */
static inline data_file data_write(const char *name, const void *bytes, size_t size)
{
    data_file file = {.folder = "/tmp/lehr-test-XXXXXX"};
    if (mkdtemp(file.folder) == NULL)
        abort();
    snprintf(file.path, sizeof file.path, "%s/%s", file.folder, name);
    FILE *stream = fopen(file.path, "wb");
    if (stream == NULL || fwrite(bytes, 1, size, stream) != size || fclose(stream) != 0)
        abort();
    return file;
}

static inline data_file data_write_text(const char *name, const char *text)
{
    return data_write(name, text, strlen(text));
}

static inline void data_remove(const data_file *file)
{
    unlink(file->path);
    rmdir(file->folder);
}

/* Copy the characters of a text, without its end. */
static inline void data_place(void *to, const char *text)
{
    char *byte = to;
    while (*text != '\0')
        *byte++ = *text++;
}

/* Fill a fixed text of a spec. */
#define DATA_PUT(field, text) snprintf((field), sizeof(field), "%s", (text))

/* All points train; nothing is standardized. */
static inline lehr_data_spec data_spec(lehr_task task)
{
    return (lehr_data_spec){.task = task, .split_seed = 1};
}

static inline lehr_data_spec data_spec_of(const char *source, lehr_task task)
{
    lehr_data_spec spec = data_spec(task);
    DATA_PUT(spec.source, source);
    return spec;
}

#endif
