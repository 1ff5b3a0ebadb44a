#!/usr/bin/env python3
"""ptx2c.py [--exact] IN.ptx OUT.cpp: nvcc's or NVRTC's PTX as C++ that runs on fibers.

Every kernel becomes one function, every register a local variable, every instruction one line; a
table at the end tells registry.cpp what there is. An instruction, a modifier or a form that is not
known stops the translation with its line: nothing is guessed. Calls of device functions (.func),
matrix instructions and asynchronous copies are not known.

--exact also refuses what two devices, or device and CPU, may compute differently: float add, sub
and mul without .rn (the assembler may contract them), approximate instructions, flushed subnormals,
float atomics.

The result's lines carry the place they came from: the .cu file's where nvcc ran with -lineinfo,
the PTX file's otherwise; barriers, sanitizers and debuggers name it.
"""

import os
import re
import sys

import memory  # noqa: F401  the modules add their handlers to the table
import warp  # noqa: F401
from arithmetic import HANDLERS
from operands import C_TYPES, Operands, bits_of, is_float
from syntax import SIZES, PtxError, parse, parse_variable, split_operands

OTHER_TYPE = re.compile(r"[busf]\d+(x\d)?|(bf|tf|e\dm\d)\w*")
INTEGER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|\d+)U?")


class Instruction:
    """One instruction on its way to C++; handlers take its modifiers one by one."""

    def __init__(self, text, kernel):
        match = re.fullmatch(r"([a-z]\w*)((?:\.[\w:]+)*)\s*(.*)", text)
        if not match:
            raise PtxError("unknown text")
        self.name, modifiers, operands = match.groups()
        self.modifiers = modifiers.split(".")[1:]
        self.operands = split_operands(operands)
        self.kernel, self.operand_names = kernel, kernel.operands
        self.kind = self.take_kind() if self._has_kind() else None
        if kernel.exact and "ftz" in self.modifiers:
            raise PtxError(".ftz is not exact")

    def _has_kind(self):
        last = self.modifiers[-1] if self.modifiers else ""
        if last not in SIZES and OTHER_TYPE.fullmatch(last):
            raise PtxError(f"type .{last} is not supported")
        return last in SIZES or last == "pred"

    # ---- modifiers ----

    def take_kind(self):
        if not self._has_kind():
            raise PtxError("type missing or not supported")
        return self.modifiers.pop()

    def take(self, *names, required=False):
        for name in names:
            if name in self.modifiers:
                self.modifiers.remove(name)
                return name
        if required:
            raise PtxError(f"needs .{' or .'.join(names)}")
        return None

    def one_of(self, *names):
        return self.take(*names, required=True)

    def flag(self, name):
        return self.take(name) is not None

    def rounded(self):
        if not self.take("rn") and self.kernel.exact:
            raise PtxError("without .rn the assembler may contract it: not exact")

    def approximate(self):
        if self.kernel.exact:
            raise PtxError("approximate instructions are not exact")

    def only(self, *kinds):
        self.require(self.kind in kinds, f"type .{self.kind}")

    @staticmethod
    def require(holds, what):
        if not holds:
            raise PtxError(f"not supported: {what}")

    # ---- operands ----

    @property
    def c(self):
        return C_TYPES[self.kind]

    @property
    def place(self):
        file, line = self.kernel.place
        return f'fibers::Place{{"{file}", {line}}}'

    def read(self, number, kind=None):
        return self.operand_names.read(self.operands[number], kind or self.kind)

    def write(self, number, expression, kind=None):
        return self.operand_names.write(self.operands[number], kind or self.kind, expression)

    def label(self, name):
        return self.kernel.label(name)

    def branch_targets(self, name):
        if name not in self.kernel.tables:
            raise PtxError(f"no .branchtargets at {name}")
        return self.kernel.tables[name]


