// A client of plain mediasoup-client and socket.io-client that sends and receives over data channels. What a
// test calls is in `window.data`; ids are the server's.
import { Device } from "mediasoup-client";
import { io } from "socket.io-client";

const producers = new Map();
const received = new Map();
const open = (channel) =>
  channel.readyState === "open" ? undefined : new Promise((done) => channel.on("open", done));
let send;
let recv;
let ask;

window.data = {
  // Ids of others' data producers, as far as they were told.
  others: [],
  // Payloads of `dataLimited`.
  limits: [],

  // Answers the participantId.
  async enter(url, room, displayName) {
    const socket = io(url, { transports: ["websocket"] });
    socket.on("newDataProducer", ({ dataProducerId }) => window.data.others.push(dataProducerId));
    socket.on("dataLimited", (limited) => window.data.limits.push(limited));
    await new Promise((go, fail) => socket.on("connect", go).on("connect_error", fail));
    ask = async (name, payload) => {
      const answer = await socket.emitWithAck(name, payload);
      if (answer.error) throw new Error(`${name}: ${answer.error.code}: ${answer.error.message}`);
      return answer;
    };
    const joined = await ask("join", { room, displayName });
    for (const { dataProducers } of joined.participants) {
      window.data.others.push(...dataProducers.map(({ dataProducerId }) => dataProducerId));
    }
    const device = await Device.factory();
    await device.load({ routerRtpCapabilities: joined.routerRtpCapabilities });
    const options = async (direction) => ({
      ...(await ask("createWebRtcTransport", { direction })),
      iceServers: joined.iceServers,
    });
    send = device.createSendTransport(await options("send"));
    recv = device.createRecvTransport(await options("recv"));
    for (const transport of [send, recv]) {
      const transportId = transport.id;
      transport.on("connect", ({ dtlsParameters }, done, fail) =>
        ask("connectWebRtcTransport", { transportId, dtlsParameters }).then(done, fail),
      );
      transport.on("producedata", ({ sctpStreamParameters, label, protocol }, done, fail) =>
        ask("produceData", { transportId, sctpStreamParameters, label, protocol }).then(done, fail),
      );
    }
    return joined.participantId;
  },

  async produce(options) {
    const producer = await send.produceData(options);
    producers.set(producer.id, producer);
    await open(producer);
    return producer.id;
  },

  send: (id, message) => producers.get(id).send(message),

  // Bytes that wait to be sent.
  buffered: (id) => producers.get(id).bufferedAmount,

  async consume(dataProducerId) {
    const answer = await ask("consumeData", { transportId: recv.id, dataProducerId });
    const { id, sctpStreamParameters, label, protocol } = answer;
    const consumer = await recv.consumeData({
      id,
      dataProducerId,
      sctpStreamParameters,
      label,
      protocol,
    });
    consumer.binaryType = "arraybuffer";
    const messages = [];
    received.set(id, messages);
    consumer.on("message", (message) =>
      messages.push(typeof message === "string" ? message : [...new Uint8Array(message)]),
    );
    await open(consumer);
    return id;
  },

  // What came so far, in order; binary messages as arrays of numbers.
  received: (id) => received.get(id),
};
