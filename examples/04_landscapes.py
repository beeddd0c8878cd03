"""4. Longitudinal spin fluctuations: landscapes, thermal moment sizes, a learned predictor.

The reference is FeHL-1, a synthetic model that resembles iron; it is not density functional theory.
A constrained DFT calculator takes its place without other changes.
"""

import numpy as np
from ase.build import bulk

import ase_mag
from ase_mag import lsf, models, reference

# Displaced, magnetically disordered snapshots of bcc iron at the Curie temperature.
crystal = bulk("Fe", a=2.877, cubic=True) * (3, 3, 3)
ase_mag.set_moments(crystal, 2.2)
frames = lsf.snapshots(crystal, displacement=0.173, directions="random", count=8, rng=1)

# One landscape E(m) = a m^2 + b m^4 per atom, the other moments fixed.
calculator = reference.ConstrainedModel(models.named("FeHL-1"))
table = lsf.landscapes(frames, calculator, sizes=7, progress=False)
print(table)

# The same landscape gives different mean sizes with different phase-space measures m^n.
print("\n<m> in the mean landscape (mu_B)")
print("  T (K)      n=0     n=1     n=2")
for temperature in (0, 300, 1043):
    sizes = [lsf.mean_moment(table.a.mean(), table.b.mean(), temperature, n) for n in (0, 1, 2)]
    print(f"  {temperature:5}  " + "  ".join(f"{size:6.3f}" for size in sizes))

# Learn a and b from the surroundings: 8 neighbors, the Voronoi volume, the sum of e_0.e_j.
predictor = lsf.LsfPredictor(descriptor=3, shells=1, width=10.0, regularization=1e-4).fit(table)
print(f"\n{lsf.cross_validate(predictor, table, folds=10, rng=1)}")

# Predict for a snapshot that was not trained on.
(new,) = lsf.snapshots(crystal, displacement=0.173, directions="random", count=1, rng=2)
predicted = predictor.moments(new, temperature_K=1043)
exact = lsf.landscapes(new, calculator, progress=False)
true = lsf.mean_moment(exact.a, exact.b, 1043)
print(f"\nmean sizes at 1043 K of {len(new)} new moments")
print(f"  predicted {predicted.mean():.3f} mu_B, computed {true.mean():.3f} mu_B")
print(f"  mean absolute error {np.abs(predicted - true).mean():.3f} mu_B")
