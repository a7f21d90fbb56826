//! What one `recvmmsg` call brought.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;

use crate::address::RawAddress;
use crate::raw::{Control, Scratch, segment_size};

/// The most that one message can carry, joined datagrams included.
const MESSAGE_CAPACITY: usize = 1 << 16;

/// Buffers for one receive call, used again and again.
pub struct ReceiveBatch {
    buffer: Vec<u8>,
    addresses: Vec<RawAddress>,
    controls: Vec<Control>,
    slices: Scratch<libc::iovec>,
    headers: Scratch<libc::mmsghdr>,
    messages: Vec<Received>,
}

/// One message of the last call.
#[derive(Clone, Copy)]
struct Received {
    remote: SocketAddr,
    slot: usize,
    len: usize,
    /// Every datagram in it has this size, the last one perhaps less.
    segment: usize,
}

impl ReceiveBatch {
    /// Room for `messages` messages of up to 64 KiB each (with GRO a message holds many
    /// datagrams); 32 is a good number. The memory is touched only as far as it is needed.
    pub fn new(messages: usize) -> Self {
        Self {
            buffer: vec![0; messages * MESSAGE_CAPACITY],
            addresses: vec![RawAddress::zeroed(); messages],
            controls: vec![Control::zeroed(); messages],
            slices: Scratch::with_capacity(messages),
            headers: Scratch::with_capacity(messages),
            messages: Vec::with_capacity(messages),
        }
    }

    /// The datagrams of the last receive call, in order of arrival, with their senders.
    pub fn datagrams_mut(&mut self) -> impl Iterator<Item = (SocketAddr, &mut [u8])> {
        let mut messages = self.messages.iter().copied().peekable();
        let slots = self.buffer.chunks_exact_mut(MESSAGE_CAPACITY).enumerate();
        slots
            .filter_map(move |(slot, bytes)| {
                let message = messages.next_if(|message| message.slot == slot)?;
                Some((message, &mut bytes[..message.len]))
            })
            .flat_map(|(message, bytes)| {
                bytes.chunks_mut(message.segment).map(move |datagram| (message.remote, datagram))
            })
    }

    /// Messages received by the last call.
    pub(crate) fn message_count(&self) -> usize {
        self.messages.len()
    }

    /// Datagrams and bytes received by the last call.
    pub(crate) fn totals(&self) -> (usize, usize) {
        self.messages.iter().fold((0, 0), |(datagrams, bytes), message| {
            (datagrams + message.len.div_ceil(message.segment), bytes + message.len)
        })
    }

    /// Forgets the last call's messages and makes one new call.
    pub(crate) fn fill(&mut self, socket: BorrowedFd<'_>) -> io::Result<()> {
        let Self { buffer, addresses, controls, slices, headers, messages } = self;
        messages.clear();
        slices.lend(|slices| {
            headers.lend(|headers| {
                describe(buffer, slices, addresses, controls, headers);
                let received = receive(socket, headers)?;
                let filled = headers.iter().zip(addresses.iter()).enumerate().take(received);
                messages.extend(filled.filter_map(|(slot, (header, address))| {
                    // SAFETY: the kernel has just filled this header and `controls` lives on.
                    let segment = unsafe { segment_size(&header.msg_hdr) };
                    let len = header.msg_len as usize;
                    let whole = header.msg_hdr.msg_flags & libc::MSG_TRUNC == 0 && len > 0;
                    let segment = segment.unwrap_or(len);
                    whole.then_some(Received { remote: address.get()?, slot, len, segment })
                }));
                Ok(())
            })
        })
    }
}

/// Makes a header for each slot.
fn describe(
    buffer: &mut [u8],
    slices: &mut Vec<libc::iovec>,
    addresses: &mut [RawAddress],
    controls: &mut [Control],
    headers: &mut Vec<libc::mmsghdr>,
) {
    for bytes in buffer.chunks_exact_mut(MESSAGE_CAPACITY) {
        let iov_base = bytes.as_mut_ptr().cast();
        slices.push(libc::iovec { iov_base, iov_len: MESSAGE_CAPACITY });
    }
    for ((slice, address), control) in slices.iter_mut().zip(addresses).zip(controls) {
        // SAFETY: a header is made of integers and pointers, for which zero is a value.
        let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
        header.msg_hdr.msg_iov = slice;
        header.msg_hdr.msg_iovlen = 1;
        header.msg_hdr.msg_name = ptr::from_mut(address).cast();
        header.msg_hdr.msg_namelen = RawAddress::LEN;
        header.msg_hdr.msg_control = control.as_mut_ptr();
        header.msg_hdr.msg_controllen = Control::LEN as _;
        headers.push(header);
    }
}

/// Returns how many headers the kernel filled.
fn receive(socket: BorrowedFd<'_>, headers: &mut [libc::mmsghdr]) -> io::Result<usize> {
    // SAFETY: `describe` made the headers: each points to one iovec, one address and one control
    // buffer of the lengths it tells; all of them outlive this call and nothing else uses them
    // meanwhile.
    let received = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            headers.len() as libc::c_uint,
            libc::MSG_DONTWAIT as _,
            ptr::null_mut(),
        )
    };
    usize::try_from(received).map_err(|_| io::Error::last_os_error())
}
