//! GET /v1/accounts/{account_id}/transactions: 入出金明細照会, by transaction date (取引日).

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{AccountApi, account_id};
use crate::access_token::AccessToken;
use crate::bank::{self, Movement, PageRequest};
use crate::clock::parse_day;
use crate::cursor::{Cursor, CursorOwner};
use crate::date_range::{Adjustment, AskedRange, FirstDays, ReadableRange};
use crate::decisions::{AllowedRead, DataRead, What};
use crate::problem::Problem;
use crate::query;
use crate::task::{AccountId, Task};
use crate::trace_context::RequestContext;

/// Transactions of a page where the partner does not say, and at most.
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;

/// 入出金明細, newest last.
#[derive(Serialize, ToSchema)]
#[schema(as = Transactions)]
pub(crate) struct Answer<'a> {
    /// The partner's own id of the account.
    #[schema(example = "q3Zk0mJx8VtY1nLc5RbW2A")]
    account_id: &'a str,
    /// The first day that was read.
    #[schema(example = "2026-01-01")]
    from: NaiveDate,
    /// The last day that was read.
    #[schema(example = "2026-04-15")]
    to: NaiveDate,
    /// Whether a `from` that was sent had to move.
    #[schema(example = true)]
    clamped: bool,
    /// One entry for each limit that lies after the `from` that was sent.
    adjustments: Vec<AnswerAdjustment>,
    /// By transaction date (取引日).
    transactions: Vec<AnswerTransaction>,
    /// For the next page; `null` on the last one.
    #[schema(example = "eyJmIjoiMjAyNi0wMS0wMSJ9")]
    next_cursor: Option<String>,
}

/// Why a day that was asked for was not read.
#[derive(Serialize, ToSchema)]
#[schema(as = Adjustment)]
struct AnswerAdjustment {
    /// Always `from`.
    #[schema(example = "from")]
    parameter: &'static str,
    /// `from_before_available`: the bank has nothing earlier. `from_before_history_from`: the customer
    /// did not allow earlier days.
    #[schema(example = "from_before_history_from")]
    reason: &'static str,
    /// The first day that the limit lets through.
    #[schema(example = "2026-01-01")]
    limit: NaiveDate,
}

/// 明細.
#[derive(Serialize, ToSchema)]
#[schema(as = Transaction)]
struct AnswerTransaction {
    /// 明細キー: unique and stable within the account.
    #[schema(example = "20260401-000001")]
    item_key: String,
    /// 取引日.
    #[schema(example = "2026-04-01")]
    transaction_date: NaiveDate,
    /// 起算日.
    #[schema(example = "2026-04-01")]
    value_date: NaiveDate,
    /// `deposit` (入金) or `withdrawal` (出金).
    #[schema(example = "deposit")]
    r#type: &'static str,
    /// Whole yen; `null` for a withdrawal.
    #[schema(example = 50_000)]
    deposit_amount: Option<i64>,
    /// Whole yen; `null` for a deposit.
    #[schema(example = json!(null))]
    withdrawal_amount: Option<i64>,
    /// 取引後残高 in whole yen.
    #[schema(example = 1_234_567)]
    balance_after: i64,
    /// 摘要.
    #[schema(example = "フリコミ")]
    remarks: String,
}

/// What may be asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "it describes the query, which is read strictly by hand"
)]
pub(crate) struct Query {
    /// First day, `YYYY-MM-DD`, in Japan; not later than `to` and today. Without it the first day that
    /// may be read.
    #[param(nullable = false, example = "2026-01-01")]
    from: Option<NaiveDate>,
    /// Last day, inclusive; not later than today, which it is without being sent.
    #[param(nullable = false, example = "2026-04-15")]
    to: Option<NaiveDate>,
    /// Transactions of a page.
    #[param(nullable = false, minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before; `from` and `to` need not be sent again.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// The query, before the limits are known.
struct Question {
    asked: AskedRange,
    cursor: Option<Cursor>,
    limit: u32,
}

#[utoipa::path(
    get,
    path = "/v1/accounts/{account_id}/transactions",
    tag = "accounts",
    operation_id = "transactions",
    summary = "入出金明細照会",
    description = "By transaction date (取引日), both ends inclusive, newest last. The first day read is \
        the latest of `from`, the bank's first available day and the grant's `history_from`; the answer \
        says which days were read, and why `from` moved.",
    params(crate::openapi::AccountPath, Query),
    responses((status = 200, description = "A page of transactions", body = Answer)),
    security(("access_token" = ["transactions"]))
)]
pub(crate) async fn read(
    request: HttpRequest,
    api: web::Data<AccountApi>,
    context: web::ReqData<RequestContext>,
) -> Result<HttpResponse, Problem> {
    let token = api.authenticate(&request).await?;
    let account_id = account_id(&request)?;
    let owner = CursorOwner {
        token: &token,
        account_id: &account_id,
    };
    let today = api.clock.today_in_japan();
    let question = Question::parse(request.query_string(), owner, today)?;
    let allowed = api
        .authorize(&token, Task::Transactions, &account_id, &context)
        .await?;
    let first_days = first_days(&api, &token, &allowed, &context).await?;
    let range = question.range(first_days, today)?;
    let page = if range.is_empty() {
        bank::TransactionPage {
            transactions: Vec::new(),
            next_page_token: None,
        }
    } else {
        let page = question.page(&range);
        api.bank
            .transactions(token.bank_code(), &allowed, page, &context)
            .await?
    };
    let read = DataRead {
        what: What::Transactions {
            bank_account_id: allowed.bank_account_id,
            days: (!range.is_empty()).then_some((range.from, range.to)),
            last_served: last_served(&range, &page, today),
        },
        rows: page.transactions.len(),
    };
    let next_cursor = Cursor::after(question.asked, &range, page.next_page_token)
        .map(|cursor| cursor.encode(owner).ok_or(Problem::BankUnavailable))
        .transpose()?;
    let answer = answer(&account_id, range, page.transactions, next_cursor);
    api.serve(&token, read, &context, answer).await
}

