"""LTI 1.3: every check of a launch, over bytes already received."""
