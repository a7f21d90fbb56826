//! Names of things inside a worker. The caller chooses them; a number is never used twice.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl From<u64> for $name {
            fn from(value: u64) -> Self {
                Self(value)
            }
        }
    };
}

id!(
    /// One room's router. Forwarding never crosses it.
    RouterId
);
id!(
    /// One WebRTC transport: ICE, DTLS keys, one remote peer.
    TransportId
);
id!(
    /// One media source sent to us over a transport.
    ProducerId
);
id!(
    /// One copy of a producer sent over another transport.
    ConsumerId
);

/// A local socket of the worker, of whatever protocol. Small and dense: an index into its listener
/// set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerId(pub u16);
