//! A contract (団体) of one bank with its users, accounts and linkages, in memory.

use consent::store::CommandContext;
use consent_domain::{
    AccountId, ClientId, ContractId, GrantId, Instant, PinScopeId, UserId,
    consent::{Consent, ConsentStream, Place},
    contract::ContractStream,
    journey::{LinkageBasis, LoginMethod},
};

use super::{chance::Chance, commit::Living, field::Field};
use crate::error::BenchError;

/// How many of a hundred contracts have so many accounts.
const ACCOUNTS: [(u32, u32); 8] = [
    (34, 1),
    (24, 2),
    (15, 3),
    (10, 4),
    (7, 5),
    (5, 6),
    (3, 7),
    (2, 8),
];
const USERS: [(u32, u32); 3] = [(60, 1), (28, 2), (12, 3)];

/// A contract.
pub struct Customer {
    /// Its place among the customers.
    pub number: u32,
    /// The position of its bank.
    pub bank: usize,
    /// The bank's id of it.
    pub contract: ContractId,
    /// Its users; those that left are not among them.
    pub users: Vec<UserId>,
    /// Its accounts; those that were closed are not among them.
    pub accounts: Vec<AccountId>,
    /// All of its accounts share one PIN.
    pub pin_scope: PinScopeId,
    /// How its users log in.
    pub method: LoginMethod,
    /// Its own stream.
    pub record: Living<ContractStream>,
    /// Its linkages in the order of their beginning; none in the place of one that has ended.
    pub linkages: Vec<Option<Linkage>>,
    /// Until then somebody is at it.
    pub busy_until: Instant,
    bank_code: String,
}

/// A linkage that has not ended.
pub struct Linkage {
    /// Its id.
    pub grant: GrantId,
    /// The position of its partner.
    pub partner: usize,
    /// Its stream.
    pub consent: Living<ConsentStream>,
    /// When the clock has something to say of it next.
    pub clock: Option<Instant>,
}

impl Customer {
    /// One that has not linked anything yet.
    ///
    /// # Errors
    /// None for names as they are made here.
    pub fn draw(
        number: u32,
        field: &Field,
        chance: &mut Chance,
        at: Instant,
    ) -> Result<Self, BenchError> {
        let bank = chance.weighted(&field.shares)?;
        let bank_code = field.bank(bank)?.code.to_string();
        let accounts = chance.weighted(&ACCOUNTS)?;
        let users = chance.weighted(&USERS)?;
        let contract = format!("c-{number:07}");
        let account = |of| AccountId::parse(format!("a-{number:07}-{of}"));
        let user = |of| UserId::parse(format!("u-{number:07}-{of}"));
        Ok(Self {
            number,
            bank,
            users: (1..=users)
                .map(user)
                .collect::<Result<_, _>>()
                .map_err(BenchError::wrong)?,
            accounts: (1..=accounts)
                .map(account)
                .collect::<Result<_, _>>()
                .map_err(BenchError::wrong)?,
            pin_scope: PinScopeId::parse(format!("p-{number:07}")).map_err(BenchError::wrong)?,
            method: if chance.happens(0.3) {
                LoginMethod::Certificate
            } else {
                LoginMethod::Password
            },
            record: Living::unborn(format!("{bank_code}:{contract}")),
            contract: ContractId::parse(contract).map_err(BenchError::wrong)?,
            linkages: Vec::new(),
            busy_until: at,
            bank_code,
        })
    }

    /// The id of a stream at its bank.
    pub fn stream(&self, id: &str) -> String {
        format!("{}:{id}", self.bank_code)
    }

    /// The linkage of that place that has not ended.
    pub fn linkage(&self, place: usize) -> Option<&Linkage> {
        self.linkages.get(place)?.as_ref()
    }

    /// The same, to be changed.
    pub fn linkage_mut(&mut self, place: usize) -> Option<&mut Linkage> {
        self.linkages.get_mut(place)?.as_mut()
    }

    /// Those that have not ended, with their places.
    pub fn standing(&self) -> impl Iterator<Item = (usize, &Linkage)> {
        let all = self.linkages.iter().enumerate();
        all.filter_map(|(place, linkage)| Some((place, linkage.as_ref()?)))
    }

    /// What 許可 for that service would do, as the service finds it at a login: it changes the pair's
    /// one linkage, or makes one.
    pub fn basis(&self, client: &ClientId, now: Instant) -> LinkageBasis {
        let of_pair: Vec<_> = self
            .standing()
            .filter_map(|(_, linkage)| match &linkage.consent.state {
                Consent::Live { terms, place, .. }
                    if terms.client == *client && now < terms.valid_until =>
                {
                    Some((linkage, terms, *place))
                }
                _ => None,
            })
            .collect();
        let meant = of_pair
            .iter()
            .find(|(_, _, place)| *place == Place::Default)
            .or(match &of_pair[..] {
                [only] => Some(only),
                _ => None,
            });
        meant.map_or(LinkageBasis::New, |(linkage, terms, _)| {
            LinkageBasis::Amends {
                grant: linkage.grant.clone(),
                scope: terms.scope.clone(),
            }
        })
    }

    /// What is known of a command about it, without who acts: `partner`, where it is about one.
    pub fn context(
        &self,
        field: &Field,
        partner: Option<usize>,
        context: CommandContext,
    ) -> Result<CommandContext, BenchError> {
        let partner = partner
            .map(|position| field.partner(position))
            .transpose()?;
        Ok(CommandContext {
            bank: Some(self.bank_code.clone()),
            partner: partner.map(|partner| partner.id.to_string()),
            contract: Some(self.contract.to_string()),
            ..context
        })
    }
}
