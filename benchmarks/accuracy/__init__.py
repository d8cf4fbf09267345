"""How far the estimator is from what engines printed."""
