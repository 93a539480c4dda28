"""The audit log: a hash chain of what was done by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("happened_at", sa.DateTime, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("actor", "action", "subject")),
        sa.Column("detail_json", sa.JSON, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("previous_hash", "hash")),
        sa.PrimaryKeyConstraint("seq", name="pk_event"),
    )
    op.create_index("ix_event_subject", "event", ["subject"])
    op.execute("INSERT INTO counter (name, value) VALUES ('event', 0)")
