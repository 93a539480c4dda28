"""The policy: how facts become a score, a tier, a limit and terms. Start at model.py; `load.load_policy` reads one."""
