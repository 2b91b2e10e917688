//! One sample of every fact there is. Each list is also a match without a wildcard: a new fact does
//! not compile here until it has its sample, and a sample does not pass until it has its golden file.

use consent_domain::{
    bank::{BankEvent, BankRecord, BankSettings, RenewalRule},
    bank_notice::NoticeEffects,
    consent::{ConsentEvent, GrantTerms, Place, RemovalReason, RevocationReason, RevokedBy},
    contract::{ContractEvent, ResetBy},
    journey::{
        FailureCode, GrantAction, JourneyEvent, LinkageBasis, LoginMethod, RejectionReason,
        RequestConsent, Revision, Step, TimeOutCause, UserRole,
    },
    linkage_rules::LinkageRules,
    operator_rules::OperatorRules,
    partner::{PartnerAtBankEvent, PartnerContract, PartnerEvent, PartnerRecord},
    suspension::SuspensionCause,
};

use super::{facts::*, names::*};

macro_rules! samples {
    ($function:ident, $event:ident, { $($variant:ident => $sample:expr),+ $(,)? }) => {
        /// One of each, with the name of its variant.
        pub(crate) fn $function() -> Vec<(&'static str, $event)> {
            fn variant(event: &$event) -> &'static str {
                match event {
                    $($event::$variant { .. } => stringify!($variant),)+
                }
            }
            let samples = vec![$((stringify!($variant), $sample)),+];
            for (name, sample) in &samples {
                assert_eq!(variant(sample), *name, "a sample of another fact");
            }
            samples
        }
    };
}

samples!(journey_samples, JourneyEvent, {
    ConsentRequested => requested(RequestConsent {
        accounts: accounts([A_1000014]),
        history_from: Some(day(2026, 1, 1)),
        grant_action: GrantAction::Create,
        ..pushed_request()
    }),
    LoginSucceeded => logged_in(login(amends(scope([A_1000014], BALANCE))), minute(1)),
    LinkageBasisChanged => JourneyEvent::LinkageBasisChanged {
        revision: Revision(3),
        basis: LinkageBasis::New,
    },
    TasksSelected => tasks_selected(1, BOTH),
    AccountsSelected => accounts_selected(2, [A_5000000, A_1111111]),
    AccountsRegistered => accounts_registered(2, [A_5000000], BOTH),
    AccountRegistrationRejected => rejected(2, A_1111111, RejectionReason::PinMismatch),
    RegistrationConfirmed => confirmed(2),
    AccessAuthorized => JourneyEvent::AccessAuthorized {
        journey: this_journey(),
        grant: live_grant(),
        revision: Revision(2),
        scope: scope([A_5000000, A_1000014], BOTH),
        history_from: Some(day(2026, 1, 1)),
        valid_from: minute(5),
        valid_until: end_of_march_2027(),
        contract: contract_id(),
        user: treasurer(),
        role: UserRole::General,
        login_method: LoginMethod::Certificate,
        login_at: minute(1),
        client: client(),
        partner: partner(),
        partner_record_version: 3,
        text: shown_text(),
        terms_version: "2026-04".to_owned(),
        request_sha256: REQUEST_SHA256.to_owned(),
        amends: Some(live_grant()),
        supersedes: vec![grant_id("grant-ended")],
    },
    JourneyCancelled => JourneyEvent::JourneyCancelled { step: Step::Accounts },
    AccessDeclined => JourneyEvent::AccessDeclined { step: Step::Authorize },
    JourneyTimedOut => JourneyEvent::JourneyTimedOut {
        step: Step::Confirm,
        cause: TimeOutCause::Idle,
        effective_at: minute(60),
    },
    JourneyFailed => JourneyEvent::JourneyFailed {
        step: Step::Login,
        code: FailureCode::BankClosed,
    },
});

samples!(consent_samples, ConsentEvent, {
    AccessGranted => ConsentEvent::AccessGranted {
        journey: this_journey(),
        terms: GrantTerms {
            given_under: None,
            ..terms(scope([A_5000000, A_1000014], BOTH), minute(5))
        },
        place: Place::Beside,
    },
    AccessAmended => ConsentEvent::AccessAmended {
        journey: this_journey(),
        terms: GrantTerms {
            history_from: Some(day(2026, 1, 1)),
            given_under: None,
            ..terms(scope([A_1000014], BALANCE), minute(5))
        },
    },
    PartnerConnected => ConsentEvent::PartnerConnected { journey: this_journey() },
    AccessExpired => ConsentEvent::AccessExpired { effective_at: end_of_march_2027() },
    AccessRevoked => ConsentEvent::AccessRevoked {
        by: RevokedBy::Customer,
        reason: RevocationReason::NoLongerNeeded,
    },
    AccountRemoved => ConsentEvent::AccountRemoved {
        account: account(A_5000000),
        by: RevokedBy::Customer,
        reason: RemovalReason::LinkedByMistake,
    },
    AccessRenewed => ConsentEvent::AccessRenewed {
        journey: Some(this_journey()),
        user: bookkeeper(),
        valid_from: minute(5),
        valid_until: end_of_march_2027(),
        continue_from: [(account(A_1000014), day(2026, 3, 31))].into(),
        shown: None,
    },
    AccessSuspended => ConsentEvent::AccessSuspended { cause: SuspensionCause::UserRemoved },
    AccessRestored => ConsentEvent::AccessRestored { cause: SuspensionCause::UserRemoved },
    ExpiryWarned => ConsentEvent::ExpiryWarned {
        days_left: 30,
        valid_until: end_of_march_2027(),
    },
    AccessSuperseded => ConsentEvent::AccessSuperseded { by: new_grant(), by_client: None },
    HandedOver => ConsentEvent::HandedOver { from_user: treasurer(), to_user: bookkeeper() },
});

