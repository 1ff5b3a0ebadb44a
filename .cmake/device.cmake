# Test devices: the CUDA backend on machines without a GPU. Its kernels run on the CPU, one fiber per CUDA thread,
# against a stand-in for the CUDA runtime (tests/device).
#
#   lehr_shim  kernels and host files compiled by the host compilers, with the headers of tests/device/shim
#   lehr_ptx   nvcc's own host code, and nvcc's own PTX translated to C++; with LEHR_TEST_PTX, where nvcc is
#
# Both hold the whole engine with the planted bugs. tests/device/test_*.c and tests/parity/test_cuda_*.c become
# one program per device: ctest <folder>/<name>_shim, _ptx, and _gpu, the real library on a real GPU, which is
# skipped where there is none (an error instead with LEHR_REQUIRE_CUDA=1 in the environment). The macro
# LEHR_TEST_DEVICE is "shim", "ptx" or "gpu". A test that steers the stand-in (device/control.h) has no _gpu.

set(LEHR_TEST_DEVICES "")
file(GLOB stand_in CONFIGURE_DEPENDS tests/device/*.cpp)
if(NOT LEHR_TEST_SHIM)
    lehr_left_out("test devices for the CUDA backend" "switched off")
elseif(NOT CMAKE_CXX_COMPILER)
    lehr_left_out("test devices for the CUDA backend" "no C++ compiler")
elseif(LEHR_CUDA_KERNELS AND stand_in)
    list(APPEND LEHR_TEST_DEVICES shim)
endif()

# What C++ of a test device is compiled with: the same bits as everywhere, warnings, no strictness about the
# language, which CUDA is not.
add_library(lehr_device_rules INTERFACE)
target_include_directories(lehr_device_rules INTERFACE "${PROJECT_SOURCE_DIR}/tests/device/shim"
    "${PROJECT_SOURCE_DIR}/tests" "${PROJECT_SOURCE_DIR}/tests/device"
    $<TARGET_PROPERTY:lehr_rules,INTERFACE_INCLUDE_DIRECTORIES>)
target_compile_options(lehr_device_rules INTERFACE -ffp-contract=off -fno-math-errno -fno-trapping-math -Wall -Wextra)
if(LEHR_WARNINGS_AS_ERRORS)
    target_compile_options(lehr_device_rules INTERFACE -Werror)
endif()

function(lehr_device_objects target sources)
    add_library(${target} OBJECT EXCLUDE_FROM_ALL ${sources})
    target_link_libraries(${target} PRIVATE lehr_device_rules)
    set_target_properties(${target} PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
endfunction()

# ---- The stand-in, for both ----------------------------------------------------------------------------

# What the scheduler does must not be seen: it annotates fibers itself.
function(lehr_hide_from_tsan target)
    if(LEHR_SANITIZE MATCHES "thread")
        target_compile_options(${target} PRIVATE -fno-sanitize=thread)
        target_compile_definitions(${target} PRIVATE LEHR_DEVICE_TSAN)
    endif()
endfunction()

if(LEHR_TEST_DEVICES)
    lehr_device_objects(lehr_device_runtime "${stand_in}")
    lehr_hide_from_tsan(lehr_device_runtime)
endif()

# ---- lehr_shim -----------------------------------------------------------------------------------------

# Host files that tests/device has another one for: NVRTC's, which only the real toolkit can compile, and the
# one that loads cuBLAS.
set(LEHR_SHIM_EXCLUDED jit blas)

if("shim" IN_LIST LEHR_TEST_DEVICES)
    # A .cu file is CUDA to CMake, so C++ files include them.
    set(wrapped "")
    foreach(path IN LISTS LEHR_CUDA_KERNELS)
        get_filename_component(name ${path} NAME_WE)
        set(wrapper "${PROJECT_BINARY_DIR}/generated/shim/${name}.cpp")
        file(CONFIGURE OUTPUT "${wrapper}" CONTENT "#include \"cuda/${name}.cu\"\n")
        list(APPEND wrapped "${wrapper}")
    endforeach()
    lehr_device_objects(lehr_shim_kernels "${wrapped}")
    target_compile_definitions(lehr_shim_kernels PRIVATE LEHR_PLANTS)
    target_compile_options(lehr_shim_kernels PRIVATE -Wno-unknown-pragmas) # "unroll" is nvcc's
    # Tests run where they are built: with an instruction for fma, not a call of libm, they take half the time.
    execute_process(COMMAND grep -qw fma /proc/cpuinfo RESULT_VARIABLE without_fma OUTPUT_QUIET ERROR_QUIET)
    if("v3" IN_LIST LEHR_ISAS AND without_fma EQUAL 0)
        target_compile_options(lehr_shim_kernels PRIVATE ${LEHR_ISA_FLAGS_v3})
    endif()
    if(LEHR_SANITIZE)
        target_compile_options(lehr_shim_kernels PRIVATE -O1) # as translated PTX; -O2 compiles for minutes
    endif()
    if(LEHR_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        target_compile_options(lehr_shim_kernels PRIVATE -fsanitize-sections=lehr_shared)
    endif()

    set(host ${LEHR_CUDA_HOST})
    foreach(name IN LISTS LEHR_SHIM_EXCLUDED)
        list(FILTER host EXCLUDE REGEX "/${name}\\.c$")
    endforeach()
    list(APPEND host "${PROJECT_SOURCE_DIR}/tests/device/nvrtc_absent.c") # in the place of jit.c
    lehr_objects(lehr_shim_host "${host}" LEHR_PLANTS)
    target_include_directories(lehr_shim_host BEFORE PRIVATE "${PROJECT_SOURCE_DIR}/tests/device/shim")

    add_library(lehr_shim STATIC EXCLUDE_FROM_ALL ${planted} $<TARGET_OBJECTS:lehr_shim_host>
                $<TARGET_OBJECTS:lehr_shim_kernels> $<TARGET_OBJECTS:lehr_device_runtime>)
    target_link_libraries(lehr_shim PRIVATE ${LEHR_LIBRARIES})
endif()

# ---- lehr_ptx ------------------------------------------------------------------------------------------

set(ptx "${PROJECT_SOURCE_DIR}/tests/device/ptx")
if(LEHR_TEST_PTX AND LEHR_WITH_CUDA AND LEHR_TEST_DEVICES)
    find_package(Python3 COMPONENTS Interpreter QUIET)
    if(Python3_FOUND)
        list(APPEND LEHR_TEST_DEVICES ptx)
    else()
        lehr_left_out("test device ptx" "no python3")
    endif()
endif()

if("ptx" IN_LIST LEHR_TEST_DEVICES)
    # One run of nvcc gives the host's object and the PTX; the steps are the functions of build.sh.
    set(folder "${PROJECT_BINARY_DIR}/ptx")
    file(MAKE_DIRECTORY "${folder}")
    file(GLOB headers CONFIGURE_DEPENDS kernels/core/*.h kernels/cuda/*.h kernels/cuda/*.cuh include/lehr/*.h)
    file(GLOB tools CONFIGURE_DEPENDS tests/device/ptx/*)
    set(run ${CMAKE_COMMAND} -E env NVCC=${CMAKE_CUDA_COMPILER} CXX=${CMAKE_CXX_COMPILER}
            bash -c "source \"$1\" && shift && \"$@\"" bash "${ptx}/build.sh")
    set(mode plain)
    if(LEHR_SANITIZE MATCHES "address")
        set(mode asan)
    elseif(LEHR_SANITIZE MATCHES "thread")
        set(mode tsan)
    endif()
    set(ptx_objects "")
    foreach(path IN LISTS LEHR_CUDA_KERNELS)
        get_filename_component(name ${path} NAME_WE)
        set(base "${folder}/${name}")
        set(loose "")
        if(name STREQUAL "fast") # hardware tanh, which is approximate
            set(loose ${CMAKE_COMMAND} -E env PTX_LOOSE=1)
        endif()
        add_custom_command(OUTPUT "${base}.o" "${base}.ptx" "${base}_kernels.o"
            COMMAND ${run} ptx_kernels ${mode} "${folder}" "${path}" -I "${PROJECT_SOURCE_DIR}/kernels"
                    -I "${PROJECT_SOURCE_DIR}/include"
            COMMAND ${loose} ${run} ptx_translate ${mode} "${folder}" "${base}.ptx"
            DEPENDS "${path}" ${headers} ${tools} COMMENT "Translating the PTX of ${name}.cu" VERBATIM)
        list(APPEND ptx_objects "${base}.o" "${base}_kernels.o")
    endforeach()

    lehr_device_objects(lehr_ptx_registry "${ptx}/registry.cpp;${ptx}/library.cpp")
    target_compile_definitions(lehr_ptx_registry PRIVATE LEHR_PTX_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    lehr_hide_from_tsan(lehr_ptx_registry)

    set(host ${LEHR_CUDA_HOST})
    list(FILTER host EXCLUDE REGEX "/blas\\.c$")
    lehr_objects(lehr_ptx_host "${host};${LEHR_EMBEDDED_SOURCE}" LEHR_PLANTS)
    target_include_directories(lehr_ptx_host SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})

    # Translated kernels register themselves, and the registry replaces weak entries of the stand-in: in one
    # object with nvcc's stubs none of them can stay behind in the archive.
    set(joined "${folder}/joined.o")
    add_custom_command(OUTPUT "${joined}"
        COMMAND ${CMAKE_LINKER} -r -o "${joined}" ${ptx_objects} $<TARGET_OBJECTS:lehr_ptx_registry>
        DEPENDS ${ptx_objects} lehr_ptx_registry $<TARGET_OBJECTS:lehr_ptx_registry>
        COMMENT "Joining the translated kernels" COMMAND_EXPAND_LISTS VERBATIM)
    set_source_files_properties("${joined}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    add_library(lehr_ptx STATIC EXCLUDE_FROM_ALL ${planted} "${joined}" $<TARGET_OBJECTS:lehr_ptx_host>
                $<TARGET_OBJECTS:lehr_device_runtime>)
    target_link_libraries(lehr_ptx PRIVATE ${LEHR_LIBRARIES} ${CMAKE_DL_LIBS})
endif()

# ---- The program ---------------------------------------------------------------------------------------

# `lehr` itself on the shim, for tests/cli/test_cuda_*.py, which find it as LEHR_BIN_SHIM. Where the toolkit's
# headers are, it compiles kernels with the NVRTC that LD_LIBRARY_PATH names, though the shim can load none.
if("shim" IN_LIST LEHR_TEST_DEVICES AND TARGET lehr_cli)
    set(objects $<TARGET_OBJECTS:lehr_cli>)
    if(LEHR_WITH_CUDA)
        lehr_objects(lehr_shim_jit "${PROJECT_SOURCE_DIR}/kernels/cuda/jit.c;${LEHR_EMBEDDED_SOURCE}" LEHR_PLANTS)
        target_include_directories(lehr_shim_jit BEFORE PRIVATE "${PROJECT_SOURCE_DIR}/tests/device/shim")
        target_include_directories(lehr_shim_jit SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
        list(APPEND objects $<TARGET_OBJECTS:lehr_shim_jit>) # before the archive's nvrtc_absent.c
    endif()
    add_executable(lehr_program_shim src/main.c tests/cli/on_test_device.c ${objects} ${test_extra})
    set_target_properties(lehr_program_shim PROPERTIES OUTPUT_NAME lehr_shim ENABLE_EXPORTS ON
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/cli")
    target_include_directories(lehr_program_shim PRIVATE tests)
    target_link_libraries(lehr_program_shim PRIVATE lehr_rules lehr_shim)
    list(APPEND test_environment LEHR_BIN_SHIM=$<TARGET_FILE:lehr_program_shim>)
    if(LEHR_WITH_CUDA)
        list(APPEND test_environment LEHR_SHIM_NVRTC=1)
    endif()
endif()

# ---- Test programs -------------------------------------------------------------------------------------

function(lehr_add_device_program path device library)
    get_filename_component(folder ${path} DIRECTORY)
    get_filename_component(name ${path} NAME_WE)
    string(MAKE_C_IDENTIFIER "${folder}_${name}_${device}" target)
    add_executable(${target} tests/${path} ${test_extra})
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name}_${device} ENABLE_EXPORTS ON
        RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${folder}")
    target_compile_definitions(${target} PRIVATE LEHR_TEST_DEVICE="${device}")
    target_link_libraries(${target} PRIVATE lehr_support ${library})
    set(command $<TARGET_FILE:${target}> -j1)
    if(device STREQUAL "gpu")
        set(command bash "${PROJECT_SOURCE_DIR}/tests/house/on_gpu.sh" ${command})
    endif()
    lehr_add_test_called(${folder}/${name}_${device} ${path} ${command})
endfunction()

function(lehr_add_device_programs path)
    foreach(device IN LISTS LEHR_TEST_DEVICES)
        lehr_add_device_program(${path} ${device} lehr_${device})
    endforeach()
    file(STRINGS tests/${path} steers REGEX "\"device/control\\.h\"")
    if(LEHR_WITH_CUDA AND NOT steers)
        lehr_add_device_program(${path} gpu lehr_inside)
    endif()
endfunction()

# ---- Laws ----------------------------------------------------------------------------------------------

# The laws of the test targets (quadratic, mixture, spins) once more, and of early rejection, kept by the kernels. In optimized builds
# only: elsewhere they would take too long.
if("shim" IN_LIST LEHR_TEST_DEVICES AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT LEHR_SANITIZE)
    foreach(law gaussian mixture counted steps round_trips early)
        lehr_add_device_program(laws/test_${law}.c shim lehr_shim)
        set_property(TEST laws/${law}_shim APPEND PROPERTY ENVIRONMENT LEHR_TEST_BACKEND=cuda)
    endforeach()
    # One of them with 8 times the samples, for tests/laws/test_long_plants_shim.sh.
    add_executable(laws_test_counted_fine_shim tests/laws/test_counted.c)
    set_target_properties(laws_test_counted_fine_shim PROPERTIES OUTPUT_NAME test_counted_fine_shim
        ENABLE_EXPORTS ON RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/laws")
    target_compile_definitions(laws_test_counted_fine_shim PRIVATE LEHR_TEST_DEVICE="shim" LEHR_SAMPLES_CUT=4)
    target_link_libraries(laws_test_counted_fine_shim PRIVATE lehr_support lehr_shim)
endif()
