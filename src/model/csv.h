/* model/csv.h: lines and fields of comma-separated text. What they mean is dataset_csv.c's. */
#ifndef LEHR_MODEL_CSV_H
#define LEHR_MODEL_CSV_H

#include <stddef.h>
#include <stdint.h>

#include "lehr/status.h"

/* One field of the record at hand: a slice of the text, unquoted. */
typedef struct lehr_csv_field {
    char *text;
    size_t length;
    int64_t line, column; /* where it begins; column in bytes from 1 */
} lehr_csv_field;

typedef struct lehr_csv {
    const char *name; /* of the file, for error sentences */
    char *text;       /* [size] */
    size_t size, at;
    int64_t line;      /* of text[at] */
    size_t line_start; /* where it begins */
    char separator;
    lehr_csv_field *field; /* [count] the record at hand */
    int32_t count, capacity;
} lehr_csv;

/* Begin to read text[size], which is changed on the way; nothing is allocated yet. */
lehr_status lehr_csv_open(const char *name, char *text, size_t size, lehr_csv *out);
void lehr_csv_close(lehr_csv *csv);

/* The fields of the next line that is not blank; csv->count is 0 at the end of the text. */
lehr_status lehr_csv_next(lehr_csv *csv);

/* Put a field's place before the last error sentence; returns LEHR_ERR_DATA. */
lehr_status lehr_csv_place(const lehr_csv *csv, const lehr_csv_field *field);

#endif
