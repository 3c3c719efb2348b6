"""The numpy backend: the same text and semantics as torch, with its own softmax and scipy's special functions."""

from __future__ import annotations

from dltsym.lower.ops import OPS
from dltsym.lower.printers.counting import NUMPY_COUNTS
from dltsym.lower.printers.helpers import NUMPY
from dltsym.lower.printers.inverses import NUMPY_INVERSES
from dltsym.lower.printers.loop_numpy import NUMPY_LOOPS
from dltsym.lower.printers.target import Target

TARGET = Target(
    name="numpy",
    modules={"math": "import math", "np": "import numpy as np", "special": "from scipy import special"},
    host="numpy",
    ops={name: row.numpy for name, row in OPS.items()},
    helpers={**NUMPY_LOOPS, **NUMPY_COUNTS, **NUMPY_INVERSES, **NUMPY},
    dtype="{0}.dtype",
    device="",
    lift="np.asarray({0}, {dtype})",
    enter="_scalar({0}, {dtype})",
    tensor="np.asarray({0}, {dtype})",
    first='np.asarray({0}, getattr({0}, "dtype", np.float64))',
    zeros="np.zeros({0}, {dtype})",
    arange="np.arange({0}, dtype={dtype})",
    integer="np.int64",
    default="np.float64",
    cast="{0}.astype({dtype})",
    any="{0}.any({dims})",
    where="np.where({0}, {1}, {2})",
    mT="np.swapaxes({0}, -1, -2)",
    move="np.moveaxis({0}, {source}, {target})",
    dense="np.ascontiguousarray({0})",
    dot="",
    diagonal="np.diagonal({0}, axis1={dim1}, axis2={dim2})",
    narrow="_narrow({0}, {dim}, {start}, {size})",
    truth="np.bool_",
    inplace="",
    matmul="{0} @ {1}",
    einsum='_einsum("{spec}", {0}, {1})',
    sum="{0}.sum({dims})",
    mean="{0}.mean({dims})",
    keep="keepdims=True",
    axpy="",
    square="np.square({0})",
    rsqrt="1 / np.sqrt({0})",
    sqrt="np.sqrt({0})",
    folds={
        "max": "{0}.max({dims})",
        "min": "{0}.min({dims})",
        "prod": "{0}.prod({dims})",
        "lse": "_logsumexp({0}, {dims})",
        "argmax": "{0}.argmax({dims})",
        "argmin": "{0}.argmin({dims})",
    },
    single=frozenset({"argmax", "argmin"}),
    scans={},
    softmax="_softmax({0}, {dims})",
    log_softmax="_log_softmax({0}, {dims})",
    negate="~{0}",
    clamp={"maximum": "np.maximum({0}, {1})", "minimum": "np.minimum({0}, {1})"},
    vanishing={},
)
