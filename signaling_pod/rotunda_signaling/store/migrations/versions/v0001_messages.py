"""Messages, the gaps between them, and whose seats were whose."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def identifier(length: int) -> Any:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("room", identifier(63), primary_key=True),
        sa.Column("room_uid", identifier(64), primary_key=True),
        sa.Column("recipient", identifier(128), primary_key=True),
        sa.Column("id", identifier(128), primary_key=True),
        sa.Column("sender", identifier(128), nullable=False),
        sa.Column("display_name", sa.String(128), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("messages_by_time", "messages", ["sent_at"])
    op.create_index(
        "private_messages_by_sender",
        "messages",
        ["room", "room_uid", "sender", "id"],
        postgresql_where=sa.text("recipient <> ''"),
        sqlite_where=sa.text("recipient <> ''"),
    )
    op.create_table(
        "gaps",
        sa.Column("first_id", identifier(128), primary_key=True),
        sa.Column("last_id", identifier(128), nullable=False),
        sa.Column("room", identifier(63), nullable=False),
        sa.Column("room_uid", identifier(64), nullable=False),
        sa.Column("lost", sa.Integer, nullable=False),
    )
    op.create_index("gaps_by_room", "gaps", ["room", "room_uid", "last_id"])
    op.create_table(
        "seats",
        sa.Column("participant_id", identifier(128), primary_key=True),
        sa.Column("room", identifier(63), nullable=False),
        sa.Column("room_uid", identifier(64), nullable=False),
        sa.Column("identity", identifier(128), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("seats_by_identity", "seats", ["room", "room_uid", "identity", "taken_at"])


def downgrade() -> None:
    op.drop_table("seats")
    op.drop_table("gaps")
    op.drop_table("messages")
