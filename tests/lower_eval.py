"""A slow evaluator of IR nodes in extended precision, for the tests of the algebra: one numpy call per node."""

from __future__ import annotations

import numpy as np
from scipy import special

from dltsym.lower.algebra.normalised import normalised

LD = np.longdouble


def sample(inputs, sizes, seed):
    """Draw values of declared inputs."""
    rng = np.random.default_rng(seed)
    out = {}
    for i in inputs:
        shape = tuple(sizes[s] for s in i.shape)
        if i.entries == "bool":
            out[i.name] = rng.random(shape) < 0.6
        elif i.entries == "integer":
            out[i.name] = rng.integers(0, 2, shape)
        else:
            v = rng.normal(size=shape)
            if i.lo is not None and i.hi is not None:
                v = rng.random(shape)
            elif i.lo is not None:
                v = np.abs(v) + (0.1 if i.lo_open else 0)
            if i.sum_one:
                v = v / v.sum(axis=i.sum_one, keepdims=True)
            out[i.name] = np.asarray(v, dtype=LD)
            if i.sum_one:
                out[i.name] = out[i.name] / out[i.name].sum(axis=i.sum_one, keepdims=True)
    return out


def _lse(x, axis):
    top = np.max(x, axis=axis, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0)
    with np.errstate(all="ignore"):
        return np.squeeze(safe, axis) + np.log(np.exp(x - safe).sum(axis=axis))


def _phi1(z):
    return np.where(z == 0, 1, np.expm1(z) / np.where(z == 0, 1, z))


def _ndim(f):
    return lambda x: np.asarray(f(np.asarray(x, dtype=np.float64)), dtype=LD)


UNARY = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "log1p": np.log1p, "expm1": np.expm1, "abs": np.abs, "sign": np.sign,
    "tanh": np.tanh, "sin": np.sin, "cos": np.cos, "cosh": np.cosh, "sinh": np.sinh, "floor": np.floor,
    "softplus": lambda x: np.logaddexp(x, 0), "sigmoid": lambda x: np.exp(-np.logaddexp(-x, 0)),
    "log1mexp": lambda x: np.where(x < 0.7, np.log(-np.expm1(-x)), np.log1p(-np.exp(-x))),
    "log1pmx": lambda t: np.log1p(t) - t, "expm1mx": lambda t: np.expm1(t) - t, "phi1": _phi1,
    "sech2": lambda x: 1 / np.cosh(x) ** 2, "log_cosh": lambda x: np.logaddexp(x, -x) - np.log(LD(2)),
    "erf": _ndim(special.erf), "erfc": _ndim(special.erfc), "step": lambda x: (x > 0) * LD(1),
    "lgamma": _ndim(special.gammaln),
}  # fmt: skip


FOLDS = {
    "lse": _lse, "max": np.max, "min": np.min, "prod": np.prod, "sum": np.sum, "argmax": np.argmax, "argmin": np.argmin,
}  # fmt: skip


class Sizes(dict):
    """Sizes by name; a compound one is computed."""

    def __missing__(self, text):
        return eval(text, {}, dict(self))


def plain(program, arrays, sizes):
    """Return the outputs of a program without batch dimensions."""
    e = Evaluator(program.table, {k: np.asarray(x) for k, x in arrays.items()}, sizes)
    return [np.asarray(e.values(o.node, o.axes), dtype=np.float64) for o in program.outputs]


