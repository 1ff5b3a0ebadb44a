/* fuzz_npy.c: any bytes as an .npy file, with a target column and as its own labels. */
#include <string.h>

#include "base/status.h"
#include "model/file.h"
#include "model/readers.h"

static void read_points(const lehr_array *array, const lehr_array *labels, lehr_task task)
{
    const lehr_data_spec spec = {.task = task};
    lehr_samples samples = {0};
    if (lehr_array_read(array, labels, &spec, &samples) == LEHR_OK)
        LEHR_ASSERT(samples.points > 0 && samples.points == array->dim[0]);
    lehr_samples_free(&samples);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lehr_file file = {0};
    lehr_array array;
    if (lehr_file_unpack("fuzz.npy", data, size, &file) == LEHR_OK) {
        const lehr_status status = lehr_npy_parse("fuzz.npy", file.data, file.size, &array);
        LEHR_ASSERT(status == LEHR_OK || strncmp(lehr_error(), "fuzz.npy: ", 10) == 0);
        if (status == LEHR_OK) {
            read_points(&array, NULL, LEHR_TASK_CLASSIFICATION);
            read_points(&array, NULL, LEHR_TASK_REGRESSION);
            read_points(&array, &array, LEHR_TASK_CLASSIFICATION);
            read_points(&array, &array, LEHR_TASK_REGRESSION);
        }
    }
    lehr_file_free(&file);
    return 0;
}
