//! The handle: what a test counts and what it switches.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::certificate::CustomerCertificate;
use crate::seed::{BankCode, Contract, Seed, User};
use crate::state::{Counters, Notice, PinRequest, State};
use crate::switches::{
    Clock, Closure, CustomerFlag, Fault, HELD_BACK_AT_MOST, Lie, PlannedMaintenance, Rpc,
};

/// A bank's core in memory. Clones are handles of the same bank.
#[derive(Debug, Clone)]
pub struct SandboxBank {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    seed: Seed,
    state: Mutex<State>,
}

/// A switch was asked for something that the seed does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownTarget {
    /// No such bank.
    #[error("no such bank")]
    Bank,
    /// No such login id at this bank.
    #[error("no such login id")]
    LoginId,
    /// No such account in this customer's contract.
    #[error("no such account")]
    Account,
    /// No such certificate at this bank.
    #[error("no such certificate")]
    Certificate,
    /// No such PIN scope at this bank.
    #[error("no such PIN scope")]
    PinScope,
}

impl SandboxBank {
    /// A bank with these customers.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            inner: Arc::new(Inner {
                seed,
                state: Mutex::default(),
            }),
        }
    }

    /// A bank with the customers of `seed/demo.toml`.
    #[must_use]
    pub fn demo() -> Self {
        Self::new(Seed::demo())
    }

    /// Puts switches, limits, clock, counters and attempts back to what they are after a start,
    /// and lets every call go that is held back.
    pub fn reset(&self) {
        let before = {
            let mut state = self.state();
            let certificates = std::mem::take(&mut state.certificates).restored();
            let before = std::mem::take(&mut *state);
            state.certificates = certificates;
            before
        };
        before.switches.release_all();
    }

    // --- Counters ---

    /// Requests of one rpc received, whatever the answer was.
    #[must_use]
    pub fn requests(&self, rpc: Rpc) -> u64 {
        self.state().requests.get(&rpc).copied().unwrap_or(0)
    }

    /// Login attempts that counted for a login id, known or not; each `attempt_id` once.
    #[must_use]
    pub fn login_attempts(&self, bank_code: &str, login_id: &str) -> u64 {
        let Ok(bank) = bank_code.parse() else {
            return 0;
        };
        self.state()
            .logins
            .find(bank, login_id)
            .map_or(0, |tally| tally.counted)
    }

    /// PIN guesses that counted for a PIN scope; each `attempt_id` once.
    #[must_use]
    pub fn pin_guesses(&self, bank_code: &str, pin_scope_id: &str) -> u64 {
        let Ok(bank) = bank_code.parse() else {
            return 0;
        };
        let key = (bank, pin_scope_id.to_owned());
        self.state().pins.get(&key).map_or(0, |tally| tally.counted)
    }

    /// `VerifyInquiryPin` requests received, oldest first, the last 10,000.
    #[must_use]
    pub fn pin_requests(&self) -> Vec<PinRequest> {
        self.state().pin_requests.iter().cloned().collect()
    }

    /// Notices sent, oldest first, the last 10,000.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.state().notices()
    }

    /// All counters at one moment.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.state().counters()
    }

    // --- The bank's own locks ---

    /// Login failures in a row until the bank locks a login id; 10 after a start.
    pub fn set_login_limit(&self, failures: u32) {
        self.state().switches.login_limit = failures;
    }

    /// PIN mismatches in a row until the bank locks a PIN scope; 10 after a start.
    pub fn set_pin_limit(&self, mismatches: u32) {
        self.state().switches.pin_limit = mismatches;
    }

    /// Unlocks a login id: its failures in a row start from zero.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`] for a bank or login id that the seed does not have.
    pub fn reset_login(&self, bank_code: &str, login_id: &str) -> Result<(), UnknownTarget> {
        let (contract, user) = self.customer(bank_code, login_id)?;
        self.state()
            .logins
            .known(contract.bank, &user.login_id)
            .failures_in_a_row = 0;
        Ok(())
    }

    /// Unlocks a PIN scope: its mismatches in a row start from zero.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`] for a bank or PIN scope that the seed does not have.
    pub fn reset_pin_scope(
        &self,
        bank_code: &str,
        pin_scope_id: &str,
    ) -> Result<(), UnknownTarget> {
        let bank = self.bank(bank_code)?;
        if !self.inner.seed.has_pin_scope(bank, pin_scope_id) {
            return Err(UnknownTarget::PinScope);
        }
        let key = (bank, pin_scope_id.to_owned());
        self.state().pins.entry(key).or_default().failures_in_a_row = 0;
        Ok(())
    }

    // --- Bad days ---

    /// Holds the answers of one rpc back after the act, at most 10 minutes; zero for none. Calls
    /// held back now are let go.
    pub fn set_delay(&self, rpc: Rpc, delay: Duration) {
        let mut state = self.state();
        let switch = state.switches.rpc(rpc);
        switch.delay = delay.min(HELD_BACK_AT_MOST);
        switch.release.send_replace(());
    }

    /// Makes one rpc fail, or work again. Calls held back now are let go.
    pub fn set_fault(&self, rpc: Rpc, fault: Option<Fault>) {
        let mut state = self.state();
        let switch = state.switches.rpc(rpc);
        switch.fault = fault;
        switch.release.send_replace(());
    }

    /// Makes the answers of one rpc lie, or tell the truth again.
    pub fn set_lie(&self, rpc: Rpc, lie: Option<Lie>) {
        self.state().switches.rpc(rpc).lie = lie;
    }

    /// Announces maintenance of a bank, in place of what was announced before.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget::Bank`]
    pub fn set_planned_maintenance(
        &self,
        bank_code: &str,
        planned: Vec<PlannedMaintenance>,
    ) -> Result<(), UnknownTarget> {
        let bank = self.bank(bank_code)?;
        self.state().switches.planned.insert(bank, planned);
        Ok(())
    }

    /// Closes a bank, or with `None` opens it.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget::Bank`]
    pub fn set_closure(
        &self,
        bank_code: &str,
        closure: Option<Closure>,
    ) -> Result<(), UnknownTarget> {
        let bank = self.bank(bank_code)?;
        let closures = &mut self.state().switches.closures;
        match closure {
            Some(closure) => closures.insert(bank, closure),
            None => closures.remove(&bank),
        };
        Ok(())
    }

    /// Stops the bank's clock, or lets it run.
    pub fn set_clock(&self, clock: Clock) {
        self.state().switches.clock = clock;
    }

    // --- Customers ---

    /// Replaces all flags of a customer.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`] for a bank or login id that the seed does not have.
    pub fn set_customer_flags(
        &self,
        bank_code: &str,
        login_id: &str,
        flags: &[CustomerFlag],
    ) -> Result<(), UnknownTarget> {
        let (contract, user) = self.customer(bank_code, login_id)?;
        let flags: BTreeSet<CustomerFlag> = flags.iter().copied().collect();
        self.state().set_flags(contract.bank, &user, flags);
        Ok(())
    }

    /// Takes the right to see an account from a user.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`] for a bank, login id or account that the seed does not have.
    pub fn withdraw_account_right(
        &self,
        bank_code: &str,
        login_id: &str,
        account_id: &str,
    ) -> Result<(), UnknownTarget> {
        let (contract, user) = self.customer_with_account(bank_code, login_id, account_id)?;
        self.state().withdraw(contract.bank, &user, account_id);
        Ok(())
    }

    /// Gives a withdrawn right back. An account that the seed does not let the user see stays
    /// unseen.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`] for a bank, login id or account that the seed does not have.
    pub fn restore_account_right(
        &self,
        bank_code: &str,
        login_id: &str,
        account_id: &str,
    ) -> Result<(), UnknownTarget> {
        let (contract, user) = self.customer_with_account(bank_code, login_id, account_id)?;
        self.state().restore(contract.bank, &user, account_id);
        Ok(())
    }

    /// Registers a certificate that stands for a login id; it stays registered after [`Self::reset`].
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`] for a bank or login id that the seed does not have.
    pub fn register_certificate(
        &self,
        bank_code: &str,
        login_id: &str,
        certificate: CustomerCertificate,
    ) -> Result<(), UnknownTarget> {
        let (contract, user) = self.customer(bank_code, login_id)?;
        self.state()
            .certificates
            .register(contract.bank, &user.login_id, certificate);
        Ok(())
    }

    /// Revokes a certificate.
    ///
    /// # Errors
    ///
    /// [`UnknownTarget`] for a bank that there is not, or a certificate that it does not know.
    pub fn revoke_certificate(
        &self,
        bank_code: &str,
        certificate: &CustomerCertificate,
    ) -> Result<(), UnknownTarget> {
        let bank = self.bank(bank_code)?;
        if self.state().certificates.revoke(bank, certificate) {
            Ok(())
        } else {
            Err(UnknownTarget::Certificate)
        }
    }

    // --- For the services ---

    pub(crate) fn seed(&self) -> &Seed {
        &self.inner.seed
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic under the lock leaves counters that are still counters.
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn customer(
        &self,
        bank_code: &str,
        login_id: &str,
    ) -> Result<(Arc<Contract>, Arc<User>), UnknownTarget> {
        let bank = self.bank(bank_code)?;
        self.inner
            .seed
            .login(bank, login_id)
            .cloned()
            .ok_or(UnknownTarget::LoginId)
    }

    fn customer_with_account(
        &self,
        bank_code: &str,
        login_id: &str,
        account_id: &str,
    ) -> Result<(Arc<Contract>, Arc<User>), UnknownTarget> {
        let (contract, user) = self.customer(bank_code, login_id)?;
        contract.account(account_id).ok_or(UnknownTarget::Account)?;
        Ok((contract, user))
    }

    fn bank(&self, bank_code: &str) -> Result<BankCode, UnknownTarget> {
        bank_code
            .parse()
            .ok()
            .filter(|bank| self.inner.seed.has_bank(*bank))
            .ok_or(UnknownTarget::Bank)
    }
}
