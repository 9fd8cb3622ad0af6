//! MIME: messages as RFC 5322 text, and the base64 bodies by which clients send them.
//!
//! What is read: headers with encoded words, one text or HTML body, multipart with attachments.
//! Source: learn.microsoft.com/graph/outlook-send-mime-message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::Call;
use super::error::GraphError;
use crate::mailbox::{Attachment, AttachmentKind, Properties};

/// Whether the body is base64 of MIME.
pub(super) fn is_mime(call: &Call<'_>) -> bool {
    call.header("content-type")
        .to_ascii_lowercase()
        .starts_with("text/plain")
}

/// Reads the body.
pub(super) fn read(call: &Call<'_>) -> Result<(Properties, Vec<Attachment>), GraphError> {
    let packed: Vec<u8> = call
        .body
        .iter()
        .copied()
        .filter(|it| !it.is_ascii_whitespace())
        .collect();
    let bytes = STANDARD
        .decode(packed)
        .map_err(|_| GraphError::invalid_mime_base64())?;
    let entity = Entity::parse(&bytes, 0);
    let mut properties = Properties::new();
    let mut put = |name: &str, value: Value| {
        properties.insert(name.to_owned(), value);
    };
    put("subject", json!(decoded(entity.header("subject"))));
    for (header, name) in [
        ("to", "toRecipients"),
        ("cc", "ccRecipients"),
        ("bcc", "bccRecipients"),
        ("reply-to", "replyTo"),
    ] {
        let list = addresses(entity.header(header));
        if !list.is_empty() {
            put(name, json!(list));
        }
    }
    if let Some(from) = addresses(entity.header("from")).into_iter().next() {
        put("from", from);
    }
    if !entity.header("message-id").is_empty() {
        put(
            "internetMessageId",
            json!(entity.header("message-id").trim()),
        );
    }
    let mut found = Found::default();
    entity.collect(&mut found);
    let body = match (found.html, found.text) {
        (Some(html), _) => json!({"contentType": "html", "content": html}),
        (None, text) => json!({"contentType": "text", "content": text.unwrap_or_default()}),
    };
    put("body", body);
    let attachments = found
        .files
        .into_iter()
        .zip(1..)
        .map(|((name, content_type, content), key)| Attachment {
            key,
            name,
            content_type,
            inline: false,
            content_id: None,
            content,
            modified: call.now,
            kind: AttachmentKind::File,
        })
        .collect();
    Ok((properties, attachments))
}

