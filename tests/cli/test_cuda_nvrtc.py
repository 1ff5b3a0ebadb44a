"""Kernels compiled for one network: without NVRTC, with one that fails, from a broken cache: a run
goes on with the kernels for any network, says so, and its bits are the same.

The NVRTC here is made up by this test; it notes what it is asked for. That a real one's kernels
are right is for tests/parity to say."""

import os
import stat
import subprocess
import unittest

from cuda_program import HAS_NVRTC, NVRTC_NAMES, CudaTest, need_shim
from program import strict_json

# "compiles" everything to a few letters, or fails with NVRTC_ERROR_COMPILATION.
NVRTC = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int nvrtcVersion(int *major, int *minor) { *major = 13; *minor = 0; return 0; }
int nvrtcCreateProgram(void **program, const char *source, const char *name, int headers,
                       const char *const *texts, const char *const *names)
{
    (void)source, (void)name, (void)headers, (void)texts, (void)names;
    *program = malloc(1);
    return 0;
}
int nvrtcDestroyProgram(void **program) { free(*program); *program = 0; return 0; }
int nvrtcCompileProgram(void *program, int count, const char *const *options)
{
    FILE *log = fopen(getenv("NVRTC_LOG"), "a");
    (void)program;
    for (int i = 0; i < count; i++)
        if (strncmp(options[i], "--gpu-architecture=", 19) == 0)
            fprintf(log, "%s\n", options[i] + 19);
    fclose(log);
    return getenv("NVRTC_FAILS") ? 6 : 0;
}
int nvrtcGetCUBINSize(void *program, size_t *size) { (void)program; *size = 5; return 0; }
int nvrtcGetCUBIN(void *program, char *out) { (void)program; memcpy(out, "CUBIN", 5); return 0; }
int nvrtcGetPTXSize(void *program, size_t *size) { (void)program; *size = 4; return 0; }
int nvrtcGetPTX(void *program, char *out) { (void)program; memcpy(out, "PTX", 4); return 0; }
"""

ABSENT = "lehr: cuda: no NVRTC (libnvrtc.so) is here: kernels for any network run, more slowly"
USELESS = (
    "lehr: cuda: NVRTC made no kernel that this device loads: kernels for any network run, "
    "more slowly"
)


@unittest.skipUnless(HAS_NVRTC, "this build asks for no NVRTC")
class Nvrtc(CudaTest):
    def bring_nvrtc(self):
        source = self.write("nvrtc.c", NVRTC)
        library = self.path("lib", NVRTC_NAMES[0])
        words = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", library, source]
        subprocess.run(words, check=True)
        self.device["NVRTC_LOG"] = self.path("log")

    def compiled(self):
        """What the NVRTC was asked for since the last time."""
        if not os.path.exists(self.path("log")):
            return []
        words = self.read("log").split()
        os.remove(self.path("log"))
        return words

    def check_run(self, out, notice, **options):
        words = ("small.yaml", "-o", out, "--backend", "cuda", "--json")
        done = self.lehr("run", *words, **options)
        self.assertEqual(done.stderr.splitlines()[0], notice)
        self.assertEqual(strict_json(done.stdout)["state_hash"], self.right)

    def setUp(self):
        super().setUp()
        self.right = self.right_hash()

    def test_that_is_missing_is_told(self):
        self.check_run("new", ABSENT)
        quiet = self.lehr("run", "small.yaml", "-o", "quiet", "-q", "--backend", "cuda")
        self.assertEqual(quiet.stderr, "")
        self.assertNotIn("cache", self.left_behind())

    def test_that_lacks_a_function_is_missing(self):
        self.bring_nvrtc()
        self.write("nvrtc.c", NVRTC.replace("nvrtcGetPTXSize", "nvrtcGetOther"))
        library = self.path("lib", NVRTC_NAMES[0])
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, self.path("nvrtc.c")], check=True)
        self.check_run("new", ABSENT)

    def test_that_does_not_compile_is_told_and_nothing_is_kept(self):
        self.bring_nvrtc()
        self.check_run("new", USELESS, device={"NVRTC_FAILS": "1"})
        self.assertEqual(self.compiled(), ["sm_90", "compute_90"])
        self.assertNotIn("cache", self.left_behind())

    def test_is_asked_once_for_each_kernel(self):
        self.bring_nvrtc()
        self.check_run("first", USELESS)
        self.assertEqual(self.compiled(), ["sm_90", "compute_90"])
        self.assertEqual(len(self.left_behind("cache", "lehr")), 2)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("cache", "lehr")).st_mode), 0o700)
        self.check_run("second", USELESS)
        self.assertEqual(self.compiled(), [])
        words = ("small.yaml", "-o", "wide", "--backend", "cuda", "-s", "network.hidden=[4]")
        self.lehr("run", *words)
        self.assertEqual(self.compiled(), ["sm_90", "compute_90"])
        self.assertEqual(len(self.left_behind("cache", "lehr")), 4)

    def test_is_not_asked_by_a_plan(self):
        self.bring_nvrtc()
        self.lehr("plan", "small.yaml", "--backend", "cuda")
        self.assertEqual((self.compiled(), self.left_behind("lib")), ([], sorted(NVRTC_NAMES)))

    def test_makes_an_entry_of_the_cache_anew_that_is_broken(self):
        self.bring_nvrtc()
        self.check_run("first", USELESS)
        self.compiled()
        names = self.left_behind("cache", "lehr")
        whole = {name: self.read_bytes("cache", "lehr", name) for name in names}
        for i, spoil in enumerate(
            (
                lambda bytes: b"",
                lambda bytes: bytes[:-1],
                lambda bytes: bytes + b"x",
                lambda bytes: bytes[:-1] + b"x",
                lambda bytes: b"x" + bytes[1:],
                lambda bytes: bytes[:8] + b"\xff" * 8 + bytes[16:],
            )
        ):
            for name in names:
                with self.subTest(i=i, name=name):
                    self.write("cache/lehr/" + name, spoil(whole[name]))
                    self.check_run("new-%d-%s" % (i, name), USELESS)
                    self.assertEqual(len(self.compiled()), 1)
                    for one, bytes in whole.items():
                        self.assertEqual(self.read_bytes("cache", "lehr", one), bytes)
                    self.assertEqual(self.left_behind("cache", "lehr"), names)

    def test_works_without_a_cache(self):
        self.bring_nvrtc()
        for i, folder in enumerate(("/dev/null/cache", "/proc/cache")):
            self.check_run("new%d" % i, USELESS, device={"XDG_CACHE_HOME": folder})
            self.assertEqual(self.compiled(), ["sm_90", "compute_90"])

    def test_whose_kernel_kills_the_device_ends_the_run(self):
        self.bring_nvrtc()
        words = ("run", "small.yaml", "--backend", "cuda", "-q", "-o")
        calls = self.calls(*words, "healthy")
        first = 1 + calls.index("cudaLibraryLoadData")
        self.assertEqual(calls.count("cudaLibraryLoadData"), 2)
        fail = {"LEHR_DEVICE_FAIL": "%d:2" % first}
        self.check_run("new", USELESS, device=fail)
        fail = {"LEHR_DEVICE_FAIL": "%d:719:sticky" % first}
        says = "cuda:0: loading a specialized kernel: unspecified launch failure"
        self.fails(*words, "dead", code=69, says=says, device=fail)
        self.assertNotIn("dead", self.left_behind())


if __name__ == "__main__":
    need_shim()
    unittest.main()
