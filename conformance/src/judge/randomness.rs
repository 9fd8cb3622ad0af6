//! How much of several values can be random at most: what is the same in all of them is not, and
//! digits that change have room for little.
//!
//! A counter, a clock and an address are seen so, also behind base64. A hash of them is not: from
//! outside it looks like a random number.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The bits for which there is room in what changes between these values: an upper bound.
pub(super) fn room(values: &[String]) -> f64 {
    let plain: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
    let mut room = changing(&plain);
    for alphabet in [&STANDARD, &URL_SAFE] {
        if let Some(decoded) = decode(values, alphabet) {
            let decoded: Vec<&[u8]> = decoded.iter().map(Vec::as_slice).collect();
            room = room.min(changing(&decoded));
        }
    }
    room
}

/// The values behind base64, where all of them may be that.
fn decode(values: &[String], alphabet: &Alphabet) -> Option<Vec<Vec<u8>>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(alphabet, config);
    let decoded = values.iter().map(|it| engine.decode(it).ok());
    decoded.collect()
}

fn changing(values: &[&[u8]]) -> f64 {
    let length = values.iter().map(|it| it.len()).max().unwrap_or_default();
    let mut places: u32 = 0;
    let mut letters: Vec<u8> = Vec::new();
    for place in 0..length {
        let here: Vec<Option<&u8>> = values.iter().map(|it| it.get(place)).collect();
        if here.windows(2).any(|pair| pair[0] != pair[1]) {
            places += 1;
            letters.extend(here.into_iter().flatten());
        }
    }
    let all = |test: fn(&u8) -> bool| letters.iter().all(test);
    let choices: f64 = if all(u8::is_ascii_digit) {
        10.0
    } else if all(u8::is_ascii_hexdigit) {
        16.0
    } else if all(|it| it.is_ascii_alphanumeric() || b"-_+/=.~".contains(it)) {
        64.0
    } else if all(u8::is_ascii_graphic) {
        95.0
    } else {
        256.0
    };
    f64::from(places) * choices.log2()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD as PLAIN, URL_SAFE_NO_PAD};

    use super::*;

    /// Six values, as a case has them, made of random bytes and of their number.
    fn six(make: impl Fn(&[u8; 16], u64) -> String) -> Vec<String> {
        let value = |number| {
            let mut bytes = [0; 16];
            aws_lc_rs::rand::fill(&mut bytes).unwrap();
            make(&bytes, number)
        };
        (0..6).map(value).collect()
    }

    /// Nanoseconds at sign-ins that follow one another by some milliseconds.
    fn time(number: u64) -> u64 {
        1_764_563_456_123_456_789 + number * 13_579_246
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|it| format!("{it:02x}")).collect()
    }

    #[test]
    fn random_values_have_room_for_their_bits() {
        let letters = six(|bytes, _| URL_SAFE_NO_PAD.encode(bytes));
        assert!(room(&letters) >= 126.0, "{}", room(&letters));
        let padded = six(|bytes, _| PLAIN.encode(bytes));
        assert!(room(&padded) >= 126.0, "{}", room(&padded));
        let digits = six(|bytes, _| hex(bytes));
        assert!(room(&digits) >= 126.0, "{}", room(&digits));
        let shortest = six(|bytes, _| URL_SAFE_NO_PAD.encode(&bytes[..8]));
        assert!(room(&shortest) >= 63.5, "{}", room(&shortest));
        let beside_the_time =
            six(|bytes, number| format!("{:012x}{}", time(number), hex(&bytes[..10])));
        assert!(room(&beside_the_time) >= 78.0);
        let in_an_object = six(|bytes, _| {
            URL_SAFE_NO_PAD.encode(format!(
                "{{\"connection\":\"c\",\"csrf\":\"{}\"}}",
                hex(bytes)
            ))
        });
        assert!(room(&in_an_object) >= 126.0);
    }

    #[test]
    fn clocks_counters_and_addresses_have_little() {
        let padded = six(|_, number| format!("{:032x}", time(number)));
        let written = six(|_, number| format!("oauth-state-of-our-connector-{}", time(number)));
        let encoded = six(|_, number| PLAIN.encode(format!("t={}", time(number))));
        let counted = six(|_, number| format!("5f2b1c9e-aaaa-4bbb-8ccc-{:012}", number + 7));
        // UUID version 1: the time in units of 100 ns, a sequence and the address of a card.
        let version_1 = six(|_, number| {
            let low = (time(number) / 100) & 0xffff_ffff;
            format!("{low:08x}-cdf0-11f0-9a3c-0242ac120002")
        });
        let missing = vec![String::new(); 6];
        for values in [padded, written, encoded, counted, version_1, missing] {
            assert!(room(&values) < 63.0, "{}: {values:?}", room(&values));
        }
    }
}
