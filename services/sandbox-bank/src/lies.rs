//! What a bank answers that lies: a well-formed message that is not the truth, or not an answer.

use prost_types::Timestamp;
use renkei_proto::bank::v1 as port;

use crate::switches::Lie;

/// A value that no enum of the bank port has.
const UNKNOWN_VALUE: i32 = 4_711;
/// More accounts than the contract of the port allows.
const TOO_MANY_ACCOUNTS: usize = 5_000;
/// More characters than any text of the port may have.
const OVERLONG: usize = 10_000;
/// Markup, a script, and characters that turn the direction of writing.
const MARKUP: &str = "<script>alert(\"lie\")</script>\u{202e}'\"&\u{0}";
/// An id as the bank's, of nobody.
const NOBODYS: &str = "x-00000000";

/// Something that the bank answers, and how each [`Lie`] bends it. A lie that the message has no place
/// for leaves it as it is.
pub(crate) trait Answer {
    /// What it says that it is the answer to.
    fn asked(&mut self) -> &mut Option<port::Asked>;
    /// Every enum value of it becomes one that nobody knows.
    fn with_unknown_values(&mut self);
    /// Fields that the contract demands are absent.
    fn without_fields(&mut self);
    /// The verdict becomes the opposite one.
    fn contradicted(&mut self) {}
    /// Texts for showing become this one.
    fn with_texts(&mut self, _text: &str) {}
    /// The accounts, where it lists any.
    fn accounts(&mut self) -> Option<&mut Vec<port::Account>> {
        None
    }
}

pub(crate) fn tell(lie: Lie, answer: &mut impl Answer) {
    match lie {
        Lie::AboutAnotherBank => asked(answer, |asked| asked.bank_code = "0000".to_owned()),
        Lie::AboutAnotherAttempt => asked(answer, |asked| {
            asked.attempt_id = "00000000-0000-4000-8000-000000000000".to_owned();
        }),
        Lie::AboutAnotherContract => {
            asked(answer, |asked| asked.contract_id = NOBODYS.to_owned());
        }
        Lie::AboutAnotherAccount => asked(answer, |asked| {
            asked.certificate_sha256.clear();
            asked.account_id = NOBODYS.to_owned();
            asked.pin_scope_id = NOBODYS.to_owned();
        }),
        Lie::AboutNothing => *answer.asked() = None,
        Lie::UnknownValues => answer.with_unknown_values(),
        Lie::MissingFields => answer.without_fields(),
        Lie::Contradiction => answer.contradicted(),
        Lie::Markup => answer.with_texts(MARKUP),
        Lie::OverlongTexts => answer.with_texts(&"長".repeat(OVERLONG)),
        Lie::DuplicateAccount => accounts(answer, |accounts| {
            let first = accounts.first().cloned();
            accounts.extend(first);
        }),
        Lie::TooManyAccounts => accounts(answer, |accounts| {
            let Some(first) = accounts.first().cloned() else {
                return;
            };
            accounts.extend((0..TOO_MANY_ACCOUNTS).map(|number| port::Account {
                account_id: format!("x-{number:08}"),
                number: format!("{number:07}"),
                ..first.clone()
            }));
        }),
        Lie::OtherAccounts => accounts(answer, |accounts| {
            for (account, number) in accounts.iter_mut().zip(0..) {
                account.account_id = format!("x-{number:08}");
                account.pin_scope_id = NOBODYS.to_owned();
            }
        }),
    }
}

fn asked(answer: &mut impl Answer, change: impl FnOnce(&mut port::Asked)) {
    if let Some(asked) = answer.asked() {
        change(asked);
    }
}

fn accounts(answer: &mut impl Answer, change: impl FnOnce(&mut Vec<port::Account>)) {
    if let Some(accounts) = answer.accounts() {
        change(accounts);
    }
}

/// The other way round, where there is one.
fn opposite(verdict: port::Verdict) -> port::Verdict {
    match verdict {
        port::Verdict::Match => port::Verdict::Mismatch,
        port::Verdict::Mismatch => port::Verdict::Match,
        other => other,
    }
}

impl Answer for port::AuthenticateResponse {
    fn asked(&mut self) -> &mut Option<port::Asked> {
        &mut self.asked
    }

    fn with_unknown_values(&mut self) {
        use port::authenticate_response::Outcome;
        match &mut self.outcome {
            Some(Outcome::Authenticated(authenticated)) => authenticated.role = UNKNOWN_VALUE,
            Some(Outcome::Refused(refused)) => refused.reason = UNKNOWN_VALUE,
            // What an outcome of a later version of the port looks like to this one.
            Some(Outcome::CertificateRefused(refused)) => refused.reason = UNKNOWN_VALUE,
            Some(Outcome::Rejected(_)) | None => self.outcome = None,
        }
    }

