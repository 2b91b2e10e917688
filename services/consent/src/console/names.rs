//! What codes are called: states, reasons, causes, steps, actors. Every match is total, so that a new code of the
//! domain does not compile until it has a name here.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use consent_domain::{
    consent::{RemovalReason, RevocationReason, RevokedBy},
    journey::{FailureCode, RejectionReason},
    scope::Task,
    suspension::SuspensionCause,
};
use serde::de::{
    DeserializeOwned,
    value::{Error as Unknown, StrDeserializer},
};

use super::{block::Tone, consent_page::Standing, words};
use crate::{
    access_record::ReadKind,
    funnel::{FunnelStep, Leaving},
    japan,
    operator::Role,
    pages::Locale,
    store::Actor,
};

pub(super) use crate::japan::{day_of as day_in_japan, start_of_day};

type Both = (&'static str, &'static str);

fn pick(locale: Locale, (ja, en): Both) -> &'static str {
    match locale {
        Locale::Ja => ja,
        Locale::En => en,
    }
}

/// 認可対象業務.
pub(super) fn task(locale: Locale, task: Task) -> &'static str {
    pick(
        locale,
        match task {
            Task::Balance => ("残高照会", "Balance inquiry"),
            Task::Transactions => ("入出金明細照会", "Transaction inquiry"),
        },
    )
}

/// What was read.
pub(super) fn read_kind(locale: Locale, kind: ReadKind) -> &'static str {
    let both = match kind {
        ReadKind::Accounts => ("口座一覧", "List of accounts"),
        ReadKind::Balance => return task(locale, Task::Balance),
        ReadKind::Transactions => return task(locale, Task::Transactions),
    };
    pick(locale, both)
}

/// Who ended a consent, or took an account out.
pub(super) fn revoked_by(locale: Locale, by: RevokedBy) -> &'static str {
    pick(
        locale,
        match by {
            RevokedBy::Customer => ("お客さま", "the customer"),
            RevokedBy::Partner => ("連携事業者", "the partner"),
            RevokedBy::Bank => ("金庫", "the bank"),
            RevokedBy::System => ("システム", "the system"),
        },
    )
}

/// Who acted, as recorded with a fact.
pub(super) fn actor(locale: Locale, actor: &Actor) -> String {
    let (kind, id) = match actor {
        Actor::Customer(id) => (("お客さま", "Customer"), id.as_deref()),
        Actor::Partner(id) => (("連携事業者", "Partner"), Some(id.as_str())),
        Actor::Operator(id) => (("操作者", "Operator"), Some(id.as_str())),
        Actor::System => (("システム", "System"), None),
    };
    match id {
        Some(id) => format!("{} {id}", pick(locale, kind)),
        None => pick(locale, kind).to_owned(),
    }
}

pub(super) fn revocation_reason(locale: Locale, reason: RevocationReason) -> &'static str {
    pick(
        locale,
        match reason {
            RevocationReason::NoLongerNeeded => ("不要になった", "no longer needed"),
            RevocationReason::CustomerRequest => ("お客さまの申出", "asked for by the customer"),
            RevocationReason::LinkedByMistake => ("誤って連携した", "linked by mistake"),
            RevocationReason::Fraud => ("不正利用", "unauthorised use"),
            RevocationReason::ServiceEnded => {
                ("事業者との契約の終了", "contract with the partner ended")
            }
            RevocationReason::PartnerLeft => {
                ("事業者の取扱い終了", "partner no longer serves the bank")
            }
            RevocationReason::ContractClosed => ("団体IB契約の解約", "contract closed"),
            RevocationReason::NoAccountLeft => ("口座がなくなった", "no account left"),
            RevocationReason::UserRemoved => ("利用者の削除", "user removed"),
            RevocationReason::PasswordChanged => ("パスワードの変更", "password changed"),
            RevocationReason::CertificateChanged => ("電子証明書の変更", "certificate changed"),
            RevocationReason::LegalOrder => ("法令・当局の命令", "legal order"),
            RevocationReason::Other => ("その他", "other"),
        },
    )
}

pub(super) fn removal_reason(locale: Locale, reason: RemovalReason) -> &'static str {
    pick(
        locale,
        match reason {
            RemovalReason::NoLongerNeeded => ("不要になった", "no longer needed"),
            RemovalReason::LinkedByMistake => ("誤って連携した", "linked by mistake"),
            RemovalReason::AccountClosed => ("口座の解約", "account closed"),
            RemovalReason::RightRemoved => ("照会権限の取消し", "right to the account removed"),
            RemovalReason::AccountMoved => ("口座番号・店番の変更", "account moved"),
            RemovalReason::Other => ("その他", "other"),
        },
    )
}

