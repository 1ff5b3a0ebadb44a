/* Any bytes as a safetensors file and as a model: refused with a sentence, or read without
 * leaving them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "study/model.h"
#include "study/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/* Touch the first and last byte of every tensor: asan sees a range that lies outside. */
static unsigned touch(const lehr_safetensors *file)
{
    unsigned sum = 0;
    for (int32_t i = 0; i < lehr_safetensors_count(file); i++) {
        const lehr_tensor *tensor = lehr_safetensors_at(file, i);
        const uint8_t *data = tensor->data;
        if (tensor->bytes > 0)
            sum += data[0] + data[tensor->bytes - 1];
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    lehr_safetensors *file = NULL;
    if (lehr_safetensors_parse("input", bytes, count, &file) == LEHR_OK) {
        volatile unsigned sum = touch(file);
        (void)sum;
        lehr_safetensors_destroy(&file);
    }
    lehr_model *model = NULL;
    if (lehr_model_parse("input", bytes, count, &model) == LEHR_OK) {
        if (lehr_model_check(model) != LEHR_OK)
            abort(); /* what was read can be written */
        lehr_model_destroy(&model);
    }
    return 0;
}
