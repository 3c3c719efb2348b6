# %% [markdown]
# # Attention, end to end
#
# Write attention as in the paper, compile it, read the code, doubt it, differentiate it.

# %%
import torch

from dltsym import Scope, compile, exp, log, sqrt

v = Scope()
n = v.count("n", "queries")
m = v.count("m", "keys")
d = v.count("d", "width of a head")
c = v.count("c", "width of a value")
tau = v.pos("tau", "temperature")
Q, K, V = v.array("Q", (n, d)), v.array("K", (m, d)), v.array("V", (m, c))
i, e = v.index("i", n), v.index("e", c)


def score(i, j):
    return v.sum(lambda k: Q[i, k] * K[j, k], d) / (tau * sqrt(d))


partition = v.sum(lambda j: exp(score(i, j)), m)
attention = v.sum(lambda j: exp(score(i, j)) * V[j, e], m) / partition

# %% [markdown]
# As written, this overflows at scores of 100 in float32. Compiled, it is one softmax between two products.

# %%
kernel = compile(attention, "i e", name="attention")
print(kernel.source)

# %% [markdown]
# Sizes come from the arrays; batch dimensions may stand in front.

# %%
draw = torch.Generator().manual_seed(0)
q, k, w = (torch.randn(8, *shape, generator=draw) for shape in [(16, 8), (12, 8), (12, 4)])
print(kernel(Q=q, K=k, V=w, tau=0.5).shape, kernel(Q=1e6 * q, K=k, V=w, tau=0.5).isfinite().all())

# %% [markdown]
# A kernel of your own is held against the expression as written, in balls, in units of the rounding error to expect.
# Weights that pass through float16 are off by a thousandth: a comparison with a tolerance of 1e-2 would not notice.

# %%
one = {"Q": q[0], "K": k[0], "V": w[0], "tau": 0.5}


def rounded_weights(Q, K, V, tau):
    p = torch.softmax(Q @ K.mT / (tau * Q.shape[-1] ** 0.5), -1)
    return p.half().float() @ V


print(kernel.check(lambda Q, K, V, tau: torch.softmax(Q @ K.mT / (tau * 8**0.5), -1) @ V, **one))
print(kernel.check(rounded_weights, **one))

# %% [markdown]
# The same from the other side: a bound that no run in float32 may exceed, and the standard deviation of what is likely.

# %%
print(
    "worst case", float(kernel.bound("float32", **one).max()), " typical", float(kernel.sigma("float32", **one).max())
)

# %% [markdown]
# The gradient of the smooth maximum with respect to a query is an average of keys, taken of the stable form.

# %%
slope = compile(tau * log(partition), "i", name="smooth_maximum").grad("Q")
print(slope.source)

# %% [markdown]
# Where triton is installed, the same expression becomes a streaming kernel: no array of scores in memory.

# %%
print(compile(attention, "i e", backend="triton", name="attention").source.partition("def _offsets")[0])
