//! Contracts between the services, generated from the `.proto` files beside this crate.
//!
//! The comments in those files are the documentation; nothing here is written by hand.

#![expect(
    missing_docs,
    reason = "generated code; the .proto files carry the documentation"
)]

/// The bank port: what the consent service and the account API ask the bank's core.
pub mod bank {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("renkei.bank.v1");
    }
}

/// Public events: what partners and the platform learn.
pub mod consent {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("renkei.consent.v1");

        /// The descriptor set of these files as committed, comments included: what breaking changes
        /// are judged against, and what JSON is written from.
        pub const DESCRIPTORS: &[u8] = include_bytes!("../consent/v1/consent.binpb");
    }
}

/// The decision port: what a resource server asks before every read.
pub mod decision {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("renkei.decision.v1");
    }
}
