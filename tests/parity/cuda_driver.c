/* cuda_driver: a few scans of the small cases of support/cases.c by the CUDA backend, and whether they are the
 * CPU's. test_cuda_barriers.sh builds it with one barrier missing at a time.
 *
 * cuda_driver 32 | 64 | ... | tiled: threads of a row, or the tiled kernels. Exit status 1: other bits.  */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/cases.h"

enum { SCANS = 2 };

/* Not the ones with many points, and not a user's function, which the CPU alone can call. */
static bool is_small(const parity_case *c)
{
    return !strstr(c->name, "two chunks") && !strstr(c->name, "callback");
}

int main(int argc, char **argv)
{
    const char *kernels = argc > 1 ? argv[1] : "32";
    parity_way way = {.options = {.threads = 1, .look_rounds = 1}};
    if (strcmp(kernels, "tiled") == 0)
        way.options.path = LEHR_PATH_TILED;
    else
        way.options.row_threads = atoi(kernels);
    int different = 0;
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        c.spec.stop.scans = c.spec.observe = SCANS;
        c.spec.copies = 1;
        c.spec.exchange.every = 1;
        const uint64_t right = parity_hash(&c, &way);
        snprintf(c.spec.backend, sizeof c.spec.backend, "cuda");
        if (is_small(&c) && parity_hash(&c, &way) != right) {
            printf("%s: other bits\n", c.name);
            different++;
        }
        parity_close(&c);
    }
    return different > 0;
}
