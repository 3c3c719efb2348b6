r"""A scan with scalar decay is masked attention without softmax, in one piece or in chunks.

The state $H_t = a_tH_{t-1} + B_tx_t^\top$ read by $y_t = C_tH_t$ gives $y = (M \circ CB^\top)x$ with $M_{ts} =
a_{s+1}\cdots a_t$ on and below the diagonal. Decays multiply, so a sequence cut anywhere can be continued from the
state at the cut: chunks of matrix products, and a short scan over the chunks. It needs one decay for the whole state:
rates that differ between the entries of a state have no such mask. The kernel takes $\log a \le 0$ and sums the logs
of each segment, because a difference of two cumulative sums loses what lies before the segment.
"""

from dltsym import Eq, Operator, Scope, derive, exp, scan_over
from dltsym.relations import euler, later, padded, permuted, scaled

v = Scope()
T, P, N = v.count("T", "length"), v.count("P", "columns of the input"), v.count("N", "length of B and C")
x, log_a = v.array("x", (T, P), "input"), v.array("log_a", T, "log decay", hi=0, latex=r"\alpha")
B, C = v.array("B", (T, N), "input vectors"), v.array("C", (T, N), "output vectors")
h0 = v.array("h0", (N, P), "first state")
t, p, n = v.index("t", T), v.index("p", P), v.index("n", N)


def decay(s, at):
    return exp(v.sum(lambda r: log_a[r], (s, at)))


def state(at, e, q):
    return v.sum(lambda s: decay(s + 1, at) * B[s, e] * x[s, q], (1, at)) + decay(1, at) * h0[e, q]


def attention():
    def weight(s):
        return decay(s + 1, t) * v.sum(lambda e: C[t, e] * B[s, e], N)

    y = v.sum(lambda s: weight(s) * x[s, p], (1, t)) + decay(1, t) * v.sum(lambda e: C[t, e] * h0[e, p], N)
    return {"y": y, "h": state(T, n, p)}


def recurrence():
    def run(at, e, q):
        return scan_over(at, lambda s, h: exp(log_a[s]) * h + B[s, e] * x[s, q], h0[e, q])

    return {"y": v.sum(lambda e: C[t, e] * run(t, e, p), N), "h": run(T, n, p)}


rows = {"x": -2, "log_a": -1, "B": -2, "C": -2}
m = v.index("m", t)
k = v.index("k", m)
theorem = v.theorem(
    title="A scan with scalar decay is masked attention",
    cite=("dao2024", "section 3, structured masked attention"),
    claim=Eq(decay(k + 1, t), decay(k + 1, m) * decay(m + 1, t)),
    proof=derive(decay(k + 1, t)).eq(decay(k + 1, m) * decay(m + 1, t), "cut the segment at m"),
    operator=Operator(
        attention, axes={"y": "t p", "h": "n p"}, absent={"h0": 0}, grads=("x", "log_a", "B", "C", "h0"),
        relations=(
            later(rows, {"y": -2}),
            scaled({"x": 2, "h0": 2}, {"y": 2, "h": 2}, exact=True),
            scaled({"B": 2, "C": 0.5, "h0": 2}, {"h": 2}, exact=True),
            permuted({"B": -1, "C": -1, "h0": -2}, {"h": -2}),
            permuted({"x": -1, "h0": -1}, {"y": -1, "h": -1}),
            padded({"x": (-2, 0), "log_a": (-1, 0), "B": (-2, 1), "C": (-2, 1)}, only="h"),
            euler({"x": 1, "h0": 1}, {"y": 1, "h": 1}),
        ),
        forms={"recurrence": recurrence},
    ),
    outputs={"decay": decay(1, t)},
)  # fmt: skip
