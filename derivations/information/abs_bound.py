r"""A number whose two signs are both at most $c$ has a size of at most $c$.

This turns two one-sided bounds into a bound of an absolute value, which is how total variation is bounded here.
"""

from dltsym import Break, Scope, abs_, value

v = Scope()
x = v.real("x", "any number")
c = v.real("c", "a bound of both signs")

theorem = v.theorem(
    title="Absolute value from two one-sided bounds",
    cite=("boyd2004", "Section 3.1.5, the maximum of two linear functions"),
    given=[x <= c, -x <= c],
    claim=abs_(x) <= c,
    tight={c: abs_(x)},
    outputs={"size": abs_(x)},
    values=[value("2", "computed here", of="size", x=-2)],
    breaks=[Break({"x": -2, "c": 1}, "one sign only")],
)
