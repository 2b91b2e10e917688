use consent_domain::{
    PartnerId,
    partner::{Partner, PartnerRecord, PartnerRefusal, PartnerStream},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{By, Changed, changed};
use crate::{
    partners::client_of,
    protocol::client::{RedirectUriPolicy, RegistrationRefused},
    store::{Bus, CommandError},
};

/// Longest name or contact, in characters.
const TEXT_LENGTH_MAX: usize = 200;
/// Most onward recipients.
const RECIPIENTS_MAX: usize = 50;

/// What customers are shown of a partner (electronic payment service provider, 電子決済等代行業者).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalRecord {
    /// Registered company name.
    #[schema(example = "会計サービス株式会社")]
    pub legal_name: String,
    /// The service's name.
    pub service_name: String,
    /// Registration number.
    #[schema(example = "関東財務局長（電代）第0号")]
    pub registration_number: String,
    /// Where customers may complain.
    pub complaint_contact: String,
    /// To whom the partner passes data on.
    #[serde(default)]
    pub onward_recipients: Vec<String>,
}

/// A part of a legal record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordField {
    /// Registered company name.
    LegalName,
    /// The service's name.
    ServiceName,
    /// Registration number.
    RegistrationNumber,
    /// Where customers may complain.
    ComplaintContact,
    /// To whom the partner passes data on.
    OnwardRecipients,
}

impl LegalRecord {
    /// Whether customers can be shown it.
    ///
    /// # Errors
    /// [`RecordRefusal::Text`].
    pub fn check(&self) -> Result<(), RecordRefusal> {
        if self.faults().is_empty() {
            Ok(())
        } else {
            Err(RecordRefusal::Text)
        }
    }

    /// What can't be shown.
    pub fn faults(&self) -> Vec<RecordField> {
        let mut faults: Vec<RecordField> = [
            (RecordField::LegalName, &self.legal_name),
            (RecordField::ServiceName, &self.service_name),
            (RecordField::RegistrationNumber, &self.registration_number),
            (RecordField::ComplaintContact, &self.complaint_contact),
        ]
        .into_iter()
        .filter(|(_, text)| !can_be_shown(text))
        .map(|(field, _)| field)
        .collect();
        let recipients = &self.onward_recipients;
        if recipients.len() > RECIPIENTS_MAX || !recipients.iter().all(|text| can_be_shown(text)) {
            faults.push(RecordField::OnwardRecipients);
        }
        faults
    }
}

fn can_be_shown(text: &str) -> bool {
    let length = text.chars().count();
    (1..=TEXT_LENGTH_MAX).contains(&length) && !text.chars().any(char::is_control)
}

/// One change of a partner's record.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordChange {
    /// What customers are shown.
    Legal(LegalRecord),
    /// Where customers return to, all of them.
    RedirectUris(Vec<String>),
    /// One more key: a JWK with a `kid`.
    AddKey(Value),
    /// One key less, by its `kid`.
    RemoveKey(String),
}

/// Why a record is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefusal {
    /// There is no such partner.
    #[error("no such partner")]
    Unknown,
    /// Somebody changed the record since it was read.
    #[error("the record was changed in the meantime")]
    ChangedMeanwhile,
    /// The key was used for something else.
    #[error("this key was used for something else")]
    KeyReused,
    /// Empty, too long, or with control characters.
    #[error(
        "a name or contact has 1 to 200 characters and no control character, a list at most 50"
    )]
    Text,
    /// Another key has this `kid`.
    #[error("another key has this kid")]
    KidTaken,
    /// No key has this `kid`.
    #[error("no key has this kid")]
    UnknownKey,
    /// A key, or a redirect URI, can't be used.
    #[error(transparent)]
    Client(#[from] RegistrationRefused),
    /// The rule refused it.
    #[error(transparent)]
    Partner(#[from] PartnerRefusal),
}

impl RecordChange {
    fn apply(&self, record: &mut PartnerRecord) -> Result<(), RecordRefusal> {
        match self {
            Self::Legal(legal) => {
                legal.check()?;
                record.legal_name.clone_from(&legal.legal_name);
                record.service_name.clone_from(&legal.service_name);
                record
                    .registration_number
                    .clone_from(&legal.registration_number);
                record
                    .complaint_contact
                    .clone_from(&legal.complaint_contact);
                record
                    .onward_recipients
                    .clone_from(&legal.onward_recipients);
            }
            Self::RedirectUris(uris) => record.redirect_uris.clone_from(uris),
            Self::AddKey(jwk) => {
                let kid = jwk.get("kid").and_then(Value::as_str);
                let kid = kid.ok_or(RecordRefusal::UnknownKey)?;
                let text = jwk.to_string();
                match record.keys.get(kid) {
                    Some(same) if *same == text => {}
                    Some(_) => return Err(RecordRefusal::KidTaken),
                    None => {
                        record.keys.insert(kid.to_owned(), text);
                    }
                }
            }
            Self::RemoveKey(kid) => {
                record.keys.remove(kid);
            }
        }
        Ok(())
    }
}

/// Changes a partner's record: a new version of it, unless it is so already. `read_version`: the version that
/// the change was made for, where that matters.
///
/// # Errors
/// [`RecordRefusal`], or the store's.
pub async fn change_record(
    bus: &Bus,
    policy: RedirectUriPolicy,
    partner: &PartnerId,
    (change, read_version): (RecordChange, Option<u32>),
    by: By,
) -> Result<Changed, CommandError<RecordRefusal>> {
    let whom = partner.clone();
    let key = by.key.clone();
    let executed = bus
        .execute::<PartnerStream, RecordRefusal>(
            partner.to_string(),
            by.context(None, partner),
            move |state: &Partner, _| {
                let Partner::Registered {
                    record: current,
                    record_version,
                    ..
                } = state
                else {
                    return Err(RecordRefusal::Unknown);
                };
                let mut record = current.clone();
                change.apply(&mut record)?;
                if record == *current {
                    return Ok(Vec::new());
                }
                if read_version.is_some_and(|version| version != *record_version) {
                    return Err(RecordRefusal::ChangedMeanwhile);
                }
                // The same reading that every request uses: what is refused there is refused here.
                client_of(&whom, &record, policy)?;
                Ok(state.register(&whom, &record)?.into_events())
            },
            |_, _, _| Vec::new(),
        )
        .await?;
    changed(&executed, key.as_ref()).ok_or(CommandError::Refused(RecordRefusal::KeyReused))
}
