//! Every reason that a customer may meet, in plain words: what happened, and what helps.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};

use super::display;
use super::locale::say;
use crate::access::Reason;
use crate::account_api::ProblemCode;
use crate::linking::LinkError;

/// A reason as it is shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Explanation {
    /// Stands in `data-error`.
    pub(super) code: String,
    pub(super) title: &'static str,
    pub(super) text: String,
    pub(super) remedy: Remedy,
}

/// What the customer can do here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Link the bank again.
    Relink,
    /// Nothing but wait.
    Wait,
}

impl Explanation {
    pub(super) fn is_relink(&self) -> bool {
        self.remedy == Remedy::Relink
    }

    /// Why there are no data.
    pub(super) fn of_reason(reason: Reason, now: DateTime<Utc>) -> Self {
        match reason {
            Reason::Refused(code, retry_after_seconds) => {
                let (title, text, remedy) = refused(code);
                let mut text = text.to_owned();
                if let (Remedy::Wait, Some(seconds)) = (remedy, retry_after_seconds) {
                    let again = display::later(now, seconds);
                    text.push_str(&say(
                        format!("（次の確認の目安：{again} ごろ）"),
                        format!(" (Next try: about {again}.)"),
                    ));
                }
                Self {
                    code: code.as_str().to_owned(),
                    title,
                    text,
                    remedy,
                }
            }
            Reason::LinkageEnded => Self {
                code: "linkage_ended".to_owned(),
                title: say("連携が終了しています", "This linkage has ended"),
                text: say("有効期限が切れたか、許可が取り消されたため、新しいデータを取得できません。\
                       続けて利用する場合は、もう一度連携してください。", "Its period is over or the permission was withdrawn, so no new data can be read. To go on using it, link again.")
                    .to_owned(),
                remedy: Remedy::Relink,
            },
            Reason::NoAnswer => Self {
                code: "no_answer".to_owned(),
                title: say("金融機関のデータを取得できませんでした", "The bank's data could not be read"),
                text: say("通信が混み合っているか、一時的に利用できません。連携は有効なままです。\
                       時間をおいて、もう一度お試しください。", "The connection is busy or not available for now. The linkage is still valid. Please try again later.")
                    .to_owned(),
                remedy: Remedy::Wait,
            },
        }
    }

    /// Why there is no linkage.
    pub(super) fn of_link_error(error: LinkError) -> Self {
        let (title, text, remedy) = not_linked(error);
        Self {
            code: error.code(),
            title,
            text: text.to_owned(),
            remedy,
        }
    }
}

