//! Points of `RELIABILITY.md` that no case is about, and why.

/// A point's name, and why it has no case.
pub(super) const ABSENT: &[(&str, &str)] = &[
    ("H1", "there are no shards"),
    ("H2", "there are no shards"),
    ("H3", "there are no shards"),
    ("H4", "there are no shards"),
    ("H5", "there are no shards"),
];
