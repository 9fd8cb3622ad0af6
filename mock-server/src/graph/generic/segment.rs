//! The segments of a path with what stands in their parentheses.

use percent_encoding::percent_decode_str;

use crate::graph::error::GraphError;

/// A segment: a name with a key or arguments, if it has parentheses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Segment {
    /// The whole text, decoded.
    pub(super) text: String,
    /// The text before the parentheses, decoded.
    pub(super) name: String,
    /// What stands in the parentheses.
    pub(super) inner: Inner,
}

/// What stands in the parentheses of a segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Inner {
    /// There are none, or nothing is in them.
    Nothing,
    /// A key alone: `users('alice')`.
    Key(String),
    /// Named values: an alternate key, or the arguments of a function.
    Named(Vec<(String, String)>),
}

impl Segment {
    /// The segments of a path behind its version.
    pub(super) fn all(path: &str) -> Result<Vec<Self>, GraphError> {
        let mut found = Vec::new();
        let mut in_file = false;
        for part in parts(path).into_iter().skip(1) {
            let decoded = percent_decode_str(part)
                .decode_utf8()
                .map_err(|_| GraphError::bad_request("The path is not valid UTF-8."))?;
            match decoded
                .split_once(":/")
                .filter(|it| !in_file && !it.0.is_empty())
            {
                // SDKs write the path of a file, or of a site, where a key stands, and encode it:
                // `items/root%3A%2Fa%2Fb%3A/content`.
                Some((bare, path)) => {
                    found.push(Self::parse(&format!("{bare}:")));
                    let names = path.split('/').filter(|it| !it.is_empty());
                    found.extend(names.map(Self::parse));
                    in_file = !path.ends_with(':');
                }
                None => {
                    in_file ^= decoded.ends_with(':');
                    found.push(Self::parse(&decoded));
                }
            }
        }
        Ok(found)
    }

    fn parse(text: &str) -> Self {
        let whole = || Self {
            text: text.to_owned(),
            name: text.to_owned(),
            inner: Inner::Nothing,
        };
        let Some((name, rest)) = text.split_once('(') else {
            return whole();
        };
        let Some(inner) = rest.strip_suffix(')') else {
            return whole();
        };
        if name.is_empty() {
            return whole();
        }
        Self {
            text: text.to_owned(),
            name: name.to_owned(),
            inner: inside(inner),
        }
    }

    /// The segment before a path inside a drive, without its colon: `root:`.
    pub(super) fn before_colon(&self) -> Option<Self> {
        let bare = self.text.strip_suffix(':')?;
        (!bare.is_empty()).then(|| Self::parse(bare))
    }

    /// The arguments by name; none where it has none.
    pub(super) fn arguments(&self) -> &[(String, String)] {
        match &self.inner {
            Inner::Named(arguments) => arguments,
            Inner::Nothing | Inner::Key(_) => &[],
        }
    }
}

/// The parts of a path. A slash in the quotes of an argument or a key divides nothing:
/// `getByPath(path='/sites/sales')`. In the path of a file (`root:/a/b:`) quotes are letters.
fn parts(path: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_file = false;
    let mut rest = path;
    loop {
        let end = if in_file { None } else { quoted_end(rest) };
        let end = end.or_else(|| rest.find('/'));
        let (part, more) = match end {
            Some(end) => (&rest[..end], rest.get(end + 1..)),
            None => (rest, None),
        };
        if !part.is_empty() {
            if part.ends_with(':') || part.ends_with("%3A") || part.ends_with("%3a") {
                in_file = !in_file;
            }
            found.push(part);
        }
        match more {
            Some(more) => rest = more,
            None => return found,
        }
    }
}

/// Where a segment ends that has quotes in its parentheses, if it has.
fn quoted_end(text: &str) -> Option<usize> {
    let slash = text.find('/')?;
    let open = text.find('(').filter(|it| *it < slash)?;
    let mut at = open + 1;
    loop {
        let (from, quote) = next_quote(text, at)?;
        // A quote that begins a value.
        if !text[..from].ends_with(['(', '=', ',']) || text[at..from].contains('/') {
            return None;
        }
        let mut behind = from + quote;
        loop {
            let (next, length) = next_quote(text, behind)?;
            behind = next + length;
            match next_quote(text, behind) {
                Some((again, more)) if again == behind => behind += more,
                _ => break,
            }
        }
        let rest = &text[behind..];
        if let Some(after) = rest.strip_prefix(')') {
            let end = text.len() - after.len();
            return (after.is_empty() || after.starts_with('/')).then_some(end);
        }
        at = behind;
    }
}

