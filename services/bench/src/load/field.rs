//! Who is on the platform: the thirteen banks, some big and some small, and partners likewise.

use std::collections::BTreeMap;

use chrono::{Days, FixedOffset, TimeZone as _};
use consent_domain::{
    BankCode, ClientId, Instant, PartnerId,
    bank::{BankRecord, BankSettings},
    partner::PartnerRecord,
};
use demo::banks::BANKS;

use super::chance::Chance;
use crate::error::BenchError;

/// How many of a hundred contracts are at each bank, in the order of [`BANKS`].
const SHARES: [u32; 13] = [7, 7, 30, 3, 2, 5, 2, 13, 14, 5, 2, 9, 1];
/// Partners on the platform.
const PARTNERS: u32 = 40;
/// Partners that every bank works with; each of the others works with some of the banks.
const EVERYWHERE: usize = 4;

/// A public key whose private half is printed in RFC 7517, appendix A.2: nobody is to trust what was loaded.
const EVERYBODYS_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","kid":"1"}"#;

/// A bank.
pub struct Bank {
    /// Its code.
    pub code: BankCode,
    /// Its record, the same for all the time.
    pub record: BankRecord,
    /// The partners that its customers may link to, each with its weight, as positions in
    /// [`Field::partners`].
    pub partners: Vec<(u32, usize)>,
}

impl Bank {
    /// The end of a consent that is given at that time: midnight in Japan after the last day.
    ///
    /// # Errors
    /// Where the calendar ends.
    pub fn end_of_validity(&self, at: Instant) -> Result<Instant, BenchError> {
        let days = u64::from(self.record.settings.consent_validity_days);
        let japan = FixedOffset::east_opt(9 * 3600);
        let end = japan.and_then(|japan| {
            let last = at.with_timezone(&japan).date_naive();
            let midnight = last
                .checked_add_days(Days::new(days + 1))?
                .and_hms_opt(0, 0, 0)?;
            japan.from_local_datetime(&midnight).single()
        });
        end.map(|end| end.to_utc())
            .ok_or_else(|| BenchError::wrong("the calendar ends"))
    }
}

/// A partner.
pub struct Partner {
    /// Its id.
    pub id: PartnerId,
    /// Its service.
    pub client: ClientId,
    /// Its record at first.
    pub record: PartnerRecord,
    /// The record's version now.
    pub record_version: u32,
}

/// Everybody.
pub struct Field {
    /// The banks.
    pub banks: Vec<Bank>,
    /// Each bank's position with its weight.
    pub shares: Vec<(u32, usize)>,
    /// The partners, the biggest first.
    pub partners: Vec<Partner>,
}

impl Field {
    /// By chance, but for the biggest.
    ///
    /// # Errors
    /// None for names as they are made here.
    pub fn draw(chance: &mut Chance) -> Result<Self, BenchError> {
        let partners: Vec<Partner> = (1..=PARTNERS).map(partner).collect::<Result<_, _>>()?;
        let mut banks = Vec::new();
        for bank in BANKS {
            let mut served = Vec::new();
            for (position, weight) in weights().enumerate() {
                if position < EVERYWHERE || chance.happens(0.4) {
                    served.push((weight, position));
                }
            }
            banks.push(Bank {
                code: BankCode::parse(bank.code).map_err(BenchError::wrong)?,
                record: record(bank),
                partners: served,
            });
        }
        Ok(Self {
            banks,
            shares: SHARES.into_iter().zip(0..).collect(),
            partners,
        })
    }

    /// The bank at that position.
    ///
    /// # Errors
    /// Where there is none.
    pub fn bank(&self, position: usize) -> Result<&Bank, BenchError> {
        let bank = self.banks.get(position);
        bank.ok_or_else(|| BenchError::wrong("no such bank"))
    }

    /// The partner at that position.
    ///
    /// # Errors
    /// Where there is none.
    pub fn partner(&self, position: usize) -> Result<&Partner, BenchError> {
        let partner = self.partners.get(position);
        partner.ok_or_else(|| BenchError::wrong("no such partner"))
    }
}

/// The second has half of the first's customers, the third a third of them, and so on.
fn weights() -> impl Iterator<Item = u32> {
    (1..=PARTNERS).map(|rank| 10_000 / rank)
}

fn record(bank: demo::banks::Bank) -> BankRecord {
    BankRecord {
        name: bank.name.to_owned(),
        display_name: bank.display_name(),
        phone: "0120-000-000".to_owned(),
        hours: "平日 9:00〜18:00".to_owned(),
        display_name_en: Some(bank.display_name_en()),
        hours_en: Some("Weekdays 9:00 to 18:00".to_owned()),
        texts: BTreeMap::new(),
        settings: BankSettings::default(),
    }
}

fn partner(rank: u32) -> Result<Partner, BenchError> {
    let client = format!("load-client-{rank:02}");
    let record = PartnerRecord {
        legal_name: format!("第{rank}事業株式会社"),
        service_name: format!("第{rank}会計"),
        registration_number: format!("関東財務局長（電代）第{rank}号"),
        complaint_contact: "お客様窓口 0120-000-000".to_owned(),
        onward_recipients: Vec::new(),
        client_id: ClientId::parse(client.clone()).map_err(BenchError::wrong)?,
        redirect_uris: vec![format!("https://{client}.example/callback")],
        keys: BTreeMap::from([("1".to_owned(), EVERYBODYS_KEY.to_owned())]),
    };
    Ok(Partner {
        id: PartnerId::parse(format!("load-partner-{rank:02}")).map_err(BenchError::wrong)?,
        client: record.client_id.clone(),
        record,
        record_version: 1,
    })
}
