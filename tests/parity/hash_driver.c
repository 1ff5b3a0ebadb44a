/* hash_driver: prints the state hash of every case of support/cases.c, twice: by the best
 * kernels that run here, and by the plain ones. test_compilers.sh builds it with several
 * compilers and compares what they print. */
#include <stdio.h>

#include "support/cases.h"

int main(void)
{
    for (int32_t i = 0; i < parity_count(); i++) {
        parity_case c = parity_open(i);
        for (int32_t plain = 0; plain < 2; plain++) {
            const parity_way way = {.options = {.threads = 1, .plain = plain}};
            printf("%016llx %s\n", (unsigned long long)parity_hash(&c, &way), c.name);
        }
        parity_close(&c);
    }
    return 0;
}
