//! Plain RTP on real sockets: an encoder's packets reach a recorder, and nobody else's do.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use rotunda_media_core::command::{
    Codec, Command, ConsumerParameters, EncodingParameters, ExtensionIds, MediaKind,
    PayloadMapping, PlainParameters, ProducerParameters,
};
use rotunda_media_core::event::Event as CoreEvent;
use rotunda_media_core::id::{ConsumerId, ListenerId, ProducerId, RouterId, TransportId};
use rotunda_media_worker::{Event, Handle, WorkerOptions, spawn};
use rotunda_packet::demux::{PacketKind, classify};
use rotunda_packet::rtcp::{RtcpPacket, packets};
use rotunda_packet::rtp::{RtpHeader, RtpPacket};

/// Nothing waits that long when all is well.
const PATIENCE: Duration = Duration::from_secs(60);
const ENCODER: TransportId = TransportId(1);
const RECORDER: TransportId = TransportId(2);
const SOURCE: u32 = 5000;
const COPY: u32 = 7000;

fn socket(worker: &Handle) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.connect(worker.addresses()[0]).unwrap();
    socket
}

fn add_transport(worker: &Handle, transport: TransportId, remote: SocketAddr) {
    let plain = PlainParameters { listener: ListenerId(0), remote, remote_rtcp_port: None };
    worker.command(Command::AddPlainTransport { transport, plain });
}

/// Sound goes from the encoder's transport to the recorder's.
fn add_media(worker: &Handle) {
    worker.command(Command::AddProducer {
        router: RouterId(1),
        transport: ENCODER,
        producer: ProducerId(1),
        parameters: Box::new(ProducerParameters {
            kind: MediaKind::Audio,
            mid: None,
            payloads: vec![PayloadMapping {
                codec: Codec::Opus,
                clock_rate: 48_000,
                payload_type: 111,
                rtx_payload_type: None,
                nack: false,
            }],
            extensions: ExtensionIds::default(),
            encodings: vec![EncodingParameters { ssrc: Some(SOURCE), ..Default::default() }],
            cname: "encoder".to_owned(),
        }),
        paused: false,
    });
    worker.command(Command::AddConsumer {
        transport: RECORDER,
        consumer: ConsumerId(1),
        producer: ProducerId(1),
        parameters: Box::new(ConsumerParameters {
            mid: "0".to_owned(),
            ssrc: COPY,
            rtx_ssrc: None,
            payloads: vec![(Codec::Opus, 100, None)],
            extensions: ExtensionIds::default(),
            cname: "encoder".to_owned(),
            preferred_spatial: None,
        }),
        paused: false,
    });
}

fn sound(number: u16) -> Vec<u8> {
    let header = RtpHeader {
        marker: false,
        payload_type: 111,
        sequence_number: number,
        timestamp: u32::from(number) * 960,
        ssrc: SOURCE,
    };
    let mut packet = vec![0; 12];
    header.write(&mut packet, &[]).unwrap();
    packet.extend(number.to_be_bytes());
    packet
}

/// The next RTP packet that came, its SSRC, payload type and payload.
fn take_media(socket: &UdpSocket) -> (u32, u8, Vec<u8>) {
    loop {
        let mut buffer = [0; 1500];
        let length = socket.recv(&mut buffer).unwrap();
        if classify(&buffer[..length]) == Some(PacketKind::Rtp) {
            let packet = RtpPacket::parse(&buffer[..length]).unwrap();
            return (packet.ssrc(), packet.payload_type(), packet.payload().to_vec());
        }
    }
}

fn wait_for(worker: &Handle, wanted: &CoreEvent) {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        for event in worker.take_events() {
            match event {
                Event::Core(event) if event == *wanted => return,
                Event::Core(CoreEvent::CommandFailed { message }) => panic!("{message}"),
                Event::Core(_) => {}
                Event::Failed { message } => panic!("the worker failed: {message}"),
            }
        }
        std::thread::yield_now();
    }
    panic!("{wanted:?} did not come");
}

#[test]
fn an_encoders_packets_reach_a_recorder_and_a_strangers_do_not() {
    let worker = spawn(WorkerOptions::new(vec!["127.0.0.1:0".parse().unwrap()])).unwrap();
    let (encoder, recorder, stranger) = (socket(&worker), socket(&worker), socket(&worker));
    let remote = encoder.local_addr().unwrap();
    add_transport(&worker, ENCODER, remote);
    add_transport(&worker, RECORDER, recorder.local_addr().unwrap());
    add_media(&worker);
    stranger.send(&sound(1)).unwrap();
    encoder.send(&sound(2)).unwrap();
    assert_eq!(take_media(&recorder), (COPY, 100, vec![0, 2]));
    let listener = ListenerId(0);
    wait_for(&worker, &CoreEvent::RemoteHeard { transport: ENCODER, listener, remote });
    for number in 3..50 {
        encoder.send(&sound(number)).unwrap();
        assert_eq!(take_media(&recorder), (COPY, 100, number.to_be_bytes().to_vec()));
    }
    assert_eq!(worker.load().packets_dropped, 1, "the stranger's");
}

#[test]
fn an_encoder_may_send_from_any_port_and_is_reported_to() {
    let worker = spawn(WorkerOptions::new(vec!["127.0.0.1:0".parse().unwrap()])).unwrap();
    let (encoder, recorder) = (socket(&worker), socket(&worker));
    add_transport(&worker, ENCODER, "127.0.0.1:0".parse().unwrap());
    add_transport(&worker, RECORDER, recorder.local_addr().unwrap());
    add_media(&worker);
    encoder.send(&sound(7)).unwrap();
    assert_eq!(take_media(&recorder), (COPY, 100, vec![0, 7]));
    let mut buffer = [0; 1500];
    let length = encoder.recv(&mut buffer).unwrap();
    let reported = packets(&buffer[..length]).any(|packet| match packet.unwrap() {
        RtcpPacket::ReceiverReport(report) => report.blocks().any(|block| block.ssrc == SOURCE),
        _ => false,
    });
    assert!(reported);
}