/// Writes a message's document as RFC 5322 text.
pub(super) fn write(document: &Properties, attachments: &[Attachment]) -> String {
    let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or("");
    let mut out = String::new();
    let mut header = |name: &str, value: &str| {
        if !value.is_empty() {
            // A header can't hold a line break.
            let value = value.replace(['\r', '\n'], " ");
            out.extend([name, ": ", &value, "\r\n"]);
        }
    };
    for (name, member) in [("From", "from"), ("Sender", "sender")] {
        header(
            name,
            &mailbox(&document.get(member).cloned().unwrap_or_default()),
        );
    }
    for (name, member) in [("To", "toRecipients"), ("CC", "ccRecipients")] {
        let list = document
            .get(member)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        header(name, &list.map(mailbox).collect::<Vec<_>>().join(", "));
    }
    header("Subject", &encoded(text("subject")));
    let date = text("sentDateTime")
        .parse::<jiff::Timestamp>()
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    header(
        "Date",
        &date.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string(),
    );
    header("Message-ID", text("internetMessageId"));
    header("MIME-Version", "1.0");
    let body = document.get("body").cloned().unwrap_or_default();
    let subtype = if body["contentType"] == "html" {
        "html"
    } else {
        "plain"
    };
    let content = wrapped(body["content"].as_str().unwrap_or("").as_bytes());
    let part = format!(
        "Content-Type: text/{subtype}; charset=\"utf-8\"\r\nContent-Transfer-Encoding: \
         base64\r\n\r\n{content}"
    );
    if attachments.is_empty() {
        out.push_str(&part);
        return out;
    }
    out.extend([
        "Content-Type: multipart/mixed; boundary=\"",
        BOUNDARY,
        "\"\r\n\r\n",
    ]);
    out.extend(["--", BOUNDARY, "\r\n", &part]);
    for file in attachments {
        match &file.kind {
            AttachmentKind::File => {}
            AttachmentKind::Item(_) => {
                // A message inside of a message is not encoded. Source: RFC 2046, section 5.2.1.
                let kind = file.content_type.replace(['\r', '\n'], " ");
                out.push_str(&format!("--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n"));
                out.push_str(&String::from_utf8_lossy(&file.content));
                out.push_str("\r\n");
                continue;
            }
            AttachmentKind::Reference(_) => continue,
        }
        let name = encoded(&file.name).replace(['"', '\r', '\n'], "'");
        let kind = file.content_type.replace(['\r', '\n'], " ");
        let head = format!(
            "--{BOUNDARY}\r\nContent-Type: {kind}; name=\"{name}\"\r\nContent-Disposition: \
             attachment; filename=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        );
        out.push_str(&head);
        out.push_str(&wrapped(&file.content));
    }
    out.extend(["--", BOUNDARY, "--\r\n"]);
    out
}

/// A MIME entity: headers (names in lower case) and body.
struct Entity {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    depth: usize,
}

#[derive(Default)]
struct Found {
    html: Option<String>,
    text: Option<String>,
    files: Vec<(String, String, Vec<u8>)>,
}

impl Entity {
    fn parse(bytes: &[u8], depth: usize) -> Self {
        let split = |mark: &[u8]| {
            bytes
                .windows(mark.len())
                .position(|it| it == mark)
                .map(|at| (at, at + mark.len()))
        };
        let (end, start) = split(b"\r\n\r\n")
            .or_else(|| split(b"\n\n"))
            .unwrap_or((bytes.len(), bytes.len()));
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in String::from_utf8_lossy(&bytes[..end]).lines() {
            if line.starts_with([' ', '\t']) {
                if let Some((_, value)) = headers.last_mut() {
                    value.push(' ');
                    value.push_str(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        Self {
            headers,
            body: bytes[start..].to_vec(),
            depth,
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(it, _)| it == name)
            .map_or("", |(_, value)| value)
    }

    fn collect(&self, found: &mut Found) {
        let content_type = self.header("content-type").to_owned();
        let kind = content_type
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        if kind.starts_with("multipart/") && self.depth < MAX_DEPTH {
            let Some(boundary) = parameter(&content_type, "boundary") else {
                return;
            };
            for part in parts(&self.body, &boundary) {
                Self::parse(part, self.depth + 1).collect(found);
            }
            return;
        }
        let content = self.content();
        let disposition = self.header("content-disposition");
        let name = parameter(disposition, "filename").or_else(|| parameter(&content_type, "name"));
        let attached = disposition.to_ascii_lowercase().starts_with("attachment");
        if attached || name.is_some() {
            let name = name.map_or_else(|| "attachment".to_owned(), |it| decoded(&it));
            let kind = if kind.is_empty() {
                "application/octet-stream".to_owned()
            } else {
                kind
            };
            found.files.push((name, kind, content));
            return;
        }
        let text = String::from_utf8_lossy(&content).into_owned();
        match kind.as_str() {
            "text/html" => found.html = found.html.take().or(Some(text)),
            "" | "text/plain" => found.text = found.text.take().or(Some(text)),
            _ => found.files.push(("attachment".to_owned(), kind, content)),
        }
    }

    fn content(&self) -> Vec<u8> {
        match self
            .header("content-transfer-encoding")
            .to_ascii_lowercase()
            .as_str()
        {
            "base64" => {
                let packed: Vec<u8> = self
                    .body
                    .iter()
                    .copied()
                    .filter(|it| !it.is_ascii_whitespace())
                    .collect();
                STANDARD
                    .decode(packed)
                    .unwrap_or_else(|_| self.body.clone())
            }
            "quoted-printable" => quoted_printable(&self.body, false),
            _ => self.body.clone(),
        }
    }
}

/// The parts between the boundaries.
fn parts<'b>(body: &'b [u8], boundary: &str) -> Vec<&'b [u8]> {
    let mark = format!("--{boundary}");
    let mark = mark.as_bytes();
    let starts: Vec<usize> = (0..body.len().saturating_sub(mark.len() - 1))
        .filter(|at| body[*at..].starts_with(mark) && (*at == 0 || body[at - 1] == b'\n'))
        .collect();
    starts
        .windows(2)
        .map(|pair| {
            let part = &body[pair[0] + mark.len()..pair[1]];
            let part = part
                .strip_prefix(b"\r\n")
                .or(part.strip_prefix(b"\n"))
                .unwrap_or(part);
            part.strip_suffix(b"\r\n")
                .or(part.strip_suffix(b"\n"))
                .unwrap_or(part)
        })
        .collect()
}

/// A parameter of a header, such as the boundary of a content type.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn addresses(header: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let (mut quoted, mut entry) = (false, String::new());
    for letter in header.chars().chain([',']) {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                let text = std::mem::take(&mut entry);
                let (name, address) = match text.split_once('<') {
                    Some((name, rest)) => (name.trim(), rest.trim().trim_end_matches('>')),
                    None => ("", text.trim()),
                };
                if !address.is_empty() {
                    let name = if name.is_empty() {
                        address.to_owned()
                    } else {
                        decoded(name)
                    };
                    found.push(json!({"emailAddress": {"name": name, "address": address}}));
                }
            }
            letter => entry.push(letter),
        }
    }
    found
}

