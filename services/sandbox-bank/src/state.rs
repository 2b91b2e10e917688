//! Everything that changes while the bank runs, behind one lock: an attempt is judged, counted and
//! remembered in one step, however many calls are side by side.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use crate::attempts::Attempts;
use crate::certificate::Certificates;
use crate::seed::{BankCode, User};
use crate::switches::{CustomerFlag, Rpc, Switches};

/// How many PIN requests are listed; older ones are dropped from the list, not from the counts.
const PIN_REQUESTS_KEPT: usize = 10_000;
/// How much of an identifier is listed: more than any that a caller of good will sends.
const IDENTIFIER_BYTES_KEPT: usize = 64;
/// How many login ids that the bank does not know are counted; the oldest is dropped.
const UNKNOWN_LOGINS_KEPT: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) switches: Switches,
    pub(crate) attempts: Attempts,
    pub(crate) certificates: Certificates,
    pub(crate) logins: LoginTallies,
    pub(crate) pins: BTreeMap<(BankCode, String), Tally>,
    pub(crate) pin_requests: VecDeque<PinRequest>,
    pub(crate) requests: BTreeMap<Rpc, u64>,
    notices: VecDeque<Notice>,
    /// By user id; absent: as the seed has it.
    flags: HashMap<(BankCode, String), BTreeSet<CustomerFlag>>,
    /// User id and account id.
    withdrawn: HashSet<(BankCode, String, String)>,
}

/// Attempts that counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) counted: u64,
    /// Since the last success or reset.
    pub(crate) failures_in_a_row: u32,
}

impl Tally {
    pub(crate) fn succeeded(&mut self) {
        self.counted += 1;
        self.failures_in_a_row = 0;
    }

    pub(crate) fn failed(&mut self) {
        self.counted += 1;
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
    }

    /// Counts a try at something that is locked already.
    pub(crate) fn refused(&mut self) {
        self.counted += 1;
    }
}

/// Login attempts by login id: the known ones, and a bounded number of unknown ones.
#[derive(Debug, Default)]
pub(crate) struct LoginTallies {
    known: BTreeMap<(BankCode, String), Tally>,
    unknown: BTreeMap<(BankCode, String), Tally>,
    unknown_oldest_first: VecDeque<(BankCode, String)>,
}

impl LoginTallies {
    pub(crate) fn known(&mut self, bank: BankCode, login_id: &str) -> &mut Tally {
        self.known.entry((bank, login_id.to_owned())).or_default()
    }

    pub(crate) fn unknown(&mut self, bank: BankCode, login_id: &str) -> &mut Tally {
        let key = (bank, login_id.to_owned());
        if !self.unknown.contains_key(&key) {
            self.unknown_oldest_first.push_back(key.clone());
            if self.unknown_oldest_first.len() > UNKNOWN_LOGINS_KEPT
                && let Some(oldest) = self.unknown_oldest_first.pop_front()
            {
                self.unknown.remove(&oldest);
            }
        }
        self.unknown.entry(key).or_default()
    }

    pub(crate) fn find(&self, bank: BankCode, login_id: &str) -> Option<Tally> {
        let key = (bank, login_id.to_owned());
        self.known
            .get(&key)
            .or_else(|| self.unknown.get(&key))
            .copied()
    }

    fn all(&self) -> impl Iterator<Item = (&(BankCode, String), &Tally)> {
        self.known.iter().chain(&self.unknown)
    }
}

