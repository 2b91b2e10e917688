//! What holds for the markup of every page of the console.

use std::collections::HashSet;

use scraper::{Html, Selector};

use super::examples::pages;

fn select(css: &str) -> Selector {
    Selector::parse(css).unwrap()
}

#[test]
fn every_page_is_a_document_in_its_language_with_one_title_and_the_tabs_of_its_bank() {
    for (name, html) in pages() {
        let page = Html::parse_document(&html);
        let lang = page.select(&select("html")).next().unwrap().attr("lang");
        assert_eq!(name.split('/').next(), lang, "{name}");
        assert_eq!(page.select(&select("h1#title")).count(), 1, "{name}");
        for landmark in ["header", "main", "footer"] {
            assert_eq!(page.select(&select(landmark)).count(), 1, "{name}");
        }
        let tabs = page.select(&select("nav.tabs a")).count();
        assert_eq!(
            tabs,
            if page.select(&select("#bank")).next().is_some() {
                7
            } else {
                0
            },
            "{name}"
        );
    }
}

#[test]
fn no_page_has_a_script_an_inline_style_or_anything_from_elsewhere() {
    for (name, html) in pages() {
        let page = Html::parse_document(&html);
        let foreign = "script, style, [style], img, iframe, object, embed, base";
        assert_eq!(page.select(&select(foreign)).count(), 0, "{name}");
        let sheets: Vec<_> = page
            .select(&select("link[rel=stylesheet]"))
            .filter_map(|link| link.attr("href"))
            .collect();
        assert_eq!(
            sheets,
            ["/static/renkei.css", "/static/console.css"],
            "{name}"
        );
    }
}

#[test]
fn ids_are_unique_and_every_reference_leads_to_one() {
    for (name, html) in pages() {
        let page = Html::parse_document(&html);
        let all = select("[id]");
        let ids: Vec<&str> = page
            .select(&all)
            .filter_map(|element| element.attr("id"))
            .collect();
        let unique: HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: {ids:?}");
        for attribute in ["for", "aria-labelledby", "aria-describedby"] {
            for element in page.select(&select(&format!("[{attribute}]"))) {
                for id in element.attr(attribute).unwrap().split(' ') {
                    assert!(ids.contains(&id), "{name}: {attribute}={id}");
                }
            }
        }
        for link in page.select(&select("a[href^='#']")) {
            let id = link.attr("href").unwrap().trim_start_matches('#');
            assert!(ids.contains(&id), "{name}: #{id}");
        }
    }
}

#[test]
fn every_form_that_posts_has_a_key_or_is_the_login() {
    for (name, html) in pages() {
        let page = Html::parse_document(&html);
        for form in page.select(&select("form[method=post]")) {
            assert!(
                form.select(&select("input[name=form_key]"))
                    .next()
                    .is_some(),
                "{name}"
            );
        }
    }
}

#[test]
fn the_plot_says_in_its_table_what_it_draws() {
    for (name, html) in pages()
        .into_iter()
        .filter(|(name, _)| name.ends_with("console-funnel"))
    {
        let page = Html::parse_document(&html);
        let texts = |css: &str| -> Vec<String> {
            let found = select(css);
            page.select(&found)
                .map(|element| element.text().collect::<String>().trim().to_owned())
                .collect()
        };
        let drawn: Vec<String> = texts("#steps-plot text.bar-figures")
            .into_iter()
            .map(|figures| figures.split(' ').next().unwrap().to_owned())
            .collect();
        let told = texts("#steps-figures tbody tr td:nth-child(2)");
        assert_eq!(drawn, told, "{name}");
        assert_eq!(drawn.len(), 7, "{name}");
    }
}
