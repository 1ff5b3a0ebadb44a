/* registry.h: which kernels there are, by the handles that hosts know them by. */
#ifndef LEHR_DEVICE_PTX_REGISTRY_H
#define LEHR_DEVICE_PTX_REGISTRY_H

#include <string>

#include "ptx/ptxrt.h"

namespace ptx
{

/* A handle is a host function that nvcc's stub registered, or a cudaKernel_t. NULL if it is neither; ends the
 * process if a stub's kernel was not translated. */
const Kernel *find_kernel(const void *handle);

/* What library.cpp adds and takes away. */
void add_handle(const void *handle, const Kernel *kernel);
void remove_handle(const void *handle);

/* Translate PTX text, compile it and load it; the same text is done once. NULL, with the reason on stderr, if
 * that fails. */
const Tables *load_text(const std::string &text);

} // namespace ptx

#endif
