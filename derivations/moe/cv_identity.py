r"""Sum of squares and the coefficient of variation.

For non-negative weights with sum $t$ the normalised sum of squares $n\sum p_i^2/t^2$ is one plus the squared
coefficient of variation, with the population variance. It lies between 1 (uniform) and $n$ (one expert takes all).
With the sample variance the second term carries a factor $(n-1)/n$.
"""

from dltsym import Eq, Scope, derive, value

v = Scope()
n = v.count("n", "number of experts")
p = v.array("p", n, "non-negative weights or loads", lo=0)
i = v.index("i", n)
t = v.pos("t", "total weight")
total = v.sum(lambda j: p[j], n)
squares = v.let("Q", n * v.sum(lambda j: p[j] ** 2, n) / t**2, "normalised sum of squares")
cv2 = v.let(
    "c",
    v.sum(lambda j: (p[j] - t / n) ** 2, n) / n / (t / n) ** 2,
    "squared coefficient of variation, population",
    latex=r"\mathrm{CV}^2",
)

theorem = v.theorem(
    title="Sum of squares and coefficient of variation",
    cite=("shazeer2017", "equations (6) and (7)"),
    given=Eq(total, t),
    claim=[Eq(squares, 1 + cv2), squares >= 1, squares <= n],
    proof=[
        derive(squares).eq(1 + cv2, "expand the square"),
        derive(cv2).ge(0, "a sum of squares").named("spread"),
        derive(squares).eq(1 + cv2, "expand the square").ge(1, by="spread"),
        derive(p[i])
        .le(total, "one term of a non-negative sum", hint="termwise")
        .eq(t, "the total")
        .named("one weight"),
        derive(v.sum(lambda j: p[j] ** 2, n))
        .le(v.sum(lambda j: p[j] * t, n), "term by term", by="one weight", hint="termwise")
        .eq(t**2, "the total")
        .named("sum of squares"),
        derive(squares).le(n * t**2 / t**2, by="sum of squares").eq(n, "cancel"),
    ],
    outputs={"squares": squares, "cv2": cv2},
    values=[
        value("1.2", "loads 1, 2, 3, 4", of="squares", n=4, t=10, p=[1, 2, 3, 4]),
        value("0.2", "loads 1, 2, 3, 4", of="cv2", n=4, t=10, p=[1, 2, 3, 4]),
    ],
)
