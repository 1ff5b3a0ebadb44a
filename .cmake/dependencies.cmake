# Libraries, by pkg-config. A missing one is named together with its Debian package.
set(THREADS_PREFER_PTHREAD_FLAG TRUE)
find_package(Threads REQUIRED)
find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
    message(FATAL_ERROR "pkg-config is missing: install the Debian package pkg-config (or run .ci/setup)")
endif()

function(lehr_require target module package why)
    pkg_check_modules(${target} QUIET IMPORTED_TARGET ${module})
    if(NOT ${target}_FOUND)
        message(FATAL_ERROR "${module} is missing (${why}): install the Debian package ${package} "
                            "(or run .ci/setup)")
    endif()
endfunction()

lehr_require(LEHR_YAML yaml-0.1 libyaml-dev "config files")
lehr_require(LEHR_JANSSON jansson libjansson-dev "JSON")
lehr_require(LEHR_ZLIB zlib zlib1g-dev "compressed data files")
lehr_require(LEHR_SQLITE sqlite3 libsqlite3-dev "collected results of sweeps")
lehr_require(LEHR_LAPACK lapack liblapack-dev "principal components of the inputs")
if(LEHR_TESTS)
    lehr_require(LEHR_CRITERION criterion libcriterion-dev "tests; or leave them out with -DLEHR_TESTS=OFF")
endif()

set(LEHR_LIBRARIES PkgConfig::LEHR_YAML PkgConfig::LEHR_JANSSON PkgConfig::LEHR_ZLIB PkgConfig::LEHR_SQLITE PkgConfig::LEHR_LAPACK Threads::Threads m)
