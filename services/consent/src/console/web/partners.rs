//! Partners at a bank.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use consent_domain::{
    BankCode, PartnerId,
    partner::{Partner, PartnerAtBank, PartnerAtBankStream, PartnerRecord, PartnerStream},
};
use sqlx::PgPool;
use tracing::Instrument as _;

use super::{
    edit::said,
    refused::Refused,
    visit::{Sent, frame_at, locale, see_other, show as show_page},
};
use crate::{
    app::App,
    console::{
        page::{Section, section_path},
        partners_page::{self, AtBank, Lookup, PartnerLine, PartnerView, PushLine},
        platform_page::KeyLine,
    },
    journey::stream_id,
    operator::{Act, Console, Reads, Role, Subject, platform::is_of_the_platform},
    partner_administration::retirements,
    partners::is_registered,
    store::{sql_span, state_of},
};

pub(super) async fn list(
    app: web::Data<App>,
    request: HttpRequest,
    at: Console<Reads>,
) -> Result<HttpResponse, Refused> {
    let act = Act::on("read_partners", Subject::of_kind("partners"));
    at.record_read(&app.pool, act).await?;
    let sent = Sent::of_query(&request);
    let lookup = match (at.role, sent.find("id")) {
        (Role::Auditor, _) => None,
        (Role::Operator, None) => Some(Lookup::default()),
        (Role::Operator, Some(typed)) => {
            if let Ok(id) = PartnerId::parse(typed)
                && is_registered(&app.pool, &id).await?
            {
                let here = section_path(at.bank.as_str(), Section::Partners);
                return Ok(see_other(&format!("{here}/{id}")));
            }
            Some(Lookup {
                unknown: Some(typed.to_owned()),
            })
        }
    };
    let partners = lines(&app.pool, &at.bank).await?;
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Partners).await?;
    show_page(&partners_page::list(frame, &partners, lookup.as_ref()))
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
    // A partner that never had to do with the bank is seen only by those who may change that.
    let is_seen = at_bank != PartnerAtBank::Absent || at.role == Role::Operator;
    let Partner::Registered {
        record,
        record_version,
        ..
    } = partner
    else {
        return Err(Refused::NOT_FOUND);
    };
    if !is_seen {
        return Err(Refused::NOT_FOUND);
    }
    let view = PartnerView {
        id: id.to_string(),
        keys: keys(&app.pool, &id, &record).await?,
        record,
        record_version,
        at_bank,
        push: push(&app.pool, &at.bank, &id).await?,
        role: at.role,
        is_of_the_platform: is_of_the_platform(&app.pool, &at.who.operator.id).await?,
        said: said(locale(&app, &request), &Sent::of_query(&request)),
    };
    let frame = frame_at(&app, &request, &at, &at.cookie, Section::Partners).await?;
    show_page(&view.page(frame))
}

/// Its keys, each with when it goes.
async fn keys(
    pool: &PgPool,
    partner: &PartnerId,
    record: &PartnerRecord,
) -> Result<Vec<KeyLine>, Refused> {
    let going = retirements(pool, partner).await?;
    let keys = record.keys.iter().map(|(kid, jwk)| KeyLine {
        kid: kid.clone(),
        jwk: serde_json::from_str(jwk).unwrap_or_default(),
        retire_at: going
            .iter()
            .find(|gone| gone.kid == *kid)
            .map(|gone| gone.retire_at),
    });
    Ok(keys.collect())
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
