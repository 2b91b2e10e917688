use std::sync::Arc;

use consent_domain::{
    ClientId, Instant, Stream as _,
    access::{Denial, Evidence},
    bank::{BankStanding, BankStream},
    consent::{Consent, ConsentStream, GrantTerms},
    partner::{PartnerAtBank, PartnerAtBankStream},
};
use sqlx::{
    PgPool, Row as _,
    postgres::{PgConnectOptions, PgRow},
    types::Json,
};
use tracing::Instrument as _;

use super::{
    coalescing::{Coalescing, Limits, Unanswered},
    evidence_read::{EvidenceRead, Question, ReadError, column},
};
use crate::store::{Projected, StoreError, fold, sql_span};

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
        let at_bank_stream: Option<&str> = row.try_get(column::AT_BANK_STREAM)?;
        Ok(Seen {
            consent: match written(&row, column::CONSENT, ConsentStream::STATE_VERSION)? {
                Written::Nothing => Consent::default(),
                Written::AsToday => row.try_get::<Json<Consent>, _>(column::CONSENT + 2)?.0,
                Written::Otherwise => self.folded::<ConsentStream>(&consent_stream).await?,
            },
            partner_at_bank: match written(
                &row,
                column::AT_BANK,
                PartnerAtBankStream::STATE_VERSION,
            )? {
                Written::Nothing => PartnerAtBank::default(),
                Written::AsToday => {
                    row.try_get::<Json<PartnerAtBank>, _>(column::AT_BANK + 2)?
                        .0
                }
                Written::Otherwise => {
                    let stream = at_bank_stream.unwrap_or_default();
                    self.folded::<PartnerAtBankStream>(stream).await?
                }
            },
            bank: match written(&row, column::BANK, BankStream::STATE_VERSION)? {
                Written::Nothing => BankStanding::default(),
                Written::AsToday => standing(row.try_get(column::BANK + 2)?)?,
                Written::Otherwise => self.folded::<BankStream>(bank.as_str()).await?.standing(),
            },
            token_live: row.try_get(column::TOKEN_LIVE)?,
            now: row.try_get(column::NOW)?,
        })
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

/// Of the columns version, state version and state that begin at `first`.
fn written(row: &PgRow, first: usize, today: i32) -> Result<Written, sqlx::Error> {
    Ok(match row.try_get::<Option<i32>, _>(first + 1)? {
        None => Written::Nothing,
        Some(version) if version == today => Written::AsToday,
        Some(_) => Written::Otherwise,
    })
}

fn standing(word: &str) -> Result<BankStanding, sqlx::Error> {
    BankStanding::find(word).ok_or_else(|| sqlx::Error::Decode(format!("a bank is {word}").into()))
}

/// What one read saw.
pub(crate) struct Seen {
    consent: Consent,
    partner_at_bank: PartnerAtBank,
    bank: BankStanding,
    /// Whether the access token is recorded for this client and grant, and not revoked.
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
    pub(super) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            consent: &self.consent,
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
    /// The token is not recorded for the grant, or revoked.
    Token,
}
