/* jit.c: the scan kernel compiled for one run by NVRTC, with the shape of its network as constants.
 *
 * It computes the same bits as the kernel that nvcc made, faster: the chains of a whole layer run in registers
 * and loops have known ends. NVRTC is looked up when it is needed (it is part of the CUDA Toolkit, not of the
 * driver); without it, or for a shape too large to write out, the kernels of nvcc run. What was compiled is
 * kept by the callbacks of lehr_cache_fns under a hash of everything that went into it.             */
#define _GNU_SOURCE /* RTLD_DEFAULT's companions in dlfcn.h */
#include <dlfcn.h>
#include <nvrtc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "base/text.h"
#include "core/loss.h"
#include "cuda/cuda.h"
#include "cuda/embedded.h"

enum {
    LAYERS_MOST = 8,  /* layers are written out one after the other */
    WIDTH_MOST = 256, /* and the outputs of a layer 32 at a time */
    SOURCE_BYTES = 1024,
    KEY_BYTES = 40
};

/* What a user is told who gets slower kernels than there could be. */
static const char without_nvrtc[] =
    "cuda: no NVRTC (libnvrtc.so) is here: kernels for any network run, more slowly";
static const char without_code[] =
    "cuda: NVRTC made no kernel that this device loads: kernels for any network run, more slowly";

/* ---- NVRTC ------------------------------------------------------------------------------------- */

/* X(name): what is used of it. */
#define NVRTC_FUNCTIONS(X)                                                                         \
    X(nvrtcVersion)                                                                                \
    X(nvrtcCreateProgram)                                                                          \
    X(nvrtcDestroyProgram)                                                                         \
    X(nvrtcCompileProgram)                                                                         \
    X(nvrtcGetCUBINSize)                                                                           \
    X(nvrtcGetCUBIN)                                                                               \
    X(nvrtcGetPTXSize)                                                                             \
    X(nvrtcGetPTX)

typedef struct nvrtc {
    void *library;
#define X(name) __typeof__(&name) name;
    NVRTC_FUNCTIONS(X)
#undef X
} nvrtc;

/* False when it is not on this machine. */
static bool open_nvrtc(nvrtc *n)
{
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
    *n = (nvrtc){0};
    for (size_t i = 0; !n->library && i < sizeof names / sizeof *names; i++)
        n->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!n->library)
        return false;
    bool whole = true;
#define X(name)                                                                                    \
    {                                                                                              \
        void *symbol = dlsym(n->library, #name);                                                   \
        memcpy(&n->name, &symbol, sizeof symbol);                                                  \
        whole = whole && symbol;                                                                   \
    }
    NVRTC_FUNCTIONS(X)
#undef X
    if (!whole)
        dlclose(n->library);
    return whole;
}

/* ---- What is compiled -------------------------------------------------------------------------- */

static bool writes_out(const lehr_network *n)
{
    if (n->layers > LAYERS_MOST)
        return false;
    for (lehr_i32 l = 1; l <= n->layers; l++)
        if (n->size[l] > WIDTH_MOST)
            return false;
    return true;
}

/* The constants of fixed.cuh and the kernel. */
static void write_source(const lehr_cuda *cuda, lehr_text *out)
{
    const lehr_energy_args *e = &cuda->problem->args;
    const lehr_network *n = &e->network;
    lehr_text_add(out, "#define LEHR_FIXED_THREADS %d\n", cuda->plan.row_threads);
    lehr_text_add(out, "#define LEHR_FIXED_LAYERS %d\n#define LEHR_FIXED_SIZES %d", n->layers,
                  n->size[0]);
    for (lehr_i32 l = 1; l <= n->layers; l++)
        lehr_text_add(out, ", %d", n->size[l]);
    lehr_text_add(out,
                  "\n#define LEHR_FIXED_BIAS %d\n#define LEHR_FIXED_ACTIVATION %d\n"
                  "#define LEHR_FIXED_OUTPUT %d\n#define LEHR_FIXED_LOSS %d\n"
                  "#define LEHR_FIXED_TARGETS %d\n#include \"cuda/scan.cuh\"\n",
                  n->bias != 0, n->activation, n->output, e->loss, lehr_cuda_targets(e));
}

/* What a compilation is for: real code of an architecture, or PTX where no real code will do. */
typedef struct order {
    const char *source;
    int32_t architecture; /* 90: sm_90 */
    bool ptx;
} order;

/* 32 hex digits that stand for all that goes into a compilation. */
static void make_key(const order *o, int major, int minor, char key[KEY_BYTES])
{
    uint64_t hash[2];
    for (int h = 0; h < 2; h++) {
        const int32_t numbers[] = {h, major, minor, o->architecture, o->ptx};
        hash[h] = lehr_hash(LEHR_HASH_START, numbers, sizeof numbers);
        hash[h] = lehr_hash(hash[h], o->source, strlen(o->source));
        for (int i = 0; i < lehr_embedded_count; i++)
            hash[h] = lehr_hash(hash[h], lehr_embedded_texts[i], strlen(lehr_embedded_texts[i]));
    }
    snprintf(key, KEY_BYTES, "%016llx%016llx", (unsigned long long)hash[0],
             (unsigned long long)hash[1]);
}

