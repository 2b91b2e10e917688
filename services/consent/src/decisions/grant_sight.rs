use std::sync::Arc;

use consent_domain::{
    BankCode, ClientId, Instant, Stream,
    access::{Denial, Evidence},
    bank::{Bank, BankStream},
    consent::{Consent, ConsentStream, GrantTerms},
    contract::{Contract, ContractStream},
    partner::{PartnerAtBank, PartnerAtBankStream},
    standing::Standing,
};
use sqlx::{
    PgPool, Row as _,
    postgres::{PgConnectOptions, PgRow},
    types::Json,
};
use tracing::Instrument as _;

use super::evidence_read::{EvidenceRead, Question, ReadError, column};
use crate::{
    coalescing::{Coalescing, Limits, Unanswered},
    journey::stream_id,
    store::{Projected, StoreError, fold, sql_span},
};

/// Two reads keep the database busy while the answers of one are handed out; 256 questions of one take
/// it about two milliseconds. More than that wait only where the database stands still, and then for
/// no longer than one read may take.
const LIMITS: Limits = Limits {
    questions: 256,
    reads: 2,
    waiting: 8_192,
};

/// Sees grants with everything that may end them, strictly: by a read on the primary that starts after
/// it was asked for. Those who ask at the same time share one.
pub struct GrantSight {
    coalescing: Coalescing<EvidenceRead>,
    /// For streams whose state another release wrote.
    pool: PgPool,
}

/// Why nothing is known of a grant.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unseen {
    /// Too many ask.
    #[error("more questions wait than may")]
    Overloaded,
    /// The read failed.
    #[error(transparent)]
    Read(Arc<ReadError>),
    /// The read did not come to its end.
    #[error("the read was given up")]
    GivenUp,
    /// What was read can't be understood.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Unanswered<ReadError>> for Unseen {
    fn from(unanswered: Unanswered<ReadError>) -> Self {
        match unanswered {
            Unanswered::Overloaded => Self::Overloaded,
            Unanswered::Failed(error) => Self::Read(error),
            Unanswered::GivenUp => Self::GivenUp,
        }
    }
}

impl From<sqlx::Error> for Unseen {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl GrantSight {
    /// `options`: of the primary, where `pool` is too. Opens nothing yet.
    pub(crate) fn new(options: PgConnectOptions, pool: PgPool) -> Self {
        Self {
            coalescing: Coalescing::new(EvidenceRead::new(options), LIMITS),
            pool,
        }
    }

    /// The grant with everything that may end it, and whether that access token of it, where one is
    /// named, is recorded and not revoked.
    ///
    /// # Errors
    /// [`Unseen`]; then nothing is known.
    pub(crate) async fn see(&self, question: Question) -> Result<Seen, Unseen> {
        let (consent_stream, bank) = (question.stream(), question.bank.clone());
        let asked = self.coalescing.ask(question);
        // The asker's own span: its wait, and the read that it shares.
        let row = asked.instrument(sql_span("decision")).await?;
        let consent = match written::<ConsentStream>(&row, column::CONSENT)? {
            Written::Nothing => Consent::default(),
            Written::AsToday => row.try_get::<Json<Consent>, _>(column::CONSENT + 1)?.0,
            Written::Otherwise => self.folded::<ConsentStream>(&consent_stream).await?,
        };
        Ok(Seen {
            contract: match standing_of::<ContractStream>(
                &row,
                column::CONTRACT,
                Contract::standing,
            )? {
                Some(standing) => standing,
                None => {
                    let contract = consent.terms().map(|terms| terms.contract.as_str());
                    self.folded_of::<ContractStream>(&bank, contract)
                        .await?
                        .standing()
                }
            },
            partner_at_bank: match standing_of::<PartnerAtBankStream>(
                &row,
                column::AT_BANK,
                PartnerAtBank::standing,
            )? {
                Some(standing) => standing,
                None => {
                    let partner = consent.terms().map(|terms| terms.partner.as_str());
                    self.folded_of::<PartnerAtBankStream>(&bank, partner)
                        .await?
                        .standing()
                }
            },
            bank: match standing_of::<BankStream>(&row, column::BANK, Bank::standing)? {
                Some(standing) => standing,
                None => self.folded::<BankStream>(bank.as_str()).await?.standing(),
            },
            consent,
            token_live: row.try_get(column::TOKEN_LIVE)?,
            now: row.try_get(column::NOW)?,
        })
    }

