"""Data producers and consumers: SCTP streams from one origin to others."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct

from rotunda_contract.ids import DataConsumerId, DataProducerId
from rotunda_contract.pb.events_pb2 import DataProducerInfo
from rotunda_contract.rtp import SctpStreamParameters
from rotunda_sfu.transports.transport import DataStreams


class DataProducer:
    """One stream that an origin sends, from the moment that it is made."""

    def __init__(
        self,
        streams: DataStreams,
        data_producer_id: DataProducerId,
        stream: SctpStreamParameters,
        *,
        label: str,
        protocol: str,
        app_data: Struct | None,
    ) -> None:
        """Raises BadRequest for a stream that is out of range or in use."""
        self.id = data_producer_id
        self.label = label
        self.protocol = protocol
        self.app_data = Struct(fields=app_data.fields if app_data else None)
        self._streams = streams
        streams.add_data_producer(self.id, stream)

    @property
    def info(self) -> DataProducerInfo:
        return DataProducerInfo(
            data_producer_id=self.id, label=self.label, protocol=self.protocol, app_data=self.app_data
        )

    def close(self) -> None:
        self._streams.remove_data_producer(self.id)


class DataConsumer:
    """One data producer's messages on their way to another origin, with its producer's reliability."""

    def __init__(
        self, streams: DataStreams, data_consumer_id: DataConsumerId, data_producer_id: DataProducerId
    ) -> None:
        """Raises LimitExceeded where the transport has no stream left."""
        self.id = data_consumer_id
        self.data_producer_id = data_producer_id
        self.stream = streams.add_data_consumer(self.id, data_producer_id)
        self._streams = streams

    def close(self) -> None:
        self._streams.remove_data_consumer(self.id)
