//! The audience file: how it is read, what makes a row a recipient, and how recipients are
//! packed into chunks.
//!
//! [`RowReader`] turns a stream of bytes into rows, accepted or rejected for a reason; [`Spread`]
//! and [`Merge`] sort any number of them in a fixed amount of memory, find duplicates, and cut what
//! is accepted into chunks of one time zone; [`Packer`] and [`Unpacked`] are the chunk's stored
//! form. No I/O but the reader's source, and nothing depends on the time or the machine.

mod chunker;
mod duplicates;
mod fingerprint;
mod inline;
mod packed;
mod reader;
mod recipient;
mod refusal;
mod report;
mod settings;
mod sort;
mod whole;
mod widening;
mod zip;

pub use chunker::{Chunk, ChunkSettings, Chunker, MAX_CHUNK_RECIPIENTS, estimated_commit_bytes};
pub use inline::file_of_user_ids;
pub use packed::{Corrupt, Digest, Packed, Packer, Unpacked, erase};
pub use reader::{AudienceReader, Delimiter, Encoding, Place, Row, RowReader, check_user_id};
pub use recipient::{Recipient, Variables};
pub use refusal::{ReadError, Refusal, Rejection};
pub use report::{REPORT_HEADER, Summary, write_report_line};
pub use settings::FileSettings;
pub use sort::{
    Duplicate, DuplicateRun, LINES_OF_A_DUPLICATE_RUN, Merge, Merged, Position, Role, Run, Spread,
    partition_count, read_duplicates,
};
pub use whole::AudienceDigest;
pub use widening::Widening;
pub use zip::{Unzip, ZIP_MAGIC, ZipLimits, ZipRefusal};
