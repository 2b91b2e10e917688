use consent_domain::{
    Instant, JourneyId, Stream as _,
    consent::{Consent, ConsentEvent, ConsentStream},
};
use uuid::Uuid;

use super::{
    append::{LoadedStream, NotJson, Row, add_stream},
    command_store::CommandContext,
    statement::Statement,
};
use crate::{
    evidence::SealedEvidence,
    journey::LINKAGES_MOST,
    notices::Notice,
    protocol::{
        code::AuthorizationCodeRow,
        request_uri::{self, PushedRequestRow},
    },
};

/// A row that commits with a command's events.
#[derive(Debug, Clone)]
pub enum Companion {
    /// A login opens a bank session; one login wins each generation.
    OpenSession {
        /// SHA-256 of the cookie.
        session_hash: Vec<u8>,
        /// The bank.
        bank: String,
        /// The journey.
        journey: String,
        /// Counts the journey's logins, from 1.
        generation: i32,
        /// The contract.
        contract: String,
        /// The user.
        user: String,
        /// Login name and 団体, sealed under the cookie.
        names_sealed: Vec<u8>,
        /// Idle limit, in seconds.
        idle_seconds: i32,
    },
    /// The customer is at it.
    TouchSession {
        /// SHA-256 of the cookie.
        session_hash: Vec<u8>,
    },
    /// The journey is over, and so are its bank sessions.
    EndSessions {
        /// The bank.
        bank: String,
        /// The journey.
        journey: String,
        /// Why, as a code.
        reason: &'static str,
    },
    /// A pushed request becomes a journey.
    PushedRequest(PushedRequestRow),
    /// The journey of a pushed request is over.
    FinishPushedRequest {
        /// The bank.
        bank: String,
        /// The journey.
        journey: JourneyId,
    },
    /// The first login binds the pushed request to its browser.
    BindPushedRequest {
        /// The bank.
        bank: String,
        /// The journey.
        journey: JourneyId,
        /// SHA-256 of the session's cookie.
        session_hash: Vec<u8>,
    },
    /// 許可 issues a code; only its hash is stored.
    IssueCode(AuthorizationCodeRow),
    /// What was shown at step 6, encrypted.
    RecordEvidence {
        /// The bank.
        bank: String,
        /// The journey.
        journey: JourneyId,
        /// The grant.
        grant: String,
        /// The record.
        evidence: SealedEvidence,
        /// How long it is kept, in years.
        years: i32,
    },
    /// The customer is told, afterwards.
    Notify(Notice),
    /// A PIN scope's counter starts anew.
    ClearGuesses {
        /// The bank.
        bank: String,
        /// The scope of the counter.
        guess_scope: String,
    },
    /// Nothing is written unless the contract is not closed, the user, who answers for a consent from then on,
    /// has not left it, and these accounts are registered, whatever commits at the same moment.
    RequireEntitled {
        /// The contract's stream.
        contract: String,
        /// The user.
        user: String,
        /// Those whose registration the consent rests on.
        accounts: Vec<String>,
    },
    /// Nothing is written unless these are all live linkages of the contract, whatever commits at the same
    /// moment.
    RequireLinkages {
        /// The contract's stream.
        contract: String,
        /// The streams of its live linkages as they were read.
        known: Vec<String>,
    },
    /// Which consents a bank's notice concerns is written down, once.
    NoteConcerned {
        /// The bank.
        bank: String,
        /// The notice's id.
        notice: Uuid,
        /// The contract.
        contract: String,
    },
    /// Another consent ends with the commit. It must still be as it was loaded, or nothing is written.
    EndConsent(Box<EndedConsent>),
}

/// A consent that ends with a command on another stream.
#[derive(Debug, Clone)]
pub struct EndedConsent {
    /// Its stream.
    pub stream: String,
    /// How many facts it had when it was loaded.
    pub version: i64,
    /// What it was then.
    pub before: Consent,
    /// The fact that ends it.
    pub fact: ConsentEvent,
    /// What the customer is told of it.
    pub told: Vec<Companion>,
    /// What its event carries beside that.
    pub context: CommandContext,
    /// When it was decided.
    pub now: Instant,
}

impl EndedConsent {
    /// Gives the SQL that counts the events written.
    fn add_to(&self, statement: &mut Statement, name: &str) -> Result<String, NotJson> {
        let mut after = self.before.clone();
        ConsentStream::evolve(&mut after, &self.fact);
        let stream = LoadedStream {
            id: self.stream.clone(),
            version: self.version,
            // A live consent's row never leaves.
            row: Row::There,
        };
        let facts = [self.fact.clone()];
        let grant = self.stream.split_once(':').map(|(_, grant)| grant);
        for (index, told) in self.told.iter().enumerate() {
            told.add_to(statement, &format!("{name}_told{index}"), grant)?;
        }
        add_stream::<ConsentStream>(
            statement,
            name,
            &stream,
            &after,
            &facts,
            &self.context,
            self.now,
        )
    }
}

impl Companion {
    /// Whether what it insists on has to hold before a consent is touched.
    pub(super) fn is_guard(&self) -> bool {
        matches!(
            self,
            Self::RequireEntitled { .. } | Self::RequireLinkages { .. }
        )
    }

