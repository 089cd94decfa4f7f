//! Scalars of protobuf's JSON mapping: numbers as number or text, enums as number or name, bytes as base64.
//!
//! `null` is the default value of every one of them. Another type refuses the record.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Decoder;
use crate::json::{Kind, Number};
use crate::record::{Fault, Id};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

fn wrong(message: &'static str) -> Fault {
    Fault::Record(message.into())
}

/// A number of any width as it was written.
enum Written<'a> {
    Number(Number<'a>),
    Text(Cow<'a, str>),
    Null,
}

impl<'a> Decoder<'a, '_> {
    /// A string.
    pub(super) fn text(&mut self) -> Result<Cow<'a, str>, Fault> {
        match self.reader.peek()? {
            Kind::String => Ok(self.reader.string()?),
            Kind::Null => {
                self.reader.null()?;
                Ok(Cow::Borrowed(""))
            }
            _ => Err(wrong("a field that holds text has another type")),
        }
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.reader.peek()? {
            Kind::Bool => Ok(self.reader.boolean()?),
            Kind::Null => {
                self.reader.null()?;
                Ok(false)
            }
            Kind::String => match &*self.reader.string()? {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(wrong("a field that is true or false has another value")),
            },
            _ => Err(wrong("a field that is true or false has another type")),
        }
    }

    fn written(&mut self) -> Result<Written<'a>, Fault> {
        match self.reader.peek()? {
            Kind::Number => Ok(Written::Number(self.reader.number()?)),
            Kind::String => Ok(Written::Text(self.reader.string()?)),
            Kind::Null => {
                self.reader.null()?;
                Ok(Written::Null)
            }
            _ => Err(wrong("a field that holds a number has another type")),
        }
    }

    pub(super) fn uint64(&mut self) -> Result<u64, Fault> {
        let number = match self.written()? {
            Written::Null => Some(0),
            Written::Number(Number::Int(int)) => u64::try_from(int).ok(),
            Written::Number(Number::Unsigned(int)) => Some(int),
            Written::Number(Number::Double(double)) => whole(double).and_then(|int| u64::try_from(int).ok()),
            Written::Number(Number::Other(_)) => None,
            Written::Text(text) => text.trim().parse().ok(),
        };
        number.ok_or(wrong("a number is not an unsigned 64-bit integer"))
    }

    pub(super) fn int64(&mut self) -> Result<i64, Fault> {
        let number = match self.written()? {
            Written::Null => Some(0),
            Written::Number(Number::Int(int)) => Some(int),
            Written::Number(Number::Double(double)) => whole(double),
            Written::Number(Number::Unsigned(_) | Number::Other(_)) => None,
            Written::Text(text) => text.trim().parse().ok(),
        };
        number.ok_or(wrong("a number is not a 64-bit integer"))
    }

    pub(super) fn int32(&mut self) -> Result<i64, Fault> {
        let number = self.int64()?;
        if i32::try_from(number).is_err() {
            return Err(wrong("a number is not a 32-bit integer"));
        }
        Ok(number)
    }

    pub(super) fn uint32(&mut self) -> Result<i64, Fault> {
        let number = self.int64()?;
        if u32::try_from(number).is_err() {
            return Err(wrong("a number is not an unsigned 32-bit integer"));
        }
        Ok(number)
    }

    pub(super) fn double(&mut self) -> Result<f64, Fault> {
        let number = match self.written()? {
            Written::Null => Some(0.0),
            Written::Number(Number::Int(int)) => Some(int as f64),
            Written::Number(Number::Unsigned(int)) => Some(int as f64),
            Written::Number(Number::Double(double)) => Some(double),
            Written::Number(Number::Other(text)) => text.parse().ok(),
            // Rust reads "NaN", "Infinity" and "-Infinity" as the mapping writes them.
            Written::Text(text) => text.trim().parse().ok(),
        };
        number.ok_or(wrong("a number is not a double"))
    }

    /// An enum: a number, or a name that `number_of` knows; unknown names are its default.
    pub(super) fn enumeration(&mut self, number_of: impl Fn(&str) -> i64) -> Result<i64, Fault> {
        match self.written()? {
            Written::Null => Ok(0),
            Written::Number(Number::Int(int)) => Ok(i64::from(i32::try_from(int).unwrap_or(0))),
            Written::Number(_) => Err(wrong("an enum is not an integer")),
            Written::Text(text) => Ok(text.parse::<i32>().map_or_else(|_| number_of(&text), i64::from)),
        }
    }

    pub(super) fn base64(&mut self) -> Result<Vec<u8>, Fault> {
        let text = self.text()?;
        let engine = if text.contains(['-', '_']) { &BASE64_URL } else { &BASE64 };
        engine.decode(text.as_bytes()).map_err(|_| wrong("bytesValue is not base64"))
    }

    /// A trace or span id in hexadecimal.
    pub(super) fn id<const N: usize>(&mut self) -> Result<Id<N>, Fault> {
        Ok(Id::from_hex(self.text()?.as_bytes()))
    }
}

/// The integer a float is, exactly: some producers write 1.7e18 for a time.
fn whole(double: f64) -> Option<i64> {
    let fits = double.fract() == 0.0 && (-9.2e18..9.2e18).contains(&double);
    fits.then_some(double as i64)
}
