r"""The selective scan with complex rates: each mode turns while it shrinks.

Complex rates come in conjugate pairs, so one of each pair is kept and twice the real part is read. Over a step
$\delta$ a free mode is multiplied by $e^{\delta(a + ib)}$: it turns by $\delta b$ and its modulus shrinks by
$e^{\delta a}$, so it never grows where $a \le 0$. The kernel takes complex arrays; here they are written as real and
imaginary parts, and the products of decays as sums of step sizes in an exponent and an angle.
"""

from dltsym import Eq, Operator, Scope, cos, derive, exp, log, phi1, sigmoid, sin
from dltsym.relations import euler, later, permuted, scaled

v = Scope()
L, E, N = v.count("L", "length"), v.count("E", "channels"), v.count("N", "pairs of states of a channel")
u, raw = v.array("u", (L, E), "input"), v.array("raw", (L, E), "step size before bias and softplus")
z, D = v.array("z", (L, E), "gate"), v.array("D", E, "skip")
A, A_im = v.array("A", (E, N), "rates, real part", hi=0), v.array("A_im", (E, N), "rates, imaginary part")
B, B_im = v.array("B", (L, N), "input vectors, real part"), v.array("B_im", (L, N), "imaginary part")
C, C_im = v.array("C", (L, N), "output vectors, real part"), v.array("C_im", (L, N), "imaginary part")
bias = v.array("bias", E, "offset of the step size")
h0, h0_im = v.array("h0", (E, N), "first state, real part"), v.array("h0_im", (E, N), "imaginary part")
t, c, n = v.index("t", L), v.index("c", E), v.index("n", N)
a, b = v.real("a", "real part of a rate", hi=0), v.real("b", "imaginary part of a rate")
x, y, step = v.real("x", "real part of a state"), v.real("y", "imaginary part"), v.nonneg("step", "step size")


def statement(mode="euler", gate=True):
    def size(s):
        return log(1 + exp(raw[s, c] + bias[c]))

    def drive(s, k):
        w, q = size(s) * A[c, k], size(s) * A_im[c, k]
        re, im = w * phi1(w) * cos(q) - 2 * sin(q / 2) ** 2, exp(w) * sin(q)
        norm = A[c, k] ** 2 + A_im[c, k] ** 2
        re, im = (re * A[c, k] + im * A_im[c, k]) / norm, (im * A[c, k] - re * A_im[c, k]) / norm
        re, im = (size(s), 0) if mode == "euler" else (re, im)
        return (re * B[s, k] - im * B_im[s, k]) * u[s, c], (re * B_im[s, k] + im * B[s, k]) * u[s, c]

    def turned(re, im, s, at, k):
        time = v.sum(size, (s, at))
        f, q = exp(time * A[c, k]), time * A_im[c, k]
        return f * (cos(q) * re - sin(q) * im), f * (sin(q) * re + cos(q) * im)

    def state(at, k, part):
        start = turned(h0[c, k], h0_im[c, k], 1, at, k)[part]
        return start + v.sum(lambda s: turned(*drive(s, k), s + 1, at, k)[part], (1, at))

    out = 2 * v.sum(lambda k: C[t, k] * state(t, k, 0) - C_im[t, k] * state(t, k, 1), N) + D[c] * u[t, c]
    out = out * z[t, c] * sigmoid(z[t, c]) if gate else out
    return {"y": out, "h": state(L, n, 0), "h_im": state(L, n, 1)}


re, im = (exp(step * a) * p for p in (cos(step * b) * x - sin(step * b) * y, sin(step * b) * x + cos(step * b) * y))
rows = {"u": -2, "raw": -2, "z": -2, "B": -2, "B_im": -2, "C": -2, "C_im": -2}
states = {"A": -1, "A_im": -1, "B": -1, "B_im": -1, "C": -1, "C_im": -1, "h0": -1, "h0_im": -1}
theorem = v.theorem(
    title="Selective scan of conjugate pairs",
    cite=("gu2023", "section 3.6, complex rates; the parts are written out here"),
    claim=Eq(re**2 + im**2, exp(step * a) ** 2 * (x**2 + y**2)),
    proof=derive(re**2 + im**2).eq(exp(step * a) ** 2 * (x**2 + y**2), "a turn keeps the modulus"),
    operator=Operator(
        statement, axes={"y": "t c", "h": "c n", "h_im": "c n"},
        modes={"mode": ("euler", "zoh"), "gate": (True, False)},
        absent={"B_im": 0, "C_im": 0, "D": 0, "bias": 0, "h0": 0, "h0_im": 0},
        grads=("u", "raw", "z", "A", "A_im", "B", "B_im", "C", "C_im", "D", "bias", "h0", "h0_im"),
        relations=(
            later(rows, {"y": -2}),
            scaled({"u": 2, "h0": 2, "h0_im": 2}, {"y": 2, "h": 2, "h_im": 2}, exact=True),
            permuted(states, {"h": -1, "h_im": -1}),
            euler({"u": 1, "h0": 1, "h0_im": 1}, {"y": 1, "h": 1, "h_im": 1}),
        ),
    ),
    outputs={"modulus": exp(step * a) ** 2 * (x**2 + y**2)},
)  # fmt: skip
