r"""Relative entropy is at most the chi-square divergence.

Each term uses $\log t \le t - 1$ at the likelihood ratio. The chi-square divergence is the easier quantity to
estimate from importance weights, and the bound is one reason why heavy weights are a warning: it can be infinite when
the relative entropy is not.
"""

from dltsym import Eq, Scope, derive, log, value

v = Scope()
n = v.count("n", "number of outcomes")
P = v.array("P", n, "probabilities", lo=0, lo_open=True)
Q = v.array("Q", n, "reference probabilities", lo=0, lo_open=True)
kl = v.sum(lambda i: P[i] * log(P[i] / Q[i]), n)
chi2 = v.sum(lambda i: (P[i] - Q[i]) ** 2 / Q[i], n)

theorem = v.theorem(
    title="Relative entropy and chi-square divergence",
    cite=("cover2006", "Chapter 11, bounds between divergences; number not confirmed"),
    given=[Eq(v.sum(lambda i: P[i], n), 1), Eq(v.sum(lambda i: Q[i], n), 1)],
    claim=kl <= chi2,
    proof=derive(kl).le(chi2, "tangent of the logarithm, term by term", hint="termwise"),
    kind="upper bound",
    tight={P: lambda i: Q[i]},
    outputs={"kl": kl, "chi2": chi2},
    values=[
        value(
            "0.143841036225890",
            "(1/2, 1/2) against (1/4, 3/4): log(4/3)/2",
            of="kl",
            n=2,
            P=["1/2", "1/2"],
            Q=["1/4", "3/4"],
        )
    ],
)
