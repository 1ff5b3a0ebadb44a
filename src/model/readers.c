/* model/readers.c: which reader a file needs, and the files that belong together. */
#include "model/readers.h"

#include <string.h>

#include "base/status.h"
#include "model/file.h"

typedef enum format { FORMAT_CSV, FORMAT_NPY, FORMAT_IDX } format;

/* Length of a path without a last ".gz". */
static size_t stem_length(const char *path)
{
    const size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".gz") == 0 ? length - 3 : length;
}

static bool has_suffix(const char *path, const char *suffix)
{
    const size_t stem = stem_length(path), length = strlen(suffix);
    return stem >= length && memcmp(path + stem - length, suffix, length) == 0;
}

/* The name decides where it says something, so that a broken file is measured by what it claims
 * to be. */
static format find_format(const char *path, const lehr_file *file)
{
    if (has_suffix(path, ".npy"))
        return FORMAT_NPY;
    if (has_suffix(path, ".idx") || has_suffix(path, "-ubyte"))
        return FORMAT_IDX;
    if (has_suffix(path, ".csv") || has_suffix(path, ".tsv") || has_suffix(path, ".txt"))
        return FORMAT_CSV;
    if (file->size >= 6 && memcmp(file->data, "\x93NUMPY", 6) == 0)
        return FORMAT_NPY;
    const bool zeros = file->size >= 4 && file->data[0] == '\0' && file->data[1] == '\0';
    return zeros ? FORMAT_IDX : FORMAT_CSV;
}

static lehr_status parse_array(const char *path, const lehr_file *file, lehr_array *out)
{
    const format kind = find_format(path, file);
    LEHR_CHECK(kind != FORMAT_CSV, LEHR_ERR_DATA, "%s: is no file of labels, expected .npy or IDX",
               path);
    return kind == FORMAT_NPY ? lehr_npy_parse(path, file->data, file->size, out)
                              : lehr_idx_parse(path, file->data, file->size, out);
}

static lehr_status read_with_labels(const lehr_array *inputs, const char *labels,
                                    const lehr_data_spec *spec, lehr_samples *samples)
{
    lehr_file file = {0};
    lehr_array array;
    LEHR_TRY(lehr_file_read(labels, &file));
    lehr_status status = parse_array(labels, &file, &array);
    if (status == LEHR_OK)
        status = lehr_array_read(inputs, &array, spec, samples);
    lehr_file_free(&file);
    return status;
}

static lehr_status read_file(const char *path, lehr_file *file, const char *labels,
                             const lehr_data_spec *spec, lehr_samples *samples)
{
    if (find_format(path, file) == FORMAT_CSV) {
        LEHR_CHECK(labels[0] == '\0', LEHR_ERR_ARG,
                   "%s: a CSV file holds its own targets, expected no file of labels", path);
        return lehr_csv_read(path, file->data, file->size, spec, samples);
    }
    lehr_array inputs;
    LEHR_TRY(parse_array(path, file, &inputs));
    return labels[0] == '\0' ? lehr_array_read(&inputs, NULL, spec, samples)
                             : read_with_labels(&inputs, labels, spec, samples);
}

lehr_status lehr_data_read(const char *path, const char *labels, const lehr_data_spec *spec,
                           lehr_samples *samples)
{
    lehr_file file = {0};
    LEHR_TRY(lehr_file_read(path, &file));
    const lehr_status status = file.size > 0 ? read_file(path, &file, labels, spec, samples)
                                             : lehr_fail(LEHR_ERR_DATA,
                                                         "%s:1:1: is empty, expected data", path);
    lehr_file_free(&file);
    return status;
}
