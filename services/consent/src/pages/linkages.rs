//! 「API連携の確認・解除」: the customer's own pages, after a login that belongs to no journey.

mod act;
mod frame;
mod in_view;
mod linkage;
mod list;
mod login;

pub use act::EndLinkageView;
pub use frame::{LinkagesFrame, LinkagesNotice};
pub use in_view::{
    AccountInLinkage, AccountName, AccountNames, AnsweredBy, LinkageInView, LinkageStatus, Pause,
};
pub use linkage::{LinkageActs, LinkageView};
pub use list::LinkagesView;
pub use login::LinkagesLoginView;
