//! The catalogue is complete, and nothing is in it that no page uses.

use super::super::{Locale, Texts};
use super::super::{phrase::slots, texts::parse};

const EN: &str = include_str!("../../../texts/en.toml");
const JA: &str = include_str!("../../../texts/ja.toml");

/// The paths of all tables and of all texts.
fn paths(table: &toml::Table, prefix: &[String]) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let mut tables = vec![prefix.to_vec()];
    let mut leaves = Vec::new();
    for (key, value) in table {
        let path = [prefix, std::slice::from_ref(key)].concat();
        match value {
            toml::Value::Table(inner) => {
                let (below, texts) = paths(inner, &path);
                tables.extend(below);
                leaves.extend(texts);
            }
            _ => leaves.push(path),
        }
    }
    (tables, leaves)
}

fn table_at<'a>(root: &'a mut toml::Table, path: &[String]) -> &'a mut toml::Table {
    path.iter().fold(root, |table, key| {
        table[key.as_str()].as_table_mut().unwrap()
    })
}

#[test]
fn the_catalogue_loads_with_its_version_and_locale() {
    for locale in Locale::ALL {
        let texts = Texts::load(locale).unwrap();
        assert_eq!(texts.version(), "2");
        assert_eq!(texts.locale(), locale);
    }
}

#[test]
fn both_languages_have_the_same_texts_with_the_same_places_to_fill() {
    let [ja, en] = [JA, EN].map(|text| text.parse::<toml::Table>().unwrap());
    let ((_, texts), (_, english)) = (paths(&ja, &[]), paths(&en, &[]));
    assert_eq!(texts, english);
    for path in texts {
        let [ja, en] = [&ja, &en].map(|root| {
            let (key, table) = path.split_last().unwrap();
            table
                .iter()
                .fold(root, |table, key| table[key].as_table().unwrap())[key]
                .as_str()
                .unwrap()
        });
        assert_eq!(slots(ja), slots(en), "{path:?}");
    }
}

#[test]
fn a_missing_text_is_refused_wherever_it_is_missing() {
    let whole: toml::Table = JA.parse().unwrap();
    let (_, leaves) = paths(&whole, &[]);
    assert!(leaves.len() > 150);
    for path in leaves {
        let mut without = whole.clone();
        let (key, table) = path.split_last().unwrap();
        table_at(&mut without, table).remove(key);
        let refused = parse(&toml::to_string(&without).unwrap())
            .unwrap_err()
            .to_string();
        assert!(refused.contains(key.as_str()), "{path:?}: {refused}");
    }
}

#[test]
fn an_unknown_text_is_refused_in_every_table() {
    let whole: toml::Table = JA.parse().unwrap();
    let (tables, _) = paths(&whole, &[]);
    for path in tables {
        let mut with = whole.clone();
        table_at(&mut with, &path).insert("stray".to_owned(), "文".into());
        let refused = parse(&toml::to_string(&with).unwrap())
            .unwrap_err()
            .to_string();
        assert!(refused.contains("stray"), "{path:?}: {refused}");
    }
}

#[test]
fn an_empty_text_and_an_unknown_place_are_refused() {
    for (good, bad) in [
        ("submit = \"次へ\"", "submit = \" \""),
        ("submit = \"次へ\"", "submit = \"{bank}へ\""),
        ("{minutes}", "{hours_left}"),
        ("{minutes}", "{minutes"),
        ("{minutes}", "2"),
    ] {
        assert!(JA.contains(good));
        assert!(parse(&JA.replacen(good, bad, 1)).is_err(), "{bad}");
    }
}
