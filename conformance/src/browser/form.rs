//! What the browser reads of a page.

use scraper::{ElementRef, Html, Selector};

use super::Visit;

/// A page with its form.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    /// The page's name, `<body data-page>`.
    pub(super) name: String,
    /// Its title.
    pub(super) title: String,
    /// The AADSTS code of the page or of the message beside a field.
    pub(super) aadsts: Option<u32>,
    /// The message beside a field.
    pub(super) alert: Option<String>,
    /// What the card says.
    pub(super) text: String,
    /// The permissions that it lists.
    pub(super) permissions: Vec<String>,
    /// Where the form goes.
    pub(super) action: String,
    fields: Vec<(String, String)>,
    names: Vec<String>,
    buttons: Vec<Button>,
}

#[derive(Clone, Debug)]
struct Button {
    id: String,
    name: String,
    value: String,
    text: String,
    form: usize,
}

impl Form {
    /// Reads a page.
    pub(super) fn parse(text: &str) -> Self {
        let document = Html::parse_document(text);
        let first = |selector: &str| document.select(&select(selector)).next();
        let words = |element: ElementRef<'_>| {
            element
                .text()
                .flat_map(str::split_whitespace)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let body = first("body");
        let alert = first("[role=alert]");
        let code = |element: Option<ElementRef<'_>>| {
            element
                .and_then(|it| it.attr("data-error-code"))
                .and_then(|it| it.parse().ok())
        };
        let mut page = Self {
            name: body
                .and_then(|it| it.attr("data-page"))
                .unwrap_or_default()
                .to_owned(),
            title: first("h1")
                .or_else(|| first("title"))
                .map(words)
                .unwrap_or_default(),
            aadsts: code(body).or_else(|| code(alert)),
            alert: alert.map(words),
            text: first("main").or(body).map(words).unwrap_or_default(),
            permissions: document
                .select(&select("[data-permission]"))
                .filter_map(|it| it.attr("data-permission"))
                .map(str::to_owned)
                .collect(),
            ..Self::default()
        };
        // The first form is the card's; others (tiles beside it) are known by their buttons.
        for (index, form) in document.select(&select("form")).enumerate() {
            if index == 0 {
                form.attr("action")
                    .unwrap_or_default()
                    .clone_into(&mut page.action);
                for input in form.select(&select("input, textarea")) {
                    let Some(name) = input.attr("name") else {
                        continue;
                    };
                    page.names.push(name.to_owned());
                    if input.attr("type") != Some("checkbox") {
                        let value = input.attr("value").unwrap_or_default();
                        page.fields.push((name.to_owned(), value.to_owned()));
                    }
                }
            }
            for button in form.select(&select("button")) {
                let attribute = |name| button.attr(name).unwrap_or_default().to_owned();
                page.buttons.push(Button {
                    id: attribute("id"),
                    name: attribute("name"),
                    value: attribute("value"),
                    text: words(button),
                    form: index,
                });
            }
        }
        page
    }

    /// Whether the form has a field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|it| it == name)
    }

    /// Whether the card's form has a button.
    pub(super) fn has_button(&self, id: &str) -> bool {
        self.buttons.iter().any(|it| it.id == id && it.form == 0)
    }

    /// The button of the card that names an account.
    pub(super) fn button_with(&self, text: &str) -> Option<String> {
        let text = text.to_ascii_lowercase();
        self.buttons
            .iter()
            .find(|it| it.form == 0 && it.text.to_ascii_lowercase().contains(&text))
            .map(|it| it.value.clone())
    }

    /// The fields that pressing a button (by id or value) sends.
    pub(super) fn submit(&self, button: &str, values: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut fields: Vec<(String, String)> = self
            .fields
            .iter()
            .filter(|(name, _)| !values.iter().any(|(it, _)| it == name))
            .cloned()
            .collect();
        fields.extend(
            values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let pressed = self
            .buttons
            .iter()
            .find(|it| it.form == 0 && (it.id == button || it.value == button));
        if let Some(pressed) = pressed.filter(|it| !it.name.is_empty()) {
            fields.push((pressed.name.clone(), pressed.value.clone()));
        }
        fields
    }

    /// The end of a sign-in on this page.
    pub(super) fn stopped(&self) -> Visit {
        let text = self
            .alert
            .clone()
            .unwrap_or_else(|| self.text.chars().take(600).collect());
        Visit::Stopped {
            text,
            aadsts: self.aadsts,
        }
    }
}

fn select(selector: &str) -> Selector {
    // Constant selectors of this file.
    Selector::parse(selector).expect("a selector of this file parses")
}
