//! Protocol buffers on the wire: fields of a message, one after another, borrowed from the input.
//!
//! Source: protobuf.dev/programming-guides/encoding. Groups (wire types 3 and 4) were removed from proto3 and are
//! refused. Every step checks its length, so truncated or hostile bytes end in [`DecodeError::Malformed`] with the
//! offset from the start of the request. No step allocates.

use crate::report::DecodeError;

/// One message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    rest: &'a [u8],
    /// Offset of the end of `rest` in the request.
    end: usize,
}

/// A value on the wire.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// Bytes, text, a message or packed numbers.
    Bytes(Message<'a>),
}

impl<'a> Message<'a> {
    pub(super) fn new(request: &'a [u8]) -> Message<'a> {
        Message { rest: request, end: request.len() }
    }

    /// The bytes not yet read.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.rest
    }

    /// Where the next byte is read, from the start of the request.
    pub(super) fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    #[cold]
    pub(super) fn malformed(&self, message: &'static str) -> DecodeError {
        DecodeError::Malformed { offset: self.offset(), message }
    }

    /// A known field came with the wire type of another kind of value.
    #[cold]
    pub(super) fn mismatch(&self) -> DecodeError {
        self.malformed("a field has the wrong wire type; is this the right signal?")
    }

    /// The next field, with its number; `None` at the end. Inlined everywhere: the caller's match then works on registers.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Option<(u32, Field<'a>)>, DecodeError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let Ok(tag) = u32::try_from(tag) else { return Err(self.malformed("a field number is too large")) };
        let number = tag >> 3;
        if number == 0 {
            return Err(self.malformed("a field has number zero"));
        }
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => Field::Bytes(self.delimited()?),
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            3 | 4 => return Err(self.malformed("groups are not supported")),
            _ => return Err(self.malformed("unknown wire type")),
        };
        Ok(Some((number, field)))
    }

    /// The fields 1 and 2 of a message that holds nothing but these two, in this order and of at most 127 bytes each: the way
    /// everybody writes a `KeyValue`. `None` says nothing about the message.
    #[inline]
    pub(super) fn plain_pair(&self) -> Option<(&'a [u8], &'a [u8])> {
        let [0x0a, length @ ..0x80, rest @ ..] = self.rest else { return None };
        let (first, rest) = rest.split_at_checked(usize::from(*length))?;
        let [0x12, length @ ..0x80, second @ ..] = rest else { return None };
        (second.len() == usize::from(*length)).then_some((first, second))
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        if let [first, rest @ ..] = self.rest
            && *first < 0x80
        {
            self.rest = rest;
            return Ok(u64::from(*first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for (i, &byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte < 0x80 {
                if i == 9 && byte > 1 {
                    return Err(self.malformed("a number is longer than 64 bits"));
                }
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        Err(self.malformed(if self.rest.len() < 10 {
            "the request ends early"
        } else {
            "a number is longer than 64 bits"
        }))
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.malformed("the request ends early"));
        };
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    fn delimited(&mut self) -> Result<Message<'a>, DecodeError> {
        let length = self.varint()?;
        let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((head, rest)) = split else { return Err(self.malformed("a length reaches beyond its message")) };
        self.rest = rest;
        Ok(Message { rest: head, end: self.end - rest.len() })
    }

    /// Calls `each` for every number of a repeated fixed64 or double field, packed or not.
    pub(super) fn fixed64s(&self, field: Field<'_>, mut each: impl FnMut(u64)) -> Result<(), DecodeError> {
        match field {
            Field::Fixed64(value) => each(value),
            Field::Bytes(packed) => {
                let (chunks, rest) = packed.rest.as_chunks::<8>();
                if !rest.is_empty() {
                    return Err(packed.malformed("packed numbers end early"));
                }
                chunks.iter().for_each(|chunk| each(u64::from_le_bytes(*chunk)));
            }
            _ => return Err(self.mismatch()),
        }
        Ok(())
    }

    /// Calls `each` for every number of a repeated varint field, packed or not.
    pub(super) fn varints(&self, field: Field<'_>, mut each: impl FnMut(u64)) -> Result<(), DecodeError> {
        match field {
            Field::Varint(value) => each(value),
            Field::Bytes(mut packed) => {
                while !packed.rest.is_empty() {
                    each(packed.varint()?);
                }
            }
            _ => return Err(self.mismatch()),
        }
        Ok(())
    }
}

/// An `int32` or enum on the wire: sign-extended to 64 bits, of which proto3 keeps the low 32.
pub(super) fn int32(value: u64) -> i64 {
    i64::from((value as u32).cast_signed())
}

/// A `uint32` on the wire.
pub(super) fn uint32(value: u64) -> i64 {
    i64::from(value as u32)
}

/// A `sint32` on the wire (ZigZag).
pub(super) fn sint32(value: u64) -> i64 {
    let value = value as u32;
    i64::from((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<u32>, DecodeError> {
        let mut message = Message::new(bytes);
        let mut numbers = Vec::new();
        while let Some((number, _)) = message.next()? {
            numbers.push(number);
        }
        Ok(numbers)
    }

    #[test]
    fn fields_come_in_any_kind() {
        let bytes = b"\x08\x96\x01\x12\x03abc\x19\0\0\0\0\0\0\0\0\x25\0\0\0\0";
        assert_eq!(fields(bytes), Ok(vec![1, 2, 3, 4]));
    }

    #[test]
    fn broken_bytes_are_refused_with_their_offset() {
        let offset = |bytes: &[u8]| match fields(bytes) {
            Err(DecodeError::Malformed { offset, message }) => (offset, message),
            other => panic!("{other:?}"),
        };
        assert_eq!(offset(b"\x08\x01\x12\x05ab"), (4, "a length reaches beyond its message"));
        assert_eq!(offset(b"\x08\x80"), (1, "the request ends early"));
        assert_eq!(offset(b"\x0b"), (1, "groups are not supported"));
        assert_eq!(offset(b"\x0f"), (1, "unknown wire type"));
        assert_eq!(offset(b"\x00"), (1, "a field has number zero"));
        assert_eq!(offset(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02").1, "a number is longer than 64 bits");
        assert_eq!(offset(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").1, "a number is longer than 64 bits");
        assert_eq!(offset(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01").1, "a length reaches beyond its message");
    }

    #[test]
    fn numbers_have_their_signs() {
        assert_eq!(int32(u64::MAX), -1);
        assert_eq!(uint32(u64::MAX), 0xffff_ffff);
        for (wire, value) in [(0, 0), (1, -1), (2, 1), (0xffff_ffff, -2_147_483_648), (0xffff_fffe, 2_147_483_647)] {
            assert_eq!(sint32(wire), value);
        }
    }
}
