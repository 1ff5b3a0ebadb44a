/* library.cpp: cudaLibrary*: kernels that come as text while the program runs, as from NVRTC.
 *
 * PTX text is translated by ptx2c.py, compiled by g++ as this program was, and loaded; so the program must be
 * linked with -rdynamic, for the library to find the fibers. Machine code (cubin, fatbin) gets
 * cudaErrorNoKernelImageForDevice, as on a device that it was not made for.
 *
 * Environment:
 *   LEHR_SOURCE_DIR      the source tree; without it what -DLEHR_PTX_SOURCE_DIR="..." said at compile time
 *   LEHR_PTX_CXX         the compiler; g++ without it
 *   LEHR_PTX_FLAGS       more flags for the compiler
 *   LEHR_PTX_EXACT=1     translate with --exact
 *   LEHR_PTX_CACHE       a folder where results are kept by their text, for one run of tests: it does not
 *                        notice that a tool has changed                                                        */
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <set>
#include <unistd.h>

#include "device/runtime.h"
#include "ptx/registry.h"

#define LEHR_ENTRY extern "C" __attribute__((visibility("default")))

#ifndef LEHR_PTX_SOURCE_DIR
#define LEHR_PTX_SOURCE_DIR "."
#endif
#if defined(__SANITIZE_ADDRESS__)
#define LEHR_PTX_BUILD "-g -fsanitize=address"
#elif defined(LEHR_DEVICE_TSAN)
#define LEHR_PTX_BUILD "-g -fsanitize=thread"
#else
#define LEHR_PTX_BUILD ""
#endif

namespace
{

std::string setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value ? value : otherwise;
}

bool run(const std::string &command)
{
    return system(command.c_str()) == 0;
}

const char *instructions_of_this_machine()
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return " -march=x86-64-v3 ";
#endif
    return " ";
}

bool write_file(const std::string &path, const std::string &text)
{
    FILE *file = fopen(path.c_str(), "w");
    if (!file)
        return false;
    const bool written = fwrite(text.data(), 1, text.size(), file) == text.size();
    return fclose(file) == 0 && written;
}

/* FOLDER/kernels.ptx to FOLDER/kernels.so. */
bool build(const std::string &folder)
{
    const std::string tree = setting("LEHR_SOURCE_DIR", LEHR_PTX_SOURCE_DIR) + "/tests/device";
    const std::string exact = getenv("LEHR_PTX_EXACT") ? " --exact " : " ";
    return run("python3 -B '" + tree + "/ptx/ptx2c.py'" + exact + folder + "/kernels.ptx " +
               folder + "/kernels.cpp") &&
           run(setting("LEHR_PTX_CXX", "g++") + " '@" + tree + "/ptx/flags.txt' " LEHR_PTX_BUILD +
               instructions_of_this_machine() + setting("LEHR_PTX_FLAGS", "") + " -I'" + tree +
               "' -I'" + tree + "/..' -DLEHR_PTX_LIBRARY -shared " + folder + "/kernels.cpp -o " +
               folder + "/kernels.so");
}

const ptx::Tables *open_library(const std::string &path)
{
    /* Never closed: a launch that a stream still holds back may need it. */
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "lehr test device: %s\n", dlerror());
        return nullptr;
    }
    return static_cast<const ptx::Tables *>(dlsym(library, "lehr_ptx_tables"));
}

/* Into the cache and from there, if there is one. */
std::string cached_name(const std::string &text)
{
    const char *folder = getenv("LEHR_PTX_CACHE");
    const size_t hash = std::hash<std::string>()(text + LEHR_PTX_BUILD +
                                                 setting("LEHR_PTX_FLAGS", ""));
    return folder ? folder + ("/lehr-" + std::to_string(hash)) + ".so" : "";
}

const ptx::Tables *build_and_open(const std::string &text)
{
    const std::string kept = cached_name(text);
    if (!kept.empty() && access(kept.c_str(), R_OK) == 0)
        return open_library(kept);
    std::string folder = setting("LEHR_PTX_CACHE", setting("TMPDIR", "/tmp").c_str());
    folder += "/lehr-ptx-XXXXXX";
    if (!mkdtemp(&folder[0]))
        return nullptr;
    const ptx::Tables *tables = nullptr;
    if (write_file(folder + "/kernels.ptx", text) && build(folder))
        tables = open_library(folder + "/kernels.so");
    if (tables && !kept.empty())
        rename((folder + "/kernels.so").c_str(), kept.c_str());
    for (const char *name : {"/kernels.ptx", "/kernels.cpp", "/kernels.so"})
        unlink((folder + name).c_str());
    rmdir(folder.c_str());
    return tables;
}

