/* cuda_runtime_api.h: the part of the CUDA runtime's C interface that the project calls, for C and C++.
 *
 * Names, numbers and layouts are those of the CUDA Toolkit 13 (the numbers are stable since CUDA 10), so that
 * objects compiled with this header and with the toolkit's link to the same stand-in runtime. What is missing
 * here is not used, or would need support in tests/device first.                                         */
#ifndef LEHR_SHIM_CUDA_RUNTIME_API_H
#define LEHR_SHIM_CUDA_RUNTIME_API_H

#include <stddef.h>

#define CUDART_VERSION 13000

/* clang-format off */
#define LEHR_SHIM_ERRORS(X)                                                      \
    X(Success, 0, "no error")                                                    \
    X(ErrorInvalidValue, 1, "invalid argument")                                  \
    X(ErrorMemoryAllocation, 2, "out of memory")                                 \
    X(ErrorInitializationError, 3, "initialization error")                       \
    X(ErrorCudartUnloading, 4, "driver shutting down")                           \
    X(ErrorInvalidConfiguration, 9, "invalid configuration argument")            \
    X(ErrorInvalidPitchValue, 12, "invalid pitch argument")                      \
    X(ErrorInvalidSymbol, 13, "invalid device symbol")                           \
    X(ErrorInvalidDevicePointer, 17, "invalid device pointer")                   \
    X(ErrorInvalidMemcpyDirection, 21, "invalid copy direction for memcpy")      \
    X(ErrorInsufficientDriver, 35,                                               \
      "CUDA driver version is insufficient for CUDA runtime version")            \
    X(ErrorDevicesUnavailable, 46, "CUDA-capable device(s) is/are busy or unavailable") \
    X(ErrorInvalidDeviceFunction, 98, "invalid device function")                 \
    X(ErrorNoDevice, 100, "no CUDA-capable device is detected")                  \
    X(ErrorInvalidDevice, 101, "invalid device ordinal")                         \
    X(ErrorInvalidKernelImage, 200, "device kernel image is invalid")            \
    X(ErrorNoKernelImageForDevice, 209,                                          \
      "no kernel image is available for execution on the device")                \
    X(ErrorECCUncorrectable, 214, "uncorrectable ECC error encountered")         \
    X(ErrorInvalidPtx, 218, "a PTX JIT compilation failed")                      \
    X(ErrorJitCompilerNotFound, 221, "PTX JIT compiler library not found")       \
    X(ErrorUnsupportedPtxVersion, 222,                                           \
      "the provided PTX was compiled with an unsupported toolchain.")            \
    X(ErrorFileNotFound, 301, "file not found")                                  \
    X(ErrorInvalidResourceHandle, 400, "invalid resource handle")                \
    X(ErrorSymbolNotFound, 500, "named symbol not found")                        \
    X(ErrorNotReady, 600, "device not ready")                                    \
    X(ErrorIllegalAddress, 700, "an illegal memory access was encountered")      \
    X(ErrorLaunchOutOfResources, 701, "too many resources requested for launch") \
    X(ErrorLaunchTimeout, 702, "the launch timed out and was terminated")        \
    X(ErrorAssert, 710, "device-side assert triggered")                          \
    X(ErrorHardwareStackError, 714, "hardware stack error")                      \
    X(ErrorIllegalInstruction, 715, "an illegal instruction was encountered")    \
    X(ErrorMisalignedAddress, 716, "misaligned address")                         \
    X(ErrorLaunchFailure, 719, "unspecified launch failure")                     \
    X(ErrorNotSupported, 801, "operation not supported")                         \
    X(ErrorSystemDriverMismatch, 803,                                            \
      "system has unsupported display driver / cuda driver combination")         \
    X(ErrorUnknown, 999, "unknown error")
/* clang-format on */

#define LEHR_SHIM_ENUM(name, number, text) cuda##name = number,
typedef enum cudaError { LEHR_SHIM_ERRORS(LEHR_SHIM_ENUM) } cudaError_t;
#undef LEHR_SHIM_ENUM

enum cudaMemcpyKind {
    cudaMemcpyHostToHost = 0,
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost = 2,
    cudaMemcpyDeviceToDevice = 3,
    cudaMemcpyDefault = 4
};

