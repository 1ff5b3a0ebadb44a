# A script (cmake -P): write OUT, a C file with the headers that kernels are made of, for NVRTC. They are all
# kernels/cuda/*.cuh and, from there on, whatever "folder/name.h" they include, under kernels/ and include/
# of SOURCE.
cmake_policy(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/bytes.cmake")

file(GLOB paths RELATIVE "${SOURCE}/kernels" "${SOURCE}/kernels/cuda/*.cuh")
set(queue ${paths})
set(names "")
while(queue)
    list(POP_FRONT queue name)
    if(name IN_LIST names)
        continue()
    endif()
    set(path "")
    foreach(root IN ITEMS kernels include)
        if(EXISTS "${SOURCE}/${root}/${name}")
            set(path "${SOURCE}/${root}/${name}")
        endif()
    endforeach()
    if(NOT path)
        message(FATAL_ERROR "a kernel includes \"${name}\", which is in neither kernels nor include")
    endif()
    list(APPEND names "${name}")
    list(LENGTH names count)
    file(STRINGS "${path}" lines REGEX "^[ \t]*#[ \t]*include[ \t]+\"")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE ".*include[ \t]+\"([^\"]+)\".*" "\\1" included "${line}")
        list(APPEND queue "${included}")
    endforeach()
    lehr_bytes("${path}" bytes)
    string(APPEND arrays "\nstatic const unsigned char text_${count}[] = ${bytes};\n")
    string(APPEND name_list "    \"${name}\",\n")
    string(APPEND text_list "    (const char *)text_${count},\n")
endwhile()
list(LENGTH names count)
file(WRITE "${OUT}" "/* Written by the build: .cmake/embed.cmake. */
#include \"cuda/embedded.h\"
${arrays}
const int lehr_embedded_count = ${count};
const char *const lehr_embedded_names[] = {\n${name_list}};
const char *const lehr_embedded_texts[] = {\n${text_list}};
")
