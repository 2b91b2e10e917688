//! The text of an element as a reader of the page sees it.

use scraper::{ElementRef, Node};

/// Classes by which pages hide text from the eye but not from a screen reader.
const HIDDEN_CLASSES: [&str; 2] = ["visually-hidden", "sr-only"];

const SILENT_ELEMENTS: [&str; 5] = ["script", "style", "template", "head", "noscript"];

/// Elements that sit inside a line; every other element stands apart from its neighbours.
const INLINE_ELEMENTS: [&str; 16] = [
    "a", "abbr", "b", "bdi", "code", "em", "i", "label", "mark", "ruby", "small", "span", "strong",
    "sub", "sup", "wbr",
];

/// Visible text with white space collapsed as HTML does; an ideographic space stays.
pub(crate) fn of(element: ElementRef<'_>) -> String {
    let mut text = String::new();
    collect(element, &mut text);
    collapse(&text)
}

/// One space for each run of ASCII white space or no-break spaces, none at the ends.
pub(crate) fn collapse(text: &str) -> String {
    text.split(|c: char| c.is_ascii_whitespace() || c == '\u{a0}')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn collect(element: ElementRef<'_>, text: &mut String) {
    let value = element.value();
    let hidden = value.attr("hidden").is_some()
        || SILENT_ELEMENTS.contains(&value.name())
        || value.classes().any(|class| HIDDEN_CLASSES.contains(&class));
    if hidden {
        return;
    }
    let apart = !INLINE_ELEMENTS.contains(&value.name());
    if apart {
        text.push(' ');
    }
    for child in element.children() {
        if let Node::Text(run) = child.value() {
            text.push_str(run);
        } else if let Some(child) = ElementRef::wrap(child) {
            collect(child, text);
        }
    }
    if apart {
        text.push(' ');
    }
}
