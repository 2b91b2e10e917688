//! The listener of the certificate login's host. It has the pages of that login and nothing else.

use std::net::TcpListener;

use actix_web::{
    App as ActixApp, HttpServer,
    dev::Server,
    middleware::{DefaultHeaders, from_fn},
    web,
};
use tls::{STRICT_TRANSPORT_SECURITY, rustls::ServerConfig};

use crate::{
    app::App,
    boundary::boundary,
    client_certificate::keep_shown,
    journey, linkages,
    observation::observe,
    startup::{BODY_BYTES_MAX, CLIENT_TIMEOUT, HANDSHAKE_TIMEOUT},
    static_files,
};

/// Serves it, with its own TLS, or in plain for the trusted proxies.
pub(crate) fn certificate_server(
    app: web::Data<App>,
    listener: TcpListener,
    tls: Option<ServerConfig>,
) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(app.clone())
            .app_data(web::PayloadConfig::new(BODY_BYTES_MAX))
            .wrap(from_fn(boundary))
            .wrap(headers(&app.origin))
            .wrap(from_fn(observe))
            .configure(static_files::routes)
            .configure(journey::certificate_host_routes)
            .configure(linkages::certificate_host_routes)
            .default_service(web::to(journey::not_found))
    })
    .on_connect(keep_shown)
    .workers(1)
    .client_request_timeout(CLIENT_TIMEOUT)
    .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
    .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

/// As on the pages' own host, except that the form's answer leads there: browsers hold `form-action`
/// against redirects too.
fn headers(origin_of_pages: &str) -> DefaultHeaders {
    DefaultHeaders::new()
        .add((
            "Content-Security-Policy",
            format!(
                "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                 img-src 'self'; form-action 'self' {origin_of_pages}; frame-ancestors 'none'; \
                 base-uri 'none'"
            ),
        ))
        .add(("Cache-Control", "no-store"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("X-Frame-Options", "DENY"))
        .add(("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY))
}
