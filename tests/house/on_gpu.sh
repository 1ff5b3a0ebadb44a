#!/usr/bin/env bash
# Run a test on a real GPU: on_gpu.sh PROGRAM ARGUMENTS. Without one it is skipped (77), or fails where
# LEHR_REQUIRE_CUDA=1 says that there must be one. The reason is that of `lehr devices`.
if ! "$LEHR_BIN" devices | grep -qE '^cuda:[0-9]+ +yes'; then
    "$LEHR_BIN" devices | grep '^cuda'
    [ "${LEHR_REQUIRE_CUDA:-}" = 1 ] && { echo "LEHR_REQUIRE_CUDA=1, and no usable GPU"; exit 1; }
    exit 77
fi
exec "$@"
