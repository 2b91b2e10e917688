//! What happens to a consent after 許可, one file per act. Each act is a command: its rule is the
//! domain's, its repeat finds it done, and what the customer has to be told commits with it.

pub mod bank_told;
mod expire;
mod hand_over;
mod remove_account;
mod renew;
mod restore;
mod revoke;
mod suspend;
mod telling;
mod warn;

use consent_domain::{
    BankCode, GrantId, InvalidId, Outcome, UserId,
    consent::{Consent, ConsentEvent, ConsentRefusal, ConsentStream},
    contract::ContractStream,
};
pub(crate) use expire::{expire_consents_of, expire_due};
use sqlx::PgPool;
pub(crate) use telling::notices;
use uuid::Uuid;
pub(crate) use warn::warn_due;

pub(crate) use self::renew::RenewalSeen;
pub use self::{
    renew::RenewalWish,
    suspend::{Level, LevelRefusal},
};
use crate::{
    journey::stream_id,
    protocol::digest::sha256,
    request_context::RequestContext,
    store::{
        Actor, Bus, CommandContext, CommandError, CommandKey, Companion, Executed, Projected,
        StoreError, state_of,
    },
};

/// Who wants an act, and how a repeat of it is known.
#[derive(Debug, Clone)]
pub struct Order {
    /// Who acts; recorded with each fact.
    pub actor: Actor,
    /// A repeat under the same key does nothing more, for two days, and neither does one of an order that found
    /// everything done; none: the state alone tells.
    pub key: Option<String>,
    /// What led to it.
    pub causation_id: Option<Uuid>,
    /// The request that asks for it.
    pub request: Option<RequestContext>,
}

impl Order {
    /// Of whoever acts, with nothing else known.
    pub fn of(actor: Actor) -> Self {
        Self {
            actor,
            key: None,
            causation_id: None,
            request: None,
        }
    }

    /// The context of a command at that bank; `content` is what a key may be used for again.
    fn context(self, bank: &BankCode, content: &str) -> CommandContext {
        let (request_id, traceparent) = match self.request {
            None => (None, None),
            Some(request) => (Some(request.request_id), request.traceparent),
        };
        CommandContext {
            bank: Some(bank.to_string()),
            causation_id: self.causation_id,
            request_id,
            traceparent,
            key: self.key.map(|key| CommandKey {
                key: act_key(&key),
                content_mac: sha256(content.as_bytes()).to_vec(),
                outcome: DONE.to_owned(),
                if_unchanged: Some(FOUND_DONE.to_owned()),
            }),
            ..CommandContext::of(self.actor)
        }
    }
}

/// The outcome under the key of an act that changed something.
const DONE: &str = "done";
/// The outcome under the key of an act that found the world so already: its repeat changes nothing either,
/// whatever has come in between.
pub(crate) const FOUND_DONE: &str = "found_done";

/// Under which key an act's outcome is recorded: apart from the keys of forms.
pub(crate) fn act_key(key: &str) -> String {
    format!("act:{key}")
}

/// What an act that was not refused did.
#[derive(Debug, Clone, PartialEq)]
pub enum Done<E> {
    /// These facts were recorded.
    Changed(Vec<E>),
    /// The world was so already, now or when the same was asked before under the same key.
    Already,
    /// The same was asked and done before, under the same key.
    Before,
}

/// Why an act did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ActError<R: std::error::Error> {
    /// The rule refused it, or the store failed.
    #[error(transparent)]
    Command(#[from] CommandError<R>),
    /// The key was used for something else.
    #[error("this key was used for something else")]
    KeyReused,
    /// The store failed before the command.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<R: std::error::Error> From<sqlx::Error> for ActError<R> {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl<R: std::error::Error> From<InvalidId> for ActError<R> {
    fn from(error: InvalidId) -> Self {
        Self::Store(error.into())
    }
}

/// Acts on one consent.
#[derive(Clone, Copy)]
pub struct OnConsent<'a> {
    /// The database.
    pub pool: &'a PgPool,
    /// Executes them.
    pub bus: &'a Bus,
    /// The bank.
    pub bank: &'a BankCode,
    /// The consent.
    pub grant: &'a GrantId,
}

type Acted = Result<Done<ConsentEvent>, ActError<ConsentRefusal>>;

