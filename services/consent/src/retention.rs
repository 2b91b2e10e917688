//! What is kept how long, and how it leaves: the sweeper forgets, the owner archives and destroys.
//! `docs/retention.md` lists every table of the database.

pub mod archive;
pub mod archive_file;
pub mod destruction;
mod forget;
pub mod legal_hold;
mod partitions;

use std::{collections::BTreeMap, path::Path};

use consent_domain::BankCode;
use serde::Deserialize;

pub use forget::{forget, remove_what_is_over};
pub use partitions::watch_partitions;

/// The table `[retention]` of the settings: how long each kind of record is kept. The name of each says the
/// unit; what is kept for whom is in `docs/retention.md`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetentionSettings {
    /// Outcomes of forms and commands by their keys.
    pub command_keys_days: i32,
    /// Guesses of passwords and PINs with their verdicts.
    pub guesses_days: i32,
    /// Counters of logins that say nothing any more.
    pub login_counters_days: i32,
    /// Bank sessions and customers' own sessions, from their login.
    pub bank_sessions_days: i32,
    /// `jti`s of client assertions, after the assertion's end.
    pub used_jtis_minutes: i32,
    /// Authorization codes, from when they were issued.
    pub authorization_codes_days: i32,
    /// Ids of access tokens, after the token's end.
    pub access_token_ids_days: i32,
    /// Refresh tokens, after the end of their grant.
    pub refresh_tokens_of_ended_grants_days: i32,
    /// Pushed requests without a consent.
    pub pushed_requests_days: i32,
    /// Rows of journeys that ended without a consent, after their time was over.
    pub unfinished_journeys_days: i32,
    /// Notices to customers, after they were sent.
    pub notices_sent_days: i32,
    /// What notices of banks said, after their effects were complete; their ids stay.
    pub bank_notices_days: i32,
    /// Events that a partner was handed out and never acknowledged.
    pub unacknowledged_events_days: i32,
    /// Events that a partner refused.
    pub refused_events_days: i32,
    /// Sessions of operators, after their end.
    pub operator_sessions_days: i32,
    /// Acts of operators.
    pub operator_acts_months: i32,
    /// What was read, by the month.
    pub access_records_months: i32,
    /// Numbers of the log stay in the database for so long after they were given, at least.
    pub event_log_months: i32,
    /// Streams that ended are destroyed so long after their last fact, where the bank has no time of its own.
    pub ended_streams_years: i32,
    /// The same for single banks, by their code.
    pub ended_streams_years_of_bank: BTreeMap<String, i32>,
    /// Contracts that a bank closed are destroyed so long after their last fact, once nothing else of them is
    /// left, where the bank has no time of its own.
    pub closed_contracts_years: i32,
    /// The same for single banks, by their code.
    pub closed_contracts_years_of_bank: BTreeMap<String, i32>,
    /// How often the sweeper looks for what leaves seldom.
    pub look_every_minutes: i32,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self {
            command_keys_days: 2,
            guesses_days: 2,
            login_counters_days: 1,
            bank_sessions_days: 30,
            used_jtis_minutes: 10,
            authorization_codes_days: 30,
            access_token_ids_days: 1,
            refresh_tokens_of_ended_grants_days: 90,
            pushed_requests_days: 90,
            unfinished_journeys_days: 90,
            notices_sent_days: 730,
            bank_notices_days: 365,
            unacknowledged_events_days: 365,
            refused_events_days: 365,
            operator_sessions_days: 30,
            operator_acts_months: 120,
            access_records_months: 60,
            event_log_months: 24,
            ended_streams_years: 10,
            ended_streams_years_of_bank: BTreeMap::new(),
            closed_contracts_years: 10,
            closed_contracts_years_of_bank: BTreeMap::new(),
            look_every_minutes: 60,
        }
    }
}

/// A setting with its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounded {
    /// Its name within `[retention]`.
    pub name: &'static str,
    /// What is set.
    pub value: i32,
    /// The least that is safe.
    pub least: i32,
}

/// No setting needs more; days beyond it would leave what the database's calendar can hold.
const MOST: i32 = 36_500;

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// Less than is safe, or beyond any use.
    #[error("retention.{name} is {value}, and must be {least} to {MOST}")]
    OutOfBounds {
        /// The setting.
        name: String,
        /// What was set.
        value: i32,
        /// The least.
        least: i32,
    },
    /// Not a bank's code.
    #[error("retention.{name}: {code} is no bank's code")]
    NoBank {
        /// The setting.
        name: &'static str,
        /// What was set.
        code: String,
    },
    /// The file can't be read.
    #[error("can't read {path}: {source}")]
    Unreadable {
        /// Its path.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no TOML, or its table `[retention]` is not what this release expects.
    #[error("{path}: {message}")]
    Malformed {
        /// Its path.
        path: String,
        /// Why, without what stands there: the file may hold secrets.
        message: String,
    },
}

