//! SHA-1, SHA-256, SHA-384 and SHA-512, as FIPS 180-4 has them, and the HMAC of RFC 2104. It must never know a value of
//! the engine.
//!
//! They are written here, and not taken from a crate, because the usual ones bring eight crates for what is a hundred
//! lines. `tests/it/web.rs` compares them with the crate that the host uses.

use alloc::vec::Vec;

/// A function that shortens bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// The fractions of the cube roots of the first 80 primes. SHA-256 uses the first halves.
const ROUNDS: [u64; 80] = [
    0x428a_2f98_d728_ae22,
    0x7137_4491_23ef_65cd,
    0xb5c0_fbcf_ec4d_3b2f,
    0xe9b5_dba5_8189_dbbc,
    0x3956_c25b_f348_b538,
    0x59f1_11f1_b605_d019,
    0x923f_82a4_af19_4f9b,
    0xab1c_5ed5_da6d_8118,
    0xd807_aa98_a303_0242,
    0x1283_5b01_4570_6fbe,
    0x2431_85be_4ee4_b28c,
    0x550c_7dc3_d5ff_b4e2,
    0x72be_5d74_f27b_896f,
    0x80de_b1fe_3b16_96b1,
    0x9bdc_06a7_25c7_1235,
    0xc19b_f174_cf69_2694,
    0xe49b_69c1_9ef1_4ad2,
    0xefbe_4786_384f_25e3,
    0x0fc1_9dc6_8b8c_d5b5,
    0x240c_a1cc_77ac_9c65,
    0x2de9_2c6f_592b_0275,
    0x4a74_84aa_6ea6_e483,
    0x5cb0_a9dc_bd41_fbd4,
    0x76f9_88da_8311_53b5,
    0x983e_5152_ee66_dfab,
    0xa831_c66d_2db4_3210,
    0xb003_27c8_98fb_213f,
    0xbf59_7fc7_beef_0ee4,
    0xc6e0_0bf3_3da8_8fc2,
    0xd5a7_9147_930a_a725,
    0x06ca_6351_e003_826f,
    0x1429_2967_0a0e_6e70,
    0x27b7_0a85_46d2_2ffc,
    0x2e1b_2138_5c26_c926,
    0x4d2c_6dfc_5ac4_2aed,
    0x5338_0d13_9d95_b3df,
    0x650a_7354_8baf_63de,
    0x766a_0abb_3c77_b2a8,
    0x81c2_c92e_47ed_aee6,
    0x9272_2c85_1482_353b,
    0xa2bf_e8a1_4cf1_0364,
    0xa81a_664b_bc42_3001,
    0xc24b_8b70_d0f8_9791,
    0xc76c_51a3_0654_be30,
    0xd192_e819_d6ef_5218,
    0xd699_0624_5565_a910,
    0xf40e_3585_5771_202a,
    0x106a_a070_32bb_d1b8,
    0x19a4_c116_b8d2_d0c8,
    0x1e37_6c08_5141_ab53,
    0x2748_774c_df8e_eb99,
    0x34b0_bcb5_e19b_48a8,
    0x391c_0cb3_c5c9_5a63,
    0x4ed8_aa4a_e341_8acb,
    0x5b9c_ca4f_7763_e373,
    0x682e_6ff3_d6b2_b8a3,
    0x748f_82ee_5def_b2fc,
    0x78a5_636f_4317_2f60,
    0x84c8_7814_a1f0_ab72,
    0x8cc7_0208_1a64_39ec,
    0x90be_fffa_2363_1e28,
    0xa450_6ceb_de82_bde9,
    0xbef9_a3f7_b2c6_7915,
    0xc671_78f2_e372_532b,
    0xca27_3ece_ea26_619c,
    0xd186_b8c7_21c0_c207,
    0xeada_7dd6_cde0_eb1e,
    0xf57d_4f7f_ee6e_d178,
    0x06f0_67aa_7217_6fba,
    0x0a63_7dc5_a2c8_98a6,
    0x113f_9804_bef9_0dae,
    0x1b71_0b35_131c_471b,
    0x28db_77f5_2304_7d84,
    0x32ca_ab7b_40c7_2493,
    0x3c9e_be0a_15c9_bebc,
    0x431d_67c4_9c10_0d4c,
    0x4cc5_d4be_cb3e_42b6,
    0x597f_299c_fc65_7e2a,
    0x5fcb_6fab_3ad6_faec,
    0x6c44_198c_4a47_5817,
];
/// The fractions of the square roots of the first 16 primes: eight for SHA-512, and with their first halves for SHA-256,
/// and eight for SHA-384.
const STARTS: [u64; 16] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
    0xcbbb_9d5d_c105_9ed8,
    0x629a_292a_367c_d507,
    0x9159_015a_3070_dd17,
    0x152f_ecd8_f70e_5939,
    0x6733_2667_ffc0_0b31,
    0x8eb4_4a87_6858_1511,
    0xdb0c_2e0d_64f9_8fa7,
    0x47b5_481d_befa_4fa4,
];
const START_OF_SHA1: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

impl Hash {
    /// How many bytes are looked at at once.
    pub fn block_bytes(self) -> usize {
        match self {
            Hash::Sha1 | Hash::Sha256 => 64,
            Hash::Sha384 | Hash::Sha512 => 128,
        }
    }

