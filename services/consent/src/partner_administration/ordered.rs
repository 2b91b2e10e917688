//! Partners as operators administer them: each change is recorded before it is made.

use consent_domain::{
    ClientId, Instant, PartnerId,
    partner::{PartnerAtBankRefusal, PartnerContract},
};
use serde_json::json;

use super::{
    AtBankChange, AtBankError, AtBankRefusal, By, Changed, Given, RecordChange, RecordRefusal,
    Sight,
};
use crate::{
    app::App,
    operator::{Act, Admitted, AtBank, Outcome, Subject, acts::ActId},
    operator_orders::{NotPerformed, Performed},
    partners::{NewPartnerRefusal, PartnerRegistration, RegistrationError, register_new_partner},
    problem::{Problem, problem},
    redirect_policy,
    security_events::push::{
        Authorization, PushTarget, TargetError, TargetPolicy, TargetSeen, check_target,
        remove_target_seen, set_target_seen,
    },
    store::{Actor, CommandError, CommandKey},
};

impl Problem {
    /// Somebody else was first.
    pub(crate) const RECORD_CHANGED: Self = problem(
        409,
        "changed_meanwhile",
        "Changed in the meantime",
        "It is no longer what the change was made for. Read it again and decide anew.",
    );
    /// The record would not do.
    pub(crate) const INVALID_RECORD: Self = problem(
        400,
        "invalid_record",
        "Record not accepted",
        "Names and contacts have 1 to 200 characters and no control characters; there are 1 to 10 redirect \
         URIs, https, without fragment or credentials.",
    );
    /// The key can't be used.
    pub(crate) const INVALID_KEY: Self = problem(
        400,
        "invalid_key",
        "Key not accepted",
        "A key is a public JWK with a kid of its own: EC P-256, RSA from 2048 bits, or Ed25519; at most 10.",
    );
    /// One stays.
    pub(crate) const LAST_KEY: Self = problem(
        409,
        "last_key",
        "The last key stays",
        "A partner needs a key that stays. Add the new one first.",
    );
    /// The contract is over.
    pub(crate) const CONTRACT_ENDED: Self = problem(
        409,
        "contract_ended",
        "The contract has ended",
        "The partner's contract with the bank has ended. Set a contract that runs first.",
    );
    /// It would end before it starts.
    pub(crate) const INVALID_CONTRACT: Self = problem(
        400,
        "invalid_contract",
        "Contract not accepted",
        "A contract's last day is its first day or a later one.",
    );
    /// The receiver's address can't be used.
    pub(crate) const INVALID_TARGET: Self = problem(
        400,
        "invalid_target",
        "Push target not accepted",
        "A push target is an https URL at a public address without user, password or fragment; its \
         Authorization is one line of printable ASCII; after is a number that the log has come to.",
    );
    /// Registered before.
    pub(crate) const PARTNER_EXISTS: Self = problem(
        409,
        "partner_exists",
        "Registered already",
        "There is a partner with this id or client id. Change its record instead.",
    );
}

impl From<CommandError<RecordRefusal>> for NotPerformed {
    fn from(error: CommandError<RecordRefusal>) -> Self {
        match error {
            CommandError::Refused(refusal) => Self::refused(match refusal {
                RecordRefusal::Unknown | RecordRefusal::UnknownKey => Problem::NOTHING_HERE,
                RecordRefusal::ChangedMeanwhile => Problem::RECORD_CHANGED,
                RecordRefusal::KeyReused => Problem::KEY_REUSED,
                RecordRefusal::KidTaken => Problem::INVALID_KEY,
                RecordRefusal::Client(crate::protocol::client::RegistrationRefused::Key(_)) => {
                    Problem::INVALID_KEY
                }
                RecordRefusal::Text | RecordRefusal::Client(_) | RecordRefusal::Partner(_) => {
                    Problem::INVALID_RECORD
                }
            }),
            error => Self::failed(&error),
        }
    }
}