/// The last day of the range that is over and of which, with the pages before, every transaction is
/// served. Today may bring more; and the day that a page ends on may go on with the next page.
fn last_served(
    range: &ReadableRange,
    page: &bank::TransactionPage,
    today: NaiveDate,
) -> Option<NaiveDate> {
    let days = page.transactions.iter().map(|row| row.transaction_date);
    let unfinished = match page.next_page_token {
        Some(_) => days.max()?,
        None => today,
    };
    let last = range.to.min(unfinished.pred_opt()?);
    (last >= range.from).then_some(last)
}

async fn first_days(
    api: &AccountApi,
    token: &AccessToken,
    allowed: &AllowedRead,
    context: &RequestContext,
) -> Result<FirstDays, Problem> {
    let listing = api
        .bank
        .account(token.bank_code(), allowed, context)
        .await?;
    let available_from = listing
        .available_from(Task::Transactions)
        .ok_or(Problem::AccountUnavailable)?;
    Ok(FirstDays {
        available_from,
        history_from: allowed.history_from,
    })
}

impl Question {
    fn parse(query: &str, owner: CursorOwner<'_>, today: NaiveDate) -> Result<Self, Problem> {
        let [from, to, cursor, limit] = query::read(query, ["from", "to", "cursor", "limit"])?;
        let sent = AskedRange {
            from: day(from.as_deref())?,
            to: day(to.as_deref())?,
        };
        sent.check(today)?;
        let limit = self::limit(limit.as_deref())?;
        let cursor = cursor.map(|text| Cursor::parse(&text, owner)).transpose()?;
        let asked = match &cursor {
            None => sent,
            Some(cursor) => {
                let asked = cursor.asked(sent)?;
                asked.check(today).map_err(|_| Problem::InvalidCursor)?;
                asked
            }
        };
        Ok(Self {
            asked,
            cursor,
            limit,
        })
    }

    /// The days that are read. A cursor whose first day is no longer the one that the limits give
    /// (they moved between two pages, or somebody moved the cursor's) continues nothing.
    fn range(&self, first_days: FirstDays, today: NaiveDate) -> Result<ReadableRange, Problem> {
        let range = self.asked.within(first_days, today);
        match &self.cursor {
            Some(cursor) if cursor.from != range.from => Err(Problem::InvalidCursor),
            _ => Ok(range),
        }
    }

    fn page<'a>(&'a self, range: &'a ReadableRange) -> PageRequest<'a> {
        let page_token = self
            .cursor
            .as_ref()
            .map(|cursor| cursor.page_token.as_str());
        PageRequest {
            range,
            page_token,
            page_size: self.limit,
        }
    }
}

fn day(text: Option<&str>) -> Result<Option<NaiveDate>, Problem> {
    text.map(|text| {
        parse_day(text).ok_or(Problem::InvalidParameter(
            "from and to are calendar days, written YYYY-MM-DD.",
        ))
    })
    .transpose()
}

fn limit(text: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = text else {
        return Ok(DEFAULT_LIMIT);
    };
    Some(text)
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .ok_or(Problem::InvalidParameter(
            "limit is a number between 1 and 500.",
        ))
}

fn answer(
    account_id: &AccountId,
    range: ReadableRange,
    transactions: Vec<bank::Transaction>,
    next_cursor: Option<String>,
) -> Answer<'_> {
    Answer {
        account_id: account_id.as_str(),
        from: range.from,
        to: range.to,
        clamped: !range.adjustments.is_empty(),
        adjustments: range.adjustments.into_iter().map(adjustment).collect(),
        transactions: transactions.into_iter().map(transaction).collect(),
        next_cursor,
    }
}

fn adjustment(adjustment: Adjustment) -> AnswerAdjustment {
    AnswerAdjustment {
        parameter: "from",
        reason: adjustment.reason.name(),
        limit: adjustment.limit,
    }
}

fn transaction(transaction: bank::Transaction) -> AnswerTransaction {
    let (r#type, deposit_amount, withdrawal_amount) = match transaction.movement {
        Movement::Deposit(yen) => ("deposit", Some(yen), None),
        Movement::Withdrawal(yen) => ("withdrawal", None, Some(yen)),
    };
    AnswerTransaction {
        item_key: transaction.item_key,
        transaction_date: transaction.transaction_date,
        value_date: transaction.value_date,
        r#type,
        deposit_amount,
        withdrawal_amount,
        balance_after: transaction.balance_after_yen,
        remarks: transaction.remarks,
    }
}
