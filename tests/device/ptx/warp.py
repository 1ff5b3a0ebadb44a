"""Barriers and what the lanes of a warp do together: all through the fibers' one exchange."""

from arithmetic import instruction
from syntax import PtxError


@instruction("bar", "barrier")
def barrier(i):
    if i.take("warp"):
        i.take("sync", required=True)
        return f"fibers::sync_warp({i.place}, {i.read(0, 'u32')});"
    i.take("cta")
    i.take("aligned")
    how = i.one_of("sync", "red")
    if how == "sync":
        i.require(i.operands == ["0"], "only barrier 0 of the whole block")
        return f"fibers::barrier({i.place});"
    operation = i.one_of("popc", "and", "or")
    i.require(len(i.operands) == 3 and i.operands[1] == "0", "only barrier 0 of the whole block")
    word = {"popc": "count", "and": "all", "or": "any"}[operation]
    kind = "u32" if operation == "popc" else "pred"
    return i.write(0, f"fibers::barrier_reduce(fibers::Reduce::{word}, {i.read(2, 'pred')}, "
                      f"{i.place})", kind)


@instruction("shfl")
def shuffle(i):
    i.take("sync", required=True)
    i.only("b32")
    mode = i.one_of("up", "down", "bfly", "idx")
    names = [name.strip() for name in i.operands[0].split("|")]
    value, lane, bounds, mask = i.read(1), *(i.read(n, "u32") for n in (2, 3, 4))
    code = (f"const ptx::Source source = ptx::source_{mode}({lane}, {bounds}); "
            f"const uint32_t word = fibers::shuffle<uint32_t>({mask}, {value}, source.lane, "
            f"source.inside, {i.place}); ")
    code += i.operand_names.write(names[0], "b32", "word")
    if len(names) > 1:
        code += " " + i.operand_names.write(names[1], "pred", "source.inside")
    return code


@instruction("vote")
def vote(i):
    i.take("sync", required=True)
    operation = i.one_of("ballot", "any", "all", "uni")
    mask = i.read(2, "u32")
    code = (f"const uint32_t votes = fibers::ballot({i.place}, {mask}, {i.read(1, 'pred')}); ")
    result = {"ballot": "votes", "any": "votes != 0", "all": f"votes == {mask}",
              "uni": f"votes == 0 || votes == {mask}"}[operation]
    return code + i.write(0, result, "b32" if operation == "ballot" else "pred")


@instruction("redux")
def reduce(i):
    i.take("sync", required=True)
    i.only("u32", "s32", "b32")
    operation = i.one_of("add", "min", "max", "and", "or", "xor")
    join = {"add": f"({i.c})((uint32_t)a + (uint32_t)b)", "min": "a < b ? a : b",
            "max": "a > b ? a : b", "and": "a & b", "or": "a | b", "xor": "a ^ b"}[operation]
    return i.write(0, f"fibers::reduce<{i.c}>({i.place}, {i.read(2, 'u32')}, {i.read(1)}, "
                      f"[]({i.c} a, {i.c} b) {{ return {join}; }})")


@instruction("match")
def match(i):
    i.one_of("any")
    i.take("sync", required=True)
    i.only("b32", "b64")
    mask = i.read(2, "u32")
    return i.write(0, f"fibers::match_any<{i.c}>({i.place}, {mask}, {i.read(1)})", "b32")


@instruction("activemask")
def active_mask(_):
    raise PtxError("activemask: which lanes run together is not defined off the device")


@instruction("nanosleep")
def sleep(_):
    raise PtxError("nanosleep: a wait for threads that run only when this one waits at a barrier")
