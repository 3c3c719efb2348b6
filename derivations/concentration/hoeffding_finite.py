r"""Hoeffding's lemma for any law on finitely many values of bounded range.

Between the ends of its interval the exponential lies below its chord, so a variable with values in $[A, A + R]$ is
dominated by a Bernoulli variable with the same mean, and the Bernoulli form gives $R^2/8$. It is stated for
$e^{-y}$; the other sign is the same statement for $-y$.
"""

from dltsym import Break, Eq, Scope, derive, exp, thm, value

v = Scope()
m = v.count("m", "number of values")
p = v.array("p", m, "probabilities", lo=0)
y = v.array("y", m, "values")
A = v.real("A", "lower end of the values")
R = v.pos("R", "length of the interval")
i = v.index("i", m)
mean = v.let("mu", v.sum(lambda j: p[j] * y[j], m), "mean", latex=r"\mu")
q = v.let("q", (mean - A) / R, "place of the mean in the interval")
mgf = v.sum(lambda j: p[j] * exp(-y[j]), m)


def chord(j):
    return exp(-A) * (1 - (1 - exp(-R)) * (y[j] - A) / R)


theorem = v.theorem(
    title="Hoeffding's lemma (finitely many values)",
    cite=("hoeffding1963", "the lemma behind Theorems 1 and 2; equation number not confirmed"),
    given=[Eq(v.sum(lambda j: p[j], m), 1), y[i] >= A, y[i] <= A + R],
    claim=mgf <= exp(R**2 / 8 - mean),
    proof=[
        derive(mean)
        .le(v.sum(lambda j: p[j] * (A + R), m), "term by term", hint="termwise")
        .eq(A + R, "mass 1")
        .named("high"),
        derive(mean).ge(v.sum(lambda j: p[j] * A, m), "term by term", hint="termwise").eq(A, "mass 1").named("low"),
        derive(q).ge(0, "the mean is at least A", by="low").named("q >= 0"),
        derive(q).le(1, "the mean is at most A + R", by="high").named("q <= 1"),
        derive(1 - q + q * exp(-R))
        .le(
            exp(q * -R + (-R) ** 2 / 8),
            "Bernoulli form",
            by=(thm("concentration.hoeffding_lemma", 1, h=-R, p=q), "q >= 0", "q <= 1"),
        )
        .eq(exp(-q * R + R**2 / 8), "the square")
        .named("bernoulli"),
        derive(mgf)
        .le(v.sum(lambda j: p[j] * chord(j), m), "the chord of the exponential", hint="termwise")
        .eq(exp(-A) * (1 - q + q * exp(-R)), "a chord is linear")
        .le(exp(-A) * exp(-q * R + R**2 / 8), "Bernoulli form", by="bernoulli")
        .eq(exp(R**2 / 8 - mean), "q is the place of the mean"),
    ],
    outputs={"mgf": mgf, "bound": exp(R**2 / 8 - mean)},
    values=[
        value("1.54308063481524", "a sign: cosh 1", of="mgf", m=2, p=["1/2", "1/2"], y=[-1, 1], A=-1, R=2),
        value("1.64872127070013", "a sign: exp(1/2)", of="bound", m=2, p=["1/2", "1/2"], y=[-1, 1], A=-1, R=2),
    ],
    breaks=[Break({"m": 2, "p": ["1/2", "1/2"], "y": [-1, 1], "A": 0, "R": 1}, "a value below the interval")],
)
