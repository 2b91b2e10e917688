//! The services' settings files.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::addresses::Addresses;
use crate::agent::seed_example::BANK_CODE;
use crate::banks::{BANKS, Bank, HELP_DESK_HOURS, HELP_DESK_HOURS_EN, HELP_DESK_PHONE};
use crate::certificates::CertificateFiles;
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
    #[serde(flatten)]
    tls: Option<ConsentTls<'a>>,
}

#[derive(Serialize)]
struct ConsentTls<'a> {
    public_tls: ServerTls<'a>,
    operator_tls: ServerTls<'a>,
    decision_tls: ServerTls<'a>,
    bank_port_tls: ClientTls<'a>,
    certificate_login: CertificateLogin<'a>,
}

/// Where customers log in with a certificate.
#[derive(Serialize)]
struct CertificateLogin<'a> {
    url: String,
    listen: String,
    tls: ServerTls<'a>,
    /// By bank code.
    customer_ca_files: BTreeMap<&'a str, &'a Path>,
}

/// A listener's certificate.
#[derive(Clone, Copy, Serialize)]
pub(crate) struct ServerTls<'a> {
    certificate_file: &'a Path,
    private_key_file: &'a Path,
}

/// Whom a client trusts.
#[derive(Clone, Copy, Serialize)]
struct ClientTls<'a> {
    ca_file: &'a Path,
}

impl<'a> ServerTls<'a> {
    pub(crate) fn of(files: &'a CertificateFiles) -> Self {
        Self {
            certificate_file: &files.server,
            private_key_file: &files.server_key,
        }
    }
}

impl<'a> ClientTls<'a> {
    fn of(files: &'a CertificateFiles) -> Self {
        Self { ca_file: &files.ca }
    }
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
    #[serde(flatten)]
    tls: Option<AccountApiTls<'a>>,
    issuers: Vec<TrustedIssuer<'a>>,
}

#[derive(Serialize)]
struct AccountApiTls<'a> {
    tls: ServerTls<'a>,
    decision_tls: ClientTls<'a>,
    bank_port_tls: ClientTls<'a>,
    jwks_tls: ClientTls<'a>,
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
    #[serde(flatten)]
    ca: Option<ClientTls<'a>>,
    tls: Option<ServerTls<'a>>,
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
    /// `database_url`: of consent's own role. With `certificates` everything speaks TLS.
    ///
    /// # Errors
    /// The system's.
    pub fn write(
        directory: &Path,
        addresses: Addresses,
        secrets: &Secrets,
        partners: &Partners,
        database_url: &str,
        certificates: Option<&CertificateFiles>,
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
        write_toml(
            &files.consent,
            &consent(addresses, secrets, database_url, certificates),
        )?;
        write_toml(
            &files.account_api,
            &account_api(addresses, secrets, certificates),
        )?;
        write_toml(
            &files.partner_app,
            &partner_app(addresses, &partners.a, certificates),
        )?;
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
    certificates: Option<&'a CertificateFiles>,
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
        insecure_http: certificates.is_none(),
        tls: certificates.map(|files| ConsentTls {
            public_tls: ServerTls::of(files),
            operator_tls: ServerTls::of(files),
            decision_tls: ServerTls::of(files),
            bank_port_tls: ClientTls::of(files),
            certificate_login: certificate_login(addresses, files),
        }),
    }
}

fn certificate_login(addresses: Addresses, files: &CertificateFiles) -> CertificateLogin<'_> {
    CertificateLogin {
        url: addresses.certificate_login(),
        listen: addresses.certificate_login_listen().to_string(),
        tls: ServerTls::of(files),
        customer_ca_files: BTreeMap::from([(BANK_CODE, files.customers_ca.as_path())]),
    }
}

fn account_api<'a>(
    addresses: Addresses,
    secrets: &'a Secrets,
    certificates: Option<&'a CertificateFiles>,
) -> AccountApiSettings<'a> {
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
        tls: certificates.map(|files| AccountApiTls {
            tls: ServerTls::of(files),
            decision_tls: ClientTls::of(files),
            bank_port_tls: ClientTls::of(files),
            jwks_tls: ClientTls::of(files),
        }),
        issuers: BANKS.map(issuer).into(),
    }
}

fn partner_app<'a>(
    addresses: Addresses,
    partner: &'a Partner,
    certificates: Option<&'a CertificateFiles>,
) -> PartnerAppSettings<'a> {
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
        ca: certificates.map(ClientTls::of),
        tls: certificates.map(ServerTls::of),
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
