/* main.c: the program `lehr`. What it does is in cli/. */
#include "cli/command.h"
#include "cli/console.h"
#include "cli/signals.h"

int main(int argc, char **argv)
{
    lehr_console_open();
    lehr_signals_install();
    return lehr_cli(argc, argv);
}
