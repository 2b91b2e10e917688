//! Writes every page as a file, for looking at it in a browser:
//! `make screens`, or `cargo test -p consent write_every_page -- --ignored`.

use std::{fs, path::Path};

use super::super::STYLESHEET_PATH;
use super::examples::pages_in_both;

#[test]
#[ignore = "writes target/screens/pages/*.html for the eye"]
fn write_every_page() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let screens = crate_root.join("../../target/screens/pages");
    fs::create_dir_all(&screens).unwrap();
    for (name, html) in pages_in_both() {
        let html = html
            .replace(
                STYLESHEET_PATH,
                "../../../services/consent/static/renkei.css",
            )
            .replace("http-equiv=\"refresh\"", "data-refresh");
        let name = name.replace('/', "-");
        // The bank of the examples has no English names; the ones of the demonstration have.
        let html = if name.starts_with("en") {
            html.replace("中央労働金庫（法人）", "Chuo Labour Bank (corporate)")
                .replace("平日 9:00〜17:00", "Weekdays 9:00 to 17:00")
        } else {
            html
        };
        fs::write(screens.join(format!("{name}.html")), html).unwrap();
    }
}