class KernelTranslator:
    """The body of one kernel as lines of C++."""

    def __init__(self, kernel, module, exact, kinds):
        self.source, self.exact, self.module = kernel, exact, module
        self.operands = Operands(kernel.params, module.variables, kinds)
        self.lines = []
        self.shared_bytes = module.shared_bytes  # on the device
        self.shared_end = module.shared_end  # here, with gaps
        self.gaps = list(module.gaps)
        self.local_variables = []
        self.place = (module.file, kernel.line)
        self.tables = self._branch_tables()

    def _branch_tables(self):
        tables, last = {}, ""
        for statement in self.source.body:
            if statement.text.startswith(".branchtargets"):
                tables[last] = split_operands(statement.text.split(None, 1)[1])
            last = statement.text.rstrip(":")
        return tables

    @staticmethod
    def label(name):
        return "L_" + re.sub(r"\W", "_", name)

    def translate(self):
        for statement in self.source.body:
            try:
                self._statement(statement)
            except (PtxError, IndexError, KeyError, ValueError) as error:
                reason = error if isinstance(error, PtxError) else "unknown form"
                raise PtxError(f"{self.module.path}:{statement.line}: {self.source.name}: {reason}"
                               f"\n    {statement.text}") from error
        return self

    def _statement(self, statement):
        text = statement.text
        if text == "{":
            return self.operands.open_scope()
        if text == "}":
            return self.operands.close_scope()
        if text.endswith(":"):
            return self.lines.append(f"{self.label(text[:-1])}:;")
        if text.startswith("."):
            return self._directive(text)
        if not self.module.lines_from_loc:
            self._place(self.module.file, statement.line)
        return self._instruction(text)

    def _directive(self, text):
        word = text.split()[0]
        if word == ".reg":
            self._registers(text)
        elif word in (".shared", ".local"):
            self._variable(parse_variable(text, 0))
        elif word == ".loc":
            number, line = text.split()[1:3]
            self.module.lines_from_loc = True
            self._place(self.module.files.get(number, self.module.file), int(line))
        elif word not in (".pragma", ".branchtargets"):
            raise PtxError("unknown directive")

    def _place(self, file, line):
        if (file, line) != self.place:
            self.place = (file, line)
            self.lines.append(f'#line {max(line, 1)} "{file}"')

    def _registers(self, text):
        kind, names = re.fullmatch(r"\.reg \.(\w+) (.*)", text).groups()
        for name in split_operands(names):
            many = re.fullmatch(r"(%?[\w$]+)<(\d+)>", name)
            every = [f"{many[1]}{n}" for n in range(int(many[2]))] if many else [name]
            for register in every:
                self.operands.declare(register, kind)

    def _variable(self, variable):
        if variable.space == "shared":
            place = self.module.place_shared
            address, self.shared_end = place(variable, self.shared_end, self.gaps)
            self.shared_bytes = aligned(self.shared_bytes, variable.align) + variable.bytes
        else:
            name = f"local_{len(self.local_variables)}"
            self.local_variables.append((name, variable))
            address = f"(uint64_t)(uintptr_t){name}"
        self.operands.variables[variable.name] = (variable.space, address)

    def _instruction(self, text):
        guard = ""
        match = re.fullmatch(r"@(!?)([%\w$]+)\s+(.*)", text)
        if match:
            inverted, predicate, text = match.groups()
            guard = f"if ({inverted}{self.operands.read(predicate, 'pred')}) "
        i = Instruction(text, self)
        if i.name not in HANDLERS:
            raise PtxError(f"unknown instruction {i.name}")
        code = HANDLERS[i.name](i)
        if i.modifiers:
            raise PtxError(f"unknown modifier .{' .'.join(i.modifiers)} of {i.name}")
        self.lines.append(f"    {guard}{{ {code} }}")

    # ---- the result ----

    def emit(self):
        name, params = self.source.name, self.source.params
        dynamic = aligned(self.shared_end, 128)
        lines = [f"static void run_{name}(const char *parameters, size_t shared_bytes)", "{",
                 f"    [[maybe_unused]] constexpr uint32_t dynamic_shared = {dynamic};",
                 "    [[maybe_unused]] char *const shared = (char *)fibers::shared();",
                 "    [[maybe_unused]] uint32_t carry = 0;",
                 "    (void)parameters, (void)shared_bytes;"]
        for local, variable in self.local_variables:
            lines += [f"    alignas({variable.align}) char {local}[{variable.bytes}];",
                      f"    memset({local}, 0xff, sizeof {local});"]
        lines += self._declarations() + self.lines + ["}"]
        lines.append(f"static const ptx::Gap gaps_{name}[] = {{" + ", ".join(
            [f"{{{start}, {end - start}}}" for start, end in self.gaps] + ["{0, 0}"]) + "};")
        lines.append(f"static const ptx::Param params_{name}[] = {{" + ", ".join(
            [f"{{{p.offset}, {p.bytes}}}" for p in params] + ["{0, 0}"]) + "};")
        size = max([p.offset + p.bytes for p in params] + [0])
        local = sum(variable.bytes for _, variable in self.local_variables)
        entry = (f'{{"{name}", run_{name}, params_{name}, {len(params)}, {size}, gaps_{name}, '
                 f'{self.shared_bytes}, {dynamic}, {local}, {self.source.max_threads}}}')
        return lines, entry

    def _declarations(self):
        by_type = {}
        for register in self.operands.registers:
            if register.used:
                by_type.setdefault(C_TYPES[register.kind], []).append(register.name)
        return [f"    {kind} {', '.join(names)};" for kind, names in by_type.items()]


