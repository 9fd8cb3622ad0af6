//! The root certificate: for whom it may sign, and whether an older one still does.
//!
//! What is permitted is a list of host names with all names below them, and loopback. Of e-mail
//! addresses and URIs only those of a domain that nobody can have are permitted, so that none is.
//! Names of directories (subjects) can't be constrained: Go refuses a root with a constraint that
//! it does not know, and rustls refuses every certificate below one.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use yasna::Tag;

use crate::environment::Site;

/// What a root certificate permits.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Scope {
    /// Host names; those below them are permitted, too.
    pub(super) names: BTreeSet<String>,
    /// Whether addresses, e-mail addresses and URIs are constrained as we do it.
    constrains_the_rest: bool,
    /// Whether it is for TLS servers only.
    for_servers: bool,
}

impl Scope {
    /// What is to be permitted: the hosts that the mock serves, and further names.
    pub(super) fn wanted(further: impl IntoIterator<Item = String>) -> Self {
        let served = Site::all_hosts().chain([LOCALHOST]).map(str::to_owned);
        Self {
            names: served.chain(further).collect(),
            constrains_the_rest: true,
            for_servers: true,
        }
    }

    /// What a certificate permits.
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut found = Self::default();
        if let Ok(Some(usage)) = certificate.extended_key_usage() {
            let usage = usage.value;
            found.for_servers = usage.server_auth
                && !usage.any
                && !usage.client_auth
                && !usage.code_signing
                && !usage.email_protection;
        }
        let Ok(Some(constraints)) = certificate.name_constraints() else {
            return found;
        };
        let permitted = constraints.value.permitted_subtrees.iter().flatten();
        let (mut addresses, mut mail, mut uris) = (0, Vec::new(), Vec::new());
        for subtree in permitted {
            match &subtree.base {
                GeneralName::DNSName(name) => {
                    found.names.insert((*name).to_owned());
                }
                GeneralName::IPAddress(_) => addresses += 1,
                GeneralName::RFC822Name(name) => mail.push(*name),
                GeneralName::URI(name) => uris.push(*name),
                _ => {}
            }
        }
        found.constrains_the_rest =
            constraints.critical && addresses > 0 && mail == [NOBODYS] && uris == [NOBODYS];
        found
    }

    /// What it does not permit, or permits too much of, where another is wanted.
    pub(super) fn lacks(&self, wanted: &Self) -> Option<String> {
        let missing: Vec<&str> = wanted
            .names
            .difference(&self.names)
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            Some(format!("it does not permit {}", missing.join(", ")))
        } else if (wanted.constrains_the_rest && !self.constrains_the_rest)
            || (wanted.for_servers && !self.for_servers)
        {
            Some("it permits more than certificates of TLS servers with these names".to_owned())
        } else {
            None
        }
    }

    /// The extension that says so. Source: RFC 5280, section 4.2.1.10.
    fn name_constraints(&self) -> CustomExtension {
        const IS_CA_CONSTRAINTS: &[u64] = &[2, 5, 29, 30];
        let v4 = [Ipv4Addr::new(127, 0, 0, 0), Ipv4Addr::new(255, 0, 0, 0)];
        let v6 = [Ipv6Addr::LOCALHOST, Ipv6Addr::from([0xff; 16])];
        let v4 = v4.iter().flat_map(Ipv4Addr::octets).collect::<Vec<u8>>();
        let v6 = v6.iter().flat_map(Ipv6Addr::octets).collect::<Vec<u8>>();
        let names = self.names.iter().map(|it| (DNS_NAME, it.as_bytes()));
        let others: [(u64, &[u8]); 4] = [
            (RFC822_NAME, NOBODYS.as_bytes()),
            (URI, NOBODYS.as_bytes()),
            (IP_ADDRESS, &v4),
            (IP_ADDRESS, &v6),
        ];
        let der = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                let permitted = Tag::context(0);
                writer.next().write_tagged_implicit(permitted, |writer| {
                    writer.write_sequence(|writer| {
                        for (kind, value) in names.chain(others) {
                            writer.next().write_sequence(|writer| {
                                let tag = Tag::context(kind);
                                let write =
                                    |writer: yasna::DERWriter<'_>| writer.write_bytes(value);
                                writer.next().write_tagged_implicit(tag, write);
                            });
                        }
                    });
                });
            });
        });
        let mut extension = CustomExtension::from_oid_content(IS_CA_CONSTRAINTS, der);
        extension.set_criticality(true);
        extension
    }
}

/// A new root: certificate and key in one text.
pub(super) fn make(scope: &Scope, now: Timestamp) -> String {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "entra-mock local test authority");
    params
        .distinguished_name
        .push(DnType::OrganizationName, "entra-mock");
    set_validity(&mut params, now, -1, LIFE);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.custom_extensions = vec![scope.name_constraints()];
    // Both steps fail only where the process can't get memory or randomness.
    let key = KeyPair::generate().expect("a P-256 key can be made");
    let certificate = params.self_signed(&key).expect("a key made here can sign");
    format!("{}{}", certificate.pem(), key.serialize_pem())
}

/// Certificate and key of a root's text.
pub(super) fn parts(text: String) -> (String, String) {
    match text.find(PRIVATE_KEY) {
        Some(at) => (text[..at].to_owned(), text[at..].to_owned()),
        None => (text, String::new()),
    }
}

/// Sets the validity to midnights so many days from a moment.
pub(in crate::server) fn set_validity(
    params: &mut CertificateParams,
    now: Timestamp,
    from: i64,
    until: i64,
) {
    let day = |days: i64| {
        let moment = now
            .saturating_add(SignedDuration::from_hours(24 * days))
            .unwrap_or(now);
        let date = jiff::tz::Offset::UTC.to_datetime(moment).date();
        let month = u8::try_from(date.month()).unwrap_or(1);
        let day = u8::try_from(date.day()).unwrap_or(1);
        rcgen::date_time_ymd(i32::from(date.year()), month, day)
    };
    params.not_before = day(from);
    params.not_after = day(until);
}

pub(super) const LOCALHOST: &str = "localhost";

/// A domain that nobody has. Source: RFC 2606, section 2.
const NOBODYS: &str = "entra-mock.invalid";

/// How many days a root lives, and how long before its end it is replaced.
const LIFE: i64 = 730;
pub(super) const RENEWED: i64 = 30;

/// The longest life of a certificate below it, in days.
pub(super) const LEAF_LIFE: i64 = 390;

/// With what the key begins in a root's text.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY";

/// The kinds of names. Source: RFC 5280, section 4.2.1.6.
const RFC822_NAME: u64 = 1;
const DNS_NAME: u64 = 2;
const URI: u64 = 6;
const IP_ADDRESS: u64 = 7;
