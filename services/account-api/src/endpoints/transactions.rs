//! GET /v1/accounts/{account_id}/transactions: 入出金明細照会, by transaction date (取引日).

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::NaiveDate;
use serde::Serialize;

use super::{AccountApi, account_id};
use crate::access_token::AccessToken;
use crate::bank::{self, Movement, PageRequest};
use crate::clock::parse_day;
use crate::cursor::{Cursor, CursorOwner};
use crate::date_range::{Adjustment, AskedRange, FirstDays, ReadableRange};
use crate::decisions::AllowedRead;
use crate::problem::Problem;
use crate::query;
use crate::task::{AccountId, Task};
use crate::trace_context::RequestContext;

/// Transactions of a page where the partner does not say, and at most.
const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;

#[derive(Serialize)]
struct Answer<'a> {
    account_id: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    clamped: bool,
    adjustments: Vec<AnswerAdjustment>,
    transactions: Vec<AnswerTransaction>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct AnswerAdjustment {
    parameter: &'static str,
    reason: &'static str,
    limit: NaiveDate,
}

#[derive(Serialize)]
struct AnswerTransaction {
    item_key: String,
    transaction_date: NaiveDate,
    value_date: NaiveDate,
    r#type: &'static str,
    deposit_amount: Option<i64>,
    withdrawal_amount: Option<i64>,
    balance_after: i64,
    remarks: String,
}

/// The query, before the limits are known.
struct Question {
    asked: AskedRange,
    cursor: Option<Cursor>,
    limit: u32,
}

pub(super) async fn read(
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
    let next_cursor = Cursor::after(question.asked, &range, page.next_page_token)
        .map(|cursor| cursor.encode(owner).ok_or(Problem::BankUnavailable))
        .transpose()?;
    Ok(HttpResponse::Ok().json(answer(&account_id, range, page.transactions, next_cursor)))
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
