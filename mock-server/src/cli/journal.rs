//! `entra-mock journal`: prints what happened in a running mock, with names for ids.

use std::collections::{HashMap, HashSet};
use std::process::ExitCode;

use clap::Args;
use form_urlencoded::Serializer;
use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::Value;
use uuid::Uuid;

use super::client::ControlArgument;
use super::{Failure, is_read, runtime};
use crate::journal::{ClockMove, Entry, Exchange, FaultChange, StateChange};
use crate::notation::flow;

#[derive(Debug, Args)]
pub(super) struct JournalCommand {
    #[command(flatten)]
    control: ControlArgument,
    /// Keep printing entries as they are written
    #[arg(long, short)]
    follow: bool,
    /// Print JSON lines
    #[arg(long)]
    json: bool,
    /// Only this many of the newest entries
    #[arg(long, visible_alias = "tail", value_name = "NUMBER")]
    last: Option<usize>,
    /// Only after the entry with this number
    #[arg(long, value_name = "NUMBER")]
    since: Option<u64>,
    /// Only this tenant, by id or domain
    #[arg(long)]
    tenant: Option<String>,
    /// Only this client, by client id or alias
    #[arg(long)]
    client: Option<String>,
    /// Only this user, by sign-in name, alias or object id
    #[arg(long)]
    user: Option<String>,
    /// Only this kind of endpoint, such as token or graph
    #[arg(long)]
    surface: Option<String>,
    /// Only this status of the answer, such as 400 or 4xx
    #[arg(long)]
    status: Option<String>,
    /// Only this grant, such as refresh_token
    #[arg(long)]
    grant: Option<String>,
    /// Only this level of Graph: modelled, generic, unsupported or absent
    #[arg(long)]
    level: Option<String>,
}

impl JournalCommand {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        runtime()?.block_on(async {
            let mut names = Names::default();
            let path = format!("/api/v1/journal?{}", self.query(self.since, self.last));
            let entries = self.control.call(Method::GET, &path, None).await?;
            let mut newest = self.since.unwrap_or(0);
            for entry in entries.as_array().into_iter().flatten() {
                newest = entry["number"].as_u64().unwrap_or(newest);
                if !self.show(entry, &mut names).await? {
                    return Ok(ExitCode::SUCCESS);
                }
            }
            if self.follow {
                self.follow_feed(newest, &mut names).await?;
            }
            Ok(ExitCode::SUCCESS)
        })
    }

    fn query(&self, since: Option<u64>, last: Option<usize>) -> String {
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("since", since.map(|it| it.to_string())),
            ("last", last.map(|it| it.to_string())),
            ("tenant", self.tenant.clone()),
            ("client", self.client.clone()),
            ("user", self.user.clone()),
            ("surface", self.surface.clone()),
            ("status", self.status.clone()),
            ("grant", self.grant.clone()),
            ("level", self.level.clone()),
        ] {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        }
        query.finish()
    }

    async fn follow_feed(&self, since: u64, names: &mut Names) -> Result<(), Failure> {
        // From the entry after the last that was printed, so that none is missed.
        let query = self.query(Some(since).filter(|it| *it > 0), None);
        let path = format!("/api/v1/journal/follow?{query}");
        let response = self.control.send(Method::GET, &path, Vec::new()).await?;
        let mut body = response.into_body();
        let mut text = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else {
                continue;
            };
            text.extend_from_slice(&data);
            while let Some(end) = text.windows(2).position(|it| it == b"\n\n") {
                let event: Vec<u8> = text.drain(..end + 2).collect();
                let event = String::from_utf8_lossy(&event);
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                if let Some(entry) = data.and_then(|data| serde_json::from_str(data).ok()) {
                    // Whoever reads by `head` has gone: nothing ends this otherwise.
                    if !self.show(&entry, names).await? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Prints an entry, and says whether it was read.
    async fn show(&self, entry: &Value, names: &mut Names) -> Result<bool, Failure> {
        if self.json {
            return Ok(is_read(&format!("{entry}\n")));
        }
        let Ok(read) = serde_json::from_value::<Entry>(entry.clone()) else {
            return Ok(is_read(&format!("{entry}\n")));
        };
        let line = line(&read, &mut |id| names.known.get(&id).cloned());
        // A tenant that was made meanwhile has names, too.
        if names.learn(&line, &self.control).await? {
            let again = self::line(&read, &mut |id| names.known.get(&id).cloned());
            return Ok(is_read(&format!("{again}\n")));
        }
        Ok(is_read(&format!("{line}\n")))
    }
}

/// Names of tenants, users and apps by their ids.
#[derive(Default)]
struct Names {
    known: HashMap<Uuid, String>,
    /// Those that were asked for in vain: of messages, of what was deleted.
    nameless: HashSet<Uuid>,
}

impl Names {
    /// Asks for names if a text has ids that are new; returns whether it asked.
    async fn learn(&mut self, text: &str, control: &ControlArgument) -> Result<bool, Failure> {
        let mut new = Vec::new();
        let _ = with_names(text, &mut |id| {
            if !self.known.contains_key(&id) && !self.nameless.contains(&id) {
                new.push(id);
            }
            None
        });
        if new.is_empty() {
            return Ok(false);
        }
        let tenants = control.call(Method::GET, "/api/v1/tenants", None).await?;
        self.known.clear();
        for tenant in tenants.as_array().into_iter().flatten() {
            self.add(&tenant["tenant"]["id"], &tenant["tenant"]["domain"]);
            for (_, user) in tenant["users"].as_object().into_iter().flatten() {
                self.add(&user["id"], &user["upn"]);
            }
            for (alias, app) in tenant["apps"].as_object().into_iter().flatten() {
                self.add(&app["client_id"], &Value::from(alias.as_str()));
            }
        }
        if self.nameless.len() > NAMELESS {
            self.nameless.clear();
        }
        let nameless = new.into_iter().filter(|id| !self.known.contains_key(id));
        self.nameless.extend(nameless);
        Ok(true)
    }

    fn add(&mut self, id: &Value, name: &Value) {
        let id = id.as_str().and_then(|it| it.parse().ok());
        if let (Some(id), Some(name)) = (id, name.as_str().filter(|it| !it.is_empty())) {
            self.known.insert(id, name.to_owned());
        }
    }
}

/// An entry in a line, with names for ids as far as they are known.
fn line(entry: &Entry, name: &mut dyn FnMut(Uuid) -> Option<String>) -> String {
    let text = match entry {
        Entry::Exchange(exchange) => exchange.line_with(&who(exchange)),
        Entry::Event(record) => {
            let by_fault = record
                .fault
                .map_or_else(String::new, |it| format!("  [fault {it}]"));
            let event = serde_json::to_value(&record.event).unwrap_or_default();
            let event = flow(&without_nulls(event));
            let event = event.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
            format!(
                "#{:<4} event {} in {}{by_fault}",
                record.number,
                event.unwrap_or_default(),
                record.tenant
            )
        }
        Entry::Fault(record) => {
            let what = match &record.change {
                FaultChange::Cleared {} => "all faults cleared".to_owned(),
                FaultChange::Removed { number } => format!("fault {number} removed"),
                FaultChange::Set { number, fault } => format!("fault {number} set: {fault}"),
            };
            format!("#{:<4} {what} in {}", record.number, record.tenant)
        }
        Entry::State(record) => {
            let what = match record.change {
                StateChange::Imported {} => "a state was imported",
                StateChange::Reset {} => "the world returned to its beginning",
            };
            format!("#{:<4} {what}", record.number)
        }
        Entry::Clock(record) => {
            let what = match &record.change {
                ClockMove::Advance(by) => format!("advanced by {by}"),
                ClockMove::Freeze {} => "frozen".to_owned(),
                ClockMove::Reset {} => "reset".to_owned(),
            };
            format!(
                "#{:<4} clock {what}, now {} in {}",
                record.number, record.tenant_time, record.tenant
            )
        }
    };
    with_names(&text, name)
}

/// Client and user of an exchange.
fn who(exchange: &Exchange) -> String {
    let client = exchange.client.map(|it| it.to_string());
    let user = exchange.user.map(|it| it.to_string());
    match (client, user) {
        (Some(client), Some(user)) => format!("  {client}, {user}"),
        (Some(one), None) | (None, Some(one)) => format!("  {one}"),
        (None, None) => String::new(),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, it)| !it.is_null())
            .map(|(name, it)| (name, without_nulls(it)))
            .collect(),
        other => other,
    }
}

