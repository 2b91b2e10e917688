//! What an operator orders at a bank: the acts on a consent and on the levels above it, recorded before they
//! are done, under the operator's key. The API and the console order the same way.

use consent_domain::{
    AccountId, BankCode, GrantId, UserId,
    bank::BankRefusal,
    consent::{ConsentRefusal, RemovalReason, RevocationReason, RevokedBy},
    contract::{ContractRefusal, ContractStream},
    partner::{PartnerAtBankRefusal, PartnerAtBankStream},
    suspension::SuspensionCause,
};
use serde_json::{Value, json};

use crate::{
    app::App,
    journey::stream_id,
    lifecycle::{ActError, Done, Level, LevelRefusal, OnConsent, Order},
    operator::{Act, AtBank, Outcome, Subject},
    problem::{Problem, problem},
    store::{CommandError, Projected, StoreError},
};

/// Longest key, in characters.
const KEY_LENGTH_MAX: usize = 128;

/// Names an order: a repeat of it changes nothing more, and is answered as the first was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderKey(String);

impl OrderKey {
    /// 1 to 128 printable ASCII characters.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=KEY_LENGTH_MAX).contains(&text.len());
        let plain = text.bytes().all(|byte| matches!(byte, 0x21..=0x7E));
        (fits && plain).then(|| Self(text.to_owned()))
    }

    /// The key itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To end a consent.
    Revoke {
        /// The consent.
        grant: GrantId,
        /// For whom.
        by: RevokedBy,
        /// Why.
        reason: RevocationReason,
    },
    /// To take an account out of a consent; with the last one it ends.
    RemoveAccount {
        /// The consent.
        grant: GrantId,
        /// The account.
        account: AccountId,
        /// For whom.
        by: RevokedBy,
        /// Why.
        reason: RemovalReason,
    },
    /// To let another user of the contract answer for a consent.
    HandOver {
        /// The consent.
        grant: GrantId,
        /// That user.
        to: UserId,
        /// Who answered for it when this was decided, where that matters.
        seen: Option<UserId>,
    },
    /// To suspend, for one more cause.
    Suspend {
        /// What.
        level: Level,
        /// The cause.
        cause: SuspensionCause,
    },
    /// To lift one cause.
    Restore {
        /// What.
        level: Level,
        /// The cause.
        cause: SuspensionCause,
    },
}

/// What an order that was not refused did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Performed {
    /// It was done, now or when it was ordered first.
    Done,
    /// The world was so already.
    AlreadySo,
}

impl Performed {
    /// The word in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::AlreadySo => "already_so",
        }
    }
}

impl<E> From<Done<E>> for Performed {
    fn from(done: Done<E>) -> Self {
        match done {
            Done::Changed(_) | Done::Before => Self::Done,
            Done::Already => Self::AlreadySo,
        }
    }
}

impl Problem {
    /// An end is final.
    pub(crate) const CONSENT_ENDED: Self = problem(
        409,
        "consent_ended",
        "The consent has ended",
        "Another end came first, or the period is over. An end is final.",
    );
    /// The user has left.
    pub(crate) const USER_REMOVED: Self = problem(
        409,
        "user_removed",
        "The user has left the contract",
        "The bank said that this user is gone: nobody can answer for a consent after that.",
    );
    /// The bank closed it.
    pub(crate) const CONTRACT_CLOSED: Self = problem(
        409,
        "contract_closed",
        "The contract is closed",
        "The bank closed the contract. That is final.",
    );
    /// The rule says no.
    pub(crate) const ORDER_REFUSED: Self = problem(
        409,
        "refused",
        "Not possible now",
        "The present state does not allow it. Read it again.",
    );
    /// The key belongs to another order.
    pub(crate) const KEY_REUSED: Self = problem(
        422,
        "idempotency_key_reused",
        "Key used for something else",
        "This Idempotency-Key was used for another order. Take a new one for each order.",
    );
    /// No key where one is needed, or one that is none.
    pub(crate) const KEY_MISSING: Self = problem(
        400,
        "idempotency_key_required",
        "Key required",
        "Send a header Idempotency-Key of 1 to 128 printable ASCII characters: a new one for each order, the \
         same one for a repeat of it.",
    );
}

