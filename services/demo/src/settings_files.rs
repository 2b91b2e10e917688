//! The services' settings files.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::addresses::Addresses;
use crate::banks::{BANKS, Bank, HELP_DESK_HOURS, HELP_DESK_HOURS_EN, HELP_DESK_PHONE};
use crate::partners::{Partner, Partners};
use crate::private_file::write_private;
use crate::secrets::Secrets;

/// Where the files are.
#[derive(Debug, Clone)]
pub struct SettingsFiles {
    /// `consent serve --config`.
    pub consent: PathBuf,
    /// `account-api --config`.
    pub account_api: PathBuf,
    /// `partner-app --config`.
    pub partner_app: PathBuf,
    /// `consent bank register --file`, one per bank.
    pub banks: Vec<PathBuf>,
    /// `consent partner register --file`, one per partner.
    pub partners: Vec<PathBuf>,
}

#[derive(Serialize)]
struct ConsentSettings<'a> {
    public_url: String,
    public_listen: String,
    operator_listen: String,
    decision_listen: String,
    database_url: &'a str,
    bank_port_url: String,
    decision_credential: &'a str,
    key_encryption_key: &'a str,
    resource_identifier: String,
    /// Loopback only: production has TLS.
    insecure_http: bool,
}

#[derive(Serialize)]
struct BankRegistration<'a> {
    code: &'a str,
    name: &'a str,
    display_name: String,
    phone: &'a str,
    hours: &'a str,
    display_name_en: String,
    hours_en: &'a str,
}

#[derive(Serialize)]
struct AccountApiSettings<'a> {
    listen: String,
    resource_identifier: String,
    decision_url: String,
    decision_credential: &'a str,
    bank_port_url: String,
    issuers: Vec<TrustedIssuer<'a>>,
}

#[derive(Serialize)]
struct TrustedIssuer<'a> {
    issuer: String,
    bank_code: &'a str,
    jwks_url: String,
}

#[derive(Serialize)]
struct PartnerAppSettings<'a> {
    listen: String,
    public_url: String,
    company_name: &'a str,
    service_name: &'a str,
    client_id: &'a str,
    kid: &'a str,
    private_key_pem: &'a str,
    account_api_url: String,
    banks: Vec<OfferedBank<'a>>,
}

#[derive(Serialize)]
struct OfferedBank<'a> {
    code: &'a str,
    name: &'a str,
    name_en: &'a str,
    issuer: String,
}

impl SettingsFiles {
    /// Writes all of them below `directory`, readable by their owner only.
    ///
    /// `database_url`: of consent's own role.
    ///
    /// # Errors
    /// The system's.
    pub fn write(
        directory: &Path,
        addresses: Addresses,
        secrets: &Secrets,
        partners: &Partners,
        database_url: &str,
    ) -> io::Result<Self> {
        let files = Self {
            consent: directory.join("consent.toml"),
            account_api: directory.join("account-api.toml"),
            partner_app: directory.join("partner-app.toml"),
            banks: BANKS
                .map(|bank| directory.join(format!("bank-{}.toml", bank.code)))
                .into(),
            partners: partners
                .all()
                .map(|partner| directory.join(format!("{}.json", partner.client_id)))
                .into(),
        };
        write_toml(&files.consent, &consent(addresses, secrets, database_url))?;
        write_toml(&files.account_api, &account_api(addresses, secrets))?;
        write_toml(&files.partner_app, &partner_app(addresses, &partners.a))?;
        for (path, bank) in files.banks.iter().zip(BANKS) {
            write_toml(path, &registration(bank))?;
        }
        for (path, partner) in files.partners.iter().zip(partners.all()) {
            write_private(path, &format!("{:#}\n", partner.registration()))?;
        }
        Ok(files)
    }
}

fn consent<'a>(
    addresses: Addresses,
    secrets: &'a Secrets,
    database_url: &'a str,
) -> ConsentSettings<'a> {
    ConsentSettings {
        public_url: addresses.consent(),
        public_listen: addresses.consent_listen().to_string(),
        operator_listen: addresses.operator_listen().to_string(),
        decision_listen: addresses.decision_listen().to_string(),
        database_url,
        bank_port_url: addresses.sandbox_bank(),
        decision_credential: &secrets.decision_credential,
        key_encryption_key: &secrets.key_encryption_key,
        resource_identifier: addresses.account_api(),
        insecure_http: true,
    }
}

fn account_api(addresses: Addresses, secrets: &Secrets) -> AccountApiSettings<'_> {
    let issuer = |bank: Bank| TrustedIssuer {
        issuer: addresses.issuer(bank.code),
        bank_code: bank.code,
        jwks_url: format!("{}/jwks", addresses.issuer(bank.code)),
    };
    AccountApiSettings {
        listen: addresses.account_api_listen().to_string(),
        resource_identifier: addresses.account_api(),
        decision_url: addresses.decisions(),
        decision_credential: &secrets.decision_credential,
        bank_port_url: addresses.sandbox_bank(),
        issuers: BANKS.map(issuer).into(),
    }
}

fn partner_app(addresses: Addresses, partner: &Partner) -> PartnerAppSettings<'_> {
    let offer = |bank: Bank| OfferedBank {
        code: bank.code,
        name: bank.name,
        name_en: bank.name_en,
        issuer: addresses.issuer(bank.code),
    };
    PartnerAppSettings {
        listen: addresses.partner_app_listen().to_string(),
        public_url: addresses.partner_app(),
        company_name: partner.legal_name,
        service_name: partner.service_name,
        client_id: partner.client_id,
        kid: &partner.key.kid,
        private_key_pem: &partner.key.private_key_pem,
        account_api_url: addresses.account_api(),
        banks: BANKS.map(offer).into(),
    }
}

fn registration(bank: Bank) -> BankRegistration<'static> {
    BankRegistration {
        code: bank.code,
        name: bank.name,
        display_name: bank.display_name(),
        phone: HELP_DESK_PHONE,
        hours: HELP_DESK_HOURS,
        display_name_en: bank.display_name_en(),
        hours_en: HELP_DESK_HOURS_EN,
    }
}

fn write_toml(path: &Path, settings: &impl Serialize) -> io::Result<()> {
    write_private(path, &toml::to_string(settings).map_err(io::Error::other)?)
}