/// A text with names for the ids in it.
fn with_names(text: &str, name: &mut dyn FnMut(Uuid) -> Option<String>) -> String {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(dash) = rest.find('-') {
        let id = dash.checked_sub(8).and_then(|at| {
            let text = rest.get(at..at + 36)?;
            Some((at, Uuid::try_parse(text).ok()?))
        });
        let Some((at, id)) = id else {
            let (before, after) = rest.split_at(dash + 1);
            written.push_str(before);
            rest = after;
            continue;
        };
        written.push_str(&rest[..at]);
        match name(id) {
            Some(name) => written.push_str(&name),
            None => written.push_str(&rest[at..at + 36]),
        }
        rest = &rest[at + 36..];
    }
    written.push_str(rest);
    written
}

/// So many ids without a name are remembered.
const NAMELESS: usize = 10_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_named_and_others_stay() {
        let known: Uuid = "11111111-1111-4111-8111-111111111111".parse().unwrap();
        let mut name = |id| (id == known).then(|| "contoso".to_owned());
        let other = "21111111-1111-4111-8111-111111111111";
        for (text, named) in [
            (
                format!("/{known}/x-y/{other}?-"),
                format!("/contoso/x-y/{other}?-"),
            ),
            (format!("{known}{known}-a"), "contosocontoso-a".to_owned()),
            ("a-b".to_owned(), "a-b".to_owned()),
            (
                "äöü-11111111-1111".to_owned(),
                "äöü-11111111-1111".to_owned(),
            ),
        ] {
            assert_eq!(with_names(&text, &mut name), named);
        }
    }

    #[test]
    fn an_event_is_shown_with_what_was_said() {
        let entry: Entry = serde_json::from_value(json!({
            "kind": "event", "number": 7, "at": "2026-01-15T12:00:00Z",
            "tenant": "11111111-1111-4111-8111-111111111111",
            "tenant_time": "2026-01-15T12:00:00Z",
            "event": {"revoke-sessions": {"user": "alice", "by": "admin"}},
        }))
        .unwrap();
        let line = line(&entry, &mut |_| Some("contoso.onmicrosoft.com".to_owned()));
        assert_eq!(
            line,
            "#7    event revoke-sessions: {user: alice, by: admin} in contoso.onmicrosoft.com"
        );
    }
}
