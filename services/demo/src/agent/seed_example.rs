//! The procedure's own example, kept as data: who does what, and what steps 4 and 5 then show.
//!
//! The example begins with two older linkages: this partner's service has 豊後支店 1000014, another
//! service has 9999999. They are made first ([`earlier_linkages`]) by the same steps.

mod check;
mod print;

use super::browser::Tick;
use super::walk::{AccountRow, Choices, Credentials, Mark, RowChoice, Step, Task};

pub use check::{Mismatch, check};
pub use print::{print_mismatches, print_story};

/// The example's bank, 中央労働金庫.
pub const BANK_CODE: &str = "2963";

/// The customer's ログインID at the sandbox bank.
pub const LOGIN_ID: &str = "dantai01";

/// The customer's password at the sandbox bank.
pub const PASSWORD: &str = "Rokin2026";

/// The customer's 照会用暗証番号 at the sandbox bank.
pub const PIN: &str = "4826";

/// What the customer types for 1111111: that a wrong PIN is what kept it 未登録 is our reading of
/// the procedure.
pub const WRONG_PIN: &str = "0000";

/// What the customer types beside the unticked 9999999. It must reach nobody; it differs from both
/// others so that a guess with it can be told from theirs.
pub const UNSENT_PIN: &str = "5937";

/// インターネット支店 5000000, which the example links.
pub const FIRST_ACCOUNT: &str = "インターネット支店(000) 普通 5000000";

/// インターネット支店 1111111, whose PIN is wrong.
pub const MISTYPED_ACCOUNT: &str = "インターネット支店(000) 普通 1111111";

/// インターネット支店 9999999, registered by another linkage and left alone.
pub const OTHER_ACCOUNT: &str = "インターネット支店(000) 普通 9999999";

/// 豊後支店 1000014, linked before and linked again.
pub const LINKED_ACCOUNT: &str = "豊後支店(490) 普通 1000014";

/// The columns of both tables.
pub const COLUMNS: [&str; 4] = [
    "登録状況",
    "照会口座",
    "口座メモ",
    "照会用暗証番号(数字4桁)",
];

/// The bank's screens in order.
pub const TITLES: [(Step, &str); 6] = [
    (Step::LogIn, "API連携認証（利用登録）"),
    (Step::ChooseTasks, "API連携認証（認可業務選択）"),
    (Step::ChooseAccounts, "API連携認証（口座選択）"),
    (Step::CheckRegistration, "API連携認証（登録口座確認）"),
    (Step::Authorize, "API連携認証（情報アクセス認可）"),
    (Step::End, "団体IBは終了しました"),
];

const MEMO: &str = "口座メモ5678901234567890";
const DOTS: &str = "●●●●";

/// Whose linkage came before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlierPartner {
    /// The service that the example links again.
    SameService,
    /// A service of another partner.
    AnotherService,
}

/// A linkage that the example takes for granted.
#[derive(Clone)]
pub struct EarlierLinkage {
    /// Whose it is.
    pub partner: EarlierPartner,
    /// How the customer made it.
    pub choices: Choices,
}

/// The customer's login.
#[must_use]
pub fn credentials() -> Credentials {
    Credentials {
        login_id: LOGIN_ID.to_owned(),
        password: PASSWORD.to_owned(),
    }
}

/// The linkages to make before the example, in this order.
#[must_use]
pub fn earlier_linkages() -> [EarlierLinkage; 2] {
    let with = |partner, account| EarlierLinkage {
        partner,
        choices: choices_of(vec![row(account, Mark::Tick, PIN)]),
    };
    [
        with(EarlierPartner::SameService, LINKED_ACCOUNT),
        with(EarlierPartner::AnotherService, OTHER_ACCOUNT),
    ]
}

/// What the customer does in the example.
#[must_use]
pub fn choices() -> Choices {
    choices_of(vec![
        row(FIRST_ACCOUNT, Mark::Tick, PIN),
        row(MISTYPED_ACCOUNT, Mark::Tick, WRONG_PIN),
        row(OTHER_ACCOUNT, Mark::Leave, UNSENT_PIN),
        // Ticked already, being part of this linkage; its PIN is asked all the same.
        row(LINKED_ACCOUNT, Mark::Leave, PIN),
    ])
}

/// The table of step 4 as the customer sends it, cell for cell.
#[must_use]
pub fn selection() -> [AccountRow; 4] {
    [
        expected(Tick::Ticked, "未登録", FIRST_ACCOUNT, MEMO, DOTS),
        expected(Tick::Ticked, "未登録", MISTYPED_ACCOUNT, "-", DOTS),
        expected(Tick::Unticked, "登録済み", OTHER_ACCOUNT, "-", DOTS),
        expected(Tick::Ticked, "登録済み*", LINKED_ACCOUNT, MEMO, DOTS),
    ]
}

/// The table of step 5, cell for cell.
#[must_use]
pub fn confirmation() -> [AccountRow; 4] {
    [
        expected(Tick::Absent, "登録済み*", FIRST_ACCOUNT, MEMO, DOTS),
        expected(Tick::Absent, "未登録", MISTYPED_ACCOUNT, "-", "-"),
        expected(Tick::Absent, "登録済み", OTHER_ACCOUNT, "-", "-"),
        expected(Tick::Absent, "登録済み*", LINKED_ACCOUNT, MEMO, DOTS),
    ]
}

fn choices_of(rows: Vec<RowChoice>) -> Choices {
    Choices {
        credentials: credentials(),
        tasks: Task::ALL.to_vec(),
        rows,
    }
}

fn row(account: &str, mark: Mark, pin: &str) -> RowChoice {
    RowChoice {
        account: account.to_owned(),
        mark,
        pin: Some(pin.to_owned()),
    }
}

fn expected(tick: Tick, status: &str, account: &str, memo: &str, pin: &str) -> AccountRow {
    let [status, account, memo, pin] = [status, account, memo, pin].map(str::to_owned);
    AccountRow {
        tick,
        status,
        account,
        memo,
        pin,
    }
}
