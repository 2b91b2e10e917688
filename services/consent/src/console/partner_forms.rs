//! What a bank's operators change of a partner there: the forms.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use consent_domain::{
    partner::{PartnerAtBank, PartnerContract},
    suspension::SuspensionCause,
};

use super::{
    act_page::SUSPENSION_CAUSES,
    block::{Cell, Field, Input},
    edit::{EditView, Typed},
    names,
    page::{Section, section_path},
    partners_page::AtBank,
    words::{self, Words},
};
use crate::pages::Locale;

/// What an operator of a bank does with a partner there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BankAct {
    Enable,
    Disable,
    Contract,
    Suspend,
    Restore,
    SetPush,
    RemovePush,
}

impl BankAct {
    pub(super) const ALL: [Self; 7] = [
        Self::Enable,
        Self::Disable,
        Self::Contract,
        Self::Suspend,
        Self::Restore,
        Self::SetPush,
        Self::RemovePush,
    ];

    /// The last part of its address.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Disable => "disable",
            Self::Contract => "contract",
            Self::Suspend => "suspend",
            Self::Restore => "restore",
            Self::SetPush => "push-target",
            Self::RemovePush => "remove-push-target",
        }
    }

    pub(super) fn find(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.path() == path)
    }

    pub(super) fn title(self, w: &Words) -> &'static str {
        match self {
            Self::Enable => w.enable_partner,
            Self::Disable => w.disable_partner,
            Self::Contract => w.set_contract,
            Self::Suspend => w.suspend_partner,
            Self::Restore => w.restore_partner,
            Self::SetPush => w.set_push,
            Self::RemovePush => w.remove_push,
        }
    }

    fn note(self, w: &Words) -> &'static str {
        match self {
            Self::Enable => w.enable_partner_note,
            Self::Disable => w.disable_partner_note,
            Self::Contract => w.set_contract_note,
            Self::Suspend => w.suspend_partner_note,
            Self::Restore => w.restore_note,
            Self::SetPush => w.set_push_note,
            Self::RemovePush => w.remove_push_note,
        }
    }

    /// Whether there is anything to do, as the partner stands.
    pub(super) fn is_possible(self, at_bank: &PartnerAtBank, push: Option<&str>) -> bool {
        match self {
            Self::Enable => !at_bank.is_enabled(),
            Self::Disable => at_bank.is_enabled(),
            Self::Contract | Self::SetPush => true,
            Self::Suspend => *at_bank != PartnerAtBank::Absent,
            Self::Restore => !at_bank.suspensions().is_empty(),
            Self::RemovePush => push.is_some(),
        }
    }
}

/// Where notices are pushed.
#[derive(Debug)]
pub(super) struct PushNow {
    pub(super) url: String,
    pub(super) set_at: DateTime<Utc>,
}

/// What the page shows of a partner, and what it needs for its form.
#[derive(Debug)]
pub(super) struct BankActView {
    pub(super) act: BankAct,
    pub(super) partner: String,
    pub(super) service: String,
    pub(super) legal_name: String,
    pub(super) at_bank: PartnerAtBank,
    pub(super) push: Option<PushNow>,
    /// Days before a planned end on which customers are told.
    pub(super) notice_days: u32,
    pub(super) seen: String,
    pub(super) form_key: String,
    pub(super) typed: Typed,
}

impl BankActView {
    /// What the form has before anybody typed: what stands now.
    pub(super) fn typed_at_first(
        act: BankAct,
        at_bank: &PartnerAtBank,
        push: Option<&str>,
    ) -> Typed {
        let typed = Typed::default();
        match (act, at_bank.contract()) {
            (BankAct::Contract, Some(contract)) => {
                let ends = last_day(contract).map(|day| day.to_string());
                typed
                    .with("starts_on", first_day(contract).to_string())
                    .with("ends_on", ends.unwrap_or_default())
            }
            (BankAct::SetPush, _) => typed.with("url", push.unwrap_or_default()),
            _ => typed,
        }
    }

    pub(super) fn edit(self, locale: Locale, bank: &str) -> EditView {
        let w = words::of(locale);
        let back = format!("{}/{}", section_path(bank, Section::Partners), self.partner);
        let note = match self.act {
            BankAct::Contract => Some(told_before(locale, self.notice_days)),
            BankAct::SetPush => Some(w.push_authorization_note.to_owned()),
            _ => None,
        };
        EditView {
            title: self.act.title(w),
            lead: self.act.note(w).to_owned(),
            note,
            now: self.now(locale),
            fields: self.fields(locale),
            seen: self.seen,
            typed: self.typed,
            form_key: self.form_key,
            action: format!("{back}/{}", self.act.path()),
            back,
        }
    }

