/* trace.h: energies over time, as NumPy files of a bounded size.
 *
 * trace/energy-NNNNNN.npy holds float64 [n, 1 + R]: the number of scans done, then the energy of
 * the row that holds (copy, rung), in column 1 + copy*rungs + rung. Every file is written whole;
 * lines that are in no file yet stand in the run's checkpoints. */
#ifndef LEHR_STUDY_TRACE_H
#define LEHR_STUDY_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "lehr/run.h"
#include "lehr/status.h"
#include "run/state.h"
#include "study/directory.h"
#include "study/safetensors.h"

/* Of a chunk below `trace`, by its number, a long long; for printf. */
#define LEHR_TRACE_NAME "energy-%06lld.npy"

typedef struct lehr_trace lehr_trace;

/* Open or make the directory `trace` of a run's directory, and take memory for one chunk of `rows` energies
 * per line. Fails with LEHR_ERR_IO or LEHR_ERR_MEMORY. */
lehr_status lehr_trace_create(const lehr_dir *dir, int32_t rows, lehr_trace **out);

/* Add the energies of now; a full chunk is written. */
lehr_status lehr_trace_add(lehr_trace *trace, lehr_run *run);

/* Whole files so far, and the lines that are in none of them as the field "trace" (no rows: none). */
int32_t lehr_trace_files(const lehr_trace *trace);
lehr_field lehr_trace_field(const lehr_trace *trace);

/* Are so many whole files there? */
bool lehr_trace_has(const lehr_trace *trace, int64_t files);

/* Go back to where a checkpoint saw the trace: so many whole files, and the tensor of the other lines (NULL:
 * none). Later files are removed. Fails with LEHR_ERR_DATA on a tensor of another shape. */
lehr_status lehr_trace_rewind(lehr_trace *trace, int64_t files, const lehr_tensor *lines);

/* Write what is left. */
lehr_status lehr_trace_flush(lehr_trace *trace);

void lehr_trace_destroy(lehr_trace **trace);

#endif
