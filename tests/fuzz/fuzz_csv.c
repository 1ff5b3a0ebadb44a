/* fuzz_csv.c: any bytes as a CSV file, and again as the test file that belongs to it.
 * The first byte chooses task and target; the rest is the text. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "model/readers.h"

static lehr_status read_copy(const uint8_t *text, size_t size, const lehr_data_spec *spec,
                             lehr_samples *samples)
{
    char *copy = malloc(size + (size == 0));
    if (copy == NULL)
        return LEHR_ERR_MEMORY;
    memcpy(copy, text, size);
    const lehr_status status = lehr_csv_read("fuzz.csv", copy, size, spec, samples);
    free(copy);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char targets[4][2] = {"", "0", "y", "7"};
    if (size == 0)
        return 0;
    lehr_data_spec spec = {.task = data[0] & 1 ? LEHR_TASK_REGRESSION : LEHR_TASK_CLASSIFICATION};
    memcpy(spec.target, targets[data[0] >> 1 & 3], sizeof targets[0]);
    lehr_samples samples = {0};
    const lehr_status status = read_copy(data + 1, size - 1, &spec, &samples);
    if (status == LEHR_OK) {
        const int64_t points = samples.points;
        LEHR_ASSERT(points > 0);
        LEHR_ASSERT(read_copy(data + 1, size - 1, &spec, &samples) == LEHR_OK);
        LEHR_ASSERT(samples.points == 2 * points);
    } else {
        LEHR_ASSERT(strncmp(lehr_error(), "fuzz.csv:", 9) == 0 || status == LEHR_ERR_MEMORY);
        LEHR_ASSERT(strchr(lehr_error(), '\n') == NULL);
    }
    lehr_samples_free(&samples);
    return 0;
}
