r"""The selective scan with its two input weights, and when it is a gated recurrent network.

Each channel of a selective state space model holds one state per rate $A_n \le 0$ and moves it by a step whose size
$\delta_t$ depends on the input. The decay is exact, $e^{\delta A}$. For the input two weights are in use: Euler's
$\delta$, which released code ships, and that of zero-order hold, $\delta\varphi_1(\delta A)$. They agree only as
$\delta A \to 0$, so the kernel has no default. With one state, $A = -1$ and $B = 1$, zero-order hold is a gated
recurrent network with gate $\sigma(r)$ for the step $\log(1 + e^r)$. Euler's weight is never smaller than that gate
and equal to it only in the limit: the theorem of the paper is not true of its code.
"""

from dltsym import Eq, Operator, Scope, derive, exp, log, phi1, scan_over, sigmoid, softplus, thm, value
from dltsym.relations import euler, later, padded, permuted, scaled

v = Scope()
L, E, N = v.count("L", "length"), v.count("E", "channels"), v.count("N", "states of a channel")
u, raw = v.array("u", (L, E), "input"), v.array("raw", (L, E), "step size before bias and softplus")
z, D = v.array("z", (L, E), "gate"), v.array("D", E, "skip")
A, bias = v.array("A", (E, N), "rates", hi=0), v.array("bias", E, "offset of the step size")
B, C = v.array("B", (L, N), "input vectors"), v.array("C", (L, N), "output vectors")
h0 = v.array("h0", (E, N), "first state")
t, c, n = v.index("t", L), v.index("c", E), v.index("n", N)
r, g, x = v.real("r", "step size before softplus"), v.real("g", "state"), v.real("x", "input of one step")


def statement(mode="euler", softplus=True, gate=True):
    def size(s):
        step = raw[s, c] + bias[c]
        return log(1 + exp(step)) if softplus else step

    def weight(s, k):
        return size(s) if mode == "euler" else size(s) * phi1(size(s) * A[c, k])

    def state(at, k):
        return scan_over(at, lambda s, h: exp(size(s) * A[c, k]) * h + weight(s, k) * B[s, k] * u[s, c], h0[c, k])

    y = v.sum(lambda k: C[t, k] * state(t, k), N) + D[c] * u[t, c]
    return {"y": y * z[t, c] * sigmoid(z[t, c]) if gate else y, "h": state(L, n)}


def hold(a):
    return exp(softplus(r) * a) * g + softplus(r) * phi1(softplus(r) * a) * x


rows = {"u": -2, "raw": -2, "z": -2, "B": -2, "C": -2}
theorem = v.theorem(
    title="Selective scan, and when it is a gated recurrent network",
    cite=("gu2023", "section 3 and Theorem 1, which is true of zero-order hold"),
    claim=[Eq(hold(-1), (1 - sigmoid(r)) * g + sigmoid(r) * x), softplus(r) >= sigmoid(r)],
    proof=[
        derive(exp(-softplus(r))).eq(1 / (1 + exp(r)), "definition").eq(1 - sigmoid(r), "rest").named("decay"),
        derive(hold(-1))
        .eq(exp(-softplus(r)) * g + (1 - exp(-softplus(r))) * x, "definition of phi1")
        .eq((1 - sigmoid(r)) * g + sigmoid(r) * x, "decay and gate", by="decay"),
        derive(softplus(r))
        .eq(-log(1 - sigmoid(r)), "the complement")
        .ge(sigmoid(r), "log y <= y - 1", by=thm("information.log_bound", t=1 - sigmoid(r))),
    ],
    operator=Operator(
        statement, axes={"y": "t c", "h": "c n"},
        modes={"mode": ("euler", "zoh"), "softplus": (True, False), "gate": (True, False)},
        absent={"D": 0, "bias": 0, "h0": 0}, grads=("u", "raw", "z", "A", "B", "C", "D", "bias", "h0"),
        relations=(
            later(rows, {"y": -2}),
            scaled({"u": 2, "h0": 2}, {"y": 2, "h": 2}, exact=True),
            scaled({"B": 2, "C": 0.5, "h0": 2}, {"h": 2}, exact=True),
            permuted({"A": -1, "B": -1, "C": -1, "h0": -1}, {"h": -1}),
            permuted({"A": -2, "u": -1, "raw": -1, "z": -1, "D": -1, "bias": -1, "h0": -2}, {"y": -1, "h": -2}),
            padded({"u": (-2, 1), "raw": (-2, -2e4), "z": (-2, 1), "B": (-2, 1), "C": (-2, 1)}, only="h",
                   when=lambda given, modes: modes.get("softplus", True)),
            euler({"u": 1, "h0": 1}, {"y": 1, "h": 1}),
        ),
    ),
    outputs={"weight_euler": softplus(r), "weight_hold": softplus(r) * phi1(-softplus(r))},
    values=[
        value("0.6931471805599453", "the first output for delta = ln 2 and input 1", of="weight_euler", r=0),
        value("0.7310585786300049", "the same for r = 1 with zero-order hold", of="weight_hold", r=1),
    ],
)  # fmt: skip
