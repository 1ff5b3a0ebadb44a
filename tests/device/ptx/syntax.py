"""PTX text to objects: variables, kernels, and the statements of their bodies.

Knows where things begin and end, not what instructions mean (arithmetic.py, memory.py, warp.py).
PTX ISA 9.0, chapters 4 to 6 and 11.
"""

import os
import re
from dataclasses import dataclass, field

SIZES = {kind + bits: int(bits) // 8
         for kind in "bus" for bits in ("8", "16", "32", "64")}
SIZES.update(f32=4, f64=8)

NAME = r"[\w$%.]+"


class PtxError(Exception):
    """The text holds something that this translator does not know."""


@dataclass
class Statement:
    text: str
    line: int  # of the PTX file


@dataclass
class Variable:
    space: str  # global, const, shared or local
    type: str
    name: str
    align: int
    count: int  # elements; 0: sized by the launch (extern .shared)
    values: str  # the initializer without braces, "" if there is none

    @property
    def bytes(self):
        return SIZES[self.type] * self.count


@dataclass
class Param:
    name: str
    offset: int
    bytes: int


@dataclass
class Kernel:
    name: str
    line: int
    params: list
    max_threads: int  # of .maxntid; 1024 without it
    body: list


@dataclass
class Module:
    variables: list = field(default_factory=list)
    kernels: list = field(default_factory=list)
    files: dict = field(default_factory=dict)  # of .file: number to name


# Directives that end with their line get the semicolon that all others have.
LINE_DIRECTIVE = re.compile(r"^\s*\.(?:loc|file|version|target|address_size)\b")
LOC_CONTINUES = re.compile(r",\s*$")