# Unused bytes behind every shared variable catch what runs over its end.
SHARED_GAP = 32


def aligned(number, to):
    return -(-number // to) * to


class ModuleTranslator:
    def __init__(self, path, text, exact):
        self.path, self.file, self.exact = path, os.path.basename(path), exact
        self.source = parse(text)
        self.files = self.source.files
        self.lines_from_loc = False
        self.shared_bytes, self.shared_end, self.gaps = 0, 0, []
        self.variables, self.declarations, self.table = {}, [], []
        for variable in self.source.variables:
            self._declare(variable)

    @staticmethod
    def place_shared(variable, end, gaps):
        start = aligned(end, max(variable.align, 8))
        after = start + variable.bytes
        gaps.append((after, after + SHARED_GAP))
        return f"{start}u", after + SHARED_GAP

    def _declare(self, variable):
        if variable.space == "shared" and variable.count == 0:
            self.variables[variable.name] = ("shared", "dynamic_shared")
        elif variable.space == "shared":
            address, self.shared_end = self.place_shared(variable, self.shared_end, self.gaps)
            self.shared_bytes = aligned(self.shared_bytes, variable.align) + variable.bytes
            self.variables[variable.name] = ("shared", address)
        else:
            name = "g_" + re.sub(r"\W", "_", variable.name)
            self.declarations.append(f"alignas({variable.align}) static {C_TYPES[variable.type]} "
                                     f"{name}[{variable.count}] = {{{self._values(variable)}}};")
            self.table.append(f'{{"{variable.name}", {name}, sizeof {name}}}')
            self.variables[variable.name] = (variable.space, f"(uint64_t)(uintptr_t){name}")

    @staticmethod
    def _values(variable):
        values = []
        for text in split_operands(variable.values):
            if INTEGER.fullmatch(text) and not is_float(variable.type):
                value = int(text.rstrip("U"), 0) & ((1 << bits_of(variable.type)) - 1)
                values.append(f"({C_TYPES[variable.type]}){value}ull")
            elif re.fullmatch(r"0[fFdD][0-9a-fA-F]+", text) and is_float(variable.type):
                word = "uint32_t" if len(text) == 10 else "uint64_t"
                values.append(f"ptx::bits<{C_TYPES[variable.type]}>(({word})0x{text[2:]}ull)")
            else:
                raise PtxError(f"unknown initializer of {variable.name}: {text}")
        return ", ".join(values)

    def emit(self):
        lines = [f"/* Made by ptx2c.py from {self.file}. */", '#include "ptx/ptxrt.h"', ""]
        lines += self.declarations
        kernels = []
        for kernel in self.source.kernels:
            first = KernelTranslator(kernel, self, self.exact, {}).translate()
            kinds = first.operands.voted_kinds()
            body, entry = KernelTranslator(kernel, self, self.exact, kinds).translate().emit()
            lines += body
            kernels.append(entry)
        variables = ", ".join(self.table + ["{}"])
        return "\n".join(lines + [
            "static const ptx::Kernel kernels[] = {" + ", ".join(
                kernels + ["{}"]) + "};",
            f"static const ptx::Variable variables[] = {{{variables}}};",
            "LEHR_PTX_PUBLISH(kernels, variables)", ""])


def main(arguments):
    exact = "--exact" in arguments
    files = [argument for argument in arguments if argument != "--exact"]
    if len(files) != 2:
        sys.exit(__doc__)
    try:
        with open(files[0], encoding="utf-8") as source:
            result = ModuleTranslator(files[0], source.read(), exact).emit()
    except PtxError as error:
        sys.exit(f"ptx2c: {error}")
    with open(files[1], "w", encoding="utf-8") as target:
        target.write(result)


if __name__ == "__main__":
    main(sys.argv[1:])