enum cudaDeviceAttr {
    cudaDevAttrMaxThreadsPerBlock = 1,
    cudaDevAttrMaxBlockDimX = 2,
    cudaDevAttrMaxBlockDimY = 3,
    cudaDevAttrMaxBlockDimZ = 4,
    cudaDevAttrMaxGridDimX = 5,
    cudaDevAttrMaxGridDimY = 6,
    cudaDevAttrMaxGridDimZ = 7,
    cudaDevAttrMaxSharedMemoryPerBlock = 8,
    cudaDevAttrTotalConstantMemory = 9,
    cudaDevAttrWarpSize = 10,
    cudaDevAttrMaxRegistersPerBlock = 12,
    cudaDevAttrClockRate = 13,
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrKernelExecTimeout = 17,
    cudaDevAttrIntegrated = 18,
    cudaDevAttrComputeMode = 20,
    cudaDevAttrConcurrentKernels = 31,
    cudaDevAttrEccEnabled = 32,
    cudaDevAttrPciBusId = 33,
    cudaDevAttrPciDeviceId = 34,
    cudaDevAttrMemoryClockRate = 36,
    cudaDevAttrGlobalMemoryBusWidth = 37,
    cudaDevAttrL2CacheSize = 38,
    cudaDevAttrMaxThreadsPerMultiProcessor = 39,
    cudaDevAttrAsyncEngineCount = 40,
    cudaDevAttrUnifiedAddressing = 41,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76,
    cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
    cudaDevAttrMaxRegistersPerMultiprocessor = 82,
    cudaDevAttrCooperativeLaunch = 95,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
    cudaDevAttrMaxBlocksPerMultiprocessor = 106,
    cudaDevAttrReservedSharedMemoryPerBlock = 111
};

enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaFuncAttributePreferredSharedMemoryCarveout = 9
};

/* Only for cudaLibraryLoadData, which takes none here. */
enum cudaJitOption { cudaJitMaxRegisters = 0 };
enum cudaLibraryOption { cudaLibraryHostUniversalFunctionAndDataTable = 0 };

#define cudaStreamDefault     0x00
#define cudaStreamNonBlocking 0x01

typedef struct CUstream_st *cudaStream_t;
typedef struct CUkern_st *cudaKernel_t;
typedef struct CUlib_st *cudaLibrary_t;

struct CUuuid_st {
    char bytes[16];
};
typedef struct CUuuid_st cudaUUID_t;

/* The fields before `later` stand where they stand in CUDA 12 and 13; the rest is not filled. */
struct cudaDeviceProp {
    char name[256];
    cudaUUID_t uuid;
    char luid[8];
    unsigned int luidDeviceNodeMask;
    size_t totalGlobalMem;
    size_t sharedMemPerBlock;
    int regsPerBlock;
    int warpSize;
    size_t memPitch;
    int maxThreadsPerBlock;
    int maxThreadsDim[3];
    int maxGridSize[3];
    char later[1008 - 348];
};

struct cudaFuncAttributes {
    size_t sharedSizeBytes;
    size_t constSizeBytes;
    size_t localSizeBytes;
    int maxThreadsPerBlock;
    int numRegs;
    int ptxVersion;
    int binaryVersion;
    int cacheModeCA;
    int maxDynamicSharedSizeBytes;
    int preferredShmemCarveout;
    int later[7 + 16];
};

#ifdef __cplusplus
#define LEHR_SHIM_DEFAULT(value) = value
extern "C" {
struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int a = 1, unsigned int b = 1, unsigned int c = 1) : x(a), y(b), z(c)
    {
    }
};
#else
#define LEHR_SHIM_DEFAULT(value)
typedef struct dim3 {
    unsigned int x, y, z;
} dim3;
#endif

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device);
cudaError_t cudaDeviceGetPCIBusId(char *text, int length, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaDeviceSynchronize(void);

cudaError_t cudaMemGetInfo(size_t *available, size_t *total);
cudaError_t cudaMalloc(void **pointer, size_t bytes);
cudaError_t cudaFree(void *pointer);
cudaError_t cudaMemcpy(void *target, const void *source, size_t bytes, enum cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *target, const void *source, size_t bytes,
                            enum cudaMemcpyKind kind, cudaStream_t stream LEHR_SHIM_DEFAULT(0));
cudaError_t cudaMemcpy2DAsync(void *target, size_t target_pitch, const void *source,
                              size_t source_pitch, size_t width, size_t height,
                              enum cudaMemcpyKind kind, cudaStream_t stream LEHR_SHIM_DEFAULT(0));
cudaError_t cudaMemset(void *target, int value, size_t bytes);
cudaError_t cudaMemsetAsync(void *target, int value, size_t bytes,
                            cudaStream_t stream LEHR_SHIM_DEFAULT(0));

cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned int flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

cudaError_t cudaGetLastError(void);
cudaError_t cudaPeekAtLastError(void);
const char *cudaGetErrorName(cudaError_t code);
const char *cudaGetErrorString(cudaError_t code);

cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute attribute, int value);
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *attributes, const void *kernel);
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const void *kernel,
                                                          int threads, size_t dynamic_shared);

/* Answered with an error where no registry of translated PTX is linked: kernels compiled by g++ are launched by
 * lehr_shim_launch (cuda_runtime.h). */
cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **arguments,
                             size_t dynamic_shared, cudaStream_t stream);
cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code,
                                enum cudaJitOption *jit_options, void **jit_values,
                                unsigned int jit_count, enum cudaLibraryOption *options,
                                void **values, unsigned int count);
cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library, const char *name);
cudaError_t cudaLibraryUnload(cudaLibrary_t library);

#ifdef __cplusplus
}
#endif

#endif
