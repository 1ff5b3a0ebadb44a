# A script (cmake -P): write OUT, a C file with what the page of a report is made of: STYLE, SCRIPTS in their
# order, and LIBRARY, the chart library (empty: there is none, and the program says so).
cmake_policy(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/bytes.cmake")

function(lehr_append name path)
    set(bytes "{0}")
    if(path)
        # They stand inside an element of the page, which these words would end.
        file(READ "${path}" text)
        if(text MATCHES "</[Ss][CcTt]|<!--")
            message(FATAL_ERROR "${path} holds words that end a script or a style sheet")
        endif()
        lehr_bytes("${path}" bytes)
    endif()
    set(arrays "${arrays}\nstatic const unsigned char ${name}[] = ${bytes};\n" PARENT_SCOPE)
endfunction()

set(arrays "")
lehr_append(style "${STYLE}")
lehr_append(library "${LIBRARY}")
set(count 0)
set(list "")
string(REPLACE "|" ";" scripts "${SCRIPTS}")
foreach(path IN LISTS scripts)
    math(EXPR count "${count} + 1")
    lehr_append(script_${count} "${path}")
    string(APPEND list "    (const char *)script_${count},\n")
endforeach()
file(WRITE "${OUT}" "/* Written by the build: .cmake/embed_page.cmake. */
#include \"study/page.h\"
${arrays}
const char *const lehr_page_style = (const char *)style;
const char *const lehr_page_library = (const char *)library;
const int lehr_page_script_count = ${count};
const char *const lehr_page_scripts[] = {\n${list}};
")
