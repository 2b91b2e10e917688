//! Writes every page as a file, for looking at it in a browser: `make screens`.

use std::{fs, path::Path};

use super::examples::pages;

#[test]
#[ignore = "writes target/screens/pages/*.html for the eye"]
fn write_every_page_of_the_console() {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let screens = crate_root.join("../../target/screens/pages");
    fs::create_dir_all(&screens).unwrap();
    for (name, html) in pages() {
        let html = html.replace("\"/static/", "\"../../../services/consent/static/");
        let name = name.replace('/', "-");
        fs::write(screens.join(format!("{name}.html")), html).unwrap();
    }
}
