//! Deflates blocks of lines, on a thread beside that which writes them.

use archive::Block;
use tokio::sync::mpsc::{Receiver, Sender};

use super::lines::{Failed, Lines, Told};

/// A block as it goes into the archive, and what it tells.
pub(super) type Deflated = Result<(Block, Told), Failed>;

/// Deflates what comes; ends early when nobody wants more.
pub(super) fn deflate(mut lines: Receiver<Lines>, deflated: &Sender<Deflated>) {
    while let Some(lines) = lines.blocking_recv() {
        let block = lines.map(|(text, told)| (Block::deflate(text.as_bytes()), told));
        // Unheard is no fault: whoever listened has lost the lease, or was stopped.
        if deflated.blocking_send(block).is_err() {
            return;
        }
    }
}