/// The next quote, as it is or encoded, with its length.
fn next_quote(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let plain = rest.find('\'').map(|it| (from + it, 1));
    let encoded = rest.find("%27").map(|it| (from + it, 3));
    plain.into_iter().chain(encoded).min()
}

fn inside(text: &str) -> Inner {
    let parts = split(text);
    let named: Vec<(String, String)> = parts
        .iter()
        .filter_map(|part| name_and_value(part))
        .collect();
    match parts.as_slice() {
        [] => Inner::Nothing,
        _ if named.len() == parts.len() => Inner::Named(named),
        [one] => Inner::Key(unquoted(one)),
        _ => Inner::Key(text.to_owned()),
    }
}

/// Splits at commas outside of quotes.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut quoted, mut start) = (false, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            ',' if !quoted => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn name_and_value(part: &str) -> Option<(String, String)> {
    let (name, value) = part.split_once('=')?;
    let name = name.trim();
    let plain = !name.is_empty()
        && name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_');
    plain.then(|| (name.to_owned(), unquoted(value.trim())))
}

/// A text without its quotes; a quote inside is doubled.
fn unquoted(text: &str) -> String {
    text.strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .map_or_else(|| text.to_owned(), |inner| inner.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(path: &str) -> Segment {
        Segment::all(path).unwrap().pop().unwrap()
    }

    #[test]
    fn keys_and_arguments_are_told_apart() {
        assert_eq!(one("/v1.0/groups('a''b')").inner, Inner::Key("a'b".into()));
        assert_eq!(one("/v1.0/delta()").inner, Inner::Nothing);
        assert_eq!(
            one("/v1.0/cell(row=1,column=2)").arguments(),
            [("row".into(), "1".into()), ("column".into(), "2".into())]
        );
        assert_eq!(
            one("/v1.0/applications(appId='x,y')").arguments(),
            [("appId".into(), "x,y".into())]
        );
        assert_eq!(one("/v1.0/(x)").name, "(x)");
        for path in [
            "/v1.0/search(q='a/b')",
            "/v1.0/search(q=%27a/b%27)",
            "/v1.0/search(q='a%2Fb')",
        ] {
            assert_eq!(
                one(path).arguments(),
                [("q".into(), "a/b".into())],
                "{path}"
            );
        }
        let texts = |path: &str| {
            let all = Segment::all(path).unwrap().into_iter();
            all.map(|it| it.text).collect::<Vec<String>>()
        };
        let expected = ["sites", "a", "getByPath(path='/b/c')", "lists"];
        assert_eq!(
            texts("/v1.0/sites/a/getByPath(path='/b/c')/lists"),
            expected
        );
        let expected = ["f(x='it''s/a',y='/')", "b"];
        assert_eq!(texts("/v1.0/f(x='it''s/a',y='/')/b"), expected);
        let expected = ["root:", "it's (a='b", "c').txt:", "content"];
        assert_eq!(texts("/v1.0/root:/it's (a='b/c').txt:/content"), expected);
        assert_eq!(texts("/v1.0/a('b/c"), ["a('b", "c"]);
        let expected = ["items", "root:", "a #1", "b.txt:", "content"];
        let sdk = "/v1.0/items/root%3A%2Fa%20%231%2Fb.txt%3A/content";
        assert_eq!(texts(sdk), expected);
        let expected = ["sites", "a.example:", "sites", "b:/c", "lists"];
        let site = "/v1.0/sites/a.example%3A%2Fsites/b%3A%2Fc/lists";
        assert_eq!(texts(site), expected);
        let expected = ["root:", "a:/b:", "content"];
        assert_eq!(texts("/v1.0/root:/a%3A%2Fb:/content"), expected);
        assert_eq!(one("/v1.0/users/a%2Fb%40c").name, "a/b@c");
    }

    proptest! {
        #[test]
        fn any_path_has_all_its_letters(path in "[a:/('=,)%27 é]{0,40}") {
            let kept: String = parts(&path).concat();
            let letters = |text: &str| text.replace('/', "");
            prop_assert_eq!(letters(&kept), letters(&path));
        }
    }
}
