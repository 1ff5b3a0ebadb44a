#!/usr/bin/env python3
"""What a proposal costs the fused scan kernel, counted from its machine code; no GPU is needed.

The kernel is compiled for one shape with the constants of jit.c, disassembled with source lines, and its blocks are
weighed with how often a scan runs them: RULES says that of every loop by the text of its `for`. Blocks that a
Gaussian move on a network without penalties never enters are left out (COLD). bench/kernels.md explains the
figures and says where nvdisasm comes from. This is a model, not a measurement.
"""
import argparse
import collections
import linecache
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Per multiprocessor and clock: lanes of each unit (CUDA C++ Programming Guide 13.0, "Throughput of native arithmetic
# instructions"); shared memory: wavefronts. Clocks: the vendor's boost clocks of H100 SXM and RTX 4090 (sm_89).
DEVICES = {
    90: dict(name="H100 SXM", processors=132, clock=1.755e9, shared=1,
             lanes=dict(issue=128, fma=128, alu=64, special=16, double=64)),
    89: dict(name="RTX 4090", processors=128, clock=2.52e9, shared=1,
             lanes=dict(issue=128, fma=128, alu=64, special=16, double=2)),
}
# Clocks from an instruction to one that needs its result: rounded from published microbenchmarks (Luo et al. 2024,
# arXiv:2402.13499; Jia et al. 2018, arXiv:1804.06826). Branch: what a taken one costs.
LATENCY = dict(fma=4, alu=5, special=24, double=8, shared=30, memory=40, sync=12, branch=10, other=6)
LATENCY_DOUBLE = {90: 8, 89: 40}

ALU = "IADD IADD3 LOP3 SHF LEA SEL FSEL FSETP ISETP IMNMX VIMNMX FMNMX MOV PRMT IABS VIADD PLOP3 SGXT BMSK FSET".split()
SPECIAL = "MUFU FCHK I2F F2I POPC FLO F2F".split()


def unit_of(opcode):
    name = opcode.split(".")[0]
    if re.match(r"D(FMA|ADD|MUL|SETP|MNMX)", name) or "F64" in opcode:
        return "double"
    if name in SPECIAL:
        return "special"
    if name in ("LDS", "STS", "SHFL", "ATOMS", "LDSM"):
        return "shared"
    if name in ("LDG", "STG", "LDC", "ULDC", "LD", "ST"):
        return "memory"
    if name in ("FFMA", "FMUL", "FADD", "IMAD", "HFMA2", "HADD2", "HMUL2"):
        return "fma"
    if name in ALU:
        return "alu"
    if name in ("BAR", "WARPSYNC"):
        return "sync"
    return "branch" if name in ("BRA", "BRX", "CALL", "RET") else "other"


# ---- The machine code ----

Instruction = collections.namedtuple("Instruction", "text opcode unit frames")


def compile_kernel(options, folder):
    layers = options.shape.split("-")
    macros = dict(THREADS=options.threads, LAYERS=len(layers) - 1, SIZES=", ".join(layers), BIAS=1,
                  ACTIVATION="LEHR_ACTIVATION_TANH", OUTPUT="LEHR_ACTIVATION_IDENTITY",
                  LOSS="LEHR_LOSS_" + options.loss.upper(), TARGETS=1)
    source = folder / "kernel.cu"
    source.write_text("".join(f"#define LEHR_FIXED_{k} {v}\n" for k, v in macros.items())
                      + '#include "cuda/scan.cuh"\n')
    tree = pathlib.Path(options.tree)
    subprocess.run([options.nvcc, "-std=c++17", "-O3", "-fmad=false", f"-arch=sm_{options.arch}", "-lineinfo",
                    "-cubin", "-Xptxas", "-v", "-I", tree / "include", "-I", tree / "kernels", source, "-o",
                    folder / "cubin"], check=True, stderr=open(folder / "words", "w"))
    registers = int(re.search(r"Used (\d+) registers", (folder / "words").read_text()).group(1))
    return subprocess.run([options.nvdisasm, "-c", "-gi", folder / "cubin"], check=True, text=True,
                          capture_output=True).stdout, registers


def parse(listing):
    """Instructions, and where each label stands among them."""
    code, labels, frames, fresh = [], {}, [], True
    for line in listing.splitlines():
        if m := re.match(r'\s*//## File "([^"]+)", line (\d+)', line):
            frames = frames if fresh else []
            fresh = True
            frames.append(linecache.getline(m[1], int(m[2])).strip())
        elif m := re.match(r"(\.\S+):", line):
            labels[m[1]] = len(code)
        elif m := re.match(r"\s+/\*[0-9a-f]+\*/\s+(.*?) ;", line):
            text = m[1]
            opcode = re.sub(r"^@!?U?P\w+\s+", "", text).split()[0]
            code.append(Instruction(text, opcode, unit_of(opcode), tuple(frames)))
            fresh = False
    return code, labels


def target_of(instruction, labels):
    m = re.search(r"`\((\.L\S+?)\)", instruction.text)
    return labels.get(m[1]) if m and instruction.opcode.startswith("BRA") else None


def blocks_of(code, labels):
    """Ranges [first, last+1) without a jump in or out."""
    cuts = {0, len(code)} | {at for at in labels.values() if at < len(code)}
    cuts |= {i + 1 for i, x in enumerate(code) if x.unit == "branch" or x.opcode == "EXIT"}
    edges = sorted(cuts)
    return list(zip(edges, edges[1:]))


def loops_of(code, labels):
    """(first, last): jumps back that a `for` or a condition makes. Others are the paths of parted warps, which whole
    warps never take."""
    found = []
    for i, x in enumerate(code):
        to = target_of(x, labels)
        if to is not None and to <= i and (x.text.startswith("@") or x.frames[0].startswith("for (")):
            found.append((to, i))
    return found


# ---- How often ----

COLD = re.compile(r"lehr_laplace|lehr_cauchy|lehr_student|lehr_expm1|lehr_pick_|lehr_uniform_pm|copy_own\(d, d->theta, d->prop"
                  r"|mixture|[Ss]pin|lehr_team_sizes<|lehr_team_target<|LEHR_PRIOR_|cooling|LEHR_BETTERED|best_scan"
                  r"|DOMAIN_PROPOSAL2|rows\.table\.best|lehr_quadratic|lehr_scope_units|lehr_unit_of|lehr_aim_unit|lehr_perturb_places"
                  r"|lehr_parameter_at|lehr_delayed|lehr_decide_first|lehr_walk_first|lehr_scheduled_step")
SECTIONS = [
    ("noise", r"lehr_perturb_own\("),
    ("move", r"lehr_propose\("),
    ("activations", r"lehr_activate_column<|lehr_activate\(|lehr_fixed_activate<"),
    ("chains", r"lehr_fixed_tiles<|lehr_fixed_tile<"),
    ("losses", r"lehr_loss_point\("),
    ("looks", r"lehr_team_looks<|lehr_row_limit\("),
    ("sums", r"lehr_loss_sum<"),
    ("decision", r"lehr_decide_row|lehr_draw_last|lehr_energies_from|lehr_reduce|lehr_walk|alpha"),
]


def section_of(frames):
    text = "\n".join(frames)
    return next((name for name, pattern in SECTIONS if re.search(pattern, text)), "rest")


class Rules:
    """Executions of a loop's body by the warps of a team, in one scan."""

    def __init__(self, options):
        self.sizes = [int(n) for n in options.shape.split("-")]
        self.parameters = sum(o * (i + 1) for i, o in zip(self.sizes, self.sizes[1:]))
        self.warps, self.points = options.threads // 32, options.points
        rounds = -(-self.points // options.threads)
        self.visits = options.visited * -(-self.points // 32)  # of 32 points by a warp
        self.chunks = -(-self.points // 1024)
        self.looks = options.visited * self.warps * (rounds - 1) / options.look if options.look else 0
        self.acceptance = 0.25

    def of(self, body, closing):
        line, text = closing.frames[0], "\n".join(closing.frames)
        layer = sum("lehr_fixed_layers<L + 1" in f for f in closing.frames)
        if "s < a->scans" in line or "first = r->group->delayed" in line:  # not delayed: once
            return self.warps
        if "block = d->rank" in line:
            share = self.acceptance if "proposed, r->theta" in text else 1
            return share * -(-self.parameters // 128)
        if "first += THREADS" in line:
            return self.visits
        if "l < LEHR_LANES" in line:
            return 8 * (self.looks / self.warps if "lehr_team_looks<" in text else self.chunks) / max(
                1, sum(x.opcode in ("LDS", "STS") for x in body))
        if "o < outputs" in line:
            return self.visits * self.sizes[layer + 1] / max(1, sum(x.opcode == "MUFU.RCP" for x in body))
        if "i < whole" in line or "lehr_fixed_step<" in text:
            return self.visits * (self.sizes[layer] // 4)
        if "l < width" in line or "width" in line:
            return self.chunks
        if "move + 1 < g->moves" in line or "m < g->moves" in line:
            return 1
        if "k < outputs" in line:
            return self.visits * self.sizes[-1] / max(1, sum(x.opcode == "LDS" for x in body))
        sys.exit(f"no rule for the loop at: {line}")


def weigh(code, labels, options):
    """[(first, last+1, executions)] of the blocks that a scan runs."""
    rules, loops = Rules(options), loops_of(code, labels)
    scan = max(((b, e) for b, e in loops if "s < a->scans" in code[e].frames[0]), key=lambda loop: loop[1] - loop[0])
    weighed = []
    for first, end in blocks_of(code, labels):
        body = code[first:end]
        cold = sum(bool(COLD.search("\n".join(x.frames))) for x in body)
        if not scan[0] <= first <= scan[1] or 2 * cold > len(body):
            continue
        if any(x.text.startswith("CALL") or "COLLECTIVE" in x.text for x in body):
            continue
        inside = [(b, e) for b, e in loops if b <= first <= e]
        b, e = min(inside, key=lambda loop: loop[1] - loop[0])
        if COLD.search("\n".join(code[e].frames)):
            continue
        times = rules.of(code[b:e + 1], code[e])
        text = "\n".join(body[0].frames)
        if times == rules.visits and "first += THREADS" in code[e].frames[0]:  # not of every round
            if re.search(r"lehr_team_join<|lehr_team_begin_chunk<", text):
                times = rules.warps * rules.chunks
            elif "lehr_team_looks<" in text:
                times = rules.looks
        if (b, e) == scan and section_of(body[0].frames) == "decision":
            times = 1  # by one thread
        if "lehr_row_limit(" in text:
            times = 1 if options.look else 0
        weighed.append((first, end, times))
    return weighed


# ---- How long one warp takes ----

def registers_of(text):
    """Written and read registers and predicates of an instruction, by its text."""
    predicate = re.match(r"@!?(U?P\d)", text)
    operands = re.sub(r"^@!?U?P\w+\s+", "", text).split(None, 1)
    names = re.findall(r"\b(U?R\d+|U?P\d)\b", operands[1]) if len(operands) > 1 else []
    opcode = operands[0]
    wide = 4 if ".128" in opcode else 2 if re.search(r"\.64|\.WIDE", opcode) or opcode[0] == "D" else 1
    stores = opcode.startswith(("STS", "STG", "BRA", "BSSY"))
    written = [] if stores or not names else [names[0]]
    if written and written[0][0] == "R":
        written = [f"R{int(names[0][1:]) + k}" for k in range(wide)]
    read = names[0 if stores else 1:] + ([predicate[1]] if predicate else [])
    if opcode[0] == "D" or ".128" in opcode and stores:
        read = [f"R{int(r[1:]) + k}" for r in read if r[0] == "R" for k in range(wide)] + [r for r in read if r[0] != "R"]
    return written, read


def clocks_of(body, arch):
    """Clocks of a warp that runs a block alone, in order: of a second pass over it, when it is a loop's."""
    ready, now, ends = {}, 0, []
    for _ in range(2):
        for x in body:
            written, read = registers_of(x.text)
            now = max([now + 1] + [ready.get(r, 0) for r in read])
            latency = LATENCY_DOUBLE[arch] if x.unit == "double" else LATENCY[x.unit]
            for r in written:
                ready[r] = now + latency
            now += {"branch": LATENCY["branch"] if not x.text.startswith("@!P") else 2, "sync": LATENCY["sync"]}.get(x.unit, 0)
        ends.append(now)
    return ends[1] - ends[0]


def merge(weighed):
    """Neighboring blocks that run equally often, as one."""
    out = []
    for first, end, times in weighed:
        if out and out[-1][2] == times and out[-1][1] <= first and first - out[-1][1] < 12:
            out[-1] = (out[-1][0], end, times, out[-1][3] + [(first, end)])
        else:
            out.append((first, end, times, [(first, end)]))
    return out


# ---- The limit by operations ----

def slots_of_operations(rules, loss):
    """Issue slots of lanes that core/*.h asks for: bench/kernels.md counts them."""
    tanh, exp, log1p, log, normal = 23, 16, 17, 19, 37
    chains = sum(i * o for i, o in zip(rules.sizes, rules.sizes[1:]))
    hidden, outputs = sum(rules.sizes[1:-1]), rules.sizes[-1]
    point = chains + tanh * hidden + 1
    point += exp + log1p + 6 if loss == "binary_cross_entropy" else outputs * (exp + 7) + log + 3
    return rules.points * point + normal * rules.parameters


# ---- Report ----

def busy(issue, alone, warps):
    """Share of a scheduler's slots that its warps use, each issuing `issue` of the `alone` clocks that it takes by
    itself: mean value analysis of a closed queue, whose random arrivals make it a cautious figure."""
    waiting, rate = 0.0, 0.0
    for n in range(1, warps + 1):
        response = issue * (1 + waiting)
        rate = n / (response + max(0, alone - issue))
        waiting = rate * response
    return rate * issue


def report(options):
    with tempfile.TemporaryDirectory() as folder:
        listing, registers = compile_kernel(options, pathlib.Path(folder))
        code, labels = parse(listing)
    device, rules = DEVICES[options.arch], Rules(options)
    weighed = weigh(code, labels, options)
    units, sections = collections.Counter(), collections.defaultdict(collections.Counter)
    for first, end, times in weighed:
        for x in code[first:end]:
            units[x.unit] += times
            sections[section_of(x.frames)][x.unit] += times
    total = sum(units.values())
    print(f"{options.shape} on {rules.points} points, {options.threads} threads a row, sm_{options.arch}, {registers} registers, "
          f"a look every {options.look} rounds, {options.visited:.2f} of them visited")
    print(f"{'warp instructions':20}" + "".join(f"{u:>9}" for u in [*units, "all"]))
    for name, counter in [*sections.items(), ("all", units)]:
        print(f"{name:20}" + "".join(f"{counter[u]:9.0f}" for u in units) + f"{sum(counter.values()):9.0f}")

    lanes = device["lanes"]
    clocks = {"issue": total * 32 / lanes["issue"], "shared": units["shared"] / device["shared"]}
    for u in ("fma", "alu", "special", "double"):
        clocks[u] = units[u] * 32 / lanes[u]
    alone = sum(times * clocks_of([x for a, b in parts for x in code[a:b]], options.arch)
                for _, _, times, parts in merge(weighed))
    alone /= rules.warps  # clocks of one warp per proposal
    rows = options.warps / rules.warps
    clocks["latency"] = alone / rows
    clocks["issue, waiting"] = clocks["issue"] / busy(total / rules.warps, alone, options.warps // 4)
    speed = device["processors"] * device["clock"]
    limit = speed * lanes["issue"] / slots_of_operations(rules, options.loss)
    print(f"\n{device['name']}: clocks of a multiprocessor per proposal, proposals/s, share of the exact limit {limit:.3g}/s")
    for name, value in sorted(clocks.items(), key=lambda item: -item[1]):
        print(f"  {name:14} {value:9.0f} {speed / value:12.3g} {speed / value / limit:6.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arch", type=int, default=90, choices=DEVICES)
    parser.add_argument("--shape", default="2-16-16-1")
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--warps", type=int, default=12, help="of a multiprocessor: tests/house/budgets.txt")
    parser.add_argument("--look", type=int, default=1, help="rounds between looks at the sum; 0: whole sums")
    parser.add_argument("--visited", type=float, default=1.0, help="share of the rounds that a proposal visits")
    parser.add_argument("--loss", default="binary_cross_entropy", choices=["binary_cross_entropy", "cross_entropy"])
    parser.add_argument("--tree", default=ROOT, help="where include/ and kernels/ are")
    parser.add_argument("--nvcc", default="/usr/local/cuda/bin/nvcc")
    parser.add_argument("--nvdisasm", default="nvdisasm")
    report(parser.parse_args())


if __name__ == "__main__":
    main()
