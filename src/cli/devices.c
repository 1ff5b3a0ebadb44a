/* devices.c: `lehr devices`: what can run the work here. */
#include <jansson.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/console.h"
#include "lehr/lehr.h"
#include "study/result.h"

enum { DEVICES_MAX = 64 };

static lehr_status print_table(const lehr_device_info *device, int32_t count)
{
    lehr_text text = {0};
    lehr_text_add(&text, "%-8s  %-6s  %7s  %9s  %s\n", "backend", "usable", "threads", "memory",
                  "name");
    for (int32_t i = 0; i < count; i++) {
        const lehr_device_info *d = &device[i];
        if (d->name[0] == '\0') /* a backend without a device */
            lehr_text_add(&text, "%-8s  %-6s  %7s  %9s  %s\n", d->backend, "no", "-", "-",
                          d->detail);
        else
            lehr_text_add(&text, "%-8s  %-6s  %7d  %5.1f GiB  %s (%s)\n", d->backend,
                          d->usable ? "yes" : "no", d->threads, (double)d->memory_bytes / (1 << 30),
                          d->name, d->detail);
    }
    return lehr_console_text(&text);
}

static lehr_status print_json(const lehr_device_info *device, int32_t count)
{
    json_t *list = json_array();
    for (int32_t i = 0; i < count; i++) {
        const lehr_device_info *d = &device[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:i, s:I, s:b}", "backend",
                                              d->backend, "name", lehr_json_text(d->name), "detail",
                                              lehr_json_text(d->detail), "threads", (int)d->threads,
                                              "memory_bytes", (json_int_t)d->memory_bytes, "usable",
                                              (int)d->usable));
    }
    return lehr_console_json(json_pack("{s:o}", "devices", list));
}

static lehr_status devices(const lehr_options *options, int *code)
{
    *code = LEHR_EXIT_OK;
    lehr_device_info device[DEVICES_MAX];
    const int32_t all = lehr_device_list(device, DEVICES_MAX);
    const int32_t count = all < DEVICES_MAX ? all : DEVICES_MAX;
    return options->given[LEHR_OPTION_JSON] ? print_json(device, count)
                                            : print_table(device, count);
}

const lehr_command lehr_command_devices = {
    .name = "devices",
    .arguments = "",
    .help = "what can run the work on this machine, and why what is missing cannot",
    .notes = "",
    .options = LEHR_BIT(JSON),
    .run = devices,
};