impl From<AtBankError> for NotPerformed {
    fn from(error: AtBankError) -> Self {
        match error {
            AtBankError::UnknownPartner => Self::refused(Problem::NOTHING_HERE),
            AtBankError::Command(CommandError::Refused(refusal)) => Self::refused(match refusal {
                AtBankRefusal::ChangedMeanwhile => Problem::RECORD_CHANGED,
                AtBankRefusal::KeyReused => Problem::KEY_REUSED,
                AtBankRefusal::Rule(PartnerAtBankRefusal::Unknown) => Problem::NOTHING_HERE,
                AtBankRefusal::Rule(PartnerAtBankRefusal::ContractEnded) => Problem::CONTRACT_ENDED,
                AtBankRefusal::Rule(PartnerAtBankRefusal::EndsBeforeStart) => {
                    Problem::INVALID_CONTRACT
                }
            }),
            error => Self::failed(&error),
        }
    }
}

impl From<TargetError> for NotPerformed {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::UnknownClient | TargetError::NoTarget => {
                Self::refused(Problem::NOTHING_HERE)
            }
            TargetError::Authorization | TargetError::OutsideOfLog => {
                Self::refused(Problem::INVALID_TARGET)
            }
            TargetError::ChangedMeanwhile => Self::refused(Problem::RECORD_CHANGED),
            TargetError::KeyReused => Self::refused(Problem::KEY_REUSED),
            error => Self::failed(&error),
        }
    }
}

impl From<super::key_retirement::RetirementRefused> for NotPerformed {
    fn from(refused: super::key_retirement::RetirementRefused) -> Self {
        use super::key_retirement::RetirementRefused;
        match refused {
            RetirementRefused::UnknownKey => Self::refused(Problem::NOTHING_HERE),
            RetirementRefused::LastKey => Self::refused(Problem::LAST_KEY),
            RetirementRefused::ChangedMeanwhile => Self::refused(Problem::RECORD_CHANGED),
            RetirementRefused::KeyReused => Self::refused(Problem::KEY_REUSED),
            RetirementRefused::Store(error) => Self::failed(&error),
        }
    }
}

impl From<RegistrationError> for NotPerformed {
    fn from(error: RegistrationError) -> Self {
        match error {
            RegistrationError::Client(crate::protocol::client::RegistrationRefused::Key(_))
            | RegistrationError::KeyId => Self::refused(Problem::INVALID_KEY),
            RegistrationError::Client(_) | RegistrationError::Partner(CommandError::Refused(_)) => {
                Self::refused(Problem::INVALID_RECORD)
            }
            RegistrationError::UnknownBank(_) => Self::refused(Problem::NOTHING_HERE),
            RegistrationError::NewPartner(error) => error.into(),
            error => Self::failed(&error),
        }
    }
}

impl From<CommandError<NewPartnerRefusal>> for NotPerformed {
    fn from(error: CommandError<NewPartnerRefusal>) -> Self {
        match error {
            CommandError::Refused(refusal) => Self::refused(match refusal {
                NewPartnerRefusal::Exists => Problem::PARTNER_EXISTS,
                NewPartnerRefusal::KeyReused => Problem::KEY_REUSED,
                NewPartnerRefusal::Rule(_) => Problem::INVALID_RECORD,
            }),
            // The client id is another partner's.
            CommandError::Violates(_) => Self::refused(Problem::PARTNER_EXISTS),
            error => Self::failed(&error),
        }
    }
}

fn performed(changed: Changed) -> Performed {
    match changed {
        Changed::Now => Performed::Done,
        Changed::Already => Performed::AlreadySo,
    }
}

