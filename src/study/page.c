/* page.c: the frame of the page. The data stand in it as JSON in which no character means anything to HTML. */
#include "study/page.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

/* Figures on a screen need no more, and hundreds of runs stay small. */
enum { DIGITS = 8 };

lehr_status lehr_page_check(void)
{
    LEHR_CHECK(lehr_page_library[0] != '\0', LEHR_ERR_UNSUPPORTED,
               "this build of lehr makes no report pages: Chart.js (Debian package "
               "libjs-chart.js) was not there when it was built");
    return LEHR_OK;
}

static void add(lehr_text *html, const char *text)
{
    lehr_text_add_bytes(html, text, strlen(text));
}

/* JSON keeps its meaning when <, > and & are written as escapes, and can then end no element and begin none.
 * Everything beyond ASCII is escaped by jansson already. */
static void add_escaped(lehr_text *html, const char *json)
{
    for (size_t plain; *json != '\0'; json += plain) {
        plain = strcspn(json, "<>&");
        lehr_text_add_bytes(html, json, plain);
        if (json[plain] == '\0')
            return;
        lehr_text_add(html, "\\u%04x", json[plain++]);
    }
}

static lehr_status add_data(const json_t *data, lehr_text *html)
{
    char *json = json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(DIGITS));
    LEHR_CHECK(json != NULL, LEHR_ERR_MEMORY, "out of memory for the data of a report");
    add(html, "<script type=\"application/json\" id=\"data\">");
    add_escaped(html, json);
    add(html, "</script>\n");
    free(json);
    return LEHR_OK;
}

/* The policy forbids every request, whatever a later version of a script might try. */
static const char head[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n"
    "<link rel=\"icon\" href=\"data:,\">\n"
    "<title>lehr report</title>\n<style>\n";

lehr_status lehr_page_make(const json_t *data, lehr_text *html)
{
    LEHR_TRY(lehr_page_check());
    add(html, head);
    add(html, lehr_page_style);
    add(html, "</style>\n</head>\n<body>\n<main id=\"page\"><noscript><p>The charts and tables of "
              "this page are drawn by its script, which is switched off here. result.json and "
              "events.jsonl hold the same figures.</p></noscript></main>\n");
    LEHR_TRY(add_data(data, html));
    add(html, "<script>\n");
    add(html, lehr_page_library);
    add(html, "\n</script>\n<script>\n\"use strict\";\n");
    for (int i = 0; i < lehr_page_script_count; i++)
        add(html, lehr_page_scripts[i]);
    add(html, "</script>\n</body>\n</html>\n");
    LEHR_CHECK(!html->failed, LEHR_ERR_MEMORY, "out of memory for the page of a report");
    return LEHR_OK;
}
