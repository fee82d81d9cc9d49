"""MasteryBridge: mastery-based learning on top of the LMS and SIS a school has."""
