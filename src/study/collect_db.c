/* collect_db.c: the one file that knows SQLite.
 *
 * The database is made in memory and written as bytes: it needs no locks, so a network file system is no
 * matter, and a reader sees the old one or the new one. */
#include <jansson.h>
#include <sqlite3.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "study/collect.h"
#include "study/output.h"

struct lehr_database {
    sqlite3 *db;
    sqlite3_stmt *insert;
    const lehr_ledger *ledger;
};

static lehr_status fail(const lehr_database *d)
{
    return lehr_fail(LEHR_ERR_IO, "results.sqlite: %s", sqlite3_errmsg(d->db));
}

static lehr_status execute(const lehr_database *d, lehr_text *sql)
{
    lehr_status status = LEHR_OK;
    if (sql->failed)
        status = lehr_fail(LEHR_ERR_MEMORY, "out of memory for results.sqlite");
    else if (sqlite3_exec(d->db, sql->data, NULL, NULL, NULL) != SQLITE_OK)
        status = fail(d);
    lehr_text_free(sql);
    return status;
}

/* ---- Tables ---------------------------------------------------------------------------------- */

/* Is this result a column already? A key such as `seed` can be an axis, too. Names of keys hold no quotes. */
static bool is_double(const lehr_ledger *ledger, const char *name)
{
    for (int32_t i = 0; i < ledger->axes; i++)
        if (strcmp(ledger->axis[i], name) == 0)
            return true;
    return false;
}

static lehr_status create_tables(const lehr_database *d)
{
    lehr_text sql = {0};
    lehr_text_add(&sql, "CREATE TABLE trials (trial INTEGER, id TEXT PRIMARY KEY");
    for (int32_t i = 0; i < d->ledger->axes; i++)
        lehr_text_add(&sql, ", \"%s\"", d->ledger->axis[i]);
    lehr_text_add(&sql, ", state TEXT");
    for (int32_t i = 0; i < lehr_column_count; i++)
        if (!is_double(d->ledger, lehr_columns[i].name))
            lehr_text_add(&sql, ", \"%s\"", lehr_columns[i].name);
    lehr_text_add(&sql, "); CREATE TABLE axes (name TEXT, averaged INTEGER); BEGIN;");
    for (int32_t i = 0; i < d->ledger->axes; i++)
        lehr_text_add(&sql, "INSERT INTO axes VALUES ('%s', %d);", d->ledger->axis[i],
                      (int)d->ledger->over[i]);
    return execute(d, &sql);
}

static lehr_status prepare_insert(lehr_database *d)
{
    lehr_text sql = {0};
    int32_t count = 3 + d->ledger->axes;
    for (int32_t i = 0; i < lehr_column_count; i++)
        count += !is_double(d->ledger, lehr_columns[i].name);
    lehr_text_add(&sql, "INSERT INTO trials VALUES (?");
    for (int32_t i = 1; i < count; i++)
        lehr_text_add(&sql, ", ?");
    lehr_text_add(&sql, ")");
    lehr_status status = LEHR_OK;
    if (sql.failed)
        status = lehr_fail(LEHR_ERR_MEMORY, "out of memory for results.sqlite");
    else if (sqlite3_prepare_v2(d->db, sql.data, -1, &d->insert, NULL) != SQLITE_OK)
        status = fail(d);
    lehr_text_free(&sql);
    return status;
}

lehr_status lehr_database_create(const lehr_ledger *ledger, lehr_database **out)
{
    lehr_database *d = NULL;
    LEHR_TRY(LEHR_NEW(d, 1, "results.sqlite"));
    d->ledger = ledger;
    lehr_status status = sqlite3_open(":memory:", &d->db) == SQLITE_OK ? LEHR_OK : fail(d);
    if (status == LEHR_OK)
        status = create_tables(d);
    if (status == LEHR_OK)
        status = prepare_insert(d);
    if (status == LEHR_OK)
        *out = d;
    else
        lehr_database_destroy(&d);
    return status;
}

void lehr_database_destroy(lehr_database **database)
{
    if (database == NULL || *database == NULL)
        return;
    sqlite3_finalize((*database)->insert);
    sqlite3_close((*database)->db);
    LEHR_FREE(*database);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static void bind_text(sqlite3_stmt *insert, int index, const char *text)
{
    sqlite3_bind_text(insert, index, text, -1, SQLITE_TRANSIENT);
}

/* The value of an axis: a number where it is one. */
static void bind_axis(sqlite3_stmt *insert, int index, const char *text)
{
    int64_t whole;
    double number;
    if (text == NULL)
        sqlite3_bind_null(insert, index);
    else if (lehr_parse_int64(text, strlen(text), &whole))
        sqlite3_bind_int64(insert, index, whole);
    else if (lehr_parse_double(text, strlen(text), &number))
        sqlite3_bind_double(insert, index, number);
    else
        bind_text(insert, index, text);
}

static void bind_value(sqlite3_stmt *insert, int index, const json_t *value)
{
    if (json_is_integer(value))
        sqlite3_bind_int64(insert, index, json_integer_value(value));
    else if (json_is_real(value))
        sqlite3_bind_double(insert, index, json_real_value(value));
    else if (json_is_string(value))
        bind_text(insert, index, json_string_value(value));
    else
        sqlite3_bind_null(insert, index);
}

lehr_status lehr_database_add(lehr_database *d, const lehr_row *row)
{
    int index = 1;
    sqlite3_reset(d->insert);
    if (row->number >= 0)
        sqlite3_bind_int64(d->insert, index, row->number);
    else
        sqlite3_bind_null(d->insert, index);
    bind_text(d->insert, ++index, row->id);
    for (int32_t i = 0; i < d->ledger->axes; i++)
        bind_axis(d->insert, ++index, row->value[i]);
    bind_text(d->insert, ++index, row->state);
    for (int32_t i = 0; i < lehr_column_count; i++)
        if (!is_double(d->ledger, lehr_columns[i].name))
            bind_value(d->insert, ++index, lehr_column_value(&lehr_columns[i], row));
    return sqlite3_step(d->insert) == SQLITE_DONE ? LEHR_OK : fail(d);
}

lehr_status lehr_database_write(lehr_database *d, const lehr_dir *dir, const char *name)
{
    sqlite3_int64 size = 0;
    if (sqlite3_exec(d->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        return fail(d);
    unsigned char *bytes = sqlite3_serialize(d->db, "main", &size, 0);
    LEHR_CHECK(bytes != NULL, LEHR_ERR_MEMORY, "out of memory for %s", name);
    const lehr_status status = lehr_output_whole(dir, name, bytes, (size_t)size);
    sqlite3_free(bytes);
    return status;
}
