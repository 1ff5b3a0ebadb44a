/* trace.c: a chunk in memory, and NPY files of format 1.0
 * (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
#define _POSIX_C_SOURCE 200809L

#include "study/trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/status.h"
#include "core/settle.h"
#include "run/run.h"
#include "study/output.h"

enum {
    CHUNK_NUMBERS = 1 << 17, /* 1 MiB of doubles in one file */
    CHUNK_LINES_MAX = 4096,
    HEADER_BYTES = 128 /* of an NPY file; a multiple of 64 */
};

struct lehr_trace {
    lehr_dir dir;
    int32_t columns;   /* 1 + R */
    int32_t lines_max; /* lines of a whole chunk */
    int32_t lines;     /* in the chunk now */
    int32_t chunks;    /* written */
    double *line;      /* [lines_max,columns] */
};

static lehr_status allocate(lehr_trace *trace, int32_t rows)
{
    trace->columns = rows + 1;
    trace->lines_max = CHUNK_NUMBERS / trace->columns;
    if (trace->lines_max < 1)
        trace->lines_max = 1;
    if (trace->lines_max > CHUNK_LINES_MAX)
        trace->lines_max = CHUNK_LINES_MAX;
    return LEHR_NEW(trace->line, (size_t)trace->lines_max * (size_t)trace->columns, "a trace");
}

lehr_status lehr_trace_create(const lehr_dir *dir, int32_t rows, lehr_trace **out)
{
    lehr_trace *trace = NULL;
    LEHR_TRY(LEHR_NEW(trace, 1, "a trace"));
    trace->dir.fd = -1;
    lehr_status status = allocate(trace, rows);
    if (status == LEHR_OK)
        status = lehr_dir_enter(dir, "trace", &trace->dir);
    if (status != LEHR_OK) {
        lehr_trace_destroy(&trace);
        return status;
    }
    *out = trace;
    return LEHR_OK;
}

void lehr_trace_destroy(lehr_trace **trace)
{
    if (trace == NULL || *trace == NULL)
        return;
    lehr_dir_close(&(*trace)->dir);
    LEHR_FREE((*trace)->line);
    LEHR_FREE(*trace);
}

/* The NPY header of float64 [lines, columns], padded with blanks to a line end. */
static void write_header(int32_t lines, int32_t columns, char header[HEADER_BYTES])
{
    memset(header, ' ', HEADER_BYTES);
    memcpy(header, "\x93NUMPY\x01\x00", 8);
    header[8] = (char)(HEADER_BYTES - 10);
    header[9] = 0;
    const int length = snprintf(header + 10, HEADER_BYTES - 10,
                                "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }",
                                lines, columns);
    header[10 + length] = ' '; /* over the end that snprintf wrote */
    header[HEADER_BYTES - 1] = '\n';
}

static void name_file(int64_t number, char name[LEHR_NAME_MAX])
{
    snprintf(name, LEHR_NAME_MAX, LEHR_TRACE_NAME, (long long)number);
}

lehr_status lehr_trace_flush(lehr_trace *trace)
{
    if (trace->lines == 0)
        return LEHR_OK;
    char header[HEADER_BYTES], name[LEHR_NAME_MAX];
    write_header(trace->lines, trace->columns, header);
    name_file(trace->chunks, name);

    const size_t bytes = (size_t)trace->lines * (size_t)trace->columns * sizeof *trace->line;
    lehr_output output = {.fd = -1};
    LEHR_TRY(lehr_output_begin(&trace->dir, name, HEADER_BYTES + bytes, &output));
    LEHR_TRY(lehr_output_write(&output, header, HEADER_BYTES));
    LEHR_TRY(lehr_output_write(&output, trace->line, bytes));
    LEHR_TRY(lehr_output_commit(&output));
    trace->chunks++;
    trace->lines = 0;
    return LEHR_OK;
}

lehr_status lehr_trace_add(lehr_trace *trace, lehr_run *run)
{
    LEHR_TRY(lehr_pack_pull(run->pack));
    const lehr_table *table = run->pack->table;
    const lehr_group *g = lehr_run_group(run);
    double *line = trace->line + (size_t)trace->lines * (size_t)trace->columns;
    line[0] = (double)run->scan;
    for (int32_t slot = 0; slot + 1 < trace->columns; slot++)
        line[1 + slot] = table->energy[lehr_holder(table, g, slot)];
    trace->lines++;
    return trace->lines < trace->lines_max ? LEHR_OK : lehr_trace_flush(trace);
}

/* ---- Checkpoints ----------------------------------------------------------------------------- */

int32_t lehr_trace_files(const lehr_trace *trace)
{
    return trace->chunks;
}

lehr_field lehr_trace_field(const lehr_trace *trace)
{
    return (lehr_field){"trace", LEHR_FIELD_F64, trace->lines, trace->columns, trace->line};
}

static lehr_status take_lines(lehr_trace *trace, const lehr_tensor *lines)
{
    LEHR_CHECK(lines->dtype == LEHR_DTYPE_F64 && lines->dims == 2 && lines->shape[0] > 0 &&
                   lines->shape[0] < trace->lines_max && lines->shape[1] == trace->columns,
               LEHR_ERR_DATA, "the trace of a checkpoint is not one of %d numbers a line",
               trace->columns);
    memcpy(trace->line, lines->data, lines->bytes);
    trace->lines = (int32_t)lines->shape[0];
    return LEHR_OK;
}

bool lehr_trace_has(const lehr_trace *trace, int64_t files)
{
    char name[LEHR_NAME_MAX];
    for (int64_t i = 0; i < files; i++) {
        name_file(i, name);
        if (faccessat(trace->dir.fd, name, F_OK, 0) != 0)
            return false;
    }
    return true;
}

lehr_status lehr_trace_rewind(lehr_trace *trace, int64_t files, const lehr_tensor *lines)
{
    char name[LEHR_NAME_MAX];
    LEHR_CHECK(files <= INT32_MAX, LEHR_ERR_DATA, "a trace of %lld files", (long long)files);
    trace->lines = 0;
    if (lines != NULL)
        LEHR_TRY(take_lines(trace, lines));
    trace->chunks = (int32_t)files;
    do
        name_file(files++, name);
    while (unlinkat(trace->dir.fd, name, 0) == 0);
    return lehr_output_sweep(&trace->dir);
}
