//! The ids of drives and their items, in their shapes.
//!
//! Source: recordings of pnp/pnpcore and NangoHQ/integration-templates, whose ids decode to the
//! GUIDs of site collection, web, list and item. Unverified: what the four bytes before an item's
//! GUID are; they are the same for all libraries of a site collection.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// The item GUID of every root.
pub(crate) const ROOT: Uuid = Uuid::from_u128(0xea8c_c6be_ffdb_43d7_976f_bc7d_a445_c639);

/// The id of a drive.
pub(crate) fn of_drive(collection: Uuid, web: Uuid, list: Uuid) -> String {
    let mut bytes = Vec::with_capacity(48);
    for part in [collection, web, list] {
        bytes.extend_from_slice(&part.to_bytes_le());
    }
    format!("b!{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a text has the shape of a drive's id.
pub(crate) fn is_of_drive(text: &str) -> bool {
    let bytes = text
        .strip_prefix("b!")
        .and_then(|it| URL_SAFE_NO_PAD.decode(it).ok());
    bytes.is_some_and(|it| it.len() == 48)
}

/// The id of an item.
pub(crate) fn of_item(prefix: [u8; 4], item: Uuid) -> String {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&prefix);
    bytes[4..].copy_from_slice(&item.to_bytes_le());
    let mut text = "01".to_owned();
    for five in bytes.chunks(5) {
        let number = five.iter().fold(0_u64, |sum, it| sum << 8 | u64::from(*it));
        for at in (0..8).rev() {
            let digit = usize::try_from(number >> (at * 5) & 31).unwrap_or_default();
            text.push(char::from(DIGITS[digit]));
        }
    }
    text
}

/// The prefix and the GUID of an item's id, in any case.
pub(crate) fn parse_item(text: &str) -> Option<([u8; 4], Uuid)> {
    let digits = text.strip_prefix("01").filter(|it| it.len() == 32)?;
    let mut bytes = Vec::with_capacity(20);
    for eight in digits.as_bytes().chunks(8) {
        let mut number = 0_u64;
        for letter in eight {
            let digit = DIGITS
                .iter()
                .position(|it| it.eq_ignore_ascii_case(letter))?;
            number = number << 5 | digit as u64;
        }
        bytes.extend_from_slice(&number.to_be_bytes()[3..]);
    }
    let prefix = bytes[..4].try_into().ok()?;
    let item = Uuid::from_bytes_le(bytes[4..].try_into().ok()?);
    Some((prefix, item))
}

/// Base 32 of RFC 4648.
const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn roots_end_alike() {
        let id = of_item([0x6c, 0x1f, 0x39, 0xd2], ROOT);
        assert_eq!(id, "01NQPTTUV6Y2GOVW7725BZO354PWSELRRZ");
        assert_eq!(parse_item(&id), Some(([0x6c, 0x1f, 0x39, 0xd2], ROOT)));
    }

    #[test]
    fn the_id_of_a_drive_has_66_letters() {
        let id = of_drive(ROOT, ROOT, ROOT);
        assert_eq!(id.len(), 66);
        assert!(is_of_drive(&id));
        assert!(!is_of_drive("b!short"));
    }

    proptest! {
        #[test]
        fn ids_are_read_as_they_are_written(prefix: [u8; 4], item: u128) {
            let item = Uuid::from_u128(item);
            prop_assert_eq!(parse_item(&of_item(prefix, item)), Some((prefix, item)));
        }

        #[test]
        fn any_text_is_no_harm(text: String) {
            parse_item(&text);
            is_of_drive(&text);
        }
    }
}
