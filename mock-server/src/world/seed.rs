//! Seed files: a world in YAML that people write.
//!
//! What is not said has a sensible value; ids that are not given are derived from names, so a
//! file gives the same world at every start.

mod build;
mod export;
mod file;
mod graph;

use jiff::Timestamp;
use uuid::Uuid;

use build::{Build, Names};
pub use file::{
    SeedApi, SeedApp, SeedConsent, SeedFile, SeedMailbox, SeedPermissions, SeedRedirectUris,
    SeedScope, SeedSecret, SeedTenant, SeedUser,
};

use crate::directory::{ApplicationId, Directory, TenantId};
use crate::notation::read;
use crate::store::Documents;

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
        Self::read("seed file", text)
    }

    /// Reads a seed file; `name` is for messages, which have line, column, an excerpt, and what the
    /// key takes.
    pub fn read(name: &str, text: &str) -> Result<Self, SeedError> {
        let file: Self = read(name, text).map_err(|error| {
            let error = error.or_help(|error| example(text, error.line));
            SeedError::Syntax(error.render().trim_end().to_owned())
        })?;
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

impl SeedFile {
    /// Makes what stands at the tenants' paths of Graph, in the order of [`SeedFile::directories`].
    pub(crate) fn documents(
        &self,
        directories: &[Directory],
        context: &SeedContext,
    ) -> Result<Vec<Documents>, SeedError> {
        let created = context
            .now
            .saturating_sub(jiff::SignedDuration::from_hours(24))
            .unwrap_or(context.now);
        self.tenants
            .iter()
            .zip(directories)
            .map(|((alias, tenant), directory)| {
                graph::plant(&tenant.graph, directory, created).map_err(|(place, problem)| {
                    SeedError::Value {
                        place: format!("tenants.{alias}.graph.{place}"),
                        problem,
                    }
                })
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

/// How the key is written that a line belongs to: the nearest one above for which there is an
/// example.
fn example(text: &str, line: usize) -> Option<String> {
    let above: Vec<&str> = text.lines().take(line).collect();
    let keys = above.iter().rev().flat_map(|line| {
        let parts = line.split(['{', ',', '-', ' ']);
        let keys = parts.filter_map(|it| {
            it.trim()
                .strip_suffix(':')
                .or_else(|| it.split_once(':').map(|it| it.0))
        });
        let keys: Vec<&str> = keys.collect();
        keys.into_iter().rev()
    });
    let mut examples = keys.filter_map(|key| EXAMPLES.iter().find(|it| it.0 == key));
    examples
        .next()
        .map(|(key, example)| format!("such as `{key}: {example}`"))
}

/// How keys of a seed file are written whose form is not that of a plain value.
const EXAMPLES: [(&str, &str); 19] = [
    (
        "api",
        "{uris: ['api://{client_id}'], scopes: [{value: access_as_user}]}",
    ),
    ("apis", "{my-api: [access_as_user]}"),
    ("application", "[Mail.Read]"),
    ("apps", "{my-app: {name: My app}}"),
    ("certificates", "[generated]"),
    ("consent", "{tenant: [Mail.Read]}"),
    ("delegated", "[Mail.Read, offline_access]"),
    ("delegates", "{alice: [full-access]}"),
    (
        "graph",
        "{/groups: [{displayName: Sales, members: [alice]}]}",
    ),
    ("installed", "{vendor-app: {tenant: [Mail.Read]}}"),
    ("permissions", "{delegated: [Mail.Read]}"),
    ("policies", "{user_consent: none}"),
    ("redirect_uris", "{web: ['http://localhost/callback']}"),
    ("roles", "[global-administrator]"),
    ("secrets", "[{value: my-secret}]"),
    ("switches", "{strict-rotation: true}"),
    ("tenant", "[Mail.Read]"),
    (
        "tenants",
        "{mine: {name: Mine, environment: office365, domain: mine.onmicrosoft.com}}",
    ),
    ("users", "{alice: {name: Alice Archer}}"),
];

/// An id that is always the same for the same names.
fn derived(domain: &str, kind: &str, name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{domain} {kind} {name}").as_bytes())
}

/// The namespace of derived ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a1d_9c5e_70b4_4f0e_9f3c_2b8e_5d41_a7c6);

#[cfg(test)]
pub(crate) mod tests;
