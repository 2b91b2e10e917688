//! `ONCE=1`: the seven steps, walked by themselves and compared with the procedure's example, and how the
//! linkage ends.

use std::io;
use std::process::ExitCode;

use url::Url;

use crate::addresses::Addresses;
use crate::afterwards;
use crate::agent::browser::Browser;
use crate::agent::seed_example::{BANK_CODE, check, choices, print_mismatches, print_story};
use crate::agent::trust::Trust;
use crate::agent::walk::{PartnerAppWalk, walk_through_partner_app};
use crate::console::say;
use crate::run::RunError;

/// Walks from partner-app's first page to its statements and on to the linkage's end, prints what was
/// seen to standard output, and compares. Success only where everything matched.
///
/// # Errors
/// Where a step does not lead to the next.
pub(crate) async fn walk(addresses: Addresses, trust: &Trust) -> Result<ExitCode, RunError> {
    let steps = PartnerAppWalk {
        browser: Browser::try_trusting(trust)?,
        partner_app_url: Url::parse(&addresses.partner_app())?,
        bank_code: BANK_CODE.to_owned(),
        choices: choices(),
    };
    let story = Box::pin(walk_through_partner_app(&steps)).await?;
    let mismatches = check(&story);
    // Another person at another machine.
    let staff = Browser::try_trusting(trust)?;
    let after = Box::pin(afterwards::walk(addresses, &steps.browser, &staff)).await?;
    let mut out = io::stdout().lock();
    print_story(&mut out, &story)
        .and_then(|()| afterwards::print(&mut out, &after))
        .and_then(|()| print_mismatches(&mut out, &mismatches))
        .map_err(RunError::io("printing"))?;
    if mismatches.is_empty() {
        say("Everything matched.");
        Ok(ExitCode::SUCCESS)
    } else {
        say(format_args!("{} did not match.", mismatches.len()));
        Ok(ExitCode::FAILURE)
    }
}
