//! Every reason that a customer may meet, in plain Japanese: what happened, and what helps.

use actix_web::http::StatusCode;
use chrono::{DateTime, Utc};

use super::display;
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
                    text.push_str(&format!("（次の確認の目安：{again} ごろ）"));
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
                title: "連携が終了しています",
                text: "有効期限が切れたか、許可が取り消されたため、新しいデータを取得できません。\
                       続けて利用する場合は、もう一度連携してください。"
                    .to_owned(),
                remedy: Remedy::Relink,
            },
            Reason::NoAnswer => Self {
                code: "no_answer".to_owned(),
                title: "金融機関のデータを取得できませんでした",
                text: "通信が混み合っているか、一時的に利用できません。連携は有効なままです。\
                       時間をおいて、もう一度お試しください。"
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
            "連携の有効期限が切れています",
            "金融機関で許可された期間が終わったため、新しいデータを取得できません。\
             もう一度連携すると、取得を再開します。",
            Remedy::Relink,
        ),
        ProblemCode::GrantRevoked => (
            "連携の許可が取り消されています",
            "お客様または金融機関が許可を取り消したため、データを取得できません。\
             続けて利用する場合は、もう一度連携してください。",
            Remedy::Relink,
        ),
        ProblemCode::UnknownGrant => (
            "この連携を確認できません",
            "金融機関に、この連携の記録が見つかりません。データを取得できないため、\
             続けて利用する場合は、もう一度連携してください。",
            Remedy::Relink,
        ),
        ProblemCode::GrantSuperseded => (
            "新しい連携に置き換えられています",
            "同じ金融機関で新しい連携が許可されたため、この連携では取得できません。\
             新しい連携が一覧にない場合は、もう一度連携してください。",
            Remedy::Relink,
        ),
        ProblemCode::GrantSuspended => (
            "連携が一時停止されています",
            "金融機関が連携を一時的に止めています。再開されると、手続きなしで取得を再開します。\
             お急ぎの場合は、金融機関にお問い合わせください。",
            Remedy::Wait,
        ),
        ProblemCode::AccountNotInScope => (
            "この口座は連携の対象ではありません",
            "許可された口座に含まれていないため、データを取得できません。取得したい場合は、\
             もう一度連携し、口座選択の画面でこの口座を選んでください。",
            Remedy::Relink,
        ),
        ProblemCode::TaskNotInScope => (
            "この照会は許可されていません",
            "この口座では、この照会（残高または入出金明細）が許可されていません。取得したい場合は、\
             もう一度連携し、認可対象業務を選んでください。",
            Remedy::Relink,
        ),
        ProblemCode::TokenRevoked => (
            "認証情報が無効になっています",
            "安全のため、これまでの認証情報は使えなくなりました。もう一度連携してください。",
            Remedy::Relink,
        ),
        ProblemCode::ClosedHours => (
            "金融機関のサービス時間外です",
            "ただいまの時間は、データを取得できません。連携は有効なままです。\
             サービス時間内に、もう一度お試しください。",
            Remedy::Wait,
        ),
        ProblemCode::Maintenance => (
            "金融機関がメンテナンス中です",
            "メンテナンスが終わるまで、データを取得できません。連携は有効なままです。",
            Remedy::Wait,
        ),
        ProblemCode::BankUnavailable => (
            "金融機関に接続できません",
            "金融機関のシステムが応答していません。連携は有効なままです。\
             時間をおいて、もう一度お試しください。",
            Remedy::Wait,
        ),
        ProblemCode::BankTimeout => (
            "金融機関からの応答に時間がかかっています",
            "時間内に応答がなかったため、データを取得できませんでした。連携は有効なままです。\
             しばらくしてから、もう一度お試しください。",
            Remedy::Wait,
        ),
        ProblemCode::AccountUnavailable => (
            "この口座のデータを取得できません",
            "連携では許可されていますが、金融機関がこの口座のデータを提供していません。\
             解約、または利用権限の変更が考えられます。金融機関にご確認ください。",
            Remedy::Wait,
        ),
        ProblemCode::DecisionUnavailable | ProblemCode::KeysUnavailable => (
            "連携の状態を確認できませんでした",
            "安全のため、連携が有効であることを確認できない間は、データを取得しません。\
             しばらくしてから、もう一度お試しください。",
            Remedy::Wait,
        ),
        ProblemCode::Other => (
            "データを取得できませんでした",
            "金融機関からデータを受け取れませんでした。時間をおいて、もう一度お試しください。\
             続く場合は、お問い合わせ窓口にご連絡ください。",
            Remedy::Wait,
        ),
    }
}

fn not_linked(error: LinkError) -> (&'static str, &'static str, Remedy) {
    match error {
        LinkError::AccessDenied => (
            "口座連携は完了していません",
            "金融機関の画面で許可されなかったか、手続きが中止または時間切れになりました。\
             口座のデータは取得していません。連携する場合は、もう一度手続きしてください。",
            Remedy::Relink,
        ),
        LinkError::TemporarilyUnavailable => (
            "ただいま金融機関を利用できません",
            "金融機関がサービス時間外か、一時的に停止しています。時間をおいて、\
             もう一度手続きしてください。",
            Remedy::Relink,
        ),
        LinkError::ServerError => (
            "金融機関でエラーが起きました",
            "口座連携は完了していません。時間をおいて、もう一度手続きしてください。",
            Remedy::Relink,
        ),
        LinkError::RequestRejected => (
            "口座連携を受け付けてもらえませんでした",
            "当サービスからの依頼が、金融機関に受け付けられませんでした。お客様の操作による\
             ものではありません。お手数ですが、お問い合わせ窓口にご連絡ください。",
            Remedy::Relink,
        ),
        LinkError::BankUnreachable => (
            "金融機関に接続できませんでした",
            "口座連携は完了していません。時間をおいて、もう一度手続きしてください。",
            Remedy::Relink,
        ),
        LinkError::InvalidState => (
            "この手続きは確認できませんでした",
            "手続きを始めたときと別のブラウザで開いたか、時間がたったため、手続きを確認できません。\
             安全のため、連携していません。最初からやり直してください。",
            Remedy::Relink,
        ),
        LinkError::IssuerMismatch => (
            "金融機関を確認できませんでした",
            "選択した金融機関からの応答であることを確認できません。安全のため、連携していません。\
             最初からやり直してください。",
            Remedy::Relink,
        ),
        LinkError::InvalidResponse => (
            "金融機関からの応答を読み取れませんでした",
            "安全のため、連携していません。最初からやり直してください。",
            Remedy::Relink,
        ),
        LinkError::CodeRejected => (
            "手続きの有効期限が切れました",
            "許可のあと、認証情報を受け取れる時間が過ぎたか、すでに使われています。\
             もう一度手続きしてください。",
            Remedy::Relink,
        ),
        LinkError::CodeInDoubt => (
            "認証情報を受け取れませんでした",
            "金融機関では許可が完了していますが、認証情報を受け取れませんでした。\
             もう一度手続きしてください。許可した内容は引き継がれます。",
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
