/* budgets.c: how many blocks of a kernel share a multiprocessor, by the vendor's own arithmetic
 * (cuda_occupancy.h of the CUDA Toolkit). Reads lines
 *     KERNEL ARCHITECTURE REGISTERS SPILLS STACK SHARED BARRIERS THREADS
 * and writes each of them with two more columns: dynamic shared memory of a block, and blocks.
 * KERNEL@SHAPE is the fused scan of a network of that shape, 2-16-16-1 for instance, with one target a
 * point; other kernels are taken to need no dynamic shared memory.                                   */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/rooms.h"
#include <cuda_occupancy.h>

/* Shared memory of a multiprocessor and of a block, threads and blocks of a multiprocessor: CUDA C++ Programming
 * Guide 13.0, table "Technical Specifications per Compute Capability".                              */
static const struct {
    int architecture, processor_kb, block_kb, threads, blocks;
} limits[] = {
    {80, 164, 163, 2048, 32}, {86, 100, 99, 1536, 16},   {89, 100, 99, 1536, 24},
    {90, 228, 227, 2048, 32}, {100, 228, 227, 2048, 32}, {120, 100, 99, 1536, 24},
};

static bool describe(int architecture, cudaOccDeviceProp *out)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].architecture != architecture)
            continue;
        *out = (cudaOccDeviceProp){
            .computeMajor = architecture / 10,
            .computeMinor = architecture % 10,
            .maxThreadsPerBlock = 1024,
            .maxThreadsPerMultiprocessor = limits[i].threads,
            .regsPerBlock = 65536,
            .regsPerMultiprocessor = 65536,
            .warpSize = 32,
            .sharedMemPerBlock = 48 << 10,
            .sharedMemPerMultiprocessor = (size_t)limits[i].processor_kb << 10,
            .numSms = 1,
            .sharedMemPerBlockOptin = (size_t)limits[i].block_kb << 10,
            .reservedSharedMemPerBlock = 1024,
        };
        return true;
    }
    return false;
}

/* Of one block: what plan.c and lehr_scan_shared_bytes make of the shape. */
static size_t dynamic_bytes(const char *kernel, int threads)
{
    const char *shape = strchr(kernel, '@');
    int team = 0;
    if (!shape || sscanf(kernel, "scan_%d", &team) != 1)
        return 0;
    lehr_cuda_room room = {.targets = 1};
    int parameters = 0, layer = 0;
    char *end;
    long inputs = strtol(shape + 1, &end, 10);
    for (; *end == '-'; layer++) {
        const long outputs = strtol(end + 1, &end, 10);
        lehr_i32 *width = layer % 2 == 0 ? &room.even : &room.odd;
        *width = outputs > *width ? (lehr_i32)outputs : *width;
        parameters += (int)(outputs * (inputs + 1));
        inputs = outputs;
    }
    return (size_t)(lehr_team_room_of(&room, parameters, team).bytes * (threads / team));
}

static int blocks_of(int architecture, int registers, int threads, size_t fixed, size_t dynamic)
{
    cudaOccDeviceProp device;
    if (!describe(architecture, &device))
        return -1;
    const cudaOccFuncAttributes kernel = {
        .maxThreadsPerBlock = threads,
        .numRegs = registers,
        .sharedSizeBytes = fixed,
        .partitionedGCConfig = PARTITIONED_GC_OFF,
        .shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN,
        .maxDynamicSharedSizeBytes = device.sharedMemPerBlockOptin - fixed,
    };
    const cudaOccDeviceState state = {.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED};
    cudaOccResult result;
    if (cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &kernel, &state, threads,
                                                dynamic) != CUDA_OCC_SUCCESS)
        return -1;
    return result.activeBlocksPerMultiprocessor;
}

int main(void)
{
    char kernel[64];
    int architecture, registers, spills, stack, fixed, barriers, threads;
    while (scanf("%63s %d %d %d %d %d %d %d", kernel, &architecture, &registers, &spills, &stack,
                 &fixed, &barriers, &threads) == 8) {
        const size_t dynamic = dynamic_bytes(kernel, threads);
        const int blocks = blocks_of(architecture, registers, threads, (size_t)fixed, dynamic);
        printf("%-24s %4d %9d %6d %5d %6d %8d %7d %7zu %6d\n", kernel, architecture, registers,
               spills, stack, fixed, barriers, threads, dynamic, blocks);
    }
    return 0;
}