    /// The digest of these pieces, one behind the other.
    pub fn digest(self, pieces: &[&[u8]]) -> Vec<u8> {
        let block_bytes = self.block_bytes();
        let mut state = State::new(self);
        let mut rest = Vec::with_capacity(2 * block_bytes);
        let mut length = 0_u128;
        for piece in pieces {
            length += piece.len() as u128;
            let mut piece = *piece;
            if !rest.is_empty() {
                let (first, behind) = piece.split_at(piece.len().min(block_bytes - rest.len()));
                rest.extend_from_slice(first);
                piece = behind;
                if rest.len() == block_bytes {
                    state.add(&rest);
                    rest.clear();
                }
            }
            let mut blocks = piece.chunks_exact(block_bytes);
            for block in &mut blocks {
                state.add(block);
            }
            rest.extend_from_slice(blocks.remainder());
        }
        rest.push(0x80);
        while !(rest.len() + block_bytes / 8).is_multiple_of(block_bytes) {
            rest.push(0);
        }
        let bits = (length * 8).to_be_bytes();
        rest.extend_from_slice(bits.get(16 - block_bytes / 8..).unwrap_or_default());
        rest.chunks_exact(block_bytes).for_each(|block| state.add(block));
        state.finish(self)
    }

    /// The code of a message that a key authenticates.
    pub fn hmac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        let shorter;
        let key = if key.len() > self.block_bytes() {
            shorter = self.digest(&[key]);
            &shorter
        } else {
            key
        };
        let padded = |mask: u8| -> Vec<u8> {
            (0..self.block_bytes()).map(|at| key.get(at).copied().unwrap_or(0) ^ mask).collect()
        };
        let inner = self.digest(&[&padded(0x36), message]);
        self.digest(&[&padded(0x5c), &inner])
    }
}

enum State {
    Sha1([u32; 5]),
    Sha256([u32; 8]),
    Sha512([u64; 8]),
}

impl State {
    fn new(hash: Hash) -> State {
        match hash {
            Hash::Sha1 => State::Sha1(START_OF_SHA1),
            Hash::Sha256 => State::Sha256(core::array::from_fn(|at| (STARTS[at] >> 32) as u32)),
            Hash::Sha384 => State::Sha512(core::array::from_fn(|at| STARTS[8 + at])),
            Hash::Sha512 => State::Sha512(core::array::from_fn(|at| STARTS[at])),
        }
    }

    fn add(&mut self, block: &[u8]) {
        match self {
            State::Sha1(state) => add_sha1(state, block),
            State::Sha256(state) => add_sha256(state, block),
            State::Sha512(state) => add_sha512(state, block),
        }
    }

    fn finish(self, hash: Hash) -> Vec<u8> {
        match self {
            State::Sha1(state) => state.iter().flat_map(|word| word.to_be_bytes()).collect(),
            State::Sha256(state) => state.iter().flat_map(|word| word.to_be_bytes()).collect(),
            State::Sha512(state) => {
                let words = if hash == Hash::Sha384 { 6 } else { 8 };
                state.iter().take(words).flat_map(|word| word.to_be_bytes()).collect()
            }
        }
    }
}

fn add_sha1(state: &mut [u32; 5], block: &[u8]) {
    let mut words = [0_u32; 80];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    for at in 16..80 {
        words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (at, word) in words.iter().enumerate() {
        let (mixed, constant) = match at {
            0..20 => (b & c | !b & d, 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6),
        };
        let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e).wrapping_add(constant).wrapping_add(*word);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d, e]) {
        *word = word.wrapping_add(add);
    }
}

/// SHA-256 and SHA-512 differ in the size of a word, the number of rounds, and how far they turn.
macro_rules! add_sha2 {
    ($name:ident, $word:ty, $rounds:literal, $constant:expr, $far:expr, $near:expr, $old:expr, $new:expr) => {
        fn $name(state: &mut [$word; 8], block: &[u8]) {
            const BYTES: usize = size_of::<$word>();
            let mut words = [0 as $word; $rounds];
            for (word, bytes) in words.iter_mut().zip(block.chunks_exact(BYTES)) {
                *word = bytes.iter().fold(0, |word, byte| word << 8 | <$word>::from(*byte));
            }
            let turn = |word: $word, by: [u32; 3]| {
                word.rotate_right(by[0]) ^ word.rotate_right(by[1]) ^ word.rotate_right(by[2])
            };
            let shift = |word: $word, by: [u32; 3]| word.rotate_right(by[0]) ^ word.rotate_right(by[1]) ^ word >> by[2];
            for at in 16..$rounds {
                words[at] = words[at - 16]
                    .wrapping_add(shift(words[at - 15], $old))
                    .wrapping_add(words[at - 7])
                    .wrapping_add(shift(words[at - 2], $new));
            }
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            for (word, constant) in words.iter().zip(ROUNDS) {
                let first = h
                    .wrapping_add(turn(e, $far))
                    .wrapping_add(e & f ^ !e & g)
                    .wrapping_add($constant(constant))
                    .wrapping_add(*word);
                let second = turn(a, $near).wrapping_add(a & b ^ a & c ^ b & c);
                (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(first), c, b, a, first.wrapping_add(second));
            }
            for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *word = word.wrapping_add(add);
            }
        }
    };
}

add_sha2!(add_sha256, u32, 64, |word: u64| (word >> 32) as u32, [6, 11, 25], [2, 13, 22], [7, 18, 3], [17, 19, 10]);
add_sha2!(add_sha512, u64, 80, |word: u64| word, [14, 18, 41], [28, 34, 39], [1, 8, 7], [19, 61, 6]);
