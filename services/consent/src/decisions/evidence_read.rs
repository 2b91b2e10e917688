use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use consent_domain::{BankCode, ClientId, GrantId};
use sqlx::{
    Connection as _, PgConnection, Row as _,
    postgres::{PgConnectOptions, PgRow},
};
use uuid::Uuid;

use crate::coalescing::BatchRead;
use crate::{journey::stream_id, metrics};

/// A read takes well under a millisecond for each question; a connection that says nothing for this
/// long is given up.
const READ_WITHIN: Duration = Duration::from_secs(2);

/// Which grant, and which access token of it.
pub(crate) struct Question {
    /// Where the grant was given.
    pub bank: BankCode,
    /// The grant.
    pub grant: GrantId,
    /// Who uses it.
    pub client: ClientId,
    /// The access token's id, where one is asked about.
    pub jti: Option<Uuid>,
    /// The key that the token was verified with, where that is known.
    pub kid: Option<String>,
}

impl Question {
    /// The consent's stream.
    pub(super) fn stream(&self) -> String {
        stream_id(&self.bank, self.grant.as_str())
    }
}

/// Columns of [`SQL`], by position. Each level's begin with the release whose fold wrote its row.
pub(super) mod column {
    pub(in super::super) const NOW: usize = 0;
    pub(super) const NUMBER: usize = 1;
    pub(in super::super) const CONSENT: usize = 2;
    pub(in super::super) const CONTRACT: usize = 4;
    pub(in super::super) const AT_BANK: usize = 6;
    pub(in super::super) const BANK: usize = 8;
    pub(in super::super) const TOKEN_LIVE: usize = 10;
}

/// Everything that decisions rest on, at one moment: consent, contract, partner at the bank, bank, token.
/// Of the levels above the consent only a word each. A token is believed under the key that it was issued with
/// and no other, and not when that key got out (docs/decisions/0051); the release before recorded no key.
const SQL: &str = "
    SELECT now(), q.number,
        c.state_version, c.state,
        t.state_version, t.standing,
        a.state_version, a.standing,
        b.state_version, b.standing,
        EXISTS (SELECT FROM issued_access_tokens i
            WHERE i.bank = q.bank AND i.jti = q.jti AND i.client_id = q.client
              AND i.grant_id = q.granted AND i.revoked_at IS NULL
              AND (i.kid IS NULL OR i.kid = coalesce(q.kid, i.kid))
              AND NOT EXISTS (SELECT FROM signing_keys k WHERE k.kid = i.kid AND k.state = 'revoked'))
    FROM UNNEST($1::text[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[])
        WITH ORDINALITY AS q (bank, stream, jti, client, granted, kid, number)
    LEFT JOIN consent_current c ON c.stream_id = q.stream
    LEFT JOIN contract_current t ON t.stream_id = q.bank || ':' || c.contract
    LEFT JOIN partner_at_bank_current a ON a.stream_id = q.bank || ':' || c.partner
    LEFT JOIN bank_current b ON b.stream_id = q.bank";

/// Why the evidence could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The database's.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// Nothing came within [`READ_WITHIN`].
    #[error("no answer within {READ_WITHIN:?}")]
    TooSlow,
    /// A question came back without a row.
    #[error("a question has no row")]
    MissingRow,
}

/// Reads on connections that are its own and stay: each one's plan is made once, and none is looked
/// after between two statements. There are as many as reads were ever under way at once.
pub(super) struct EvidenceRead {
    options: PgConnectOptions,
    kept: Mutex<Vec<PgConnection>>,
}

impl EvidenceRead {
    /// Connections are opened when they are needed.
    pub(super) fn new(options: PgConnectOptions) -> Self {
        // Every join is by primary key. A plan made for one question serves 256, and none is made anew
        // by the statistics of a small table, which would read all of it.
        let options = options.options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("jit", "off"),
        ]);
        Self {
            options,
            kept: Mutex::new(Vec::new()),
        }
    }

    /// Closes the connections that no read uses.
    pub(super) async fn close(&self) {
        let kept = std::mem::take(&mut *self.kept());
        for connection in kept {
            if let Err(error) = connection.close().await {
                tracing::debug!(%error, "a connection of decisions was gone already");
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads, and keeps the connection where it is still good.
    async fn read_on(
        &self,
        mut connection: PgConnection,
        questions: &[Question],
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let rows = fetch(&mut connection, questions).await?;
        self.kept().push(connection);
        Ok(rows)
    }

    async fn read_anew(&self, questions: &[Question]) -> Result<Vec<PgRow>, sqlx::Error> {
        let connection = PgConnection::connect_with(&self.options).await?;
        self.read_on(connection, questions).await
    }

    async fn read_somehow(&self, questions: &[Question]) -> Result<Vec<PgRow>, sqlx::Error> {
        let kept = self.kept().pop();
        let Some(kept) = kept else {
            return self.read_anew(questions).await;
        };
        match self.read_on(kept, questions).await {
            // The database was restarted, or something between cut an idle connection. No question was
            // answered, so all may be asked again.
            Err(error) if ends_connection(&error) => {
                self.kept().clear();
                self.read_anew(questions).await
            }
            read => read,
        }
    }
}

impl BatchRead for EvidenceRead {
    type Question = Question;
    type Answer = PgRow;
    type Error = ReadError;

    async fn read(&self, questions: &[Question]) -> Result<Vec<PgRow>, ReadError> {
        metrics::decisions_read(questions.len());
        let rows = tokio::time::timeout(READ_WITHIN, self.read_somehow(questions))
            .await
            .map_err(|_| ReadError::TooSlow)??;
        in_order(rows, questions.len())
    }
}

async fn fetch(
    connection: &mut PgConnection,
    questions: &[Question],
) -> Result<Vec<PgRow>, sqlx::Error> {
    let banks: Vec<&str> = questions.iter().map(|q| q.bank.as_str()).collect();
    let streams: Vec<String> = questions.iter().map(Question::stream).collect();
    let jtis: Vec<Option<Uuid>> = questions.iter().map(|q| q.jti).collect();
    let clients: Vec<&str> = questions.iter().map(|q| q.client.as_str()).collect();
    let grants: Vec<&str> = questions.iter().map(|q| q.grant.as_str()).collect();
    let kids: Vec<Option<&str>> = questions.iter().map(|q| q.kid.as_deref()).collect();
    sqlx::query(SQL)
        .bind(banks)
        .bind(streams)
        .bind(jtis)
        .bind(clients)
        .bind(grants)
        .bind(kids)
        .fetch_all(connection)
        .await
}

/// Class 57 is the server's shutdown and the like, 08 the connection's.
pub(crate) fn ends_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(error) => error
            .code()
            .is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        _ => false,
    }
}

/// A join promises no order.
fn in_order(rows: Vec<PgRow>, expected: usize) -> Result<Vec<PgRow>, ReadError> {
    let mut numbered = Vec::with_capacity(rows.len());
    for row in rows {
        numbered.push((row.try_get::<i64, _>(column::NUMBER)?, row));
    }
    numbered.sort_unstable_by_key(|(number, _)| *number);
    if numbered.len() == expected {
        Ok(numbered.into_iter().map(|(_, row)| row).collect())
    } else {
        Err(ReadError::MissingRow)
    }
}