fn refused(code: ProblemCode) -> (&'static str, &'static str, Remedy) {
    match code {
        ProblemCode::GrantExpired => (
            say(
                "連携の有効期限が切れています",
                "The period of this linkage is over",
            ),
            say(
                "金融機関で許可された期間が終わったため、新しいデータを取得できません。\
             もう一度連携すると、取得を再開します。",
                "The period that was allowed at the bank has ended, so no new data can be read. Link again to continue.",
            ),
            Remedy::Relink,
        ),
        ProblemCode::GrantRevoked => (
            say(
                "連携の許可が取り消されています",
                "The permission for this linkage was withdrawn",
            ),
            say(
                "お客様または金融機関が許可を取り消したため、データを取得できません。\
             続けて利用する場合は、もう一度連携してください。",
                "You or the bank withdrew the permission, so no data can be read. To go on using it, link again.",
            ),
            Remedy::Relink,
        ),
        ProblemCode::UnknownGrant => (
            say(
                "この連携を確認できません",
                "This linkage can't be confirmed",
            ),
            say(
                "金融機関に、この連携の記録が見つかりません。データを取得できないため、\
             続けて利用する場合は、もう一度連携してください。",
                "The bank has no record of this linkage, so no data can be read. To go on using it, link again.",
            ),
            Remedy::Relink,
        ),
        ProblemCode::GrantSuperseded => (
            say(
                "新しい連携に置き換えられています",
                "A newer linkage has taken its place",
            ),
            say(
                "同じ金融機関で新しい連携が許可されたため、この連携では取得できません。\
             新しい連携が一覧にない場合は、もう一度連携してください。",
                "A newer linkage was allowed at the same bank, so this one reads nothing. If the newer one is not in the list, link again.",
            ),
            Remedy::Relink,
        ),
        ProblemCode::GrantSuspended => (
            say("連携が一時停止されています", "This linkage is suspended"),
            say(
                "金融機関が連携を一時的に止めています。再開されると、手続きなしで取得を再開します。\
             お急ぎの場合は、金融機関にお問い合わせください。",
                "The bank has suspended the linkage. When it is restored, reading continues by itself. If it is urgent, please contact the bank.",
            ),
            Remedy::Wait,
        ),
        ProblemCode::AccountNotInScope => (
            say(
                "この口座は連携の対象ではありません",
                "This account is not part of the linkage",
            ),
            say(
                "許可された口座に含まれていないため、データを取得できません。取得したい場合は、\
             もう一度連携し、口座選択の画面でこの口座を選んでください。",
                "It is not among the accounts that were allowed, so no data can be read. To read it, link again and select it on the screen for accounts.",
            ),
            Remedy::Relink,
        ),
        ProblemCode::TaskNotInScope => (
            say(
                "この照会は許可されていません",
                "This inquiry was not allowed",
            ),
            say(
                "この口座では、この照会（残高または入出金明細）が許可されていません。取得したい場合は、\
             もう一度連携し、認可対象業務を選んでください。",
                "Balance or transactions were not allowed for this account. To read them, link again and select the task.",
            ),
            Remedy::Relink,
        ),
        ProblemCode::TokenRevoked => (
            say(
                "認証情報が無効になっています",
                "The credentials are no longer valid",
            ),
            say(
                "安全のため、これまでの認証情報は使えなくなりました。もう一度連携してください。",
                "For your safety the credentials so far were withdrawn. Please link again.",
            ),
            Remedy::Relink,
        ),
        ProblemCode::ClosedHours => (
            say(
                "金融機関のサービス時間外です",
                "The bank is outside its service hours",
            ),
            say(
                "ただいまの時間は、データを取得できません。連携は有効なままです。\
             サービス時間内に、もう一度お試しください。",
                "No data can be read at this time. The linkage is still valid. Please try again within service hours.",
            ),
            Remedy::Wait,
        ),
        ProblemCode::Maintenance => (
            say(
                "金融機関がメンテナンス中です",
                "The bank is under maintenance",
            ),
            say(
                "メンテナンスが終わるまで、データを取得できません。連携は有効なままです。",
                "No data can be read until the maintenance is over. The linkage is still valid.",
            ),
            Remedy::Wait,
        ),
        ProblemCode::BankUnavailable => (
            say("金融機関に接続できません", "The bank can't be reached"),
            say(
                "金融機関のシステムが応答していません。連携は有効なままです。\
             時間をおいて、もう一度お試しください。",
                "The bank's system does not answer. The linkage is still valid. Please try again later.",
            ),
            Remedy::Wait,
        ),
        ProblemCode::BankTimeout => (
            say(
                "金融機関からの応答に時間がかかっています",
                "The bank takes long to answer",
            ),
            say(
                "時間内に応答がなかったため、データを取得できませんでした。連携は有効なままです。\
             しばらくしてから、もう一度お試しください。",
                "There was no answer in time, so no data could be read. The linkage is still valid. Please try again in a while.",
            ),
            Remedy::Wait,
        ),
        ProblemCode::AccountUnavailable => (
            say(
                "この口座のデータを取得できません",
                "The data of this account can't be read",
            ),
            say(
                "連携では許可されていますが、金融機関がこの口座のデータを提供していません。\
             解約、または利用権限の変更が考えられます。金融機関にご確認ください。",
                "The linkage allows it, but the bank gives no data of this account. It may have been closed, or your rights may have changed. Please ask the bank.",
            ),
            Remedy::Wait,
        ),
        ProblemCode::DecisionUnavailable
        | ProblemCode::RecordUnavailable
        | ProblemCode::KeysUnavailable => (
            say(
                "連携の状態を確認できませんでした",
                "The state of the linkage could not be confirmed",
            ),
            say(
                "安全のため、連携が有効であることを確認できない間は、データを取得しません。\
             しばらくしてから、もう一度お試しください。",
                "For your safety nothing is read while it can't be confirmed that the linkage is valid. Please try again in a while.",
            ),
            Remedy::Wait,
        ),
        ProblemCode::Other => (
            say("データを取得できませんでした", "The data could not be read"),
            say(
                "金融機関からデータを受け取れませんでした。時間をおいて、もう一度お試しください。\
             続く場合は、お問い合わせ窓口にご連絡ください。",
                "No data came from the bank. Please try again later. If it goes on, please contact us.",
            ),
            Remedy::Wait,
        ),
    }
}

