"""Arithmetic, comparison, conversion, bits and control flow.

Every handler takes the modifiers it knows from the instruction; what is left is an error. Fractions
are exact as on the device where PTX defines the result (.rn). The approximate instructions are
evaluated by exact functions instead: silicon differs from them in the last places.
"""

from operands import C_TYPES, bits_of, is_float, unsigned
from syntax import SIZES, PtxError, split_operands

HANDLERS = {}


def instruction(*names):
    def register(handler):
        for name in names:
            HANDLERS[name] = handler
        return handler
    return register


def wider(kind):
    if kind not in ("u16", "s16", "u32", "s32"):
        raise PtxError(f".wide of .{kind}")
    return kind[0] + str(2 * bits_of(kind))


def double_width(kind):
    """A C++ integer that holds any product of two values of the type."""
    if bits_of(kind) == 64:
        return "__int128" if kind[0] == "s" else "unsigned __int128"
    return "int64_t" if kind[0] == "s" else "uint64_t"


def finish_float(i, expression):
    """.ftz on the result, then .sat."""
    if i.flag("ftz"):
        expression = f"ptx::flush({expression})"
    if i.flag("sat"):
        expression = f"ptx::saturate({expression})"
    return i.write(0, expression)


def read_floats(i, *numbers):
    """Operands of a float instruction; with .ftz subnormal inputs count as zero."""
    ftz = "ptx::flush" if "ftz" in i.modifiers else ""
    return [f"{ftz}({i.read(n)})" for n in numbers]


# ---- add, sub, mul, mad --------------------------------------------------------------------------

@instruction("add", "sub")
def add_sub(i):
    sign = "+" if i.name == "add" else "-"
    if is_float(i.kind):
        i.rounded()
        a, b = read_floats(i, 1, 2)
        return finish_float(i, f"{a} {sign} {b}")
    if i.flag("cc"):
        return carry(i, sign, i.read(1, unsigned(i.kind)), i.read(2, unsigned(i.kind)), "0", True)
    if i.flag("sat"):
        i.only("s32")
        return i.write(0, f"ptx::clamp<int32_t>((int64_t){i.read(1)} {sign} {i.read(2)})")
    u = unsigned(i.kind)
    return i.write(0, f"({i.c})({C_TYPES[u]})({i.read(1, u)} {sign} {i.read(2, u)})")


def carry(i, sign, a, b, carry_in, sets):
    """Extended precision: the carry flag is a local of the kernel."""
    i.only("u32", "s32", "b32", "u64", "s64", "b64")
    u, wide = unsigned(i.kind), double_width(unsigned(i.kind))
    code = f"const {wide} sum = ({wide}){a} {sign} ({wide}){b} {sign} {carry_in}; "
    code += i.write(0, f"({C_TYPES[u]})sum", u)
    return code + (f" carry = (uint32_t)(sum >> {bits_of(u)}) & 1;" if sets else "")


@instruction("addc", "subc")
def add_sub_carry(i):
    sign = "+" if i.name == "addc" else "-"
    u = unsigned(i.kind)
    return carry(i, sign, i.read(1, u), i.read(2, u), "carry", i.flag("cc"))


def product(i, part):
    """`lo`, `hi` or `wide` of operands 1 and 2, of the C++ type of its result."""
    a, b = i.read(1), i.read(2)
    if part == "wide":
        wide = wider(i.kind)
        return f"({C_TYPES[wide]}){a} * ({C_TYPES[wide]}){b}"
    wide = double_width(i.kind)
    if part == "hi":
        return f"({i.c})((({wide}){a} * ({wide}){b}) >> {bits_of(i.kind)})"
    u = C_TYPES["u64" if bits_of(i.kind) == 64 else "u32"]
    return f"({i.c})(({u}){a} * ({u}){b})"


@instruction("mul")
def multiply(i):
    if is_float(i.kind):
        i.rounded()
        a, b = read_floats(i, 1, 2)
        return finish_float(i, f"{a} * {b}")
    part = i.one_of("lo", "hi", "wide")
    return i.write(0, product(i, part), wider(i.kind) if part == "wide" else i.kind)


@instruction("mad", "madc")
def multiply_add(i):
    if is_float(i.kind):
        raise PtxError("mad of floats: fma is meant to be written")
    part = i.one_of("lo", "hi", "wide")
    kind = wider(i.kind) if part == "wide" else i.kind
    if i.name == "madc" or "cc" in i.modifiers:
        if part == "wide" or part == "hi" and i.kind[0] == "s":
            raise PtxError(f"mad.{part}.{i.kind} with carry")
        carry_in = "carry" if i.name == "madc" else "0"
        u = unsigned(kind)
        return carry(i, "+", f"({C_TYPES[u]})({product(i, part)})", i.read(3, u), carry_in,
                     i.flag("cc"))
    u = C_TYPES[unsigned(kind)]
    return i.write(0, f"({C_TYPES[kind]})({u})(({u})({product(i, part)}) + ({u}){i.read(3, kind)})",
                   kind)


