//! A fact of a consent as a plain sentence, in the words of the bank's pages: for the customer's own page
//! and for the bank's operators. A fact without a sentence does not compile.

use super::Told;
use crate::{
    pages::{FactNames, Texts},
    store::Actor,
};

/// What happened, as one sentence. The names are the caller's: what a page may call an account or a user
/// depends on who reads it.
pub fn sentence(texts: &Texts, told: &Told, names: &FactNames<'_>) -> String {
    texts.fact(&told.event, names)
}

/// Who recorded it, in a word.
pub fn actor<'a>(texts: &'a Texts, told: &Told) -> &'a str {
    match told.actor {
        Actor::Customer(_) => texts.actor_customer(),
        Actor::Partner(_) => texts.actor_partner(),
        Actor::Operator(_) => texts.actor_bank(),
        Actor::System => texts.actor_system(),
    }
}
