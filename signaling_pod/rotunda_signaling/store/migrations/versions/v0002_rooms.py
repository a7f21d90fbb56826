"""Rooms that outlast their process, and who was removed from one."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def identifier(length: int) -> Any:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "rooms",
        sa.Column("room", identifier(63), primary_key=True),
        sa.Column("room_uid", identifier(64), primary_key=True),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("made_on_join", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "removals",
        sa.Column("room", identifier(63), primary_key=True),
        sa.Column("room_uid", identifier(64), primary_key=True),
        sa.Column("participant_id", identifier(128), primary_key=True),
        sa.Column("identity", identifier(128), nullable=False),
        sa.Column("token_id", identifier(128), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("removals_by_time", "removals", ["removed_at"])


def downgrade() -> None:
    op.drop_table("removals")
    op.drop_table("rooms")
