//! JSON as it is stored beside other columns. What cannot be read was not written here.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// The value that `text` holds; `what` it is stands in the fault.
pub(crate) fn read<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Fault(format!("{what}: {error}")))
}

/// The text of a value.
pub(crate) fn write(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Fault(error.to_string()))
}