    /// Of a stream that the terms name.
    async fn folded_of<S: Projected>(
        &self,
        bank: &BankCode,
        id: Option<&str>,
    ) -> Result<S::State, StoreError> {
        match id {
            Some(id) => self.folded::<S>(&stream_id(bank, id)).await,
            None => Ok(S::State::default()),
        }
    }

    async fn folded<S: Projected>(&self, stream: &str) -> Result<S::State, StoreError> {
        let folded = fold::<S>(&self.pool, stream).await;
        Ok(folded.map_err(StoreError::Fold)?.state)
    }

    /// Closes the connections that no read uses.
    pub(crate) async fn close(&self) {
        self.coalescing.reader().close().await;
    }
}

/// Whose fold wrote a row.
enum Written {
    Nothing,
    AsToday,
    Otherwise,
}

/// Of the columns state version and state that begin at `first`.
fn written<S: Stream>(row: &PgRow, first: usize) -> Result<Written, sqlx::Error> {
    Ok(match row.try_get::<Option<i32>, _>(first)? {
        None => Written::Nothing,
        Some(version) if version == S::STATE_VERSION => Written::AsToday,
        Some(_) => Written::Otherwise,
    })
}

/// Of the columns state version and standing that begin at `first`; none where another release's fold
/// wrote the row.
fn standing_of<S: Stream>(
    row: &PgRow,
    first: usize,
    of_state: fn(&S::State) -> Standing,
) -> Result<Option<Standing>, sqlx::Error> {
    Ok(match written::<S>(row, first)? {
        Written::Nothing => Some(of_state(&S::State::default())),
        Written::AsToday => {
            let word: &str = row.try_get(first + 1)?;
            let unknown = || sqlx::Error::Decode(format!("no standing is {word}").into());
            Some(Standing::find(word).ok_or_else(unknown)?)
        }
        Written::Otherwise => None,
    })
}

/// What one read saw.
pub(crate) struct Seen {
    consent: Consent,
    contract: Standing,
    partner_at_bank: Standing,
    bank: Standing,
    /// Whether the access token is recorded for this client and grant under this key, and neither token nor
    /// key is revoked.
    pub(crate) token_live: bool,
    /// The database's clock.
    pub(crate) now: Instant,
}

impl Seen {
    /// The grant's terms, where it is live for this client by all that may end it; whether a token is
    /// [`Self::token_live`] is asked apart.
    pub(crate) fn live_terms(&self, client: &ClientId) -> Option<&GrantTerms> {
        self.evidence().live_for(client).ok()
    }

    /// For the rule.
    pub(crate) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            consent: &self.consent,
            contract: self.contract,
            partner_at_bank: self.partner_at_bank,
            bank: self.bank,
            now: self.now,
        }
    }

    /// The grant's terms, where client and token may use it at all.
    pub(super) fn usable_terms(&self, client: &ClientId) -> Result<&GrantTerms, Unusable> {
        let terms = self.evidence().live_for(client).map_err(Unusable::Grant)?;
        if self.token_live {
            Ok(terms)
        } else {
            Err(Unusable::Token)
        }
    }
}

/// Why a token may not use a grant.
pub(super) enum Unusable {
    /// The rule about grants.
    Grant(Denial),
    /// The token is not recorded for the grant under this key, or one of them is revoked.
    Token,
}
