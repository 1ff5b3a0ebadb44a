#!/usr/bin/env bash
# Sizes: no source file over 600 lines, no function over 60 lines, and nothing new at the top level.
# Parameters and nesting are clang-tidy's (.clang-tidy). The test then plants what it must see.
set -u
root=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
top='CMakeLists.txt CMakePresets.json README.md src kernels include tests bench configs build runs'
file_lines=600
function_lines=60

sources() {
    find include kernels src tests bench .ci .cmake CMakeLists.txt -type f 2>/dev/null |
        grep -E '\.(c|h|cpp|cu|cuh|sh|py|cmake|txt)$|^\.ci/'
}

check_files() {
    sources | xargs wc -l | awk -v most=$file_lines '
        $2 != "total" && $1 > most { print $2 ": " $1 " lines, at most " most; bad = 1 } END { exit bad }'
}

# From the line of the name to the closing brace.
check_functions() {
    command -v ctags >/dev/null || { echo "functions not measured: no ctags"; return 0; }
    sources | grep -E '\.(c|h|cpp|cu|cuh)$' |
        ctags -L - --languages=C,C++ --map-C++=+.cu --map-C++=+.cuh --c-kinds=f --c++-kinds=f \
              --fields=+ne -f - 2>/dev/null |
        awk -F'\t' -v most=$function_lines '
            {
                first = last = 0
                for (i = 4; i <= NF; i++) {
                    if ($i ~ /^line:/) first = substr($i, 6)
                    if ($i ~ /^end:/) last = substr($i, 5)
                }
                if (last - first > most) {
                    print $2 ":" first ": " $1 " has " last - first " lines, at most " most
                    bad = 1
                }
            }
            END { exit bad }'
}

# What git knows at the top, or everything where there is no git.
check_top() {
    local name bad=0
    for name in $({ git ls-files 2>/dev/null | grep . || ls; } | grep -v '^\.' | cut -d/ -f1 | sort -u); do
        case " $top " in
        *" $name "*) ;;
        *) echo "$name: not one of the fixed top level"; bad=1 ;;
        esac
    done
    return $bad
}

check_all() {
    local bad=0
    check_files || bad=1
    check_functions || bad=1
    check_top || bad=1
    return $bad
}

cd "$root" || exit 1
failed=0
check_all || failed=1

# A copy without sources, one planted fault at a time.
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
planted() {
    local what=$1 file=$2
    mkdir -p "$work/src" && cat >"$work/$file"
    if (cd "$work" && check_all) >/dev/null; then
        echo "NOT SEEN: $what"
        failed=1
    fi
    rm -rf "$work/${file%%/*}"
}
seq 601 | sed 's/.*/int line;/' | planted "a file of 601 lines" src/plant.c
{ echo 'int f(void)'; echo '{'; seq 60 | sed 's/.*/    f();/'; echo '}'; } >"$work/long"
command -v ctags >/dev/null && planted "a function of 61 lines" src/plant.c <"$work/long"
{ echo '__global__ void f(int a)'; echo '{'; seq 60 | sed 's/.*/    g();/'; echo '}'; } >"$work/long"
command -v ctags >/dev/null && planted "a kernel of 61 lines" src/plant.cuh <"$work/long"
rm "$work/long"
planted "a new file at the top" notes.txt </dev/null
[ $failed -eq 0 ] && echo "$(sources | wc -l) files keep the sizes"
exit $failed