pub(super) fn suspension_cause(locale: Locale, cause: SuspensionCause) -> &'static str {
    pick(
        locale,
        match cause {
            SuspensionCause::CustomerRequest => ("お客さまの申出", "asked for by the customer"),
            SuspensionCause::SuspectedFraud => ("不正利用の疑い", "suspected fraud"),
            SuspensionCause::SecurityIncident => ("セキュリティ事故", "security incident"),
            SuspensionCause::LegalOrder => ("法令・当局の命令", "legal order"),
            SuspensionCause::UserRemoved => ("利用者の削除", "user removed"),
            SuspensionCause::PasswordChanged => ("パスワードの変更", "password changed"),
            SuspensionCause::CertificateChanged => ("電子証明書の変更", "certificate changed"),
            SuspensionCause::RightRemoved => ("照会権限の取消し", "right to an account removed"),
            SuspensionCause::AccountMoved => ("口座番号・店番の変更", "account moved"),
            SuspensionCause::TermsChanged => ("規定の変更", "terms changed"),
            SuspensionCause::RecipientsChanged => ("再提供先の変更", "onward recipients changed"),
            SuspensionCause::Other => ("その他", "other"),
        },
    )
}

/// A partner's service by its id, where it is among those known.
pub(super) fn partner(known: &[(String, String)], id: &str) -> String {
    let found = known.iter().find(|(partner, _)| partner == id);
    found.map_or_else(|| id.to_owned(), |(_, name)| name.clone())
}

/// How a consent stands, by the word of a search.
pub(super) fn status(locale: Locale, word: &str) -> String {
    Standing::find(word).map_or_else(
        || word.to_owned(),
        |standing| standing.name(locale).to_owned(),
    )
}

/// Why a consent was revoked, by its stored code.
pub(super) fn stored_reason(locale: Locale, code: &str) -> String {
    RevocationReason::find(code).map_or_else(
        || code.to_owned(),
        |reason| revocation_reason(locale, reason).to_owned(),
    )
}

/// Why a consent is suspended, by its stored code.
pub(super) fn stored_cause(locale: Locale, code: &str) -> String {
    SuspensionCause::find(code).map_or_else(
        || code.to_owned(),
        |cause| suspension_cause(locale, cause).to_owned(),
    )
}

/// A step by its stored word.
pub(super) fn stage(locale: Locale, word: &str) -> String {
    let found = FunnelStep::ALL
        .into_iter()
        .find(|step| step.as_str() == word);
    found.map_or_else(|| word.to_owned(), |found| step(locale, found))
}

/// Why a journey ended, by its stored code.
pub(super) fn end_reason(locale: Locale, code: &str) -> String {
    match code {
        "idle" => leaving(locale, Leaving::Idle).to_owned(),
        "total" => leaving(locale, Leaving::OutOfTime).to_owned(),
        code => failure(locale, code),
    }
}

/// Who acted, by the columns of a fact.
pub(super) fn stored_actor(locale: Locale, kind: &str, id: Option<&str>) -> String {
    let id = || id.unwrap_or_default().to_owned();
    match kind {
        "customer" => actor(
            locale,
            &Actor::Customer(Some(id()).filter(|id| !id.is_empty())),
        ),
        "partner" => actor(locale, &Actor::Partner(id())),
        "operator" => actor(locale, &Actor::Operator(id())),
        _ => actor(locale, &Actor::System),
    }
}

/// What became of a notice, by the word of a channel.
pub(super) fn arrival(locale: Locale, word: &str) -> (Tone, String) {
    let (tone, both) = match word {
        "sent" => (Tone::Good, ("送信済み", "sent")),
        "published" => (Tone::Good, ("公開済み", "published")),
        "acknowledged" => (Tone::Good, ("受領済み", "acknowledged")),
        "delivered" => (Tone::Good, ("配信済み", "delivered")),
        "waiting" => (Tone::Caution, ("待ち", "waiting")),
        "handed_out" => (Tone::Caution, ("受領待ち", "handed out")),
        "parked" => (Tone::Bad, ("保留", "parked")),
        "refused" => (Tone::Bad, ("拒否", "refused")),
        "skipped" => (Tone::Caution, ("見送り", "skipped")),
        "unrecorded" => (Tone::Caution, ("記録なし", "not recorded")),
        "not_polled" => (Tone::Quiet, ("利用なし", "not used")),
        "no_target" => (Tone::Quiet, ("送信先なし", "no target")),
        other => return (Tone::Caution, other.to_owned()),
    };
    (tone, pick(locale, both).to_owned())
}

/// What an operator may at a bank.
pub(super) fn role(locale: Locale, role: Role) -> &'static str {
    let words = words::of(locale);
    match role {
        Role::Operator => words.role_operator,
        Role::Auditor => words.role_auditor,
    }
}

