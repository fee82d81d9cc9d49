"""MasteryBridge."""
