//! The reference pages of the documentation, made from the code: events, faults, seed files. The
//! tests fail where a page is not the one that is checked in.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::directory::{Event, EventParameter, EventReference, ParameterKind};
use crate::environment::Environment;
use crate::fault::Fault;
use crate::graph::coverage;
use crate::world::seed::SeedFile;

/// Where the pages are checked in.
const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/");

/// Where a page is written if it has changed.
const MADE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/");

#[test]
fn the_reference_of_events_is_the_one_that_is_checked_in() {
    check("events.md", &events());
}

#[test]
fn the_reference_of_faults_is_the_one_that_is_checked_in() {
    let schema = schemars::schema_for!(Fault).to_value();
    let mut page = beginning(
        "Reference of faults",
        "A fault is an object of `on` (which exchanges it may touch), `when` (which of those) and \
         `do`, in YAML or JSON: `entra-mock fault add '{on: {surface: graph}, when: {nth: 2}, do: \
         {status: 503}}'`. What each is good for is in [the guide](faults.md); events in `do` are \
         those of [their reference](events.md).",
    );
    // Events have a page of their own.
    write(&mut page, &schema, "Fault", &["Event"]);
    check("fault-reference.md", &page);
}

#[test]
fn the_levels_of_graph_are_those_that_are_checked_in() {
    let mut page = beginning(
        "How much of Graph is there",
        "Every method and path that Microsoft documents for v1.0 of Microsoft Graph has a level. All \
         are guarded by their permissions, and then:\n\n\
         - **modelled**: answered by behaviour of its own, with its source and a test;\n\
         - **generic**: answered from state, types and permissions alone: an empty tenant lists \
         empty, an unknown id is a 404, what was written is read;\n\
         - **unsupported**: refused with 501 and `error.code` `NotInTheMock`; nothing is made up.\n\n\
         What v1.0 does not have in a cloud is **absent**, and refused as the service refuses it. The \
         journal has the level of each exchange (`entra-mock journal --level unsupported`), the \
         dashboard shows it, `entra-mock coverage --path /groups --level unsupported` and `GET \
         /api/v1/coverage` list the requests of a level. A request that is refused before its path is \
         looked up, for its token, has no level.",
    );
    for environment in [
        Environment::Office365,
        Environment::UsGovL4,
        Environment::China,
    ] {
        let _ = write!(
            page,
            "\n## {environment}\n\n| area | modelled | generic | unsupported |\n|---|---:|---:|---:|\n"
        );
        let mut total = [0; 3];
        for area in coverage::areas(environment.cloud(), "/") {
            let counts = [area.modelled, area.generic, area.unsupported];
            for (sum, count) in total.iter_mut().zip(counts) {
                *sum += count;
            }
            let [modelled, generic, unsupported] = counts;
            let name = area.name;
            let _ = writeln!(
                page,
                "| `/{name}` | {modelled} | {generic} | {unsupported} |"
            );
        }
        let [modelled, generic, unsupported] = total;
        let _ = writeln!(page, "| **all** | {modelled} | {generic} | {unsupported} |");
    }
    check("graph-coverage.md", &page);
}

#[test]
fn the_reference_of_seed_files_is_the_one_that_is_checked_in() {
    let schema = schemars::schema_for!(SeedFile).to_value();
    let mut page = beginning(
        "Reference of seed files",
        "A seed file is a world in YAML: `entra-mock serve --seed world.yaml`. A short one:\n\n\
         ```yaml\n\
         schema: 1\n\
         tenants:\n\
         \x20 mine:\n\
         \x20   name: My company\n\
         \x20   environment: office365\n\
         \x20   domain: mine.onmicrosoft.com\n\
         \x20   users:\n\
         \x20     alice: {name: Alice Archer}\n\
         \x20   apps:\n\
         \x20     my-app:\n\
         \x20       name: My app\n\
         \x20       client_id: 11111111-1111-4111-8111-111111111111\n\
         \x20       secrets: [{value: my-secret}]\n\
         \x20       redirect_uris: {web: [http://localhost/callback]}\n\
         \x20       permissions: {delegated: [Mail.Read, offline_access]}\n\
         \x20       consent: {tenant: [Mail.Read, offline_access]}\n\
         ```\n\n\
         What is not said has a sensible value; ids, passwords and secrets that are not given are \
         made from the names, so that a file gives the same world at every start. `entra-mock state \
         export --yaml` prints the file of a running mock. A name that does not exist is refused \
         with the nearest right one.",
    );
    write(&mut page, &schema, "SeedFile", &[]);
    check("seed-reference.md", &page);
}

