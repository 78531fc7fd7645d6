//! MySQL's frames: three bytes of length, a sequence number, and so much payload.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

const HEADER: usize = 4;

/// The longest payload of a frame. One that long is continued in the next frame.
const MAX_PAYLOAD: usize = 0xff_ffff;

/// One or several frames as they came, headers included.
#[derive(Debug, Default)]
pub(super) struct Frames(Vec<u8>);

impl Frames {
    /// Reads one frame in place of what was there.
    pub(super) async fn read_one(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.0.clear();
        self.append(from).await.map(drop)
    }

    /// Reads a command, which is one frame unless it is very long, in place of what was there.
    pub(super) async fn read_command(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
        self.0.clear();
        while self.append(from).await? == MAX_PAYLOAD {}
        Ok(())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The sequence number of the first frame; 0 begins a command.
    pub(super) fn sequence(&self) -> u8 {
        self.0.get(HEADER - 1).copied().unwrap_or_default()
    }

    /// The payload of the first frame.
    pub(super) fn payload(&self) -> &[u8] {
        let rest = self.0.get(HEADER..).unwrap_or_default();
        &rest[..rest.len().min(MAX_PAYLOAD)]
    }

    pub(super) fn payload_mut(&mut self) -> &mut [u8] {
        self.0.get_mut(HEADER..).unwrap_or_default()
    }

    async fn append(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        let mut header = [0; HEADER];
        from.read_exact(&mut header).await?;
        let [low, middle, high, _] = header;
        let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
        self.0.extend(header);
        let start = self.0.len();
        self.0.resize(start + length, 0);
        from.read_exact(&mut self.0[start..]).await?;
        Ok(length)
    }
}

/// The server's way to refuse what had that sequence number last.
pub(super) fn refusal(code: u16, sequence: u8) -> Vec<u8> {
    let mut payload = vec![0xff];
    payload.extend(code.to_le_bytes());
    payload.extend(b"#HY000refused on the wire");
    let length = u32::try_from(payload.len()).unwrap_or_default().to_le_bytes();
    let mut frame = vec![length[0], length[1], length[2], sequence];
    frame.append(&mut payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(sequence: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
        let mut frame = vec![length[0], length[1], length[2], sequence];
        frame.extend(payload);
        frame
    }

    #[tokio::test]
    async fn a_command_of_several_frames_is_read_whole_and_no_further() {
        let long = vec![7; MAX_PAYLOAD];
        let command = [frame(0, &long), frame(1, &long), frame(2, b"")].concat();
        let bytes = [command.clone(), frame(0, b"\x0e")].concat();
        let mut from = bytes.as_slice();
        let mut frames = Frames::default();

        frames.read_command(&mut from).await.unwrap();

        assert!(frames.as_bytes() == command);
        assert_eq!(frames.payload().len(), MAX_PAYLOAD);
        assert_eq!(from, frame(0, b"\x0e"));
    }

    #[tokio::test]
    async fn a_frame_that_breaks_off_is_an_error() {
        let bytes = frame(0, b"\x03COMMIT");
        let mut frames = Frames::default();

        let read = frames.read_command(&mut &bytes[..7]).await;

        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
