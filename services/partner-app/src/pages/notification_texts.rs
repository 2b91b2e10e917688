//! What the banks' notices mean, in plain words: what happened, and what helps.

use super::locale::say;
use crate::notifications::{Meaning, RevokedBy};

/// The page's own.
pub(super) fn title() -> &'static str {
    say("金融機関からのお知らせ", "Notices from the banks")
}

pub(super) fn lead() -> &'static str {
    say(
        "連携した後に金融機関から届いたお知らせを、新しい順に表示します。この画面は自動で更新されます。",
        "What the banks told since you linked, newest first. This page refreshes itself.",
    )
}

pub(super) fn none() -> &'static str {
    say("お知らせはまだありません。", "There are no notices yet.")
}

pub(super) fn accounts() -> &'static str {
    say("口座と残高を見る", "Show accounts and balances")
}

/// A word for programs, a headline, and what it means.
pub(super) fn of(meaning: Meaning) -> (&'static str, &'static str, &'static str) {
    match meaning {
        Meaning::Authorized => (
            "authorized",
            say("口座連携が許可されました", "Linking was allowed"),
            say(
                "許可された口座のデータの取り込みを始めます。",
                "Data of the allowed accounts is being brought in.",
            ),
        ),
        Meaning::Connected => (
            "connected",
            say("連携の準備ができました", "The link is ready"),
            say(
                "残高と明細を取り込めるようになりました。",
                "Balances and transactions can be brought in now.",
            ),
        ),
        Meaning::AccountsChanged => (
            "accounts_changed",
            say(
                "連携する口座または業務が変わりました",
                "The linked accounts or tasks changed",
            ),
            say(
                "外された口座の取り込みをやめ、加えられた口座の取り込みを始めます。",
                "Accounts taken out are no longer read; accounts added are read from now on.",
            ),
        ),
        Meaning::Renewed => (
            "renewed",
            say(
                "連携の期間が更新されました",
                "The link's period was renewed",
            ),
            say(
                "続きから取り込みます。操作は要りません。",
                "Data goes on from where it was. There is nothing to do.",
            ),
        ),
        Meaning::Expiring => (
            "expiring",
            say("連携の有効期限が近づいています", "The link will end soon"),
            say(
                "期限までに「口座連携」から更新してください。口座の設定はそのまま引き継がれます。",
                "Please renew it under “Link accounts” before it ends. Your accounts stay as they are set.",
            ),
        ),
        Meaning::Expired => (
            "expired",
            say("連携の有効期限が切れました", "The link's time is over"),
            say(
                "取り込みを止めました。続ける場合は「口座連携」からもう一度連携してください。",
                "Nothing is brought in any more. To go on, link again under “Link accounts”.",
            ),
        ),
        Meaning::Revoked(RevokedBy::Customer) => (
            "revoked",
            say("お客様の操作で連携が終了しました", "You ended the link"),
            say(
                "取り込みを止めました。心当たりがないときは金融機関にお問い合わせください。",
                "Nothing is brought in any more. If this was not you, please ask the bank.",
            ),
        ),
        Meaning::Revoked(RevokedBy::Bank) => (
            "revoked",
            say("金融機関が連携を終了しました", "The bank ended the link"),
            say(
                "取り込みを止めました。理由は金融機関にお問い合わせください。",
                "Nothing is brought in any more. Please ask the bank for the reason.",
            ),
        ),
        Meaning::Revoked(RevokedBy::Other) => (
            "revoked",
            say("連携が終了しました", "The link has ended"),
            say(
                "取り込みを止めました。続ける場合は「口座連携」からもう一度連携してください。",
                "Nothing is brought in any more. To go on, link again under “Link accounts”.",
            ),
        ),
        Meaning::Suspended => (
            "suspended",
            say("連携が一時的に止められています", "The link is paused"),
            say(
                "取り込みを休んでいます。再開されると自動で続きから取り込みます。連携のやり直しは要りません。",
                "Nothing is brought in for now. It goes on by itself when the pause ends; there is no need to link again.",
            ),
        ),
        Meaning::PartlyRestored => (
            "partly_restored",
            say("連携はまだ止められています", "The link is still paused"),
            say(
                "止められた理由の一部がなくなりましたが、まだ取り込めません。再開されると自動で取り込みます。",
                "One reason for the pause is gone, another is not. It goes on by itself when the pause ends.",
            ),
        ),
        Meaning::Restored => (
            "restored",
            say("連携が再開されました", "The link goes on"),
            say(
                "続きから取り込みます。操作は要りません。",
                "Data goes on from where it was. There is nothing to do.",
            ),
        ),
        Meaning::Superseded => (
            "superseded",
            say(
                "新しい連携に切り替わりました",
                "A new link took the place of this one",
            ),
            say(
                "この連携での取り込みを止め、新しい連携で続けます。",
                "Nothing more is read by this link; the new one goes on.",
            ),
        ),
        Meaning::HandedOver => (
            "handed_over",
            say(
                "連携の管理者が変わりました",
                "Somebody else at your organization now manages the link",
            ),
            say(
                "取り込みはそのまま続きます。操作は要りません。",
                "Data goes on as before. There is nothing to do.",
            ),
        ),
        Meaning::PartnerEnabled => (
            "partner_enabled",
            say(
                "金融機関が当サービスとの接続を有効にしました",
                "The bank enabled its connection with this service",
            ),
            say(
                "取り込みができます。操作は要りません。",
                "Data can be brought in. There is nothing to do.",
            ),
        ),
        Meaning::PartnerDisabled => (
            "partner_disabled",
            say(
                "金融機関が当サービスとの接続を止めました",
                "The bank stopped its connection with this service",
            ),
            say(
                "この金融機関の取り込みを休んでいます。再開されると自動で取り込みます。連携のやり直しは要りません。",
                "Nothing is brought in from this bank for now. It goes on by itself when the bank allows it; there is no need to link again.",
            ),
        ),
        Meaning::PartnerSuspended => (
            "partner_suspended",
            say(
                "金融機関が当サービスとの接続を一時的に止めました",
                "The bank paused its connection with this service",
            ),
            say(
                "この金融機関の取り込みを休んでいます。再開されると自動で続きから取り込みます。連携のやり直しは要りません。",
                "Nothing is brought in from this bank for now. It goes on by itself when the pause ends; there is no need to link again.",
            ),
        ),
        Meaning::PartnerRestored => (
            "partner_restored",
            say(
                "金融機関が当サービスとの接続の停止を解除しました",
                "The bank lifted a pause of its connection with this service",
            ),
            say(
                "ほかに止められている理由がなければ、続きから取り込みます。操作は要りません。",
                "Unless there is another reason for a pause, data goes on from where it was. There is nothing to do.",
            ),
        ),
    }
}
