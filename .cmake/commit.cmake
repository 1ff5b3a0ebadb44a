# base/version.h: version and git commit. Read when building, not when configuring, so never stale; the
# header is rewritten only when it changes. As a script (cmake -P) this file writes the header, as a module
# it adds the target lehr_commit that does so at every build.
#
# The commit is a short hash, with "+" when a file that the library is made of differs from it, and
# "unknown" without git or outside a checkout of this very project (an unpacked archive, a vendored copy).

function(lehr_read_commit source out)
    set(${out} "unknown" PARENT_SCOPE)
    find_program(GIT_EXECUTABLE git)
    if(NOT GIT_EXECUTABLE)
        return()
    endif()
    set(git ${GIT_EXECUTABLE} --no-optional-locks -C "${source}")
    execute_process(COMMAND ${git} rev-parse --show-prefix --short=10 HEAD
                    OUTPUT_VARIABLE answer RESULT_VARIABLE failed ERROR_QUIET)
    # First the folder inside the repository, empty at its top; then the hash.
    if(failed OR NOT answer MATCHES "^\n([0-9a-f]+)\n$")
        return()
    endif()
    set(commit "${CMAKE_MATCH_1}")
    execute_process(COMMAND ${git} status --porcelain -- CMakeLists.txt .cmake include kernels src
                    OUTPUT_VARIABLE changes ERROR_QUIET)
    if(changes)
        string(APPEND commit "+")
    endif()
    set(${out} "${commit}" PARENT_SCOPE)
endfunction()

function(lehr_write_version source version header)
    lehr_read_commit("${source}" commit)
    file(CONFIGURE OUTPUT "${header}" CONTENT "/* Written by the build: .cmake/commit.cmake. */
#ifndef LEHR_BASE_VERSION_H
#define LEHR_BASE_VERSION_H

#define LEHR_VERSION \"${version}\"
#define LEHR_COMMIT \"${commit}\"

#endif
")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
    lehr_write_version("${SOURCE}" "${VERSION}" "${HEADER}")
else()
    set(LEHR_VERSION_HEADER "${PROJECT_BINARY_DIR}/generated/base/version.h")
    add_custom_target(lehr_commit
        COMMAND ${CMAKE_COMMAND} -D SOURCE=${PROJECT_SOURCE_DIR} -D VERSION=${PROJECT_VERSION}
                -D HEADER=${LEHR_VERSION_HEADER} -P "${CMAKE_CURRENT_LIST_FILE}"
        BYPRODUCTS "${LEHR_VERSION_HEADER}"
        COMMENT "Reading the git commit" VERBATIM)
endif()