fn check(name: &str, page: &str) {
    for link in page.split("](#").skip(1) {
        let anchor = link.split(')').next().unwrap();
        let heading = |line: &str| {
            let title = line.strip_prefix("## ");
            title.is_some_and(|it| it.to_lowercase().replace(' ', "-") == anchor)
        };
        assert!(page.lines().any(heading), "{name}: nothing is at #{anchor}");
    }
    let kept = fs::read_to_string(format!("{CHECKED_IN}{name}")).unwrap_or_default();
    if kept != page {
        fs::write(format!("{MADE}{name}"), page).unwrap();
        panic!("{name} has changed: look at {MADE}{name} and copy it to {CHECKED_IN}{name}");
    }
}

fn beginning(title: &str, introduction: &str) -> String {
    format!(
        "# {title}\n\n<!-- Made from the code: `cargo test references` says how to renew it. -->\n\n\
         {introduction}\n"
    )
}

fn events() -> String {
    let mut page = beginning(
        "Reference of events",
        "An event is something that happens in a tenant. It is the same from everywhere:\n\n\
         ```console\n\
         $ entra-mock event revoke-sessions --user alice\n\
         all sessions and refresh tokens of alice@contoso.onmicrosoft.com ended\n\
         alice@contoso.onmicrosoft.com: 1 connection now AADSTS50173 (own-app)\n\
         ```\n\n\
         `POST /api/v1/events` takes `{\"revoke-sessions\": {\"user\": \"alice\"}}`, a scenario the \
         step `event: {revoke-sessions: {user: alice}}`, a fault `do: {event: …}`, and a Rust test \
         `tenant.event(&Event::RevokeSessions { … })`. The answer says what the event did, and to \
         whom; where nothing changed it says why. Names that do not exist are refused with the \
         nearest right one. `entra-mock event NAME --help` prints what is here.",
    );
    let mut themes: Vec<&str> = Vec::new();
    for row in include_str!("../data/events.csv").lines().skip(1) {
        let theme = row.split(',').nth(1).unwrap();
        if !themes.contains(&theme) {
            themes.push(theme);
        }
    }
    for theme in themes {
        writeln!(page, "\n## {theme}").unwrap();
        for event in Event::reference().iter().filter(|it| it.theme == theme) {
            one_event(&mut page, event);
        }
    }
    page
}

fn one_event(page: &mut String, event: &EventReference) {
    writeln!(page, "\n### {}\n\n{}\n", event.name, event.summary).unwrap();
    writeln!(page, "- **Hits**: {}", event.hits).unwrap();
    if !event.spares.is_empty() {
        writeln!(page, "- **Leaves alone**: {}", event.spares).unwrap();
    }
    if !event.codes.is_empty() {
        let codes: Vec<String> = event.codes.iter().map(|it| format!("AADSTS{it}")).collect();
        writeln!(page, "- **Codes that may follow**: {}", codes.join(", ")).unwrap();
    }
    writeln!(page, "- **Example**: `{}`", event.example()).unwrap();
    writeln!(page, "- **Source**: {}", event.source).unwrap();
    if !event.parameters.is_empty() {
        writeln!(page, "\n| parameter | | |\n|---|---|---|").unwrap();
        for it in &event.parameters {
            let needed = if it.required { ", required" } else { "" };
            writeln!(
                page,
                "| `{}` | {}{needed} | {} |",
                it.name,
                kind(it),
                it.meaning
            )
            .unwrap();
        }
    }
}

fn kind(parameter: &EventParameter) -> String {
    match &parameter.kind {
        ParameterKind::Flag => "true or false".to_owned(),
        ParameterKind::List => "list".to_owned(),
        ParameterKind::Number => "number".to_owned(),
        ParameterKind::Text => "text".to_owned(),
        ParameterKind::Word(words) => format!("`{}`", words.join("`, `")),
    }
}

/// Writes a type of a schema, and those that it refers to, each once.
fn write(page: &mut String, schema: &Value, name: &str, apart: &[&str]) {
    let mut written: BTreeSet<String> = apart.iter().map(|it| (*it).to_owned()).collect();
    let mut waiting = vec![name.to_owned()];
    while !waiting.is_empty() {
        let name = waiting.remove(0);
        if !written.insert(name.clone()) {
            continue;
        }
        let definition = match &schema["$defs"][&name] {
            Value::Null => schema,
            found => found,
        };
        // An alias of a text or a number says all in its place.
        if definition["properties"].is_null()
            && definition["oneOf"].is_null()
            && definition["enum"].is_null()
        {
            continue;
        }
        writeln!(page, "\n## {}\n\n{}\n", spaced(&name), text(definition)).unwrap();
        if let Some(fields) = definition["properties"].as_object() {
            writeln!(page, "| key | | |\n|---|---|---|").unwrap();
            let required = definition["required"].as_array();
            for (key, field) in fields {
                let needed = required.is_some_and(|all| all.iter().any(|it| it == key));
                let needed = if needed { ", required" } else { "" };
                let what = kind_of(field, &mut waiting);
                writeln!(page, "| `{key}` | {what}{needed} | {} |", text(field)).unwrap();
            }
        } else {
            writeln!(page, "| value | |\n|---|---|").unwrap();
            variants(page, definition, &mut waiting);
        }
    }
}