impl State {
    pub(crate) fn flags_of<'a>(
        &'a self,
        bank: BankCode,
        user: &'a User,
    ) -> &'a BTreeSet<CustomerFlag> {
        self.flags
            .get(&(bank, user.id.clone()))
            .unwrap_or(&user.flags)
    }

    pub(crate) fn set_flags(&mut self, bank: BankCode, user: &User, flags: BTreeSet<CustomerFlag>) {
        self.flags.insert((bank, user.id.clone()), flags);
    }

    pub(crate) fn may_see(&self, bank: BankCode, user: &User, account_id: &str) -> bool {
        user.accounts.contains(account_id)
            && !self
                .withdrawn
                .contains(&(bank, user.id.clone(), account_id.to_owned()))
    }

    pub(crate) fn withdraw(&mut self, bank: BankCode, user: &User, account_id: &str) {
        self.withdrawn
            .insert((bank, user.id.clone(), account_id.to_owned()));
    }

    pub(crate) fn restore(&mut self, bank: BankCode, user: &User, account_id: &str) {
        self.withdrawn
            .remove(&(bank, user.id.clone(), account_id.to_owned()));
    }

    pub(crate) fn record_pin_request(&mut self, mut request: PinRequest) {
        for text in [
            &mut request.bank_code,
            &mut request.attempt_id,
            &mut request.contract_id,
            &mut request.user_id,
            &mut request.pin_scope_id,
        ] {
            text.truncate(text.floor_char_boundary(IDENTIFIER_BYTES_KEPT));
        }
        if self.pin_requests.len() == PIN_REQUESTS_KEPT {
            self.pin_requests.pop_front();
        }
        self.pin_requests.push_back(request);
    }

    /// Takes a notice to be sent, once per id.
    pub(crate) fn send(&mut self, notice: Notice) {
        if self
            .notices
            .iter()
            .any(|sent| sent.notice_id == notice.notice_id)
        {
            return;
        }
        if self.notices.len() >= NOTICES_KEPT {
            self.notices.pop_front();
        }
        self.notices.push_back(notice);
    }

    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.iter().cloned().collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        let login = |((bank, login_id), tally): (&(BankCode, String), &Tally)| LoginCount {
            bank_code: bank.to_string(),
            login_id: login_id.clone(),
            attempts: tally.counted,
            failures_in_a_row: tally.failures_in_a_row,
        };
        let pin = |((bank, scope), tally): (&(BankCode, String), &Tally)| PinCount {
            bank_code: bank.to_string(),
            pin_scope_id: scope.clone(),
            guesses: tally.counted,
            mismatches_in_a_row: tally.failures_in_a_row,
        };
        let requests = |rpc| (rpc, self.requests.get(&rpc).copied().unwrap_or(0));
        Counters {
            requests: Rpc::ALL.into_iter().map(requests).collect(),
            logins: self.logins.all().map(login).collect(),
            pins: self.pins.iter().map(pin).collect(),
            pin_requests: self.pin_requests.iter().cloned().collect(),
        }
    }
}

/// Notices remembered, oldest forgotten first.
const NOTICES_KEPT: usize = 10_000;

/// A notice that the bank sent; the sandbox keeps it instead of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The caller's id of it.
    pub notice_id: String,
    /// Four digits.
    pub bank_code: String,
    /// To whose master user.
    pub contract_id: String,
    /// And to the user who acted; empty: nobody of the contract did.
    pub actor_user_id: String,
    /// What happened.
    pub kind: renkei_proto::bank::v1::NoticeKind,
    /// With whom; empty for locks.
    pub partner_service_name: String,
    /// On which accounts.
    pub account_ids: Vec<String>,
    /// When the linkage ends, of `EXPIRING`.
    pub ends_at: Option<prost_types::Timestamp>,
    /// Where linkages are seen and ended, by language; empty for locks.
    pub way_to_linkages: BTreeMap<String, String>,
}

/// What the bank has been asked, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    /// Requests received per rpc, whatever the answer was.
    pub requests: Vec<(Rpc, u64)>,
    /// Login attempts counted, known login ids first.
    pub logins: Vec<LoginCount>,
    /// PIN guesses counted.
    pub pins: Vec<PinCount>,
    /// `VerifyInquiryPin` requests received, oldest first, the last 10,000.
    pub pin_requests: Vec<PinRequest>,
}

/// Login attempts of one login id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginCount {
    /// Four digits.
    pub bank_code: String,
    /// As typed.
    pub login_id: String,
    /// Counted, each `attempt_id` once, successes included.
    pub attempts: u64,
    /// Since the last success or reset.
    pub failures_in_a_row: u32,
}

/// PIN guesses of one PIN scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinCount {
    /// Four digits.
    pub bank_code: String,
    /// Opaque.
    pub pin_scope_id: String,
    /// Counted, each `attempt_id` once, matches included, tries at a locked scope not.
    pub guesses: u64,
    /// Since the last match or reset.
    pub mismatches_in_a_row: u32,
}

/// A `VerifyInquiryPin` request as received, repeats and refused ones included; without the PIN.
/// Identifiers are cut at 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinRequest {
    /// As sent.
    pub bank_code: String,
    /// As sent.
    pub attempt_id: String,
    /// As sent; empty when there was no subject.
    pub contract_id: String,
    /// As sent; empty when there was no subject.
    pub user_id: String,
    /// As sent.
    pub pin_scope_id: String,
}
