r"""The mean of $e^{n\,\mathrm{kl}(k/n\|p)}$ over a binomial $k$ does not depend on $p$.

In the term of $k$ successes all powers of $p$ and of $1 - p$ cancel; what is left is $\binom nk (k/n)^k (1 -
k/n)^{n-k}$, and 1 for no success and for no failure. So the mean is one number for each $n$, for which see
`information.maurer_moment`. That needs $0 < p < 1$: at the ends the mean is 1.
"""

from dltsym import Eq, Scope, binomial, derive, exp, kl_bernoulli, log, value

v = Scope()
n = v.count("n", "number of trials")
p = v.prob("p", "probability of success", open=True)
k = v.index("k", n - 1)
term = binomial(n, k) * p**k * (1 - p) ** (n - k) * exp(n * kl_bernoulli(k / n, p))
free = binomial(n, k) * (k / n) ** k * (1 - k / n) ** (n - k)

theorem = v.theorem(
    title="Maurer's moment does not depend on the mean",
    cite=("maurer2004", "Section 2; number not confirmed"),
    claim=[Eq(term, free), Eq((1 - p) ** n * exp(-n * log(1 - p)), 1), Eq(p**n * exp(-n * log(p)), 1)],
    proof=derive(term).eq(free, "powers cancel"),
    outputs={"none": exp(n * log(1 - p))},
    values=[value("0.25", "no success in two trials", digits=12, n=2, p="1/2")],
)
