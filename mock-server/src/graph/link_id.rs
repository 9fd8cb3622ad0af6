//! Ids of grants and assignments: two ids in one, 43 characters of base64url, as the service
//! makes them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// Two ids as one.
pub(super) fn write(first: Uuid, second: Uuid) -> String {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(first.as_bytes());
    bytes[16..].copy_from_slice(second.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ids_are_in_an_id() {
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(u128::MAX));
        let text = write(one, other);
        assert_eq!(text.len(), 43);
        assert_eq!(text, write(one, other));
        assert_ne!(text, write(other, one));
    }
}
