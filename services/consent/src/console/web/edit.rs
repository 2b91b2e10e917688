//! What handlers of typed changes share: the order's key, what came of it, and the way back to the form.

use super::{refused::Refused, visit::Sent};
use crate::{
    console::{
        block::Tone,
        edit::{CONFIRM, Fault, Typed},
        words,
    },
    operator_orders::{OrderKey, Performed},
    pages::Locale,
    partner_administration::Given,
    problem::Problem,
};

/// What the page says of the change before, by the code in its address.
pub(super) fn said(locale: Locale, sent: &Sent) -> Option<(String, Tone)> {
    let w = words::of(locale);
    match sent.find("m") {
        Some("done") => Some((w.done.to_owned(), Tone::Good)),
        Some("already") => Some((w.done_before.to_owned(), Tone::Quiet)),
        _ => None,
    }
}

/// A page's address with what it is to say.
pub(super) fn with_outcome(page: &str, performed: Performed) -> String {
    let code = match performed {
        Performed::Done => "done",
        Performed::AlreadySo => "already",
    };
    format!("{page}?m={code}")
}

/// The order's key: the form's, so that the second click finds what the first one did.
///
/// # Errors
/// [`Refused::FORM`].
pub(super) fn order_key(nonce: &str) -> Result<OrderKey, Refused> {
    OrderKey::parse(&format!("console:{nonce}")).ok_or(Refused::FORM)
}

/// The order as the form gives it.
///
/// # Errors
/// [`Refused::FORM`].
pub(super) fn given<S>(nonce: &str, seen: S) -> Result<Given<S>, Refused> {
    Ok(Given {
        key: Some(order_key(nonce)?),
        seen: Some(seen),
    })
}

/// What was typed into fields of those names, and whether the box was ticked.
pub(super) fn typed(sent: &Sent, names: &[&'static str]) -> Typed {
    let typed = names.iter().fold(Typed::default(), |typed, name| {
        typed.with(name, sent.find(name).unwrap_or_default())
    });
    if sent.find(CONFIRM) == Some("yes") {
        typed
    } else {
        typed.wrong(CONFIRM, Fault::NotConfirmed)
    }
}

/// The form again, with what was typed, where the order was refused for something that can be mended.
///
/// # Errors
/// The page to show instead.
pub(super) fn again(
    problem: Problem,
    typed: Typed,
    fault: impl FnOnce(Problem) -> Option<(&'static str, Fault)>,
) -> Result<Typed, Refused> {
    match problem {
        Problem::NOTHING_HERE => Err(Refused::NOT_FOUND),
        // The key's first use has changed it.
        Problem::RECORD_CHANGED | Problem::KEY_REUSED => Ok(typed.stale()),
        problem => match fault(problem) {
            Some((name, fault)) => Ok(typed.wrong(name, fault)),
            None => Err(Refused::unavailable(&problem)),
        },
    }
}
