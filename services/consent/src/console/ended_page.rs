//! 終了した連携: what ended, by whom, and whether every notice of it arrived.

use super::{
    acts_page::paging,
    block::{Block, Cell, Column, Field, Form, Input, Link, Links, Row, Table, Tone, Width},
    consent_page::Arrival,
    names,
    page::{Frame, Page, Section, section_path},
    span::Span,
    words,
};
use crate::{ended_consents::EndedConsent, operator::Role, pages::Locale};

/// The page's data.
#[derive(Debug)]
pub(super) struct EndedView {
    pub(super) span: Span,
    pub(super) partner: Option<String>,
    pub(super) is_outstanding_only: bool,
    /// Partners of the bank: id and name of the service.
    pub(super) partners: Vec<(String, String)>,
    pub(super) ended: Vec<EndedConsent>,
    pub(super) next: Option<String>,
    pub(super) role: Role,
}

/// What is chosen to see only ends whose notices are outstanding.
pub(super) const OUTSTANDING: &str = "outstanding";

impl EndedView {
    pub(super) fn page(&self, frame: Frame) -> Page {
        let locale = frame.locale;
        let w = words::of(locale);
        let bank = frame.bank_code();
        let here = section_path(&bank, Section::Revocations);
        let mut links = vec![Link::new("to-bulk", w.bulk, format!("{here}/bulk"))];
        if self.role == Role::Operator {
            links.push(Link::new(
                "new-bulk",
                w.new_bulk,
                format!("{here}/bulk/new"),
            ));
        }
        let mut blocks = vec![Block::Links(Links {
            id: "bulk-links",
            label: w.bulk.to_owned(),
            links,
        })];
        let problems = self.span.problems(w);
        if !problems.is_empty() {
            blocks.push(Block::Problems(problems));
        }
        let [from, to] = self.span.fields(w, Input::Date);
        let outstanding = vec![(OUTSTANDING.to_owned(), w.outstanding_only.to_owned())];
        let fields = vec![
            from,
            to,
            Field::select(
                "partner",
                w.partner,
                w.all,
                self.partners.clone(),
                self.partner.as_deref(),
            ),
            Field::select(
                "notices",
                w.notices,
                w.all,
                outstanding,
                self.is_outstanding_only.then_some(OUTSTANDING),
            ),
        ];
        blocks.push(Block::Form(Form::filter(
            "filter",
            here.clone(),
            fields,
            w.show,
        )));
        blocks.push(Block::Table(self.table(locale, &bank)));
        blocks.extend(paging(locale, &here, self.next.as_deref()));
        Page {
            title: w.revocations.to_owned(),
            error: None,
            blocks,
            frame,
        }
    }

    fn table(&self, locale: Locale, bank: &str) -> Table {
        let w = words::of(locale);
        let rows = self.ended.iter().map(|ended| Row {
            key: ended.grant_id.clone(),
            cells: vec![
                Cell::text(names::moment(ended.effective_at)),
                Cell::code(ended.grant_id.clone()).leading_to(format!(
                    "{}/{}",
                    section_path(bank, Section::Consents),
                    ended.grant_id
                )),
                Cell::text(names::partner(&self.partners, &ended.partner)),
                Cell::code(ended.contract.clone()),
                how(locale, ended),
                arrived(locale, ended),
            ],
        });
        Table {
            id: "ended",
            caption: w.revocations_caption.to_owned(),
            width: Width::Full,
            columns: vec![
                Column::text(w.ended_at),
                Column::text(w.grant),
                Column::text(w.partner),
                Column::text(w.contract),
                Column::text(w.what),
                Column::text(w.notices),
            ],
            rows: rows.collect(),
        }
    }
}

/// How it ended, why, and who acted.
fn how(locale: Locale, ended: &EndedConsent) -> Cell {
    let status = Cell::text(names::status(locale, &ended.status));
    let reason = ended
        .reason
        .as_deref()
        .map(|code| names::stored_reason(locale, code))
        .unwrap_or_default();
    let actor = names::stored_actor(locale, &ended.actor_kind, ended.actor_id.as_deref());
    status.with_below(reason).with_below(actor)
}

/// Those outstanding by name; else that all arrived.
fn arrived(locale: Locale, ended: &EndedConsent) -> Cell {
    let w = words::of(locale);
    let mut outstanding = arrivals(locale, ended)
        .into_iter()
        .filter(|arrival| arrival.tone == Tone::Caution || arrival.tone == Tone::Bad)
        .map(|arrival| format!("{} {}", arrival.channel, arrival.state));
    match outstanding.next() {
        None => Cell::badge(Tone::Good, w.arrived_yes),
        Some(first) => {
            let cell = Cell::badge(Tone::Caution, w.arrived_no).with_below(first);
            outstanding.fold(cell, Cell::with_below)
        }
    }
}

/// Each channel of an end's notices, and what became of it.
pub(super) fn arrivals(locale: Locale, ended: &EndedConsent) -> Vec<Arrival> {
    let w = words::of(locale);
    [
        (w.channel_mail, ended.mail.as_str()),
        (w.channel_kafka, ended.kafka.as_str()),
        (w.channel_poll, ended.poll.as_str()),
        (w.channel_push, ended.push.as_str()),
    ]
    .into_iter()
    .map(|(channel, word)| {
        let (tone, state) = names::arrival(locale, word);
        Arrival {
            channel: channel.to_owned(),
            state,
            tone,
        }
    })
    .collect()
}
