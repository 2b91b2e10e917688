//! What stands around each page of a journey: its frame, its forms, and how much time is left.

use consent_domain::journey::{InProgress, Journey, Revision, Step};

use super::Visit;
use crate::{
    journey::{cookie::BrowserCookie, form_key::FormName, respond::partner_name},
    pages::{Deadline, DeadlineKind, FormTarget, Notice, Shell, WARN_SECONDS},
};

impl Visit {
    /// The frame of a page.
    pub(in super::super) fn shell(&self) -> Shell {
        Shell {
            bank: self.pages.contact(self.locale),
            partner: partner_name(&self.partner),
            access: None,
            customer: None,
            deadline: None,
            cancel: None,
            notices: Vec::new(),
            inquiry_number: self.context.inquiry_number(),
            address: self.address.as_str().to_owned(),
        }
    }

    /// The end of the journey's time, which can't be put off.
    pub(in super::super) fn journey_deadline(&self, journey: &InProgress) -> Deadline {
        let at = journey.request.ends_at;
        Deadline {
            kind: DeadlineKind::Journey,
            at,
            seconds_left: u32::try_from((at - self.now).num_seconds()).unwrap_or(0),
            extension: None,
            after_url: self.step_url(Step::Login, None),
        }
    }

    /// What is said where the end of the journey's time is near.
    pub(in super::super) fn deadline_near(&self, journey: &InProgress) -> Option<Notice> {
        let seconds = self.journey_deadline(journey).seconds_left;
        (seconds < WARN_SECONDS).then(|| Notice::DeadlineNear {
            minutes: seconds.div_ceil(60).max(1),
        })
    }

    /// What is said where the bank's maintenance is near.
    pub(in super::super) fn maintenance_near(&self) -> Option<Notice> {
        self.maintenance.map(|planned| Notice::MaintenanceAhead {
            from: planned.from,
            until: planned.until,
        })
    }

    /// A form of this browser's journey.
    pub(in super::super) fn form(
        &self,
        cookie: &BrowserCookie,
        form: FormName,
        path: &str,
    ) -> FormTarget {
        let shown = match &self.journey {
            Journey::InProgress(journey) => journey.revision,
            Journey::Absent | Journey::Ended(_) => Revision(0),
        };
        FormTarget {
            action: self.url(path),
            form_key: self.forms(cookie).mint(form, shown, ""),
        }
    }
}
