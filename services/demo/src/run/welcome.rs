//! What is printed once everything is up.

use super::directory::DemoDirectory;
use crate::addresses::Addresses;
use crate::agent::seed_example::{FIRST_ACCOUNT, LINKED_ACCOUNT};
use crate::banks::{DANTAI01, DANTAI02};
use crate::certificates::{CUSTOMER, CertificateFiles};
use crate::operators::{OPERATORS, Operator};
use crate::partners::Partners;

pub(super) fn text(
    addresses: Addresses,
    partners: &Partners,
    kafka: &str,
    directory: &DemoDirectory,
    certificates: Option<&CertificateFiles>,
) -> String {
    let [first, second] = [DANTAI01, DANTAI02].map(|customer| {
        let crate::banks::Customer {
            login_id,
            password,
            pin,
        } = customer;
        format!("ログインID {login_id}   パスワード {password}   照会用暗証番号 {pin}")
    });
    let people = OPERATORS.map(|operator| {
        let Operator {
            id, password, role, ..
        } = operator;
        format!("    ID {id}   パスワード {password}   ({role})")
    });
    format!(
        "
Everything is up.

  {service} (partner A)    {partner_app}    <- begin here, in a browser
  bank: pages, OAuth         {consent}
  operators: console         {operators}/console
  decisions (gRPC)           {decisions}
  account-api                {account_api}
  sandbox-bank (gRPC)        {sandbox_bank}
  relay: health, metrics     {relay}/metrics
  Kafka (a mock)             {kafka}    <- in memory; takes transactions, but does not do them

  Customers of 中央労働金庫 (2963):
    {first}
    {second}

  Operators of the bank, at the console:
{people}

  The seven steps:
    1. Open {partner_app} and choose 「中央労働金庫（法人）」.
    2. Log in as {login_id} and press 「API連携」.
    3. Tick 残高照会 and 入出金明細照会; 「次へ」.
    4. Tick 「{FIRST_ACCOUNT}」, type its PIN, and the PIN of
       「{LINKED_ACCOUNT}」, which is linked already; 「登録」.
    5. Check the table; 「API連携認可へ」.
    6. Tick 「API連携を許可する。」; 「許可」.
    7. Back at {service}: choose from which day; 「保存する」.

{trust}  Keys and addresses for clients of your own:  {demo_json}
  Logs:                                        {logs}

Ctrl-C stops everything.",
        people = people.join("\n"),
        service = partners.a.service_name,
        partner_app = addresses.partner_app(),
        consent = addresses.consent(),
        operators = addresses.operators(),
        decisions = addresses.decisions(),
        account_api = addresses.account_api(),
        sandbox_bank = addresses.sandbox_bank(),
        relay = addresses.relay(),
        login_id = DANTAI01.login_id,
        trust = certificates.map_or_else(String::new, how_to_trust),
        demo_json = directory.demo_json().display(),
        logs = directory.logs().display(),
    )
}

/// The authority can speak for this machine's loopback only, and its private key is gone.
fn how_to_trust(certificates: &CertificateFiles) -> String {
    let (ca, customer, key) = (
        certificates.ca.display(),
        certificates.customer.display(),
        certificates.customer_key.display(),
    );
    format!(
        "  Over TLS, with an authority of the demonstration's own:
    {ca}
    curl: --cacert {ca}
    Firefox: Settings, Certificates, Authorities, Import; Chromium: chrome://certificate-manager.
    It is good for localhost and 127.0.0.1 only, and nobody has its private key.
    Remove it again when you are done.
  Certificate of the customer {CUSTOMER} (電子証明書):
    {customer}
    {key}

"
    )
}
