/* model/csv.c: the grammar of RFC 4180 over text in memory. */
#include "model/csv.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "model/samples.h"

lehr_status lehr_csv_place(const lehr_csv *c, const lehr_csv_field *field)
{
    return lehr_fail_prefix(LEHR_ERR_DATA, "%s:%lld:%lld: ", c->name, (long long)field->line,
                            (long long)field->column);
}

static lehr_csv_field field_here(const lehr_csv *c)
{
    return (lehr_csv_field){c->text + c->at, 0, c->line, (int64_t)(c->at - c->line_start) + 1};
}

/* ---- Records --------------------------------------------------------------------------------- */

static bool at_line_end(const lehr_csv *c)
{
    return c->at == c->size || c->text[c->at] == '\n' || c->text[c->at] == '\r';
}

/* Step over LF, CRLF or CR. */
static void next_line(lehr_csv *c)
{
    if (c->at < c->size && c->text[c->at] == '\r')
        c->at++;
    if (c->at < c->size && c->text[c->at] == '\n')
        c->at++;
    c->line++;
    c->line_start = c->at;
}

static bool is_blank(const lehr_csv *c, char byte)
{
    return (byte == ' ' || byte == '\t') && byte != c->separator;
}

static lehr_status take_plain(lehr_csv *c, lehr_csv_field *field)
{
    while (!at_line_end(c) && is_blank(c, c->text[c->at]))
        c->at++;
    *field = field_here(c);
    for (; !at_line_end(c) && c->text[c->at] != c->separator; c->at++)
        if (c->text[c->at] == '"') {
            lehr_fail(LEHR_ERR_DATA,
                      "a quote inside an unquoted field, expected the whole field in quotes");
            const lehr_csv_field quote = field_here(c);
            return lehr_csv_place(c, &quote);
        }
    field->length = (size_t)(c->text + c->at - field->text);
    while (field->length > 0 && is_blank(c, field->text[field->length - 1]))
        field->length--;
    return LEHR_OK;
}

/* Step over one byte inside quotes, where lines go on. */
static void step_quoted(lehr_csv *c)
{
    const bool ends = c->text[c->at] == '\n' ||
                      (c->text[c->at] == '\r' &&
                       (c->at + 1 == c->size || c->text[c->at + 1] != '\n'));
    c->at++;
    if (ends) {
        c->line++;
        c->line_start = c->at;
    }
}

/* A quoted field; what it says is moved together over its doubled quotes. */
static lehr_status take_quoted(lehr_csv *c, lehr_csv_field *field)
{
    *field = field_here(c);
    field->text++;
    c->at++;
    for (;;) {
        if (c->at == c->size) {
            lehr_fail(LEHR_ERR_DATA, "a quoted field is never closed, expected '\"'");
            return lehr_csv_place(c, field);
        }
        if (c->text[c->at] == '"' && (c->at + 1 == c->size || c->text[c->at + 1] != '"'))
            break;
        if (c->text[c->at] == '"')
            c->at++;
        field->text[field->length++] = c->text[c->at];
        step_quoted(c);
    }
    c->at++;
    if (at_line_end(c) || c->text[c->at] == c->separator)
        return LEHR_OK;
    lehr_fail(LEHR_ERR_DATA,
              "something follows a closing quote, expected '%c' or the end of the line",
              c->separator);
    const lehr_csv_field rest = field_here(c);
    return lehr_csv_place(c, &rest);
}

static lehr_status push_field(lehr_csv *c, const lehr_csv_field *field)
{
    if (c->count == LEHR_INPUTS_MAX) {
        lehr_fail(LEHR_ERR_DATA, "more than %d columns", LEHR_INPUTS_MAX);
        return lehr_csv_place(c, field);
    }
    if (c->count == c->capacity) {
        const int32_t capacity = c->capacity < 16 ? 16 : 2 * c->capacity;
        void *fields = c->field;
        LEHR_TRY(
            lehr_memory_grow((size_t)capacity, sizeof *c->field, "the fields of a line", &fields));
        c->field = fields;
        c->capacity = capacity;
    }
    c->field[c->count++] = *field;
    return LEHR_OK;
}

lehr_status lehr_csv_next(lehr_csv *c)
{
    c->count = 0;
    for (;;) {
        lehr_csv_field field;
        const bool quoted = !at_line_end(c) && c->text[c->at] == '"';
        LEHR_TRY(quoted ? take_quoted(c, &field) : take_plain(c, &field));
        const bool last = at_line_end(c), end = c->at == c->size;
        const bool blank = last && c->count == 0 && !quoted && field.length == 0;
        if (!blank)
            LEHR_TRY(push_field(c, &field));
        if (last && !end)
            next_line(c);
        if (!last)
            c->at++; /* the separator */
        if (last && (end || !blank))
            return LEHR_OK;
    }
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* What no text has: zero bytes, among them those of UTF-16. */
static lehr_status check_text(lehr_csv *c)
{
    if (c->size >= 3 && memcmp(c->text, "\xef\xbb\xbf", 3) == 0)
        c->at = c->line_start = 3;
    const bool wide = c->size >= 2 &&
                      (memcmp(c->text, "\xff\xfe", 2) == 0 || memcmp(c->text, "\xfe\xff", 2) == 0);
    LEHR_CHECK(!wide, LEHR_ERR_DATA, "%s:1:1: is UTF-16, expected UTF-8", c->name);
    const char *zero = memchr(c->text, '\0', c->size);
    if (zero == NULL)
        return LEHR_OK;
    int64_t line = 1;
    const char *start = c->text + c->line_start;
    for (const char *at = start; at < zero; at++)
        if (*at == '\n') {
            line++;
            start = at + 1;
        }
    return lehr_fail(LEHR_ERR_DATA, "%s:%lld:%lld: a zero byte, expected text", c->name,
                     (long long)line, (long long)(zero - start) + 1);
}

/* A comma; where the first line has none, ';' or tab, whichever it has more of. */
static char find_separator(const lehr_csv *c)
{
    size_t commas = 0, semicolons = 0, tabs = 0;
    bool quoted = false;
    lehr_csv at = *c;
    while (at.at < at.size && (at.text[at.at] == '\n' || at.text[at.at] == '\r'))
        at.at++;
    for (; at.at < at.size && (quoted || !at_line_end(&at)); at.at++) {
        quoted ^= at.text[at.at] == '"';
        commas += !quoted && at.text[at.at] == ',';
        semicolons += !quoted && at.text[at.at] == ';';
        tabs += !quoted && at.text[at.at] == '\t';
    }
    if (commas > 0 || semicolons + tabs == 0)
        return ',';
    return semicolons >= tabs ? ';' : '\t';
}

lehr_status lehr_csv_open(const char *name, char *text, size_t size, lehr_csv *out)
{
    lehr_csv c = {.name = name, .size = size, .line = 1};
    c.text = text;
    LEHR_TRY(check_text(&c));
    c.separator = find_separator(&c);
    *out = c;
    return LEHR_OK;
}

void lehr_csv_close(lehr_csv *csv)
{
    LEHR_FREE(csv->field);
}
