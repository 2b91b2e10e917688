//! The sentence: `given` these facts, `when` this is asked, `then` these facts come of it.

use std::fmt::Debug;

use consent_domain::{
    DomainEvent, Outcome, Stream,
    bank::{BankEvent, BankStream},
    consent::{ConsentEvent, ConsentRefusal, ConsentStream},
    contract::{ContractEvent, ContractStream},
    journey::{Authorized, JourneyEvent, JourneyRefusal, JourneyStream},
    partner::{PartnerAtBankEvent, PartnerAtBankStream, PartnerEvent, PartnerStream},
};

/// Which stream a fact belongs to.
pub(crate) trait Fact: DomainEvent {
    type Of: Stream<Event = Self, State: Debug + PartialEq>;
}

impl Fact for JourneyEvent {
    type Of = JourneyStream;
}
impl Fact for ConsentEvent {
    type Of = ConsentStream;
}
impl Fact for ContractEvent {
    type Of = ContractStream;
}
impl Fact for PartnerEvent {
    type Of = PartnerStream;
}
impl Fact for PartnerAtBankEvent {
    type Of = PartnerAtBankStream;
}
impl Fact for BankEvent {
    type Of = BankStream;
}

pub(crate) type State<E> = <<E as Fact>::Of as Stream>::State;

/// The state that these facts add up to.
pub(crate) fn state_of<E: Fact>(history: &[E]) -> State<E> {
    <E::Of as Stream>::replay(history)
}

/// The past of one stream.
pub(crate) fn given<E: Fact>(history: impl IntoIterator<Item = E>) -> Given<E> {
    Given {
        history: history.into_iter().collect(),
    }
}

/// A stream without a past.
pub(crate) fn given_nothing<E: Fact>() -> Given<E> {
    given([])
}

pub(crate) struct Given<E> {
    history: Vec<E>,
}

impl<E: Fact> Given<E> {
    pub(crate) fn when<D>(self, ask: impl FnOnce(&State<E>) -> D) -> When<E, D::Beside, D::Refusal>
    where
        D: Decision<E>,
    {
        let decided = ask(&state_of(&self.history)).decided();
        When {
            history: self.history,
            decided,
        }
    }
}

/// What was decided: facts of this stream and of the one beside it, or a refusal.
pub(crate) struct When<E, B, R> {
    history: Vec<E>,
    decided: Result<Decided<E, B>, R>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Decided<E, B> {
    Facts { own: Vec<E>, beside: Vec<B> },
    AlreadyDone,
}

impl<E, B, R> When<E, B, R>
where
    E: Fact,
    B: Debug + PartialEq,
    R: Debug + PartialEq,
{
    /// These facts of this stream and no others; goes on with those of the stream beside it.
    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = E>) -> Then<E, B> {
        let expected: Vec<E> = expected.into_iter().collect();
        match self.decided {
            Ok(Decided::Facts { own, beside }) => {
                assert_eq!(own, expected);
                let history = [self.history, own].concat();
                Then { history, beside }
            }
            other => panic!("not {expected:?} but {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn refused(self, expected: R) {
        match self.decided {
            Err(refusal) => assert_eq!(refusal, expected),
            Ok(decided) => panic!("not refused for {expected:?} but {decided:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn already_done(self) {
        assert_eq!(self.decided.expect("a refusal"), Decided::AlreadyDone);
    }
}

pub(crate) struct Then<E, B> {
    history: Vec<E>,
    beside: Vec<B>,
}

impl<E: Fact, B: Debug + PartialEq> Then<E, B> {
    /// These facts of the stream beside it, in the same commit.
    #[track_caller]
    pub(crate) fn and_beside_it(self, expected: impl IntoIterator<Item = B>) -> Self {
        assert_eq!(self.beside, expected.into_iter().collect::<Vec<B>>());
        self
    }

    /// Nothing but the facts of this stream.
    #[track_caller]
    pub(crate) fn and_nothing_beside_it(self) -> Self {
        self.and_beside_it([])
    }

    /// What the facts so far add up to.
    pub(crate) fn state(&self) -> State<E> {
        state_of(&self.history)
    }
}

/// No fact and no refusal of this kind exists.
#[derive(Debug, PartialEq)]
pub(crate) enum Never {}

/// Whatever a command answers, told apart as done, already done and refused.
pub(crate) trait Decision<E> {
    type Beside;
    type Refusal;
    fn decided(self) -> Result<Decided<E, Self::Beside>, Self::Refusal>;
}

fn of_outcome<E, B>(outcome: Outcome<E>, beside: Vec<B>) -> Decided<E, B> {
    match outcome {
        Outcome::AlreadyDone => {
            assert!(beside.is_empty(), "already done, and yet facts beside it");
            Decided::AlreadyDone
        }
        Outcome::Changed(own) => {
            assert!(!own.is_empty(), "changed by no fact");
            Decided::Facts { own, beside }
        }
    }
}

impl<E> Decision<E> for Outcome<E> {
    type Beside = Never;
    type Refusal = Never;
    fn decided(self) -> Result<Decided<E, Never>, Never> {
        Ok(of_outcome(self, Vec::new()))
    }
}

impl<E, R> Decision<E> for Result<Outcome<E>, R> {
    type Beside = Never;
    type Refusal = R;
    fn decided(self) -> Result<Decided<E, Never>, R> {
        self.map(|outcome| of_outcome(outcome, Vec::new()))
    }
}

impl<E, B, R> Decision<E> for Result<(Outcome<E>, Vec<B>), R> {
    type Beside = B;
    type Refusal = R;
    fn decided(self) -> Result<Decided<E, B>, R> {
        self.map(|(outcome, beside)| of_outcome(outcome, beside))
    }
}

impl<E, B, R> Decision<E> for Result<(Vec<E>, Vec<B>), R> {
    type Beside = B;
    type Refusal = R;
    fn decided(self) -> Result<Decided<E, B>, R> {
        self.map(|(own, beside)| of_outcome(Outcome::facts(own), beside))
    }
}

impl Decision<JourneyEvent> for Result<Authorized, JourneyRefusal> {
    type Beside = ConsentEvent;
    type Refusal = JourneyRefusal;
    fn decided(self) -> Result<Decided<JourneyEvent, ConsentEvent>, JourneyRefusal> {
        self.map(|authorized| Decided::Facts {
            own: vec![authorized.journey],
            beside: authorized.consent,
        })
    }
}

impl Decision<ConsentEvent> for Result<ConsentEvent, ConsentRefusal> {
    type Beside = Never;
    type Refusal = ConsentRefusal;
    fn decided(self) -> Result<Decided<ConsentEvent, Never>, ConsentRefusal> {
        self.map(|fact| Decided::Facts {
            own: vec![fact],
            beside: Vec::new(),
        })
    }
}

/// A contract answers with bare facts; none means that nothing was left to do.
impl Decision<ContractEvent> for Vec<ContractEvent> {
    type Beside = Never;
    type Refusal = Never;
    fn decided(self) -> Result<Decided<ContractEvent, Never>, Never> {
        Ok(of_outcome(Outcome::facts(self), Vec::new()))
    }
}
