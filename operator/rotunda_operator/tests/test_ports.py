"""Blocks of ports: no two the same while there is space, and a clear word when there cannot be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotunda_contract.resources import NetworkSpec, Ports
from rotunda_operator.nodes.ports import RangeTooSmall, assign_ports, ports_of, still_fits


def network(first: int, last: int) -> NetworkSpec:
    return NetworkSpec(port_from=first, port_to=last)


def test_the_first_block_is_the_lowest() -> None:
    ports = assign_ports(network(40000, 40999), 2, [])
    assert ports == Ports(media=40000, media_count=2, grpc=40002, health=40003)


def test_a_gap_is_used_again() -> None:
    space = network(40000, 40999)
    blocks = [assign_ports(space, 1, [])]
    for _ in range(4):
        blocks.append(assign_ports(space, 1, blocks))
    gone = blocks.pop(2)
    assert assign_ports(space, 1, blocks) == gone


def test_a_block_around_which_a_smaller_one_lies_is_not_taken() -> None:
    inside = Ports(media=40002, media_count=1, grpc=40003, health=40004)
    assert assign_ports(network(40000, 40999), 2, [inside]).media == 40005


def test_behind_a_useless_block_comes_the_next_and_at_the_end_the_first() -> None:
    space = network(40000, 40008)
    neighbour = assign_ports(space, 1, [])
    second = assign_ports(space, 1, [neighbour])
    third = assign_ports(space, 1, [neighbour], behind=second)
    assert (second.media, third.media) == (40003, 40006)
    assert assign_ports(space, 1, [neighbour], behind=third) == second
    assert assign_ports(space, 1, [], behind=third) == neighbour


@given(st.lists(st.integers(1, 5), max_size=40), st.integers(0, 60))
def test_blocks_overlap_only_when_the_range_is_full(workers: list[int], space: int) -> None:
    net = network(40000, 40000 + 6 + space)
    blocks: list[Ports] = []
    for count in workers:
        used = {port for block in blocks for port in ports_of(block)}
        block = assign_ports(net, count, blocks)
        own = set(ports_of(block))
        assert len(own) == count + 2
        assert min(own) >= net.port_from
        assert max(own) <= net.port_to
        if own & used:
            starts = range(net.port_from, net.port_to - count)
            assert all(used & set(range(start, start + count + 2)) for start in starts)
        blocks.append(block)


@given(st.integers(1, 8), st.integers(1, 6), st.integers(1, 4))
def test_a_full_range_is_shared_evenly(workers: int, blocks: int, rounds: int) -> None:
    net = network(40000, 40000 + (workers + 2) * blocks - 1)
    given_out: list[Ports] = []
    for _ in range(blocks * rounds):
        given_out.append(assign_ports(net, workers, given_out))
    assert len({block.media for block in given_out}) == blocks
    assert all(sum(other == block for other in given_out) == rounds for block in given_out)


def test_a_range_without_space_for_one_block_is_refused_with_what_it_takes() -> None:
    with pytest.raises(RangeTooSmall, match="4 workers needs 6 ports") as caught:
        assign_ports(network(40000, 40004), 4, [])
    assert "raise portTo to 40005 or more" in str(caught.value)


def test_a_block_is_kept_while_it_fits_size_and_range() -> None:
    block = assign_ports(network(40000, 40999), 2, [])
    assert still_fits(network(40000, 40003), 2, block)
    assert not still_fits(network(40000, 40999), 3, block)
    assert not still_fits(network(40001, 40999), 2, block)
    assert not still_fits(network(39000, 40002), 2, block)
