"""lehr on several MPI ranks of this machine."""

import os
import shutil
import subprocess
import sys
import time

from program import BUILD, LEHR, SECONDS, ProgramTest


def built_with_mpi():
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as file:
        cache = file.read()
    return "MPI_C_LIB_NAMES" in cache and "LEHR_MPI:STRING=OFF" not in cache


def need_mpi():
    """Skip the whole file in a build without MPI, or where nothing starts ranks."""
    if not shutil.which("mpirun") or not built_with_mpi():
        print("no mpirun, or a build without MPI")
        sys.exit(77)


class RanksTest(ProgramTest):
    """A test that starts several ranks of a program."""

    program = LEHR

    def ranks(self, each, *words, **options):
        """each: how many, or the environment of every single one."""
        launch = ["mpirun", "-q", "--oversubscribe", "--bind-to", "none"]
        launch += ["--mca", "mpi_yield_when_idle", "1"]  # others may want the cores
        if os.geteuid() == 0:
            launch.append("--allow-run-as-root")
        for settings in [{}] if isinstance(each, int) else each:
            launch += ["-n", str(each if isinstance(each, int) else 1), "env"]
            launch += ["%s=%s" % setting for setting in settings.items()]
            launch += [self.program, *words, ":"]
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(launch[:-1], cwd=self.folder, **options)

    def end(self, process):
        out, err = process.communicate(timeout=SECONDS)
        return process.returncode, out.decode(), err.decode()

    def wait_for(self, *names):
        deadline = time.monotonic() + SECONDS
        while not os.path.exists(self.path(*names)):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
