//! 「API連携の確認・解除」: the customer's own pages, after a login that belongs to no journey.

mod act;
mod frame;
mod in_view;
mod linkage;
mod list;
mod login;
mod renew;

pub use act::{EndLinkageView, RemoveAccountView, TakeOverView};
pub use frame::{LinkagesFrame, LinkagesNotice};
pub use in_view::{
    AccountInLinkage, AccountName, AccountNames, AnsweredBy, LastRead, LinkageInView,
    LinkageStatus, Pause,
};
pub use linkage::{
    ByJourney, HistoryLine, LinkageActs, LinkageView, ReadInView, ReadWhat, RenewAct,
};
pub use list::LinkagesView;
pub use login::LinkagesLoginView;
pub use renew::{Continuation, Lost, RenewLinkageView, renewal_text};
