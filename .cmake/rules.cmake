# Flags of everything that is compiled, as one interface target.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Nothing hangs on NDEBUG: checks and assertions of the library are always on.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()

add_library(lehr_rules INTERFACE)
target_include_directories(lehr_rules INTERFACE
    "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}/kernels" "${PROJECT_SOURCE_DIR}/src"
    "${PROJECT_BINARY_DIR}/generated")
# Strict C17 hides POSIX; files that need more (_GNU_SOURCE) say so themselves.
target_compile_definitions(lehr_rules INTERFACE _POSIX_C_SOURCE=200809L)
# Same bits everywhere: no contraction. The other two change no result here, they let loops over sqrt and
# tanh become SIMD. Nothing else of -ffast-math, ever.
target_compile_options(lehr_rules INTERFACE
    -ffp-contract=off -fno-math-errno -fno-trapping-math
    -Wall -Wextra -Wpedantic -Wshadow -Wpointer-arith -Wvla
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes$<SEMICOLON>-Werror=implicit-function-declaration>)
if(LEHR_WARNINGS_AS_ERRORS)
    target_compile_options(lehr_rules INTERFACE -Werror)
endif()

set(instrument "")
if(LEHR_SANITIZE)
    list(APPEND instrument -fsanitize=${LEHR_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
endif()
if(LEHR_COVERAGE)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
        message(FATAL_ERROR "LEHR_COVERAGE needs gcc, the compiler is ${CMAKE_C_COMPILER_ID}")
    endif()
    list(APPEND instrument --coverage -fprofile-update=atomic)
endif()
# For the whole build, so that programs link with the matching run-time library; nvcc knows none of them.
add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:${instrument}>")
add_link_options(${instrument})
if(LEHR_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(LEHR_COVERAGE)
    add_custom_target(coverage COMMAND "${PROJECT_SOURCE_DIR}/.ci/coverage" "${PROJECT_SOURCE_DIR}"
                      "${PROJECT_BINARY_DIR}" COMMENT "Lines executed, per file" VERBATIM USES_TERMINAL)
endif()
