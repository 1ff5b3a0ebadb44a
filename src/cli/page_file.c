/* page_file.c: the page made, then written whole. */
#include "cli/page_file.h"

#include "base/status.h"
#include "base/text.h"
#include "cli/console.h"
#include "study/output.h"
#include "study/page.h"

static lehr_status write(const lehr_text *html, const char *path, lehr_page_mode mode)
{
    char parent[LEHR_PATH_MAX], name[LEHR_NAME_MAX];
    lehr_dir dir;
    LEHR_TRY(lehr_path_split(path, parent, name));
    LEHR_TRY(lehr_dir_open(parent, &dir));
    const lehr_status status = mode == LEHR_PAGE_NEW
                                   ? lehr_output_whole_new(&dir, name, html->data, html->length)
                                   : lehr_output_whole(&dir, name, html->data, html->length);
    lehr_dir_close(&dir);
    return status;
}

lehr_status lehr_page_save(const struct json_t *data, const char *path, lehr_page_mode mode)
{
    lehr_text html = {0};
    lehr_status status = lehr_page_make(data, &html);
    if (status == LEHR_OK)
        status = write(&html, path, mode);
    lehr_text_free(&html);
    return status;
}

lehr_status lehr_page_file(const struct json_t *data, const char *path, lehr_page_mode mode)
{
    LEHR_TRY(lehr_page_save(data, path, mode));
    lehr_text line = {0};
    lehr_text_add(&line, "%s\n", path);
    return lehr_console_text(&line);
}
