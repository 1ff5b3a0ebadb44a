/* trace.h: energies over time, as NumPy files of a bounded size.
 *
 * trace/energy-NNNNNN.npy holds float64 [n, 1 + R]: the number of scans done, then the energy of
 * the row that holds (copy, rung), in column 1 + copy*rungs + rung. Every file is written whole;
 * a run that is killed loses at most the last chunk. */
#ifndef LEHR_STUDY_TRACE_H
#define LEHR_STUDY_TRACE_H

#include <stdint.h>

#include "lehr/run.h"
#include "lehr/status.h"
#include "study/directory.h"

/* Of a chunk below `trace`, by its number; for printf. */
#define LEHR_TRACE_NAME "energy-%06d.npy"

typedef struct lehr_trace lehr_trace;

/* Make the directory `trace` of a run's directory and memory for one chunk of `rows` energies
 * per line. Fails with LEHR_ERR_IO, LEHR_ERR_EXISTS or LEHR_ERR_MEMORY. */
lehr_status lehr_trace_create(const lehr_dir *dir, int32_t rows, lehr_trace **out);

/* Add the energies of now; a full chunk is written. */
lehr_status lehr_trace_add(lehr_trace *trace, lehr_run *run);

/* Write what is left. */
lehr_status lehr_trace_flush(lehr_trace *trace);

void lehr_trace_destroy(lehr_trace **trace);

#endif
