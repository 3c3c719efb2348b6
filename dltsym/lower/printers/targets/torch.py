"""The torch backend: dimensions are counted from the right, so batch dimensions, `vmap` and `hessian` just work."""

from __future__ import annotations

from dltsym.lower.ops import OPS
from dltsym.lower.printers.counting import TORCH_COUNTS
from dltsym.lower.printers.helpers import TORCH
from dltsym.lower.printers.inverses import TORCH_INVERSES
from dltsym.lower.printers.loop_torch import TORCH_LOOPS
from dltsym.lower.printers.target import Target

TARGET = Target(
    name="torch",
    modules={"math": "import math", "torch": "import torch"},
    host="torch",
    ops={name: row.torch for name, row in OPS.items()},
    helpers={**TORCH_LOOPS, **TORCH_COUNTS, **TORCH_INVERSES, **TORCH},
    dtype="{0}.dtype",
    device="{0}.device",
    lift="torch.full((), {0}, dtype={dtype}, device={device})",
    enter="_scalar({0}, {dtype}, {device})",
    tensor="torch.as_tensor({0}, dtype={dtype}, device={device})",
    first='torch.as_tensor({0}, dtype=getattr({0}, "dtype", torch.float64))',
    zeros="torch.zeros({0}, dtype={dtype}, device={device})",
    arange="torch.arange({0}, dtype={dtype}, device={device})",
    integer="torch.int64",
    default="torch.float64",
    cast="{0}.to({dtype})",
    any="{0}.any({dims})",
    where="torch.where({0}, {1}, {2})",
    mT="{0}.mT",
    move="{0}.movedim({source}, {target})",
    dense="{0}.contiguous()",
    dot="torch.linalg.vecdot({0}, {1})",
    diagonal="{0}.diagonal(dim1={dim1}, dim2={dim2})",
    narrow="{0}.narrow({dim}, {start}, {size})",
    truth="torch.bool",
    inplace="{0}.mul_({1})",
    matmul="{0} @ {1}",
    einsum='torch.einsum("{dots}", {0}, {1})',
    sum="{0}.sum({dims})",
    mean="{0}.mean({dims})",
    keep="keepdim=True",
    axpy="torch.add({0}, {1}, alpha={2})",
    square="{0}.square()",
    rsqrt="torch.rsqrt({0})",
    sqrt="torch.sqrt({0})",
    folds={
        "max": "{0}.amax({dims})",
        "min": "{0}.amin({dims})",
        "prod": "{0}.prod({dims})",
        "lse": "torch.logsumexp({0}, {dims})",
        "argmax": "{0}.argmax({dims})",
        "argmin": "{0}.argmin({dims})",
    },
    single=frozenset({"prod", "argmax", "argmin", "softmax", "log_softmax"}),
    # Library calls that accumulate half precision in single.
    scans={
        "sum": "torch.cumsum({0}, {dim})",
        "prod": "torch.cumprod({0}, {dim})",
        "max": "torch.cummax({0}, {dim}).values",
        "min": "torch.cummin({0}, {dim}).values",
    },
    softmax="torch.softmax({0}, {dims})",
    log_softmax="torch.log_softmax({0}, {dims})",
    negate="~{0}",
    clamp={"maximum": "{1}.clamp(min={0})", "minimum": "{1}.clamp(max={0})"},
    vanishing={"logaddexp": "_log_add({0}, {1})"},
)
