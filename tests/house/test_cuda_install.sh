#!/usr/bin/env bash
# test_install.sh, the CUDA backend included: a shared library with the CUDA runtime inside shows no symbol of it.
set -euo pipefail
grep -q '^CMAKE_CUDA_COMPILER:[A-Z]*=\/' "$LEHR_BUILD_DIR/CMakeCache.txt" || { echo "a build without CUDA"; exit 77; }
exec bash "$LEHR_SOURCE_DIR/tests/house/test_install.sh" with-cuda
