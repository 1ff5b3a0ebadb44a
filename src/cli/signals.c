/* signals.c: two flags and one pointer, all safe to touch in a handler. */
#define _DEFAULT_SOURCE

#include "cli/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

enum { EXIT_INTERRUPTED = 130 };

static atomic_int stops, interrupts;
static _Atomic(lehr_run *) watched;

static void on_signal(int number)
{
    if (number == SIGINT && atomic_fetch_add(&interrupts, 1) > 0)
        _exit(EXIT_INTERRUPTED);
    atomic_store(&stops, 1);
    lehr_run *run = atomic_load(&watched);
    if (run != NULL)
        lehr_run_interrupt(run);
}

/* Handle a signal; SA_RESTART keeps reads and writes going. */
static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void lehr_signals_install(void)
{
    static const int asked[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGXCPU};
    static const int unwanted[] = {SIGCONT, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        handle(asked[i], on_signal);
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        handle(unwanted[i], SIG_IGN);
    if (!is_ignored(SIGHUP))
        handle(SIGHUP, on_signal);
}

void lehr_signals_watch(lehr_run *run)
{
    atomic_store(&watched, run);
    if (run != NULL && lehr_signals_seen())
        lehr_run_interrupt(run);
}

bool lehr_signals_seen(void)
{
    return atomic_load(&stops) != 0;
}
