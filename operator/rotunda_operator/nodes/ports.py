"""Which ports of the cluster's range a MediaNode gets: a block, which it keeps as long as it exists.

A block is one UDP port for each media worker, then one TCP port for gRPC and one for health. Blocks do not
overlap while the range has space. When it has none left a block is given twice: pods declare their ports
as ports of the host, so the scheduler puts two such nodes on different Kubernetes nodes.
"""

from collections import Counter
from collections.abc import Iterable

from rotunda_contract.resources import NetworkSpec, Ports


class RangeTooSmall(ValueError):
    """The range is smaller than one block. The message says how large it must be."""


def assign_ports(
    network: NetworkSpec, workers: int, taken: Iterable[Ports], *, behind: Ports | None = None
) -> Ports:
    """The lowest block of which no port is taken; if there is none, the block whose ports the fewest have.

    `taken`: the blocks of all other MediaNodes that may run on the same Kubernetes nodes, of any size and
    range. `behind`: a block that could not be used. The search begins behind it, so that the next call does
    not find the same one again. Raises RangeTooSmall.
    """
    size = workers + 2
    last = network.port_to - size + 1
    if last < network.port_from:
        have = network.port_to - network.port_from + 1
        raise RangeTooSmall(
            f"A media node with {workers} workers needs {size} ports and mediaNodes.network has {have}, "
            f"{network.port_from} to {network.port_to}: raise portTo to {network.port_from + size - 1} "
            "or more, or lower template.workers."
        )
    users = Counter(port for block in taken for port in ports_of(block))
    starts = range(network.port_from, last + 1)
    for part in _from(starts, max(ports_of(behind)) + 1 if behind is not None else starts.start):
        free = _first_free(part, size, users)
        if free is not None:
            return _block(free, workers)
    # In steps of one block: a block that is given twice overlaps one other block, not two.
    fewest = min(starts[::size], key=lambda start: max(users[port] for port in range(start, start + size)))
    return _block(fewest, workers)


def still_fits(network: NetworkSpec, workers: int, block: Ports) -> bool:
    """Whether a block that was given earlier has the size and range that the cluster asks for now."""
    ports = ports_of(block)
    return block.media_count == workers and network.port_from <= min(ports) <= max(ports) <= network.port_to


def ports_of(block: Ports) -> list[int]:
    """Every port of a block."""
    return [*range(block.media, block.media + block.media_count), block.grpc, block.health]


def _from(starts: range, first: int) -> tuple[range, range]:
    """Those from `first` on, then those before it."""
    middle = min(max(first, starts.start), starts.stop)
    return range(middle, starts.stop), range(starts.start, middle)


def _first_free(starts: range, size: int, users: Counter[int]) -> int | None:
    start = starts.start
    while start in starts:
        hit = next((port for port in range(start + size - 1, start - 1, -1) if users[port]), None)
        if hit is None:
            return start
        start = hit + 1
    return None


def _block(start: int, workers: int) -> Ports:
    return Ports(media=start, media_count=workers, grpc=start + workers, health=start + workers + 1)