fn not_linked(error: LinkError) -> (&'static str, &'static str, Remedy) {
    match error {
        LinkError::AccessDenied => (
            say("口座連携は完了していません", "The linkage is not complete"),
            say(
                "金融機関の画面で許可されなかったか、手続きが中止または時間切れになりました。\
             口座のデータは取得していません。連携する場合は、もう一度手続きしてください。",
                "It was not allowed on the bank's screen, or the procedure was cancelled or ran out of time. No account data was read. To link, please start again.",
            ),
            Remedy::Relink,
        ),
        LinkError::TemporarilyUnavailable => (
            say(
                "ただいま金融機関を利用できません",
                "The bank is not available now",
            ),
            say(
                "金融機関がサービス時間外か、一時的に停止しています。時間をおいて、\
             もう一度手続きしてください。",
                "The bank is outside its service hours or has stopped for now. Please start again later.",
            ),
            Remedy::Relink,
        ),
        LinkError::ServerError => (
            say(
                "金融機関でエラーが起きました",
                "An error came up at the bank",
            ),
            say(
                "口座連携は完了していません。時間をおいて、もう一度手続きしてください。",
                "The linkage is not complete. Please start again later.",
            ),
            Remedy::Relink,
        ),
        LinkError::RequestRejected => (
            say(
                "口座連携を受け付けてもらえませんでした",
                "The bank did not take the request",
            ),
            say(
                "当サービスからの依頼が、金融機関に受け付けられませんでした。お客様の操作による\
             ものではありません。お手数ですが、お問い合わせ窓口にご連絡ください。",
                "The bank did not take this service's request. Nothing that you did is the cause. Please contact us.",
            ),
            Remedy::Relink,
        ),
        LinkError::BankUnreachable => (
            say(
                "金融機関に接続できませんでした",
                "The bank could not be reached",
            ),
            say(
                "口座連携は完了していません。時間をおいて、もう一度手続きしてください。",
                "The linkage is not complete. Please start again later.",
            ),
            Remedy::Relink,
        ),
        LinkError::InvalidState => (
            say(
                "この手続きは確認できませんでした",
                "This procedure could not be confirmed",
            ),
            say(
                "手続きを始めたときと別のブラウザで開いたか、時間がたったため、手続きを確認できません。\
             安全のため、連携していません。最初からやり直してください。",
                "It was opened in another browser than the one it began in, or too late. For your safety nothing was linked. Please start again.",
            ),
            Remedy::Relink,
        ),
        LinkError::IssuerMismatch => (
            say(
                "金融機関を確認できませんでした",
                "The bank could not be confirmed",
            ),
            say(
                "選択した金融機関からの応答であることを確認できません。安全のため、連携していません。\
             最初からやり直してください。",
                "It can't be confirmed that the answer is the chosen bank's. For your safety nothing was linked. Please start again.",
            ),
            Remedy::Relink,
        ),
        LinkError::InvalidResponse => (
            say(
                "金融機関からの応答を読み取れませんでした",
                "The bank's answer could not be read",
            ),
            say(
                "安全のため、連携していません。最初からやり直してください。",
                "For your safety nothing was linked. Please start again.",
            ),
            Remedy::Relink,
        ),
        LinkError::CodeRejected => (
            say(
                "手続きの有効期限が切れました",
                "The procedure is out of date",
            ),
            say(
                "許可のあと、認証情報を受け取れる時間が過ぎたか、すでに使われています。\
             もう一度手続きしてください。",
                "The time to fetch the credentials after the permission has passed, or they were used. Please start again.",
            ),
            Remedy::Relink,
        ),
        LinkError::CodeInDoubt => (
            say(
                "認証情報を受け取れませんでした",
                "The credentials could not be fetched",
            ),
            say(
                "金融機関では許可が完了していますが、認証情報を受け取れませんでした。\
             もう一度手続きしてください。許可した内容は引き継がれます。",
                "The permission is complete at the bank, but the credentials did not arrive. Please start again; what you allowed is kept.",
            ),
            Remedy::Relink,
        ),
    }
}

/// The status of the page for an error.
pub(super) fn status_of(error: LinkError) -> StatusCode {
    match error {
        // The customer's own decision: nothing is wrong with the request.
        LinkError::AccessDenied => StatusCode::OK,
        LinkError::InvalidState
        | LinkError::IssuerMismatch
        | LinkError::InvalidResponse
        | LinkError::CodeRejected => StatusCode::BAD_REQUEST,
        LinkError::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        LinkError::ServerError
        | LinkError::RequestRejected
        | LinkError::BankUnreachable
        | LinkError::CodeInDoubt => StatusCode::BAD_GATEWAY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_names_the_time_where_it_is_known() {
        let now = "2026-04-01T12:00:00Z".parse().unwrap();

        let closed =
            Explanation::of_reason(Reason::Refused(ProblemCode::ClosedHours, Some(36_000)), now);
        let revoked =
            Explanation::of_reason(Reason::Refused(ProblemCode::GrantRevoked, Some(60)), now);

        assert!(closed.text.contains("2026年4月2日 7:00"));
        assert!(!revoked.text.contains("ごろ"));
        assert!(revoked.is_relink());
    }
}
