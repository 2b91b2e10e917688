//! What the banks' notices mean, in plain Japanese: what happened, and what helps.

use crate::notifications::{Meaning, RevokedBy};

pub(super) const TITLE: &str = "金融機関からのお知らせ";
pub(super) const LEAD: &str = "連携した後に金融機関から届いたお知らせを、新しい順に表示します。この画面は自動で更新されます。";
pub(super) const NONE: &str = "お知らせはまだありません。";
pub(super) const ACCOUNTS: &str = "口座と残高を見る";

/// A word for programs, a headline, and what it means.
pub(super) fn of(meaning: Meaning) -> (&'static str, &'static str, &'static str) {
    match meaning {
        Meaning::Authorized => (
            "authorized",
            "口座連携が許可されました",
            "許可された口座のデータの取り込みを始めます。",
        ),
        Meaning::Connected => (
            "connected",
            "連携の準備ができました",
            "残高と明細を取り込めるようになりました。",
        ),
        Meaning::AccountsChanged => (
            "accounts_changed",
            "連携する口座または業務が変わりました",
            "外された口座の取り込みをやめ、加えられた口座の取り込みを始めます。",
        ),
        Meaning::Renewed => (
            "renewed",
            "連携の期間が更新されました",
            "続きから取り込みます。操作は要りません。",
        ),
        Meaning::Expiring => (
            "expiring",
            "連携の有効期限が近づいています",
            "期限までに「口座連携」から更新してください。口座の設定はそのまま引き継がれます。",
        ),
        Meaning::Expired => (
            "expired",
            "連携の有効期限が切れました",
            "取り込みを止めました。続ける場合は「口座連携」からもう一度連携してください。",
        ),
        Meaning::Revoked(RevokedBy::Customer) => (
            "revoked",
            "お客様の操作で連携が終了しました",
            "取り込みを止めました。心当たりがないときは金融機関にお問い合わせください。",
        ),
        Meaning::Revoked(RevokedBy::Bank) => (
            "revoked",
            "金融機関が連携を終了しました",
            "取り込みを止めました。理由は金融機関にお問い合わせください。",
        ),
        Meaning::Revoked(RevokedBy::Other) => (
            "revoked",
            "連携が終了しました",
            "取り込みを止めました。続ける場合は「口座連携」からもう一度連携してください。",
        ),
        Meaning::Suspended => (
            "suspended",
            "連携が一時的に止められています",
            "取り込みを休んでいます。再開されると自動で続きから取り込みます。連携のやり直しは要りません。",
        ),
        Meaning::PartlyRestored => (
            "partly_restored",
            "連携はまだ止められています",
            "止められた理由の一部がなくなりましたが、まだ取り込めません。再開されると自動で取り込みます。",
        ),
        Meaning::Restored => (
            "restored",
            "連携が再開されました",
            "続きから取り込みます。操作は要りません。",
        ),
        Meaning::Superseded => (
            "superseded",
            "新しい連携に切り替わりました",
            "この連携での取り込みを止め、新しい連携で続けます。",
        ),
        Meaning::HandedOver => (
            "handed_over",
            "連携の管理者が変わりました",
            "取り込みはそのまま続きます。操作は要りません。",
        ),
        Meaning::PartnerEnabled => (
            "partner_enabled",
            "金融機関が当サービスとの接続を有効にしました",
            "取り込みができます。操作は要りません。",
        ),
        Meaning::PartnerDisabled => (
            "partner_disabled",
            "金融機関が当サービスとの接続を止めました",
            "この金融機関の取り込みを休んでいます。再開されると自動で取り込みます。連携のやり直しは要りません。",
        ),
    }
}
