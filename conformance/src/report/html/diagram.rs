//! A sequence diagram of the wire, as SVG: person, connector, authority, Graph.

use entra_mock::journal::Surface;
use maud::{Markup, html};

use crate::report::model::WireLine;

/// The middle of each lifeline.
const PERSON: u32 = 60;
const CONNECTOR: u32 = 330;
const AUTHORITY: u32 = 700;
const GRAPH: u32 = 1000;
const WIDTH: u32 = 1080;
const HEAD: u32 = 30;
const STEP: u32 = 46;
/// Labels longer than this are cut; the tooltip has the whole line.
const LABEL: usize = 60;

/// Draws the lines; those in `shown` are the ones that show the problem.
pub(super) fn of(lines: &[WireLine], shown: &[u64]) -> Markup {
    let rows = u32::try_from(lines.len()).unwrap_or(u32::MAX / STEP);
    let height = HEAD + rows * STEP + 10;
    let heads = [
        ("person", PERSON),
        ("connector", CONNECTOR),
        ("authority", AUTHORITY),
        ("Graph", GRAPH),
    ];
    html! {
        svg width=(WIDTH) height=(height) viewBox=(format!("0 0 {WIDTH} {height}")) role="img"
            aria-label="Sequence of requests and answers" {
            @for (name, x) in heads {
                text.head x=(x) y="16" text-anchor="middle" { (name) }
                line.life x1=(x) y1=(HEAD - 6) x2=(x) y2=(height) {}
            }
            @for (index, line) in (0..rows).zip(lines) {
                (row(line, HEAD + index * STEP, shown.contains(&line.number)))
            }
        }
    }
}

fn row(line: &WireLine, y: u32, shown: bool) -> Markup {
    let from = if line.person { PERSON } else { CONNECTOR };
    let to = if line.surface == Surface::Graph {
        GRAPH
    } else {
        AUTHORITY
    };
    let request = format!(
        "#{} {} {} {}",
        line.number, line.method, line.path, line.presented
    );
    let fault = line
        .fault
        .as_ref()
        .map_or_else(String::new, |it| format!(" (fault: {it})"));
    let answer = format!("{} {}{fault}", line.status, line.answer);
    let class = if shown { "shown" } else { "" };
    html! {
        g class=(class) {
            title { (line.text()) " after " (line.at) " ms" }
            text x=(from + 8) y=(y + 12) { (cut(request.trim())) }
            line x1=(from) y1=(y + 16) x2=(to) y2=(y + 16) {}
            polygon points=(format!("{to},{} {},{} {},{}", y + 16, to - 7, y + 12, to - 7, y + 20)) {}
            text x=(to - 8) y=(y + 31) text-anchor="end" { (cut(answer.trim())) }
            line x1=(to) y1=(y + 35) x2=(from) y2=(y + 35) stroke-dasharray="5 3" {}
            polygon points=(format!(
                "{from},{} {},{} {},{}", y + 35, from + 7, y + 31, from + 7, y + 39
            )) {}
        }
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LABEL {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(LABEL - 1).collect::<String>())
}
