# The page of `lehr report`: its style and scripts (src/study/page) and Chart.js, in one generated C file of
# src/study. Without Chart.js the same file holds an empty library, and `lehr report` says what is missing.
set(LEHR_REPORT AUTO CACHE STRING "reports as web pages: AUTO, ON or OFF")
set_property(CACHE LEHR_REPORT PROPERTY STRINGS AUTO ON OFF)

set(LEHR_CHART_LIBRARY "")
set(LEHR_CHART_WORDS "not built: switched off")
if(LEHR_REPORT STREQUAL "AUTO" OR LEHR_REPORT)
    find_file(LEHR_CHART_JS chart.min.js PATHS /usr/share/javascript/chart.js NO_DEFAULT_PATH)
    if(LEHR_CHART_JS)
        # Version 2 and 4 have other options than 3, for which the page is written.
        file(STRINGS "${LEHR_CHART_JS}" first LIMIT_COUNT 1 REGEX "Chart\\.js v")
        if(first MATCHES "Chart\\.js v(3\\.[0-9.]+)")
            set(LEHR_CHART_LIBRARY "${LEHR_CHART_JS}")
            set(LEHR_CHART_WORDS "Chart.js ${CMAKE_MATCH_1}")
        else()
            set(LEHR_CHART_WORDS "not built: ${LEHR_CHART_JS} is not Chart.js 3")
        endif()
    else()
        set(LEHR_CHART_WORDS "not built: no chart.min.js, Debian package libjs-chart.js")
    endif()
endif()
if(LEHR_REPORT STREQUAL "ON" AND NOT LEHR_CHART_LIBRARY)
    message(FATAL_ERROR "LEHR_REPORT=ON: ${LEHR_CHART_WORDS} (or run .ci/setup)")
endif()

set(page "${PROJECT_SOURCE_DIR}/src/study/page")
set(scripts ${page}/base.js ${page}/chart.js ${page}/run.js ${page}/runs.js ${page}/sweeps.js ${page}/chains.js ${page}/main.js)
set(LEHR_PAGE_SOURCE "${PROJECT_BINARY_DIR}/generated/study/page_parts.c")
list(JOIN scripts "|" joined)
add_custom_command(OUTPUT "${LEHR_PAGE_SOURCE}"
    COMMAND ${CMAKE_COMMAND} -D STYLE=${page}/page.css -D "SCRIPTS=${joined}" -D "LIBRARY=${LEHR_CHART_LIBRARY}"
            -D OUT=${LEHR_PAGE_SOURCE} -P "${PROJECT_SOURCE_DIR}/.cmake/embed_page.cmake"
    DEPENDS ${page}/page.css ${scripts} ${LEHR_CHART_LIBRARY} "${PROJECT_SOURCE_DIR}/.cmake/embed_page.cmake"
            "${PROJECT_SOURCE_DIR}/.cmake/bytes.cmake"
    COMMENT "Embedding the page of reports" VERBATIM)
