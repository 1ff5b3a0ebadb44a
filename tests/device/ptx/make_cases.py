#!/usr/bin/env python3
"""make_cases.py OUT.ptx OUT.h: kernels of cases.txt, and the checks that cases.cpp runs on them."""

import os
import re
import sys

REGISTERS = {"u16": "b16", "s16": "b16", "u32": "b32", "s32": "b32", "u64": "b64", "s64": "b64",
             "f32": "f32", "f64": "f64", "pred": "pred",
             "count": "b32", "udivisor": "b32", "sdivisor": "b32"}
C_TYPES = {"pred": "u32", "count": "u32", "udivisor": "u32", "sdivisor": "s32"}

HEAD = """.version 8.3
.target sm_90
.address_size 64
.const .align 4 .u32 table[4] = {10, 20, 30, 40};
.global .align 4 .f32 third[2] = {0f3F800000, 0f3EAAAAAB};
"""

# A thread has slot number %i of 8 bytes in each array.
KERNEL = """
.visible .entry case_{number}(.param .u64 in_a, .param .u64 in_b, .param .u64 in_c, .param .u64 out)
{{
    .reg .b32 %t<4>;
    .reg .b64 %i, %q, %p<4>;
{registers}
    mov.u32 %t0, %ctaid.x;
    mov.u32 %t1, %ntid.x;
    mov.u32 %t2, %tid.x;
    mad.lo.s32 %t3, %t0, %t1, %t2;
    mul.wide.u32 %i, %t3, 8;
{loads}
    {instruction}
{store}
    ret;
}}
"""


def rows(path):
    with open(path, encoding="utf-8") as table:
        for line in table:
            if line.strip() and not line.startswith("#"):
                result, inputs, *rest = re.split(r"\s*\|\s+", line.strip(), maxsplit=3)
                yield result, inputs.split(), *rest


def kernel(number, result, inputs, instruction):
    registers = [f"    .reg .{REGISTERS[kind]} %{name};" for name, kind in
                 list(zip("abc", inputs)) + [("d", result)]]
    loads = [f"    ld.param.u64 %p{n}, [in_{name}];\n    add.s64 %p{n}, %p{n}, %i;\n"
             f"    ld.global.{REGISTERS[kind]} %{name}, [%p{n}];"
             for n, (name, kind) in enumerate(zip("abc", inputs))]
    store = ["    ld.param.u64 %p3, [out];", "    add.s64 %p3, %p3, %i;"]
    if result == "pred":
        store += ["    selp.u32 %t0, 1, 0, %d;", "    st.global.u32 [%p3], %t0;"]
    else:
        store.append(f"    st.global.{REGISTERS[result]} [%p3], %d;")
    if not instruction.startswith("{"):
        instruction += ";"
    return KERNEL.format(number=number, instruction=instruction, registers="\n".join(registers),
                         loads="\n".join(loads), store="\n".join(store))


def check(number, result, inputs, instruction, expected):
    """CASE(number, text, (result, C++ types), (value sets), expression)"""
    kinds = (inputs + ["none"] * 3)[:3]
    types = [C_TYPES.get(kind, kind) for kind in [result] + kinds]
    return (f'CASE({number}, "{instruction}", ({", ".join(types)}), ({", ".join(kinds)}), '
            f"({expected}))")


def main(ptx, header):
    table = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.txt")
    numbered = list(enumerate(rows(table)))
    with open(ptx, "w", encoding="utf-8") as out:
        out.write(HEAD + "".join(kernel(n, result, inputs, instruction)
                                 for n, (result, inputs, instruction, _) in numbered))
    with open(header, "w", encoding="utf-8") as out:
        out.write("\n".join(check(n, *row) for n, row in numbered) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
