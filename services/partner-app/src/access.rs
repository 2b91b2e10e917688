//! Reading account data with the tokens of a linkage, replacing the access token when it is old.

use futures_util::{StreamExt, stream};

use crate::account_api::{
    Account, AccountId, Balance, Problem, ProblemCode, ReadError, Statement, StatementRange, Task,
};
use crate::application::Services;
use crate::oauth::error::OauthError;
use crate::oauth::token::{ClientProof, Tokens, refresh};
use crate::secret::Secret;
use crate::store::{Linkage, LinkageId, Session};

/// Balances that are asked for at once.
const PARALLEL_BALANCES: usize = 4;

/// The reads of one linkage.
#[derive(Debug, Clone, Copy)]
pub struct LinkageReader<'a> {
    services: &'a Services,
    session: &'a Session,
    id: &'a LinkageId,
}

impl<'a> LinkageReader<'a> {
    /// A reader for the session's linkage `id`.
    pub fn new(services: &'a Services, session: &'a Session, id: &'a LinkageId) -> Self {
        Self {
            services,
            session,
            id,
        }
    }

    /// The accounts now; remembered for when the bank can't be asked.
    pub async fn accounts(&self) -> Result<Vec<Account>, ReadError> {
        let api = &self.services.account_api;
        let mut accounts = self.read(async |token| api.accounts(&token).await).await?;
        let earlier = self.linkage()?.accounts;
        for account in &mut accounts {
            let same = |known: &&Account| known.account_id == account.account_id;
            if let Some(known) = earlier.iter().find(same) {
                account.recall(known);
            }
        }
        let seen = accounts.clone();
        self.session
            .with(|state| state.change_linkage(self.id, |linkage| linkage.accounts = seen));
        Ok(accounts)
    }

    /// The balance of each account in the same order, a few at a time; none where the linkage does
    /// not allow the task.
    pub async fn balances(&self, accounts: &[Account]) -> Vec<Option<Result<Balance, ReadError>>> {
        let api = &self.services.account_api;
        stream::iter(accounts)
            .map(|account| async move {
                account.find_task(Task::Balance)?;
                Some(
                    self.read(async |token| api.balance(&token, &account.account_id).await)
                        .await,
                )
            })
            .buffered(PARALLEL_BALANCES)
            .collect()
            .await
    }

    /// One page of transactions.
    pub async fn transactions(
        &self,
        account: &AccountId,
        range: StatementRange,
        cursor: Option<&str>,
    ) -> Result<Statement, ReadError> {
        let api = &self.services.account_api;
        self.read(async |token| api.transactions(&token, account, range, cursor).await)
            .await
    }

    /// Reads once; where the token is refused, once more with a new one.
    async fn read<T>(
        &self,
        read: impl AsyncFn(Secret) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        self.expect_readable()?;
        let token = self.token().await?;
        let refused = match read(token.clone()).await {
            Err(ReadError::Problem(problem)) if problem.calls_for_new_token() => problem,
            answer => return answer,
        };
        match self.replace(&token).await {
            Ok(token) => read(token).await,
            // What the account interface said is more precise than that there is no new token.
            Err(_) if refused.code != ProblemCode::Other => Err(ReadError::Problem(refused)),
            Err(error) => Err(error),
        }
    }

    /// What the bank told stops the reads: nothing is asked that will be refused.
    fn expect_readable(&self) -> Result<(), ReadError> {
        let linkage = self.linkage()?;
        let grant = linkage.grant_id.as_deref();
        let told = &self.services.notifications;
        match grant.and_then(|grant| told.stopped(&linkage.bank.code, grant)) {
            None => Ok(()),
            Some(standing) => Err(ReadError::Problem(Problem {
                code: standing.problem_code(),
                status: 403,
                retry_after_seconds: None,
            })),
        }
    }

    fn linkage(&self) -> Result<Linkage, ReadError> {
        self.session
            .find_linkage(self.id)
            .ok_or(ReadError::LinkageEnded)
    }

    /// An access token that is good for a while.
    async fn token(&self) -> Result<Secret, ReadError> {
        let linkage = self.linkage()?;
        if self.is_fresh(&linkage.tokens) {
            return Ok(linkage.tokens.access_token);
        }
        self.replace(&linkage.tokens.access_token).await
    }

    fn is_fresh(&self, tokens: &Tokens) -> bool {
        self.services.clock.now() < tokens.fresh_until
    }

    /// A token in the place of `old`, refreshed once however many reads found it old.
    async fn replace(&self, old: &Secret) -> Result<Secret, ReadError> {
        let _gate = self.session.gate.lock().await;
        let linkage = self.linkage()?;
        if linkage.tokens.access_token != *old && self.is_fresh(&linkage.tokens) {
            return Ok(linkage.tokens.access_token);
        }
        let tokens = self.refresh(&linkage).await.map_err(|error| {
            tracing::warn!(bank = %linkage.bank.code, %error, "no new access token");
            match error {
                OauthError::Refused(code) if code.as_str() == "invalid_grant" => {
                    ReadError::LinkageEnded
                }
                _ => ReadError::NoAccessToken,
            }
        })?;
        let token = tokens.access_token.clone();
        self.session
            .with(|state| state.change_linkage(self.id, |kept| kept.accept(tokens)));
        Ok(token)
    }

    async fn refresh(&self, linkage: &Linkage) -> Result<Tokens, OauthError> {
        let refresh_token = linkage
            .tokens
            .refresh_token
            .as_ref()
            .ok_or(OauthError::Token("no refresh token"))?;
        let assertion = self.services.client_assertion(&linkage.bank.issuer)?;
        let client = ClientProof {
            client_id: &self.services.settings.client_id,
            assertion: &assertion,
        };
        let now = self.services.clock.now();
        let endpoint = &linkage.metadata.token_endpoint;
        refresh(&self.services.http, endpoint, &client, refresh_token, now).await
    }
}

/// The reason for the customer, where the refresh token is dead and the linkage's own end is known
/// to have passed: the bank's answer alone does not tell an expiry from a revocation.
pub fn told_apart(error: ReadError, linkage: &Linkage, services: &Services) -> Reason {
    let over = linkage
        .limits
        .valid_until
        .is_some_and(|until| until <= services.clock.now());
    match error {
        ReadError::LinkageEnded if over => Reason::Refused(ProblemCode::GrantExpired, None),
        ReadError::LinkageEnded => Reason::LinkageEnded,
        ReadError::Problem(problem) => Reason::Refused(problem.code, problem.retry_after_seconds),
        ReadError::Http(_) | ReadError::NoAccessToken => Reason::NoAnswer,
    }
}

/// Why there are no data, as it is explained to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The account interface said why; in how many seconds to ask again, where it told.
    Refused(ProblemCode, Option<u32>),
    /// The linkage is over, and nobody said why.
    LinkageEnded,
    /// Nobody answered.
    NoAnswer,
}
