//! Everything that a page of a journey needs, in one statement.

use actix_web::{HttpRequest, web};
use consent_domain::{
    BankCode, Instant, JourneyId, PartnerId,
    bank::{Bank, BankRecord, BankStream},
    journey::{Journey, JourneyStream},
    partner::{Partner, PartnerRecord, PartnerStream},
};
use sqlx::{PgPool, Row as _, postgres::PgRow, types::Json};
use tracing::Instrument as _;

use super::{Browser, Visit, stream_id};
use crate::{
    app::App,
    journey::{
        cookie::BrowserCookie,
        hindrance::Hindrance,
        language,
        page_address::PageAddress,
        session::{BankSession, Latest, SessionColumns},
    },
    pages::Locale,
    protocol::received_parameters::ReceivedParameters,
    request_context::RequestContext,
    store::{StoreError, sql_span, state_of_row},
};

const SQL: &str = "
    SELECT now() AS now,
        b.version AS bank_version, b.state_version AS bank_state_version, b.state AS bank_state,
        j.version AS journey_version, j.state_version AS journey_state_version,
        j.state AS journey_state,
        (j.stream_id IS NULL AND EXISTS (SELECT FROM events e WHERE e.aggregate_type = 'journey'
            AND e.aggregate_id = $2 AND e.sequence = 1)) AS journey_left,
        p.stream_id AS partner_stream, p.version AS partner_version,
        p.state_version AS partner_state_version, p.state AS partner_state,
        a.status = 'enabled' AS partner_enabled, r.parameters,
        a.standing AS partner_standing, b.standing AS bank_standing, t.standing AS contract_standing,
        coalesce(t.state -> 'removed_users' ? (j.state #>> '{stage,login,user}'), false)
            AS user_removed,
        s.contract, s.bank_user, s.names_sealed, s.last_seen_at, s.end_reason,
        s.last_seen_at + make_interval(secs => s.idle_seconds) AS idle_at, s.generation,
        (SELECT max(generation) FROM bank_sessions g
         WHERE g.bank = $1 AND g.journey_id = $3) AS generations
    FROM bank_current b
    LEFT JOIN journey_current j ON j.stream_id = $2
    LEFT JOIN pushed_requests r ON r.bank = $1 AND r.journey_id = $3
    LEFT JOIN partner_current p ON p.client = coalesce(j.state #>> '{request,client}', r.client_id)
    LEFT JOIN partner_at_bank_current a ON a.stream_id = $1 || ':' || p.stream_id
    LEFT JOIN contract_current t ON t.stream_id = $1 || ':' || (j.state #>> '{stage,login,contract}')
    LEFT JOIN bank_sessions s ON s.session_hash = $4 AND s.bank = $1 AND s.journey_id = $3
    WHERE b.stream_id = $1";

impl Visit {
    pub(super) async fn read(
        app: &web::Data<App>,
        request: &HttpRequest,
        (bank, id): (BankCode, JourneyId),
        Browser { cookie, wish }: Browser,
        context: RequestContext,
    ) -> Result<Option<Self>, StoreError> {
        let row = sqlx::query(SQL)
            .bind(bank.as_str())
            .bind(stream_id(&bank, id.as_str()))
            .bind(id.as_str())
            .bind(cookie.as_ref().map(|cookie| cookie.hash().to_vec()))
            .fetch_optional(&app.pool)
            .instrument(sql_span("load visit"))
            .await?;
        let Some(row) = row else { return Ok(None) };
        let Some(found) = Found::of_row(&app.pool, &row, (&bank, &id)).await? else {
            return Ok(None);
        };
        let now: Instant = row.try_get("now")?;
        let session = match &cookie {
            None => None,
            Some(cookie) => read_session(&row, cookie, now)?,
        };
        let wish = wish.map(Locale::tag);
        let wish = wish.or(found.parameters.find("ui_locales"));
        let enabled: Option<bool> = row.try_get("partner_enabled")?;
        let generations: Option<i32> = row.try_get("generations")?;
        Ok(Some(Self {
            app: app.clone(),
            locale: language::of_request(app, request, wish),
            pages: app.pages.of(&bank, &found.record),
            address: PageAddress::of(request),
            bank,
            record: found.record,
            id,
            journey: found.journey,
            partner_id: found.partner_id,
            partner: found.partner,
            partner_version: found.partner_version,
            partner_enabled: enabled.unwrap_or(false),
            hindrance: Hindrance::of_row(&row)?,
            recipients_since: found.recipients_since,
            parameters: found.parameters,
            cookie,
            session,
            generation: generations.unwrap_or(0),
            maintenance: None,
            now,
            context,
        }))
    }
}

/// Whose journey it is, where, and what was asked for.
struct Found {
    record: BankRecord,
    journey: Journey,
    partner_id: PartnerId,
    partner: PartnerRecord,
    partner_version: u32,
    recipients_since: u32,
    parameters: ReceivedParameters,
}

impl Found {
    /// None: there is no such bank, or no such journey.
    async fn of_row(
        pool: &PgPool,
        row: &PgRow,
        (bank, id): (&BankCode, &JourneyId),
    ) -> Result<Option<Self>, StoreError> {
        let stream = stream_id(bank, id.as_str());
        let (bank, _) = state_of_row::<BankStream>(pool, row, "bank", bank.as_str()).await?;
        let (journey, _) = state_of_row::<JourneyStream>(pool, row, "journey", &stream).await?;
        let partner: Option<String> = row.try_get("partner_stream")?;
        let partner = partner.unwrap_or_default();
        let (partner, _) = state_of_row::<PartnerStream>(pool, row, "partner", &partner).await?;
        let parameters: Option<Json<ReceivedParameters>> = row.try_get("parameters")?;
        let (
            Bank::Registered { record, .. },
            Partner::Registered {
                partner: partner_id,
                record: partner,
                record_version: partner_version,
                recipients_since,
            },
            Some(Json(parameters)),
        ) = (bank, partner, parameters)
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            record,
            journey,
            partner_id,
            partner,
            partner_version,
            recipients_since,
            parameters,
        }))
    }
}

fn read_session(
    row: &PgRow,
    cookie: &BrowserCookie,
    now: Instant,
) -> Result<Option<BankSession>, sqlx::Error> {
    let Some(contract) = row.try_get::<Option<String>, _>("contract")? else {
        return Ok(None);
    };
    let (generation, latest): (i32, i32) =
        (row.try_get("generation")?, row.try_get("generations")?);
    let columns = SessionColumns {
        contract,
        user: row.try_get("bank_user")?,
        names_sealed: row.try_get("names_sealed")?,
        idle_at: row.try_get("idle_at")?,
        last_seen_at: row.try_get("last_seen_at")?,
        end_reason: row.try_get("end_reason")?,
        latest: if generation == latest {
            Latest::Yes
        } else {
            Latest::No
        },
    };
    Ok(BankSession::read(columns, cookie, now))
}
