//! Why a consent stopped, and what stands against it at each level, in words.

use consent_domain::access::SuspendedAt;

use super::{
    block::{Entry, Tone},
    consent_page::rfc3339,
    names, sentence,
};
use crate::{
    history::{
        Life,
        as_of::{Obstacle, Standstill},
        why::{Link, why},
    },
    pages::Locale,
};

/// The chains of causes, one after another, each from what is nearest back to what began it.
pub(super) fn entries(locale: Locale, life: &Life) -> Vec<Entry> {
    let chains = why(life).chains.into_iter().enumerate();
    chains
        .flat_map(|(chain, links)| {
            let links = links.into_iter().enumerate();
            links.map(move |(place, link)| entry(locale, life, &link, (chain, place)))
        })
        .collect()
}

fn entry(locale: Locale, life: &Life, link: &Link, (chain, place): (usize, usize)) -> Entry {
    let of_consent = life
        .consent
        .iter()
        .find(|fact| Some(fact.event_id) == link.id)
        .map(|fact| sentence::of(locale, &fact.event));
    let (title, mut details) = match of_consent {
        Some(sentence) => (sentence.title, sentence.details),
        None => {
            let code = of_code(locale, link);
            (title(locale, &link.what), code.into_iter().collect())
        }
    };
    details.push(names::stored_actor(
        locale,
        link.actor_kind,
        link.actor_id.as_deref(),
    ));
    details.extend(link.id.map(|id| id.to_string()));
    Entry {
        key: format!("{chain}-{place}"),
        at: names::moment(link.at),
        instant: rfc3339(link.at),
        title,
        details,
        tone: if place == 0 { Tone::Bad } else { Tone::Quiet },
    }
}

/// What happened elsewhere than in the consent itself; a word of another release stays as it is.
fn title(locale: Locale, what: &str) -> String {
    let (ja, en) = match what {
        "ContractSuspended" => (
            "契約（団体）の連携が停止されました",
            "The contract was suspended",
        ),
        "ContractClosed" => ("契約（団体）が終了しました", "The bank closed the contract"),
        "PasswordChanged" => ("パスワードが変更されました", "The password was changed"),
        "CertificateChanged" => ("電子証明書が変更されました", "The certificate was changed"),
        "UserRemoved" => ("利用者の登録が抹消されました", "The user was removed"),
        "RightRemoved" => ("利用者の権限がなくなりました", "The user lost the right"),
        "AccountClosed" => ("口座が解約されました", "The account was closed"),
        "AccountRenumbered" => ("口座番号が変わりました", "The account got another number"),
        "BranchMerged" => ("店舗が統合されました", "The branch was merged"),
        "PartnerSuspended" => (
            "この金庫での連携事業者の取扱いが停止されました",
            "The partner was suspended at this bank",
        ),
        "PartnerDisabled" => (
            "この金庫での連携事業者の取扱いが終了しました",
            "The bank no longer lets the partner in",
        ),
        "PartnerContractSet" => (
            "連携事業者との契約が登録されました",
            "The contract with the partner was set",
        ),
        "BankSuspended" => ("金庫の連携が停止されました", "The bank was suspended"),
        "validity_passed" => ("許可の有効期限", "The end of its period"),
        "bank_notice" => ("金庫からの通知", "A notice of the bank"),
        "operator_act" => ("操作者の操作", "An operator's act"),
        other => return other.to_owned(),
    };
    match locale {
        Locale::Ja => ja.to_owned(),
        Locale::En => en.to_owned(),
    }
}

fn of_code(locale: Locale, link: &Link) -> Option<String> {
    let code = link.code.as_deref()?;
    Some(match link.what.as_str() {
        "operator_act" => names::act(locale, code),
        // The title says it.
        "ContractClosed" | "PartnerDisabled" => return None,
        _ => names::stored_cause(locale, code),
    })
}

/// What stands against reads above the consent, nearest first.
pub(super) fn above(locale: Locale, obstacles: &[Obstacle]) -> Vec<String> {
    let above = obstacles.iter().filter_map(|obstacle| {
        let level = level(locale, obstacle.level)?;
        let what = standstill(locale, obstacle.what);
        let since = names::moment(obstacle.since);
        Some(match locale {
            Locale::Ja => format!("{level}：{what}（{since} から）"),
            Locale::En => format!("{level}: {what} (since {since})"),
        })
    });
    above.collect()
}

fn level(locale: Locale, level: SuspendedAt) -> Option<&'static str> {
    let (ja, en) = match level {
        SuspendedAt::Consent => return None,
        SuspendedAt::Contract => ("契約（団体）", "the contract"),
        SuspendedAt::PartnerAtBank => ("連携事業者", "the partner at this bank"),
        SuspendedAt::Bank => ("金庫", "the bank"),
    };
    Some(match locale {
        Locale::Ja => ja,
        Locale::En => en,
    })
}

fn standstill(locale: Locale, what: Standstill) -> &'static str {
    match (what, locale) {
        (Standstill::Suspended(cause), _) => names::suspension_cause(locale, cause),
        (Standstill::ContractClosed, Locale::Ja) => "契約終了",
        (Standstill::ContractClosed, Locale::En) => "closed",
        (Standstill::PartnerDisabled, Locale::Ja) => "取扱いなし",
        (Standstill::PartnerDisabled, Locale::En) => "not let in",
    }
}
