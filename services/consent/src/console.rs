//! The operators' web console: pages over what `operator` and its neighbours offer, on the operators' listener.
//!
//! A page is a list of blocks ([`block`]); each `*_page` file turns data into blocks and knows no HTTP, the handlers
//! in `web/` read requests and data and know no markup. It works without script.

mod act_page;
mod acts_page;
mod affected_page;
mod block;
mod bulk_page;
mod causes;
mod consent_page;
mod consents_page;
mod edit;
mod ended_page;
mod entry_pages;
mod funnel_page;
mod journeys_page;
mod names;
mod page;
mod partner_forms;
mod partners_page;
mod platform_forms;
mod platform_page;
mod plot;
mod search_page;
mod sentence;
mod span;
mod web;
mod words;

pub(crate) use page::CONSOLE_STYLESHEET_PATH;
pub(crate) use web::routes;

#[cfg(test)]
mod tests;
