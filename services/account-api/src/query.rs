//! Query parameters, read strictly: unknown and repeated names are refused.

use crate::problem::Problem;

/// More pairs than any resource here knows.
const MAX_PAIRS: usize = 8;

/// The value of each of `names`, in their order; `None` where it was not sent.
///
/// # Errors
///
/// `invalid_parameter` for a name outside `names`, and for a name sent twice.
pub(crate) fn read<const N: usize>(
    query: &str,
    names: [&'static str; N],
) -> Result<[Option<String>; N], Problem> {
    let mut values = [const { None }; N];
    for (count, (name, value)) in url::form_urlencoded::parse(query.as_bytes()).enumerate() {
        let position = names.iter().position(|known| *known == name);
        let slot = position.and_then(|position| values.get_mut(position));
        let (Some(slot), true) = (slot, count < MAX_PAIRS) else {
            return Err(Problem::InvalidParameter(
                "The query has a parameter that is not known.",
            ));
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(Problem::InvalidParameter(
                "The query has a parameter more than once.",
            ));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_read_in_any_order() {
        let [from, to] = read("to=2&from=1", ["from", "to"]).unwrap();
        assert_eq!((from.as_deref(), to.as_deref()), (Some("1"), Some("2")));
        assert_eq!(read("", ["from"]).unwrap(), [None]);
    }

    #[test]
    fn unknown_and_repeated_names_are_refused() {
        for bad in [
            "other=1",
            "from=1&from=1",
            "%66rom=1&from=2",
            "From=1",
            "=1",
        ] {
            assert!(read(bad, ["from", "to"]).is_err(), "{bad}");
        }
    }
}
