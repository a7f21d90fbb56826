"""Run by Alembic with a connection that `rotunda_signaling.store.migrating` has opened."""

from alembic import context

from rotunda_signaling.store.migrating import VERSION_TABLE
from rotunda_signaling.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
