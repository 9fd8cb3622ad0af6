//! Tokens: signing keys, sealing, minting, verifying, and whether one is still good.

mod access;
mod defect;
mod id;
pub(crate) mod jws;
mod keys;
mod redeemed;
mod refresh;
mod seal;
mod seen;
pub mod validity;
mod verified;

pub use access::{
    AccessClaims, AccessTokenSpec, Audience, GuestHome, Lifetime, Subject, TokenFormat, UserFacts,
    VerifyError, mint_access_token, verify_access_token, verify_signature,
};
pub(crate) use access::{pairwise_subject, verify};
pub(crate) use defect::TokenDefect;
pub use id::{IdTokenSpec, mint_id_token};
pub use keys::{KeyRing, KeyRings, PublicKey, SigningKey, StoredKey};
pub use redeemed::{RedeemedCode, RedeemedCodes};
pub use refresh::{AuthenticationMethod, AuthorizationCode, ClientClass, RefreshToken, SignIn};
pub(crate) use seal::SEALED_PREFIX;
pub use seal::{SealError, Sealer};
pub use seen::SeenTokens;
