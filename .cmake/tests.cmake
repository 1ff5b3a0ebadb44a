# Tests: every tests/**/test_*.c is one Criterion program and one ctest test; every test_*.sh and test_*.py
# is a ctest test too. Name and label come from the folder: tests/core/test_rng.c is core/rng, label core.
# Files called test_long_* carry the label `long` as well; the presets leave them out. Shell scripts look at
# the tree or build for themselves, whatever this build is: label `once`, run by the preset `check` only.

include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER)
    enable_language(CXX)
    foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
        string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_${type} "${CMAKE_CXX_FLAGS_${type}}")
    endforeach()
endif()

# The library with the planted bugs compiled in and switched off: tests/laws link with it instead of lehr,
# so that LEHR_PLANT=<name> in the environment makes a law fail. Never installed.
lehr_engine(lehr_planted planted LEHR_PLANTS)
lehr_absent_objects(absent)
add_library(lehr_planted STATIC EXCLUDE_FROM_ALL ${planted} ${absent})
target_link_libraries(lehr_planted PRIVATE ${LEHR_LIBRARIES})

# What every test program is compiled with: the rules, Criterion and tests/support ("support/name.h").
file(GLOB support CONFIGURE_DEPENDS tests/support/*.c)
add_library(lehr_test_rules INTERFACE)
target_include_directories(lehr_test_rules INTERFACE "${PROJECT_SOURCE_DIR}/tests")
target_compile_definitions(lehr_test_rules INTERFACE LEHR_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
target_link_libraries(lehr_test_rules INTERFACE lehr_rules PkgConfig::LEHR_CRITERION ${LEHR_LIBRARIES})
set(test_extra "")
if(LEHR_SANITIZE MATCHES "thread")
    set(test_extra tests/house/tsan.c)
endif()
if(support)
    add_library(lehr_support STATIC ${support})
    target_link_libraries(lehr_support PUBLIC lehr_test_rules)
else()
    add_library(lehr_support INTERFACE)
    target_link_libraries(lehr_support INTERFACE lehr_test_rules)
endif()

# What a test finds in its environment. Sanitizers leave with codes that the program itself never gives.
set(test_environment
    LEHR_SOURCE_DIR=${PROJECT_SOURCE_DIR} LEHR_BUILD_DIR=${PROJECT_BINARY_DIR}
    LEHR_SANITIZE=${LEHR_SANITIZE} LEHR_CMAKE=${CMAKE_COMMAND} CC=${CMAKE_C_COMPILER}
    ASAN_OPTIONS=exitcode=99:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
    TSAN_OPTIONS=exitcode=98:halt_on_error=1)
if(TARGET lehr_program)
    list(APPEND test_environment LEHR_BIN=$<TARGET_FILE:lehr_program>)
endif()

# A disk that fails by chance, which tests/cli/torture.py loads into the program. Sanitizers must not see it:
# it stands between the program and the system.
add_library(lehr_bad_disk MODULE tests/cli/bad_disk.c)
target_link_libraries(lehr_bad_disk PRIVATE lehr_rules)
set_target_properties(lehr_bad_disk PROPERTIES C_VISIBILITY_PRESET default
    LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/cli")
if(LEHR_SANITIZE)
    target_compile_options(lehr_bad_disk PRIVATE -fno-sanitize=all)
    target_link_options(lehr_bad_disk PRIVATE -fno-sanitize=all)
endif()
list(APPEND test_environment LEHR_BAD_DISK_LIBRARY=$<TARGET_FILE:lehr_bad_disk>)

# Criterion passes a program whose tests are all skipped, and a test whose process reported a leak or a race
# at its end: the words of the output decide here.
set(bad_words "Tested: 0 " "ERROR: LeakSanitizer" "LeakSanitizer has encountered a fatal error"
    "WARNING: ThreadSanitizer")

set(test_seconds 300)
set(test_seconds_long 1800)
if(LEHR_SANITIZE OR LEHR_COVERAGE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(test_seconds 900)
    set(test_seconds_long 7200)
endif()

function(lehr_add_test path) # path below tests/; the command follows
    get_filename_component(folder ${path} DIRECTORY)
    get_filename_component(name ${path} NAME_WE)
    lehr_add_test_called(${folder}/${name} ${path} ${ARGN})
endfunction()

function(lehr_add_test_called test path) # FOLDER/test_NAME becomes the test FOLDER/NAME
    get_filename_component(folder ${test} DIRECTORY)
    get_filename_component(name ${test} NAME)
    string(REGEX REPLACE "^test_" "" name ${name})
    set(labels ${folder})
    set(seconds ${test_seconds})
    set(cost 1)
    if(path MATCHES "\\.sh$" OR test STREQUAL "cli/test_slurm") # about scripts, whatever instruments the program
        list(APPEND labels once)
        set(cost 10) # the longest ones first
    endif()
    if(test STREQUAL "cli/test_slurm")
        math(EXPR seconds "2 * ${seconds}") # it mostly waits for Slurm, whose every step a busy machine delays
    endif()
    if(name MATCHES "^long_")
        list(APPEND labels long)
        set(seconds ${test_seconds_long})
    endif()
    if(test MATCHES "_ptx$|^laws/.*_shim|cuda_(sweep|barriers|install)|^device/(test_)?(bugs|ptx|blas)$|budgets" OR
       (test MATCHES "^cli/test_cuda_faults$" AND NOT LEHR_SANITIZE)) # with a sanitizer it is much shorter
        list(APPEND labels cuda) # the CUDA backend's minutes: the preset `cuda` runs them, the others do not
        math(EXPR seconds "3 * ${seconds}")
    elseif(test MATCHES "cuda_.*_shim$")
        set(cost 5) # nor the next longest ones last
    elseif(test MATCHES "cuda_mpi$")
        math(EXPR seconds "3 * ${seconds}") # up to four ranks at a time wait for each other while others use the cores
    endif()
    # Each of them takes more minutes than a stage should.
    if(test MATCHES "cuda_sanitizers|^device/.*fast_ptx$" OR (LEHR_SANITIZE AND test MATCHES "cuda_.*_ptx$|(cases|fast)_shim$"))
        list(APPEND labels long)
        set(seconds ${test_seconds_long})
    endif()
    add_test(NAME ${folder}/${name} COMMAND ${ARGN})
    set_tests_properties(${folder}/${name} PROPERTIES LABELS "${labels}" TIMEOUT ${seconds} COST ${cost}
        ENVIRONMENT "${test_environment}" FAIL_REGULAR_EXPRESSION "${bad_words}" SKIP_RETURN_CODE 77)
endfunction()

function(lehr_add_test_program path)
    get_filename_component(folder ${path} DIRECTORY)
    get_filename_component(name ${path} NAME_WE)
    string(MAKE_C_IDENTIFIER "${folder}_${name}" target)
    add_executable(${target} tests/${path} ${test_extra})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${folder}")
    if(folder STREQUAL "laws")
        target_link_libraries(${target} PRIVATE lehr_support lehr_planted)
    elseif(TARGET lehr_cli)
        target_link_libraries(${target} PRIVATE lehr_support lehr_cli lehr_inside)
    else()
        target_link_libraries(${target} PRIVATE lehr_support lehr_inside)
    endif()
    lehr_add_test(${path} ${target} -j1)
endfunction()

include(device) # the CUDA backend on the CPU: lehr_add_device_programs()

file(GLOB_RECURSE paths CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/tests" tests/test_*.c)
foreach(path IN LISTS paths)
    if(path MATCHES "^device/|/test_(long_)?cuda_")
        lehr_add_device_programs(${path})
    else()
        lehr_add_test_program(${path})
    endif()
endforeach()

file(GLOB_RECURSE paths CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/tests" tests/test_*.sh)
foreach(path IN LISTS paths)
    lehr_add_test(${path} bash "${PROJECT_SOURCE_DIR}/tests/${path}")
endforeach()

file(GLOB_RECURSE paths CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/tests" tests/test_*.py)
find_package(Python3 COMPONENTS Interpreter QUIET)
if(Python3_FOUND)
    foreach(path IN LISTS paths)
        lehr_add_test(${path} "${Python3_EXECUTABLE}" "${PROJECT_SOURCE_DIR}/tests/${path}")
    endforeach()
elseif(paths)
    lehr_left_out("tests in Python" "no python3")
endif()

# What tests/parity/test_mpi.sh and test_cuda_mpi.sh start on several ranks.
function(lehr_add_mpi_driver name library)
    add_executable(${name} tests/parity/mpi_driver.c)
    set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/parity")
    target_link_libraries(${name} PRIVATE lehr_support ${library})
endfunction()
if(LEHR_WITH_MPI)
    lehr_add_mpi_driver(mpi_driver lehr_inside)
    if("shim" IN_LIST LEHR_TEST_DEVICES)
        lehr_add_mpi_driver(mpi_driver_shim lehr_shim)
    endif()
endif()

# cuRAND's own Philox, compiled for the host, against core/rng.h: needs only headers of the CUDA Toolkit.
find_path(LEHR_CURAND_HEADERS curand_philox4x32_x.h PATHS ENV CUDA_PATH PATHS /usr/local/cuda
          PATH_SUFFIXES include)
if(LEHR_CURAND_HEADERS AND CMAKE_CXX_COMPILER)
    add_executable(core_curand_words tests/core/curand_words.cpp)
    target_link_libraries(core_curand_words PRIVATE lehr_rules)
    target_include_directories(core_curand_words SYSTEM PRIVATE "${LEHR_CURAND_HEADERS}")
    lehr_add_test(core/curand_words.cpp core_curand_words)
else()
    lehr_left_out("test core/curand_words" "no curand_philox4x32_x.h of the CUDA Toolkit, or no C++ compiler")
endif()

# An install of an instrumented library is of no use to a plain consumer.
if(TEST house/install AND (LEHR_SANITIZE OR LEHR_COVERAGE OR LEHR_FUZZ))
    set_tests_properties(house/install house/cuda_install PROPERTIES DISABLED TRUE)
    lehr_left_out("test house/install" "instrumented build")
endif()

# A sanitizer must see what happens inside a Criterion process: these two programs leak and race.
function(lehr_add_bad_test name words)
    add_executable(house_${name} tests/house/${name}.c ${test_extra})
    target_link_libraries(house_${name} PRIVATE lehr_test_rules)
    add_test(NAME house/${name}_is_seen COMMAND house_${name})
    set_tests_properties(house/${name}_is_seen PROPERTIES LABELS house TIMEOUT 60
        ENVIRONMENT "${test_environment}" PASS_REGULAR_EXPRESSION "${words}")
endfunction()
if(LEHR_SANITIZE MATCHES "address")
    lehr_add_bad_test(leak "ERROR: LeakSanitizer")
elseif(LEHR_SANITIZE MATCHES "thread")
    lehr_add_bad_test(race "WARNING: ThreadSanitizer: data race")
endif()