/// What an operator did, by the code in the record; a code without a name stays as it is.
pub(super) fn act(locale: Locale, code: &str) -> String {
    let both = match code {
        "log_in" => ("サインイン", "Signed in"),
        "enter" => ("立入り", "Entered"),
        "search" => ("検索", "Searched"),
        "export" => ("書き出し", "Exported"),
        "read_consent" => ("連携の閲覧", "Read a consent"),
        "read_journey" => ("手続きの閲覧", "Read a journey"),
        "read_funnel" => ("推移の閲覧", "Read the funnel"),
        "read_acts" => ("操作記録の閲覧", "Read the log of acts"),
        "read_partners" => ("連携事業者の閲覧", "Read partners"),
        "read_ended" => ("終了した連携の閲覧", "Read what ended"),
        "read_affected" => ("影響の確認", "Read who was affected"),
        "revoke_consent" => ("連携の解除", "Revoked a consent"),
        "remove_account" => ("口座を外した", "Took an account out"),
        "suspend" => ("停止", "Suspended"),
        "restore" => ("停止の解除", "Lifted a suspension"),
        "read_partner" => ("連携事業者の閲覧", "Read a partner"),
        "read_bulk_revocations" | "read_bulk_revocation" => {
            ("一括解除の閲覧", "Read bulk revocations")
        }
        "request_bulk_revocation" => ("一括解除の依頼", "Asked for a bulk revocation"),
        "approve_bulk_revocation" => ("一括解除の承認", "Approved a bulk revocation"),
        "start_bulk_revocation" => ("一括解除の開始", "Started a bulk revocation"),
        "pause_bulk_revocation" => ("一括解除の一時停止", "Paused a bulk revocation"),
        "resume_bulk_revocation" => ("一括解除の再開", "Resumed a bulk revocation"),
        "cancel_bulk_revocation" => ("一括解除の中止", "Cancelled a bulk revocation"),
        "hand_over_consent" => ("引継ぎ", "Handed over"),
        "list_partners" => ("連携事業者の閲覧", "Read partners"),
        "read_partner_access" => ("参照できた範囲の閲覧", "Read what a partner could read"),
        "enable_partner" => ("取扱いの開始", "Enabled a partner"),
        "disable_partner" => ("取扱いの終了", "Disabled a partner"),
        "set_partner_contract" => ("契約期間の登録", "Set a partner's contract"),
        "list_push_targets" => ("通知の送信先の閲覧", "Read push targets"),
        "set_push_target" => ("通知の送信先の設定", "Set a push target"),
        "remove_push_target" => ("通知の送信先の削除", "Removed a push target"),
        "register_partner" => ("連携事業者の登録", "Registered a partner"),
        "change_legal_record" => ("登録内容の変更", "Changed a partner's record"),
        "change_redirect_uris" => ("戻り先URIの変更", "Changed redirect URIs"),
        "add_partner_key" => ("公開鍵の追加", "Added a partner's key"),
        "retire_partner_key" => ("鍵の利用終了の予定", "Planned a key's end"),
        "publish_signing_key" => ("署名鍵の公開", "Published a signing key"),
        "activate_signing_key" => ("署名鍵の使用開始", "Activated a signing key"),
        "retire_signing_key" => ("署名鍵の使用終了", "Retired a signing key"),
        "revoke_signing_key" => ("署名鍵の失効", "Revoked a signing key"),
        other => return other.to_owned(),
    };
    pick(locale, both).to_owned()
}

/// What came of an act, by the word in the record.
pub(super) fn outcome(locale: Locale, word: &str) -> String {
    let both = match word {
        "done" => ("完了", "Done"),
        "already" => ("変更なし", "Already so"),
        "refused" => ("拒否", "Refused"),
        "failed" => ("失敗", "Failed"),
        "begun" => ("結果の記録なし", "Outcome not recorded"),
        other => return other.to_owned(),
    };
    pick(locale, both).to_owned()
}

/// A step as the procedure calls it, with its number.
pub(super) fn step(locale: Locale, step: FunnelStep) -> String {
    let name = pick(
        locale,
        match step {
            FunnelStep::Request => ("申込", "Request"),
            FunnelStep::Login => ("利用登録", "Login"),
            FunnelStep::Tasks => ("認可業務選択", "Tasks"),
            FunnelStep::Accounts => ("口座選択", "Accounts"),
            FunnelStep::Confirm => ("登録口座確認", "Check"),
            FunnelStep::Authorize => ("情報アクセス認可", "Authorization"),
            FunnelStep::Connect => ("事業者の接続", "Partner connects"),
        },
    );
    format!("{} {name}", step.number())
}