samples!(contract_samples, ContractEvent, {
    AccountRegistered => registered(A_5000000, this_journey()),
    AccountRegistrationsWithdrawn => withdrawn(this_journey(), [A_5000000, A_1000014]),
    PinLocked => pin_locked(pin_scope()),
    PinUnlocked => ContractEvent::PinUnlocked { pin_scope: pin_scope(), by: ResetBy::Operator },
    LoginLocked => ContractEvent::LoginLocked { user: treasurer(), until: minute(15) },
    ContractSuspended => ContractEvent::ContractSuspended { cause: SuspensionCause::LegalOrder },
    ContractRestored => ContractEvent::ContractRestored { cause: SuspensionCause::LegalOrder },
    ContractClosed => ContractEvent::ContractClosed { occurred_at: start() },
    PasswordChanged => ContractEvent::PasswordChanged { user: treasurer(), occurred_at: start() },
    CertificateChanged => ContractEvent::CertificateChanged {
        user: treasurer(),
        occurred_at: start(),
    },
    UserRemoved => ContractEvent::UserRemoved { user: treasurer(), occurred_at: start() },
    RightRemoved => ContractEvent::RightRemoved {
        user: treasurer(),
        account: account(A_5000000),
        occurred_at: start(),
    },
    AccountClosed => ContractEvent::AccountClosed {
        account: account(A_5000000),
        occurred_at: start(),
    },
    AccountRenumbered => ContractEvent::AccountRenumbered {
        account: account(A_5000000),
        occurred_at: start(),
    },
    BranchMerged => ContractEvent::BranchMerged {
        accounts: accounts([A_5000000, A_1000014]),
        occurred_at: start(),
    },
    PinReset => ContractEvent::PinReset { pin_scope: pin_scope(), occurred_at: start() },
});

samples!(partner_samples, PartnerEvent, {
    PartnerRegistered => PartnerEvent::PartnerRegistered {
        partner: partner(),
        record: partner_record(),
    },
    PartnerChanged => PartnerEvent::PartnerChanged {
        record: PartnerRecord { onward_recipients: Vec::new(), ..partner_record() },
    },
});

samples!(partner_at_bank_samples, PartnerAtBankEvent, {
    PartnerEnabled => PartnerAtBankEvent::PartnerEnabled { partner: partner(), client: client() },
    PartnerDisabled => PartnerAtBankEvent::PartnerDisabled { partner: partner(), effective_at: None },
    PartnerContractSet => PartnerAtBankEvent::PartnerContractSet {
        partner: partner(),
        contract: PartnerContract { starts_at: start(), ends_at: Some(minute(1)) },
    },
    PartnerSuspended => PartnerAtBankEvent::PartnerSuspended {
        partner: partner(),
        cause: SuspensionCause::SecurityIncident,
    },
    PartnerRestored => PartnerAtBankEvent::PartnerRestored {
        partner: partner(),
        cause: SuspensionCause::SecurityIncident,
    },
});

samples!(bank_samples, BankEvent, {
    BankRegistered => BankEvent::BankRegistered { code: bank_code(), record: bank_record() },
    BankChanged => BankEvent::BankChanged {
        record: BankRecord {
            settings: BankSettings { consent_validity_days: 90, ..bank_settings() },
            ..bank_record()
        },
    },
    BankSuspended => BankEvent::BankSuspended { cause: SuspensionCause::Other },
    BankRestored => BankEvent::BankRestored { cause: SuspensionCause::Other },
});

/// A partner as it is registered.
pub(crate) fn partner_record() -> PartnerRecord {
    PartnerRecord {
        legal_name: "みなと会計株式会社".to_owned(),
        service_name: "みなと帳簿".to_owned(),
        registration_number: "関東財務局長（電代）第999号".to_owned(),
        complaint_contact: "0120-000-000".to_owned(),
        onward_recipients: vec!["みなと税理士法人".to_owned()],
        client_id: client(),
        redirect_uris: vec!["https://books.example/callback".to_owned()],
        keys: [(
            "2026-04".to_owned(),
            r#"{"kty":"OKP","crv":"Ed25519"}"#.to_owned(),
        )]
        .into(),
    }
}

/// A bank as it is registered.
pub(crate) fn bank_record() -> BankRecord {
    BankRecord {
        name: "中央労働金庫".to_owned(),
        display_name: "中央労働金庫（法人）".to_owned(),
        phone: "0120-000-001".to_owned(),
        hours: "平日 9:00〜17:00".to_owned(),
        display_name_en: None,
        hours_en: None,
        texts: std::collections::BTreeMap::new(),
        settings: bank_settings(),
    }
}

/// Spelled out: a golden file must not move with a default.
pub(crate) fn bank_settings() -> BankSettings {
    BankSettings {
        idle_seconds: 600,
        journey_seconds: 3600,
        consent_validity_days: 365,
        pin_limit: 5,
        login_limit: 5,
        login_lock_seconds: 900,
        evidence_years: 10,
        terms_version: "2026-04".to_owned(),
        renewal: RenewalRule::default(),
        notice_effects: NoticeEffects::default(),
        linkage_rules: LinkageRules::default(),
        operator_rules: OperatorRules::default(),
    }
}
