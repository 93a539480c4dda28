"""Deliveries that replay or revoke another one, and what a revocation needs to know of a delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("delivery") as table:
        table.add_column(sa.Column("delivery_kind", sa.Text, nullable=False, server_default="source"))
        table.add_column(sa.Column("origin_delivery_id", sa.BigInteger))
        table.add_column(sa.Column("affirmed_path", sa.Text))
        table.add_column(sa.Column("held_path", sa.Text))
    with op.batch_alter_table("delivery") as table:
        table.alter_column("delivery_kind", server_default=None)
