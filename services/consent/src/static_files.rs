//! Files that the pages refer to, built into the service.

use actix_web::{
    HttpResponse,
    http::header::CACHE_CONTROL,
    web::{ServiceConfig, get, resource},
};

use crate::console::CONSOLE_STYLESHEET_PATH;
use crate::pages::{ICON_PATH, SCRIPT_PATH, STYLESHEET_PATH};

const STYLESHEET: &str = include_str!("../static/renkei.css");
const CONSOLE_STYLESHEET: &str = include_str!("../static/console.css");
const SCRIPT: &str = include_str!("../static/deadline.js");
const ICON: &str = include_str!("../static/icon.svg");

/// The routes of the files.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(STYLESHEET_PATH).route(get().to(stylesheet)))
        .service(resource(SCRIPT_PATH).route(get().to(script)))
        .service(resource(ICON_PATH).route(get().to(icon)));
}

/// The routes of the files of the operators' console.
pub fn console_routes(config: &mut ServiceConfig) {
    config
        .service(resource(STYLESHEET_PATH).route(get().to(stylesheet)))
        .service(resource(CONSOLE_STYLESHEET_PATH).route(get().to(console_stylesheet)))
        .service(resource(ICON_PATH).route(get().to(icon)));
}

async fn console_stylesheet() -> HttpResponse {
    file("text/css; charset=utf-8", CONSOLE_STYLESHEET)
}

async fn stylesheet() -> HttpResponse {
    file("text/css; charset=utf-8", STYLESHEET)
}

async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8", SCRIPT)
}

async fn icon() -> HttpResponse {
    file("image/svg+xml", ICON)
}

fn file(content_type: &'static str, content: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .content_type(content_type)
        .body(content)
}
