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

if(LEHR_TEST_DEVICES)
    lehr_device_objects(lehr_device_runtime "${stand_in}")
    if(LEHR_SANITIZE MATCHES "thread") # what the scheduler does must not be seen: it annotates fibers itself
        target_compile_options(lehr_device_runtime PRIVATE -fno-sanitize=thread)
        target_compile_definitions(lehr_device_runtime PRIVATE LEHR_DEVICE_TSAN)
    endif()
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
    set(ptx_objects "")
    foreach(path IN LISTS LEHR_CUDA_KERNELS)
        get_filename_component(name ${path} NAME_WE)
        set(base "${folder}/${name}")
        set(loose "")
        if(name STREQUAL "fast") # hardware tanh, which is approximate
            set(loose ${CMAKE_COMMAND} -E env PTX_LOOSE=1)
        endif()
        add_custom_command(OUTPUT "${base}.o" "${base}.ptx" "${base}_kernels.o"
            COMMAND ${run} ptx_kernels plain "${folder}" "${path}" -I "${PROJECT_SOURCE_DIR}/kernels"
                    -I "${PROJECT_SOURCE_DIR}/include"
            COMMAND ${loose} ${run} ptx_translate plain "${folder}" "${base}.ptx"
            DEPENDS "${path}" ${headers} ${tools} COMMENT "Translating the PTX of ${name}.cu" VERBATIM)
        list(APPEND ptx_objects "${base}.o" "${base}_kernels.o")
    endforeach()

    lehr_device_objects(lehr_ptx_registry "${ptx}/registry.cpp;${ptx}/library.cpp")
    target_compile_definitions(lehr_ptx_registry PRIVATE LEHR_PTX_SOURCE_DIR="${PROJECT_SOURCE_DIR}")

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

# The laws of the test targets (quadratic, mixture, spins) once more, kept by the kernels. In optimized builds
# only: elsewhere they would take too long.
if("shim" IN_LIST LEHR_TEST_DEVICES AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT LEHR_SANITIZE)
    foreach(law gaussian mixture counted steps round_trips)
        lehr_add_device_program(laws/test_${law}.c shim lehr_shim)
        set_property(TEST laws/${law}_shim APPEND PROPERTY ENVIRONMENT LEHR_TEST_BACKEND=cuda)
    endforeach()
endif()