fn variants(page: &mut String, definition: &Value, waiting: &mut Vec<String>) {
    let listed = definition["enum"].as_array().into_iter().flatten();
    for word in listed.filter_map(Value::as_str) {
        writeln!(page, "| `{word}` | |").unwrap();
    }
    for variant in definition["oneOf"].as_array().into_iter().flatten() {
        let said = text(variant);
        if let Some(word) = variant["const"].as_str() {
            writeln!(page, "| `{word}` | {said} |").unwrap();
            continue;
        }
        for word in variant["enum"].as_array().into_iter().flatten() {
            writeln!(page, "| `{}` | {said} |", word.as_str().unwrap()).unwrap();
        }
        for (key, field) in variant["properties"].as_object().into_iter().flatten() {
            let mut what = kind_of(field, waiting);
            if let Some(fields) = field["properties"].as_object() {
                let inner: Vec<String> = fields
                    .iter()
                    .map(|(key, field)| {
                        format!("`{key}` ({}): {}", kind_of(field, waiting), text(field))
                    })
                    .collect();
                what = format!("map of {}", inner.join("; "));
            }
            writeln!(page, "| `{key}: …` | {said} Takes {what} |").unwrap();
        }
    }
}

/// What a field takes, in a word or two; types of its own wait to be written.
fn kind_of(field: &Value, waiting: &mut Vec<String>) -> String {
    if let Some(path) = field["$ref"].as_str() {
        let name = path.rsplit('/').next().unwrap();
        let plain = match name {
            "Uuid" | "ObjectId" | "ApplicationId" | "TenantId" => Some("UUID"),
            "Span" => Some("amount of time"),
            "Event" => Some("[event](events.md)"),
            "Redirection" => Some("an address, or a map of `to` and `status`"),
            "RetryAfter" => Some("a number of seconds or an HTTP date"),
            name if name.starts_with("ManyOf") => Some("one or a list"),
            _ => None,
        };
        if let Some(plain) = plain {
            if let Some(of) = name.strip_prefix("ManyOf") {
                if of == "string" {
                    return format!("{plain} of texts");
                }
                waiting.push(of.to_owned());
                return format!("{plain} of [{}](#{})", spaced(of), anchor(of));
            }
            return plain.to_owned();
        }
        waiting.push(name.to_owned());
        return format!("[{}](#{})", spaced(name), anchor(name));
    }
    for part in ["anyOf", "oneOf"] {
        let all = field[part].as_array().into_iter().flatten();
        let kinds: Vec<String> = all
            .filter(|it| it["type"] != "null")
            .map(|it| kind_of(it, waiting))
            .filter(|it| !it.is_empty())
            .collect();
        if !kinds.is_empty() {
            return kinds.join(" or ");
        }
    }
    let is = |kind: &str| {
        let stated = &field["type"];
        stated == kind
            || stated
                .as_array()
                .is_some_and(|all| all.iter().any(|it| it == kind))
    };
    if is("array") {
        return format!("list of {}", kind_of(&field["items"], waiting));
    }
    if is("object") {
        return match &field["additionalProperties"] {
            Value::Object(_) => {
                format!(
                    "map of names to {}",
                    kind_of(&field["additionalProperties"], waiting)
                )
            }
            _ => "map".to_owned(),
        };
    }
    if field["format"] == "uuid" {
        "UUID"
    } else if is("integer") || is("number") {
        "number"
    } else if is("boolean") {
        "true or false"
    } else {
        "text"
    }
    .to_owned()
}

/// A description on one line, as it may be in a table.
fn text(value: &Value) -> String {
    let text = value["description"].as_str().unwrap_or_default();
    let first = text.split("\n\nSource:").next().unwrap_or_default();
    first.replace('\n', " ").replace('|', "\\|")
}

/// `SeedRedirectUris` as `Redirect uris`.
fn spaced(name: &str) -> String {
    let name = match name.strip_prefix("Seed") {
        Some(rest) if rest != "File" => rest,
        _ => name,
    };
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        if text.is_empty() {
            text.push(letter);
        } else {
            text.extend(letter.to_lowercase());
        }
    }
    text
}

fn anchor(name: &str) -> String {
    spaced(name).to_lowercase().replace(' ', "-")
}
