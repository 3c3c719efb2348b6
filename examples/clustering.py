# %% [markdown]
# # Tokens cluster, on the circle and on the sphere
#
# Tokens that attend to each other pull each other together (SA, `particles.mean_field`). At a low temperature they
# first form several clusters (`particles.mode_growth` tells how many to expect on the circle), which live long
# (`particles.metastability`) and then merge. For d >= 3 one cluster is left in the end
# (`particles.clustering_high_dimension`).

# %%
import numpy as np

from dltsym.render.picture import COLOURS, FAINT, INK, MUTED, picture
from dltsym.systems import cluster_counts, flow, mode_rates, random_tokens

# %% [markdown]
# 64 tokens on the circle. The energy balance of `particles.energy_dissipation` is checked on the way.

# %%
beta, times = 20.0, np.concatenate([[0.0], np.geomspace(0.1, 1e4, 240)])
circle = flow(random_tokens((64, 2), seed=3), beta, times=times, rtol=1e-7, atol=1e-7)
angles = np.unwrap(np.arctan2(circle.X[..., 1], circle.X[..., 0]), axis=0)
expected = int(mode_rates(beta, 12).argmax())
print("fastest mode of the uniform law:", expected, " energy balance", np.abs(circle.balance).max())

# %% [markdown]
# How many clusters? Components of the graph of near pairs. The spectral counts of `particles.cluster_diversity` never
# exceed the dimension, which is 2 here.

# %%
counts = cluster_counts(circle.X, delta=0.01)

# %% [markdown]
# 100 tokens on the sphere in three dimensions: front in colour, back in grey.

# %%
moments = [0.0, 4.0, 40.0, 1000.0]
sphere = flow(random_tokens((100, 3), seed=1), 6.0, times=moments, rtol=1e-5, atol=1e-5, balance=False)

# %%
with picture("clustering", "aaaa;bbbb;cdef", height=7.2) as (track, number, *balls):
    early = np.maximum(times, 0.05)
    track.semilogx(early, np.degrees(angles), color=COLOURS[0], linewidth=0.7, alpha=0.6)
    track.set(title=f"64 tokens on the circle, $\\beta$ = {beta:g}", ylabel="angle (degrees)", xlim=(0.05, times[-1]))
    track.set_yticks(range(-180, 181, 90))

    number.semilogx(
        early,
        counts.components,
        color=INK,
        drawstyle="steps-post",
        label="clusters: components of the graph of near pairs",
    )
    number.axhline(expected, color=COLOURS[4], linestyle=":", label=f"fastest mode of the uniform law: {expected}")
    number.set(xlim=(0.05, times[-1]), xlabel="time (depth)", ylabel="clusters", yscale="log", ylim=(1.6, 40))
    number.set_yticks([2, 3, 5, 10, 20], ["2", "3", "5", "10", "20"])
    number.minorticks_off()
    number.legend(loc="upper right")

    turn = np.linspace(0, 2 * np.pi, 181)
    for ball, t, x in zip(balls, moments, sphere.X, strict=True):
        ball.plot(np.cos(turn), np.sin(turn), color=FAINT, linewidth=1)
        front = x[:, 2] > 0
        ball.plot(x[~front, 0], x[~front, 1], ".", color=MUTED, alpha=0.5, markersize=4)
        ball.plot(x[front, 0], x[front, 1], ".", color=COLOURS[0], markersize=5)
        ball.set(aspect="equal", xlim=(-1.08, 1.08), ylim=(-1.4, 1.08))
        ball.text(0, -1.35, f"t = {t:g}", ha="center", color=MUTED)
        ball.axis("off")
    balls[0].set_title("100 tokens on the sphere, $\\beta$ = 6")
