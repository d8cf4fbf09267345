"""Other estimators, asked the cases that ours is scored on."""
