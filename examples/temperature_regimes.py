# %% [markdown]
# # What a temperature does
#
# Five keys with scores 2, 1.2, 0.9, 0 and -0.4. Cold attention is a lookup, hot attention an average. How cold is
# cold, and how fast each limit is reached, are theorems; the curves below are their kernels.

# %%
import numpy as np

from dltsym import get
from dltsym.render.picture import COLOURS, INK, MUTED, picture
from dltsym.systems.compiled import tensor

scores = np.array([2.0, 1.2, 0.9, 0.0, -0.4])
top, others = scores[0], scores[1:]
m, gap, spread = len(scores), scores[0] - scores[1], np.ptp(scores)
eps = np.geomspace(0.02, 40, 241)

# %% [markdown]
# `attention.gap_law`: the mass that misses the winner lies between two logistic curves in gap over temperature.
# `attention.temperature_rule` turns the upper one around: the largest temperature that surely misses at most 1 %.

# %%
missed = tensor("attention.gap_law", "q")(r=others, eps=eps, M=top)
lower, upper = (get("attention.gap_law").kernel("numpy", of=of)(l=m - 1, D=gap, eps=eps) for of in ("lower", "upper"))
rule = get("attention.temperature_rule").kernel("numpy", of="temperature")(l=m - 1, D=gap, dlt=0.01)
print(f"1 % at most is missed up to the temperature {rule:.4f}")

# %% [markdown]
# `information.entropy_concentration`: little missing mass means little entropy. `information.uniform_limit`: from
# above, the distance to the uniform law falls like the square of range over temperature.

# %%
from_uniform = tensor("information.uniform_limit", "kl")(s=scores, eps=eps)
floor = get("information.uniform_limit").kernel("numpy", of="kl_bound")(R=spread, eps=eps)
shared = np.repeat(upper[:, None] / (m - 1), m - 1, axis=1)
ceiling = tensor("information.entropy_concentration", "bound")(p=shared)

# %%
with picture("temperature_regimes", "aa;bc", height=5.4) as (regimes, cold, hot):
    regimes.semilogx(eps, np.log(m) - from_uniform, color=INK, label="entropy of attention")
    regimes.semilogx(eps, ceiling, "--", color=COLOURS[4], label="at most (missing mass)")
    regimes.semilogx(eps, np.log(m) - floor, "--", color=COLOURS[0], label="at least (range of scores)")
    regimes.axvline(rule, color=MUTED, linewidth=1)
    regimes.text(rule / 1.07, 0.9, f"$\\varepsilon^*$ = {rule:.3f}:\nat most 1 % missed", ha="right", color=MUTED)
    regimes.text(eps[0] * 1.07, np.log(m) + 0.03, "log 5", color=MUTED)
    regimes.axhline(np.log(m), color=MUTED, linewidth=1, linestyle=":")
    regimes.set(xlim=(eps[0], eps[-1]), ylim=(0, 1.8), title="Entropy of attention over five keys")
    regimes.set(xlabel=r"temperature $\varepsilon$ (units of the scores)", ylabel="entropy (nats)")
    regimes.legend(loc="lower right")

    cold.semilogy(gap / eps, missed, color=INK, label="mass that misses the winner")
    cold.semilogy(gap / eps, upper, "--", color=COLOURS[4], label="at most")
    cold.semilogy(gap / eps, lower, "--", color=COLOURS[0], label="at least")
    cold.set(xlim=(0, 16), ylim=(1e-7, 3), title="Cold: exponential in gap / temperature")
    cold.set(xlabel=r"gap / temperature $\Delta/\varepsilon$", ylabel="mass")
    cold.legend(loc="upper right")

    hot.loglog(spread / eps, from_uniform, color=INK, label="relative entropy to uniform")
    hot.loglog(spread / eps, floor, "--", color=COLOURS[4], label=r"at most $R^2/8\varepsilon^2$")
    hot.set(xlim=(0.06, 60), ylim=(1e-4, 30), title="Hot: quadratic in range / temperature")
    hot.set(xlabel=r"range / temperature $R/\varepsilon$", ylabel="relative entropy (nats)")
    hot.legend(loc="lower right")
