/* abi.c: the numbers and layouts that objects of nvcc and the stand-in runtime must share. Printed once with the
 * shim's header and once with the toolkit's, the two lists must be equal.                                    */
#include <cuda_runtime_api.h>
#include <stddef.h>
#include <stdio.h>

#define NUMBER(name)        printf(#name " %d\n", (int)(name))
#define SIZE(type)          printf("size " #type " %zu\n", sizeof(type))
#define OFFSET(type, field) printf("offset " #type "." #field " %zu\n", offsetof(type, field))

static void print_errors(void)
{
    for (int code = 0; code < 1000; code++)
        switch (code) {
        case cudaSuccess:
        case cudaErrorInvalidValue:
        case cudaErrorMemoryAllocation:
        case cudaErrorInitializationError:
        case cudaErrorCudartUnloading:
        case cudaErrorInvalidConfiguration:
        case cudaErrorInvalidPitchValue:
        case cudaErrorInvalidSymbol:
        case cudaErrorInvalidDevicePointer:
        case cudaErrorInvalidMemcpyDirection:
        case cudaErrorInsufficientDriver:
        case cudaErrorDevicesUnavailable:
        case cudaErrorInvalidDeviceFunction:
        case cudaErrorNoDevice:
        case cudaErrorInvalidDevice:
        case cudaErrorInvalidKernelImage:
        case cudaErrorNoKernelImageForDevice:
        case cudaErrorECCUncorrectable:
        case cudaErrorInvalidPtx:
        case cudaErrorJitCompilerNotFound:
        case cudaErrorUnsupportedPtxVersion:
        case cudaErrorFileNotFound:
        case cudaErrorInvalidResourceHandle:
        case cudaErrorSymbolNotFound:
        case cudaErrorNotReady:
        case cudaErrorIllegalAddress:
        case cudaErrorLaunchOutOfResources:
        case cudaErrorLaunchTimeout:
        case cudaErrorAssert:
        case cudaErrorHardwareStackError:
        case cudaErrorIllegalInstruction:
        case cudaErrorMisalignedAddress:
        case cudaErrorLaunchFailure:
        case cudaErrorNotSupported:
        case cudaErrorSystemDriverMismatch:
        case cudaErrorUnknown:
            printf("%d %s: %s\n", code, cudaGetErrorName((cudaError_t)code),
                   cudaGetErrorString((cudaError_t)code));
        }
}

static void print_numbers(void)
{
    NUMBER(CUDART_VERSION / 1000);
    NUMBER(cudaMemcpyHostToHost);
    NUMBER(cudaMemcpyHostToDevice);
    NUMBER(cudaMemcpyDeviceToHost);
    NUMBER(cudaMemcpyDeviceToDevice);
    NUMBER(cudaMemcpyDefault);
    NUMBER(cudaStreamNonBlocking);
    NUMBER(cudaFuncAttributeMaxDynamicSharedMemorySize);
    NUMBER(cudaFuncAttributePreferredSharedMemoryCarveout);
    NUMBER(cudaDevAttrMaxThreadsPerBlock);
    NUMBER(cudaDevAttrMaxSharedMemoryPerBlock);
    NUMBER(cudaDevAttrTotalConstantMemory);
    NUMBER(cudaDevAttrWarpSize);
    NUMBER(cudaDevAttrMaxRegistersPerBlock);
    NUMBER(cudaDevAttrClockRate);
    NUMBER(cudaDevAttrMultiProcessorCount);
    NUMBER(cudaDevAttrKernelExecTimeout);
    NUMBER(cudaDevAttrIntegrated);
    NUMBER(cudaDevAttrComputeMode);
    NUMBER(cudaDevAttrConcurrentKernels);
    NUMBER(cudaDevAttrEccEnabled);
    NUMBER(cudaDevAttrPciBusId);
    NUMBER(cudaDevAttrPciDeviceId);
    NUMBER(cudaDevAttrMemoryClockRate);
    NUMBER(cudaDevAttrGlobalMemoryBusWidth);
    NUMBER(cudaDevAttrL2CacheSize);
    NUMBER(cudaDevAttrMaxThreadsPerMultiProcessor);
    NUMBER(cudaDevAttrAsyncEngineCount);
    NUMBER(cudaDevAttrUnifiedAddressing);
    NUMBER(cudaDevAttrComputeCapabilityMajor);
    NUMBER(cudaDevAttrComputeCapabilityMinor);
    NUMBER(cudaDevAttrMaxSharedMemoryPerMultiprocessor);
    NUMBER(cudaDevAttrMaxRegistersPerMultiprocessor);
    NUMBER(cudaDevAttrCooperativeLaunch);
    NUMBER(cudaDevAttrMaxSharedMemoryPerBlockOptin);
    NUMBER(cudaDevAttrMaxBlocksPerMultiprocessor);
    NUMBER(cudaDevAttrReservedSharedMemoryPerBlock);
}

static void print_layouts(void)
{
    SIZE(struct cudaDeviceProp);
    OFFSET(struct cudaDeviceProp, uuid);
    OFFSET(struct cudaDeviceProp, totalGlobalMem);
    OFFSET(struct cudaDeviceProp, warpSize);
    OFFSET(struct cudaDeviceProp, maxThreadsPerBlock);
    OFFSET(struct cudaDeviceProp, maxGridSize);
    SIZE(struct cudaFuncAttributes);
    OFFSET(struct cudaFuncAttributes, localSizeBytes);
    OFFSET(struct cudaFuncAttributes, numRegs);
    OFFSET(struct cudaFuncAttributes, binaryVersion);
    OFFSET(struct cudaFuncAttributes, maxDynamicSharedSizeBytes);
    OFFSET(struct cudaFuncAttributes, preferredShmemCarveout);
    SIZE(cudaUUID_t);
    SIZE(cudaStream_t);
    SIZE(dim3);
}

int main(void)
{
    print_errors();
    print_numbers();
    print_layouts();
    return 0;
}
