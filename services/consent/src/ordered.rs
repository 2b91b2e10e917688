//! Who orders an act of the command line, and why, as its arguments say it.

use clap::Args;
use consent::operator::Order;

#[derive(Args)]
pub(super) struct Ordered {
    /// Who orders this, for the record.
    #[arg(long)]
    by: String,
    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

impl Ordered {
    pub(super) fn order(self) -> Order {
        Order {
            by: self.by,
            reason: self.reason,
        }
    }
}
