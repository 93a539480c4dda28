"""Decisions: facts, policy and previous decisions in, score, tier, limit and terms out. Start at decide.py."""