def without_comments(text):
    """Line numbers stay what they were."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)
    lines = [line.split("//")[0] for line in text.split("\n")]
    for number, line in enumerate(lines):
        if LINE_DIRECTIVE.match(line) and not LOC_CONTINUES.search(line):
            lines[number] = line + ";"
    return "\n".join(lines)


class Scanner:
    """Cuts text into statements, scopes and labels."""

    def __init__(self, text):
        self.text = without_comments(text)
        self.position = 0
        self.line = 1

    def _advance(self):
        char = self.text[self.position]
        self.position += 1
        self.line += char == "\n"
        return char

    def next(self):
        """(text, end, line): text up to `end`, one of ; { } : or "" at the end of the file.

        Braces inside a statement (vectors, initializers) belong to its text; `{` ends it where a
        scope or a body begins, `:` after a label.
        """
        text, depth, first = "", 0, None
        while self.position < len(self.text):
            char = self._advance()
            if first is None and not char.isspace():
                first = self.line
            if char == "{" and depth == 0 and self._opens_scope(text):
                return text.strip(), "{", first
            if char == "}" and depth == 0:
                if text.strip():
                    raise PtxError(f"line {self.line}: unfinished statement: {text.strip()}")
                return "", "}", first
            if char == ";" and depth == 0:
                return " ".join(text.split()), ";", first
            if char == ":" and re.fullmatch(r"\s*[\w$]+", text):
                return text.strip(), ":", first
            depth += (char in "{[(") - (char in "}])")
            text += char
        if text.strip():
            raise PtxError(f"the file ends inside: {text.strip()[:80]}")
        return "", "", self.line

    @staticmethod
    def _opens_scope(text):
        head = text.split(None, 1)
        if not head:
            return True
        return head[0].startswith(".") and "=" not in text

    def skip_scope(self):
        depth = 1
        while depth:
            char = self._advance()
            depth += (char == "{") - (char == "}")


def parse_variable(text, line):
    """A .global, .const, .shared or .local declaration."""
    match = re.fullmatch(
        r"(?:\.(?:visible|weak|extern|common)\s+)*\.(global|const|shared|local)\s+"
        r"(?:\.attribute\([^)]*\)\s*)?(?:\.align\s+(\d+)\s+)?\.(\w+)\s+([\w$]+)"
        r"(?:\[(\d*)\])?(?:\s*=\s*(.*))?", text, flags=re.S)
    if not match or match.group(3) not in SIZES:
        raise PtxError(f"line {line}: unknown declaration: {text}")
    space, align, kind, name, count, values = match.groups()
    if count == "" and space != "shared":
        raise PtxError(f"line {line}: only shared memory may leave its size to the launch: {text}")
    values = (values or "").strip().strip("{}").strip()
    elements = 1 if count is None else int(count or 0)
    return Variable(space, kind, name, int(align or SIZES[kind]), elements, values)


PARAM = re.compile(r"\.param\s+(?:\.align\s+(\d+)\s+)?\.(\w+)"
                   r"(?:\s+\.ptr(?:\s+\.\w+)?(?:\s+\.align\s+\d+)?)?\s+([\w$]+)(?:\[(\d+)\])?")


def parse_params(text, line):
    params, offset = [], 0
    for declaration in (" ".join(part.split()) for part in text.split(",") if part.strip()):
        match = PARAM.fullmatch(declaration)
        if not match or match.group(2) not in SIZES:
            raise PtxError(f"line {line}: unknown parameter: {declaration}")
        align, kind, name, count = match.groups()
        size, align = SIZES[kind] * int(count or 1), int(align or SIZES[kind])
        offset = -(-offset // align) * align
        params.append(Param(name, offset, size))
        offset += size
    return params


def parse_body(scanner):
    """Statements up to the closing brace; inner scopes as statements "{" and "}"."""
    body, depth = [], 1
    while True:
        text, end, line = scanner.next()
        if end == "":
            raise PtxError("the file ends inside a kernel")
        depth += (end == "{") - (end == "}")
        if depth == 0:
            return body
        if end == "{" and text:
            raise PtxError(f"line {line}: unknown scope: {text}")
        text = {";": text, ":": text + ":", "{": "{", "}": "}"}[end]
        if text:
            body.append(Statement(text, line))


# What a kernel's head may promise the assembler; only the largest block matters here.
PROMISES = r"\.(?:maxntid|minnctapersm|reqntid|maxnreg|maxclusterrank)\s+\d+(?:\s*,\s*\d+)*"


def parse_kernel(head, line, scanner):
    match = re.fullmatch(r"(?:\.(?:visible|weak)\s+)*\.entry\s+([\w$]+)\s*(?:\(([^)]*)\))?(.*)",
                         head, flags=re.S)
    if not match or re.sub(PROMISES, "", match.group(3)).strip():
        raise PtxError(f"line {line}: unknown kernel head: {' '.join(head.split())}")
    name, params, promises = match.groups()
    threads = 1
    for number in re.findall(r"\d+", (re.search(r"\.(?:maxntid|reqntid)([\s\d,]+)", promises)
                                      or [None, "1024"])[1]):
        threads *= int(number)
    return Kernel(name, line, parse_params(params or "", line), threads, parse_body(scanner))


def parse(text):
    module, scanner = Module(), Scanner(text)
    while True:
        head, end, line = scanner.next()
        word = head.split()[0] if head else ""
        if end == "":
            return module
        if re.search(r"\.func\b", head):
            raise PtxError(f"line {line}: .func: a device function that was not inlined, or one of "
                           "the device's library (printf, assert); neither is supported")
        if word == ".section" and end == "{":
            scanner.skip_scope()
        elif end == "{" and re.search(r"\.entry\b", head):
            module.kernels.append(parse_kernel(head, line, scanner))
        elif word == ".file":
            match = re.match(r'\.file\s+(\d+)\s+"([^"]*)"', head)
            module.files[match.group(1)] = os.path.basename(match.group(2))
        elif word in (".version", ".target", ".address_size", ".pragma"):
            pass
        elif end == ";" and word.startswith("."):
            module.variables.append(parse_variable(head, line))
        elif end == ";" and not head:
            pass
        else:
            raise PtxError(f"line {line}: unknown text: {head}{end}")


def split_operands(text):
    """Commas inside braces, brackets and parentheses do not separate."""
    operands, depth, current = [], 0, ""
    for char in text:
        depth += (char in "{[(") - (char in "}])")
        if char == "," and depth == 0:
            operands.append(current.strip())
            current = ""
        else:
            current += char
    if current.strip():
        operands.append(current.strip())
    return operands