impl RecordChange {
    fn code(&self) -> &'static str {
        match self {
            Self::Legal(_) => "change_legal_record",
            Self::RedirectUris(_) => "change_redirect_uris",
            Self::AddKey(_) => "add_partner_key",
            Self::RemoveKey(_) => "remove_partner_key",
        }
    }

    /// The key that it is about.
    fn kid(&self) -> Option<&str> {
        match self {
            Self::AddKey(jwk) => jwk.get("kid").and_then(serde_json::Value::as_str),
            Self::RemoveKey(kid) => Some(kid),
            Self::Legal(_) | Self::RedirectUris(_) => None,
        }
    }
}

/// What an operator of the platform changes of a partner.
impl Admitted {
    fn by(&self, act: ActId, key: Option<CommandKey>) -> By {
        By {
            actor: Actor::Operator(self.operator.id.to_string()),
            causation_id: Some(act),
            request: Some(self.request.clone()),
            key,
        }
    }

    async fn platform_act<T>(
        &self,
        app: &App,
        act: Act,
        work: impl AsyncFnOnce(ActId) -> Result<T, NotPerformed>,
    ) -> Result<T, Problem> {
        let begun = self.begin(&app.pool, act).await?;
        let worked = work(begun.id).await;
        let (outcome, detail) = match &worked {
            Ok(_) => (Outcome::Done, json!({})),
            Err(not) => not.for_the_record(),
        };
        begun.end(&app.pool, outcome, detail).await?;
        worked.map_err(|not| not.problem)
    }

    /// Registers a partner that is not on the platform; no bank has enabled it yet.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn register_partner(
        &self,
        app: &App,
        registration: PartnerRegistration,
        given: Given<()>,
    ) -> Result<(), Problem> {
        let partner = &registration.partner_id;
        let key = given.command_key(&self.operator.id, &format!("register\n{registration:?}"));
        let act = Act::on(
            "register_partner",
            Subject::new("partner", partner.as_str()),
        );
        self.platform_act(app, act, async |id| {
            let policy = redirect_policy(app.cookies);
            let by = self.by(id, key);
            Ok(register_new_partner(&app.bus, &registration, policy, by).await?)
        })
        .await
    }

    /// Changes a partner's record; what was seen is the version that the change was made for.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn change_partner(
        &self,
        app: &App,
        partner: &PartnerId,
        change: RecordChange,
        given: Given<u32>,
    ) -> Result<Performed, Problem> {
        let read_version = given.seen;
        let key = given.command_key(&self.operator.id, &format!("{partner}\n{change:?}"));
        let act = Act {
            code: change.code(),
            subject: Subject::new("partner", partner.as_str()),
            detail: json!({ "kid": change.kid(), "read_version": read_version }),
        };
        self.platform_act(app, act, async |id| {
            let change = (change, read_version);
            let policy = redirect_policy(app.cookies);
            let by = self.by(id, key);
            let changed = super::change_record(&app.bus, policy, partner, change, by).await?;
            Ok(performed(changed))
        })
        .await
    }

    /// Lets a key of a partner go at a time; what was seen are the keys' last days.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn retire_partner_key(
        &self,
        app: &App,
        partner: &PartnerId,
        (kid, at): (&str, Instant),
        given: Given<Sight>,
    ) -> Result<(), Problem> {
        let content = format!("{partner}\nretire key\n{kid}\n{at}");
        let key = given.command_key(&self.operator.id, &content);
        let act = Act {
            code: "retire_partner_key",
            subject: Subject::new("partner", partner.as_str()),
            detail: json!({ "kid": kid, "retire_at": at }),
        };
        self.platform_act(app, act, async |_| {
            let who = self.operator.id.as_str();
            let seen = (key, given.seen);
            super::retire_key(&app.pool, partner, kid, (at, who), seen).await?;
            let policy = redirect_policy(app.cookies);
            Ok(super::retire_due(&app.pool, &app.bus, policy).await?)
        })
        .await
    }
}

