/* base/kind.c: the open lists of lehr/kinds.h as tables of names. */
#include <stddef.h>
#include <string.h>

#include "base/status.h"
#include "base/text.h"
#include "lehr/lehr.h"

typedef struct kind_row {
    const char *name, *help;
} kind_row;

#define ROW(suffix, name, help)     {name, help},
#define X(type, suffix, name, list) static const kind_row rows_##suffix[] = {list(ROW)};
LEHR_KIND_LISTS(X)
#undef X
#undef ROW

typedef struct kind_table {
    const char *name;
    const kind_row *row;
    int32_t count;
} kind_table;

static const kind_table tables[] = {
#define X(type, suffix, name, list)                                                                \
    {name, rows_##suffix, (int32_t)(sizeof rows_##suffix / sizeof *rows_##suffix)},
    LEHR_KIND_LISTS(X)
#undef X
};

/* NULL when the list or the value is out of range. */
static const kind_row *find_row(lehr_kind_list list, int32_t value)
{
    if (value < 0 || value >= lehr_kind_count(list))
        return NULL;
    return &tables[list].row[value];
}

const char *lehr_kind_list_name(lehr_kind_list list)
{
    return (size_t)list < LEHR_LIST_COUNT ? tables[list].name : NULL;
}

int32_t lehr_kind_count(lehr_kind_list list)
{
    return (size_t)list < LEHR_LIST_COUNT ? tables[list].count : 0;
}

const char *lehr_kind_name(lehr_kind_list list, int32_t value)
{
    const kind_row *row = find_row(list, value);
    return row != NULL ? row->name : NULL;
}

const char *lehr_kind_help(lehr_kind_list list, int32_t value)
{
    const kind_row *row = find_row(list, value);
    return row != NULL ? row->help : NULL;
}

static const char *nearest(const kind_table *table, const char *name)
{
    int32_t best = 0;
    for (int32_t i = 1; i < table->count; i++)
        if (lehr_text_distance(name, table->row[i].name) <
            lehr_text_distance(name, table->row[best].name))
            best = i;
    return table->row[best].name;
}

lehr_status lehr_kind_find(lehr_kind_list list, const char *name, int32_t *value)
{
    LEHR_CHECK((size_t)list < LEHR_LIST_COUNT && name != NULL, LEHR_ERR_ARG,
               "there is no kind without a list and a name");
    const kind_table *table = &tables[list];
    for (int32_t i = 0; i < table->count; i++)
        if (strcmp(name, table->row[i].name) == 0) {
            *value = i;
            return LEHR_OK;
        }
    return lehr_fail(LEHR_ERR_ARG, "unknown %s '%.64s': the nearest is '%s'", table->name, name,
                     nearest(table, name));
}
