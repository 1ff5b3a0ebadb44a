"""lehr on a test device: kernels run on the CPU, and the CUDA runtime fails when told to.

Settings of the device are variables of the environment, see tests/device/control.h. A process that
leaves something on the device ends with exit code 97 (on_test_device.c)."""

import os
import re
import subprocess
import sys

from program import ProgramTest, strict_json

LEHR_SHIM = os.environ.get("LEHR_BIN_SHIM", "")
HAS_NVRTC = os.environ.get("LEHR_SHIM_NVRTC", "") == "1"  # the program asks for NVRTC
NVRTC_NAMES = ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so")

# Four copies of three rungs, four scans with two exchanges and three observations: all calls that
# larger runs make.
SMALL = """name: small
data:
  generator: {kind: moons, points: 30, noise: 0.1}
  test_fraction: 0.2
  validation_fraction: 0.2
network: {hidden: [3]}
temperatures: {rungs: 3, min: 1e-3, max: 1e-1, copies: 4}
exchange: {every: 2}
stop: {scans: 4}
output: {observe: 2}
threads: 1
"""


def need_shim():
    """Skip the whole file in a build without the program on a test device."""
    if not LEHR_SHIM:
        print("this build has no test device")
        sys.exit(77)


class CudaTest(ProgramTest):
    """A test whose program is the one on a test device."""

    def setUp(self):
        super().setUp()
        self.write("small.yaml", SMALL)
        # No NVRTC unless a test brings one: files of its names that are no libraries come first.
        os.mkdir(self.path("lib"))
        for name in NVRTC_NAMES:
            self.write("lib/" + name, "")
        self.device = {
            "LD_LIBRARY_PATH": self.path("lib"),
            "XDG_CACHE_HOME": self.path("cache"),
        }

    def start(self, *words, device=None, **options):
        """device: settings of the test device, for this process."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        env = {**os.environ, **self.device, **(device or {})}
        return subprocess.Popen([LEHR_SHIM, *words], cwd=self.folder, env=env, **options)

    def small(self, out, *words, **options):
        """A small run on the device; its result."""
        words = ("small.yaml", "-o", out, "--backend", "cuda") + words
        return self.run_json(*words, **options)

    def right_hash(self, *words):
        """The state hash of the small run on the CPU."""
        words = ("small.yaml", "-o", "right", "--backend", "cpu") + words
        return self.run_json(*words)["state_hash"]

    def calls(self, *words, device=None):
        """Names of the calls of the CUDA runtime that a program makes, in order."""
        done = self.lehr(*words, device={**(device or {}), "LEHR_DEVICE_TRACE": "1"})
        return re.findall(r"(?m)^test device: call \d+ (\S+): ", done.stderr)

    def tree(self, *names):
        """Each file below a folder: its bytes and when it was last changed."""
        found = {}
        for folder, _, files in os.walk(self.path(*names)):
            for name in files:
                path = os.path.join(folder, name)
                found[path] = (self.read_bytes(path), os.stat(path).st_mtime_ns)
        return found

    def devices(self, **device):
        """What `lehr devices` says of CUDA."""
        settings = {"LEHR_DEVICE_" + key: str(value) for key, value in device.items()}
        table = strict_json(self.lehr("devices", "--json", device=settings).stdout)
        return [one for one in table["devices"] if one["backend"].startswith("cuda")]
