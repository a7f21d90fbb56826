import type { types } from "mediasoup-client";
import type { OwnState } from "../contract/signaling";
import type { Events, Signaling } from "../signaling/SignalingClient";

export interface DataLinkOptions {
  label: string;
  ordered?: boolean;
  maxRetransmits?: number;
  maxPacketLifeTime?: number;
  protocol?: string;
}

export type DataListener = (message: string | ArrayBuffer | Blob) => void;

/** Data channels, both ways, over the two media transports. */
export class DataLinks {
  readonly #producers = new Map<string, types.DataProducer>();
  readonly #consumers = new Map<string, types.DataConsumer>();
  #send: types.Transport | undefined;
  #recv: types.Transport | undefined;

  constructor(private readonly signaling: Signaling) {}

  attachSend(transport: types.Transport): void {
    this.#closeAll(this.#producers);
    this.#send = transport;
  }

  attachRecv(transport: types.Transport): void {
    this.#closeAll(this.#consumers);
    this.#recv = transport;
  }

  close(): void {
    this.#closeAll(this.#producers);
    this.#closeAll(this.#consumers);
    this.#send = this.#recv = undefined;
  }

  get producers(): readonly types.DataProducer[] {
    return [...this.#producers.values()];
  }

  get consumers(): readonly types.DataConsumer[] {
    return [...this.#consumers.values()];
  }

  /** Publishes a data channel. Reliable and ordered unless told otherwise. */
  async produce(options: DataLinkOptions): Promise<types.DataProducer> {
    if (!this.#send) throw new Error("Not joined.");
    const { label, protocol = "", ...reliability } = options;
    const producer = await this.#send.produceData({ label, protocol, ...reliability });
    this.#producers.set(producer.id, producer);
    producer.observer.on("close", () => this.#producers.delete(producer.id));
    return producer;
  }

  closeProducer(dataProducerId: string): void {
    this.#producers.get(dataProducerId)?.close();
    this.signaling.notify("closeDataProducer", { dataProducerId });
  }

  /** Subscribes to somebody's data channel. */
  async consume(dataProducerId: string, listener: DataListener): Promise<types.DataConsumer> {
    const transport = this.#recv;
    if (!transport) throw new Error("Not joined.");
    const answer = await this.signaling.request("consumeData", {
      transportId: transport.id,
      dataProducerId,
    });
    const { id, label, protocol } = answer;
    const consumer = await transport.consumeData({
      id,
      dataProducerId,
      sctpStreamParameters: answer.sctpStreamParameters,
      label,
      protocol,
    });
    consumer.binaryType = "arraybuffer";
    consumer.on("message", listener);
    this.#consumers.set(id, consumer);
    consumer.observer.on("close", () => this.#consumers.delete(id));
    return consumer;
  }

  consumerClosed({ dataConsumerId }: Events["dataConsumerClosed"]): void {
    this.#consumers.get(dataConsumerId)?.close();
  }

  /** After a resume: closes what only one side still knows. */
  reconcile(own: OwnState): void {
    const producers = new Set(own.dataProducers.map((one) => one.dataProducerId));
    const consumers = new Set(own.dataConsumers.map((one) => one.dataConsumerId));
    for (const [id, one] of this.#producers) if (!producers.delete(id)) one.close();
    for (const [id, one] of this.#consumers) if (!consumers.delete(id)) one.close();
    for (const dataProducerId of producers) {
      this.signaling.notify("closeDataProducer", { dataProducerId });
    }
    for (const dataConsumerId of consumers) {
      this.signaling.notify("closeDataConsumer", { dataConsumerId });
    }
  }

  #closeAll(links: Map<string, { close(): void }>): void {
    for (const link of links.values()) link.close();
    links.clear();
  }
}

/** Waits until a channel can carry messages. */
export async function opened(link: {
  readyState: RTCDataChannelState;
  on(event: "open" | "close", listener: () => void): unknown;
}): Promise<void> {
  if (link.readyState === "open") return;
  await new Promise<void>((resolve, reject) => {
    link.on("open", resolve);
    link.on("close", () => reject(new Error("The data channel was closed before it opened.")));
  });
}
