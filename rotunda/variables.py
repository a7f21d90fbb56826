"""Environment variables that begin with our prefix and are none of ours: told at the start, as a misspelled
setting would otherwise count as not given. Pure."""

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches

from rotunda_base.settings import PREFIX, Settings, variables_of
from rotunda_operator.settings import OperatorSettings
from rotunda_sfu.settings import NodeSettings
from rotunda_signaling.settings import SignalingSettings

OF_SCRIPTS = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "ATTACK_DATAGRAMS",
        "CACHE",
        "CHROMIUM",
        "COTURN_ADDRESSES",
        "COTURN_LOOK_EVERY",
        "E2E_NAMESPACE",
        "E2E_NEXT_TAG",
        "FAULT_KILLS",
        "FAULT_SEEDS",
        "FIREFOX",
        "HELM",
        "STORY_ABSENCE_SECONDS",
        "TOKEN",
        "URL",
        "WRITE_GOLDEN",
    )
)
"""What scripts, tests and clients read, which may be set where a server starts too."""
_SERVICE_LINK = re.compile(
    r".+_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|.+_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
"""A kubelet gives each container the Services of its namespace in such variables, unless a pod declines."""
_LINK_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")
"""What stands in `ROTUNDA_SIGNALING_PORT`, of a Service `rotunda-signaling`."""


def known_variables() -> frozenset[str]:
    """Those that any of our processes, scripts or tests reads."""
    models: tuple[type[Settings], ...] = (SignalingSettings, NodeSettings, OperatorSettings)
    return OF_SCRIPTS.union(*map(variables_of, models))


def strangers(environment: Mapping[str, str], known: Collection[str] | None = None) -> Iterator[str]:
    """A sentence for each variable that nobody reads, with the known name that is nearest to it."""
    names = known_variables() if known is None else known
    ours = sorted(name for name in names if name.startswith(PREFIX))
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name in names:
            continue
        if _SERVICE_LINK.fullmatch(name) or _LINK_ADDRESS.fullmatch(value):
            continue
        nearest = get_close_matches(name, ours, n=1, cutoff=0.0)
        yield f"{name} is no setting and does nothing; the nearest that there is: {nearest[0]}"
