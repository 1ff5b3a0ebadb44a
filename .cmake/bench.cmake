# Programs of bench/: every bench/bench_*.c is one, build/<preset>/bench/bench_<name>. They are measured, not
# tested; `lehr bench` in the program itself needs none of them.
file(GLOB paths CONFIGURE_DEPENDS bench/bench_*.c)
foreach(path IN LISTS paths)
    get_filename_component(name ${path} NAME_WE)
    add_executable(${name} ${path})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
    target_link_libraries(${name} PRIVATE lehr_rules lehr_inside ${LEHR_LIBRARIES})
endforeach()
if(NOT paths)
    lehr_left_out("programs of bench/" "bench holds none")
endif()
