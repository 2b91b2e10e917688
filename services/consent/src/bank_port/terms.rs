//! What is asked of a bank and what it says, in the terms of this service.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use consent_domain::{AccountId, ContractId, PinScopeId, UserId, journey::UserRole, scope::Task};
use renkei_proto::bank::v1 as wire;
use zeroize::Zeroizing;

use super::failure::{BankFailure, malformed};
use crate::client_certificate::CertificateIdentity;

/// Who a login is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The contract.
    pub contract: ContractId,
    /// The user.
    pub user: UserId,
}

/// What the bank said of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginOutcome {
    /// It may proceed.
    Authenticated {
        /// Who.
        subject: Subject,
        /// Master or general user.
        role: UserRole,
        /// For showing only.
        login_name: String,
        /// 団体名, for showing only.
        contract_name: String,
    },
    /// Unknown login id or wrong password; the subject is for the contract's record only.
    Rejected(Option<Subject>),
    /// The password was right, but the bank refuses.
    Refused(wire::LoginRefusal),
    /// The bank does not take the certificate (any more); the password was not looked at.
    CertificateRefused,
}

/// What a login id rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginProof {
    /// It was typed.
    LoginId,
    /// A certificate stands for it.
    Certificate(CertificateIdentity),
}

/// What a bank said of a certificate.
pub enum CertificateHolder {
    /// It stands for this login id.
    LoginId(Zeroizing<String>),
    /// The bank takes no login with it.
    Refused(wire::CertificateRefusal),
}

/// What the bank said of a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Right.
    Match,
    /// Wrong.
    Mismatch,
    /// Locked at the bank; not counted.
    Locked,
    /// Voided by an earlier question; not counted.
    Void,
}

/// An account as the bank shows it; names and numbers are for showing only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankAccount {
    /// The bank's id.
    pub id: AccountId,
    /// E.g. インターネット支店(000) 普通 5000000.
    pub label: String,
    /// 口座メモ, where there is one.
    pub memo: Option<String>,
    /// Whose PIN it takes.
    pub pin_scope: PinScopeId,
    /// What it can be linked for, and since when data can be had.
    pub tasks: BTreeMap<Task, NaiveDate>,
}

/// Maintenance that the bank has announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedMaintenance {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends, where known.
    pub until: Option<DateTime<Utc>>,
}

pub(super) fn subject(subject: Option<wire::Subject>) -> Result<Subject, BankFailure> {
    let subject = subject.ok_or(BankFailure::Malformed("no subject"))?;
    Ok(Subject {
        contract: ContractId::parse(subject.contract_id).map_err(malformed)?,
        user: UserId::parse(subject.user_id).map_err(malformed)?,
    })
}

pub(super) fn wire_certificate(certificate: &CertificateIdentity) -> wire::ClientCertificate {
    wire::ClientCertificate {
        sha256: certificate.sha256.to_vec(),
        issuer: certificate.issuer.clone(),
        serial: certificate.serial.clone(),
        subject: certificate.subject.clone(),
    }
}

pub(super) fn wire_subject(subject: &Subject) -> wire::Subject {
    wire::Subject {
        contract_id: subject.contract.to_string(),
        user_id: subject.user.to_string(),
    }
}

pub(super) fn role(role: wire::UserRole) -> Result<UserRole, BankFailure> {
    match role {
        wire::UserRole::Master => Ok(UserRole::Master),
        wire::UserRole::General => Ok(UserRole::General),
        wire::UserRole::Unspecified => Err(BankFailure::Malformed("no role")),
    }
}

pub(super) fn verdict(verdict: wire::Verdict) -> Result<Verdict, BankFailure> {
    match verdict {
        wire::Verdict::Match => Ok(Verdict::Match),
        wire::Verdict::Mismatch => Ok(Verdict::Mismatch),
        wire::Verdict::Locked => Ok(Verdict::Locked),
        wire::Verdict::Void => Ok(Verdict::Void),
        wire::Verdict::Unspecified => Err(BankFailure::Unknown),
    }
}
