/* specialize.c: what NVRTC, which compiles the specialized kernels of a run, says about one: ptxas' words on
 * standard output. Arguments: an architecture (90), then folders of headers; the source comes on standard
 * input. The options are those of jit.c. */
#include <nvrtc.h>
#include <stdio.h>
#include <stdlib.h>

enum { SOURCE_BYTES = 4096, FOLDERS_MOST = 8 };

int main(int count, char **arguments)
{
    char source[SOURCE_BYTES] = {0}, target[48], folder[FOLDERS_MOST][512];
    const char *options[4 + FOLDERS_MOST] = {"--std=c++17", "--fmad=false", target,
                                             "--ptxas-options=-v"};
    nvrtcProgram program;
    size_t bytes = 0;
    if (count < 2 || count > 2 + FOLDERS_MOST || fread(source, 1, sizeof source - 1, stdin) == 0)
        return EXIT_FAILURE;
    snprintf(target, sizeof target, "--gpu-architecture=sm_%s", arguments[1]);
    for (int i = 2; i < count; i++) {
        snprintf(folder[i - 2], sizeof folder[0], "--include-path=%s", arguments[i]);
        options[2 + i] = folder[i - 2];
    }
    if (nvrtcCreateProgram(&program, source, "lehr_scan.cu", 0, NULL, NULL) != NVRTC_SUCCESS)
        return EXIT_FAILURE;
    const nvrtcResult result = nvrtcCompileProgram(program, count + 2, options);
    if (nvrtcGetProgramLogSize(program, &bytes) == NVRTC_SUCCESS && bytes > 0) {
        char *words = malloc(bytes);
        if (words && nvrtcGetProgramLog(program, words) == NVRTC_SUCCESS)
            fputs(words, stdout);
        free(words);
    }
    nvrtcDestroyProgram(&program);
    return result == NVRTC_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
