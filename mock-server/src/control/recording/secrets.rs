//! Secrets of events: the journal does not keep them, so a recording cannot have them.

use serde_json::Value;

/// Takes the secrets out of an event. Returns what a person must know; as an error where the event
/// cannot happen without them.
pub(super) fn leave_out(event: &mut Value) -> Result<Option<String>, String> {
    let happening = event.as_object_mut().and_then(|it| it.iter_mut().next());
    let Some((name, Value::Object(fields))) = happening else {
        return Ok(None);
    };
    let whose = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or("somebody")
    };
    if fields.contains_key("secret") {
        return Err(format!(
            "{name} of {} is left out, as the journal does not keep secrets: write the step with \
             the secret",
            whose("app")
        ));
    }
    if fields.contains_key("password") {
        let note = format!(
            "{name} of {} is told without the password, as the journal does not keep secrets: \
             write it, or the mock makes one up",
            whose("user")
        );
        fields.remove("password");
        return Ok(Some(note));
    }
    Ok(None)
}
