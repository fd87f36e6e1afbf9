//! Bytes compressed with LZ4, with an uncompressed length that is verified before any memory is allocated for it.
//!
//! It owns the verification of an LZ4 block. It must never know what the bytes mean.

/// An LZ4 block that is verified to decompress to exactly `length` bytes.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    bytes: Vec<u8>,
    length: usize,
}

impl Packed {
    pub(crate) fn pack(bytes: &[u8]) -> Packed {
        Packed { bytes: lz4_flex::block::compress(bytes), length: bytes.len() }
    }

    /// Verifies that a block decompresses to this many bytes; None if it does not.
    pub(crate) fn check(bytes: &[u8], length: usize) -> Option<Packed> {
        (walk(bytes) == Some(length as u64)).then(|| Packed { bytes: bytes.to_vec(), length })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The uncompressed length.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn unpack(&self) -> Option<Vec<u8>> {
        lz4_flex::block::decompress(&self.bytes, self.length).ok().filter(|bytes| bytes.len() == self.length)
    }
}

/// The uncompressed length of a block; None if it is not a valid block. Nothing is decompressed: the lengths in the
/// block are only added up.
fn walk(mut rest: &[u8]) -> Option<u64> {
    /// The format encodes match lengths relative to this.
    const SHORTEST_MATCH: u64 = 4;
    let mut length = 0_u64;
    loop {
        let token;
        let literals;
        (token, rest) = rest.split_first()?;
        (literals, rest) = extent(token >> 4, rest)?;
        rest = rest.get(usize::try_from(literals).ok()?..)?;
        length += literals;
        if rest.is_empty() {
            return Some(length);
        }
        let (offset, after) = rest.split_first_chunk::<2>()?;
        let offset = u64::from(u16::from_le_bytes(*offset));
        if offset == 0 || offset > length {
            return None;
        }
        let repeated;
        (repeated, rest) = extent(token & 15, after)?;
        length += repeated + SHORTEST_MATCH;
    }
}

/// Decodes a length whose first four bits are in the token; returns it and the bytes after it. Each byte adds at most
/// 255, so a sum cannot overflow.
fn extent(bits: u8, mut rest: &[u8]) -> Option<(u64, &[u8])> {
    const GOES_ON: u8 = 15;
    let mut extent = u64::from(bits);
    let mut goes_on = bits == GOES_ON;
    while goes_on {
        let (byte, after) = rest.split_first()?;
        (extent, rest, goes_on) = (extent + u64::from(*byte), after, *byte == u8::MAX);
    }
    Some((extent, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test data that exercises the whole format: runs, near and far repetitions, noise.
    fn contents(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let mixed = noise.scan(0_usize, |at, byte| {
            *at += 1;
            Some(match *at >> 10 & 3 {
                0 => 0,
                1 => byte,
                2 => (*at & 7) as u8,
                _ => byte & 1,
            })
        });
        mixed.take(length).collect()
    }

    #[test]
    fn what_was_packed_unpacks_to_what_it_was() {
        for length in [0, 1, 5, 12, 13, 64, 4096, 70_000, 1 << 20] {
            let bytes = contents(length);
            let packed = Packed::pack(&bytes);
            let checked = Packed::check(packed.as_bytes(), length);
            assert_eq!(checked.and_then(|checked| checked.unpack()), Some(bytes), "{length}");
            assert!(Packed::check(packed.as_bytes(), length + 1).is_none());
        }
    }

    #[test]
    fn what_is_cut_off_or_points_outside_is_refused() {
        let bytes = contents(9000);
        let packed = Packed::pack(&bytes);
        for end in 0..packed.as_bytes().len() {
            assert!(packed.as_bytes().get(..end).is_some_and(|cut| Packed::check(cut, bytes.len()).is_none()), "{end}");
        }
        for block in [
            &[][..],
            &[0x10],
            &[0xf0],
            &[0x0f, 1],
            &[0x0f, 1, 0],
            &[0, 1, 0, 0],
            &[0x10, 7, 0, 0, 0],
            &[0x10, 7, 2, 0, 0],
        ] {
            assert_eq!(walk(block), None, "{block:?}");
        }
    }

    /// The verification and the decoder agree about every block: both accept it with the same length, or neither
    /// does.
    #[test]
    fn the_walk_says_what_the_decoder_makes() {
        let good = Packed::pack(&contents(3000)).bytes;
        let mut state = 7_u32;
        let mut roll = |sides: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % sides
        };
        let mut taken = 0;
        for _ in 0..20_000 {
            let mut block = good.clone();
            for _ in 0..=roll(3) {
                let at = roll(block.len());
                if let Some(byte) = block.get_mut(at) {
                    *byte = [0, 15, 255, 16, 240, roll(256) as u8].get(roll(6)).copied().unwrap_or_default();
                }
            }
            let Some(length) = walk(&block).and_then(|length| usize::try_from(length).ok()) else {
                assert!(lz4_flex::block::decompress(&block, 1 << 20).is_err());
                continue;
            };
            taken += 1;
            let packed = Packed { bytes: block, length };
            assert!(packed.unpack().is_some(), "{length}");
        }
        assert!(taken > 100, "only {taken} of the changed blocks were blocks");
    }
}