pub(super) fn leaving(locale: Locale, leaving: Leaving) -> &'static str {
    pick(
        locale,
        match leaving {
            Leaving::Cancelled => ("お客さまが中止", "Cancelled by the customer"),
            Leaving::Declined => ("許可しない", "Declined"),
            Leaving::Idle => ("時間切れ（離席）", "Timed out, nobody there"),
            Leaving::OutOfTime => ("時間切れ（操作中）", "Timed out while working"),
            Leaving::Failed => ("続けられない", "Could not go on"),
            Leaving::NotConnected => ("未接続", "Not connected"),
            Leaving::Open => ("手続き中", "In progress"),
        },
    )
}

/// A stored word of a snake-case enum, if this release knows it.
fn known<T: DeserializeOwned>(word: &str) -> Option<T> {
    T::deserialize(StrDeserializer::<Unknown>::new(word)).ok()
}

/// Why a journey failed, by its code; a code of another release stays as it is.
pub(super) fn failure(locale: Locale, code: &str) -> String {
    let Some(known) = known::<FailureCode>(code) else {
        return code.to_owned();
    };
    let both = match known {
        FailureCode::LoginRefused => ("利用できない利用者", "login refused by the bank"),
        FailureCode::BankClosed => ("サービス時間外", "bank closed"),
        FailureCode::BankUnavailable => ("金庫のシステムが応答しない", "bank unavailable"),
        FailureCode::TooManyRevisions => ("やりなおしの上限", "too many revisions"),
        FailureCode::PartnerDisabled => ("事業者の取扱い停止", "partner disabled"),
        FailureCode::ContractClosed => ("団体の契約が終了", "contract closed"),
        FailureCode::UserRemoved => ("利用者の登録抹消", "user removed"),
        FailureCode::GrantUnavailable => ("対象の連携がない", "linkage not available"),
    };
    pick(locale, both).to_owned()
}

/// Why step 4 refused an account, by its code.
pub(super) fn rejection(locale: Locale, code: &str) -> String {
    let Some(known) = known::<RejectionReason>(code) else {
        return code.to_owned();
    };
    let both = match known {
        RejectionReason::PinMismatch => ("照会用暗証番号の誤り", "wrong PIN"),
        RejectionReason::PinLocked => ("照会用暗証番号のロック", "PIN locked"),
        RejectionReason::NotEligible => ("対象外の口座", "account not eligible"),
        RejectionReason::VerifierUnavailable => ("金庫が確認できない", "bank could not say"),
    };
    pick(locale, both).to_owned()
}

/// `2026-11-22 15:04:05`, the same in both languages, so that columns line up and can be searched.
pub(super) fn moment(at: DateTime<Utc>) -> String {
    japan::local(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// The same to the minute.
pub(super) fn minute(at: DateTime<Utc>) -> String {
    japan::local(at).format("%Y-%m-%d %H:%M").to_string()
}

/// As `datetime-local` writes it.
pub(super) fn for_input(at: DateTime<Utc>) -> String {
    let local = japan::local(at);
    format!("{}T{:02}:{:02}", local.date(), local.hour(), local.minute())
}

/// The instant that a `datetime-local` of Japan means; with seconds or without, of the years 1 to 9999.
pub(super) fn of_input(text: &str) -> Option<DateTime<Utc>> {
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .into_iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    japan::instant_of(local).filter(|at| japan::has_four_digits(*at))
}

/// `8/31`
pub(super) fn short_day(day: NaiveDate) -> String {
    format!("{}/{}", day.month(), day.day())
}

/// `12,345`
pub(super) fn figure(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0 {
        format!("-{grouped}")
    } else {
        grouped
    }
}

/// `62.5%`; a dash of none.
pub(super) fn share(part: i64, of: i64) -> String {
    if of <= 0 {
        return String::new();
    }
    let permille = part.saturating_mul(1000) / of;
    format!("{}.{}%", permille / 10, permille % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_and_shares_have_one_digit() {
        assert_eq!(figure(0), "0");
        assert_eq!(figure(999), "999");
        assert_eq!(figure(1_000), "1,000");
        assert_eq!(figure(-1_234_567), "-1,234,567");
        assert_eq!(share(1, 3), "33.3%");
        assert_eq!(share(3, 3), "100.0%");
        assert_eq!(share(0, 0), "");
    }

    #[test]
    fn a_moment_goes_through_the_form_and_back_in_japan_time() {
        let at: DateTime<Utc> = "2026-11-21T15:04:00Z".parse().unwrap();
        assert_eq!(moment(at), "2026-11-22 00:04:00");
        assert_eq!(for_input(at), "2026-11-22T00:04");
        assert_eq!(of_input(&for_input(at)), Some(at));
        assert_eq!(of_input("2026-11-22"), None);
    }

    #[test]
    fn codes_of_this_release_have_words_and_others_stay() {
        assert_eq!(failure(Locale::Ja, "bank_closed"), "サービス時間外");
        assert_eq!(failure(Locale::Ja, "moon_full"), "moon_full");
        assert_eq!(rejection(Locale::En, "pin_mismatch"), "wrong PIN");
    }
}
