# %% [markdown]
# # From softmax to Sinkhorn
#
# Softmax attention fixes what every query gives, and lets keys take what they can. Sinkhorn attention also fixes what
# every key takes. Between them stands one price rho for a key that takes too much or too little
# (`attention.semirelaxed`).

# %%
import numpy as np

from dltsym.render.picture import COLOURS, INK, MUTED, picture
from dltsym.systems import family, semirelaxed

draw = np.random.default_rng(7)
scores = draw.standard_normal((8, 8)) + np.array([0, 2.0, 0, 0, 1.0, 0, 0, -1.0])  # two keys that all queries like
eps = 0.7

# %% [markdown]
# Every plan comes with its certificates: here how far, at most, each entry is from the limit of its iteration.

# %%
shown = {r"softmax, $\rho = 0$": 0.0, r"$\rho = 0.7 = \varepsilon$": 0.7, r"Sinkhorn, $\rho = \infty$": np.inf}
plans = {name: semirelaxed(scores, eps, rho) for name, rho in shown.items()}
for name, plan in plans.items():
    print(f"{name:28} columns off by {float(plan.column_error):.1e}, entries known to {float(plan.log_error):.0e}")

# %% [markdown]
# The departure from softmax is linear in a small price, the one from Sinkhorn linear in the inverse of a large one;
# the iteration is fast at small prices (`attention.semirelaxed_rate`), and no slower than Sinkhorn's
# (`attention.sinkhorn_rate`).

# %%
rhos = np.geomspace(1e-3, 1e3, 25)
between = family(scores, eps, rhos)
off = [float(p.column_error) for p in between.plans]
rates = [float(p.rate) for p in between.plans]

# %%
with picture("softmax_to_sinkhorn", "aabbcc;dddeee", height=5.6) as (*maps, way, cost):
    for k, (panel, (name, plan)) in enumerate(zip(maps, plans.items(), strict=True)):
        query, key = np.indices(plan.A.shape)
        panel.scatter(key, query, s=190 * plan.A, marker="s", color=COLOURS[2 * k], linewidths=0)
        panel.set(xlim=(-0.6, 7.6), ylim=(7.6, -0.6), aspect="equal", title=name)
        panel.set_xticks(range(8), [f"{x:.1f}" for x in plan.A.sum(0)])
        panel.set_yticks([])
        panel.tick_params(length=0)
        panel.grid(False)
        panel.set_xlabel("key: what it takes", color=MUTED)
    maps[0].set_ylabel("query", color=MUTED)

    way.loglog(rhos, between.from_softmax, color=COLOURS[0], label="from softmax")
    way.loglog(rhos, between.from_balanced, color=COLOURS[4], label="from Sinkhorn")
    way.loglog(rhos, off, "--", color=INK, label="relative error of the columns")
    way.set(title="Distance to both ends", ylabel="largest difference", ylim=(1e-4, 6))
    way.set(xlabel=r"price $\rho$ (units of the scores)")
    way.legend(loc="lower center")

    cost.semilogx(rhos, rates, color=COLOURS[2], label="plan of this price")
    cost.axhline(float(plans[name].rate), color=MUTED, linewidth=1, linestyle=":", label="Sinkhorn")
    cost.set(title="Factor of the error per iteration", ylabel="factor", ylim=(0, None))
    cost.set(xlabel=r"price $\rho$ (units of the scores)")
    cost.legend(loc="center right")
