//! A partner at its feed, and the log as a relay's sequencer would write it. (The sequencer itself at
//! work: `services/consent-relay/tests/it/feed.rs`.)

use reqwest::{StatusCode, header::HeaderMap};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use url::Url;

use crate::{
    bench::{BANK, Bench},
    oauth_partner::{pairs, post},
};

/// What an answer of the feed is.
#[derive(Debug)]
pub struct Read {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Read {
    pub fn types(&self) -> Vec<&str> {
        self.events()
            .iter()
            .map(|event| event["type"].as_str().unwrap().rsplit('.').next().unwrap())
            .collect()
    }

    pub fn ids(&self) -> Vec<&str> {
        let events = self.events().iter();
        events.map(|event| event["id"].as_str().unwrap()).collect()
    }

    pub fn events(&self) -> &Vec<Value> {
        assert_eq!(self.status, 200, "{self:?}");
        self.body.as_array().expect("a batch")
    }

    pub fn sequences(&self) -> Vec<i64> {
        let events = self.events().iter();
        events
            .map(|event| event["sequence"].as_str().unwrap().parse().unwrap())
            .collect()
    }

    /// The `after` of the link to the next page.
    pub fn next(&self) -> i64 {
        let link = self.headers["link"].to_str().unwrap();
        let (address, rest) = link.strip_prefix('<').unwrap().split_once('>').unwrap();
        assert_eq!(rest, "; rel=\"next\"");
        let address = Url::parse(address).unwrap();
        let after = address.query_pairs().find(|(name, _)| name == "after");
        after.unwrap().1.parse().unwrap()
    }

    pub fn code(&self) -> &str {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        self.body["code"].as_str().unwrap()
    }
}

impl Bench {
    /// A token of the partner's own for its events.
    pub async fn own_token(&self, partner: usize) -> String {
        let asked = pairs(&[
            ("grant_type", "client_credentials"),
            ("scope", "notifications"),
        ]);
        let answer = post(&self.client(partner), &self.endpoint("token", 0), &asked).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Reads the feed of the bank with a token.
    pub async fn feed(&self, token: &str, query: &str) -> Read {
        self.feed_at(0, token, query).await
    }

    pub async fn feed_at(&self, replica: usize, token: &str, query: &str) -> Read {
        let mut url = self.endpoint("notifications", replica);
        url.set_query(Some(query));
        read(reqwest::Client::new().get(url).bearer_auth(token)).await
    }

    /// Gives every committed event its number in the log.
    pub async fn sequence(&self) {
        let mut owner = PgConnection::connect(&self.owner_url()).await.unwrap();
        sqlx::query(
            "WITH new AS (
                 SELECT s.global_sequence + row_number() OVER (ORDER BY e.transaction_id, e.position)
                     AS number, s.epoch, e.*
                 FROM sequencer s, events e
                 WHERE (e.transaction_id, e.position) > (s.transaction_id, s.position)
             ), appended AS (
                 INSERT INTO event_log (global_sequence, epoch, event_id, aggregate_type, aggregate_id,
                     sequence, transaction_id, position, bank, partner)
                 SELECT number, epoch, event_id, aggregate_type, aggregate_id, sequence, transaction_id,
                     position, bank, partner FROM new
             ), last AS (SELECT * FROM new ORDER BY number DESC LIMIT 1)
             UPDATE sequencer s SET global_sequence = number, transaction_id = last.transaction_id,
                 position = last.position FROM last",
        )
        .execute(&mut owner)
        .await
        .unwrap();
        owner.close().await.unwrap();
    }

    /// Copies a grant's facts into so many further grants of the same partner.
    pub async fn copy_grant(&self, grant: &str, copies: i32) {
        sqlx::query(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version,
                 payload, metadata, bank, partner)
             SELECT aggregate_type, aggregate_id || '-' || n, sequence, event_type, event_version,
                 payload, metadata, bank, partner
             FROM events, generate_series(1, $2) n
             WHERE aggregate_type = 'consent' AND aggregate_id = $1 ORDER BY n, sequence",
        )
        .bind(format!("{BANK}:{grant}"))
        .bind(copies)
        .execute(&self.pool)
        .await
        .unwrap();
    }
}

pub async fn read(request: reqwest::RequestBuilder) -> Read {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.expect("a body");
    Read {
        status: status.as_u16(),
        headers,
        body: match status {
            StatusCode::NO_CONTENT => Value::Null,
            _ => serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}")),
        },
    }
}
