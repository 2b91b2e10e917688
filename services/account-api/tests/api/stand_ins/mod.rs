//! Servers that the application talks to.

pub(crate) mod bank;
pub(crate) mod decisions;
pub(crate) mod issuer;

use tonic::metadata::MetadataMap;

/// How a stand-in for a gRPC service behaves.
#[derive(Clone, Default)]
pub(crate) enum Conduct {
    #[default]
    Answers,
    Fails(tonic::Status),
    /// Takes the call and never answers.
    Hangs,
}

impl Conduct {
    pub(crate) async fn apply(self) -> Result<(), tonic::Status> {
        match self {
            Self::Answers => Ok(()),
            Self::Fails(status) => Err(status),
            Self::Hangs => std::future::pending().await,
        }
    }
}

/// The text of one metadata value.
pub(crate) fn text(metadata: &MetadataMap, key: &str) -> Option<String> {
    metadata
        .get(key)
        .map(|value| value.to_str().unwrap().to_owned())
}
