"""What is written of a status."""

from rotunda_contract.resources import MediaClusterStatus, RoomStatus
from rotunda_operator.patches import status_patch


def test_a_number_that_is_0_is_written_and_not_twice() -> None:
    new = RoomStatus(phase="Pending")
    first = status_patch(RoomStatus.model_validate({}), new)
    assert (first["phase"], first["participants"]) == ("Pending", 0)
    assert status_patch(RoomStatus.model_validate(first), new) == {}

    fleet = status_patch(MediaClusterStatus.model_validate({}), MediaClusterStatus())
    assert (fleet["mediaNodes"], fleet["rooms"], fleet["utilizationPercent"]) == (0, 0, 0)


def test_what_is_not_there_any_more_is_taken_away() -> None:
    old = RoomStatus.model_validate(
        {"phase": "Assigned", "assignment": {"mediaNode": "a", "epoch": 3}, "lastEpoch": 3}
    )
    patch = status_patch(old, old.model_copy(update={"phase": "Idle", "assignment": None}))
    assert (patch["phase"], patch["assignment"]) == ("Idle", None)
    assert "lastEpoch" not in patch
