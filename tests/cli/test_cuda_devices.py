"""Finding, choosing and filling CUDA devices: what the program says, and with which exit code."""

import re
import unittest

from cuda_program import CudaTest, need_shim
from program import strict_json

ALWAYS_209 = ":209:sticky"  # no kernel image for this device
MANY = ("-s", "temperatures.copies=40")


class Devices(CudaTest):
    def test_are_listed_with_what_they_are(self):
        table = self.lehr("devices", device={"LEHR_DEVICE_COUNT": "2"}).stdout
        for i in (0, 1):
            self.assertRegex(
                table,
                r"(?m)^cuda:%d +yes +132 +4\.0 GiB  lehr test device "
                r"\(sm_90, 4\.0 GiB free, 0000:1%d:00\.0\)$" % (i, i),
            )
        one = self.devices(COUNT=2)[1]
        self.assertEqual((one["backend"], one["usable"], one["threads"]), ("cuda:1", True, 132))
        self.assertEqual(one["memory_bytes"], 4 << 30)

    def test_that_are_missing_have_a_reason(self):
        for count, says in ((0, "the NVIDIA driver sees no device"), (-1, "no NVIDIA driver")):
            (one,) = self.devices(COUNT=count)
            self.assertEqual((one["backend"], one["usable"]), ("cuda", False))
            self.assertEqual((one["name"], one["detail"]), ("", says))
            done = self.lehr("devices", device={"LEHR_DEVICE_COUNT": str(count)})
            self.assertRegex(done.stdout, r"(?m)^cuda +no +- +- +%s$" % says)

    def probe(self):
        """The number of the call that looks for a kernel's code on the first device."""
        return 1 + self.calls("devices").index("cudaFuncGetAttributes")

    def test_of_another_architecture_say_so_whole(self):
        (one,) = self.devices(FAIL="%d%s" % (self.probe(), ALWAYS_209))
        self.assertFalse(one["usable"])
        self.assertEqual(
            one["detail"],
            "cuda:0: looking for its code: this program holds no code for this device's "
            "architecture (cudaErrorNoKernelImageForDevice, error 209)",
        )
        fail = {"LEHR_DEVICE_FAIL": "%d%s" % (self.probe(), ALWAYS_209)}
        table = self.lehr("devices", device=fail).stdout
        self.assertRegex(table, r"(?m)^cuda:0 +no .*\(cuda:0: .*error 209\)\)$")

    def test_of_another_architecture_are_refused_or_left_for_the_cpu(self):
        says = "this program holds no code for this device's architecture"
        words = ("run", "small.yaml", "-o", "new", "-q", "--backend")
        fail = {"LEHR_DEVICE_FAIL": "1" + ALWAYS_209}
        for backend in ("cuda", "cuda:0", "cuda:all"):
            self.fails(*words, backend, code=69, says=says, device=fail)
        calls = self.calls("run", "small.yaml", "-o", "healthy", "-q", "--backend", "auto")
        probe = 1 + calls.index("cudaFuncGetAttributes")
        fail = {"LEHR_DEVICE_FAIL": "%d%s" % (probe, ALWAYS_209)}
        done = self.lehr("run", "small.yaml", "-o", "new", "--json", device=fail)
        first = done.stderr.splitlines()[0]
        self.assertRegex(first, r"^lehr: backend auto: cpu \(cuda:0: .*%s.*error 209\)\)$" % says)
        self.assertEqual(strict_json(done.stdout)["state_hash"], self.right_hash())

    def test_that_answer_no_more_are_not_usable(self):
        count = len(self.calls("devices"))
        for n in range(1, count + 1):
            fail = {"LEHR_DEVICE_FAIL": "%d:719:sticky" % n}
            done = self.lehr("devices", "--json", device=fail)
            self.assertEqual(done.stderr, "")
            cuda = strict_json(done.stdout)["devices"][1]
            self.assertTrue(cuda["usable"] or "launch failure" in cuda["detail"], (n, cuda))


