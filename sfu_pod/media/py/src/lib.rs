//! The Python module `rotunda_media`: conversion and validation around a media worker.
//!
//! What it offers is written in `rotunda_media.pyi`.

mod convert;
mod error;
mod event;
mod load;
mod parameters;
mod stats;
mod worker;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

#[pymodule]
mod rotunda_media {
    #[pymodule_export]
    use super::event::{
        ActiveSpeaker, CommandFailed, DtlsReadable, IceConnected, IceDisconnected, LayersChanged,
        MediaLimited, ProducerStarted, RemoteHeard, RemoteSilent, SrtpReceived, Stats,
        WorkerFailed,
    };
    #[pymodule_export]
    use super::load::WorkerLoad;
    #[pymodule_export]
    use super::parameters::{
        ConsumerPayload, Encoding, ExtensionIds, ListenAddress, PayloadMapping,
    };
    #[pymodule_export]
    use super::stats::{ConsumerStats, ProducerStats, TransportStats};
    #[pymodule_export]
    use super::worker::Worker;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let py = module.py();
        module.add("Kind", literal(py, convert::KINDS.map(|(word, _)| word))?)?;
        let protocols = literal(py, convert::PROTOCOLS.map(|(word, _)| word))?;
        module.add("Protocol", protocols)?;
        module.add("Codec", literal(py, convert::CODECS.map(|(word, _)| word))?)?;
        let profiles = literal(py, convert::SRTP_PROFILES.map(|(word, _)| word))?;
        module.add("SrtpProfileName", profiles)?;
        module.add("Event", event::union(module)?)
    }
}

/// `typing.Literal` of these words.
fn literal<'py, const N: usize>(py: Python<'py>, words: [&str; N]) -> PyResult<Bound<'py, PyAny>> {
    py.import("typing")?.getattr("Literal")?.get_item(PyTuple::new(py, words)?)
}
