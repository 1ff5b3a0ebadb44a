/* progress.c: no escape codes: a carriage return, the bar, and blanks over what was longer. */
#include "cli/progress.h"

#include <string.h>

#include "base/clock.h"
#include "cli/console.h"

static const double bar_every_s = 0.1, line_every_s = 30;

lehr_screen lehr_screen_open(bool quiet)
{
    const bool terminal = lehr_console_is_terminal();
    return (lehr_screen){quiet, terminal, lehr_clock_s() + (terminal ? 0 : line_every_s), 0};
}

/* Over the line before, with blanks where that was longer. */
static void show_over(lehr_screen *screen, const lehr_text *line)
{
    lehr_text text = {0};
    const int most = lehr_console_columns() - 1;
    const int length = (int)line->length < most ? (int)line->length : most;
    lehr_text_add(&text, "\r%.*s", length, line->data);
    if (length < screen->shown)
        lehr_text_add(&text, "%*s", screen->shown - length, "");
    screen->shown = length;
    if (!text.failed)
        lehr_console_raw(text.data, text.length);
    lehr_text_free(&text);
}

bool lehr_screen_due(lehr_screen *screen)
{
    const double now_s = lehr_clock_s();
    if (screen->quiet || now_s < screen->next_s)
        return false;
    screen->next_s = now_s + (screen->terminal ? bar_every_s : line_every_s);
    return true;
}

void lehr_screen_line(lehr_screen *screen, lehr_text *line)
{
    if (!line->failed && line->data != NULL) {
        if (screen->terminal)
            show_over(screen, line);
        else
            lehr_console_note("%s", line->data);
    }
    lehr_text_free(line);
}

void lehr_screen_look(lehr_screen *screen, const lehr_progress *progress)
{
    lehr_text line = {0};
    if (!lehr_screen_due(screen))
        return;
    if (screen->terminal)
        lehr_progress_bar(progress, lehr_console_columns() - 1, &line);
    else
        lehr_progress_line(progress, &line);
    lehr_screen_line(screen, &line);
}

void lehr_screen_close(lehr_screen *screen)
{
    if (screen->shown > 0)
        lehr_console_raw("\n", 1);
    screen->shown = 0;
}