class Backend(CudaTest):
    def test_names_a_device_that_is_not_there(self):
        words = ("run", "small.yaml", "-o", "new", "-q", "--backend")
        for backend, count, says in (
            ("cuda", 0, "backend cuda: the NVIDIA driver sees no device"),
            ("cuda", -1, "backend cuda: no NVIDIA driver"),
            ("cuda:0", -1, "backend cuda:0: no NVIDIA driver"),
            ("cuda:all", 0, "backend cuda:all: the NVIDIA driver sees no device"),
            ("cuda:3", 3, "there is no device 3, only 3 CUDA devices, counted from 0"),
            ("cuda:0,1", 1, "there is no device 1, only 1 CUDA device, counted from 0"),
            ("cuda:H200", 2, "none of 2 CUDA devices is called that"),
        ):
            with self.subTest(backend=backend, count=count):
                for command in (words, ("plan", "small.yaml", "--backend")):
                    device = {"LEHR_DEVICE_COUNT": str(count)}
                    self.fails(*command, backend, code=69, says=says, device=device)
        self.assertEqual(self.left_behind(), ["lib", "small.yaml", "tiny.yaml"])

    def test_takes_devices_by_number_name_or_all_with_the_same_bits(self):
        right = self.right_hash()
        for i, (backend, count) in enumerate(
            (
                ("cuda", 1),
                ("cuda:1", 2),
                ("cuda:0,1", 2),
                ("cuda:1,0", 2),
                ("cuda:all", 3),
                ("cuda:Test DEV", 1),
            )
        ):
            with self.subTest(backend=backend):
                words = ("small.yaml", "-o", "new%d" % i, "--backend", backend)
                result = self.run_json(*words, device={"LEHR_DEVICE_COUNT": str(count)})
                self.assertEqual(result["state_hash"], right)
                self.assertTrue(result["backend"].startswith("cuda"), result["backend"])
                self.assertEqual(result["device"], "lehr test device")
        device = {"LEHR_DEVICE_COUNT": "2"}
        words = ("run", "small.yaml", "-o", "new", "--backend", "cuda:test")
        self.fails(*words, code=2, says="fits devices 0 and 1", device=device)

    def test_auto_takes_the_device_and_says_on_what_it_runs(self):
        done = self.lehr("run", "small.yaml", "-o", "new", "--json")
        self.assertRegex(done.stderr, r"(?m)^lehr: run small \w+ on cuda:0 \(lehr test device, ")
        self.assertNotIn("auto", done.stderr)
        self.assertEqual(strict_json(done.stdout)["state_hash"], self.right_hash())

    def test_auto_without_a_device_is_the_cpu_with_one_notice(self):
        for count, why in (("0", "the NVIDIA driver sees no device"), ("-1", "no NVIDIA driver")):
            device = {"LEHR_DEVICE_COUNT": count}
            done = self.lehr("run", "small.yaml", "-o", "new" + count, device=device)
            notice = "backend auto: cpu (%s)" % why
            self.assertEqual(done.stderr.splitlines()[0], "lehr: " + notice)
            self.assertIn(" on cpu (", done.stderr.splitlines()[1])
            plan = strict_json(self.lehr("plan", "small.yaml", "--json", device=device).stdout)
            self.assertEqual((plan["backend"], plan["notice"]), ("cpu", notice))


class Memory(CudaTest):
    def least(self):
        """Bytes that one copy needs, as the refusal names them."""
        device = {"LEHR_DEVICE_MEMORY": "20000"}
        words = ("run", "small.yaml", "-o", "new", "-q", "--backend", "cuda")
        done = self.fails(*words, *MANY, code=69, says="one copy of 3 rungs needs", device=device)
        needed, free = re.search(r"needs (\d+) bytes .*, (\d+) are free", done.stderr).groups()
        self.assertEqual(int(free), 19000)  # 0.95 of what there is
        self.assertGreater(int(needed), int(free))
        return int(needed)

    def test_for_one_copy_is_enough_and_one_byte_less_is_not(self):
        least = self.least()
        right = self.right_hash(*MANY)
        enough = int(least / 0.95) + 1
        device = {"LEHR_DEVICE_MEMORY": str(enough)}
        plan = self.lehr("plan", "small.yaml", "--backend", "cuda", *MANY, device=device).stdout
        self.assertRegex(plan, r"(?m)^memory .*rows take turns in \d\d? parts$")
        self.assertEqual(self.small("parts", *MANY, device=device)["state_hash"], right)
        device = {"LEHR_DEVICE_MEMORY": str(enough - 3)}
        says = "needs %d bytes" % least
        for words in (("run", "small.yaml", "-o", "new"), ("plan", "small.yaml")):
            self.fails(*words, "--backend", "cuda", *MANY, code=69, says=says, device=device)

    def test_is_planned_for_all_rows_where_they_fit(self):
        plan = self.lehr("plan", "small.yaml", "--backend", "cuda").stdout
        self.assertRegex(plan, r"(?m)^device +cuda:0 \(lehr test device\), 132 multiprocessors$")
        self.assertRegex(plan, r"(?m)^memory .* of 3\.8 GiB free; all rows stay$")
        self.assertRegex(plan, r"(?m)^kernels +fused, ")
        plan = strict_json(self.lehr("plan", "small.yaml", "--backend", "cuda", "--json").stdout)
        self.assertEqual((plan["parts"], plan["devices"], plan["notice"]), (1, 1, ""))
        self.assertEqual(self.left_behind(), ["lib", "small.yaml", "tiny.yaml"])

    def test_that_is_too_little_makes_auto_take_the_cpu_and_say_so(self):
        device = {"LEHR_DEVICE_MEMORY": "20000"}
        done = self.lehr("run", "small.yaml", "-o", "new", "--json", device=device)
        self.assertRegex(
            done.stderr.splitlines()[0],
            r"^lehr: backend auto: cpu \(one copy of 3 rungs needs \d+ bytes of device memory, "
            r"19000 are free for it\)$",
        )
        self.assertEqual(strict_json(done.stdout)["state_hash"], self.right_hash())


if __name__ == "__main__":
    need_shim()
    unittest.main()
