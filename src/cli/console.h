/* console.h: the three streams. stdout carries results only; stderr carries the rest. */
#ifndef LEHR_CLI_CONSOLE_H
#define LEHR_CLI_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "lehr/status.h"

struct json_t; /* of jansson */

/* Descriptors 0, 1 and 2 that are closed are taken by something that refuses writing, so that no
 * file of a run ever gets one of those numbers. Call it first. */
void lehr_console_open(void);

/* Write to stdout, at once and wholly. Fails with LEHR_ERR_IO: a full disk, a closed pipe. */
lehr_status lehr_console_write(const char *bytes, size_t count);

/* The same for a growing text, which is freed, and for a JSON object, which is let go. */
lehr_status lehr_console_text(lehr_text *text);
lehr_status lehr_console_json(struct json_t *object);

/* One line on stderr behind "lehr: ": the sentence of an error, or a note. Nothing tells when it
 * fails: there is nowhere left to say so. */
void lehr_console_error(const char *sentence);
void lehr_console_note(const char *format, ...) LEHR_PRINTF(1, 2);

/* Bytes to stderr as they are. */
void lehr_console_raw(const char *bytes, size_t count);

/* Is stderr a terminal, and how wide? */
bool lehr_console_is_terminal(void);
int lehr_console_columns(void);

#endif
