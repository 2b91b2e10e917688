//! Why an operator's request is refused. What somebody has no role for is answered as if it did not exist.

use crate::problem::{Problem, problem};

impl Problem {
    /// No token where one is needed.
    pub(crate) const OPERATOR_TOKEN_MISSING: Self = problem(
        401,
        "missing_token",
        "Operator's token required",
        "Send the operator's token in the Authorization header with the scheme Bearer.",
    )
    .challenging("");
    /// One text for every cause: unknown, expired, revoked, of a disabled operator.
    pub(crate) const OPERATOR_TOKEN_INVALID: Self = problem(
        401,
        "invalid_token",
        "Operator's token not valid",
        "The token is malformed, unknown, expired or revoked. Ask the platform for another one.",
    )
    .challenging(", error=\"invalid_token\"");
    /// A bank without a role, a bank that is not there, and a thing that is not there, alike.
    pub(crate) const NOTHING_HERE: Self = problem(
        404,
        "not_found",
        "Not found",
        "There is nothing at this address that you may see.",
    );
    /// The role reads and does not act.
    pub(crate) const ROLE_TOO_LOW: Self = problem(
        403,
        "role_insufficient",
        "Role not sufficient",
        "This needs the role operator at the bank.",
    );
    /// No index serves this combination.
    pub(crate) const FILTERS_NOT_COMBINABLE: Self = problem(
        400,
        "filters_not_combinable",
        "These filters can't be combined",
        "With status, reason or a span of ends the order is that of ends: leave began_from and began_to out, or \
         name a contract or an account.",
    );
}
