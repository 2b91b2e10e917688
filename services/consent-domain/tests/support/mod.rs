//! What every test here stands on: the sentence (`given`, `when`, `then`), the names of the story's
//! people and accounts, the facts of its past, and one sample of every fact there is.

pub(crate) mod facts;
pub(crate) mod given;
pub(crate) mod names;
pub(crate) mod samples;
