r"""Jensen's inequality for the logarithm and finitely many values.

The mean of logarithms is at most the logarithm of the mean: the tangent of the logarithm at the mean, term by term.
Every evidence lower bound is an instance, with the ratio of joint density and proposal as the values.
"""

from dltsym import Eq, Scope, derive, log, value

v = Scope()
n = v.count("n", "number of values")
p = v.array("p", n, "probabilities", lo=0)
x = v.array("x", n, "positive values", lo=0, lo_open=True)
mean = v.sum(lambda i: p[i] * x[i], n)
logs = v.sum(lambda i: p[i] * log(x[i]), n)

theorem = v.theorem(
    title="Jensen's inequality for the logarithm",
    cite=("cover2006", "Theorem 2.6.2"),
    given=[Eq(v.sum(lambda i: p[i], n), 1), mean > 0],
    claim=logs <= log(mean),
    proof=derive(logs).le(log(mean), "tangent at the mean, term by term", hint="termwise"),
    kind="upper bound",
    outputs={"mean of logs": logs, "log of mean": log(mean)},
    values=[value("0.405465108108164", "log(3/2)", of="log of mean", n=2, p=["1/2", "1/2"], x=[1, 2])],
)
