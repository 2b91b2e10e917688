//! A consent's fact as a sentence for operators: they may read reasons, causes and ids that the customer's page
//! leaves out.

use chrono::NaiveDate;
use consent_domain::{
    AccountId,
    consent::{ConsentEvent, GrantTerms, Place},
};

use super::{block::Tone, names};
use crate::pages::Locale;

/// A fact in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    pub(super) title: String,
    pub(super) details: Vec<String>,
    pub(super) tone: Tone,
}

fn sentence(tone: Tone, title: impl Into<String>, details: Vec<String>) -> Sentence {
    Sentence {
        title: title.into(),
        details,
        tone,
    }
}

/// Every fact has one: the match is total.
pub(super) fn of(locale: Locale, event: &ConsentEvent) -> Sentence {
    let ja = locale == Locale::Ja;
    let pick = |ja_text: &str, en_text: &str| if ja { ja_text } else { en_text }.to_owned();
    match event {
        ConsentEvent::AccessGranted {
            journey,
            terms,
            place,
        } => {
            let title = match place {
                Place::Default => pick(
                    "お客さまが参照を許可しました",
                    "The customer allowed access",
                ),
                Place::Beside => pick(
                    "お客さまが追加の連携として参照を許可しました",
                    "The customer allowed access, as another linkage",
                ),
            };
            sentence(
                Tone::Good,
                title,
                of_terms(locale, terms, Some(journey.as_str())),
            )
        }
        ConsentEvent::AccessAmended { journey, terms } => sentence(
            Tone::Good,
            pick(
                "お客さまが許可の内容を変更しました",
                "The customer changed what is allowed",
            ),
            of_terms(locale, terms, Some(journey.as_str())),
        ),
        ConsentEvent::PartnerConnected { journey } => sentence(
            Tone::Good,
            pick(
                "連携事業者が接続しました",
                "The partner fetched its first token",
            ),
            vec![of_journey(locale, journey.as_str())],
        ),
        ConsentEvent::AccessExpired { effective_at } => {
            let at = names::moment(*effective_at);
            sentence(
                Tone::Bad,
                pick("有効期限が過ぎました", "The period ended"),
                vec![if ja {
                    format!("期限 {at}")
                } else {
                    format!("Ended at {at}")
                }],
            )
        }
        ConsentEvent::AccessRevoked { by, reason } => sentence(
            Tone::Bad,
            match ja {
                true => format!("{}が解除しました", names::revoked_by(locale, *by)),
                false => format!("Revoked by {}", names::revoked_by(locale, *by)),
            },
            vec![of_reason(locale, names::revocation_reason(locale, *reason))],
        ),
        ConsentEvent::AccountRemoved {
            account,
            by,
            reason,
        } => sentence(
            Tone::Caution,
            match ja {
                true => format!("{}が口座を外しました", names::revoked_by(locale, *by)),
                false => format!(
                    "An account was taken out by {}",
                    names::revoked_by(locale, *by)
                ),
            },
            vec![
                of_account(locale, account),
                of_reason(locale, names::removal_reason(locale, *reason)),
            ],
        ),
        ConsentEvent::AccessRenewed {
            journey,
            user,
            valid_from,
            valid_until,
            continue_from,
            shown: _,
        } => {
            let mut details = vec![
                of_period(locale, *valid_from, *valid_until),
                of_user(locale, user.as_str()),
            ];
            details.extend(
                journey
                    .as_ref()
                    .map(|journey| of_journey(locale, journey.as_str())),
            );
            details.extend(
                continue_from
                    .iter()
                    .map(|(account, day)| of_continuation(locale, account, *day)),
            );
            sentence(
                Tone::Good,
                pick("期間が更新されました", "The period was renewed"),
                details,
            )
        }
        ConsentEvent::AccessSuspended { cause } => sentence(
            Tone::Caution,
            pick("連携が停止されました", "Access was suspended"),
            vec![of_reason(locale, names::suspension_cause(locale, *cause))],
        ),
        ConsentEvent::AccessRestored { cause } => sentence(
            Tone::Good,
            pick("停止が解かれました", "A suspension was lifted"),
            vec![of_reason(locale, names::suspension_cause(locale, *cause))],
        ),
        ConsentEvent::ExpiryWarned {
            days_left,
            valid_until,
        } => {
            let until = names::moment(*valid_until);
            sentence(
                Tone::Quiet,
                match ja {
                    true => format!("期限が近いことをお知らせしました（残り{days_left}日以内）"),
                    false => format!("Warned of the end: at most {days_left} days left"),
                },
                vec![if ja {
                    format!("期限 {until}")
                } else {
                    format!("Ends at {until}")
                }],
            )
        }
        ConsentEvent::AccessSuperseded { by, .. } => sentence(
            Tone::Bad,
            pick(
                "別の連携に置き換えられました",
                "Another grant took its place",
            ),
            vec![if ja {
                format!("新しい連携番号 {by}")
            } else {
                format!("New grant {by}")
            }],
        ),
        ConsentEvent::HandedOver { from_user, to_user } => sentence(
            Tone::Quiet,
            pick("責任者が引き継がれました", "Another user answers for it"),
            vec![match ja {
                true => format!("利用者 {from_user} から {to_user} へ"),
                false => format!("From user {from_user} to {to_user}"),
            }],
        ),
    }
}