@instruction("mul24", "mad24")
def multiply24(i):
    i.only("u32", "s32")
    part = i.one_of("lo", "hi")
    shift = 0 if part == "lo" else 16
    a, b = (f"ptx::low24({i.read(n)})" for n in (1, 2))
    total = f"(uint32_t)(({a} * {b}) >> {shift})"
    if i.name == "mad24":
        total = f"{total} + (uint32_t){i.read(3)}"
    return i.write(0, f"({i.c})({total})")


@instruction("fma")
def fused(i):
    i.take("rn", required=True)
    a, b, c = read_floats(i, 1, 2, 3)
    return finish_float(i, f"ptx::fma({a}, {b}, {c})")


@instruction("sad")
def sum_of_differences(i):
    a, b, u = i.read(1), i.read(2), C_TYPES[unsigned(i.kind)]
    return i.write(0, f"({i.c})(({u}){i.read(3)} + ({a} < {b} ? ({u}){b} - ({u}){a} : "
                      f"({u}){a} - ({u}){b}))")


# ---- div, rem, min, max, sign --------------------------------------------------------------------

@instruction("div")
def divide(i):
    if is_float(i.kind):
        how = i.take("rn", "full", "approx", required=True)
        if how != "rn":
            i.approximate()
        a, b = read_floats(i, 1, 2)
        return finish_float(i, f"{a} / {b}")
    return i.write(0, f"ptx::quotient({i.read(1)}, {i.read(2)})")


@instruction("rem")
def remainder(i):
    return i.write(0, f"ptx::remainder({i.read(1)}, {i.read(2)})")


@instruction("min", "max")
def minimum_maximum(i):
    a, b = read_floats(i, 1, 2) if is_float(i.kind) else (i.read(1), i.read(2))
    if not is_float(i.kind):
        return i.write(0, f"{a} {'<' if i.name == 'min' else '>'} {b} ? {a} : {b}")
    chosen = f"ptx::{i.name}imum({a}, {b})"
    if i.flag("NaN"):
        chosen = f"(ptx::unordered({a}, {b}) ? ptx::nan<{i.c}>() : {chosen})"
    return finish_float(i, chosen)


@instruction("neg", "abs")
def negate_absolute(i):
    if is_float(i.kind):
        (a,) = read_floats(i, 1)
        return finish_float(i, f"-{a}" if i.name == "neg" else f"ptx::absolute({a})")
    i.only("s16", "s32", "s64")
    u = C_TYPES[unsigned(i.kind)]
    minus = f"({i.c})(({u})0 - ({u}){i.read(1)})"
    return i.write(0, minus if i.name == "neg" else f"{i.read(1)} < 0 ? {minus} : {i.read(1)}")


@instruction("copysign")
def copy_sign(i):
    return i.write(0, f"ptx::copy_sign({i.read(2)}, {i.read(1)})")


# ---- sqrt and the approximate functions ----------------------------------------------------------

@instruction("sqrt")
def square_root(i):
    if i.take("rn", "approx", required=True) != "rn":
        i.approximate()
    (a,) = read_floats(i, 1)
    return finish_float(i, f"ptx::square_root({a})")


@instruction("rcp")
def reciprocal(i):
    if i.take("rn", "approx", required=True) != "rn":
        i.approximate()
    (a,) = read_floats(i, 1)
    return finish_float(i, f"({i.c})1 / {a}")


# On the device these come from tables with an error of one or a few units in the last place.
APPROXIMATE = {"rsqrt": "1 / std::sqrt({})", "ex2": "std::exp2({})", "lg2": "std::log2({})",
               "sin": "std::sin({})", "cos": "std::cos({})", "tanh": "std::tanh({})"}


@instruction(*APPROXIMATE)
def approximate(i):
    i.take("approx", required=True)
    i.approximate()
    (a,) = read_floats(i, 1)
    return finish_float(i, f"({i.c})({APPROXIMATE[i.name].format(f'(double){a}')})")


# ---- logic and shifts ----------------------------------------------------------------------------

@instruction("and", "or", "xor")
def logic(i):
    i.only("pred", "b16", "b32", "b64")
    sign = {"and": "&", "or": "|", "xor": "^"}[i.name]
    return i.write(0, f"({i.c})({i.read(1)} {sign} {i.read(2)})")