/* Handles are addresses inside the object, so that two loads of one text differ. */
struct Library {
    const ptx::Tables *tables;
    std::map<std::string, std::unique_ptr<char>> kernels;
};

std::set<Library *> &libraries()
{
    static auto *set = new std::set<Library *>;
    return *set;
}

/* cudaSuccess if the image is PTX text. */
cudaError_t check_image(const std::string &start)
{
    if (start.compare(0, 4, "\177ELF") == 0 || start.compare(0, 4, "\x50\xed\x55\xba") == 0)
        return cudaErrorNoKernelImageForDevice;
    return start.find(".version") == std::string::npos ? cudaErrorInvalidKernelImage : cudaSuccess;
}

cudaError_t load(cudaLibrary_t *result, const char *code)
{
    if (!result || !code)
        return cudaErrorInvalidValue;
    const std::string text = code; /* of machine code, up to its first zero */
    const cudaError_t status = check_image(text);
    if (status != cudaSuccess)
        return status;
    const ptx::Tables *tables = ptx::load_text(text);
    if (!tables)
        return cudaErrorInvalidPtx;
    auto *library = new Library{tables, {}};
    libraries().insert(library);
    runtime::count_libraries(+1);
    *result = (cudaLibrary_t)library;
    return cudaSuccess;
}

const ptx::Kernel *kernel_of(const Library &library, const std::string &name)
{
    for (const ptx::Kernel *kernel = library.tables->kernels; kernel->name; kernel++)
        if (name == kernel->name)
            return kernel;
    return nullptr;
}

Library *known(cudaLibrary_t handle)
{
    const auto found = libraries().find((Library *)handle);
    return found == libraries().end() ? nullptr : *found;
}

void unload(Library *library)
{
    for (const auto &one : library->kernels) {
        runtime::set_dynamic_limit(one.second.get(), 0, (int)runtime::default_dynamic_limit);
        ptx::remove_handle(one.second.get());
    }
    libraries().erase(library);
    delete library;
    runtime::count_libraries(-1);
}

} // namespace

const ptx::Tables *ptx::load_text(const std::string &text)
{
    static auto *loaded = new std::map<std::string, const Tables *>;
    const auto found = loaded->find(text);
    if (found != loaded->end())
        return found->second;
    const Tables *tables = build_and_open(text);
    if (tables)
        (*loaded)[text] = tables;
    return tables;
}

LEHR_ENTRY cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code,
                                           cudaJitOption *, void **, unsigned, cudaLibraryOption *,
                                           void **, unsigned)
{
    runtime::Entry entry("cudaLibraryLoadData");
    if (entry.failed())
        return entry.status();
    return entry.done(load(library, static_cast<const char *>(code)));
}

LEHR_ENTRY cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t handle,
                                            const char *name)
{
    runtime::Entry entry("cudaLibraryGetKernel");
    if (entry.failed())
        return entry.status();
    Library *library = known(handle);
    if (!library)
        return entry.done(cudaErrorInvalidResourceHandle);
    const ptx::Kernel *found = kernel_of(*library, name);
    if (!found)
        return entry.done(cudaErrorSymbolNotFound);
    std::unique_ptr<char> &one = library->kernels[name];
    if (!one)
        one = std::make_unique<char>();
    ptx::add_handle(one.get(), found);
    *kernel = (cudaKernel_t)one.get();
    return entry.done(cudaSuccess);
}

LEHR_ENTRY cudaError_t cudaLibraryUnload(cudaLibrary_t handle)
{
    runtime::Entry entry("cudaLibraryUnload");
    Library *library = known(handle);
    if (library)
        unload(library);
    if (entry.failed())
        return entry.status();
    return entry.done(library ? cudaSuccess : cudaErrorInvalidResourceHandle);
}
