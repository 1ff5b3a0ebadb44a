# What can be chosen at configure time.
option(BUILD_SHARED_LIBS "Build liblehr as a shared library" OFF)
option(LEHR_TESTS "Build the tests (needs Criterion)" ${PROJECT_IS_TOP_LEVEL})
option(LEHR_BENCH "Build the programs of bench/" OFF)
option(LEHR_FUZZ "Build the libFuzzer targets of tests/fuzz (clang only)" OFF)
option(LEHR_WARNINGS_AS_ERRORS "Let every compiler warning fail the build" OFF)
option(LEHR_COVERAGE "Count executed lines (gcc, --coverage)" OFF)
set(LEHR_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=: \"address,undefined\" or \"thread\"")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug or RelWithDebInfo" FORCE)
endif()

if(LEHR_FUZZ AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "LEHR_FUZZ needs clang (libFuzzer), the compiler is ${CMAKE_C_COMPILER_ID}: "
                        "configure with -DCMAKE_C_COMPILER=clang")
endif()

# Optional backends: AUTO takes what is there and says what is not, ON insists, OFF leaves it out.
# Sets LEHR_WITH_<name> and LEHR_WITHOUT_<name> (the reason) for the summary.
function(lehr_backend_option name help sources)
    set(LEHR_${name} AUTO CACHE STRING "${help}: AUTO, ON or OFF")
    set_property(CACHE LEHR_${name} PROPERTY STRINGS AUTO ON OFF)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${sources})
    if(LEHR_${name} STREQUAL "AUTO")
        set(insist FALSE)
    elseif(LEHR_${name})
        set(insist TRUE)
    else()
        set(LEHR_WITHOUT_${name} "switched off" PARENT_SCOPE)
        return()
    endif()
    if(NOT found)
        if(insist)
            message(FATAL_ERROR "LEHR_${name}=ON: ${help} is not part of this version yet")
        endif()
        set(LEHR_WITHOUT_${name} "not part of this version yet" PARENT_SCOPE)
        return()
    endif()
    set(LEHR_WITH_${name} TRUE PARENT_SCOPE)
endfunction()

lehr_backend_option(CUDA "the CUDA backend" "${PROJECT_SOURCE_DIR}/kernels/cuda/*.cu")
lehr_backend_option(MPI "runs over MPI ranks" "${PROJECT_SOURCE_DIR}/src/run/*mpi*.c")

# Remember something that was left out, and why, for the summary.
function(lehr_left_out what why)
    set_property(GLOBAL APPEND PROPERTY LEHR_LEFT_OUT "${what}: ${why}")
endfunction()
