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

static void show_bar(lehr_screen *screen, const lehr_progress *progress)
{
    lehr_text text = {0};
    lehr_text_add(&text, "\r");
    lehr_progress_bar(progress, lehr_console_columns() - 1, &text);
    const int length = (int)text.length - 1;
    if (length < screen->shown)
        lehr_text_add(&text, "%*s", screen->shown - length, "");
    screen->shown = length;
    if (!text.failed)
        lehr_console_raw(text.data, text.length);
    lehr_text_free(&text);
}

static void show_line(const lehr_progress *progress)
{
    lehr_text text = {0};
    lehr_progress_line(progress, &text);
    if (!text.failed)
        lehr_console_note("%s", text.data);
    lehr_text_free(&text);
}

void lehr_screen_look(lehr_screen *screen, const lehr_progress *progress)
{
    const double now_s = lehr_clock_s();
    if (screen->quiet || now_s < screen->next_s)
        return;
    screen->next_s = now_s + (screen->terminal ? bar_every_s : line_every_s);
    if (screen->terminal)
        show_bar(screen, progress);
    else
        show_line(progress);
}

void lehr_screen_close(lehr_screen *screen)
{
    if (screen->shown > 0)
        lehr_console_raw("\n", 1);
    screen->shown = 0;
}