    fn now(&self, locale: Locale) -> Vec<(String, Cell)> {
        let w = words::of(locale);
        let mut standing = AtBank::of(&self.at_bank).cell(locale);
        for cause in self.at_bank.suspensions().iter() {
            standing = standing.with_below(names::suspension_cause(locale, cause));
        }
        let service = Cell::text(self.service.clone()).with_below(self.partner.clone());
        let mut rows = vec![
            (w.service.to_owned(), service),
            (w.legal_name.to_owned(), Cell::text(self.legal_name.clone())),
            (w.at_this_bank.to_owned(), standing),
        ];
        rows.extend(of_contract(w, self.at_bank.contract()));
        let push = self.push.as_ref().map(|push| {
            let set_at = format!("{}: {}", w.set_at, names::moment(push.set_at));
            Cell::text(push.url.clone()).with_below(set_at)
        });
        rows.push((w.push_targets.to_owned(), push.unwrap_or_default()));
        rows
    }

    fn fields(&self, locale: Locale) -> Vec<Field> {
        let w = words::of(locale);
        let typed = &self.typed;
        let causes = |causes: Vec<SuspensionCause>| {
            let choices = causes.into_iter().map(|cause| {
                let name = names::suspension_cause(locale, cause);
                (cause.as_str().to_owned(), name.to_owned())
            });
            let chosen = Some(typed.value("cause")).filter(|cause| !cause.is_empty());
            Field::select("cause", w.reason, w.choose_reason, choices, chosen)
        };
        match self.act {
            BankAct::Enable | BankAct::Disable | BankAct::RemovePush => Vec::new(),
            BankAct::Contract => vec![
                typed.field("starts_on", w.contract_starts, Input::Date),
                typed.field("ends_on", w.contract_ends, Input::Date),
            ],
            BankAct::Suspend => vec![causes(SUSPENSION_CAUSES.into())],
            BankAct::Restore => vec![causes(self.at_bank.suspensions().iter().collect())],
            BankAct::SetPush => vec![
                typed.field("url", w.push_url, Input::Address),
                typed.field("authorization", w.push_authorization, |_| Input::Secret),
                typed.field("after", w.push_after, Input::Text),
            ],
        }
    }
}

fn told_before(locale: Locale, days: u32) -> String {
    match locale {
        Locale::Ja => format!(
            "最終日を決めると、終了の{days}日前から、有効な連携のあるお客さまへお知らせメールを送ります。終了まで{days}日ない場合は、直ちに送ります。"
        ),
        Locale::En => format!(
            "With a last day, customers with a live linkage are told by mail from {days} days before the end, or at once where it is nearer."
        ),
    }
}

/// The contract's days, as rows.
pub(super) fn of_contract(w: &Words, contract: Option<PartnerContract>) -> [(String, Cell); 2] {
    let day =
        |day: Option<NaiveDate>| Cell::text(day.map(|day| day.to_string()).unwrap_or_default());
    [
        (w.contract_from.to_owned(), day(contract.map(first_day))),
        (
            w.contract_last_day.to_owned(),
            day(contract.and_then(last_day)),
        ),
    ]
}

fn first_day(contract: PartnerContract) -> NaiveDate {
    names::day_in_japan(contract.starts_at)
}

/// The day before the first instant at which it no longer runs.
fn last_day(contract: PartnerContract) -> Option<NaiveDate> {
    let end: DateTime<Utc> = contract.ends_at?;
    let just_before = end.checked_sub_signed(TimeDelta::microseconds(1));
    just_before.map(names::day_in_japan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_goes_through_the_form_and_back_by_days_of_japan() {
        let contract = PartnerContract {
            starts_at: "2026-03-31T15:00:00Z".parse().unwrap(),
            ends_at: Some("2027-03-31T15:00:00Z".parse().unwrap()),
        };
        assert_eq!(first_day(contract).to_string(), "2026-04-01");
        assert_eq!(last_day(contract).unwrap().to_string(), "2027-03-31");
    }
}
