//! What a page of the console is made of. Each block knows its words; none knows where they came from.

/// A part of a page, from top to bottom.
#[derive(Debug)]
pub(super) enum Block {
    Heading {
        id: &'static str,
        text: String,
    },
    Text {
        id: &'static str,
        text: String,
    },
    /// Small print.
    Small(String),
    /// What came of the last act (`role="status"`).
    Said {
        text: String,
        tone: Tone,
    },
    Problems(Vec<Problem>),
    Form(Form),
    Facts(Facts),
    Table(Table),
    Links(Links),
    Story(Story),
    Funnel(super::plot::StepsPlot),
    Weeks(super::plot::WeeksPlot),
}

/// How a word is meant; never by its colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Caution,
    Bad,
    Quiet,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Caution => "caution",
            Self::Bad => "bad",
            Self::Quiet => "quiet-tone",
        }
    }
}

/// What is wrong with a form, and where.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) href: String,
    pub(super) text: String,
}

#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) href: String,
}

impl Link {
    pub(super) fn new(
        id: impl Into<String>,
        text: impl Into<String>,
        href: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            text: text.into(),
            href: href.into(),
        }
    }
}

/// A row of links with a name.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) id: &'static str,
    pub(super) label: String,
    pub(super) links: Vec<Link>,
}

/// What stands in a cell or behind a name.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) href: Option<String>,
    pub(super) below: Vec<String>,
    pub(super) tone: Option<Tone>,
    pub(super) code: bool,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// An identifier: as it is, in letters of one width.
    pub(super) fn code(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            code: true,
            ..Self::default()
        }
    }

    pub(super) fn badge(tone: Tone, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone: Some(tone),
            ..Self::default()
        }
    }

    pub(super) fn leading_to(self, href: impl Into<String>) -> Self {
        Self {
            href: Some(href.into()),
            ..self
        }
    }

    pub(super) fn with_below(mut self, line: impl Into<String>) -> Self {
        let line = line.into();
        if !line.is_empty() {
            self.below.push(line);
        }
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    pub(super) fn badge_class(&self) -> Option<&'static str> {
        self.tone.map(Tone::class)
    }
}

/// Names and what stands behind them.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) id: &'static str,
    pub(super) rows: Vec<(String, Cell)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Start,
    /// Figures, one below the other.
    End,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) label: String,
    pub(super) align: Align,
}

impl Column {
    pub(super) fn text(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            align: Align::Start,
        }
    }

    pub(super) fn number(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            align: Align::End,
        }
    }

    pub(super) fn class(&self) -> &'static str {
        match self.align {
            Align::Start => "",
            Align::End => "number",
        }
    }
}

#[derive(Debug)]
pub(super) struct Row {
    /// The end of the row's id; unique in its table.
    pub(super) key: String,
    pub(super) cells: Vec<Cell>,
}

/// How a list takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    /// All of it; on a narrow screen each row is a card.
    Full,
    /// What its few columns need.
    Compact,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) id: &'static str,
    /// Of a list that stands below a heading, for screen readers only.
    pub(super) caption: String,
    pub(super) width: Width,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

impl Table {
    pub(super) fn class(&self) -> &'static str {
        match self.width {
            Width::Full => "list",
            Width::Compact => "list compact",
        }
    }

    /// The cells of a row, each with its column. The first names the row.
    pub(super) fn cells<'a>(
        &'a self,
        row: &'a Row,
    ) -> impl Iterator<Item = (&'a Column, &'a Cell)> {
        self.columns.iter().zip(&row.cells)
    }
}

/// How a form looks: conditions above a list, or an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormKind {
    /// GET: the conditions are in the address, for a bookmark or a colleague.
    Filter,
    /// POST, with a form key.
    Act,
    /// The same of a single button.
    Button,
}

#[derive(Debug)]
pub(super) struct Form {
    pub(super) id: String,
    pub(super) kind: FormKind,
    pub(super) action: String,
    /// Posted as `form_key`: to whom the form was given, for what, and unique.
    pub(super) form_key: Option<String>,
    pub(super) hidden: Vec<(String, String)>,
    pub(super) fields: Vec<Field>,
    pub(super) submit: String,
    pub(super) weight: Weight,
    pub(super) back: Option<Link>,
}

/// What a button does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    Strong,
    /// It can't be taken back.
    Final,
}

impl Form {
    /// Conditions of a list.
    pub(super) fn filter(
        id: &str,
        action: impl Into<String>,
        fields: Vec<Field>,
        submit: &str,
    ) -> Self {
        Self {
            id: id.to_owned(),
            kind: FormKind::Filter,
            action: action.into(),
            form_key: None,
            hidden: Vec::new(),
            fields,
            submit: submit.to_owned(),
            weight: Weight::Plain,
            back: None,
        }
    }

    pub(super) fn class(&self) -> &'static str {
        match self.kind {
            FormKind::Filter => "filter",
            FormKind::Act => "act",
            FormKind::Button => "button-form",
        }
    }

    pub(super) fn method(&self) -> &'static str {
        match self.kind {
            FormKind::Filter => "get",
            FormKind::Act | FormKind::Button => "post",
        }
    }

    pub(super) fn is_search(&self) -> bool {
        self.kind == FormKind::Filter
    }

    pub(super) fn button_class(&self) -> &'static str {
        match self.weight {
            Weight::Plain => "quiet",
            Weight::Strong => "strong-button",
            Weight::Final => "strong-button final",
        }
    }
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) input: Input,
    pub(super) problem: Option<String>,
}

#[derive(Debug)]
pub(super) enum Input {
    Text(String),
    Username(String),
    Password,
    Date(String),
    /// `2026-11-22T15:04`, Japan time.
    DateTime(String),
    /// A URL.
    Address(String),
    /// What is never shown again.
    Secret,
    /// Several lines.
    Lines(String),
    Select(Vec<Choice>),
    Tick {
        value: &'static str,
    },
}

#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

impl Field {
    pub(super) fn new(name: &'static str, label: impl Into<String>, input: Input) -> Self {
        Self {
            name,
            label: label.into(),
            input,
            problem: None,
        }
    }

    /// A list to choose from; `all` is what no choice says.
    pub(super) fn select(
        name: &'static str,
        label: impl Into<String>,
        all: &str,
        choices: impl IntoIterator<Item = (String, String)>,
        chosen: Option<&str>,
    ) -> Self {
        let none = Choice {
            value: String::new(),
            text: all.to_owned(),
            is_chosen: chosen.is_none(),
        };
        let choices = choices.into_iter().map(|(value, text)| Choice {
            is_chosen: chosen == Some(value.as_str()),
            value,
            text,
        });
        Self::new(
            name,
            label,
            Input::Select(std::iter::once(none).chain(choices).collect()),
        )
    }
}

/// What happened, in order.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) id: &'static str,
    pub(super) entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// The end of the entry's id.
    pub(super) key: String,
    pub(super) at: String,
    /// RFC 3339, for `datetime`.
    pub(super) instant: String,
    pub(super) title: String,
    pub(super) details: Vec<String>,
    pub(super) tone: Tone,
}
