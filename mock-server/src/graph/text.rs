//! Bodies as HTML and as text.

/// The text of an HTML body.
pub(super) fn of_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&unescape(&rest[..start]));
        let tail = &rest[start..];
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
            "br" => text.push_str("\r\n"),
            "p" | "div" | "tr" | "li" | "h1" | "h2" | "h3"
                if !text.is_empty() && !text.ends_with('\n') =>
            {
                text.push_str("\r\n");
            }
            "style" | "script" | "title" if !tail.starts_with("</") => {
                let close = format!("</{name}");
                let skipped = rest.to_ascii_lowercase().find(&close).unwrap_or(rest.len());
                rest = &rest[skipped..];
            }
            _ => {}
        }
    }
    text.push_str(&unescape(rest));
    text.trim().to_owned()
}

/// A text as an HTML body.
pub(super) fn to_html(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(escape).collect();
    format!(
        "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\
         </head><body>{}</body></html>",
        lines.join("<br>\r\n")
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
    text.replace("&nbsp;", " ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

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
