//! Partners at a bank.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use consent_domain::{
    BankCode, PartnerId,
    partner::{Partner, PartnerAtBank, PartnerAtBankStream, PartnerStream},
};
use sqlx::PgPool;
use tracing::Instrument as _;

use super::{
    refused::Refused,
    visit::{frame_at, show as show_page},
};
use crate::{
    app::App,
    console::{
        page::Section,
        partners_page::{self, AtBank, PartnerLine, PartnerView, PushLine},
    },
    journey::stream_id,
    operator::{Act, Console, Reads, Subject},
    store::{sql_span, state_of},
};

pub(super) async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let act = Act::on("read_partners", Subject::of_kind("partners"));
    at.record_read(&app.pool, act).await?;
    let partners = lines(&app.pool, &at.bank).await?;
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Partners).await?;
    show_page(&partners_page::list(frame, &partners))
}

async fn lines(pool: &PgPool, bank: &BankCode) -> Result<Vec<PartnerLine>, sqlx::Error> {
    let rows: Vec<(String, String, String, String, bool, i64)> = sqlx::query_as(
        "SELECT p.stream_id, p.state #>> '{record,service_name}', p.state #>> '{record,legal_name}',
             a.status, a.standing = 'clear',
             (SELECT count(*) FROM consent_current c WHERE c.bank = $1 AND c.partner = p.stream_id
                 AND c.status = 'live' AND c.valid_until > now())
         FROM partner_current p JOIN partner_at_bank_current a ON a.stream_id = $1 || ':' || p.stream_id
         WHERE p.state #>> '{record,service_name}' IS NOT NULL ORDER BY 2, 1",
    )
    .bind(bank.as_str())
    .fetch_all(pool)
    .instrument(sql_span("partners of a bank"))
    .await?;
    let lines =
        rows.into_iter().map(
            |(id, service, legal_name, status, is_clear, live)| PartnerLine {
                id,
                service,
                legal_name,
                standing: match (status.as_str(), is_clear) {
                    ("enabled", true) => AtBank::Enabled,
                    ("enabled", false) => AtBank::Suspended,
                    _ => AtBank::Disabled,
                },
                live_consents: live,
            },
        );
    Ok(lines.collect())
}

pub(super) async fn show(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Refused> {
    let id = PartnerId::parse(path.1.as_str()).map_err(|_| Refused::NOT_FOUND)?;
    let act = Act::on("read_partner", Subject::new("partner", id.as_str()));
    at.record_read(&app.pool, act).await?;
    let at_bank_stream = stream_id(&at.bank, id.as_str());
    let at_bank = state_of::<PartnerAtBankStream>(&app.pool, &at_bank_stream).await?;
    let partner = state_of::<PartnerStream>(&app.pool, id.as_str()).await?;
    // A partner that never had to do with the bank is not the bank's to see.
    let (
        Partner::Registered {
            record,
            record_version,
            ..
        },
        true,
    ) = (partner, at_bank != PartnerAtBank::Absent)
    else {
        return Err(Refused::NOT_FOUND);
    };
    let contract = at_bank.contract();
    let view = PartnerView {
        id: id.to_string(),
        record,
        record_version,
        standing: standing(&at_bank),
        contract_from: contract.map(|contract| contract.starts_at),
        contract_until: contract.and_then(|contract| contract.ends_at),
        push: push(&app.pool, &at.bank, &id).await?,
    };
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Partners).await?;
    show_page(&view.page(frame))
}

fn standing(at_bank: &PartnerAtBank) -> AtBank {
    match at_bank {
        PartnerAtBank::Enabled { suspended, .. } if suspended.is_empty() => AtBank::Enabled,
        PartnerAtBank::Enabled { .. } => AtBank::Suspended,
        PartnerAtBank::Absent | PartnerAtBank::Disabled { .. } => AtBank::Disabled,
    }
}

/// Address, when it was set, when something was last delivered, and the last failure.
type PushRow = (String, DateTime<Utc>, Option<DateTime<Utc>>, Option<String>);

async fn push(
    pool: &PgPool,
    bank: &BankCode,
    partner: &PartnerId,
) -> Result<Vec<PushLine>, sqlx::Error> {
    let rows: Vec<PushRow> = sqlx::query_as(
        "SELECT url, set_at, delivered_at, last_failure FROM push_targets
         WHERE bank = $1 AND partner = $2 ORDER BY set_at",
    )
    .bind(bank.as_str())
    .bind(partner.as_str())
    .fetch_all(pool)
    .instrument(sql_span("push targets of a partner"))
    .await?;
    let lines = rows
        .into_iter()
        .map(|(url, set_at, delivered_at, last_failure)| PushLine {
            url,
            set_at,
            delivered_at,
            last_failure,
        });
    Ok(lines.collect())
}
