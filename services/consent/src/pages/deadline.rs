//! Until when the customer may take their time: printed on the page, warned of before it comes, and
//! extended where it can be.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::japan_time;
use super::phrase::Slot;
use super::texts::Texts;

/// A point in time that the page prints.
#[derive(Debug, Clone)]
pub struct Deadline {
    /// What ends then.
    pub kind: DeadlineKind,
    /// When; shown as Japan time, to the minute.
    pub at: DateTime<Utc>,
    /// How long it is to that, in seconds: the browser's own clock may be wrong.
    pub seconds_left: u32,
    /// How to put it off; `None` where it can't be.
    pub extension: Option<Extension>,
    /// Where the customer goes on when it has passed.
    pub after_url: String,
}

/// What a deadline ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadlineKind {
    /// The bank session, when nothing is done until then.
    Session,
    /// The whole journey, whatever is done.
    Journey,
}

/// How to put a deadline off.
#[derive(Debug, Clone)]
pub struct Extension {
    /// The page itself: loading it anew extends the session, and clears what was typed.
    pub page_url: String,
    /// What the script asks instead; its answer is a [`DeadlineWords`].
    pub script_url: String,
}

/// A deadline in words, for the page and for its script (as JSON).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadlineWords {
    /// The line that is always shown.
    pub line: String,
    /// What is said when the deadline is near.
    pub warning: String,
    /// From now to the deadline.
    pub seconds_left: u32,
    /// How many seconds before the deadline the warning is due.
    pub warn_seconds: u32,
    /// Whether it can be put off (further).
    pub extendable: bool,
}

/// How long before the end the customer is warned, in seconds; WCAG 2.2.1 asks for 20.
pub const WARN_SECONDS: u32 = 120;

impl Deadline {
    /// The deadline as the customer reads it.
    pub fn words(&self, texts: &Texts) -> DeadlineWords {
        let common = &texts.catalogue.common;
        let (line, warning) = match self.kind {
            DeadlineKind::Session => (&common.deadline_session, &common.warning_session),
            DeadlineKind::Journey => (&common.deadline_journey, &common.warning_journey),
        };
        let time = japan_time::clock(self.at);
        let place = [(Slot::Time, time.as_str())];
        DeadlineWords {
            line: line.fill(&place),
            warning: warning.fill(&place),
            seconds_left: self.seconds_left,
            // A bank's session may be shorter than the warning.
            warn_seconds: match self.kind {
                DeadlineKind::Session => WARN_SECONDS.min(self.seconds_left / 2),
                DeadlineKind::Journey => WARN_SECONDS,
            },
            extendable: self.extension.is_some(),
        }
    }
}
