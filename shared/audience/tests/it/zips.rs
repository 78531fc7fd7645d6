//! Files that come as ZIP: as other programs write them, and as somebody hostile does.

use std::io::{self, Read, Write};

use audience::{AudienceReader, FileSettings, ReadError, Refusal, Unzip, ZipLimits, ZipRefusal};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const LIMITS: ZipLimits = ZipLimits {
    bytes: 8 << 20,
    ratio: 100,
};

const CSV: &[u8] = b"user_id,name\nu1,Hanako\nu2,Zoe\n";

/// One file of a ZIP, with what can be wrong with it.
#[derive(Clone, Copy)]
struct Entry<'a> {
    name: &'a str,
    content: &'a [u8],
    method: u16,
    flags: u16,
    /// Of the descriptor that follows the data, where the flags say that one does.
    descriptor: Descriptor,
}

#[derive(Clone, Copy)]
enum Descriptor {
    Signed32,
    Bare32,
    Signed64,
}

const FOLLOWED: u16 = 8;

impl<'a> Entry<'a> {
    fn deflated(name: &'a str, content: &'a [u8]) -> Self {
        Self {
            name,
            content,
            method: 8,
            flags: 0,
            descriptor: Descriptor::Signed32,
        }
    }

    fn bytes(self) -> Vec<u8> {
        let packed = match self.method {
            0 => self.content.to_vec(),
            _ => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(self.content).unwrap();
                encoder.finish().unwrap()
            }
        };
        let mut crc = flate2::Crc::new();
        crc.update(self.content);
        let lengths = [crc.sum(), packed.len() as u32, self.content.len() as u32];
        let is_followed = self.flags & FOLLOWED != 0;
        let mut bytes = b"PK\x03\x04\x14\0".to_vec();
        bytes.extend(self.flags.to_le_bytes());
        bytes.extend(self.method.to_le_bytes());
        bytes.extend([0; 4]);
        for length in lengths {
            bytes.extend(if is_followed { [0; 4] } else { length.to_le_bytes() });
        }
        bytes.extend((self.name.len() as u16).to_le_bytes());
        bytes.extend([0; 2]);
        bytes.extend(self.name.as_bytes());
        bytes.extend(&packed);
        if is_followed {
            if !matches!(self.descriptor, Descriptor::Bare32) {
                bytes.extend(b"PK\x07\x08");
            }
            bytes.extend(lengths[0].to_le_bytes());
            for length in &lengths[1..] {
                bytes.extend(length.to_le_bytes());
                if matches!(self.descriptor, Descriptor::Signed64) {
                    bytes.extend([0; 4]);
                }
            }
        }
        bytes
    }
}

/// A ZIP of these. Its directory is only begun: what follows its signature says nothing new.
fn zip(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut bytes: Vec<u8> = entries.iter().flat_map(|entry| entry.bytes()).collect();
    bytes.extend(b"PK\x01\x02");
    bytes.extend([0; 100]);
    bytes
}

fn unzip(bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
    let mut content = Vec::new();
    // A few bytes at a time, so that everything is met at a block's end once.
    Unzip::new(Trickle(bytes), LIMITS).read_to_end(&mut content)?;
    Ok(content)
}

fn refused(bytes: &[u8]) -> ZipRefusal {
    match unzip(bytes) {
        Err(ReadError::Refused(Refusal::Zip(refusal))) => refusal,
        other => panic!("{other:?}"),
    }
}

struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(7);
        self.0.read(&mut buffer[..room])
    }
}

#[test]
fn what_is_no_zip_is_read_as_it_is() {
    for file in [&b""[..], b"P", b"PK\x03", CSV] {
        assert_eq!(unzip(file).unwrap(), file);
    }
}

#[test]
fn the_one_file_is_read_however_its_lengths_are_written() {
    let plain = Entry::deflated("export/users.csv", CSV);
    let stored = Entry { method: 0, ..plain };
    let followed = |descriptor| Entry {
        flags: FOLLOWED,
        descriptor,
        ..plain
    };

    for entry in [
        plain,
        stored,
        followed(Descriptor::Signed32),
        followed(Descriptor::Bare32),
        followed(Descriptor::Signed64),
    ] {
        assert_eq!(unzip(&zip(&[entry])).unwrap(), CSV);
    }
}

#[test]
fn folders_and_what_systems_add_are_no_second_file() {
    let folder = Entry {
        method: 0,
        ..Entry::deflated("export/", b"")
    };
    let added = Entry::deflated("__MACOSX/export/._users.csv", b"whatever");
    let file = Entry::deflated("export/users.csv", CSV);

    assert_eq!(unzip(&zip(&[folder, file, added])).unwrap(), CSV);
    assert_eq!(unzip(&zip(&[added, folder, file])).unwrap(), CSV);
    assert_eq!(refused(&zip(&[folder, added])), ZipRefusal::Empty);
}