/* ---- Compiling --------------------------------------------------------------------------------- */

/* Compiled code, allocated with malloc. */
typedef struct code {
    void *bytes;
    size_t size;
} code;

static bool fetch_code(const nvrtc *n, nvrtcProgram program, bool ptx, code *out)
{
    nvrtcResult result = ptx ? n->nvrtcGetPTXSize(program, &out->size)
                             : n->nvrtcGetCUBINSize(program, &out->size);
    if (result != NVRTC_SUCCESS || out->size == 0)
        return false;
    out->bytes = malloc(out->size);
    if (!out->bytes)
        return false;
    result = ptx ? n->nvrtcGetPTX(program, out->bytes) : n->nvrtcGetCUBIN(program, out->bytes);
    if (result == NVRTC_SUCCESS)
        return true;
    free(out->bytes);
    return false;
}

static bool compile(const nvrtc *n, const order *o, code *out)
{
    nvrtcProgram program = NULL;
    if (n->nvrtcCreateProgram(&program, o->source, "lehr_scan.cu", lehr_embedded_count,
                              lehr_embedded_texts, lehr_embedded_names) != NVRTC_SUCCESS)
        return false;
    char target[48];
    snprintf(target, sizeof target, "--gpu-architecture=%s_%d", o->ptx ? "compute" : "sm",
             o->architecture);
    const char *const options[] = {"--std=c++17", "--fmad=false", target};
    const bool done = n->nvrtcCompileProgram(program, sizeof options / sizeof *options, options) ==
                          NVRTC_SUCCESS &&
                      fetch_code(n, program, o->ptx, out);
    n->nvrtcDestroyProgram(&program);
    return done;
}

/* From the cache, or compiled and put there. */
static bool find_code(const lehr_cache_fns *cache, const nvrtc *n, const order *o, code *out)
{
    int major = 0, minor = 0;
    char key[KEY_BYTES];
    n->nvrtcVersion(&major, &minor);
    make_key(o, major, minor, key);
    if (cache->get) {
        out->bytes = cache->get(key, &out->size, cache->data);
        if (out->bytes)
            return true;
    }
    if (!compile(n, o, out))
        return false;
    if (cache->put)
        cache->put(key, out->bytes, out->size, cache->data);
    return true;
}

/* ---- Loading ----------------------------------------------------------------------------------- */

static cudaError_t load(lehr_cuda_device *d, const code *c, int32_t row_threads)
{
    char name[32];
    cudaKernel_t kernel = NULL;
    snprintf(name, sizeof name, "lehr_scan_%d_kernel", row_threads);
    cudaError_t status = cudaLibraryLoadData(&d->library, c->bytes, NULL, NULL, 0, NULL, NULL, 0);
    if (status == cudaSuccess)
        status = cudaLibraryGetKernel(&kernel, d->library, name);
    if (status == cudaSuccess) {
        d->scan_kernel = (const void *)kernel;
        return cudaSuccess;
    }
    if (d->library)
        (void)cudaLibraryUnload(d->library);
    d->library = NULL;
    return status;
}

/* Real code first; PTX, which the driver compiles, for a device that it does not fit. */
static lehr_status specialize(const lehr_cuda *cuda, lehr_cuda_device *d, const nvrtc *n, order *o)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        code c = {0};
        o->ptx = attempt == 1;
        if (!find_code(&cuda->options.cache, n, o, &c))
            continue;
        const cudaError_t status = load(d, &c, cuda->plan.row_threads);
        free(c.bytes);
        if (status == cudaSuccess)
            return LEHR_OK;
        if (lehr_cuda_lost(status))
            return lehr_cuda_check(status, d->index, "loading a specialized kernel");
        (void)cudaGetLastError();
    }
    d->notice = without_code;
    return LEHR_OK;
}

lehr_status lehr_cuda_specialize(const lehr_cuda *cuda, lehr_cuda_device *d)
{
    const lehr_energy_args *e = &cuda->problem->args;
    if (cuda->options.plain || cuda->plan.kept_floats > 0 || cuda->plan.path != LEHR_PATH_FUSED ||
        e->target != LEHR_TARGET_NETWORK || !writes_out(&e->network))
        return LEHR_OK;
    nvrtc n;
    if (!open_nvrtc(&n)) {
        d->notice = without_nvrtc;
        return LEHR_OK;
    }
    int major = 0, minor = 0;
    lehr_text source = {0};
    write_source(cuda, &source);
    lehr_status status = lehr_cuda_check(
        cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, d->index), d->index,
        "asking for the architecture");
    if (status == LEHR_OK)
        status = lehr_cuda_check(
            cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, d->index), d->index,
            "asking for the architecture");
    order o = {.source = source.data, .architecture = 10 * major + minor};
    if (status == LEHR_OK && source.data)
        status = specialize(cuda, d, &n, &o);
    lehr_text_free(&source);
    dlclose(n.library);
    return status;
}
