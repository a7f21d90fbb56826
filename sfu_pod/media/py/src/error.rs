//! Everything that is raised.

use std::fmt::Display;

use pyo3::exceptions::{PyOSError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// An argument that could never be right: what it is, what it must be, what came.
pub fn wrong(what: &str, must_be: impl Display, got: &Bound<'_, PyAny>) -> PyErr {
    let got = got.repr().map_or_else(|_| "something else".to_owned(), |repr| repr.to_string());
    PyValueError::new_err(format!("{what} must be {must_be}, got {got}"))
}

/// The same for an argument that is secret or long: what came is described.
pub fn wrong_length(what: &str, must_be: impl Display, length: usize, unit: &str) -> PyErr {
    PyValueError::new_err(format!("{what} must be {must_be}, got {length} {unit}"))
}

/// The same for several arguments that do not fit each other.
pub fn unfit(message: String) -> PyErr {
    PyValueError::new_err(message)
}

/// An argument of the wrong type.
pub fn wrong_type(what: &str, must_be: &str, got: &Bound<'_, PyAny>) -> PyErr {
    let got = got.get_type().name().map_or_else(|_| "another type".into(), |name| name.to_string());
    PyTypeError::new_err(format!("{what} must be {must_be}, got {got}"))
}

/// A worker that could not be started. Options that could never be right are a `ValueError`.
pub fn not_started(error: &std::io::Error) -> PyErr {
    match (error.kind(), error.raw_os_error()) {
        (std::io::ErrorKind::InvalidInput, None) => PyValueError::new_err(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}
