"""The triton backend: streaming reductions only, with no array over the streamed axis in memory.

Printed are a maximum, minimum, product, sum or log-sum-exp over one axis of a tree of pointwise operations, and sums
weighted with a softmax over it; inside such a fold, sums over a product of rows and columns that fit in one block; and
pointwise operations on the results. Each program computes one block of the last axis (with columns: the last two) and
streams the reduced axis block by block. Everything else is refused, with all reasons in one error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from dltsym.errors import UnsupportedError
from dltsym.lower.axes import Axis
from dltsym.lower.nodes import Node
from dltsym.lower.passes.cells import unfold
from dltsym.lower.passes.rebuild import rewrite
from dltsym.lower.printers.base import Header, Source
from dltsym.lower.printers.frame import header_lines
from dltsym.lower.printers.names import Sizes, python_name
from dltsym.lower.printers.triton_helpers import HOST, jit_sources
from dltsym.lower.printers.triton_rows import RESERVED, Loop, Rows
from dltsym.lower.program import Program

_UNFOLD = frozenset({"xexpx", "cross_entropy", "sdpa", "logmm", "scatter"})
_WIDE = 108


def print_triton(program: Program, name: str, header: Header | None = None) -> Source:
    """Print a program as a streaming kernel and its launcher.

    Parameters
    ----------
    program : Program
        Program after the cells, before the layout.
    name : str
        Name of the launcher; it takes the inputs in order and returns a tensor.
    header : Header, optional
        Formula and hash.

    Returns
    -------
    Source

    Raises
    ------
    UnsupportedError
        If this is no streaming reduction; the message names every reason.
    """
    if len(program.outputs) != 1:
        names = ", ".join(o.name for o in program.outputs)
        raise UnsupportedError(f"triton: one output at a time, not {names}; choose with of=...")
    name = python_name(name)
    output = program.outputs[0]
    root = rewrite(program.table, output.node, lambda n: unfold(program.table, n) if n.op in _UNFOLD else n, {})
    refused: list[Rows] = []
    for tile, col in _roles(output.axes):
        rows, result = _printed(program, name, root, output.axes, tile, col)
        if not rows.reasons:
            text = _module(program, name, header or Header(), rows, result)
            return Source(text, name, tuple(rows.names.values()), (output.name,))
        refused.append(rows)
    best = min(refused, key=lambda r: len(r.reasons))
    raise UnsupportedError(f"triton: {'; '.join(best.reasons)}")


def _roles(axes: tuple[Axis, ...]) -> Iterator[tuple[Axis | None, Axis | None]]:
    """Which axis is the tile and which the columns, the likeliest first."""
    for col in reversed(axes):
        for tile in reversed(axes):
            if tile != col:
                yield tile, col
    for tile in reversed(axes):
        yield tile, None
    yield None, None  # one entry per program: room for a second axis of a sum, such as an exact squared distance


def _printed(
    program: Program, name: str, root: Node, axes: tuple[Axis, ...], tile: Axis | None, col: Axis | None
) -> tuple[Rows, str]:
    """Print once to count how often every value is read, and once more with the counts."""
    names: dict[str, str] = {}
    for i in program.inputs:
        names[i.name] = python_name(i.name, {name, *RESERVED, *names.values()})
    counts: Counter[tuple[int, object]] = Counter()
    while True:
        given = {i.name: i for i in program.inputs}
        sizes = Sizes(program.inputs, names | {f"-{r}": r for r in sorted(RESERVED)})
        rows = Rows(program.table, given, names, sizes, tile, col, axes, counts)
        for a in (tile, col):
            if a is not None:
                rows.extent(a.size)
        value = rows.real(rows.value(root))
        if not any(i.entries == "real" and i.shape for i in program.inputs):
            rows.refuse("no argument is an array of real numbers")
        if not rows.loops:
            rows.refuse("nothing is reduced over an axis")
        elif col is not None and col not in root.axes:
            rows.refuse(f"the output does not depend on {col.name}")
        if rows.reasons or counts:
            dims = tuple(a for a in (tile, col) if a is not None)
            return rows, rows.spread(value, dims).code
        counts = rows.reads


def _module(program: Program, name: str, header: Header, rows: Rows, result: str) -> str:
    kernel = _kernel(name, rows, result)
    pairs = [f"@triton.jit\n{source}" for source in rows.functions.values()]
    parts = [
        "\n".join(header_lines(name, program, rows.names, header)),
        "import contextlib\nimport math\n\nimport torch\nimport triton\nimport triton.language as tl",
        "\n\n\n".join(
            ["", *(s.rstrip() for s in jit_sources(kernel)), *pairs, kernel, HOST.strip(), _launcher(name, rows)]
        )[2:],
    ]
    return "\n\n".join(parts) + "\n"


# The kernel


def _blocks(rows: Rows) -> dict[str, Axis]:
    """Block sizes by name, with an axis that has each."""
    out = {"BLOCK_I": rows.tile, "BLOCK_C": rows.col}
    out |= {"BLOCK_J": next(iter(rows.streamed), None)}
    out |= {f"BLOCK_{rows.letters[a].upper()}": a for a in rows.summed}
    return {n: a for n, a in out.items() if a is not None}


def _parameters(rows: Rows) -> list[tuple[str, str]]:
    """Parameters of the kernel, each with what the launcher passes."""
    arrays = dict.fromkeys(n for n, _ in rows.bases)
    out = [("out", "out"), *((rows.names[n], rows.names[n]) for n in arrays)]
    for (array, dims), base in rows.bases.items():
        core = len(rows.inputs[array].shape)
        axes = ", ".join("None" if not d else f"({', '.join(map(str, d))},)" for d in dims)
        out.append((f"{base}_by", f"_offsets({rows.names[array]}, {core}, lead, [{axes}])"))
    if rows.consts:
        out.append(("consts", "consts"))
    out += [(param, text) for text, param in rows.extents.items()]
    out += [(param, f"{rows.names[array]}.stride({dim})") for (array, dim), param in rows.strides.items()]
    return out


def _call(head: str, arguments: list[str], tail: str) -> list[str]:
    """Wrap a signature or a call."""
    one = f"{head}{', '.join(arguments)}{tail}"
    if len(one) <= _WIDE:
        return [one]
    pad, lines = " " * (len(head) - len(head.lstrip())), [""]
    for a in arguments:
        if len(lines[-1]) + len(a) > _WIDE - 8:
            lines.append("")
        lines[-1] += f" {a}," if lines[-1] else f"{a},"
    return [head, *(f"{pad}    {line}" for line in lines), pad + tail]


def _kernel(name: str, rows: Rows, result: str) -> str:
    body = ["batch = tl.program_id(0).to(tl.int64)"]
    for axis, program in ((rows.tile, 1), (rows.col, 2)):
        if axis is not None:
            letter, block = rows.letters[axis], "BLOCK_I" if axis == rows.tile else "BLOCK_C"
            body.append(f"{letter} = tl.program_id({program}).to(tl.int64) * {block} + tl.arange(0, {block})")
            body.append(f"in_{letter} = {letter} < {rows.extent(axis.size)}")
    for axis in rows.summed:
        letter = rows.letters[axis]
        body += [
            f"{letter} = tl.arange(0, BLOCK_{letter.upper()})",
            f"in_{letter} = {letter} < {rows.extent(axis.size)}",
        ]
    body += [f"{c} = tl.load(consts + {q})  # {text}" for q, (text, c) in enumerate(rows.consts.items())]
    body += [f"{base} = {rows.names[array]} + tl.load({base}_by + batch)" for (array, _), base in rows.bases.items()]
    for level in range(1 + max(loop.level for loop in rows.loops.values())):
        for loop in rows.loops.values():
            if loop.level == level:
                body += _loop(rows, loop)
        body += rows.at.get(level, [])
    body += _store(rows, result)
    params = [p for p, _ in _parameters(rows)]
    fixed = [f"{b}: tl.constexpr" for b in _blocks(rows)] + ["ACC: tl.constexpr", "PREC: tl.constexpr"]
    signature = _call(f"def _{name}(", [*params, *fixed], "):")
    return "\n".join(["@triton.jit", *signature, *(f"    {line}" for line in body)])


def _loop(rows: Rows, loop: Loop) -> list[str]:
    letter = rows.letters[loop.axis]
    body = [
        f"{letter} = (start + tl.arange(0, BLOCK_J)).to(tl.int64)",
        f"in_{letter} = {letter} < {rows.extent(loop.axis.size)}",
        *loop.body,
        "start += BLOCK_J",
    ]
    head = ["start = 0", f"while start < {rows.extent(loop.axis.size)}:"]
    return [*loop.init, *head, *(f"    {line}" for line in body), *loop.done]


def _store(rows: Rows, result: str) -> list[str]:
    address, dims = "batch", [a for a in (rows.tile, rows.col) if a is not None]
    for a in dims:
        letter = rows.letters[a]
        index = letter if len(dims) == 1 else f"{letter}[:, None]" if a == rows.tile else f"{letter}[None, :]"
        address = (
            f"({address}) * {rows.extent(a.size)} + {index}"
            if address != "batch"
            else f"batch * {rows.extent(a.size)} + {index}"
        )
    masked = f", mask={rows.mask(dims)}" if dims else ""
    lines = [f"result = {result}"] if not result.isidentifier() else []
    result = result if result.isidentifier() else "result"
    return [*lines, f"tl.store(out + {address}, {result}.to(out.dtype.element_ty){masked})"]


# The launcher


def _launcher(name: str, rows: Rows) -> str:
    names = rows.names
    lead = ", ".join(rows.sizes.text(a.size) for a in rows.lead)
    last = [rows.sizes.text(a.size) for a in (rows.tile, rows.col) if a is not None]
    arguments = [text for _, text in _parameters(rows)]
    arguments += [f"{b}={b}" for b in _blocks(rows)]
    arguments += ["ACC=tl.float64 if acc == torch.float64 else tl.float32", "PREC=precision"]
    real = [n for n, i in rows.inputs.items() if i.entries == "real"]
    like = names[next(n for n in real if rows.inputs[n].shape)]
    scalars = [n for n in real if not rows.inputs[n].shape]
    tensors = [names[n] for n, i in rows.inputs.items() if i.shape or i.entries != "integer"]
    used = [(names[n], len(rows.inputs[n].shape)) for n in dict.fromkeys(n for n, _ in rows.bases)]
    shapes = [f"{n}.shape[: {n}.dim() - {core}]" if core else f"{n}.shape" for n, core in used]
    grid = [f"triton.cdiv({size}, {block})" for size, block in zip(last, ("BLOCK_I", "BLOCK_C"), strict=False)]
    order = [*rows.lead, *(a for a in (rows.tile, rows.col) if a is not None)]
    body = [
        f"acc = torch.float64 if {like}.dtype == torch.float64 else torch.float32",
        *(f"{names[n]} = torch.as_tensor({names[n]}, dtype=acc, device={like}.device)" for n in scalars),
        f"if torch.is_grad_enabled() and any(x.requires_grad for x in ({', '.join(tensors)},)):",
        '    raise ValueError("a triton kernel has no autograd: detach the inputs, or compile the derivative")',
        *rows.sizes.prologue(),
        *_call("lead = (*torch.broadcast_shapes(", shapes, f"), {lead})" if lead else "),)"),
        f"out = torch.empty((*lead, {', '.join(last)}), dtype={like}.dtype, device={like}.device)",
    ]
    if rows.consts:
        body.append(f"consts = torch.tensor([{', '.join(rows.consts)}], dtype=acc, device={like}.device)")
    for a in rows.counted:
        size = rows.sizes.text(a.size)
        body += [f"if acc == torch.float32 and {size} > 2**24:",
                 f'    raise ValueError("triton: float32 cannot count the places of axis {a.size}")']  # fmt: skip
    body += _sides(rows)
    launch = _call(f"    _{name}[({', '.join(['math.prod(lead)', *grid])},)](",
                   arguments, ")")  # fmt: skip
    body += ["if out.numel():", "    with _quiet(out):", *(f"    {line}" for line in launch)]
    body.append(f"return {_moved(rows, order)}")
    signature = ", ".join([*names.values(), 'precision="ieee"'])
    return "\n".join([f"def {name}({signature}):", *(f"    {line}" for line in body)])


def _sides(rows: Rows) -> list[str]:
    """Statements that choose the block sizes."""
    out = []
    for block, axis in _blocks(rows).items():
        if axis in rows.summed:
            out.append(f'{block} = _block("{axis.size}", {rows.sizes.text(axis.size)}, 1024)')
    summed = [b for b, a in _blocks(rows).items() if a in rows.summed]
    size = f"64 if max({', '.join([*summed, '0'])}) <= 128 else 32" if summed else "64"
    return [*out, *(f"{b} = {size}" for b, a in _blocks(rows).items() if a not in rows.summed)]


def _moved(rows: Rows, order: list[Axis]) -> str:
    """Return text of the output with its axes in the order that was asked for."""
    wanted = rows.wanted
    if tuple(order) == tuple(wanted):
        return "out"
    dims = [order.index(a) - len(order) for a in wanted]
    places = [q - len(order) for q in range(len(order))]
    return f"out.movedim({tuple(dims)}, {tuple(places)})"
