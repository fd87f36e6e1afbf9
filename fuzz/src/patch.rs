//! Valid programs and snapshots with changes in them, and a corrected checksum: what a forger would send.

use sha2::{Digest, Sha256};

/// The size of an encoded change: an offset of three bytes, and the new byte.
const CHANGE_BYTES: usize = 4;

/// Applies each change.
fn patch(body: &mut [u8], changes: &[u8]) {
    for change in changes.chunks_exact(CHANGE_BYTES).take(64) {
        let at = usize::from(change[0]) | usize::from(change[1]) << 8 | usize::from(change[2]) << 16;
        if !body.is_empty() {
            let at = at % body.len();
            body[at] = change[3];
        }
    }
}

/// The layout of programs: 56 bytes of header, a checksum of header and bytecode, the bytecode.
pub(crate) fn patched_program(good: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    patch(&mut bytes[88..], changes);
    let checksum = Sha256::new().chain_update(&bytes[..56]).chain_update(&bytes[88..]).finalize();
    bytes[56..88].copy_from_slice(&checksum);
    bytes
}

/// A snapshot whose index and packed pages are these bytes, separated by the first NUL.
pub(crate) fn made_snapshot(good: &[u8], contents: &[u8]) -> Vec<u8> {
    let mut halves = contents.splitn(2, |byte| *byte == 0);
    let (index, packed) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
    let mut bytes = [&good[..76], &(index.len() as u64).to_le_bytes(), index, packed].concat();
    seal(&mut bytes);
    bytes
}

/// Corrects the checksum of a snapshot's bytes.
fn seal(bytes: &mut [u8]) {
    let checksum = Sha256::new().chain_update(&bytes[..44]).chain_update(&bytes[76..]).finalize();
    bytes[44..76].copy_from_slice(&checksum);
}

/// The layout of snapshots: 44 bytes of header, a checksum of header and body, and the body: the length of the index,
/// the index, and packed pages.
pub(crate) fn patched_snapshot(good: &[u8], changes: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    let index_bytes =
        usize::try_from(u64::from_le_bytes(bytes[76..84].try_into().expect("eight bytes"))).expect("it fits");
    // The first byte says what is changed: only the pages, or also the index before them.
    let from = if changes.first().is_some_and(|first| first.is_multiple_of(8)) { 76 } else { 84 + index_bytes };
    patch(&mut bytes[from..], changes.get(1..).unwrap_or_default());
    seal(&mut bytes);
    bytes
}
