//! Reading files: whole, from standard input, or mapped.

use crate::error::{Error, Result};
use memmap2::Mmap;
use std::fs::File;
use std::io::{self, Read};

/// The largest file that is read whole.
const MAX_BYTES: u64 = 1 << 31;

/// The name shown for a path.
pub fn name(path: &str) -> &str {
    if path == "-" { "standard input" } else { path }
}

/// Reads a file, or standard input for `-`.
pub fn read(path: &str) -> Result<Vec<u8>> {
    let failed = |e: io::Error| Error::file("cannot-read", name(path), &e);
    let mut bytes = Vec::new();
    // The limit is enforced while reading: neither a pipe nor a device says how long it is.
    let len = if path == "-" {
        io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|f| f.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    if len.map_err(failed)? as u64 > MAX_BYTES {
        return Err(Error::new(
            "cannot-read",
            format!("{}: longer than {MAX_BYTES} bytes", name(path)),
        ));
    }
    Ok(bytes)
}

/// The bytes of an artifact: mapped where there is a file to map.
#[derive(Debug)]
pub enum Bytes {
    /// In memory.
    Read(Vec<u8>),
    /// Mapped.
    Mapped(Mmap),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Read(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}

/// Opens an artifact without reading it.
pub fn map(path: &str) -> Result<Bytes> {
    if path == "-" {
        return read(path).map(Bytes::Read);
    }
    let failed = |e: io::Error| Error::file("cannot-read", path, &e);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    // Pipes, devices and empty files cannot be mapped.
    if !metadata.is_file() || metadata.len() == 0 {
        return read(path).map(Bytes::Read);
    }
    map_file(&file).map(Bytes::Mapped).map_err(failed)
}

/// The one unsafe line of this crate.
#[allow(unsafe_code)]
fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map is read-only and private to this process. What the type system cannot see is
    // another process that changes the file meanwhile: readers of artifacts hold bytes to nothing
    // but what they check on each access (every index goes through a checked slice), so changed
    // bytes give wrong answers or errors, and a truncated file ends the process with a signal.
    unsafe { Mmap::map(file) }
}
