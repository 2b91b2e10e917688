//! The linkages that the procedure's example takes for granted, made through the front door.

use url::Url;

use super::error::RunError;
use crate::addresses::Addresses;
use crate::agent::browser::Browser;
use crate::agent::partner::{ParRequest, PartnerClient, Registration};
use crate::agent::seed_example::{BANK_CODE, EarlierPartner, earlier_linkages};
use crate::agent::trust::Trust;
use crate::agent::walk::{Walk, walk};
use crate::partners::{Partner, Partners};

/// Walks as the customer, once per linkage, with the partners' own keys.
pub(super) async fn make(
    addresses: Addresses,
    partners: &Partners,
    trust: &Trust,
) -> Result<(), RunError> {
    for linkage in earlier_linkages() {
        let partner = match linkage.partner {
            EarlierPartner::SameService => &partners.a,
            EarlierPartner::AnotherService => &partners.b,
        };
        let steps = Walk {
            browser: Browser::try_trusting(trust)?,
            partner: client(addresses, partner, trust)?,
            request: ParRequest::for_both_tasks(),
            choices: linkage.choices,
            account_api: None,
        };
        Box::pin(walk(&steps)).await?;
    }
    Ok(())
}

fn client(
    addresses: Addresses,
    partner: &Partner,
    trust: &Trust,
) -> Result<PartnerClient, RunError> {
    let redirect_uri = partner
        .redirect_uris
        .first()
        .map(String::as_str)
        .unwrap_or_default();
    Ok(PartnerClient::try_trusting(
        trust,
        Registration {
            client_id: partner.client_id.to_owned(),
            private_key_pem: partner.key.private_key_pem.clone(),
            kid: partner.key.kid.clone(),
            redirect_uri: Url::parse(redirect_uri)?,
            issuer: Url::parse(&addresses.issuer(BANK_CODE))?,
        },
    )?)
}
