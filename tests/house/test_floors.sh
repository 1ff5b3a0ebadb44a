#!/usr/bin/env bash
# The floors: which folder may include which, seen in the output of gcc -MM, so through every header.
# The test then plants violations in a copy and must see each.
set -u
root=${LEHR_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cc=${CC:-cc}

# folder        may see, besides itself; device code (.cu, .cuh) less than the rest of its folder
floors='
include/lehr
kernels         include/lehr kernels/core
kernels/core    include/lehr
kernels/cpu     include/lehr kernels/core kernels src/base
kernels/cuda    include/lehr kernels/core kernels src/base
kernels/cuda/*.cu include/lehr kernels/core kernels/cuda
src/base        include/lehr
src/model       include/lehr kernels/core kernels src/base
src/temper      include/lehr kernels/core kernels src/base
src/run         include/lehr kernels/core kernels src/base src/model src/temper
src/study       include/lehr kernels/core kernels src/base src/model src/temper src/run
src/cli         include/lehr kernels/core kernels src/base src/model src/temper src/run src/study
src             include/lehr kernels/core kernels src/base src/model src/temper src/run src/study src/cli'

# Every include is "folder/name.h" or "backend.h"; no `..`; CUDA headers only in kernels/cuda and, for oracles, in core.
check_words() {
    find include kernels src tests bench -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' 2>/dev/null |
        xargs grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null | awk -F: '
        { line = $0; sub(/^[^:]*:[^:]*:[[:space:]]*#[[:space:]]*include[[:space:]]*/, "", line) }
        line ~ /^"/ && line !~ /^"(backend|[a-z0-9_]+\/[a-z0-9_]+)\.(h|cuh)"/ {
            print $1 ":" $2 ": includes " line " where \"folder/name.h\" is the rule"; bad = 1 }
        line ~ /^[<"].*\.\./ { print $1 ":" $2 ": includes " line " through .."; bad = 1 }
        line ~ /^<cu/ && $1 !~ /^(kernels\/(core|cuda)|tests|bench)\// {
            print $1 ":" $2 ": a CUDA header outside kernels: " line; bad = 1 }
        END { exit bad }'
}

# gcc -MM of many files; one line per file: the file, then all that it sees. -MG: base/version.h is written
# by the build. The definitions are those of kernels/cpu, where every header must come into view.
dependencies() {
    "$cc" -std=c17 -D_POSIX_C_SOURCE=200809L -DLEHR_HAVE_V3 -DLEHR_ISA=plain -MM -MG -I include -I kernels -I src \
          -x c "$@" | sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' -e 's/^[^:]*: *//'
}

# The given files of the current tree against the table.
check_floors() {
    dependencies "$@" | awk -v floors="$floors" -v files=$# '
        function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
        function floor(path) { return folder(path) (path ~ /\.cuh?$/ ? "/*.cu" : "") }
        function made(path, from) { # by the build, or by the CUDA Toolkit
            return path == "base/version.h" && from == "src/base" ||
                   path ~ /^(cuda\/embedded|cuda_runtime|cuda_runtime_api)\.h$/ && from == "kernels/cuda" }
        BEGIN {
            for (n = split(floors, row, "\n"); n > 0; n--) {
                split(row[n], word, " ")
                if (word[1] != "") sees[word[1]] = " " row[n] " "
            }
        }
        !(floor($1) in sees) { print $1 ": the folder " folder($1) " is in no floor"; bad = 1; next }
        {
            for (i = 2; i <= NF; i++) {
                if (index(sees[floor($1)], " " folder($i) " ")) continue
                if (made($i, folder($1))) continue
                print $1 ": must not see " $i ($i ~ /^(include|kernels|src)\// ? "" : ", which does not exist")
                bad = 1
            }
        }
        END {
            if (NR != files) print NR " of " files " files could be read"
            exit bad || NR != files
        }'
}

# Plant one line at the end of a file of a copy; the checks must name that file.
planted() {
    local file=$1 line=$2 said
    rm -rf "$work/copy" && mkdir "$work/copy" && cp -r include kernels src "$work/copy/" || exit 1
    if said=$(cd "$work/copy" && mkdir -p "$(dirname "$file")" && echo "$line" >>"$file" &&
              check_words && check_floors "$file" 2>&1); then
        echo "NOT SEEN: $line in $file"
        failed=1
    elif ! grep -q "^$file:" <<<"$said"; then
        echo "WRONG PLACE: $line in $file: $said"
        failed=1
    fi
}

cd "$root" || exit 1
failed=0
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
check_words || failed=1
mapfile -t files < <(find include kernels src -name '*.[ch]' -o -name '*.cu' -o -name '*.cuh' | sort)
check_floors "${files[@]}" || failed=1

planted src/temper/ladder.c '#include "model/objective.h"'   # sideways
planted src/model/plant.c '#include "temper/ladder.h"'       # sideways
planted src/base/text.c '#include "run/run.h"'               # upward
planted src/run/run.c '#include "study/model.h"'             # upward
planted kernels/core/real.h '#include "base/status.h"'       # core sees no base
planted kernels/cpu/plant.c '#include "run/run.h"'           # kernels see no run
planted include/lehr/status.h '#include "base/status.h"'     # a door shows nothing of the inside
planted src/base/text.c '#include "../run/run.h"'            # through ..
planted src/base/text.c '#include "text.h"'                  # without its folder
planted src/run/run.c '#include <cuda_runtime.h>'            # CUDA under src
planted src/extra/plant.c 'int plant;'                       # a folder of no floor
planted kernels/cuda/cuda.c '#include "run/run.h"'           # kernels see no run
planted kernels/cuda/scan.cuh '#include "base/status.h"'     # device code sees no base
planted kernels/cuda/scan.cu '#include "backend.h"'          # nor the host's table of operations
planted kernels/cpu/cpu.c '#include <cuda_runtime_api.h>'    # CUDA in another folder
[ $failed -eq 0 ] && echo "${#files[@]} files keep the floors; 15 planted violations were seen"
exit $failed
