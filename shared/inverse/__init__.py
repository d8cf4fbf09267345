"""The estimator asked backwards: how much fits, instead of whether this much fits."""