#[test]
fn a_zip_that_does_not_hold_one_readable_file_is_refused() {
    let file = Entry::deflated("users.csv", CSV);
    let named = |name| Entry::deflated(name, CSV);
    let inner = zip(&[file]);
    let nested = Entry::deflated("inner.zip", &inner);

    assert_eq!(
        refused(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ZipRefusal::Empty
    );
    assert_eq!(refused(&zip(&[file, named("more.csv")])), ZipRefusal::Several);
    assert_eq!(refused(&zip(&[nested])), ZipRefusal::Nested);
    assert_eq!(
        refused(&zip(&[Entry { method: 0, ..nested }])),
        ZipRefusal::Nested
    );
    assert_eq!(
        refused(&zip(&[Entry { flags: 1, ..file }])),
        ZipRefusal::Encrypted
    );
    assert_eq!(
        refused(&zip(&[Entry { method: 12, ..file }])),
        ZipRefusal::Method { method: 12 }
    );
    for name in [
        "../users.csv",
        "a/../../users.csv",
        "/etc/users.csv",
        "..\\users.csv",
        "C:\\u.csv",
        "a\0.csv",
    ] {
        assert_eq!(refused(&zip(&[named(name)])), ZipRefusal::Name, "{name:?}");
    }
}

#[test]
fn a_bomb_is_given_up_long_before_its_end() {
    let zeros = vec![0; 4 << 20];
    let many = b"user_id\n"
        .iter()
        .copied()
        .chain((0..9 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8));
    let many: Vec<u8> = many.collect();

    let bomb = refused(&zip(&[Entry::deflated("users.csv", &zeros)]));
    let large = refused(&zip(&[Entry {
        method: 0,
        ..Entry::deflated("users.csv", &many)
    }]));
    let mut source = Counted { read: 0 };
    let endless = io::copy(&mut Unzip::new(&mut source, LIMITS), &mut io::sink());

    assert_eq!(bomb, ZipRefusal::Ratio { limit: 100 });
    assert_eq!(large, ZipRefusal::TooLarge { limit: LIMITS.bytes });
    assert!(endless.is_err());
    assert!(
        source.read < 1 << 20,
        "{} bytes were read of a file without end",
        source.read
    );
}

/// A ZIP whose one file is zeros without end.
struct Counted {
    read: usize,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let header = Entry {
            flags: FOLLOWED,
            ..Entry::deflated("users.csv", b"")
        }
        .bytes();
        let start = &header[..30 + "users.csv".len()];
        // A block of fixed codes that repeats one zero 258 times over, for ever.
        let mut file = start.to_vec();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&vec![0; 2 << 20]).unwrap();
        encoder.flush().unwrap();
        let block = encoder.get_ref().clone();
        while file.len() < self.read + buffer.len() {
            file.extend(&block);
        }
        buffer.copy_from_slice(&file[self.read..self.read + buffer.len()]);
        self.read += buffer.len();
        Ok(buffer.len())
    }
}

#[test]
fn wherever_it_is_cut_off_or_spoilt_nothing_is_taken_for_the_whole() {
    let whole = zip(&[Entry {
        flags: FOLLOWED,
        ..Entry::deflated("users.csv", CSV)
    }]);
    let end = whole.len() - 100;

    for length in 4..end {
        let refusal = refused(&whole[..length]);
        assert!(matches!(refusal, ZipRefusal::Broken(_)), "{length}: {refusal:?}");
    }
    for at in 30 + "users.csv".len()..end {
        let mut spoilt = whole.clone();
        spoilt[at] ^= 0x10;
        assert!(
            unzip(&spoilt).is_err() || unzip(&spoilt).unwrap() == CSV,
            "byte {at}"
        );
    }
}

#[test]
fn an_error_of_the_source_stays_one() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
    let whole = zip(&[Entry::deflated("users.csv", CSV)]);

    for length in [0, 10, 40, 60] {
        let mut read = Unzip::new(whole[..length].chain(Failing), LIMITS);
        let error = ReadError::from(io::copy(&mut read, &mut io::sink()).unwrap_err());
        assert!(matches!(error, ReadError::Source(_)), "{length}: {error:?}");
    }
}

#[test]
fn an_audience_is_read_from_a_zip() {
    let zip = zip(&[Entry::deflated("users.csv", CSV)]);

    let mut reader = AudienceReader::open(
        Unzip::new(zip.as_slice(), LIMITS),
        FileSettings::default(),
        [7; 16],
    )
    .unwrap();

    let row = reader.next_row().unwrap().unwrap();
    assert_eq!((row.line, row.user_id), (2, "u1"));
}

#[test]
fn what_another_program_writes_is_read_stored_deflated_and_streamed() {
    let content: Vec<u8> = (0..50_000)
        .flat_map(|no| format!("user-{no},{}\n", no % 97).into_bytes())
        .collect();
    let file: Vec<u8> = b"user_id,rank\n".iter().copied().chain(content).collect();

    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        zip.add_directory("export", options).unwrap();
        zip.start_file("export/利用者.csv", options).unwrap();
        zip.write_all(&file).unwrap();
        assert!(
            unzip(&zip.finish().unwrap().into_inner()).unwrap() == file,
            "{method}"
        );
    }
    let mut streamed = ZipWriter::new_stream(Vec::new());
    streamed
        .start_file("users.csv", SimpleFileOptions::default())
        .unwrap();
    streamed.write_all(&file).unwrap();
    assert!(unzip(&streamed.finish().unwrap().into_inner()).unwrap() == file);
}
