//! From linkages to what the pages show of them.

use chrono::TimeDelta;
use consent_domain::{consent::Consent, partner::PartnerRecord as DomainPartner};

use super::{address::Destination, linkage::Linkage, reads::Reads, sight::Sight, visit::AtPage};
use crate::pages::{
    AccountInLinkage, AnsweredBy, LinkageInView, LinkageStatus, PartnerRecord, Pause, Task,
};
use consent_domain::scope::Task as DomainTask;

pub(super) fn task_view(task: DomainTask) -> Task {
    match task {
        DomainTask::Balance => Task::Balance,
        DomainTask::Transactions => Task::Transactions,
    }
}

pub(super) fn partner_view(record: &DomainPartner) -> PartnerRecord {
    PartnerRecord {
        legal_name: record.legal_name.clone(),
        service_name: record.service_name.clone(),
        registration_number: record.registration_number.clone(),
        complaint_contact: record.complaint_contact.clone(),
        onward_recipients: record.onward_recipients.clone(),
    }
}

/// A linkage as this user sees it.
pub(super) fn linkage_view(
    at: &AtPage,
    (sight, reads): (&Sight, &Reads),
    linkage: &Linkage,
) -> LinkageInView {
    let terms = &linkage.terms;
    let accounts = sight
        .in_order(&terms.scope)
        .into_iter()
        .map(|account| AccountInLinkage {
            name: sight.name(&account),
            memo: sight.find(&account).and_then(|seen| seen.memo.clone()),
            tasks: terms
                .scope
                .tasks_of(&account)
                .into_iter()
                .map(task_view)
                .collect(),
            last_read: reads.of_account(&linkage.grant, &account),
            reference: account.to_string(),
        })
        .collect();
    LinkageInView {
        reference: linkage.grant.to_string(),
        url: Destination::Linkage(linkage.grant.clone()).url(&at.visit.bank, None),
        partner: partner_view(&linkage.partner),
        accounts,
        history_from: terms.history_from,
        since: linkage.began_at,
        // The last minute that still holds: the end itself no longer does.
        until: terms.valid_until - TimeDelta::minutes(1),
        status: status(at, sight, linkage),
        answered_by: answered_by(at, sight, linkage),
        last_read: reads.of_linkage(&linkage.grant),
    }
}

fn status(at: &AtPage, sight: &Sight, linkage: &Linkage) -> LinkageStatus {
    let now = at.visit.now;
    match &linkage.consent {
        // The clock has ended it, whether that is recorded or not.
        Consent::Live { terms, .. } if terms.valid_until <= now => LinkageStatus::Expired {
            at: terms.valid_until - TimeDelta::minutes(1),
        },
        Consent::Absent | Consent::Live { .. } => {
            let pauses = pauses(at, sight, linkage);
            if !pauses.is_empty() {
                return LinkageStatus::Paused(pauses);
            }
            let days_left = (linkage.terms.valid_until - now).num_days();
            match u32::try_from(days_left) {
                Ok(days) if days < SOON_DAYS => LinkageStatus::EndsSoon { days: days + 1 },
                _ => LinkageStatus::Live,
            }
        }
        Consent::Expired { effective_at, .. } => LinkageStatus::Expired {
            at: *effective_at - TimeDelta::minutes(1),
        },
        Consent::Revoked { by, reason, .. } => LinkageStatus::Revoked {
            at: linkage.changed_at,
            by: *by,
            reason: *reason,
        },
        Consent::Superseded { .. } => LinkageStatus::Superseded {
            at: linkage.changed_at,
        },
    }
}

/// From so many days before its end on, a linkage is said to end soon: the first warning's.
const SOON_DAYS: u32 = consent_domain::consent::WARNING_DAYS[0];

/// Why nothing may be read, at whichever level.
fn pauses(at: &AtPage, sight: &Sight, linkage: &Linkage) -> Vec<Pause> {
    let own = linkage.consent.suspensions();
    let at_bank = linkage.at_bank.suspensions();
    let disabled = (!linkage.at_bank.is_enabled()).then_some(Pause::PartnerDisabled);
    own.iter()
        .map(Pause::Linkage)
        .chain(sight.contract.suspensions().iter().map(Pause::Contract))
        .chain(disabled)
        .chain(at_bank.iter().map(Pause::Partner))
        .chain(at.visit.bank_suspended.iter().map(Pause::Bank))
        .collect()
}

fn answered_by(at: &AtPage, sight: &Sight, linkage: &Linkage) -> AnsweredBy {
    let user = &linkage.terms.user;
    if user == &at.session.subject.user {
        AnsweredBy::You(at.session.names.login_name.clone())
    } else if sight.contract.is_user_removed(user) {
        AnsweredBy::Left(user.to_string())
    } else {
        AnsweredBy::Another(user.to_string())
    }
}
