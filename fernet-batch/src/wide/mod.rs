//! Sixteen tokens side by side, in vectors of 512 bits, on processors with AVX-512 and VAES.
//!
//! Every step is the same for every key and every text: no table in memory is read at an index that depends on them,
//! and only lengths decide a branch. The layout of tokens stands in `frame`, and the steps are those of `lanes`, which
//! serves processors without these instructions.

#[cfg(target_arch = "x86_64")]
mod aes_cbc;
#[cfg(target_arch = "x86_64")]
mod base64;
#[cfg(target_arch = "x86_64")]
#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "the compiler makes the tables, and finds a wrong index"
)]
mod base64_tables;
#[cfg(target_arch = "x86_64")]
mod hmac;
#[cfg(target_arch = "x86_64")]
mod load;
#[cfg(target_arch = "x86_64")]
mod sha256;

use crate::frame::MAC_BYTES;
use crate::key::Key;
use crate::mac_states::KeyRef;
use crate::plain_frame::HeadedFrame;

/// The number of tokens.
pub(crate) const WIDTH: usize = 16;

/// The least number of tokens for which sixteen lanes, some of them empty, are faster than one token after the other.
pub(crate) const WIDE_MIN: usize = 6;

/// The bytes of a vector.
#[cfg(target_arch = "x86_64")]
const VECTOR_BYTES: usize = 64;

/// Proof that the processor has the instructions: nothing else makes one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WideLanes(());

/// What is done for up to [`WIDTH`] tokens.
enum Task<'a, 'f> {
    /// Seals frames whose headers are written.
    Seal(&'a mut [HeadedFrame<'f>]),
    /// Computes the MACs of frames, and decrypts their texts.
    Open(&'a mut [CoveredBytes<'f>], &'a mut [[u8; MAC_BYTES]; WIDTH]),
    /// Appends bytes as base64url.
    Encode(&'a [u8], &'a mut Vec<u8>),
    /// Decodes base64url, and whether it is valid.
    Decode(&'a [u8], &'a mut [u8], &'a mut bool),
    /// Whether base64url of so many bytes is valid.
    Check(&'a [u8], usize, &'a mut bool),
    /// Decodes the text of a key, and whether it is valid.
    DecodeKey(&'a KeyText, &'a mut [u64; Key::WORDS], &'a mut bool),
}

/// The text of a key.
pub(crate) type KeyText = [u8; Key::TEXT_BYTES];

/// A text, and the key of its MAC.
#[cfg(target_arch = "x86_64")]
type KeyedText<'t> = (KeyRef<'t>, &'t [u8]);

/// What the MAC of a frame covers, its header and its text, with the key.
pub(crate) type CoveredBytes<'f> = (KeyRef<'f>, &'f mut [u8]);

impl WideLanes {
    /// The proof, if the processor has the instructions. Asking the processor is done once.
    pub(crate) fn detect() -> Option<Self> {
        if cfg!(feature = "in-step") {
            return None;
        }
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("vaes")
        {
            return Some(Self(()));
        }
        None
    }

    /// Seals up to [`WIDTH`] frames, whose headers are written.
    pub(crate) fn seal(self, frames: &mut [HeadedFrame<'_>]) {
        self.run(Task::Seal(frames));
    }

    /// Decrypts the texts of up to [`WIDTH`] frames where they stand. Returns the MAC that each frame must have if its
    /// key made it: texts are decrypted in either case.
    pub(crate) fn open(self, frames: &mut [CoveredBytes<'_>]) -> [[u8; MAC_BYTES]; WIDTH] {
        let mut macs = [[0; MAC_BYTES]; WIDTH];
        self.run(Task::Open(frames, &mut macs));
        macs
    }

    /// Appends the characters of `bytes` in base64url, with padding.
    pub(crate) fn encode_base64url(self, bytes: &[u8], out: &mut Vec<u8>) {
        self.run(Task::Encode(bytes, out));
    }

    /// Decodes characters of base64url, without their padding. Returns false if they are not the one spelling of as
    /// many bytes as `out` has; what `out` contains then means nothing.
    pub(crate) fn decode_base64url(self, characters: &[u8], out: &mut [u8]) -> bool {
        let mut is_valid = false;
        self.run(Task::Decode(characters, out, &mut is_valid));
        is_valid
    }

    /// Returns true if characters of base64url, without their padding, are the one spelling of so many bytes.
    pub(crate) fn check_base64url(self, characters: &[u8], bytes: usize) -> bool {
        let mut is_valid = false;
        self.run(Task::Check(characters, bytes, &mut is_valid));
        is_valid
    }

    /// Decodes the text of a key. Returns false if it is not the one spelling of any key; what `words` contains then
    /// means nothing.
    pub(crate) fn decode_key(self, text: &KeyText, words: &mut [u64; Key::WORDS]) -> bool {
        let mut is_valid = false;
        self.run(Task::DecodeKey(text, words, &mut is_valid));
        is_valid
    }

    #[cfg(target_arch = "x86_64")]
    fn run(self, task: Task<'_, '_>) {
        // SAFETY: `detect` alone makes this proof, after the processor was asked for the instructions.
        #[expect(unsafe_code, reason = "the one call into code for a kind of processor")]
        unsafe {
            run(task);
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn run(self, _: Task<'_, '_>) {
        // `detect` makes no proof.
    }
}

/// In step, and side by side where this processor can: what tests compare. Where it cannot, a run of tests says so once.
#[cfg(test)]
pub(crate) fn ways() -> Vec<Option<WideLanes>> {
    static SAY_ONCE: std::sync::Once = std::sync::Once::new();
    let wide = WideLanes::detect();
    if wide.is_none() {
        SAY_ONCE.call_once(|| {
            let text = "\nNOT TESTED: lanes of 512 bits, which this processor does not have\n";
            let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        });
    }
    [None].into_iter().chain(wide.map(Some)).collect()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn run(task: Task<'_, '_>) {
    match task {
        Task::Seal(frames) => seal(frames),
        Task::Open(frames, macs) => open(frames, macs),
        Task::Encode(bytes, out) => base64::encode(bytes, out),
        Task::Decode(characters, out, is_valid) => *is_valid = base64::decode(characters, out),
        Task::Check(characters, bytes, is_valid) => *is_valid = base64::check(characters, bytes),
        Task::DecodeKey(text, words, is_valid) => *is_valid = base64::decode_key(text, words),
    }
}

// Each task has a stack of its own, so that how deep it becomes can be read from the program.

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn seal(frames: &mut [HeadedFrame<'_>]) {
    aes_cbc::encrypt(frames);
    let macs = hmac::macs(&texts(frames.iter().map(|frame| (frame.key, &*frame.covered))));
    for (frame, mac) in frames.iter_mut().zip(macs) {
        frame.mac.copy_from_slice(&mac);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,vaes")]
fn open(frames: &mut [CoveredBytes<'_>], macs: &mut [[u8; MAC_BYTES]; WIDTH]) {
    *macs = hmac::macs(&texts(frames.iter().map(|(key, covered)| (*key, &**covered))));
    aes_cbc::decrypt(frames);
}

/// The texts of as many tokens as there are lanes, each with its key.
#[cfg(target_arch = "x86_64")]
fn texts<'t>(
    texts: impl Iterator<Item = KeyedText<'t>>,
) -> arrayvec::ArrayVec<KeyedText<'t>, WIDTH> {
    texts.take(WIDTH).collect()
}