/// What an operator of a bank changes of a partner there.
impl AtBank {
    /// Lets the bank's customers link to a partner, ends that, or writes the contract down; what was seen is
    /// the partner's standing.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn change_partner_here(
        &self,
        app: &App,
        partner: &PartnerId,
        change: AtBankChange,
        given: Given<Sight>,
    ) -> Result<Performed, Problem> {
        let key = given.command_key(&self.who.operator.id, &format!("{partner}\n{change:?}"));
        let (code, detail) = match change {
            AtBankChange::Enable => ("enable_partner", json!({})),
            AtBankChange::Disable => ("disable_partner", json!({})),
            AtBankChange::SetContract(PartnerContract { starts_at, ends_at }) => (
                "set_partner_contract",
                json!({ "starts_at": starts_at, "ends_at": ends_at }),
            ),
        };
        let act = Act {
            code,
            subject: Subject::new("partner", partner.as_str()),
            detail,
        };
        let begun = self.begin(&app.pool, act).await?;
        let by = self.who.by(begun.id, key);
        let parts = (&app.pool, &app.bus);
        let change = (change, given.seen);
        let changed = super::change_at_bank(parts, &self.bank, partner, change, by).await;
        let changed = changed.map(performed).map_err(NotPerformed::from);
        let (outcome, detail) = match &changed {
            Ok(Performed::Done) => (Outcome::Done, json!({})),
            Ok(Performed::AlreadySo) => (Outcome::Already, json!({})),
            Err(not) => not.for_the_record(),
        };
        begun.end(&app.pool, outcome, detail).await?;
        changed.map_err(|not| not.problem)
    }

    /// Sets where a partner's events at the bank are pushed.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn set_push_target(
        &self,
        app: &App,
        (partner, client): (&PartnerId, &ClientId),
        url: &str,
        (authorization, after): (Option<Authorization>, Option<i64>),
        given: Given<Sight>,
    ) -> Result<(), Problem> {
        let secret = authorization.as_ref().map(|it| it.mac(&app.keys));
        let content = format!("{partner}\npush to\n{url}\n{after:?}\n{secret:?}");
        let seen = self.target_seen(given, &content);
        let act = Act::on("set_push_target", Subject::new("partner", partner.as_str()));
        self.recorded(app, act, async {
            let checked = check_target(url, target_policy(app))
                .map_err(|_| NotPerformed::refused(Problem::INVALID_TARGET))?;
            let target = PushTarget {
                bank: &self.bank,
                client,
                url: checked.as_str(),
                authorization,
                after,
            };
            let who = self.who.operator.id.as_str();
            set_target_seen(&app.pool, app.keys.wrapping(), target, (who, seen)).await?;
            Ok(((), json!({ "host": checked.host_str() })))
        })
        .await
    }

    /// Removes it.
    ///
    /// # Errors
    /// The problem to answer with.
    pub async fn remove_push_target(
        &self,
        app: &App,
        (partner, client): (&PartnerId, &ClientId),
        given: Given<Sight>,
    ) -> Result<(), Problem> {
        let seen = self.target_seen(given, &format!("{partner}\npush no more"));
        let act = Act::on(
            "remove_push_target",
            Subject::new("partner", partner.as_str()),
        );
        self.recorded(app, act, async {
            let who = self.who.operator.id.as_str();
            remove_target_seen(&app.pool, &self.bank, client, (who, seen)).await?;
            Ok(((), json!({})))
        })
        .await
    }
}

impl AtBank {
    fn target_seen(&self, given: Given<Sight>, content: &str) -> TargetSeen {
        TargetSeen {
            key: given.command_key(&self.who.operator.id, content),
            seen: given.seen,
        }
    }
}

/// As the settings allow it: plain HTTP on loopback is for demonstrations on one machine.
pub(crate) fn target_policy(app: &App) -> TargetPolicy {
    match app.cookies {
        crate::app::CookiePolicy::PlainLoopback => TargetPolicy::AlsoLoopback,
        crate::app::CookiePolicy::HostOnly => TargetPolicy::PublicHttps,
    }
}
