# What can be chosen at configure time.
option(BUILD_SHARED_LIBS "Build liblehr as a shared library" OFF)
option(LEHR_TESTS "Build the tests (needs Criterion)" ${PROJECT_IS_TOP_LEVEL})
option(LEHR_TEST_SHIM "Build the tests of the CUDA backend on the CPU, from the kernels' source" ON)
option(LEHR_TEST_PTX "Build the tests of the CUDA backend also on nvcc's PTX, run on the CPU (minutes)" OFF)
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

# Remember something that was left out, and why, for the summary.
function(lehr_left_out what why)
    set_property(GLOBAL APPEND PROPERTY LEHR_LEFT_OUT "${what}: ${why}")
endfunction()
