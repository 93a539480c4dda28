"""Deliveries, runs, check results, snapshots and the pointer to the published one."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
    )
    op.execute("INSERT INTO counter (name, value) VALUES ('delivery', 0)")
    op.create_table(
        "delivery",
        sa.Column("delivery_id", sa.BigInteger, autoincrement=False, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("feed", "mode", "state", "content_sha256", "spec_hash")),
        sa.Column("files", sa.JSON, nullable=False),
        sa.Column("received_at", sa.DateTime, nullable=False),
        sa.Column("known_assumption", sa.Text),
        sa.Column("rows_read", sa.BigInteger, nullable=False),
        sa.Column("rows_filtered", sa.BigInteger, nullable=False),
        sa.Column("rows_rejected", sa.BigInteger, nullable=False),
        sa.Column("rows_repeated", sa.BigInteger, nullable=False),
        sa.Column("rows_unchanged", sa.BigInteger, nullable=False),
        sa.Column("rows_stored", sa.BigInteger, nullable=False),
        sa.Column("rows_closed", sa.BigInteger, nullable=False),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("part_path", sa.Text),
        sa.Column("closures_path", sa.Text),
        sa.Column("quarantine_path", sa.Text),
        sa.PrimaryKeyConstraint("delivery_id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_feed", "delivery", ["feed", "state"])
    op.create_table(
        "run",
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("known_at", sa.DateTime, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("label", "state", "policy_version", "policy_hash", "code_version")
        ),
        sa.Column("previous_as_of", sa.Date),
        sa.Column("previous_run_id", sa.Text),
        sa.Column("stale_previous", sa.Boolean, nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("manifest", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_run"),
        sa.ForeignKeyConstraint(["previous_run_id"], ["run.run_id"], name="fk_run_previous_run_id"),
    )
    op.create_index("ix_run_as_of", "run", ["as_of"])
    op.create_table(
        "check_result",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("run_id", "stage", "check_name", "table_name", "severity")),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("n_failed", sa.BigInteger, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("checked_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "stage", "check_name", "table_name", name="pk_check_result"),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name="fk_check_result_run_id"),
    )
    op.create_table(
        "snapshot",
        sa.Column("snapshot_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.BigInteger),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("published_at", sa.DateTime, nullable=False),
        sa.Column("n_tables", sa.BigInteger, nullable=False),
        sa.Column("n_rows", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", name="pk_snapshot"),
        sa.ForeignKeyConstraint(["parent_id"], ["snapshot.snapshot_id"], name="fk_snapshot_parent_id"),
        sa.ForeignKeyConstraint(["run_id"], ["run.run_id"], name="fk_snapshot_run_id"),
    )
    op.create_table(
        "snapshot_part",
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("first_snapshot", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("last_snapshot", sa.BigInteger),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("table_name", "as_of", "first_snapshot", name="pk_snapshot_part"),
        sa.ForeignKeyConstraint(["first_snapshot"], ["snapshot.snapshot_id"], name="fk_snapshot_part_first_snapshot"),
    )
    op.create_table(
        "pointer",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("snapshot_id", sa.BigInteger),
        sa.PrimaryKeyConstraint("name", name="pk_pointer"),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.snapshot_id"], name="fk_pointer_snapshot_id"),
    )
    op.execute("INSERT INTO pointer (name, snapshot_id) VALUES ('published', NULL)")
