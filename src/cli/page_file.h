/* page_file.h: a page (study/page.h) becomes a file. */
#ifndef LEHR_CLI_PAGE_FILE_H
#define LEHR_CLI_PAGE_FILE_H

#include "lehr/status.h"

struct json_t; /* of jansson */

typedef enum lehr_page_mode { LEHR_PAGE_NEW, LEHR_PAGE_REPLACE } lehr_page_mode;

/* Write the page of `data` to `path`, wholly or not at all, and print the path. Fails with LEHR_ERR_EXISTS when
 * a new file is there already, LEHR_ERR_IO, and as lehr_page_make. */
lehr_status lehr_page_file(const struct json_t *data, const char *path, lehr_page_mode mode);

/* The same without printing. */
lehr_status lehr_page_save(const struct json_t *data, const char *path, lehr_page_mode mode);

#endif
