//! Newtypes for the identifiers of a directory.
//!
//! Mixing up the application id and the object id of an app is the classic bug of this domain;
//! here it does not compile.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// Takes the hyphenated form only, in any case, as the service does.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    // The parser's own error for this length, whatever the text holds.
                    return Uuid::try_parse("").map(Self);
                }
                Uuid::try_parse(text).map(Self)
            }
        }
    };
}

identifier! {
    /// The id of a tenant (directory).
    TenantId
}

identifier! {
    /// The id of an app registration: `client_id` on the wire, `appId` in Graph. The service
    /// principals of an app in all tenants share it.
    ApplicationId
}

identifier! {
    /// The id of one object in one directory: a user, a group, an app registration or a service
    /// principal. `oid` in tokens, `id` in Graph.
    ObjectId
}

/// A user principal name, compared without regard to case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserPrincipalName(String);

impl UserPrincipalName {
    /// Takes a name as written.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the last `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The part before the last `@`.
    pub fn local_part(&self) -> &str {
        self.0
            .rsplit_once('@')
            .map_or(self.0.as_str(), |(local, _)| local)
    }

    /// The sign-in name at home of a guest: `bob@fabrikam.com` of
    /// `bob_fabrikam.com#EXT#@contoso.onmicrosoft.com`.
    ///
    /// Source: learn.microsoft.com/entra/external-id/user-properties.
    pub fn at_home(&self) -> String {
        let local = self.local_part();
        let mangled = local.strip_suffix("#EXT#").unwrap_or(local);
        mangled.rsplit_once('_').map_or_else(
            || self.to_string(),
            |(local, domain)| format!("{local}@{domain}"),
        )
    }
}

impl PartialEq for UserPrincipalName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for UserPrincipalName {}

impl fmt::Display for UserPrincipalName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let text = "9188040d-6c67-4c5b-b112-36a304b66dad";
        assert_eq!(text.parse::<TenantId>().unwrap().to_string(), text);
        assert!(text.to_uppercase().parse::<TenantId>().is_ok());
        for wrong in [
            text.replace('-', ""),
            format!("{{{text}}}"),
            "contoso".into(),
        ] {
            assert!(wrong.parse::<TenantId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn principal_names_ignore_case() {
        let name = UserPrincipalName::new("Alice@Contoso.com");
        assert_eq!(name, UserPrincipalName::new("alice@contoso.COM"));
        assert_eq!((name.local_part(), name.domain()), ("Alice", "Contoso.com"));
    }

    #[test]
    fn a_guest_has_another_name_at_home() {
        let guest = UserPrincipalName::new("ann_lee_fabrikam.com#EXT#@contoso.onmicrosoft.com");
        assert_eq!(guest.at_home(), "ann_lee@fabrikam.com");
        let member = UserPrincipalName::new("bob@contoso.com");
        assert_eq!(member.at_home(), "bob@contoso.com");
    }
}
