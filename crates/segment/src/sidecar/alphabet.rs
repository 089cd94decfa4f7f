//! Which bytes occur in some texts: enough to tell that a needle cannot be in them.

use super::bytes::{In, Out};

/// A set of bytes: the 128 ASCII ones, and one mark for all others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alphabet {
    ascii: [u64; 2],
    other: bool,
}

impl Alphabet {
    /// Adds the bytes of a text.
    pub(super) fn add(&mut self, text: &[u8]) {
        for &byte in text {
            if byte < 128 {
                self.ascii[usize::from(byte >> 6)] |= 1 << (byte & 63);
            } else {
                self.other = true;
            }
        }
    }

    /// True when a text of this alphabet may hold this byte, in either case.
    pub fn may_hold(&self, byte: u8) -> bool {
        self.has(byte.to_ascii_lowercase()) || self.has(byte.to_ascii_uppercase())
    }

    /// True when some text of this alphabet may hold the needle, in any case.
    pub fn may_hold_all(&self, needle: &str) -> bool {
        // Letters beyond ASCII may have an ASCII form of the other case.
        !needle.is_ascii() || needle.bytes().all(|byte| self.may_hold(byte))
    }

    fn has(&self, byte: u8) -> bool {
        if byte < 128 { self.ascii[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1 } else { self.other }
    }

    pub(super) fn write(&self, out: &mut Out) {
        out.fixed(self.ascii[0]);
        out.fixed(self.ascii[1]);
        out.number(u64::from(self.other));
    }

    pub(super) fn read(input: &mut In<'_>) -> Option<Alphabet> {
        Some(Alphabet { ascii: [input.fixed()?, input.fixed()?], other: input.number()? != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_either_case_and_other_scripts() {
        let mut alphabet = Alphabet::default();
        alphabet.add(b"ab 12.");
        assert!(alphabet.may_hold_all("A1") && alphabet.may_hold_all("b.2") && alphabet.may_hold_all(""));
        assert!(!alphabet.may_hold_all("abc") && !alphabet.may_hold_all("1-2"));
        assert!(alphabet.may_hold_all("ä"), "not judged");
        let mut out = Out::default();
        alphabet.write(&mut out);
        assert_eq!(Alphabet::read(&mut In(&out.0)), Some(alphabet));
    }
}
