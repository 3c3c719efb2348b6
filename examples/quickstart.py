# %% [markdown]
# # Quickstart
#
# Take a theorem from the catalogue, look at it, check it, evaluate it, and print it as LaTeX.

# %%
import dltsym

pinsker = dltsym.get("information.pinsker")
print(pinsker)

# %% [markdown]
# Every step is proved again, or read from the cache when nothing changed. The grade says how it is known.

# %%
report = dltsym.check("information.pinsker")
print(report.grade, "with", len(report.steps), "obligations")
for step in report.steps:
    print(f"{step.grade:8} {step.relation}")

# %% [markdown]
# A kernel evaluates the outputs of a record. The ball kernel gives a rigorous enclosure.

# %%
kernel = pinsker.kernel("numpy", of="kl")
print(kernel(q=0.3, p=0.7))

# %% [markdown]
# State your own theorem: declare symbols, then write a chain. Decimals are text, so that they stay exact.

# %%
from dltsym import Scope, derive

v = Scope()
a = v.pos("a", "first positive number")
b = v.pos("b", "second positive number")
theorem = v.theorem(
    title="Arithmetic and harmonic mean",
    cite=("boyd2004", "exercise"),
    claim=2 / (1 / a + 1 / b) <= (a + b) / 2,
    proof=derive(2 / (1 / a + 1 / b)).eq(2 * a * b / (a + b), "common denominator").le((a + b) / 2, "(a - b)^2 >= 0"),
    tight={a: b},
)
print(dltsym.check(theorem).grade)

# %% [markdown]
# The derivation as LaTeX, each step with its reason and grade.

# %%
from dltsym.render.latex import derivation

print(derivation(theorem, dltsym.check(theorem)))
