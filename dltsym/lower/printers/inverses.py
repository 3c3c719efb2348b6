"""Source of the inverses of relative entropy for both array backends: the closed form's, with its own names.

The method stands in `dltsym.lower.closed.inverse` and is written once; what a generated file needs of it is read from
there, without annotations and descriptions, so that the file stays one that runs alone.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping

from dltsym.lower.closed import inverse

__all__ = ["NUMPY_INVERSES", "TORCH_INVERSES"]

_NAMES = {"unknown": "_kl_unknown", "start": "_kl_start", "_relative": "_kl_relative", "_pair": "_kl_pair"}
_TITLES = {
    "unknown": "log((1 - q)/(1 - p)) for the largest p with kl(q, p) <= c, by Halley's method.",
    "start": "A point at which kl(q, p) is at least c, at most 1.8 times too large.",
    "_relative": "kl(q, p) over c; `scaled` is (p - q) over the root of c.",
    "_pair": "p - q and 1 - p for the largest p with kl(q, p) <= c.",
}


class _Own(ast.NodeTransformer):
    """Rewrite a function for one library."""

    def __init__(self, library: str) -> None:
        self.module = library

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        kept = [x for x in body if not (isinstance(x, ast.Assign) and ast.unparse(x).startswith("xp = space("))]
        title = ast.Expr(ast.Constant(_TITLES[node.name]))
        for a in node.args.args:
            a.annotation = None
        node.name, node.returns, node.body = _NAMES[node.name], None, [title, *kept]
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "xp":
            return ast.Name(self.module, node.ctx)
        if node.id in ("HALLEY", "LARGEST"):
            return ast.Constant(getattr(inverse, node.id))
        return ast.Name(_NAMES.get(node.id, node.id), node.ctx)


def _shared(library: str) -> dict[str, str]:
    module = ast.parse(inspect.getsource(inverse))
    found = [x for x in module.body if isinstance(x, ast.FunctionDef) and x.name in _NAMES]
    return {own.name: f"\n{ast.unparse(own)}\n" for own in map(_Own(library).visit_FunctionDef, found)}


NUMPY_INVERSES: Mapping[str, str] = {
    **_shared("np"),
    "_kl_upper": '''
def _kl_upper(q, c):
    """The largest p with kl(q, p) <= c, in double precision."""
    q, c, kind = _kl_arguments(q, c)
    with np.errstate(all="ignore"):
        return (q + _kl_pair(q, c, 1 - q, 0.0)[0]).astype(kind)
''',
    "_kl_lower": '''
def _kl_lower(q, c):
    """The smallest p with kl(q, p) <= c, in double precision."""
    q, c, kind = _kl_arguments(q, c)
    with np.errstate(all="ignore"):
        return _kl_pair(1 - q, c, q, 0.0)[1].astype(kind)
''',
    "_kl_arguments": '''
def _kl_arguments(q, c):
    """Both arguments in double precision, and the type of the result."""
    kind = np.result_type(q, c)
    q, c = np.broadcast_arrays(np.asarray(q, np.float64), np.asarray(c, np.float64))
    return q, c, kind if np.issubdtype(kind, np.floating) else np.float64
''',
}

TORCH_INVERSES: Mapping[str, str] = {
    **_shared("torch"),
    "_kl_upper": '''
def _kl_upper(q, c):
    """The largest p with kl(q, p) <= c, in double precision."""
    q, c, kind = _kl_arguments(q, c)
    return (q + _kl_moved(q, c, 1 - q)[0]).to(kind)
''',
    "_kl_lower": '''
def _kl_lower(q, c):
    """The smallest p with kl(q, p) <= c, in double precision."""
    q, c, kind = _kl_arguments(q, c)
    return _kl_moved(1 - q, c, q)[1].to(kind)
''',
    "_kl_arguments": '''
def _kl_arguments(q, c):
    """Both arguments in double precision, and the type of the result."""
    q, c = (torch.as_tensor(x) for x in (q, c))
    kind = torch.result_type(q, c)
    kind = kind if kind.is_floating_point else torch.float64
    return *torch.broadcast_tensors(q.double(), c.double()), kind
''',
    "_kl_moved": '''
class _KlPair(torch.autograd.Function):
    """p - q and 1 - p for the largest p with kl(q, p) <= c; the derivatives are implicit, with 1 - q a constant."""

    generate_vmap_rule = True

    @staticmethod
    def forward(q, c, rest):
        return _kl_pair(q, c, rest, 0.0)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs, *output)

    @staticmethod
    def backward(ctx, by_move, by_left):
        q, c, rest, move, left = ctx.saved_tensors
        inner = (move > 0) & (left > 0)
        a, b, d, r = (torch.where(inner, x, 0.5) for x in (q, rest, move, left))
        by_c = (a + d) * (r / d)
        by_q = (torch.log1p(d / a) + torch.log(b / r)) * by_c
        still = torch.where((move == 0) & ((rest > 0) | (c == 0)), 1.0, 0.0)  # p is q; it is 1 at q = 1 or c = inf
        g = by_move - by_left
        none = g == 0  # an infinite slope that nobody asks for
        by_q, by_c = torch.where(inner, by_q, still), torch.where(inner, by_c, 0.0)
        return torch.where(none, 0.0, g * by_q) - by_move, torch.where(none, 0.0, g * by_c), None


def _kl_moved(q, c, rest):
    """p - q and 1 - p for the largest p with kl(q, p) <= c."""
    return _KlPair.apply(q, c, rest)
''',
}