class Evaluator:
    """Evaluate nodes on given inputs; every value is an array over the axes of its node, sorted."""

    def __init__(self, table, given, sizes):
        self.table, self.given, self.sizes, self.memo = table, given, Sizes(sizes), {}

    def values(self, node, axes):
        """Return the values broadcast over `axes`."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(self.spread(node, axes), [self.sizes[a.size] for a in axes])

    def size_of(self, node, axes):
        """Return a magnitude: the same expression with every value and term positive is not larger by much."""
        out = 0.0
        for n in self.below(node):
            with np.errstate(all="ignore"):
                v = np.abs(np.asarray(self.get(n), dtype=LD))
            v = v[np.isfinite(v)]
            out = max(out, float(v.max()) if v.size else 0.0)
        return min(out, 1e3)

    def below(self, node):
        seen, todo = {}, [node]
        while todo:
            n = todo.pop()
            if id(n) not in seen:
                seen[id(n)] = n
                todo.extend(n.args)
        return list(seen.values())

    def spread(self, node, axes):
        v, own = self.get(node), sorted(node.axes)
        order = sorted(range(len(own)), key=lambda p: axes.index(own[p]))
        v = np.transpose(v, order)
        kept = {own[p] for p in range(len(own))}
        return v.reshape([self.sizes[a.size] if a in kept else 1 for a in axes])

    def get(self, node):
        if id(node) not in self.memo:
            self.memo[id(node)] = (node, np.asarray(self.compute(node)))
        return self.memo[id(node)][1]

    def compute(self, n):
        axes = tuple(sorted(n.axes))
        args = lambda: [self.spread(a, axes) for a in n.args]  # noqa: E731
        match n.op:
            case "num":
                return LD(n.data[0].numerator) / LD(n.data[0].denominator)
            case "const":
                return LD("inf") if n.data[0] == "inf" else LD(np.pi)
            case "size":
                return LD(self.sizes[n.data[0]])
            case "iota":
                return np.arange(self.sizes[n.data[0].size])
            case "ref":
                return self.ref(n, axes)
            case "add" | "mul" | "and" | "or":
                start = {"add": LD(0), "mul": LD(1), "and": True, "or": False}[n.op]
                f = {"add": np.add, "mul": np.multiply, "and": np.logical_and, "or": np.logical_or}[n.op]
                out = start
                for a in args():
                    out = f(out, a)
                return np.broadcast_to(out, [self.sizes[a.size] for a in axes])
        return self.other(n, axes, args)

    def other(self, n, axes, args):
        """Compute what is neither a leaf nor a sum or product."""
        match n.op:
            case "not":
                return ~args()[0]
            case "cmp":
                a, b = args()
                return {"<": np.less, "<=": np.less_equal, "=": np.equal, "!=": np.not_equal}[n.data[0]](a, b)
            case "where":
                return np.where(*args())
            case "pow":
                (x,), k = args(), n.data[0]
                x = np.asarray(x, dtype=LD)
                return x ** int(k) if k.denominator == 1 else x ** (LD(k.numerator) / LD(k.denominator))
            case "maximum" | "minimum" | "logaddexp":
                return getattr(np, n.op)(*args())
            case "xlogx" | "xlogy":
                x, y = args() * (2 if n.op == "xlogx" else 1)
                return np.where(x == 0, LD(0), x * np.log(np.where(x == 0, LD(1), y)))
            case "contract" | "reduce":
                return self.fold(n, axes)
            case "softmax" | "log_softmax":
                x = np.asarray(self.spread(n.args[0], axes), dtype=LD)
                over = tuple(axes.index(a) for a in n.data[0])
                top = x.max(over, keepdims=True)
                total = np.exp(x - np.where(np.isinf(top), 0, top)).sum(over, keepdims=True)
                log = np.where(total > 0, x - top - np.log(total), -LD("inf"))
                return log if n.op == "log_softmax" else np.exp(log)
            case "scan":
                return self.scan(n, axes)
            case "take":
                return self.take(n, axes)
            case "exp" if normalised(self.table, n.args[0]) is not None:  # over nothing a softmax is 0
                return np.where(np.isnan(args()[0]), 0, np.exp(args()[0]))
        return UNARY[n.op](args()[0])

    def ref(self, n, axes):
        name, places = n.data
        index = []
        for p in places:
            if type(p).__name__ == "Axis":
                index.append(self.spread_iota(p, axes))
            elif type(p).__name__ == "Shift":
                index.append(self.spread_iota(p.axis, axes) + p.by)
            elif type(p).__name__ == "Slot":
                index.append(np.asarray(self.spread(n.args[p.arg], axes)).astype(int))
            else:
                index.append(p)
        v = self.given[name][tuple(index)] if index else self.given[name]
        return np.broadcast_to(v, [self.sizes[a.size] for a in axes])

    def spread_iota(self, axis, axes):
        return np.arange(self.sizes[axis.size]).reshape([self.sizes[a.size] if a == axis else 1 for a in axes])

    def fold(self, n, axes):
        bound = n.data[-1]
        every = (*axes, *bound)
        shape = [self.sizes[a.size] for a in every]
        parts = [np.broadcast_to(self.spread(a, every), shape) for a in n.args]
        over = tuple(range(len(axes), len(every)))
        if n.op == "contract":
            out = parts[0]
            for p in parts[1:]:
                out = out * p
            return out.sum(axis=over)
        x = np.asarray(parts[0], dtype=LD).reshape([*shape[: len(axes)], -1])
        return FOLDS[n.data[0]](x, axis=-1)

    def scan(self, n, axes):
        monoid, axis, way, incl = n.data
        if monoid in ("affine", "log-affine"):
            return self.affine(n, axes)
        x = np.broadcast_to(self.spread(n.args[0], axes), [self.sizes[a.size] for a in axes])
        x = np.moveaxis(np.asarray(x, dtype=LD), axes.index(axis), 0)[::way]
        unit = {"sum": LD(0), "prod": LD(1), "lse": -LD("inf"), "max": -LD("inf")}[monoid]
        f = {"sum": np.add, "prod": np.multiply, "lse": np.logaddexp, "max": np.maximum}[monoid]
        state, out = np.full_like(x[0], unit), []
        for row in x:
            new = f(state, row)
            out.append(new if incl else state)
            state = new
        return np.moveaxis(np.stack(out)[::way], 0, axes.index(axis))

    def take(self, n, axes):
        axis, place = n.data
        every = (*axes, axis)
        x = np.broadcast_to(self.spread(n.args[0], every), [self.sizes[a.size] for a in every])
        at = np.asarray(self.spread(n.args[1], axes) if len(n.args) > 1 else place).astype(int)
        at = np.broadcast_to(at, [self.sizes[a.size] for a in axes])
        return np.take_along_axis(x, at[..., None], -1)[..., 0]

    def affine(self, n, axes):
        monoid, axis, way, incl = n.data
        shape, p = [self.sizes[a.size] for a in axes], axes.index(axis)
        a, b, init = (np.moveaxis(np.broadcast_to(self.spread(x, axes), shape), p, 0)[::way] for x in n.args)
        state, out = init[0], []
        for k in range(len(a)):
            new = a[k] * state + b[k] if monoid == "affine" else np.logaddexp(a[k] + state, b[k])
            out.append(new if incl else state)
            state = new
        return np.moveaxis(np.stack(out)[::way], 0, p)
