//! Reading a rendered page.

use scraper::{ElementRef, Html, Selector};

pub(super) struct Document(Html);

impl Document {
    pub(super) fn of(html: &str) -> Self {
        Self(Html::parse_document(html))
    }

    pub(super) fn all(&self, css: &str) -> Vec<ElementRef<'_>> {
        self.0.select(&Selector::parse(css).unwrap()).collect()
    }

    pub(super) fn has(&self, css: &str) -> bool {
        !self.all(css).is_empty()
    }

    pub(super) fn one(&self, css: &str) -> ElementRef<'_> {
        let found = self.all(css);
        assert_eq!(found.len(), 1, "exactly one `{css}`");
        found[0]
    }

    pub(super) fn text(&self, css: &str) -> String {
        text(self.one(css))
    }

    pub(super) fn attribute(&self, css: &str, name: &str) -> String {
        self.one(css).attr(name).unwrap().to_owned()
    }

    /// The text of each cell of each row, as a reader of the table gets it.
    pub(super) fn table(&self, css: &str) -> Vec<Vec<String>> {
        let cell = Selector::parse("td, th").unwrap();
        self.all(css)
            .into_iter()
            .map(|row| row.select(&cell).map(text).collect())
            .collect()
    }
}

pub(super) fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().trim().to_owned()
}
