//! Whether a journey can go on; one that can't is ended here and now.

use actix_web::HttpResponse;
use consent_domain::journey::{
    EndJourney, FailureCode, InProgress, Journey, JourneyEnd, JourneyRefusal, SessionAtTimeOut,
};

use super::{Visit, error_pages::failed_page};
use crate::{
    journey::{
        cookie::BrowserCookie,
        end,
        hindrance::Hindrance,
        respond::{PageError, see_other},
        session,
    },
    pages::ErrorKind,
};

impl Visit {
    /// The journey while it can go on. One whose time is over is ended here and now.
    ///
    /// # Errors
    /// The error page of its end.
    pub(in super::super) async fn open(&self) -> Result<&InProgress, PageError> {
        match self.journey.in_time(self.now) {
            Ok(_) if !self.partner_enabled => {
                self.fail(FailureCode::PartnerDisabled).await?;
                Err(self.error(ErrorKind::PartnerNotAvailable))
            }
            Ok(journey) => match self.hindrance {
                Some(Hindrance::Ends(code)) => {
                    self.fail(code).await?;
                    Err(self.error(failed_page(code)))
                }
                Some(Hindrance::Pauses) | None => Ok(journey),
            },
            Err(JourneyRefusal::OutOfTime) => {
                self.time_out().await.map_err(|kind| self.error(kind))?;
                Err(self.error(ErrorKind::JourneyTimedOut))
            }
            Err(JourneyRefusal::AlreadyEnded(JourneyEnd::TimedOut { .. })) => {
                Err(self.error(ErrorKind::JourneyTimedOut))
            }
            Err(JourneyRefusal::AlreadyEnded(JourneyEnd::Failed { code, .. })) => {
                Err(self.error(failed_page(code)))
            }
            Err(JourneyRefusal::AlreadyEnded(_)) => Err(self.error(ErrorKind::JourneyEnded)),
            Err(_) => Err(self.error(ErrorKind::JourneyNotFound)),
        }
    }

    /// The journey while a step of it can be done: nothing that it needs is suspended. Leaving it is
    /// possible all the same.
    ///
    /// # Errors
    /// As [`Self::open`]; the page that says so.
    pub(in super::super) async fn under_way(&self) -> Result<&InProgress, PageError> {
        let journey = self.open().await?;
        match self.hindrance {
            Some(Hindrance::Pauses) => Err(self.error(ErrorKind::LinkingPaused)),
            Some(Hindrance::Ends(_)) | None => Ok(journey),
        }
    }

    /// Ends a journey that can't go on.
    pub(in super::super) async fn fail(&self, code: FailureCode) -> Result<(), PageError> {
        let ended = end::execute(self, EndJourney::ByFailure(code), None).await;
        ended.map(drop).map_err(|kind| self.error(kind))
    }

    async fn time_out(&self) -> Result<(), ErrorKind> {
        let at = match &self.journey {
            Journey::InProgress(journey) => journey.request.ends_at,
            Journey::Absent | Journey::Ended(_) => return Ok(()),
        };
        let alive = session::was_alive(&self.app.pool, &self.bank, &self.id, at).await?;
        let session = if alive {
            SessionAtTimeOut::Alive
        } else {
            SessionAtTimeOut::None
        };
        end::execute(self, EndJourney::ByTime(session), None)
            .await
            .map(drop)
    }

    /// Whether the browser holds the cookie that allows this journey's end page.
    pub(in super::super) fn is_at_end(&self) -> bool {
        self.cookie.as_ref() == Some(&BrowserCookie::of_end(&self.app, &self.bank, &self.id))
    }

    /// The way to the end page, for the browser whose journey it was: with that page's cookie, or
    /// still with its bank session's, in a tab that sent something at the moment of the end.
    pub(in super::super) fn to_own_end(&self) -> Option<HttpResponse> {
        if self.is_at_end() {
            return Some(see_other(&self.url("done")));
        }
        let Journey::Ended(ended) = &self.journey else {
            return None;
        };
        let by_the_customer = matches!(
            ended.end,
            JourneyEnd::Authorized { .. } | JourneyEnd::Cancelled { .. } | JourneyEnd::Declined
        );
        (by_the_customer && self.session.is_some())
            .then(|| end::to_end_page(self, &self.url("done")))
    }
}