/// Why an order was not carried out.
#[derive(Debug, Clone, Copy)]
pub struct NotPerformed {
    /// For whoever ordered.
    pub problem: Problem,
    outcome: Outcome,
}

impl NotPerformed {
    pub(crate) fn refused(problem: Problem) -> Self {
        let outcome = Outcome::Refused;
        Self { problem, outcome }
    }

    pub(crate) fn failed(error: &dyn std::error::Error) -> Self {
        Self {
            problem: Problem::unavailable(error),
            outcome: Outcome::Failed,
        }
    }
}

impl NotPerformed {
    /// The outcome, and which refusal it was.
    pub(crate) fn for_the_record(&self) -> (Outcome, Value) {
        (self.outcome, json!({ "code": self.problem.code }))
    }
}

impl From<sqlx::Error> for NotPerformed {
    fn from(error: sqlx::Error) -> Self {
        Self::failed(&error)
    }
}

impl From<StoreError> for NotPerformed {
    fn from(error: StoreError) -> Self {
        Self::failed(&error)
    }
}

impl From<ConsentRefusal> for NotPerformed {
    fn from(refusal: ConsentRefusal) -> Self {
        Self::refused(match refusal {
            ConsentRefusal::Unknown => Problem::NOTHING_HERE,
            ConsentRefusal::AlreadyEnded => Problem::CONSENT_ENDED,
            ConsentRefusal::UserRemoved => Problem::USER_REMOVED,
            ConsentRefusal::ChangedMeanwhile => Problem::RECORD_CHANGED,
            _ => Problem::ORDER_REFUSED,
        })
    }
}

impl From<LevelRefusal> for NotPerformed {
    fn from(refusal: LevelRefusal) -> Self {
        let problem = match refusal {
            LevelRefusal::Consent(refusal) => return refusal.into(),
            LevelRefusal::Contract(ContractRefusal::Closed) => Problem::CONTRACT_CLOSED,
            LevelRefusal::Partner(PartnerAtBankRefusal::Unknown)
            | LevelRefusal::Bank(BankRefusal::Unknown) => Problem::NOTHING_HERE,
            LevelRefusal::Partner(_) | LevelRefusal::Bank(_) => Problem::ORDER_REFUSED,
        };
        Self::refused(problem)
    }
}

impl<R> From<ActError<R>> for NotPerformed
where
    R: std::error::Error + Into<Self>,
{
    fn from(error: ActError<R>) -> Self {
        match error {
            ActError::Command(CommandError::Refused(refusal)) => refusal.into(),
            ActError::KeyReused => Self::refused(Problem::KEY_REUSED),
            error @ (ActError::Command(_) | ActError::Store(_)) => Self::failed(&error),
        }
    }
}

impl Wish {
    /// As the record of acts has it.
    fn act(&self) -> Act {
        let (code, subject, detail) = match self {
            Self::Revoke { grant, by, reason } => (
                "revoke_consent",
                Subject::new("consent", grant.as_str()),
                json!({ "for": by.as_str(), "reason": reason.as_str() }),
            ),
            Self::RemoveAccount {
                grant,
                account,
                by,
                reason,
            } => (
                "remove_account",
                Subject::new("consent", grant.as_str()),
                json!({ "account": account.as_str(), "for": by.as_str(), "reason": reason.as_str() }),
            ),
            Self::HandOver { grant, to, seen: _ } => (
                "hand_over_consent",
                Subject::new("consent", grant.as_str()),
                json!({ "to_user": to.as_str() }),
            ),
            Self::Suspend { level, cause } => (
                "suspend",
                subject_of(level),
                json!({ "cause": cause.as_str() }),
            ),
            Self::Restore { level, cause } => (
                "restore",
                subject_of(level),
                json!({ "cause": cause.as_str() }),
            ),
        };
        Act {
            code,
            subject,
            detail,
        }
    }