fn of_terms(locale: Locale, terms: &GrantTerms, journey: Option<&str>) -> Vec<String> {
    let mut details: Vec<String> = accounts_of(terms)
        .into_iter()
        .map(|(account, tasks)| {
            let tasks: Vec<&str> = tasks
                .into_iter()
                .map(|task| names::task(locale, task))
                .collect();
            match locale {
                Locale::Ja => format!("口座 {account}：{}", tasks.join("、")),
                Locale::En => format!("Account {account}: {}", tasks.join(", ")),
            }
        })
        .collect();
    details.push(of_period(locale, terms.valid_from, terms.valid_until));
    details.push(of_user(locale, terms.user.as_str()));
    details.extend(journey.map(|journey| of_journey(locale, journey)));
    details
}

/// What may be read of each account, in order.
pub(super) fn accounts_of(
    terms: &GrantTerms,
) -> std::collections::BTreeMap<&AccountId, Vec<consent_domain::scope::Task>> {
    let mut accounts = std::collections::BTreeMap::<_, Vec<_>>::new();
    for pair in terms.scope.iter() {
        accounts.entry(&pair.account).or_default().push(pair.task);
    }
    accounts
}

fn of_period(
    locale: Locale,
    from: consent_domain::Instant,
    until: consent_domain::Instant,
) -> String {
    let (from, until) = (names::minute(from), names::minute(until));
    match locale {
        Locale::Ja => format!("期間 {from} から {until} まで"),
        Locale::En => format!("From {from} until {until}"),
    }
}

fn of_user(locale: Locale, user: &str) -> String {
    match locale {
        Locale::Ja => format!("利用者 {user}"),
        Locale::En => format!("User {user}"),
    }
}

fn of_journey(locale: Locale, journey: &str) -> String {
    match locale {
        Locale::Ja => format!("手続き番号 {journey}"),
        Locale::En => format!("Journey {journey}"),
    }
}

fn of_account(locale: Locale, account: &AccountId) -> String {
    match locale {
        Locale::Ja => format!("口座 {account}"),
        Locale::En => format!("Account {account}"),
    }
}

fn of_reason(locale: Locale, reason: &str) -> String {
    match locale {
        Locale::Ja => format!("理由 {reason}"),
        Locale::En => format!("Reason: {reason}"),
    }
}

fn of_continuation(locale: Locale, account: &AccountId, day: NaiveDate) -> String {
    match locale {
        Locale::Ja => format!("口座 {account} は {day} から続けて取得"),
        Locale::En => format!("Account {account} goes on from {day}"),
    }
}
