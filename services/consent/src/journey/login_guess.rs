//! One try to log in: reserved, asked, judged; the contract learns of a lock.

use actix_web::web;
use consent_domain::{BankCode, bank::BankSettings, contract::ContractStream};
use std::convert::Infallible;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::visit::stream_id;
use crate::{
    app::App,
    bank_port::{BankFailure, LoginOutcome, LoginProof, Subject},
    guess::{
        Guess, GuessKind, GuessLimit, Lock, Locked, Recorded, Reservation, Settled, locked,
        reserve, settle,
    },
    notices::{Notice, NoticeKind},
    pages::{ErrorKind, LoginProblem},
    protocol::{
        form::{Fields, FormError},
        shared_key::KeyPurpose,
    },
    store::{Actor, CommandContext, Companion},
};

/// What came of a try.
pub(crate) enum LoginTry {
    /// The bank gave an outcome, to the attempt of this id.
    Judged(LoginOutcome, Uuid),
    /// The limit is reached, by this try or before; the bank is not asked again until it ends.
    Locked,
    /// Tries under way may reach the limit, or the bank's answer is unknown.
    Undecided,
    /// The key was used for another try.
    KeyReused,
    /// The bank is closed or down: nothing was counted.
    NoOutcome(BankFailure),
}

/// What was typed.
pub(crate) struct TypedLogin {
    pub login_id: Zeroizing<String>,
    pub password: Zeroizing<String>,
    /// What the login id rests on.
    pub proof: LoginProof,
}

/// Login ids and passwords have 6 to 12 characters; anything far beyond reaches no bank.
pub(crate) const LOGIN_LONGEST: usize = 64;

impl TypedLogin {
    /// ログインID and password of a form, or what is wrong with them before any bank is asked.
    ///
    /// # Errors
    /// [`FormError`] for a form without these fields.
    pub(crate) fn of_form(fields: &mut Fields) -> Result<Result<Self, LoginProblem>, FormError> {
        let login_id = fields.take_one("login_id")?;
        let password = fields.take_one("password")?;
        if login_id.trim().is_empty() {
            return Ok(Err(LoginProblem::LoginIdMissing));
        }
        if password.is_empty() {
            return Ok(Err(LoginProblem::PasswordMissing));
        }
        if login_id.len() > LOGIN_LONGEST || password.len() > LOGIN_LONGEST {
            return Ok(Err(LoginProblem::Rejected));
        }
        Ok(Ok(Self {
            login_id: Zeroizing::new(login_id.trim().to_owned()),
            password,
            proof: LoginProof::LoginId,
        }))
    }
}

/// Where a login is tried.
pub(crate) struct LoginPlace<'a> {
    pub app: &'a web::Data<App>,
    pub bank: &'a BankCode,
    pub settings: &'a BankSettings,
    /// Of the command that records a lock, as far as it does not depend on whose it is.
    pub context: CommandContext,
}

/// The limit of a bank's logins.
pub(crate) fn login_limit(settings: &consent_domain::bank::BankSettings) -> GuessLimit {
    GuessLimit {
        wrong: settings.login_limit,
        lock_seconds: Some(settings.login_lock_seconds),
    }
}

