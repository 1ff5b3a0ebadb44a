"""Operands: registers, immediates, special registers, addresses, as C++ expressions.

A register becomes a local variable. PTX registers have a width but hardly a kind: as float values
also sit in .b32 registers, a first pass over the kernel counts how each register is used, and the
second declares it as float or integer, which keeps loops free of moves between register files.
Reading it the other way copies its bits, so the vote decides speed, never meaning.
"""

import re

from syntax import NAME, SIZES, PtxError

C_TYPES = {"f32": "float", "f64": "double", "pred": "bool"}
C_TYPES.update({kind + bits: ("int" if kind == "s" else "uint") + bits + "_t"
                for kind in "bus" for bits in ("8", "16", "32", "64")})

# What a thread knows of itself. Clocks are left out: no two machines agree on them.
SPECIAL = {"%laneid": "(uint32_t)fibers::current->lane",
           "%warpid": "(uint32_t)fibers::current->warp",
           "%lanemask_eq": "(1u << fibers::current->lane)",
           "%lanemask_lt": "((1u << fibers::current->lane) - 1)",
           "%lanemask_le": "((2u << fibers::current->lane) - 1)",
           "%lanemask_gt": "~((2u << fibers::current->lane) - 1)",
           "%lanemask_ge": "~((1u << fibers::current->lane) - 1)",
           "WARP_SZ": "32u"}
for _axis in "xyz":
    SPECIAL["%tid." + _axis] = "fibers::current->thread." + _axis
    SPECIAL["%ctaid." + _axis] = "fibers::current->block." + _axis
    SPECIAL["%ntid." + _axis] = "fibers::block_size." + _axis
    SPECIAL["%nctaid." + _axis] = "fibers::grid_size." + _axis

ADDRESS = re.compile(rf"\[\s*({NAME})\s*(?:([+-])\s*(-?\w+))?\s*\]")
SPACES = ("global", "shared", "local", "const", "param")


def is_float(kind):
    return kind in ("f32", "f64")


def bits_of(kind):
    return 8 * SIZES[kind]


def unsigned(kind):
    return f"u{bits_of(kind)}"


class Register:
    def __init__(self, name, kind):
        if kind != "pred" and kind not in SIZES:
            raise PtxError(f"register type .{kind} is not supported")
        self.name, self.kind = name, kind
        self.used = False
        self.float_uses = 0  # positive: more often read or written as float than as integer

    def use(self, kind):
        self.used = True
        if kind[0] in "usf":
            self.float_uses += 1 if kind[0] == "f" else -1


