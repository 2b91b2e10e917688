//! The operators' listener: health and what the bank was asked, on an address of its own.

use std::net::TcpListener;

use actix_web::{App, HttpResponse, HttpServer, web};
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::{counter::Counter, family::Family};
use prometheus_client::registry::Registry;

use crate::bank::SandboxBank;
use crate::switches::Rpc;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfRpc {
    rpc: &'static str,
}

/// Serves `GET /health/live`, `GET /health/ready` and `GET /metrics` of `bank` on `listener`, until
/// the process ends or the future is dropped. The future gives the I/O error that ended it.
///
/// # Errors
///
/// The listener can't be used.
pub fn serve_operators(
    listener: TcpListener,
    bank: SandboxBank,
) -> std::io::Result<impl Future<Output = std::io::Result<()>> + Send> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::new(bank.clone()))
            .route("/health/live", web::get().to(live))
            // It has nothing to wait for.
            .route("/health/ready", web::get().to(live))
            .route("/metrics", web::get().to(show_metrics))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(server)
}

async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body("{\"status\":\"live\"}")
}

async fn show_metrics(bank: web::Data<SandboxBank>) -> HttpResponse {
    match text(&bank) {
        Ok(text) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// Counts without login ids and PIN scopes: those are customers.
fn text(bank: &SandboxBank) -> Result<String, std::fmt::Error> {
    let counters = bank.counters();
    let mut registry = Registry::with_prefix("renkei_sandbox");
    let requests: Family<OfRpc, Counter> = Family::default();
    for (rpc, count) in counters.requests {
        let label = OfRpc { rpc: name(rpc) };
        requests.get_or_create(&label).inc_by(count);
    }
    registry.register("requests", "Requests of the bank port", requests);
    let logins = Counter::<u64>::default();
    logins.inc_by(counters.logins.iter().map(|login| login.attempts).sum());
    registry.register("login_attempts", "Logins that counted", logins);
    let guesses = Counter::<u64>::default();
    guesses.inc_by(counters.pins.iter().map(|pin| pin.guesses).sum());
    registry.register("pin_guesses", "PINs that counted", guesses);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn name(rpc: Rpc) -> &'static str {
    match rpc {
        Rpc::ResolveCertificate => "ResolveCertificate",
        Rpc::Authenticate => "Authenticate",
        Rpc::ListAccounts => "ListAccounts",
        Rpc::VerifyInquiryPin => "VerifyInquiryPin",
        Rpc::GetVerdict => "GetVerdict",
        Rpc::GetBalance => "GetBalance",
        Rpc::ListTransactions => "ListTransactions",
        Rpc::SendNotice => "SendNotice",
        Rpc::ListPlannedMaintenance => "ListPlannedMaintenance",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_count_by_rpc_and_name_no_customer() {
        let bank = SandboxBank::demo();
        bank.state()
            .logins
            .known("2963".parse().unwrap(), "dantai01")
            .succeeded();
        let text = text(&bank).unwrap();
        assert!(
            text.contains("renkei_sandbox_requests_total{rpc=\"GetBalance\"} 0"),
            "{text}"
        );
        assert!(
            text.contains("renkei_sandbox_login_attempts_total 1"),
            "{text}"
        );
        assert!(!text.contains("dantai01"));
    }
}
