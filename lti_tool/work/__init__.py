"""The workflows: facts arrive, standing is refreshed, outcomes are delivered."""