impl OnConsent<'_> {
    fn stream(&self) -> String {
        stream_id(self.bank, self.grant.as_str())
    }

    /// Whose the consent is: its partner and its contract; neither changes.
    async fn parties(&self) -> Result<(Option<String>, Option<String>), sqlx::Error> {
        let found =
            sqlx::query_as("SELECT partner, contract FROM consent_current WHERE stream_id = $1")
                .bind(self.stream())
                .fetch_optional(self.pool)
                .await?;
        Ok(found.unwrap_or_default())
    }

    async fn context(
        &self,
        order: Order,
        content: &str,
    ) -> Result<CommandContext, ActError<ConsentRefusal>> {
        let (partner, contract) = self.parties().await?;
        let content = format!("{} {content}", self.grant);
        Ok(CommandContext {
            partner,
            contract,
            ..order.context(self.bank, &content)
        })
    }

    /// One command on the consent. `content` says what is asked, in words of its own.
    async fn act(
        &self,
        order: Order,
        content: &str,
        decide: impl Fn(
            &Consent,
            consent_domain::Instant,
        ) -> Result<Outcome<ConsentEvent>, ConsentRefusal>
        + Send
        + Sync
        + 'static,
    ) -> Acted {
        self.act_with(order, content, Along::default(), decide)
            .await
    }

    /// The same with what commits with the facts.
    async fn act_with(
        &self,
        order: Order,
        content: &str,
        along: Along,
        decide: impl Fn(
            &Consent,
            consent_domain::Instant,
        ) -> Result<Outcome<ConsentEvent>, ConsentRefusal>
        + Send
        + Sync
        + 'static,
    ) -> Acted {
        let actor = order.actor.clone();
        let context = self.context(order, content).await?;
        let (key, bank) = (context.key.clone(), self.bank.clone());
        let answers = along.answers.as_ref();
        let entitled = answers.and_then(|user| entitled(&context, self.bank, user));
        let more: Vec<Companion> = along.rows.into_iter().chain(entitled).collect();
        let contract = context.contract.clone();
        let executed = self
            .bus
            .execute::<ConsentStream, ConsentRefusal>(
                self.stream(),
                context,
                move |consent, now| decide(consent, now).map(Outcome::into_events),
                move |facts, consent, _| {
                    let mut rows = telling::notices(&bank, &actor, facts, consent);
                    if !facts.is_empty() {
                        rows.extend(more.clone());
                    }
                    rows
                },
            )
            .await;
        match executed {
            Err(CommandError::Busy) => Err(self.hindrance(contract, along.answers).await?.into()),
            executed => done(executed?, key.as_ref()),
        }
    }

    /// What kept an act from being recorded: that its user may not answer for the consent any more, or others
    /// who came first.
    async fn hindrance(
        &self,
        contract: Option<String>,
        answers: Option<UserId>,
    ) -> Result<CommandError<ConsentRefusal>, StoreError> {
        let (Some(contract), Some(user)) = (contract, answers) else {
            return Ok(CommandError::Busy);
        };
        let stream = stream_id(self.bank, &contract);
        let contract = state_of::<ContractStream>(self.pool, &stream).await?;
        Ok(if contract.is_user_removed(&user) {
            CommandError::Refused(ConsentRefusal::UserRemoved)
        } else if contract.is_closed() {
            CommandError::Refused(ConsentRefusal::AlreadyEnded)
        } else {
            CommandError::Busy
        })
    }
}

/// What commits with an act's facts, where there are any.
#[derive(Default)]
struct Along {
    /// Further rows.
    rows: Vec<Companion>,
    /// The user who answers for the consent from then on: of its contract, and not gone at that moment.
    answers: Option<UserId>,
}

/// Insists that this user may answer for a consent of the contract.
fn entitled(context: &CommandContext, bank: &BankCode, user: &UserId) -> Option<Companion> {
    let contract = context.contract.as_deref()?;
    Some(Companion::RequireEntitled {
        contract: stream_id(bank, contract),
        user: user.to_string(),
        // What was proven when access was allowed stays proven.
        accounts: Vec::new(),
    })
}

fn done<A: Projected, B: Projected, R: std::error::Error>(
    executed: Executed<A, B>,
    key: Option<&CommandKey>,
) -> Result<Done<A::Event>, ActError<R>> {
    match executed {
        Executed::Committed(it) if it.first_events.is_empty() => Ok(Done::Already),
        Executed::Committed(it) => Ok(Done::Changed(it.first_events)),
        Executed::Repeated(spent) if key.is_none_or(|k| k.content_mac != spent.content_mac) => {
            Err(ActError::KeyReused)
        }
        Executed::Repeated(spent) if spent.outcome == FOUND_DONE => Ok(Done::Already),
        Executed::Repeated(_) => Ok(Done::Before),
    }
}