impl RetentionSettings {
    /// Reads the table `[retention]` of a settings file; the rest of the file is not looked at, so that the
    /// owner's jobs need none of the service's secrets. Without the table the defaults hold.
    ///
    /// # Errors
    /// [`RetentionError`].
    pub fn read(path: &Path) -> Result<Self, RetentionError> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            retention: RetentionSettings,
        }
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| RetentionError::Unreadable {
            path: name.clone(),
            source,
        })?;
        let file: File = toml::from_str(&text).map_err(|error| RetentionError::Malformed {
            path: name,
            message: error.message().to_owned(),
        })?;
        file.retention.check()?;
        Ok(file.retention)
    }

    /// Every setting with the least that is safe.
    pub fn bounds(&self) -> Vec<Bounded> {
        let bounded = |name, value, least| Bounded { name, value, least };
        vec![
            // A form may be sent again as long as its journey lasts.
            bounded("command_keys_days", self.command_keys_days, 1),
            bounded("guesses_days", self.guesses_days, 1),
            bounded("login_counters_days", self.login_counters_days, 1),
            bounded("bank_sessions_days", self.bank_sessions_days, 1),
            // A replica whose clock is behind must not accept what was forgotten.
            bounded("used_jtis_minutes", self.used_jtis_minutes, 10),
            // A second use is known as one until then.
            bounded("authorization_codes_days", self.authorization_codes_days, 1),
            bounded("access_token_ids_days", self.access_token_ids_days, 1),
            bounded(
                "refresh_tokens_of_ended_grants_days",
                self.refresh_tokens_of_ended_grants_days,
                1,
            ),
            bounded("pushed_requests_days", self.pushed_requests_days, 1),
            bounded("unfinished_journeys_days", self.unfinished_journeys_days, 1),
            bounded("notices_sent_days", self.notices_sent_days, 30),
            // Until then a consent's story tells what the bank said.
            bounded("bank_notices_days", self.bank_notices_days, 30),
            bounded(
                "unacknowledged_events_days",
                self.unacknowledged_events_days,
                30,
            ),
            bounded("refused_events_days", self.refused_events_days, 1),
            bounded("operator_sessions_days", self.operator_sessions_days, 1),
            bounded("operator_acts_months", self.operator_acts_months, 12),
            bounded("access_records_months", self.access_records_months, 3),
            bounded("event_log_months", self.event_log_months, 1),
            bounded("ended_streams_years", self.ended_streams_years, 1),
            bounded("closed_contracts_years", self.closed_contracts_years, 1),
            bounded("look_every_minutes", self.look_every_minutes, 1),
        ]
    }

    /// # Errors
    /// [`RetentionError::OutOfBounds`], [`RetentionError::NoBank`].
    pub fn check(&self) -> Result<(), RetentionError> {
        for Bounded { name, value, least } in self.bounds() {
            in_bounds(name, value, least)?;
        }
        for (name, years_of_bank) in [
            (
                "ended_streams_years_of_bank",
                &self.ended_streams_years_of_bank,
            ),
            (
                "closed_contracts_years_of_bank",
                &self.closed_contracts_years_of_bank,
            ),
        ] {
            for (code, years) in years_of_bank {
                if BankCode::parse(code.as_str()).is_err() {
                    let code = code.clone();
                    return Err(RetentionError::NoBank { name, code });
                }
                in_bounds(&format!("{name}.{code}"), *years, 1)?;
            }
        }
        Ok(())
    }

    /// After how many years a bank's ended streams are destroyed.
    pub fn ended_streams_years_at(&self, bank: &BankCode) -> i32 {
        self.ended_streams_years_of_bank
            .get(bank.as_str())
            .copied()
            .unwrap_or(self.ended_streams_years)
    }

    /// After how many years a bank's closed contracts are destroyed.
    pub fn closed_contracts_years_at(&self, bank: &BankCode) -> i32 {
        self.closed_contracts_years_of_bank
            .get(bank.as_str())
            .copied()
            .unwrap_or(self.closed_contracts_years)
    }
}

fn in_bounds(name: &str, value: i32, least: i32) -> Result<(), RetentionError> {
    if (least..=MOST).contains(&value) {
        Ok(())
    } else {
        Err(RetentionError::OutOfBounds {
            name: name.to_owned(),
            value,
            least,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RetentionSettings, String> {
        let settings: RetentionSettings =
            toml::from_str(text).map_err(|error| error.message().to_owned())?;
        settings.check().map_err(|error| error.to_string())?;
        Ok(settings)
    }

    #[test]
    fn what_is_not_set_has_a_default_that_is_safe() {
        assert_eq!(read("").unwrap(), RetentionSettings::default());
    }

    #[test]
    fn less_than_is_safe_and_what_is_unknown_are_refused_by_name() {
        for bounded in RetentionSettings::default().bounds() {
            let text = format!("{} = {}", bounded.name, bounded.least - 1);
            let refused = read(&text).unwrap_err();
            assert!(refused.contains(bounded.name), "{text}: {refused}");
            assert!(read(&format!("{} = {}", bounded.name, bounded.least)).is_ok());
            assert!(read(&format!("{} = {}", bounded.name, MOST + 1)).is_err());
        }
        assert!(read("command_key_days = 2").is_err());
    }

    #[test]
    fn a_bank_may_have_its_own_time() {
        let settings = read("[ended_streams_years_of_bank]\n2963 = 15").unwrap();
        let years = |code| settings.ended_streams_years_at(&BankCode::parse(code).unwrap());
        assert_eq!((years("2963"), years("2951")), (15, 10));
        let settings = read("[closed_contracts_years_of_bank]\n2963 = 3").unwrap();
        let years = |code| settings.closed_contracts_years_at(&BankCode::parse(code).unwrap());
        assert_eq!((years("2963"), years("2951")), (3, 10));
        for table in [
            "ended_streams_years_of_bank",
            "closed_contracts_years_of_bank",
        ] {
            assert!(read(&format!("[{table}]\nx = 15")).is_err());
            assert!(read(&format!("[{table}]\n2963 = 0")).is_err());
        }
    }

    #[test]
    fn the_document_names_every_setting_with_its_default_and_its_least() {
        let document = include_str!("../../../docs/retention.md");
        for Bounded { name, value, least } in RetentionSettings::default().bounds() {
            let row = format!("| `{name}` | {value} | {least} |");
            assert!(document.contains(&row), "docs/retention.md lacks {row}");
        }
    }
}
