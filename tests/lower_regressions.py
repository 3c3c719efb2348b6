"""Every expression on which a compiled kernel was once wrong: name, and what `fuzz_lower_case.case_of` takes.

Found by ``python tests/fuzz_lower.py``, which prints such lines; a name says what was wrong.
"""

REGRESSIONS: dict[str, tuple] = {
    "delta over a wider range": ("Sum(delta(s, j), (s, 1, m))", "j:m"),
    "delta of two bound indices": ("Sum(Sum(delta(s_1, s), (s_1, 1, d)), (s, 1, n))",),
    "mask at one place": ("Sum(cases((s = i, exp(I1[i])), 0), (s, 1, n))", "i:d", "I1:d:d", (2, 3, 4)),
    "mask free of the sum": ("Sum(cases((r1 <= 0, exp(l0[s])), 0), (s, 1, m))", "", "r1:real l0:large:m"),
    "mask narrower than the sum": ("Sum(cases((s <= i, exp(r0)), 0), (s, 1, n))", "i:n", "r0:real"),
    "masked constant exponent": ("Sum(B2[s]*exp(r0), (s, 1, n))", "", "B2:bool:n r0:real"),
    "product over an absent index": ("prod_over(exp(r0), (s, 1, n))", "", "r0:real"),
    "product of a free entry": ("prod_over(p0[i, j], (s, 1, d))", "i:n j:m", "p0:pos:n,m"),
    "dot product bound": ("Sum(p3[s]*z4[s], (s, 1, d))", "", "p3:pos:d z4:nonneg:d"),
    "sigmoid in numpy": ("sigmoid(log(exp(1*d0[j, i])))", "i:d j:m", "d0:decay:m,d"),
    "limit is a free index": ("Sum(I1[i]/exp(d3[j]), (s, 1, i))", "i:d j:n", "I1:d:d d3:decay:n"),
    "nested limit is a bound index": (
        "Sum(Sum(z1[s_1]/exp(r2[i, s_1]), (s_1, 1, s)), (s, 1, d))", "i:d", "z1:nonneg:d r2:real:d,d",
    ),
    "no array at all": ("atan(3)",),
    "rank alone": ("rank_over(r0[j, i], (j, 1, d), j)", "i:n j:d", "r0:real:d,n"),
    "weights that cancel": ("Sum(exp(l0[s]), (s, 1, n))/Sum(exp(l0[s]), (s, 1, n))", "", "l0:large:n"),
    "difference that vanishes": ("r0[i, j] - r0[i, j]", "i:n j:d", "r0:real:n,d"),
    "decided by facts": ("min(z0[1], 0)", "", "z0:nonneg:n"),
    "equal branches": ("cases((B2[1] != 0, r1), r1)", "", "B2:bool:n r1:real"),
    "order of the sides of an equation": (
        "max_over(Sum(delta(s_1, i)*u0[i, s, s_1], (s_1, 1, n)), (s, i, d))", "i:d", "u0:unit:d,d,n",
    ),
    "band that is empty": (
        "Sum(cases((s != i, 1), 0)*exp(l0[i, s])*r1[s], (s, 1, d))/Sum(cases((s != i, 1), 0)*exp(l0[i, s]), (s, 1, d))",
        "i:d", "l0:large:d,d r1:real:d", (2, 3, 1),
    ),
    "scalars only": ("r1 + tanh(r2)", "", "r1:real r2:real"),
    "scalars only under a condition": ("cases((r1 <= r2, exp(r2)), 1)", "", "r1:real r2:real"),
    "two iterations in one product": (
        "Sum(iterate(h, 3, (h, 1, r0[s]))*iterate(h, 2, (h, 1, tanh(r0[s]*h) + r0[s])), (s, 1, d))", "", "r0:real:d",
        (1, 1, 3), 2530,
    ),
    "two iterations of one shape": (
        "Sum(iterate(h[s], 1, (h[i], 0, Sum(h[s], (s, 1, n)), (i, 1, n)))"
        " + iterate(h[s], 1, (h[i], 0, Sum(d0[i, s]*h[s], (s, 1, n)), (i, 1, n))), (s, 1, n))", "", "d0:decay:n,n",
    ),
    "weight with more axes than the score": (
        "log(Sum(z1[s, i]*exp(l0[s, j, s]), (s, 1, m)))", "i:d j:n", "l0:large:m,n,m z1:nonneg:m,d", (3, 3, 2), 8774,
    ),
    "gradient at a zero weight": (
        "tanh(log(Sum(z2[i, j, s]*exp(l1[s, j]), (s, 1, j))))", "i:n j:d", "l1:large:d,d z2:nonneg:n,d,d", (2, 1, 5),
        7408,
    ),
    "mean over an empty band": (
        "topk_over(r0[j], (j, 1, d), i, 1)"
        "*Sum(cases((s != i, r1[i, s]), 0), (s, 1, m))/Sum(cases((s != i, 1), 0), (s, 1, m))",
        "i:d", "r0:real:d r1:real:d,m", (1, 1, 2), 2874,
    ),
    "limits that leave nothing": ("lse_over(l0[i, s], (s, 1, m - 1))", "i:n", "l0:large:n,m", (2, 1, 1)),
    "a prior with more axes than a large score": (
        "Sum(z0[i, j, s]*exp(l1[s, j])*r2[s], (s, 1, m))/Sum(z0[i, j, s]*exp(l1[s, j]), (s, 1, m))",
        "i:n j:d", "z0:nonneg:n,d,m l1:large:m,d r2:real:m", (5, 3, 4), 3,
    ),
    "a masked prior with more axes than the score": (
        "Sum(cases((B3[i, s] != 0, z0[i, j, s]*exp(r1[i, s])), 0)*r2[s], (s, 1, m))"
        "/Sum(cases((B3[i, s] != 0, z0[i, j, s]*exp(r1[i, s])), 0), (s, 1, m))",
        "i:n j:d", "z0:nonneg:n,d,m r1:real:n,m r2:real:m B3:bool:n,m", (5, 2, 4), 3,
    ),
    "a masked positive prior along another axis": (
        "Sum(B3[i, s]*p0[s, j]*exp(r1[i, s])*r2[s], (s, 1, m))/Sum(B3[i, s]*p0[s, j]*exp(r1[i, s]), (s, 1, m))",
        "i:n j:d", "p0:pos:m,d r1:real:n,m r2:real:m B3:bool:n,m", (5, 2, 4), 3,
    ),
    "entropy of data with zeros": ("Sum(z0[s]*log(z0[s]), (s, 1, m))", "", "z0:nonneg:m", (2, 5, 4), 2),
    "divergence of data with zeros": (
        "Sum(z0[i, s]*log(z0[i, s]/p1[j, s]), (s, 1, m))", "i:n j:d", "z0:nonneg:n,m p1:pos:d,m", (3, 4, 2),
    ),
    "cross-entropies of all pairs with zeros": (
        "-Sum(z0[i, s]*log(z1[s, j]), (s, 1, m))", "i:n j:d", "z0:nonneg:n,m z1:nonneg:m,d", (5, 3, 4),
    ),
    "a squared logarithm of a zero weight": ("z0[i]*log(z0[i])**2", "i:m", "z0:nonneg:m", (2, 5, 4), 2),
    "mask beside the logarithm of nothing": (
        "topk_over(r0[j, i, j], (j, 1, m), i, 2)*log(Sum(cases((s = i, 1), 0), (s, 1, n)))", "i:m", "r0:real:m,m,m",
        (1, 4, 1), 7614,
    ),
    "masked weights that cancel": (
        "Sum(B1[s]*exp(r0[s]), (s, 1, m))/Sum(B1[s]*exp(r0[s]), (s, 1, m))", "", "r0:real:m B1:bool:m", (1, 1, 1), 5899,
    ),
    "arc tangent of minus infinity": (
        "atan(log(Sum(cases((s + i > 3, d0[i, j, s]), 0), (s, 1, m))))", "i:d j:d", "d0:decay:d,d,m", (1, 1, 1), 4188,
    ),
    "slope of a masked recurrence": (
        "diff(Sum(cases((s + i > 6, exp(l0[i, s])), 0)*Sum(exp(Sum(d1[r], (r, t + 1, i)))*r2[t, s], (t, 1, i)),"
        " (s, 1, m)), d1[p])", "i:n p:n", "l0:large:n,m d1:decay:n r2:real:n,m", (1, 1, 1), 7767,
    ),
    "gradient of a log-sum-exp over zero weights": (
        "Sum(delta(s, i)*Sum(z1[i, s, t]*exp(l0[i, t]), (t, 1, d)), (s, 1, m))", "i:n",
        "l0:large:n,d z1:nonneg:n,m,d", (4, 1, 1), 2806,
    ),
    "slope of a derivative behind a mask": (
        "diff(Sum(B1[s]*exp(l0[s])*Sum(exp(Sum(d2[r], (r, s_1 + 1, s)))*r3[s_1], (s_1, 1, s)), (s, 1, m))"
        "/Sum(B1[s]*exp(l0[s]), (s, 1, m)), d2[p])", "p:m",
        "l0:large:m B1:bool:m d2:decay:m r3:real:m", (1, 5, 1), 5291,
    ),
    "means under one scalar condition, added up": (
        "Sum(Sum(cases((r2 <= 0, exp(d0[i, s])), 0)*r3[s], (s, 1, n))"
        "/Sum(cases((r2 <= 0, exp(d0[i, s])), 0), (s, 1, n)), (i, 1, m))",
        "", "d0:decay:m,n r2:real r3:real:n", (1, 3, 1), 269,
    ),
    "means under a condition on rows and one on columns": (
        "Sum(Sum(cases((B1[i] != 0, cases((B0[s] != 0, exp(d0[i, s])), 0)), 0)*r3[s], (s, 1, n))"
        "/Sum(cases((B1[i] != 0, cases((B0[s] != 0, exp(d0[i, s])), 0)), 0), (s, 1, n)), (i, 1, m))",
        "", "d0:decay:m,n r3:real:n B0:bool:n B1:bool:m", (1, 3, 1), 3,
    ),
    "masked sums of two weights over nothing": (
        "Sum(cases((B0[s] != 0, exp(d0[i, s])), 0)*r3[s], (s, 1, n))"
        "/Sum(cases((B0[s] != 0, exp(d1[i, s])), 0), (s, 1, n))",
        "i:m", "d0:decay:m,n d1:decay:m,n r3:real:n B0:bool:n", (1, 3, 1), 3,
    ),
    "a denominator with one more mask, over nothing": (
        "Sum(cases((B0[s] != 0, exp(d0[i, s])), 0)*r3[s], (s, 1, n))"
        "/Sum(cases((B0[s] != 0, cases((B1[i] != 0, exp(d0[i, s])), 0)), 0), (s, 1, n))",
        "i:m", "d0:decay:m,n r3:real:n B0:bool:n B1:bool:m", (1, 3, 1), 3,
    ),
    "a quotient by zeros under a false condition": (
        "Sum(cases((r2 <= 0, exp(d0[i, s])/z1[i]), 0)*r3[s], (s, 1, n), (i, 1, m))",
        "", "d0:decay:m,n r2:real r3:real:n z1:nonneg:m", (4, 3, 2), 7,
    ),
    "gradient beside logarithms of zeros under a false condition": (
        "Sum(cases((r2 <= 0, exp(d0[i, s])*log(z0[s])), 0), (s, 1, n), (i, 1, m))",
        "", "d0:decay:m,n r2:real z0:nonneg:n", (4, 3, 2), 7,
    ),
    "means over nothing, over another sum of nothing": (
        "Sum(Sum(cases((s > 3, exp(d0[i, s])), 0)*r3[s], (s, 1, n))*exp(r4[i])/Sum(cases((s > 3, exp(d0[i, s])), 0),"
        " (s, 1, n)), (i, 1, m))/Sum(cases((r2 <= 0, exp(r4[i])), 0), (i, 1, m))",
        "", "d0:decay:m,n r2:real r3:real:n r4:real:m", (1, 3, 1), 269,
    ),
}  # fmt: skip