@instruction("not")
def complement(i):
    i.only("pred", "b16", "b32", "b64")
    return i.write(0, f"!{i.read(1)}" if i.kind == "pred" else f"({i.c})~{i.read(1)}")


@instruction("shl", "shr")
def shift(i):
    """Counts past the width shift everything out, as PTX says and C does not."""
    i.only(*(("b16", "b32", "b64") if i.name == "shl" else
             ("b16", "b32", "b64", "u16", "u32", "u64", "s16", "s32", "s64")))
    direction = "left" if i.name == "shl" else "right"
    return i.write(0, f"ptx::shift_{direction}({i.read(1)}, {i.read(2, 'u32')})")


@instruction("shf")
def funnel_shift(i):
    i.only("b32")
    direction, mode = i.one_of("l", "r"), i.one_of("wrap", "clamp")
    count = f"{i.read(3, 'u32')}"
    count = f"({count} & 31u)" if mode == "wrap" else f"({count} > 32u ? 32u : {count})"
    both = f"((uint64_t){i.read(2, 'u32')} << 32 | {i.read(1, 'u32')})"
    return i.write(0, f"(uint32_t)({both} << {count} >> 32)" if direction == "l" else
                   f"(uint32_t)({both} >> {count})")


@instruction("lop3")
def logic3(i):
    i.only("b32")
    a, b, c = (i.read(n) for n in (1, 2, 3))
    table = int(i.operands[4], 0)
    terms = [f"({'' if n & 4 else '~'}{a} & {'' if n & 2 else '~'}{b} & {'' if n & 1 else '~'}{c})"
             for n in range(8) if table >> n & 1]
    return i.write(0, " | ".join(terms) or "0u")


@instruction("popc", "clz", "brev", "bfind")
def count_bits(i):
    a = i.read(1)
    if i.name == "bfind":
        i.only("u32", "s32", "u64", "s64")
        return i.write(0, f"ptx::find_bit({a}, {str(i.flag('shiftamt')).lower()})", "u32")
    i.only("b32", "b64")
    if i.name == "brev":
        return i.write(0, f"ptx::reverse_bits({a})")
    name = {"popc": "count_ones", "clz": "leading_zeros"}[i.name]
    return i.write(0, f"ptx::{name}({a})", "u32")


@instruction("bfe")
def extract(i):
    i.only("u32", "s32", "u64", "s64")
    return i.write(0, f"ptx::extract({i.read(1)}, {i.read(2, 'u32')}, {i.read(3, 'u32')})")


@instruction("bfi")
def insert(i):
    i.only("b32", "b64")
    return i.write(0, f"ptx::insert({i.read(1)}, {i.read(2)}, {i.read(3, 'u32')}, "
                      f"{i.read(4, 'u32')})")


@instruction("prmt")
def permute(i):
    i.only("b32")
    return i.write(0, f"ptx::permute({i.read(1)}, {i.read(2)}, {i.read(3)})")


# ---- moves, choices, comparisons -----------------------------------------------------------------

@instruction("mov")
def move(i):
    target, source = i.operands
    if target.startswith("{"):
        names = split_operands(target[1:-1])
        part = f"b{bits_of(i.kind) // len(names)}"
        code = f"const {C_TYPES[unsigned(i.kind)]} whole = {i.read(1, unsigned(i.kind))}; "
        return code + " ".join(
            i.operand_names.write(name, part, f"({C_TYPES[part]})(whole >> {n * bits_of(part)})")
            for n, name in enumerate(names))
    if source.startswith("{"):
        names = split_operands(source[1:-1])
        part, u = f"b{bits_of(i.kind) // len(names)}", unsigned(i.kind)
        return i.write(0, f"({C_TYPES[u]})(" + " | ".join(
            f"(({C_TYPES[u]}){i.operand_names.read(name, part)} << {n * bits_of(part)})"
            for n, name in enumerate(names)) + ")", u)
    return i.write(0, i.read(1))


@instruction("selp")
def select(i):
    return i.write(0, f"{i.read(3, 'pred')} ? {i.read(1)} : {i.read(2)}")


@instruction("slct")
def select_sign(i):
    i.flag("ftz")  # of the third operand: a subnormal has the sign that flushed zero compares like
    i.only("s32", "f32")
    kind = i.take_kind()
    return i.write(0, f"{i.read(3)} >= 0 ? {i.read(1, kind)} : {i.read(2, kind)}", kind)


SIGNED_COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
UNSIGNED_COMPARISONS = {"lo": "<", "ls": "<=", "hi": ">", "hs": ">="}


