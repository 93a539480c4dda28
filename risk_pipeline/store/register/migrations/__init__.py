"""Alembic migrations of the register, run by Register.open. Needs no alembic.ini."""
