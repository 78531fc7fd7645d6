//! The reader of ZIPs: whatever the bytes, it ends, and gives no more than its limits allow.

#![no_main]

use std::io::{self, Read};

use audience::{Refusal, Unzip, ZIP_MAGIC, ZipLimits};
use libfuzzer_sys::fuzz_target;

const LIMITS: ZipLimits = ZipLimits {
    bytes: 4 << 20,
    ratio: 50,
};

fuzz_target!(|data: &[u8]| {
    let mut given = Given(0);
    match io::copy(&mut Unzip::new(data, LIMITS), &mut given) {
        Ok(size) if data.starts_with(&ZIP_MAGIC) => assert!(size <= LIMITS.bytes),
        Ok(size) => assert_eq!(size, data.len() as u64, "what is no ZIP is given as it is"),
        Err(error) => assert!(error.downcast::<Refusal>().is_ok(), "bytes in memory can be read"),
    }
    assert!(given.0 <= LIMITS.bytes.max(data.len() as u64));
    // Byte by byte, it is the same file.
    let mut whole = Vec::new();
    let mut pieces = Vec::new();
    let at_once = Unzip::new(data, LIMITS).read_to_end(&mut whole).is_ok();
    let slowly = Unzip::new(Slow(data), LIMITS).read_to_end(&mut pieces).is_ok();
    assert_eq!(at_once, slowly);
    assert!(!at_once || whole == pieces);
});

struct Given(u64);

impl io::Write for Given {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(1);
        self.0.read(&mut buffer[..room])
    }
}
