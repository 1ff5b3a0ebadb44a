# The library as object libraries, one per folder, and kernels/cpu/lanes*.c once per instruction set.
include(CheckCCompilerFlag)

# The instruction sets: name and flags. `plain` is the compiler's baseline; it is right everywhere.
set(LEHR_ISAS plain)
set(LEHR_ISA_FLAGS_plain "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    check_c_compiler_flag(-march=x86-64-v3 LEHR_COMPILER_HAS_V3)
    if(LEHR_COMPILER_HAS_V3)
        list(APPEND LEHR_ISAS v3)
        set(LEHR_ISA_FLAGS_v3 -march=x86-64-v3)
    endif()
endif()

# kernels/cuda is chosen apart: .cmake/cuda.cmake.
set(LEHR_FOLDERS src/base kernels/cpu src/model src/temper src/run src/study)

# Compile every folder once with the given definitions; the objects come back in ${objects}.
# The object libraries are called <prefix>_base, <prefix>_cpu, ..., <prefix>_lanes_<isa>.
function(lehr_engine prefix objects)
    set(all "")
    foreach(folder IN LISTS LEHR_FOLDERS)
        get_filename_component(name ${folder} NAME)
        file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/*.c")
        file(GLOB lanes CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/${folder}/lanes*.c")
        list(REMOVE_ITEM sources "" ${lanes} "${PROJECT_SOURCE_DIR}/${folder}/${LEHR_UNUSED_SOURCE}")
        if(sources)
            lehr_objects(${prefix}_${name} "${sources}" "${ARGN}")
            list(APPEND all $<TARGET_OBJECTS:${prefix}_${name}>)
        endif()
        if(lanes)
            foreach(isa IN LISTS LEHR_ISAS)
                lehr_objects(${prefix}_lanes_${isa} "${lanes}" "${ARGN};LEHR_ISA=${isa}")
                target_compile_options(${prefix}_lanes_${isa} PRIVATE ${LEHR_ISA_FLAGS_${isa}})
                list(APPEND all $<TARGET_OBJECTS:${prefix}_lanes_${isa}>)
            endforeach()
        endif()
    endforeach()
    if(TARGET ${prefix}_cpu AND "v3" IN_LIST LEHR_ISAS)
        target_compile_definitions(${prefix}_cpu PRIVATE LEHR_HAVE_V3)
    endif()
    set(${objects} ${all} PARENT_SCOPE)
endfunction()

function(lehr_objects target sources definitions)
    add_library(${target} OBJECT EXCLUDE_FROM_ALL ${sources})
    target_link_libraries(${target} PRIVATE lehr_rules ${LEHR_LIBRARIES})
    target_compile_definitions(${target} PRIVATE ${definitions})
    add_dependencies(${target} lehr_commit)
    if(target MATCHES "_planted_")
        set_target_properties(${target} PROPERTIES C_CLANG_TIDY "") # the same sources once more
    endif()
endfunction()