class Operands:
    """The names of one kernel and what they stand for."""

    def __init__(self, params, variables, kinds):
        self.params = {param.name: param.offset for param in params}
        self.variables = dict(variables)  # name: (space, C++ address expression)
        self.kinds = kinds  # of the first pass: C++ name of a register to its kind
        self.scopes = [{}]
        self.registers = []  # in order of declaration
        self.taken = {}

    # ---- names ----

    def open_scope(self):
        self.scopes.append({})

    def close_scope(self):
        self.scopes.pop()

    def declare(self, name, kind):
        plain = "r_" + re.sub(r"\W", "_", name.lstrip("%"))
        self.taken[plain] = self.taken.get(plain, 0) + 1
        if self.taken[plain] > 1:  # the same name in another scope
            plain += f"__{self.taken[plain]}"
        register = Register(plain, self.kinds.get(plain, kind))
        self.scopes[-1][name] = register
        self.registers.append(register)

    def register(self, name):
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    def known_register(self, name):
        register = self.register(name)
        if register is None:
            raise PtxError(f"unknown register {name}")
        return register

    def voted_kinds(self):
        """Integer registers that mostly hold floats."""
        return {r.name: "f" + str(bits_of(r.kind)) for r in self.registers
                if r.kind in ("b32", "b64", "u32", "u64") and r.float_uses > 0}

    def symbol(self, name):
        """The address of a variable in its own space, or generic for global, const and local."""
        if name in self.params:
            return f"{self.params[name]}u"
        if name in self.variables:
            return self.variables[name][1]
        raise PtxError(f"unknown symbol {name}")

    # ---- reading ----

    def read(self, text, kind):
        """The operand as an expression of exactly the C++ type of `kind`."""
        if text in SPECIAL:
            return f"({C_TYPES[kind]})({SPECIAL[text]})"
        if text.startswith("!"):
            return f"!{self.read(text[1:], 'pred')}"
        if text.startswith("%") or self.register(text):
            return self._read_register(self.known_register(text), kind)
        if re.fullmatch(r"0[fF][0-9a-fA-F]{8}", text):
            return self._convert_bits(f"0x{text[2:]}u", "b32", kind)
        if re.fullmatch(r"0[dD][0-9a-fA-F]{16}", text):
            return self._convert_bits(f"0x{text[2:]}ull", "b64", kind)
        if re.fullmatch(r"-?(0[xX][0-9a-fA-F]+|\d+)U?", text):
            return self._read_integer(text, kind)
        return f"({C_TYPES[kind]})({self.symbol(text)})"

    @staticmethod
    def _convert_bits(expression, kind, wanted):
        if SIZES[kind] != SIZES.get(wanted):
            raise PtxError(f"a {bits_of(kind)}-bit constant as .{wanted}")
        return f"ptx::bits<{C_TYPES[wanted]}>({expression})"

    @staticmethod
    def _read_integer(text, kind):
        text = text.rstrip("U")
        octal = re.fullmatch(r"-?0\d+", text)
        value = int(text, 8 if octal else 0)
        if kind == "pred":
            return "true" if value else "false"
        if is_float(kind):
            raise PtxError(f"the integer {text} as .{kind}")
        return f"({C_TYPES[kind]}){value & ((1 << bits_of(kind)) - 1)}ull"

    @staticmethod
    def _read_register(register, kind):
        register.use(kind)
        if "pred" in (kind, register.kind):
            if kind != register.kind:
                raise PtxError(f"{register.name} (.{register.kind}) read as .{kind}")
            return register.name
        if SIZES[register.kind] < SIZES[kind]:
            raise PtxError(f"{register.name} is narrower than .{kind}")
        if register.kind == kind:
            return register.name
        if is_float(kind):
            if SIZES[register.kind] != SIZES[kind]:
                raise PtxError(f"{register.name} has not the size of .{kind}")
            return f"ptx::bits<{C_TYPES[kind]}>({register.name})"
        name = register.name
        if is_float(register.kind):
            name = f"ptx::bits<{C_TYPES[unsigned(register.kind)]}>({name})"
        return f"({C_TYPES[kind]}){name}"

    # ---- writing ----

    def write(self, name, kind, expression):
        """Assign an expression of the C++ type of `kind`; wider registers get its sign."""
        if name == "_":
            return f"(void)({expression});"
        register = self.known_register(name)
        register.use(kind)
        if "pred" in (kind, register.kind):
            if kind != register.kind:
                raise PtxError(f"{name} (.{register.kind}) written as .{kind}")
            return f"{register.name} = ({expression});"
        if SIZES[register.kind] < SIZES[kind]:
            raise PtxError(f"{name} is narrower than .{kind}")
        if is_float(kind) != is_float(register.kind):
            if SIZES[register.kind] != SIZES[kind]:
                raise PtxError(f"{name} has not the size of .{kind}")
            return (f"{register.name} = ptx::bits<{C_TYPES[register.kind]}>"
                    f"(({C_TYPES[kind]})({expression}));")
        if register.kind == kind:
            return f"{register.name} = ({expression});"
        if kind[0] == "s":  # first the width, by sign, then the register's own type
            wide = f"s{bits_of(register.kind)}"
            return f"{register.name} = ({C_TYPES[register.kind]})({C_TYPES[wide]})({expression});"
        return f"{register.name} = ({C_TYPES[register.kind]})({C_TYPES[kind]})({expression});"

    # ---- addresses ----

    def pointer(self, text, space):
        """`[base+offset]` in a space ("" is generic) as an expression of type char *."""
        match = ADDRESS.fullmatch(text)
        if not match:
            raise PtxError(f"unknown address {text}")
        base, sign, offset = match.groups()
        offset = int(offset or "0", 0) * (-1 if sign == "-" else 1)
        register = self.register(base)
        value = self.read(base, unsigned(register.kind) if register else "u64")
        if space == "param":
            return f"(parameters + (uint32_t)({value} + {offset}))"
        if space == "shared":
            return f"(shared + (uint32_t)({value} + {offset}))"
        if register is None and self.variables.get(base, ("",))[0] == "shared":
            raise PtxError(f"shared variable {base} in a generic address")
        return f"((char *)(uintptr_t)((uint64_t){value} + ({offset})))"