    async fn carry_out(
        self,
        app: &App,
        bank: &BankCode,
        order: Order,
    ) -> Result<Performed, NotPerformed> {
        let on = |grant| OnConsent {
            pool: &app.pool,
            bus: &app.bus,
            bank,
            grant,
        };
        let parts = (&app.pool, &app.bus);
        Ok(match self {
            Self::Revoke { grant, by, reason } => {
                on(&grant).revoke(by, reason, order).await?.into()
            }
            Self::RemoveAccount {
                grant,
                account,
                by,
                reason,
            } => {
                let removed = on(&grant).remove_account(&account, by, reason, order).await;
                removed?.into()
            }
            Self::HandOver { grant, to, seen } => {
                let handed = on(&grant).hand_over_from(seen.as_ref(), &to, order).await;
                handed?.into()
            }
            Self::Suspend { level, cause } => {
                must_be_known(app, bank, &level).await?;
                level.suspend(parts, bank, cause, order).await?.into()
            }
            Self::Restore { level, cause } => {
                must_be_known(app, bank, &level).await?;
                level.restore(parts, bank, cause, order).await?.into()
            }
        })
    }
}

fn subject_of(level: &Level) -> Subject {
    match level {
        Level::Consent(grant) => Subject::new("consent", grant.as_str()),
        Level::Contract(contract) => Subject::new("contract", contract.as_str()),
        Level::Partner(partner) => Subject::new("partner", partner.as_str()),
        Level::Bank => Subject::of_kind("bank"),
    }
}

/// A slip of the pen must not suspend what never was: of a contract the domain would take any id, because a
/// bank may tell of one before its first linkage.
async fn must_be_known(app: &App, bank: &BankCode, level: &Level) -> Result<(), NotPerformed> {
    let (table, id) = match level {
        Level::Contract(contract) => (ContractStream::TABLE, contract.as_str()),
        Level::Partner(partner) => (PartnerAtBankStream::TABLE, partner.as_str()),
        Level::Consent(_) | Level::Bank => return Ok(()),
    };
    let known: bool = sqlx::query_scalar(&format!(
        "SELECT EXISTS (SELECT FROM {table} WHERE stream_id = $1)"
    ))
    .bind(stream_id(bank, id))
    .fetch_one(&app.pool)
    .await?;
    if known {
        Ok(())
    } else {
        Err(NotPerformed::refused(Problem::NOTHING_HERE))
    }
}

impl AtBank {
    /// The order that this operator gives under a key; the facts that follow name the act as their cause.
    fn order(&self, key: &OrderKey, act: uuid::Uuid) -> Order {
        Order {
            actor: self.actor(),
            // An operator's keys are apart from another's.
            key: Some(format!(
                "operator:{}:{}",
                self.who.operator.id,
                key.as_str()
            )),
            causation_id: Some(act),
            request: Some(self.who.request.clone()),
        }
    }

    /// Carries an order out, between the two records of it.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn perform(
        &self,
        app: &App,
        key: &OrderKey,
        wish: Wish,
    ) -> Result<Performed, Problem> {
        let begun = self.begin(&app.pool, wish.act()).await?;
        let order = self.order(key, begun.id);
        let performed = wish.carry_out(app, &self.bank, order).await;
        let (outcome, detail) = match &performed {
            Ok(Performed::Done) => (Outcome::Done, json!({})),
            Ok(Performed::AlreadySo) => (Outcome::Already, json!({})),
            Err(not) => not.for_the_record(),
        };
        begun.end(&app.pool, outcome, detail).await?;
        performed.map_err(|not| not.problem)
    }

    /// The same for an act of another kind: `work` does it, and says what else is worth recording.
    ///
    /// # Errors
    /// The problem to answer with.
    pub(crate) async fn recorded<T>(
        &self,
        app: &App,
        act: Act,
        work: impl Future<Output = Result<(T, Value), NotPerformed>>,
    ) -> Result<T, Problem> {
        let begun = self.begin(&app.pool, act).await?;
        let worked = work.await;
        let (outcome, detail) = match &worked {
            Ok((_, detail)) => (Outcome::Done, detail.clone()),
            Err(not) => not.for_the_record(),
        };
        begun.end(&app.pool, outcome, detail).await?;
        worked.map(|(done, _)| done).map_err(|not| not.problem)
    }
}
