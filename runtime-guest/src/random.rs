//! Unpredictable bytes: ChaCha20 with a key of 256 bits from the host.
//!
//! Each draw replaces the key, so that a memory that is looked at later does not tell what was drawn before. It must
//! never know what the bytes are for.

use core::cell::Cell;

use belljar_abi::Ask;

use crate::abi;
use crate::single::Single;

/// The key; None until the first draw asks the host.
static KEY: Single<Cell<Option<[u32; 8]>>> = Single::new(Cell::new(None));

/// Makes the next draw ask the host for a key again.
pub fn reseed() {
    KEY.set(None);
}

/// Four draws of the host are a key. Where the embedder has chosen a seed all four are that seed, so the place of each
/// is mixed in. SplitMix64 loses nothing of what it mixes.
fn key() -> [u32; 8] {
    let mut key = [0; 8];
    for (place, words) in (1_u64..).zip(key.chunks_exact_mut(2)) {
        let mut seed = (abi::ask(Ask::Seed) as u64).wrapping_add(place.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        seed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        seed = (seed ^ seed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        seed ^= seed >> 31;
        words.copy_from_slice(&[seed as u32, (seed >> 32) as u32]);
    }
    key
}

/// Fills the bytes.
pub fn fill(bytes: &mut [u8]) {
    let key = KEY.get().unwrap_or_else(key);
    let first = block(&key, 0);
    let mut next = [0; 8];
    next.copy_from_slice(&first[..8]);
    KEY.set(Some(next));
    for (counter, chunk) in (1..).zip(bytes.chunks_mut(64)) {
        let words = block(&key, counter);
        let fresh = words.iter().flat_map(|word| word.to_le_bytes());
        chunk.iter_mut().zip(fresh).for_each(|(byte, fresh)| *byte = fresh);
    }
}

/// One block of RFC 8439, with a nonce of zeros: no key is used for two draws.
fn block(key: &[u32; 8], counter: u32) -> [u32; 16] {
    let [k0, k1, k2, k3, k4, k5, k6, k7] = *key;
    let start = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574, k0, k1, k2, k3, k4, k5, k6, k7, counter, 0, 0, 0];
    let mut words = start;
    let mut quarter = |a: usize, b: usize, c: usize, d: usize| {
        for (left, right) in [(16, 12), (8, 7)] {
            words[a] = words[a].wrapping_add(words[b]);
            words[d] = (words[d] ^ words[a]).rotate_left(left);
            words[c] = words[c].wrapping_add(words[d]);
            words[b] = (words[b] ^ words[c]).rotate_left(right);
        }
    };
    for _ in 0..10 {
        for column in 0..4 {
            quarter(column, 4 + column, 8 + column, 12 + column);
        }
        for diagonal in 0..4 {
            quarter(diagonal, 4 + (diagonal + 1) % 4, 8 + (diagonal + 2) % 4, 12 + (diagonal + 3) % 4);
        }
    }
    core::array::from_fn(|at| words[at].wrapping_add(start[at]))
}
