//! Dense indices of things inside one worker: what the hot path uses instead of ids.

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(pub(crate) usize);

        impl $name {
            /// Index into the worker's slab.
            pub(crate) fn index(self) -> usize {
                self.0
            }
        }
    };
}

key!(
    /// Index of a transport.
    TransportKey
);
key!(
    /// Index of a producer.
    ProducerKey
);
key!(
    /// Index of a consumer.
    ConsumerKey
);
key!(
    /// Index of a router.
    RouterKey
);
