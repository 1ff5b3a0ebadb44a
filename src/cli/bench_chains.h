/* bench_chains.h: `lehr bench chains`, called by bench.c. */
#ifndef LEHR_CLI_BENCH_CHAINS_H
#define LEHR_CLI_BENCH_CHAINS_H

#include "cli/options.h"
#include "lehr/status.h"

lehr_status lehr_bench_chains(const lehr_options *options);

#endif
