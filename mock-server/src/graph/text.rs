//! Bodies as HTML and as text.

/// The text of an HTML body.
pub(super) fn of_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        append(&mut text, &rest[..start]);
        let tail = &rest[start..];
        if let Some(comment) = tail.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let Some(end) = tail.find('>') else {
            rest = "";
            break;
        };
        let tag = tail[1..end].trim_start_matches('/').to_ascii_lowercase();
        let name = tag
            .split(|it: char| !it.is_ascii_alphanumeric())
            .next()
            .unwrap_or("");
        rest = &tail[end + 1..];
        match name {
            "br" => line_break(&mut text),
            "p" | "div" | "tr" | "li" | "h1" | "h2" | "h3"
                if !text.is_empty() && !text.ends_with('\n') =>
            {
                line_break(&mut text);
            }
            "style" | "script" | "title" if !tail.starts_with("</") => {
                let close = format!("</{name}");
                let skipped = rest.to_ascii_lowercase().find(&close).unwrap_or(rest.len());
                rest = &rest[skipped..];
            }
            _ => {}
        }
    }
    append(&mut text, rest);
    text.trim().to_owned()
}

/// Appends a piece of HTML text: white space of any length is one blank, and none at the
/// beginning of a line; a blank that does not break stays.
fn append(text: &mut String, piece: &str) {
    for letter in unescape(piece).chars() {
        if letter == NO_BREAK {
            text.push(' ');
        } else if !letter.is_ascii_whitespace() {
            text.push(letter);
        } else if !text.is_empty() && !text.ends_with([' ', '\n']) {
            text.push(' ');
        }
    }
}

fn line_break(text: &mut String) {
    text.truncate(text.trim_end_matches(' ').len());
    text.push_str("\r\n");
}

/// A text as an HTML body.
pub(super) fn to_html(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(escape).collect();
    document(&lines.join("<br>\r\n"))
}

/// An HTML body as Exchange keeps it: a whole document that names its character set.
///
/// Source: microsoftgraph/microsoft-graph-docs, api-reference/v1.0/api/user-post-messages.md.
/// Unverified: where the lines break.
pub(super) fn document(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    if lower.contains("<html") {
        if lower.contains("charset=") {
            return html.to_owned();
        }
        if let Some(at) = lower.find("<head>") {
            let (start, rest) = html.split_at(at + "<head>".len());
            return format!("{start}\r\n{CHARSET}{rest}");
        }
        if let Some(end) = lower.find("<html").and_then(|at| {
            let length = lower[at..].find('>')?;
            Some(at + length + 1)
        }) {
            let (start, rest) = html.split_at(end);
            return format!("{start}<head>\r\n{CHARSET}</head>{rest}");
        }
    }
    if lower.contains("<body") {
        return format!("<html><head>\r\n{CHARSET}</head>{html}</html>");
    }
    format!("<html><head>\r\n{CHARSET}</head><body>{html}</body></html>")
}

/// A text as the HTML body of an event, which has no other kind.
///
/// Source: allodia-eu/email-calendar-sync-engine, fixtures/calendar/event_single.json and
/// event_allday.json.
pub(super) fn event_document(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(escape).collect();
    let lines = if lines.iter().all(|line| line.trim().is_empty()) {
        "&nbsp;".to_owned()
    } else {
        lines.join("<br>\r\n")
    };
    format!(
        "<html><head>{CHARSET}\r\n<meta name=\"Generator\" content=\"Microsoft Exchange Server\">\r\n\
         <!-- converted from text -->\r\n<style><!-- .EmailQuote {{ margin-left: 1pt; padding-left: \
         4pt; border-left: #800000 2px solid; }} --></style></head>\r\n<body>\r\n<font \
         size=\"2\"><span style=\"font-size:11pt;\"><div class=\"PlainText\">{lines}</div></span></font>\
         \r\n</body>\r\n</html>\r\n"
    )
}

/// The first 255 characters of a body, on one line, as `bodyPreview` has them.
pub(super) fn preview(body: &serde_json::Value) -> String {
    let content = body["content"].as_str().unwrap_or("");
    let html = body["contentType"]
        .as_str()
        .is_some_and(|it| it.eq_ignore_ascii_case("html"));
    let text = if html {
        of_html(content)
    } else {
        content.trim().to_owned()
    };
    text.chars().take(255).collect()
}

/// Escapes a text for HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    text.replace("&nbsp;", "\u{a0}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

const NO_BREAK: char = '\u{a0}';

const CHARSET: &str = "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_a_whole_document_that_names_its_character_set() {
        let whole = format!("<html><head>\r\n{CHARSET}</head><body>Hi</body></html>");
        assert_eq!(document("Hi"), whole);
        assert_eq!(document(&whole), whole, "once is enough");
        assert_eq!(
            document("<HTML lang=en><body>Hi</body></HTML>"),
            format!("<HTML lang=en><head>\r\n{CHARSET}</head><body>Hi</body></HTML>")
        );
        assert_eq!(
            document("<html><head><title>T</title></head></html>"),
            format!("<html><head>\r\n{CHARSET}<title>T</title></head></html>")
        );
        assert_eq!(of_html(&event_document("a < b\nc")), "a < b\r\nc");
        assert_eq!(of_html(&event_document("")), "");
    }

    #[test]
    fn html_becomes_text_and_text_html() {
        let html =
            "<html><head><style>p {}</style></head><body><p>A &amp; B</p><p>C<br>D</p></body>";
        assert_eq!(of_html(html), "A & B\r\nC\r\nD");
        assert!(to_html("a < b\nc").contains("a &lt; b<br>\r\nc"));
        assert_eq!(of_html("broken <b"), "broken");
        assert_eq!(of_html("<style>never closed"), "");
    }
}