def comparison(i):
    if not is_float(i.kind):
        word = i.one_of(*SIGNED_COMPARISONS, *UNSIGNED_COMPARISONS)
        sign = {**SIGNED_COMPARISONS, **UNSIGNED_COMPARISONS}[word]
        i.require(word in SIGNED_COMPARISONS or i.kind[0] != "s", f".{word} of .{i.kind}")
        return f"{i.read(1)} {sign} {i.read(2)}"
    word = i.one_of("num", "nan", *SIGNED_COMPARISONS, *(w + "u" for w in SIGNED_COMPARISONS))
    a, b = read_floats(i, 1, 2)
    i.flag("ftz")
    unordered = f"ptx::unordered({a}, {b})"
    if word in ("num", "nan"):
        return unordered if word == "nan" else f"!{unordered}"
    test = f"({a} {SIGNED_COMPARISONS[word[:2]]} {b})"
    if word.endswith("u"):
        return f"({unordered} || {test})"
    return f"(!{unordered} && {test})" if word == "ne" else test


@instruction("setp")
def set_predicate(i):
    """d = (a cmp b) join c, its second half (!(a cmp b)) join c."""
    join = i.take("and", "or", "xor")
    code = f"const bool holds = {comparison(i)}; "
    targets = [name.strip() for name in i.operands[0].split("|")]
    i.require(len(targets) <= 2 and len(i.operands) == (4 if join else 3), "form of setp")
    for name, value in zip(targets, ("holds", "!holds")):
        if join:
            value = f"{value} {dict(zip(('and', 'or', 'xor'), '&|^'))[join]} {i.read(3, 'pred')}"
        code += i.operand_names.write(name, "pred", value)
    return code


@instruction("testp")
def test_property(i):
    name = i.one_of("finite", "infinite", "number", "notanumber", "normal", "subnormal")
    return i.write(0, f"ptx::is_{name}({i.read(1)})", "pred")


# ---- conversions ---------------------------------------------------------------------------------

TO_INTEGER = {"rni": "ptx::nearest", "rzi": "std::trunc", "rmi": "std::floor", "rpi": "std::ceil"}


@instruction("cvt")
def convert(i):
    source = i.kind
    target = i.take_kind()
    i.require(source in SIZES and target in SIZES and "b" not in (source[0], target[0]), "types")
    if is_float(source) and is_float(target):
        return convert_float(i, target)
    if is_float(source):
        rounding = i.one_of(*TO_INTEGER)
        (a,) = read_floats(i, 1)
        i.flag("ftz"), i.flag("sat")  # out of range always saturates
        whole = f"{TO_INTEGER[rounding]}({a})"
        return i.write(0, f"ptx::to_integer<{C_TYPES[target]}>({whole})", target)
    if is_float(target):
        i.take("rn", required=True)
        return i.write(0, f"({C_TYPES[target]}){i.read(1)}", target)
    if i.flag("sat"):
        return i.write(0, f"ptx::clamp<{C_TYPES[target]}>({i.read(1)})", target)
    return i.write(0, f"({C_TYPES[target]}){i.read(1)}", target)


def convert_float(i, target):
    (a,) = read_floats(i, 1)
    rounding = i.take(*TO_INTEGER, "rn")
    if rounding in TO_INTEGER:
        i.require(i.kind == target, "rounding to an integer between two types")
        a = f"{TO_INTEGER[rounding]}({a})"
    i.require(rounding == "rn" or SIZES[target] >= SIZES[i.kind], "narrowing without .rn")
    expression = f"({C_TYPES[target]}){a}"
    if i.flag("ftz"):
        expression = f"ptx::flush({expression})"
    if i.flag("sat"):
        expression = f"ptx::saturate({expression})"
    return i.write(0, expression, target)


# ---- control flow --------------------------------------------------------------------------------

@instruction("bra")
def branch(i):
    i.flag("uni")
    return f"goto {i.label(i.operands[0])};"


@instruction("brx")
def branch_table(i):
    """brx.idx: an index past the table is undefined on the device, an error here."""
    i.take("idx", required=True)
    i.flag("uni")
    cases = " ".join(f"case {n}: goto {i.label(label)};"
                     for n, label in enumerate(i.branch_targets(i.operands[1])))
    return (f"switch ({i.read(0, 'u32')}) {{ {cases} "
            'default: fibers::fail("brx.idx past the end of its table"); }')


@instruction("ret", "exit")
def leave(i):
    i.flag("uni")
    return "return;"


@instruction("trap", "brkpt")
def trap(_):
    return 'fibers::fail("trap");'
