//! Seed files: a world in YAML that people write.
//!
//! What is not said has a sensible value; ids that are not given are derived from names, so a
//! file gives the same world at every start.

mod build;
mod export;
mod file;

use jiff::Timestamp;
use uuid::Uuid;

use build::{Build, Names};
pub use file::{
    SeedApi, SeedApp, SeedConsent, SeedFile, SeedMailbox, SeedPermissions, SeedRedirectUris,
    SeedScope, SeedSecret, SeedTenant, SeedUser,
};

use crate::directory::{ApplicationId, Directory, TenantId};

/// Why a seed file does not make a world.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeedError {
    /// Not YAML, an unknown field, a wrong type. The text has line, column and an excerpt.
    #[error("{0}")]
    Syntax(String),
    /// A version that this program does not know.
    #[error("the seed file has schema {0}, but this version of entra-mock reads schema 1")]
    Version(u32),
    /// A name that the file does not define, or a value that does not fit.
    #[error("{place}: {problem}")]
    Value {
        /// The path in the file, such as `tenants.customer.apps.own-app`.
        place: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

/// What a seed file needs from outside.
#[derive(Clone, Debug)]
pub struct SeedContext {
    /// The moment at which tenants and credentials are made.
    pub now: Timestamp,
    /// The certificate that `generated` means, DER.
    pub client_certificate: Option<Vec<u8>>,
}

impl SeedFile {
    /// Reads a seed file; errors have line, column and an excerpt.
    pub fn parse(text: &str) -> Result<Self, SeedError> {
        let file: Self =
            serde_saphyr::from_str(text).map_err(|error| SeedError::Syntax(error.to_string()))?;
        file.check_version()?;
        Ok(file)
    }

    /// Whether this program reads the version of the file.
    pub fn check_version(&self) -> Result<(), SeedError> {
        if self.schema == 1 {
            Ok(())
        } else {
            Err(SeedError::Version(self.schema))
        }
    }

    /// Makes the directories of all tenants.
    pub fn directories(&self, context: &SeedContext) -> Result<Vec<Directory>, SeedError> {
        let names = Names::of(self);
        self.tenants
            .iter()
            .map(|(alias, tenant)| {
                Build {
                    names: &names,
                    context,
                    alias,
                    seed: tenant,
                }
                .directory()
            })
            .collect()
    }
}

impl SeedTenant {
    /// The tenant id: the one given, or the one derived from the domain.
    pub fn tenant_id(&self) -> TenantId {
        TenantId(
            self.id
                .unwrap_or_else(|| derived(&self.domain, "tenant", "")),
        )
    }

    /// The application id of an app: the one given, or the one derived.
    pub fn client_id(&self, alias: &str) -> Option<ApplicationId> {
        let app = self.apps.get(alias)?;
        Some(ApplicationId(
            app.client_id
                .unwrap_or_else(|| derived(&self.domain, "app", alias)),
        ))
    }
}

/// An id that is always the same for the same names.
fn derived(domain: &str, kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{domain} {kind} {name}").as_bytes())
}

/// The namespace of derived ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a1d_9c5e_70b4_4f0e_9f3c_2b8e_5d41_a7c6);

#[cfg(test)]
pub(crate) mod tests;
