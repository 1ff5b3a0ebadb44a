# The CUDA backend, kernels/cuda: is there a compiler for it, with which flags, and what takes its place.
#
# LEHR_CUDA=AUTO takes the CUDA Toolkit that is there and says why when there is none, ON insists, OFF leaves
# it out. Afterwards LEHR_WITH_CUDA is set, or LEHR_WITHOUT_CUDA is the reason. The program loads no library of
# the driver: cudart is linked in as an archive, and everything else is looked up when it is needed.
set(LEHR_CUDA AUTO CACHE STRING "the CUDA backend: AUTO, ON or OFF")
set_property(CACHE LEHR_CUDA PROPERTY STRINGS AUTO ON OFF)
set(LEHR_CUDA_OLDEST 12.8) # the first whose runtime loads compiled kernels: cudaLibraryLoadData

# Real code for every generation from Turing on, and PTX of the newest one for what comes after it. Those that
# the nvcc at hand does not know are left out; CMAKE_CUDA_ARCHITECTURES, when given, is taken as it is. The presets
# with tests take the oldest alone, whose PTX the driver translates for every other (a seventh of the time); `cuda` the
# oldest and the newest, and house/budgets those between.
set(LEHR_CUDA_ARCHITECTURES 75 80 86 89 90 100 120 CACHE STRING "GPUs to compile for, as compute capabilities")

# ---- What there is -------------------------------------------------------------------------------------

# nvcc, in ${LEHR_NVCC}; why it is of no use, in ${reason}, or nothing.
function(lehr_look_for_nvcc reason)
    find_program(LEHR_NVCC NAMES ${CMAKE_CUDA_COMPILER} $ENV{CUDACXX} nvcc
                 PATHS ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
    if(NOT LEHR_NVCC)
        set(${reason} "no nvcc" PARENT_SCOPE)
        return()
    endif()
    execute_process(COMMAND "${LEHR_NVCC}" --version OUTPUT_VARIABLE words ERROR_QUIET)
    if(NOT words MATCHES "release ([0-9]+\\.[0-9]+)")
        set(${reason} "${LEHR_NVCC} does not say its version" PARENT_SCOPE)
    elseif(CMAKE_MATCH_1 VERSION_LESS LEHR_CUDA_OLDEST)
        set(${reason} "nvcc ${CMAKE_MATCH_1} is older than ${LEHR_CUDA_OLDEST}" PARENT_SCOPE)
    endif()
endfunction()

# Those of LEHR_CUDA_ARCHITECTURES that nvcc knows, the last one with PTX.
function(lehr_cut_architectures out)
    execute_process(COMMAND "${LEHR_NVCC}" --list-gpu-code OUTPUT_VARIABLE words)
    set(known "")
    foreach(number IN LISTS LEHR_CUDA_ARCHITECTURES)
        if(words MATCHES "sm_${number}[^0-9]")
            list(APPEND known ${number})
        endif()
    endforeach()
    if(NOT known)
        set(${out} all-major PARENT_SCOPE)
        return()
    endif()
    list(TRANSFORM known APPEND -real)
    list(POP_BACK known newest)
    string(REPLACE -real "" newest "${newest}")
    set(${out} ${known} ${newest} PARENT_SCOPE)
endfunction()

set(LEHR_WITHOUT_CUDA "")
if(NOT LEHR_CUDA STREQUAL "AUTO" AND NOT LEHR_CUDA)
    set(LEHR_WITHOUT_CUDA "switched off")
else()
    lehr_look_for_nvcc(LEHR_WITHOUT_CUDA)
endif()
if(NOT LEHR_WITHOUT_CUDA)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES) # `native` is an error where no GPU is
        lehr_cut_architectures(CMAKE_CUDA_ARCHITECTURES)
    endif()
    set(ENV{CUDACXX} "${LEHR_NVCC}")
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
        enable_language(CUDA)
        find_package(CUDAToolkit REQUIRED)
        set(LEHR_WITH_CUDA TRUE)
    else()
        set(LEHR_WITHOUT_CUDA "${LEHR_NVCC} does not work, perhaps for want of a C++ compiler")
    endif()
