# %% [markdown]
# # What a fixed number of Sinkhorn iterations is worth
#
# Twenty iterations on a 4 by 4 matrix look safe. For logits of size 1 they are; for all logits no number is
# (`attention.finite_sinkhorn_error`). The measured error is a certificate, the count is none.

# %%
import numpy as np

from dltsym import get
from dltsym.render.picture import COLOURS, INK, picture
from dltsym.systems import causal_limit, hall_deficit, sinkhorn

row, column = np.indices((4, 4))
sines = np.sin((row + 1) * (column + 2.0))
cases = {
    "sines": sines,
    "sines × 4": 4 * sines,
    "triangular": np.where(column <= row, 16.0, -16.0),
    "two rows, one column": np.where((row < 2) & (column > 0), -16.0, 16.0),
}

# %% [markdown]
# The largest row error after T iterations, each a row step and a column step, by the algorithm of the record.

# %%
counts = np.unique(np.geomspace(1, 300, 40).astype(int))
error = get("attention.finite_sinkhorn_error").kernel("numpy", of="error")
errors = {name: np.array([error(S=S, T=int(k)) for k in counts]) for name, S in cases.items()}

# %% [markdown]
# What theory says of each: a linear rate from the singular values of the plan (`attention.sinkhorn_rate`); (n -
# 1)/(2T) where a mask is feasible without total support (`attention.causal_sinkhorn`); one half where two rows share
# one column. Under a mask that is for ever; logits of 16 and -16 leak a little, and leave it after more than twenty
# iterations.

# %%
rates = {name: float(sinkhorn(cases[name], 1.0).rate) for name in ("sines", "sines × 4")}
creeping = np.array([causal_limit(4, int(k)).row_error for k in counts])
stuck = hall_deficit(cases["two rows, one column"] > 0)
print(rates, stuck)

# %% [markdown]
# Independent logits, uniform in [-c, c]: 1000 draws of each size, twenty iterations.

# %%
sizes = np.geomspace(0.5, 32, 13)
draws = np.random.default_rng(0).uniform(-1, 1, (1000, 4, 4))
left = sinkhorn(sizes[:, None, None, None] * draws, 1.0, half_steps=40, end="column", bounds=False).row_error
low, high, worst = (np.quantile(np.maximum(left, 1e-16), q, axis=1) for q in (0.5, 0.99, 1.0))

# %%
with picture("finite_sinkhorn", "ab", height=3.5) as (steps, logits):
    for k, (name, found) in enumerate(errors.items()):
        steps.loglog(counts, np.where(found > 1e-15, found, np.nan), color=COLOURS[(0, 1, 3, 4)[k]], label=name)
    for name, rate in rates.items():
        at = np.flatnonzero(errors[name] > 1e-10)[-1]
        line = errors[name][at] * rate ** (counts - counts[at])
        steps.loglog(counts, line, ":", color=INK, linewidth=1.2)
    steps.loglog(counts, creeping, ":", color=INK, linewidth=1.2)
    steps.loglog(counts, np.full(len(counts), stuck), ":", color=INK, linewidth=1.2, label="predicted")
    for panel in (steps, logits):
        panel.set_yticks(10.0 ** np.arange(-15, 4, 3))
    steps.set(
        title="Four matrices", xlabel="iterations T", ylabel="largest row error", ylim=(1e-15, 1e5), xlim=(1, 300)
    )
    steps.legend(loc="upper left", ncols=2, columnspacing=1, handlelength=1.4)

    for found, shade, name in ((worst, 4, "largest"), (high, 2, "99 % quantile"), (low, 0, "median")):
        logits.loglog(sizes, found, color=COLOURS[shade], label=name)
    logits.set(title="Random logits, 20 iterations", ylabel="largest row error", ylim=(1e-15, 1e5), xlim=(0.5, 32))
    logits.set(xlabel="size of the logits c")
    logits.set_xticks([0.5, 1, 2, 4, 8, 16, 32], ["0.5", "1", "2", "4", "8", "16", "32"])
    logits.minorticks_off()
    logits.legend(loc="upper left")
