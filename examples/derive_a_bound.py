# %% [markdown]
# # Derive a bound at the prompt
#
# From the kl form of a PAC-Bayes bound to a closed form, the sample size it needs, and the point where it is vacuous.
# Every line is checked when it runs; a false one stops with a point where it fails.

# %%
from dltsym import calc, check, compare, counts, given, hyp, minimise, non_vacuous, positives, probs, solve_for, thm

r, s = probs("r s")
D, eps, lam = positives("D eps lam")
n = counts("n")
kl_form = hyp("pac", "kl(s, r) <= D/n", cite="Maurer 2004, Theorem 5")

# %% [markdown]
# The hypothesis `pac` comes from the literature, so the bound is `cited`; everything below it is proved.

# %%
with given("0 < s < r < 1", kl_form):
    bound = calc("r").le("s + sqrt(D/(2*n))", "the kl bound, Pinsker", by=["pac", thm.pinsker]).close()
print(bound)
print(bound.report())

# %% [markdown]
# The LaTeX of the chain: only proved steps are ever printed.

# %%
print(bound.latex())

# %% [markdown]
# A constant that is too good is refuted at a certified point.

# %%
with given("0 < s < r < 1", kl_form):
    wrong = check("r <= s + sqrt(D/(8*n))", by=["pac", thm.pinsker])
print(wrong)

# %% [markdown]
# The best free parameter of the linear form, and why the square root appears.

# %%
print(minimise("D/lam + lam/(8*n)", over="lam"))

# %% [markdown]
# How many examples bring the complexity term below a target, exactly; and when the bound says anything at all.

# %%
print(solve_for("n", "sqrt(D/(2*n)) <= eps"))
print(non_vacuous("sqrt(D/(2*n))", at={"D": 50}, solve="n"))

# %% [markdown]
# The fast rate wins from some sample size on; the crossing is certified, then solved.

# %%
print(compare({"slow": "sqrt(D/(2*n))", "fast": "D/n"}, {"n": [10, 100, 1000]}, at={"D": 50}))
