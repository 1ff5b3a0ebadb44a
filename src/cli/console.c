/* console.c: plain write() calls: nothing is buffered, so nothing is lost unseen. */
#define _DEFAULT_SOURCE

#include "cli/console.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/status.h"
#include "base/write.h"
#include "study/result.h"

enum { LINE_BYTES = 4096, COLUMNS_UNKNOWN = 80, COLUMNS_MIN = 20 };

void lehr_console_open(void)
{
    /* open() gives the lowest free number; read-only, so that writing to a closed stdout stays
     * an error */
    int fd;
    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

lehr_status lehr_console_write(const char *bytes, size_t count)
{
    LEHR_CHECK(lehr_write_all(STDOUT_FILENO, bytes, count), LEHR_ERR_IO,
               "cannot write to stdout: %s", lehr_system_error(errno));
    return LEHR_OK;
}

lehr_status lehr_console_text(lehr_text *text)
{
    lehr_status status;
    if (text->failed)
        status = lehr_fail(LEHR_ERR_MEMORY, "out of memory for the output");
    else
        status = lehr_console_write(text->data, text->length);
    lehr_text_free(text);
    return status;
}

lehr_status lehr_console_json(json_t *object)
{
    LEHR_CHECK(object != NULL, LEHR_ERR_MEMORY, "out of memory for the output");
    lehr_text text = {0};
    const lehr_status status = lehr_result_text(object, &text);
    json_decref(object);
    if (status == LEHR_OK)
        return lehr_console_text(&text);
    lehr_text_free(&text);
    return status;
}

void lehr_console_raw(const char *bytes, size_t count)
{
    (void)lehr_write_all(STDERR_FILENO, bytes, count);
}

/* One write for one line, so that lines of several processes do not mix. */
static void say(const char *prefix, const char *sentence)
{
    char line[LINE_BYTES];
    const int length = snprintf(line, sizeof line - 1, "%s%s", prefix, sentence);
    if (length < 0)
        return;
    const size_t end = (size_t)length < sizeof line - 2 ? (size_t)length : sizeof line - 2;
    line[end] = '\n';
    lehr_console_raw(line, end + 1);
}

/* Red, where that is wanted (https://no-color.org). */
void lehr_console_error(const char *sentence)
{
    const char *no_color = getenv("NO_COLOR");
    const bool colored = lehr_console_is_terminal() && (no_color == NULL || no_color[0] == '\0');
    say(colored ? "\x1b[31mlehr:\x1b[0m " : "lehr: ", sentence);
}

void lehr_console_note(const char *format, ...)
{
    char sentence[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    lehr_format(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    say("lehr: ", sentence);
}

bool lehr_console_is_terminal(void)
{
    return isatty(STDERR_FILENO) == 1;
}

int lehr_console_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < COLUMNS_MIN)
        return COLUMNS_UNKNOWN;
    return size.ws_col;
}
