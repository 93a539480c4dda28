"""Run by Alembic: applies migrations over the connection that database.py hands in, inside its transaction."""

from alembic import context

from risk_pipeline.store.register.database import VERSION_TABLE
from risk_pipeline.store.register.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
context.run_migrations()
