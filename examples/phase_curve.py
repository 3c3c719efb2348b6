# %% [markdown]
# # The phase curve, closed form against simulation
#
# When have all tokens met? For tokens that start orthogonal the answer is a formula (`particles.hitting_time`), and
# solved for the inverse temperature it is a curve in the plane of depth and temperature (`particles.phase_curve`).

# %%
import numpy as np

from dltsym.render.picture import COLOURS, INK, MUTED, picture
from dltsym.systems import curve, flow, phase_curve, random_tokens

n, delta = 32, 1e-3
first = phase_curve(10.0, n, delta).first_time
t = np.concatenate([np.linspace(first, 7, 15), np.geomspace(7.3, 60, 30)])
closed = phase_curve(t, n, delta)
print(f"all have met before t = {first:.4f} at no temperature")

# %% [markdown]
# Simulations of (SA): 32 orthogonal tokens in 32 dimensions, and 32 random ones in 256. One batch holds all
# temperatures.

# %%
betas = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
times = np.linspace(0, 45, 451)


def meeting(start):
    """Return the first time at which all cosines are above 1 - delta, by interpolation of the logarithm of the gap."""
    gap = np.log(1 - np.minimum(flow(start, betas, times=times, rtol=1e-6, atol=1e-8, balance=False).closest, 1 - 1e-9))
    return np.array([np.interp(-np.log(delta), -column, times, right=np.nan) for column in gap.T])


orthogonal, random = meeting(np.eye(n)), meeting(random_tokens((n, 256), seed=0))
print("largest distance to the curve", np.abs(phase_curve(orthogonal[1:], n, delta).beta - betas[1:]).max())

# %% [markdown]
# The equiangular curve itself shows why hot tokens (small beta) all meet at the same time, and cold ones wait.

# %%
depth = np.linspace(0, 40, 401)
shown = [0, 3, 5, 6, 7]
gamma = curve(n, shown, times=depth, rtol=1e-9).gamma

# %%
with picture("phase_curve", "ab", height=3.3) as (plane, cosine):
    plane.semilogx(t, closed.beta, color=INK, label="closed form")
    plane.plot(orthogonal, betas, "o", color=COLOURS[4], label="simulated, orthogonal start")
    plane.plot(random, betas, "x", color=COLOURS[0], label="simulated, random start, d = 256")
    plane.axvline(first, color=MUTED, linewidth=1, linestyle=":")
    plane.set(title=f"When all cosines exceed {1 - delta:g}", ylim=(-0.3, 8.3), xlim=(4.6, 60))
    plane.set(xlabel="time (depth)", ylabel=r"inverse temperature $\beta$")
    plane.set_xticks([5, 10, 20, 50], ["5", "10", "20", "50"])
    plane.minorticks_off()
    plane.legend(loc="lower right", handlelength=1.4)

    for k, beta in enumerate(shown):
        cosine.plot(depth, gamma[:, k], color=COLOURS[-1 - k], label=rf"$\beta$ = {beta}")
    cosine.set(title="Common cosine of 32 orthogonal tokens", xlim=(0, 40), ylim=(0, 1.03))
    cosine.set(xlabel="time (depth)", ylabel="cosine")
    cosine.legend(loc="lower right")
