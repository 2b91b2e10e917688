//! The languages of the pages, and which of them a visitor asks for.

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Locale {
    /// Japanese, the language of the bank's own procedure.
    #[default]
    Ja,
    /// English.
    En,
}

/// Most preferences read of one list; no browser sends more.
const PREFERENCES_MAX: usize = 32;

impl Locale {
    /// Every language, in the order in which the switch names them.
    pub const ALL: [Self; 2] = [Self::Ja, Self::En];

    /// The BCP 47 tag, for `lang` and for the record of what was shown.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// What the language calls itself.
    pub(super) fn own_name(self) -> &'static str {
        match self {
            Self::Ja => "日本語",
            Self::En => "English",
        }
    }

    /// The language of exactly this [`Self::tag`].
    pub fn find(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.tag() == tag)
    }

    /// The language of a tag with or without a region, a script or more: `en` serves `en-GB`.
    fn of_language_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL
            .into_iter()
            .find(|locale| locale.tag().eq_ignore_ascii_case(primary))
    }

    /// The first language that there is of a partner's `ui_locales` (OpenID Connect Core 3.1.2.1):
    /// tags in order of preference, with spaces between them.
    pub fn of_ui_locales(list: &str) -> Option<Self> {
        list.split(' ')
            .take(PREFERENCES_MAX)
            .find_map(Self::of_language_tag)
    }

    /// The language that an `Accept-Language` field (RFC 9110 12.5.4) likes best; `*` stands for
    /// Japanese. Items that can't be read are passed over.
    pub fn of_accept_language(field: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for item in field.split(',').take(PREFERENCES_MAX) {
            let Some((range, weight)) = weighted(item) else {
                continue;
            };
            let locale = match range {
                "*" => Some(Self::default()),
                tag => Self::of_language_tag(tag),
            };
            let better = best.is_none_or(|(best, _)| weight > best);
            if let Some(locale) = locale.filter(|_| weight > 0.0 && better) {
                best = Some((weight, locale));
            }
        }
        best.map(|(_, locale)| locale)
    }
}

/// `en-GB;q=0.8`: the range and its weight, 1 where it has none.
fn weighted(item: &str) -> Option<(&str, f32)> {
    let Some((range, parameter)) = item.split_once(';') else {
        return Some((item.trim(), 1.0));
    };
    let (name, weight) = parameter.split_once('=')?;
    let weight: f32 = weight.trim().parse().ok()?;
    let fits = name.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&weight);
    fits.then_some((range.trim(), weight))
}

#[cfg(test)]
mod tests {
    use super::Locale::{self, En, Ja};

    #[test]
    fn a_browser_gets_the_language_that_it_likes_best() {
        for (field, locale) in [
            ("ja", Some(Ja)),
            ("en-US,en;q=0.9", Some(En)),
            ("ja,en-US;q=0.9,en;q=0.8", Some(Ja)),
            ("zh-CN,zh;q=0.9,EN;q=0.8,ja;q=0.7", Some(En)),
            ("en;q=0.5, ja ; q=0.6", Some(Ja)),
            ("en;q=0.5,ja;q=0.5", Some(En)),
            ("en;q=0,ja;q=0.1", Some(Ja)),
            ("en;q=0", None),
            ("fr,*;q=0.1", Some(Ja)),
            ("eng,jam", None),
            ("fr", None),
            ("", None),
        ] {
            assert_eq!(Locale::of_accept_language(field), locale, "{field}");
        }
    }

    #[test]
    fn a_malformed_preference_is_passed_over() {
        for field in [
            "en;q=inf",
            "en;q=NaN",
            "en;q=-1",
            "en;q=2",
            "en;q",
            "en;x=1",
            ";;,,=;q=1",
        ] {
            assert_eq!(Locale::of_accept_language(field), None, "{field}");
        }
        assert_eq!(Locale::of_accept_language("en;q=x,ja;q=0.2"), Some(Ja));
    }

    #[test]
    fn of_the_partners_list_the_first_language_that_there_is_counts() {
        assert_eq!(Locale::of_ui_locales("fr-CA fr en-GB ja"), Some(En));
        assert_eq!(Locale::of_ui_locales("ja-JP en"), Some(Ja));
        assert_eq!(Locale::of_ui_locales("de fr"), None);
        assert_eq!(Locale::of_ui_locales(""), None);
    }

    #[test]
    fn a_cookie_holds_the_tag_alone() {
        assert_eq!(Locale::find("en"), Some(En));
        for other in ["en-GB", "EN", "", "fr", " en"] {
            assert_eq!(Locale::find(other), None, "{other}");
        }
    }
}
