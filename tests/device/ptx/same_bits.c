/* same_bits.c: nvcc's PTX against C: every function of same_bits.h, EXACT, by a kernel that the program was linked
 * with and by the same one loaded as text (argument 1: the PTX file); and what loading must refuse.
 * Plain C17 with the toolkit's headers, as the engine's host code is.                                     */
#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/control.h"
#include "ptx/same_bits.h"

enum { COUNT = 4096, THREADS = 128 };

void same_bits_kernel(same_bits_args a); /* nvcc's stub */

static int failures;

static void check(bool holds, const char *what)
{
    if (!holds) {
        printf("FAILED: %s\n", what);
        failures++;
    }
}

#define CHECK(condition) check(condition, #condition)

/* Room for everything; ends the program where there is none. */
static lehr_u64 *allocate(void)
{
    lehr_u64 *room = malloc(sizeof(lehr_u64) * COUNT * SAME_BITS_COUNT);
    if (!room)
        exit(2);
    return room;
}

static lehr_u64 *by_c(void)
{
    lehr_u64 *bits = allocate();
    for (int which = 0; which < SAME_BITS_COUNT; which++)
        for (lehr_u32 i = 0; i < COUNT; i++)
            bits[which * COUNT + (int)i] = same_bits_of(which, i);
    return bits;
}

static lehr_u64 *by_kernel(const void *kernel)
{
    lehr_u64 *bits = allocate();
    const size_t bytes = sizeof(lehr_u64) * COUNT * SAME_BITS_COUNT;
    const dim3 grid = {COUNT / THREADS, 1, 1}, block = {THREADS, 1, 1};
    same_bits_args args = {NULL, COUNT, 0};
    cudaStream_t stream;
    CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
    CHECK(cudaMalloc((void **)&args.bits, bytes) == cudaSuccess);
    for (args.which = 0; args.which < SAME_BITS_COUNT; args.which++) {
        void *arguments[] = {&args};
        CHECK(cudaLaunchKernel(kernel, grid, block, arguments, 0, stream) == cudaSuccess);
    }
    CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
    CHECK(cudaMemcpy(bits, args.bits, bytes, cudaMemcpyDeviceToHost) == cudaSuccess);
    CHECK(cudaFree(args.bits) == cudaSuccess);
    CHECK(cudaStreamDestroy(stream) == cudaSuccess);
    return bits;
}

static void compare(const char *how, const lehr_u64 *host, lehr_u64 *device)
{
    static const char *const names[] = {
#define X(name, expression) #name,
        SAME_BITS(X)
#undef X
    };
    for (int which = 0; which < SAME_BITS_COUNT; which++) {
        int different = 0;
        for (int i = 0; i < COUNT; i++)
            different += host[which * COUNT + i] != device[which * COUNT + i];
        if (different)
            printf("%s: %s: %d of %d differ\n", how, names[which], different, COUNT);
        failures += different > 0;
    }
    free(device);
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        exit(2);
    fseek(file, 0, SEEK_END);
    const size_t size = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(1, size + 1);
    if (!text || fread(text, 1, size, file) != size)
        exit(2);
    fclose(file);
    return text;
}

static cudaError_t load(cudaLibrary_t *library, const char *image)
{
    return cudaLibraryLoadData(library, image, NULL, NULL, 0, NULL, NULL, 0);
}

static void check_library(const lehr_u64 *host, const char *text)
{
    cudaLibrary_t library, again;
    cudaKernel_t kernel;
    CHECK(load(&library, text) == cudaSuccess);
    CHECK(load(&again, text) == cudaSuccess);
    CHECK(lehr_device_live().libraries == 2);
    CHECK(cudaLibraryGetKernel(&kernel, library, "none_of_this_name") == cudaErrorSymbolNotFound);
    CHECK(cudaLibraryGetKernel(&kernel, library, "same_bits_kernel") == cudaSuccess);
    compare("loaded", host, by_kernel((const void *)kernel));
    struct cudaFuncAttributes attributes;
    CHECK(cudaFuncGetAttributes(&attributes, (const void *)kernel) == cudaSuccess);
    CHECK(attributes.maxThreadsPerBlock == 128);
    CHECK(cudaLibraryUnload(library) == cudaSuccess);
    CHECK(cudaLibraryUnload(library) == cudaErrorInvalidResourceHandle);
    CHECK(cudaFuncGetAttributes(&attributes, (const void *)kernel) ==
          cudaErrorInvalidDeviceFunction);
    CHECK(cudaLibraryUnload(again) == cudaSuccess);
    CHECK(lehr_device_live().libraries == 0);
}

/* Images that are no PTX, or PTX that is wrong; and a call that is told to fail. */
static void check_refusals(const char *text)
{
    cudaLibrary_t library;
    CHECK(load(&library, "\177ELF\2\1\1") == cudaErrorNoKernelImageForDevice);
    CHECK(load(&library, "no image of anything") == cudaErrorInvalidKernelImage);
    char *wrong = malloc(strlen(text) + 64);
    if (!wrong)
        exit(2);
    strcpy(wrong, text);
    strcat(wrong, ".entry wrong() { add.s32 %r1, 1, 2; }");
    CHECK(load(&library, wrong) == cudaErrorInvalidPtx);
    free(wrong);
    lehr_device_fail_at(1, cudaErrorMemoryAllocation, false);
    CHECK(load(&library, text) == cudaErrorMemoryAllocation);
    lehr_device_fail_at(1, cudaErrorLaunchFailure, false);
    const dim3 one = {1, 1, 1}, warp = {32, 1, 1}, large = {256, 1, 1};
    same_bits_args args = {NULL, 0, 0};
    void *arguments[] = {&args};
    const void *kernel = (const void *)same_bits_kernel;
    CHECK(cudaLaunchKernel(kernel, one, warp, arguments, 0, NULL) == cudaErrorLaunchFailure);
    CHECK(cudaGetLastError() == cudaErrorLaunchFailure && cudaGetLastError() == cudaSuccess);
    CHECK(cudaLaunchKernel(kernel, one, large, arguments, 0, NULL) != cudaSuccess);
    CHECK(cudaLaunchKernel(kernel, one, warp, arguments, 64 * 1024, NULL) != cudaSuccess);
    CHECK(cudaLaunchKernel(&one, one, warp, arguments, 0, NULL) == cudaErrorInvalidDeviceFunction);
    cudaGetLastError();
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    lehr_u64 *host = by_c();
    char *text = read_text(argv[1]);
    compare("linked", host, by_kernel((const void *)same_bits_kernel));
    check_library(host, text);
    check_refusals(text);
    free(host);
    free(text);
    printf("%d functions at %d arguments: %d failures\n", SAME_BITS_COUNT, COUNT, failures);
    return failures > 0;
}
