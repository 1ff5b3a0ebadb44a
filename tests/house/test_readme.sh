#!/usr/bin/env bash
# The program in README.md compiles without a warning against the library and finds what it says.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk '/^```c$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$LEHR_SOURCE_DIR/README.md" >"$work/fold.c"
[ "$(wc -l <"$work/fold.c")" -gt 20 ] || { echo "README.md has no program"; exit 1; }
sanitize=$(grep -oP '^LEHR_SANITIZE:[A-Z]+=\K.*' "$LEHR_BUILD_DIR/CMakeCache.txt" || true)
libraries="$(pkg-config --libs yaml-0.1 jansson zlib sqlite3 lapack) $(sed -n 's/^Libs.private: //p' "$LEHR_BUILD_DIR/lehr.pc")"
"${CC:-cc}" -std=c17 -Wall -Wextra -Werror ${sanitize:+-fsanitize=$sanitize} -I"$LEHR_SOURCE_DIR/include" "$work/fold.c" \
    "$LEHR_BUILD_DIR/liblehr.a" $libraries -o "$work/fold"
output=$("$work/fold")
echo "$output"
[[ $output == "lowest energy 0 after "* ]]