fn mailbox(recipient: &Value) -> String {
    let part = |name: &str| {
        recipient["emailAddress"][name]
            .as_str()
            .unwrap_or("")
            .to_owned()
    };
    let (name, address) = (part("name"), part("address"));
    if address.is_empty() {
        String::new()
    } else if name.is_empty() || name == address {
        address
    } else if name.is_ascii() {
        format!("\"{}\" <{address}>", name.replace('"', "'"))
    } else {
        format!("{} <{address}>", encoded(&name))
    }
}

/// Encoded words (RFC 2047), read.
fn decoded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        let word: Vec<&str> = rest[start + 2..].splitn(4, '?').collect();
        let &[_charset, encoding, content, tail] = word.as_slice() else {
            break;
        };
        let Some(tail) = tail.strip_prefix('=') else {
            break;
        };
        let bytes = match encoding {
            "B" | "b" => STANDARD.decode(content).unwrap_or_default(),
            _ => quoted_printable(content.as_bytes(), true),
        };
        out.push_str(rest[..start].trim_start_matches(' '));
        out.push_str(&String::from_utf8_lossy(&bytes));
        rest = tail;
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// Text as an encoded word, where it is not ASCII.
fn encoded(text: &str) -> String {
    if text.is_ascii() {
        text.to_owned()
    } else {
        format!("=?utf-8?B?{}?=", STANDARD.encode(text))
    }
}

fn quoted_printable(bytes: &[u8], header: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        at += 1;
        if byte == b'_' && header {
            out.push(b' ');
            continue;
        }
        if byte != b'=' {
            out.push(byte);
            continue;
        }
        if bytes[at..].starts_with(b"\r\n") {
            at += 2;
        } else if bytes[at..].starts_with(b"\n") {
            at += 1;
        } else {
            let code = bytes
                .get(at..at + 2)
                .and_then(|it| std::str::from_utf8(it).ok());
            match code.and_then(|it| u8::from_str_radix(it, 16).ok()) {
                Some(code) => {
                    out.push(code);
                    at += 2;
                }
                None => out.push(byte),
            }
        }
    }
    out
}

/// Base64 in lines of 76 characters.
fn wrapped(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    let mut out = String::with_capacity(text.len() + text.len() / 38 + 2);
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at % 76 == 0 {
            out.push_str("\r\n");
        }
        out.push(letter);
    }
    out.push_str("\r\n");
    out
}

const BOUNDARY: &str = "_004_a3f2c6d1e8b94c7f_";
/// Multiparts inside of multiparts beyond this are taken as files.
const MAX_DEPTH: usize = 10;
