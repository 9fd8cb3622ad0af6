//! Secrets and certificates of registrations.
//!
//! Sources: learn.microsoft.com/graph/api/application-addpassword, -removepassword, -addkey,
//! -removekey; the proof: learn.microsoft.com/graph/application-rollkey-prooftoken.

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::call::{Action, Call, Reply};
use super::super::error::GraphError;
use super::{documents, invalid, writable, write};
use crate::directory::{Application, KeyCredential, PasswordCredential};
use crate::token::jws::{Jwt, RsaKey};

/// `POST …/addPassword`.
pub(in crate::graph) fn add_password(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = writable(call)?;
    let mut action = call.action()?;
    // Parameters that the action does not have are passed over: `{"displayName": "x"}` by itself
    // gives a secret without a name. Unverified: that this
    // holds for this action alone.
    let mut asked = match action.take("passwordCredential") {
        None => Action(Map::new()),
        Some(Value::Object(map)) => Action(map),
        Some(_) => return Err(invalid("passwordCredential")),
    };
    let name = asked.text("displayName")?;
    let start = moment(&mut asked, "startDateTime")?.unwrap_or(call.now);
    // Two years without an end.
    // Source: learn.microsoft.com/graph/api/application-addpassword.
    let two_years = SignedDuration::from_hours(24 * 730);
    let end = moment(&mut asked, "endDateTime")?
        .or_else(|| start.checked_add(two_years).ok())
        .unwrap_or(Timestamp::MAX);
    asked.finish("addPassword")?;
    if end <= start {
        return Err(invalid("endDateTime"));
    }
    let credential = PasswordCredential {
        key_id: call.world.random.uuid(),
        display_name: name,
        secret: secret(call),
        start,
        end,
    };
    let shown = documents::password(&credential, true);
    write(call, app.app_id, |app| {
        app.secrets.push(credential);
        Ok(())
    })?;
    Ok(answer(call, "passwordCredential", shown))
}

