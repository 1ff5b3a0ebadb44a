/* signals.c: two flags, safe to touch in a handler. */
#define _DEFAULT_SOURCE

#include "cli/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "cli/command.h"

static atomic_int stops, interrupts;

static void on_signal(int number)
{
    if (number == SIGINT && atomic_fetch_add(&interrupts, 1) > 0)
        _exit(LEHR_EXIT_INTERRUPTED);
    atomic_store(&stops, 1);
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

bool lehr_signals_seen(void)
{
    return atomic_load(&stops) != 0;
}
