/* Any bytes as a config: no crash, no leak, no undefined behavior; what is accepted is written and
 * read back as the same run. A byte 0xff, which no UTF-8 text holds, ends the file and begins an
 * override. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "study/config.h"

enum { OVERRIDES_MAX = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Read, write, read: the two texts and the two ids must be equal. */
static void go_round(const lehr_config *config)
{
    char *text[2] = {NULL, NULL}, id[2][13];
    lehr_config again;
    if (lehr_config_write(config, &text[0]) != LEHR_OK)
        return; /* its absolute path is too long */
    if (lehr_config_parse(text[0], strlen(text[0]), "/b.yaml", NULL, 0, &again) != LEHR_OK ||
        lehr_config_write(&again, &text[1]) != LEHR_OK || strcmp(text[0], text[1]) != 0)
        abort();
    again.init_from[0] = '\0';
    lehr_config plain = *config;
    plain.init_from[0] = '\0';
    if (lehr_config_id(&plain, 1, id[0]) != LEHR_OK ||
        lehr_config_id(&again, 1, id[1]) != LEHR_OK || strcmp(id[0], id[1]) != 0)
        abort();
    free(text[0]);
    free(text[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    const char *overrides[OVERRIDES_MAX];
    int32_t count = 0;
    size_t length = size;
    for (char *mark = memchr(text, 0xff, size); mark != NULL && count < OVERRIDES_MAX;
         mark = memchr(mark + 1, 0xff, size - (size_t)(mark + 1 - text))) {
        length = count == 0 ? (size_t)(mark - text) : length;
        *mark = '\0';
        overrides[count++] = mark + 1;
    }
    lehr_config config;
    if (lehr_config_parse(text, length, "dir/a.yaml", overrides, count, &config) == LEHR_OK)
        go_round(&config);
    else if (lehr_error()[0] == '\0' || strchr(lehr_error(), '\n') != NULL)
        abort();
    free(text);
    return 0;
}
