# Fuzz targets: every tests/fuzz/fuzz_*.c is one libFuzzer program, build/<preset>/fuzz/fuzz_<name>. First
# inputs stand in tests/fuzz/seeds/<name>/. Run one with: fuzz_<name> -max_total_time=10 FOLDER SEEDS
file(GLOB paths CONFIGURE_DEPENDS tests/fuzz/fuzz_*.c)
foreach(path IN LISTS paths)
    get_filename_component(name ${path} NAME_WE)
    add_executable(${name} ${path})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/fuzz")
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(${name} PRIVATE lehr_rules lehr_inside ${LEHR_LIBRARIES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
endforeach()
if(NOT paths)
    lehr_left_out("fuzz targets" "tests/fuzz holds none")
endif()