    /// `grant`: the consent among the command's streams, which its notices are about. Gives the SQL that
    /// counts to one where the companion insists on something, and that holds.
    pub(super) fn add_to(
        &self,
        statement: &mut Statement,
        name: &str,
        grant: Option<&str>,
    ) -> Result<Option<String>, NotJson> {
        let body = match self {
            Self::EndConsent(ended) => return ended.add_to(statement, name).map(Some),
            Self::RequireEntitled {
                contract,
                user,
                accounts,
            } => {
                let contract = statement.bind(contract.clone());
                let user = statement.bind(user.clone());
                let accounts = statement.bind(accounts.clone());
                // The lock waits for whoever is changing the row, and then looks at it again. A contract
                // without a row has no fact: no account is registered, and nothing else stands against it.
                statement.with(
                    name,
                    &format!(
                        "SELECT 1 WHERE coalesce((SELECT standing <> 'ended'
                                AND NOT coalesce(state -> 'removed_users' ? {user}, false)
                                AND state -> 'registrations' ?& {accounts}
                            FROM contract_current WHERE stream_id = {contract} FOR SHARE),
                            cardinality({accounts}) = 0)"
                    ),
                );
                return Ok(Some(counted(name)));
            }
            Self::RequireLinkages { contract, known } => {
                let contract = statement.bind(contract.clone());
                let known = statement.bind(known.clone());
                let most = statement.bind(LINKAGES_MOST);
                statement.with(
                    name,
                    &format!("SELECT 1 WHERE are_all_linkages({contract}, {known}, {most})"),
                );
                return Ok(Some(counted(name)));
            }
            Self::NoteConcerned {
                bank,
                notice,
                contract,
            } => {
                let bank = statement.bind(bank.clone());
                let notice = statement.bind(*notice);
                let contract = statement.bind(contract.clone());
                statement.with(
                    name,
                    &format!("SELECT 1 WHERE note_concerned({bank}, {notice}, {contract})"),
                );
                return Ok(Some(counted(name)));
            }
            Self::OpenSession {
                session_hash,
                bank,
                journey,
                generation,
                contract,
                user,
                names_sealed,
                idle_seconds,
            } => {
                let values = [
                    statement.bind(session_hash.clone()),
                    statement.bind(bank.clone()),
                    statement.bind(journey.clone()),
                    statement.bind(*generation),
                    statement.bind(contract.clone()),
                    statement.bind(user.clone()),
                    statement.bind(names_sealed.clone()),
                    statement.bind(*idle_seconds),
                ];
                format!(
                    "INSERT INTO bank_sessions (session_hash, bank, journey_id, generation,
                        contract, bank_user, names_sealed, idle_seconds) VALUES ({})",
                    values.join(", ")
                )
            }
            Self::TouchSession { session_hash } => {
                let hash = statement.bind(session_hash.clone());
                format!(
                    "UPDATE bank_sessions SET last_seen_at = now()
                     WHERE session_hash = {hash} AND ended_at IS NULL"
                )
            }
            Self::EndSessions {
                bank,
                journey,
                reason,
            } => {
                let bank = statement.bind(bank.clone());
                let journey = statement.bind(journey.clone());
                let reason = statement.bind(*reason);
                format!(
                    "UPDATE bank_sessions SET ended_at = now(), end_reason = {reason}
                     WHERE bank = {bank} AND journey_id = {journey} AND ended_at IS NULL"
                )
            }
            Self::PushedRequest(row) => row.insert(statement),
            Self::FinishPushedRequest { bank, journey } => {
                request_uri::finish(statement, bank, journey)
            }
            Self::BindPushedRequest {
                bank,
                journey,
                session_hash,
            } => request_uri::bind(statement, bank, journey, session_hash),
            Self::IssueCode(row) => row.insert(statement),
            Self::RecordEvidence {
                bank,
                journey,
                grant,
                evidence,
                years,
            } => {
                let values = [
                    statement.bind(bank.clone()),
                    statement.bind(journey.to_string()),
                    statement.bind(grant.clone()),
                    statement.bind(evidence.sealed.clone()),
                    statement.bind(evidence.sha256.clone()),
                ];
                let years = statement.bind(*years);
                format!(
                    "INSERT INTO evidence_records (bank, journey_id, grant_id, sealed, sha256,
                        retain_until) VALUES ({}, now() + make_interval(years => {years}))",
                    values.join(", ")
                )
            }
            Self::Notify(notice) => notice.insert(statement, grant),
            Self::ClearGuesses { bank, guess_scope } => {
                let bank = statement.bind(bank.clone());
                let scope = statement.bind(guess_scope.clone());
                format!(
                    "UPDATE guess_counters SET wrong = 0, locked_until = NULL, touched_at = now()
                     WHERE bank = {bank} AND kind = 'pin' AND guess_scope = {scope}"
                )
            }
        };
        statement.with(name, &body);
        Ok(None)
    }
}

/// A common table expression that only reads is worked out because it is counted.
fn counted(name: &str) -> String {
    format!("(SELECT count(*) FROM {name})")
}