elseif(LEHR_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LEHR_CUDA=ON: ${LEHR_WITHOUT_CUDA}")
endif()

# ---- Flags ---------------------------------------------------------------------------------------------

file(GLOB LEHR_CUDA_HOST CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/cuda/*.c")
file(GLOB LEHR_CUDA_KERNELS CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/cuda/*.cu")
list(FILTER LEHR_CUDA_HOST EXCLUDE REGEX "/absent\\.c$")
set(LEHR_CUDA_LIBRARIES "")

if(LEHR_WITH_CUDA)
    set(LEHR_CUDA_LIBRARIES CUDA::cudart_static)
    # As lehr_rules for the rest: same bits, so no contraction. What nvcc makes of a kernel for the host is
    # neither ISO C++ nor ours, so the pedantic warnings stay away. Without exceptions, type information and
    # guards around the handles of nvcc's stubs (two threads would write the same value) the library needs
    # no C++ run-time library.
    add_library(lehr_cuda_rules INTERFACE)
    target_include_directories(lehr_cuda_rules INTERFACE
        $<TARGET_PROPERTY:lehr_rules,INTERFACE_INCLUDE_DIRECTORIES>)
    target_compile_options(lehr_cuda_rules INTERFACE
        -fmad=false --threads=2
        -Xcompiler=-Wall,-Wextra,-ffp-contract=off,-fno-exceptions,-fno-rtti,-fno-threadsafe-statics)
    if(LEHR_WARNINGS_AS_ERRORS)
        target_compile_options(lehr_cuda_rules INTERFACE --Werror=all-warnings)
    endif()
endif()

# ---- The kernels' text, for NVRTC ----------------------------------------------------------------------

# cuda/embedded.h and its other half: every header that a kernel is made of, as bytes.
set(LEHR_EMBEDDED_HEADER "${PROJECT_BINARY_DIR}/generated/cuda/embedded.h")
file(CONFIGURE OUTPUT "${LEHR_EMBEDDED_HEADER}" CONTENT "/* Written by the build: .cmake/cuda.cmake. */
#ifndef LEHR_CUDA_EMBEDDED_H
#define LEHR_CUDA_EMBEDDED_H

/* The headers that kernels are made of, under the names by which they are included; texts end with 0. */
extern const char *const lehr_embedded_names[];
extern const char *const lehr_embedded_texts[];
extern const int lehr_embedded_count;

#endif
")
set(LEHR_EMBEDDED_SOURCE "${PROJECT_BINARY_DIR}/generated/cuda/embedded.c")
file(GLOB embedded CONFIGURE_DEPENDS kernels/core/*.h kernels/cuda/*.h kernels/cuda/*.cuh include/lehr/*.h)
add_custom_command(OUTPUT "${LEHR_EMBEDDED_SOURCE}"
    COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D OUT=${LEHR_EMBEDDED_SOURCE}
            -P "${PROJECT_SOURCE_DIR}/.cmake/embed.cmake"
    DEPENDS ${embedded} "${PROJECT_SOURCE_DIR}/.cmake/embed.cmake" "${PROJECT_SOURCE_DIR}/.cmake/bytes.cmake"
    COMMENT "Embedding the text of the kernels" VERBATIM)

# ---- Objects -------------------------------------------------------------------------------------------

# What stands in for the backend in a build, or a test library, without it.
function(lehr_absent_objects objects)
    if(NOT TARGET lehr_cuda_absent)
        lehr_objects(lehr_cuda_absent "${PROJECT_SOURCE_DIR}/kernels/cuda/absent.c" "")
    endif()
    set(${objects} $<TARGET_OBJECTS:lehr_cuda_absent> PARENT_SCOPE)
endfunction()

# The backend. The kernels' objects are joined into one file, so that CMake does not take everything that
# links with liblehr for a CUDA program: nothing of it needs nvcc's linking, here or at a consumer's.
function(lehr_present_objects objects)
    lehr_objects(lehr_cuda "${LEHR_CUDA_HOST};${LEHR_EMBEDDED_SOURCE}" "")
    target_include_directories(lehr_cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
    add_library(lehr_cuda_kernels OBJECT EXCLUDE_FROM_ALL ${LEHR_CUDA_KERNELS})
    target_link_libraries(lehr_cuda_kernels PRIVATE lehr_cuda_rules)
    set_target_properties(lehr_cuda_kernels PROPERTIES CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON
                          CUDA_EXTENSIONS OFF CUDA_VISIBILITY_PRESET hidden)
    set(joined "${PROJECT_BINARY_DIR}/lehr_cuda_kernels.o")
    add_custom_command(OUTPUT "${joined}"
        COMMAND ${CMAKE_LINKER} -r -o "${joined}" $<TARGET_OBJECTS:lehr_cuda_kernels>
        DEPENDS lehr_cuda_kernels $<TARGET_OBJECTS:lehr_cuda_kernels>
        COMMENT "Joining the kernels" COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties("${joined}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    set(${objects} $<TARGET_OBJECTS:lehr_cuda> "${joined}" PARENT_SCOPE)
endfunction()

function(lehr_cuda_objects objects)
    if(LEHR_WITH_CUDA)
        lehr_present_objects(found)
    else()
        lehr_absent_objects(found)
    endif()
    set(${objects} ${found} PARENT_SCOPE)
endfunction()
