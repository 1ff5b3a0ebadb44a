"""Loads, stores, addresses and atomics.

Shared addresses are offsets into the block's shared memory, parameter addresses offsets into the
parameter block; global, const and local addresses are the host's own, and so are generic ones.
"""

from arithmetic import instruction
from operands import SPACES, is_float
from syntax import SIZES, split_operands

# Hints that change no value: caching, prefetching, coherence of read-only data.
CACHE_HINTS = ("ca", "cg", "cs", "lu", "cv", "wb", "wt", "nc")
STRONG = ("volatile", "relaxed", "acquire", "release", "mmio")
SCOPES = ("cta", "cluster", "gpu", "sys")


def take_space(i):
    """The state space; "" is generic."""
    for number, modifier in enumerate(i.modifiers):
        if modifier.split("::")[0] in SPACES:
            i.require(modifier in SPACES + ("shared::cta", "param::entry"), f"space .{modifier}")
            return i.modifiers.pop(number).split("::")[0]
    return ""


def take_hints(i):
    i.take(*CACHE_HINTS)
    i.modifiers[:] = [m for m in i.modifiers if m.split("::")[0] not in ("L1", "L2")]


def access(i, address, values):
    """What loads and stores share: code that sets `p`, whether it is strong, and the elements."""
    space, vector = take_space(i), i.take("v2", "v4", "v8")
    strong = i.take(*STRONG)
    if strong:
        i.take(*SCOPES)
    take_hints(i)
    elements = split_operands(values[1:-1]) if vector else [values]
    i.require(not vector or len(elements) == int(vector[1]), "length of the vector")
    pointer = i.operand_names.pointer(address, space)
    size = SIZES[i.kind] * len(elements)
    prefix = "const " if space in ("param", "const") else ""
    code = f"{prefix}char *p = {pointer}; "
    if space != "param" and size > 1:
        code += f"ptx::check_alignment(p, {size}); "
    return code, strong, elements


def cell(i, number, const=""):
    """Element `number` of an access as a C++ object, written out: reports name its line."""
    return f"(({const}ptx::Cell<{i.c}> *)(p + {number * SIZES[i.kind]}))->value"


@instruction("ld", "ldu")
def load(i):
    code, strong, elements = access(i, i.operands[1], i.operands[0])
    for number, name in enumerate(elements):
        value = cell(i, number, "const ")
        if strong:
            value = f"ptx::strong_load(&{value})"
        code += i.operand_names.write(name, i.kind, value) + " "
    return code


@instruction("st")
def store(i):
    code, strong, elements = access(i, i.operands[0], i.operands[1])
    for number, name in enumerate(elements):
        value = i.operand_names.read(name, i.kind)
        code += (f"ptx::strong_store(&{cell(i, number)}, {value}); " if strong else
                 f"{cell(i, number)} = {value}; ")
    return code


@instruction("cvta")
def convert_address(i):
    to = i.take("to")
    space = take_space(i)
    i.require(space != "", "cvta needs a space")
    start = {"shared": "(uint64_t)(uintptr_t)shared", "param": "(uint64_t)(uintptr_t)parameters"}
    origin = start.get(space, "0ull")
    return i.write(0, f"{i.read(1)} {'-' if to else '+'} {origin}")


@instruction("isspacep")
def is_space(i):
    space = take_space(i)
    i.require(space == "shared", "only shared memory has bounds of its own")
    address = i.read(1, "u64")
    return i.write(0, f"{address} - (uint64_t)(uintptr_t)shared < shared_bytes", "pred")


JOINS = {"add": "old + by", "min": "old < by ? old : by", "max": "old > by ? old : by",
         "and": "old & by", "or": "old | by", "xor": "old ^ by", "exch": "by",
         "inc": "old >= by ? 0 : old + 1", "dec": "old == 0 || old > by ? by : old - 1"}


@instruction("atom", "red")
def atomic(i):
    """Relaxed, as on the device; the order of two threads is the scheduler's."""
    first = 1 if i.name == "atom" else 0
    space = take_space(i)
    i.take("relaxed", "acquire", "release", "acq_rel")
    i.take(*SCOPES)
    operation = i.one_of("cas", *JOINS)
    i.require(not (i.kernel.exact and is_float(i.kind)), "float atomics are not exact")
    address = i.operand_names.pointer(i.operands[first], space)
    pointer = f"ptx::atomic_address<{i.c}>({address})"
    values = ", ".join(i.read(n) for n in range(first + 1, len(i.operands)))
    if operation == "cas":
        result = f"ptx::compare_and_swap<{i.c}>({pointer}, {values})"
    else:
        join = f"[]({i.c} old, {i.c} by) {{ (void)old; return ({i.c})({JOINS[operation]}); }}"
        result = f"ptx::atomic<{i.c}>({pointer}, {values}, {join})"
    return i.write(0, result) if first else f"{result};"


@instruction("membar", "fence")
def fence(i):
    i.modifiers.clear()  # all strengths: threads of one CPU thread see each other's writes anyway
    return "ptx::fence();"


@instruction("prefetch", "prefetchu", "discard", "applypriority")
def hint(i):
    i.modifiers.clear()
    return ""
