/* page.h: a report as one HTML file that needs nothing else: style, scripts, chart library and data are all
 * inside, and nothing is ever fetched. What the data are is in report.h and chains.h. */
#ifndef LEHR_STUDY_PAGE_H
#define LEHR_STUDY_PAGE_H

#include "base/text.h"
#include "lehr/status.h"

struct json_t; /* of jansson */

/* Written by the build from src/study/page; texts end with 0. The library is "" where Chart.js was not there. */
extern const char *const lehr_page_style;
extern const char *const lehr_page_library;
extern const char *const lehr_page_scripts[];
extern const int lehr_page_script_count;

/* Fails with LEHR_ERR_UNSUPPORTED in a build without the chart library: before any other work. */
lehr_status lehr_page_check(void);

/* Add the page of `data` to `html`; its "kind" names the view. Fails as lehr_page_check, and with
 * LEHR_ERR_MEMORY. */
lehr_status lehr_page_make(const struct json_t *data, lehr_text *html);

#endif
