//! Files that the pages refer to, built into the service.

use actix_web::{
    HttpResponse,
    http::header::CACHE_CONTROL,
    web::{ServiceConfig, get, resource},
};

use crate::pages::STYLESHEET_PATH;

const STYLESHEET: &str = include_str!("../static/renkei.css");

/// The routes of the files.
pub fn routes(config: &mut ServiceConfig) {
    config.service(resource(STYLESHEET_PATH).route(get().to(stylesheet)));
}

async fn stylesheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=3600"))
        .content_type("text/css; charset=utf-8")
        .body(STYLESHEET)
}
