//! Writes every page as a file, for looking at it in a browser:
//! `cargo test -p consent write_every_page -- --ignored`.

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
        fs::write(screens.join(format!("{name}.html")), html).unwrap();
    }
}