    fn without_fields(&mut self) {
        use port::authenticate_response::Outcome;
        match &mut self.outcome {
            Some(Outcome::Authenticated(authenticated)) => authenticated.subject = None,
            _ => self.outcome = None,
        }
    }

    fn contradicted(&mut self) {
        use port::authenticate_response::Outcome;
        self.outcome = Some(match self.outcome.take() {
            Some(Outcome::Authenticated(authenticated)) => Outcome::Rejected(port::LoginRejected {
                subject: authenticated.subject,
            }),
            Some(Outcome::Rejected(port::LoginRejected {
                subject: Some(subject),
            })) => Outcome::Authenticated(port::Authenticated {
                subject: Some(subject),
                login_name: "nobody".to_owned(),
                contract_name: "nobody".to_owned(),
                role: port::UserRole::Master.into(),
            }),
            Some(other) => other,
            None => return,
        });
    }

    fn with_texts(&mut self, text: &str) {
        use port::authenticate_response::Outcome;
        if let Some(Outcome::Authenticated(authenticated)) = &mut self.outcome {
            authenticated.login_name = text.to_owned();
            authenticated.contract_name = text.to_owned();
        }
    }
}

impl Answer for port::ResolveCertificateResponse {
    fn asked(&mut self) -> &mut Option<port::Asked> {
        &mut self.asked
    }

    fn with_unknown_values(&mut self) {
        use port::resolve_certificate_response::Outcome;
        match &mut self.outcome {
            Some(Outcome::Refused(refused)) => refused.reason = UNKNOWN_VALUE,
            Some(Outcome::Holder(_)) | None => self.outcome = None,
        }
    }

    fn without_fields(&mut self) {
        use port::resolve_certificate_response::Outcome;
        match &mut self.outcome {
            Some(Outcome::Holder(holder)) => holder.login_id.clear(),
            _ => self.outcome = None,
        }
    }
}

impl Answer for port::ListAccountsResponse {
    fn asked(&mut self) -> &mut Option<port::Asked> {
        &mut self.asked
    }

    fn with_unknown_values(&mut self) {
        for account in &mut self.accounts {
            account.r#type = UNKNOWN_VALUE;
            for eligible in &mut account.tasks {
                eligible.task = UNKNOWN_VALUE;
            }
        }
    }

    fn without_fields(&mut self) {
        for account in &mut self.accounts {
            account.account_id.clear();
            account.number.clear();
        }
    }

    fn with_texts(&mut self, text: &str) {
        for account in &mut self.accounts {
            account.branch_name = text.to_owned();
            account.memo = text.to_owned();
        }
    }

    fn accounts(&mut self) -> Option<&mut Vec<port::Account>> {
        Some(&mut self.accounts)
    }
}

impl Answer for port::VerifyInquiryPinResponse {
    fn asked(&mut self) -> &mut Option<port::Asked> {
        &mut self.asked
    }

    fn with_unknown_values(&mut self) {
        self.verdict = UNKNOWN_VALUE;
    }

    fn without_fields(&mut self) {
        self.verdict = port::Verdict::Unspecified.into();
    }

    fn contradicted(&mut self) {
        self.verdict = opposite(self.verdict()).into();
    }
}

impl Answer for port::GetVerdictResponse {
    fn asked(&mut self) -> &mut Option<port::Asked> {
        &mut self.asked
    }

    fn with_unknown_values(&mut self) {
        self.verdict = UNKNOWN_VALUE;
    }

    fn without_fields(&mut self) {
        self.verdict = port::Verdict::Unspecified.into();
    }

    fn contradicted(&mut self) {
        self.verdict = opposite(self.verdict()).into();
    }
}

impl Answer for port::GetBalanceResponse {
    fn asked(&mut self) -> &mut Option<port::Asked> {
        &mut self.asked
    }

    fn with_unknown_values(&mut self) {}

    fn without_fields(&mut self) {
        self.as_of = None;
    }
}

impl Answer for port::ListTransactionsResponse {
    fn asked(&mut self) -> &mut Option<port::Asked> {
        &mut self.asked
    }

    fn with_unknown_values(&mut self) {
        for transaction in &mut self.transactions {
            transaction.direction = UNKNOWN_VALUE;
        }
    }

    fn without_fields(&mut self) {
        for transaction in &mut self.transactions {
            transaction.transaction_date.clear();
        }
    }

    fn with_texts(&mut self, text: &str) {
        for transaction in &mut self.transactions {
            transaction.remarks = text.to_owned();
        }
    }
}

impl Answer for port::ListPlannedMaintenanceResponse {
    fn asked(&mut self) -> &mut Option<port::Asked> {
        &mut self.asked
    }

    fn with_unknown_values(&mut self) {}

    fn without_fields(&mut self) {
        for maintenance in &mut self.maintenance {
            maintenance.from = Some(Timestamp {
                seconds: i64::MAX,
                nanos: -1,
            });
        }
    }
}
