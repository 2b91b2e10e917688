//! The seed's TOML: its shape, and the way from there to a checked [`Seed`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::NaiveDate;
use renkei_proto::bank::v1 as port;
use serde::Deserialize;

use super::{
    Account, BankCode, Contract, History, LoginMethod, Profiles, Seed, SeedError, Task, User,
};
use crate::ledger::{Ledger, Posting};
use crate::secret::Secret;
use crate::switches::CustomerFlag;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    bank: Vec<BankEntry>,
    contract: Vec<ContractEntry>,
    profile: HashMap<String, Vec<Posting>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BankEntry {
    code: String,
    #[expect(dead_code, reason = "written for whoever reads the seed")]
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractEntry {
    bank: String,
    id: String,
    name: String,
    login_method: LoginMethod,
    pin_scopes: Vec<PinScopeEntry>,
    account: Vec<AccountEntry>,
    user: Vec<UserEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PinScopeEntry {
    id: String,
    pin: Secret,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountEntry {
    id: String,
    branch_code: String,
    branch_name: String,
    r#type: AccountType,
    number: String,
    memo: String,
    pin_scope: Option<String>,
    tasks: BTreeSet<Task>,
    history: History,
    statement: StatementEntry,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AccountType {
    Ordinary,
    Current,
    Savings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementEntry {
    profile: String,
    opened_on: String,
    opening_balance_yen: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UserEntry {
    id: String,
    login_id: String,
    password: Secret,
    role: Role,
    #[serde(default)]
    flags: BTreeSet<CustomerFlag>,
    /// Absent: all accounts of the contract.
    accounts: Option<HashSet<String>>,
    pin_scope: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Role {
    Master,
    General,
}

pub(super) fn parse(toml: &str) -> Result<Seed, SeedError> {
    // The reader's own message quotes the line, which may hold a password.
    let file: File = toml::from_str(toml).map_err(|error| {
        let end = error.span().map_or(0, |span| span.start);
        SeedError::Syntax {
            line: toml.bytes().take(end).filter(|byte| *byte == b'\n').count() + 1,
        }
    })?;
    let profiles: Profiles = file
        .profile
        .into_iter()
        .map(|(name, postings)| (name, postings.into()))
        .collect();

    let mut seed = Seed {
        banks: HashSet::new(),
        contracts: HashMap::new(),
        logins: HashMap::new(),
    };
    for bank in file.bank {
        if !seed.banks.insert(bank_code(&bank.code)?) {
            return Err(SeedError::Duplicate(bank.code));
        }
    }
    let mut ids = HashSet::new();
    for entry in file.contract {
        let contract = Arc::new(contract(entry, &profiles, &mut ids)?);
        if !seed.banks.contains(&contract.bank) {
            return Err(SeedError::Unknown(contract.bank.to_string()));
        }
        for user in &contract.users {
            let key = (contract.bank, user.login_id.clone());
            if seed
                .logins
                .insert(key, (contract.clone(), user.clone()))
                .is_some()
            {
                return Err(SeedError::Duplicate(user.login_id.clone()));
            }
        }
        seed.contracts
            .insert((contract.bank, contract.id.clone()), contract);
    }
    Ok(seed)
}

fn contract(
    entry: ContractEntry,
    profiles: &Profiles,
    ids: &mut HashSet<String>,
) -> Result<Contract, SeedError> {
    unique(&entry.id, ids)?;
    let mut pins = HashMap::new();
    for scope in entry.pin_scopes {
        unique(&scope.id, ids)?;
        if !scope.pin.is_four_digits() {
            return Err(SeedError::Pin(scope.id));
        }
        pins.insert(scope.id, scope.pin);
    }
    let mut accounts = Vec::new();
    for account_entry in entry.account {
        unique(&account_entry.id, ids)?;
        accounts.push(account(account_entry, profiles)?);
    }
    let mut users = Vec::new();
    for user_entry in entry.user {
        unique(&user_entry.id, ids)?;
        users.push(Arc::new(user(user_entry, &accounts, &pins)?));
    }
    Ok(Contract {
        bank: bank_code(&entry.bank)?,
        id: entry.id,
        name: entry.name,
        login_method: entry.login_method,
        accounts,
        users,
        pins,
    })
}

fn account(entry: AccountEntry, profiles: &Profiles) -> Result<Account, SeedError> {
    let statement = entry.statement;
    let postings = profiles
        .get(&statement.profile)
        .ok_or_else(|| SeedError::Unknown(statement.profile.clone()))?;
    let opened_on: NaiveDate = statement
        .opened_on
        .parse()
        .map_err(|_| SeedError::Day(statement.opened_on.clone()))?;
    let ledger = Ledger::new(
        &entry.id,
        opened_on,
        statement.opening_balance_yen,
        Arc::clone(postings),
    );
    Ok(Account {
        id: entry.id,
        branch_code: entry.branch_code,
        branch_name: entry.branch_name,
        kind: match entry.r#type {
            AccountType::Ordinary => port::AccountType::Ordinary,
            AccountType::Current => port::AccountType::Current,
            AccountType::Savings => port::AccountType::Savings,
        },
        number: entry.number,
        memo: entry.memo,
        pin_scope: entry.pin_scope,
        tasks: entry.tasks,
        history: entry.history,
        ledger,
    })
}

fn user(
    entry: UserEntry,
    accounts: &[Account],
    pins: &HashMap<String, Secret>,
) -> Result<User, SeedError> {
    let known: HashSet<String> = accounts.iter().map(|account| account.id.clone()).collect();
    let visible = entry.accounts.unwrap_or_else(|| known.clone());
    if let Some(stranger) = visible.difference(&known).next() {
        return Err(SeedError::Unknown(stranger.clone()));
    }
    let user = User {
        id: entry.id,
        login_id: entry.login_id,
        password: entry.password,
        role: match entry.role {
            Role::Master => port::UserRole::Master,
            Role::General => port::UserRole::General,
        },
        flags: entry.flags,
        accounts: visible,
        pin_scope: entry.pin_scope,
    };
    for account in accounts
        .iter()
        .filter(|account| user.accounts.contains(&account.id))
    {
        let scope = account
            .pin_scope_for(&user)
            .ok_or_else(|| SeedError::NoPinScope {
                account: account.id.clone(),
                user: user.id.clone(),
            })?;
        if !pins.contains_key(scope) {
            return Err(SeedError::Unknown(scope.to_owned()));
        }
    }
    Ok(user)
}

fn unique(id: &str, ids: &mut HashSet<String>) -> Result<(), SeedError> {
    if ids.insert(id.to_owned()) {
        Ok(())
    } else {
        Err(SeedError::Duplicate(id.to_owned()))
    }
}

fn bank_code(text: &str) -> Result<BankCode, SeedError> {
    text.parse()
        .map_err(|_| SeedError::BankCode(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_seed_has_the_thirteen_banks_and_customers_at_one() {
        let seed = Seed::demo();
        assert_eq!(seed.banks.len(), 13);
        assert!(
            seed.logins
                .keys()
                .all(|(bank, _)| bank.to_string() == "2963")
        );
    }

    #[test]
    fn a_broken_seed_is_named_by_its_line_and_never_quoted() {
        let demo = include_str!("../../seed/demo.toml");
        let broken = demo.replace("password = \"Rokin2026\"", "password = 20262026");
        let error = Seed::parse(&broken).expect_err("a password is text");
        assert!(
            matches!(error, SeedError::Syntax { line } if line > 1),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("20262026"));
    }

    #[test]
    fn what_leads_nowhere_is_refused() {
        let demo = include_str!("../../seed/demo.toml");
        let no_profile = demo.replace("profile = \"union\"", "profile = \"onion\"");
        assert!(
            matches!(Seed::parse(&no_profile), Err(SeedError::Unknown(name)) if name == "onion")
        );
        let twice = demo.replace("login_id = \"dantai02\"", "login_id = \"dantai01\"");
        assert!(matches!(Seed::parse(&twice), Err(SeedError::Duplicate(_))));
        let no_scope = demo.replace("pin_scope = \"p-40d6ea95\"", "");
        assert!(matches!(
            Seed::parse(&no_scope),
            Err(SeedError::NoPinScope { .. })
        ));
    }
}
