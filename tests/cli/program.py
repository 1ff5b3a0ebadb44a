"""Run lehr and read what it leaves behind, with the standard library only."""

import json
import math
import os
import resource
import shutil
import struct
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.environ.get("LEHR_SOURCE_DIR") or os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("LEHR_BUILD_DIR") or os.path.join(ROOT, "build/release")
LEHR = os.environ.get("LEHR_BIN") or os.path.join(BUILD, "lehr")
DATA = os.path.join(ROOT, "configs/data")
SECONDS = 120  # nothing here takes a tenth of it, even under sanitizers

TINY = """name: tiny
data:
  generator: {kind: moons, points: 60, noise: 0.1}
  test_fraction: 0.2
  validation_fraction: 0.2
network: {hidden: [4]}
temperatures: {rungs: 4, min: 1e-3, max: 1e-1, copies: 1}
exchange: {every: 5}
stop: {scans: 60}
output: {observe: 20}
threads: 1
"""


def strict_json(text):
    """One JSON value and nothing else; NaN and Infinity are not JSON."""

    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def read_safetensors(path):
    """({name: (shape, values)}, metadata), by hand: 8 bytes, JSON, float32."""
    with open(path, "rb") as file:
        content = file.read()
    length = struct.unpack("<Q", content[:8])[0]
    header = strict_json(content[8 : 8 + length].decode("utf-8"))
    metadata = header.pop("__metadata__", {})
    data, tensors = content[8 + length :], {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        assert entry["dtype"] == "F32" and end - begin == 4 * math.prod(entry["shape"])
        tensors[name] = (
            entry["shape"],
            struct.unpack("<%df" % ((end - begin) // 4), data[begin:end]),
        )
    return tensors, metadata


def limit_file_size(size_bytes):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own, in which everything is run."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lehr-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.write("tiny.yaml", TINY)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write(self, name, text):
        with open(self.path(name), "w" if isinstance(text, str) else "wb") as file:
            file.write(text)
        return self.path(name)

    def read(self, *names):
        with open(self.path(*names), encoding="utf-8") as file:
            return file.read()

    def read_bytes(self, *names):
        with open(self.path(*names), "rb") as file:
            return file.read()

    def start(self, *words, **options):
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        options.setdefault("cwd", self.folder)
        return subprocess.Popen([LEHR, *words], **options)

    def lehr(self, *words, code=0, **options):
        """Run to the end and check the exit code; stdout and stderr as text."""
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=SECONDS)
        done = subprocess.CompletedProcess(
            words,
            process.returncode,
            (out or b"").decode("utf-8", "replace"),
            (err or b"").decode("utf-8", "replace"),
        )
        self.assertEqual(
            done.returncode, code, "%s\n%s%s" % (" ".join(words), done.stdout, done.stderr)
        )
        return done

    def fails(self, *words, code, says, **options):
        """A failure: one sentence on stderr, nothing on stdout."""
        done = self.lehr(*words, code=code, **options)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertTrue(lines[0].startswith("lehr: "), lines[0])
        self.assertIn(says, lines[0])
        return done

    def run_json(self, *words, **options):
        return strict_json(self.lehr("run", *words, "--json", "-q", **options).stdout)

    def left_behind(self, *names):
        """Names in a folder, to see that no temporary is left."""
        return sorted(os.listdir(self.path(*names)))
