"""For tests: a real control plane, and fakes of the rest of a cluster around the operator's own process."""

from rotunda_operator.testing.control_plane import ControlPlane, binaries
from rotunda_operator.testing.kubelet import FakeKubelet
from rotunda_operator.testing.operator_process import OperatorProcess
from rotunda_operator.testing.relay import Relay
from rotunda_operator.testing.reporter import Reporter
from rotunda_operator.testing.stage import Stage

__all__ = ["ControlPlane", "FakeKubelet", "OperatorProcess", "Relay", "Reporter", "Stage", "binaries"]