/// Tries a login. Unknown ids are counted like known ones, or the lock would tell who exists.
/// `form` is the unique part of the form's key.
pub(crate) async fn try_login(
    place: &LoginPlace<'_>,
    form: &str,
    typed: &TypedLogin,
) -> Result<LoginTry, ErrorKind> {
    let app = place.app;
    let content = |parts: &[&str]| app.keys.mac_text(KeyPurpose::Content, parts);
    // Whether the bank tells cases apart or not: other spellings of one id are no further tries.
    let scope = content(&[
        "login scope",
        place.bank.as_str(),
        &typed.login_id.to_lowercase(),
    ]);
    let secret =
        app.keys
            .shared(KeyPurpose::Content)
            .mac(&["login", &typed.login_id, &typed.password]);
    let guess = Guess {
        bank: place.bank.as_str(),
        kind: GuessKind::Login,
        scope: &scope,
        command_key: form,
        ordinal: 0,
        secret_mac: &secret,
    };
    let limit = login_limit(place.settings);
    let attempt = match reserve(&app.pool, &guess, limit).await? {
        Reservation::Ask(attempt) | Reservation::Known(attempt, Settled::Match) => attempt,
        // The answer that the first sending of this form got.
        Reservation::Known(attempt, Settled::Mismatch) => {
            return Ok(match locked(&app.pool, &guess).await? {
                Locked::Yes => LoginTry::Locked,
                Locked::No => LoginTry::Judged(LoginOutcome::Rejected(None), attempt),
            });
        }
        Reservation::Known(_, _) | Reservation::Busy => return Ok(LoginTry::Undecided),
        Reservation::Locked => return Ok(LoginTry::Locked),
        Reservation::KeyReused => return Ok(LoginTry::KeyReused),
    };
    let answer = app
        .bank_port
        .authenticate(
            place.bank,
            attempt,
            (&typed.login_id, &typed.password),
            &typed.proof,
        )
        .await;
    let (settled, result) = match answer {
        Ok(LoginOutcome::Rejected(subject)) => {
            let lock = settle(&app.pool, attempt, Settled::Mismatch, limit).await?;
            return Ok(match lock {
                Recorded::Before(first) if first != Settled::Mismatch => LoginTry::Undecided,
                Recorded::Before(_) | Recorded::Now(Lock::Open) => {
                    LoginTry::Judged(LoginOutcome::Rejected(subject), attempt)
                }
                Recorded::Now(Lock::Reached) => {
                    if let Some(subject) = subject {
                        record_lock(place, subject, attempt);
                    }
                    LoginTry::Locked
                }
            });
        }
        // The password was not looked at: neither a guess nor a match, which would clear the count.
        Ok(LoginOutcome::CertificateRefused) => (
            Settled::Void,
            LoginTry::Judged(LoginOutcome::CertificateRefused, attempt),
        ),
        Ok(outcome) => (Settled::Match, LoginTry::Judged(outcome, attempt)),
        // Not known: the guess stays reserved until the sweeper learns the verdict.
        Err(BankFailure::Unknown | BankFailure::Malformed(_)) => return Ok(LoginTry::Undecided),
        Err(failure) => (Settled::Outage, LoginTry::NoOutcome(failure)),
    };
    match settle(&app.pool, attempt, settled, limit).await? {
        Recorded::Before(first) if first != settled => Ok(LoginTry::Undecided),
        Recorded::Before(_) | Recorded::Now(_) => Ok(result),
    }
}

/// Records the lock of a known user as a fact of the contract, beside the answer: an unknown id,
/// which has no contract, must not be told apart by the time that the answer takes.
fn record_lock(place: &LoginPlace<'_>, subject: Subject, attempt: Uuid) {
    let seconds = i64::from(place.settings.login_lock_seconds);
    let bus = place.app.bus.clone();
    let context = CommandContext {
        actor: Actor::System,
        causation_id: Some(attempt),
        contract: Some(subject.contract.to_string()),
        ..place.context.clone()
    };
    let stream = stream_id(place.bank, subject.contract.as_str());
    let notice = Notice::of_lock(
        NoticeKind::LoginLocked,
        place.bank.clone(),
        subject.contract.clone(),
        Some(subject.user.clone()),
    );
    tokio::spawn(async move {
        let recorded = bus
            .execute::<ContractStream, Infallible>(
                stream,
                context,
                move |contract, now| {
                    let until = now + chrono::TimeDelta::seconds(seconds);
                    Ok(contract.lock_login(&subject.user, until).into_events())
                },
                move |events, _, _| match events {
                    [] => Vec::new(),
                    _ => vec![Companion::Notify(notice.clone())],
                },
            )
            .await;
        if let Err(error) = recorded {
            tracing::error!(%error, "a login lock holds, but could not be recorded as a fact");
        }
    });
}