/// `POST …/removePassword`.
pub(in crate::graph) fn remove_password(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = writable(call)?;
    let mut action = call.action()?;
    let wanted = key_id(&mut action)?;
    action.finish("removePassword")?;
    write(call, app.app_id, |app| {
        let at = app.secrets.iter().position(|it| it.key_id == wanted);
        // Unverified: the text.
        let at = at.ok_or_else(|| {
            GraphError::directory_request(format!(
                "No password credential found with keyId '{wanted}'."
            ))
        })?;
        app.secrets.remove(at);
        Ok(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `POST …/addKey`.
pub(in crate::graph) fn add_key(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = writable(call)?;
    let mut action = call.action()?;
    let Some(Value::Object(key)) = action.take("keyCredential") else {
        return Err(invalid("keyCredential"));
    };
    action.take("passwordCredential");
    let proof = proof_of(&mut action)?;
    action.finish("addKey")?;
    let key = Value::Object(key);
    let credential = key_credential(call, &key)?;
    let shown = documents::key(&credential, false);
    write(call, app.app_id, |app| {
        check_proof(app, &proof, call.now)?;
        app.certificates.push(credential);
        Ok(())
    })?;
    Ok(answer(call, "keyCredential", shown))
}

/// `POST …/removeKey`.
pub(in crate::graph) fn remove_key(call: &Call<'_>) -> Result<Reply, GraphError> {
    let app = writable(call)?;
    let mut action = call.action()?;
    let wanted = key_id(&mut action)?;
    let proof = proof_of(&mut action)?;
    action.finish("removeKey")?;
    write(call, app.app_id, |app| {
        check_proof(app, &proof, call.now)?;
        let at = app.certificates.iter().position(|it| it.key_id == wanted);
        // Unverified: the text.
        let at = at.ok_or_else(|| {
            GraphError::directory_request(format!("No key credential found with keyId '{wanted}'."))
        })?;
        app.certificates.remove(at);
        Ok(())
    })?;
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// `keyCredentials` of a body: all that the app has afterwards. An entry without `key` keeps the
/// certificate with its `keyId`.
pub(super) fn replace_keys(
    call: &Call<'_>,
    app: &mut Application,
    value: &Value,
) -> Result<(), GraphError> {
    let mut kept = Vec::new();
    for entry in value.as_array().ok_or_else(|| invalid("keyCredentials"))? {
        let old = entry["keyId"]
            .as_str()
            .and_then(|it| it.parse::<Uuid>().ok())
            .and_then(|id| app.certificates.iter().find(|it| it.key_id == id));
        match old {
            Some(old) if entry["key"].is_null() => kept.push(old.clone()),
            _ => kept.push(key_credential(call, entry)?),
        }
    }
    app.certificates = kept;
    Ok(())
}

/// A certificate of a body.
fn key_credential(call: &Call<'_>, entry: &Value) -> Result<KeyCredential, GraphError> {
    let kind = (entry["type"].as_str(), entry["usage"].as_str());
    if kind != (Some("AsymmetricX509Cert"), Some("Verify")) {
        return Err(invalid("keyCredentials")
            .not_in_the_mock("keys of another type than AsymmetricX509Cert, usage Verify"));
    }
    let der = entry["key"]
        .as_str()
        .and_then(|it| STANDARD.decode(it).ok())
        .ok_or_else(|| invalid("key"))?;
    let name = entry["displayName"].as_str().map(str::to_owned);
    KeyCredential::read(call.world.random.uuid(), name, der).map_err(|_| invalid("key"))
}

fn proof_of(action: &mut Action) -> Result<String, GraphError> {
    action.text("proof")?.ok_or_else(|| invalid("proof"))
}

/// Whether a proof of possession is a good one: signed by a valid certificate of the app.
fn check_proof(app: &Application, proof: &str, now: Timestamp) -> Result<(), GraphError> {
    // Unverified: code and text.
    let refused = |why: &str| {
        Err(GraphError::directory_request(format!(
            "The proof of possession is not valid: {why}."
        )))
    };
    let Some(jwt) = Jwt::parse(proof) else {
        return refused("it is not a JSON web token");
    };
    if !jwt.audiences().contains(&PROOF_AUDIENCE) {
        return refused("its audience is not 00000002-0000-0000-c000-000000000000");
    }
    let issuer = jwt.claim_text("iss").unwrap_or_default();
    if !issuer.eq_ignore_ascii_case(&app.object_id.to_string()) {
        return refused("its issuer is not the object id of the application");
    }
    let (from, until) = (jwt.time("nbf"), jwt.time("exp"));
    let (Some(from), Some(until)) = (from, until) else {
        return refused("it has no nbf or no exp");
    };
    if until.duration_since(from) > PROOF_LIFETIME {
        return refused("it is valid for more than ten minutes");
    }
    let skew = SignedDuration::from_mins(5);
    let late = now.duration_since(until) > skew;
    if late || from.duration_since(now) > skew {
        return refused("it is expired or not yet valid");
    }
    let name = jwt.key_name();
    let signed = app
        .certificates
        .iter()
        .filter(|key| key.start <= now && now < key.end)
        .filter(|key| name.as_ref().is_none_or(|name| name.names(key)))
        .filter_map(|key| RsaKey::of_certificate(&key.certificate))
        .any(|key| jwt.is_signed_by(&key));
    if signed {
        Ok(())
    } else {
        refused("no valid certificate of the application has signed it")
    }
}

fn key_id(action: &mut Action) -> Result<Uuid, GraphError> {
    action
        .text("keyId")?
        .and_then(|it| it.parse().ok())
        .ok_or_else(|| invalid("keyId"))
}

fn moment(action: &mut Action, name: &str) -> Result<Option<Timestamp>, GraphError> {
    match action.text(name)? {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| invalid(name)),
    }
}

/// Forty characters in the form of the service's secrets.
fn secret(call: &Call<'_>) -> String {
    let noise = [call.world.random.uuid(), call.world.random.uuid()]
        .map(|it| it.simple().to_string())
        .concat();
    format!("{}8Q~{}", &noise[..3], &noise[3..37])
}

fn answer(call: &Call<'_>, of: &str, value: Value) -> Reply {
    let mut body = Map::new();
    let context = format!("{}/$metadata#microsoft.graph.{of}", call.root());
    body.insert("@odata.context".to_owned(), json!(context));
    if let Value::Object(map) = value {
        body.extend(map);
    }
    Reply::json(StatusCode::OK, Value::Object(body))
}

/// The audience of a proof.
const PROOF_AUDIENCE: &str = "00000002-0000-0000-c000-000000000000";
/// How long a proof is good.
const PROOF_LIFETIME: SignedDuration = SignedDuration::from_mins(10);
