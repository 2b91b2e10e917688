//! What a contract, a partner at a bank, or a bank says to a read: all that a decision asks of them.

/// Whether a read may pass at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing stands against it.
    Clear,
    /// Not for the time being.
    Suspended,
    /// Never again.
    Ended,
}

impl Standing {
    /// Every standing.
    pub const ALL: [Self; 3] = [Self::Clear, Self::Suspended, Self::Ended];

    /// The word in the projections' column `standing`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
        }
    }

    /// The standing of that word, if there is one.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|standing| standing.as_str() == word)
    }
}
