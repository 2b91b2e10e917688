//! What the pages say at each bank: its names, its hours, and the texts that it words in its own way,
//! in each language.
//!
//! Kept in memory per replica as last read, so that an error page names the bank and its telephone
//! also where the database does not answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use consent_domain::{BankCode, bank::BankRecord};

use crate::pages::{BankContact, Locale, Texts, TextsError};

/// The texts in each language.
#[derive(Debug, Clone)]
struct Languages {
    ja: Arc<Texts>,
    en: Arc<Texts>,
}

impl Languages {
    fn of_bank(own: &BTreeMap<String, BTreeMap<String, String>>) -> Result<Self, TextsError> {
        let of = |locale: Locale| match own.get(locale.tag()) {
            Some(own) => Texts::of_bank(locale, own),
            None => Texts::load(locale),
        };
        Ok(Self {
            ja: Arc::new(of(Locale::Ja)?),
            en: Arc::new(of(Locale::En)?),
        })
    }

    fn of(&self, locale: Locale) -> &Texts {
        match locale {
            Locale::Ja => &self.ja,
            Locale::En => &self.en,
        }
    }
}

/// One bank's names and texts.
#[derive(Debug)]
pub struct BankPages {
    record: BankRecord,
    languages: Languages,
}

impl BankPages {
    /// The texts as this bank words them.
    pub fn texts(&self, locale: Locale) -> &Texts {
        self.languages.of(locale)
    }

    /// The bank's name and how to reach it.
    pub fn contact(&self, locale: Locale) -> BankContact {
        let record = &self.record;
        let (display_name, hours) = match locale {
            Locale::Ja => (None, None),
            Locale::En => (record.display_name_en.as_ref(), record.hours_en.as_ref()),
        };
        BankContact {
            display_name: display_name.unwrap_or(&record.display_name).clone(),
            phone: record.phone.clone(),
            hours: hours.unwrap_or(&record.hours).clone(),
        }
    }
}

/// Every bank's pages, as this replica last read them.
#[derive(Debug)]
pub struct PagesOfBanks {
    common: Languages,
    last_read: RwLock<BTreeMap<BankCode, Arc<BankPages>>>,
}

impl PagesOfBanks {
    /// Reads the catalogues; no bank is known yet.
    ///
    /// # Errors
    /// [`TextsError`] for a catalogue that can't be used.
    pub fn load() -> Result<Self, TextsError> {
        let common = Languages::of_bank(&BTreeMap::new())?;
        Ok(Self {
            common,
            last_read: RwLock::default(),
        })
    }

    /// The texts that are no bank's own.
    pub fn common(&self, locale: Locale) -> &Texts {
        self.common.of(locale)
    }

    /// A bank's pages by its record as just read.
    pub fn of(&self, bank: &BankCode, record: &BankRecord) -> Arc<BankPages> {
        if let Some(known) = self.find(bank).filter(|known| &known.record == record) {
            return known;
        }
        let languages = if record.texts.is_empty() {
            self.common.clone()
        } else {
            // Checked when they were registered; a later release may have dropped a text.
            Languages::of_bank(&record.texts).unwrap_or_else(|error| {
                tracing::error!(%bank, %error, "a bank's own texts can't be used");
                self.common.clone()
            })
        };
        let pages = Arc::new(BankPages {
            record: record.clone(),
            languages,
        });
        let mut last_read = self
            .last_read
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        last_read.insert(bank.clone(), pages.clone());
        pages
    }

    /// A bank's pages as last read, if its record was ever read here.
    pub fn find(&self, bank: &BankCode) -> Option<Arc<BankPages>> {
        self.last_read
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(bank)
            .cloned()
    }
}

/// Whether a bank's own texts can stand in the catalogues.
///
/// # Errors
/// [`TextsError`] for the first that can't.
pub fn check_texts(own: &BTreeMap<String, BTreeMap<String, String>>) -> Result<(), TextsError> {
    if let Some(unknown) = own.keys().find(|tag| Locale::find(tag).is_none()) {
        return Err(TextsError::Locale(unknown.clone()));
    }
    Languages::of_bank(own).map(drop)
}

#[cfg(test)]
mod tests {
    use consent_domain::bank::BankSettings;

    use super::*;

    fn record() -> BankRecord {
        BankRecord {
            name: "中央労働金庫".to_owned(),
            display_name: "中央労働金庫（法人）".to_owned(),
            phone: "0120-000-000".to_owned(),
            hours: "平日 9:00〜17:00".to_owned(),
            display_name_en: None,
            hours_en: None,
            texts: BTreeMap::new(),
            settings: BankSettings::default(),
        }
    }

    fn own(locale: &str, place: &str, text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
        BTreeMap::from([(
            locale.to_owned(),
            BTreeMap::from([(place.to_owned(), text.to_owned())]),
        )])
    }

    fn bank() -> BankCode {
        BankCode::parse("2963").unwrap()
    }

    #[test]
    fn without_english_names_english_pages_show_the_japanese_ones() {
        let pages = PagesOfBanks::load().unwrap();
        let plain = pages.of(&bank(), &record()).contact(Locale::En);
        assert_eq!(plain.display_name, "中央労働金庫（法人）");
        assert_eq!(plain.hours, "平日 9:00〜17:00");
        let named = BankRecord {
            display_name_en: Some("Chuo Labour Bank (corporate)".to_owned()),
            hours_en: Some("Weekdays 9:00 to 17:00".to_owned()),
            ..record()
        };
        let named = pages.of(&bank(), &named);
        assert_eq!(
            named.contact(Locale::En).display_name,
            "Chuo Labour Bank (corporate)"
        );
        assert_eq!(named.contact(Locale::En).hours, "Weekdays 9:00 to 17:00");
        assert_eq!(
            named.contact(Locale::Ja).display_name,
            "中央労働金庫（法人）"
        );
    }

    #[test]
    fn a_changed_record_shows_at_once_and_the_last_one_stays_known() {
        let pages = PagesOfBanks::load().unwrap();
        assert!(pages.find(&bank()).is_none());
        pages.of(&bank(), &record());
        let moved = BankRecord {
            phone: "0120-000-002".to_owned(),
            ..record()
        };
        pages.of(&bank(), &moved);
        assert_eq!(
            pages.find(&bank()).unwrap().contact(Locale::Ja).phone,
            "0120-000-002"
        );
    }

    #[test]
    fn a_bank_words_a_text_in_its_own_way_and_the_version_tells() {
        let pages = PagesOfBanks::load().unwrap();
        let texts = own("ja", "login.certificate_note", "※ 当金庫の案内");
        check_texts(&texts).unwrap();
        let own = pages.of(&bank(), &BankRecord { texts, ..record() });
        assert!(own.texts(Locale::Ja).version().starts_with("2+"));
        assert_eq!(own.texts(Locale::En).version(), "2");
        assert_eq!(pages.common(Locale::Ja).version(), "2");
    }

    #[test]
    fn a_text_without_a_place_in_the_catalogue_is_refused() {
        for (locale, place, text) in [
            ("fr", "login.lead", "Bonjour"),
            ("ja", "login.leed", "文"),
            ("ja", "login", "文"),
            ("ja", "lead", "文"),
            ("ja", "version", "2"),
            ("ja", "login.lead", " "),
            ("ja", "login.lead", "{bank}へ"),
            ("ja", "tasks.lead", "{bank}へ"),
            ("ja", "tasks.lead", "文"),
        ] {
            assert!(
                check_texts(&own(locale, place, text)).is_err(),
                "{locale} {place} {text}"
            );
        }
    }
}
