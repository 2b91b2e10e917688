//! Pages with invented data.

use chrono::NaiveDate;

use crate::{
    console::{
        funnel_page::{Asked, FunnelView},
        page::{BankInView, Frame, Page, Section, SignedIn},
    },
    funnel::{Funnel, FunnelStep, Leaving, OfPartner, Week},
    pages::Locale,
};

pub(super) fn frame(locale: Locale, section: Option<Section>) -> Frame {
    let operator = match locale {
        Locale::Ja => "操作権限あり",
        Locale::En => "Operator",
    };
    Frame {
        locale,
        address: "/console/banks/2963/funnel?from=2026-09-01&to=2026-11-22".to_owned(),
        signed_in: Some(SignedIn {
            name: "労金 花子".to_owned(),
            form_key: "key-of-sign-out".to_owned(),
        }),
        bank: Some(BankInView {
            code: "2963".to_owned(),
            name: "中央労働金庫（法人）".to_owned(),
            role: operator.to_owned(),
        }),
        section,
        request_number: "0C1F44E2A9B0".to_owned(),
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn busy_funnel() -> Funnel {
    let mut funnel = Funnel::of_counts(
        [
            (FunnelStep::Login, Leaving::Cancelled, 61),
            (FunnelStep::Login, Leaving::Idle, 148),
            (FunnelStep::Login, Leaving::Failed, 12),
            (FunnelStep::Tasks, Leaving::Cancelled, 18),
            (FunnelStep::Tasks, Leaving::Idle, 9),
            (FunnelStep::Accounts, Leaving::Cancelled, 74),
            (FunnelStep::Accounts, Leaving::Idle, 66),
            (FunnelStep::Accounts, Leaving::OutOfTime, 23),
            (FunnelStep::Confirm, Leaving::Idle, 11),
            (FunnelStep::Confirm, Leaving::Open, 3),
            (FunnelStep::Authorize, Leaving::Declined, 27),
            (FunnelStep::Authorize, Leaving::Idle, 8),
        ],
        804,
        781,
    );
    funnel.weeks = (0..12_u64)
        .map(|week| {
            let ended = 72 + i64::try_from(week * 17 % 53).unwrap();
            Week {
                monday: day("2026-08-31") + chrono::Days::new(week * 7),
                ended,
                authorized: ended * 64 / 100,
            }
        })
        .collect();
    funnel.partners = vec![
        OfPartner {
            partner: "kantan".to_owned(),
            ended: 1012,
            authorized: 690,
            connected: 671,
        },
        OfPartner {
            partner: "aozora".to_owned(),
            ended: 249,
            authorized: 114,
            connected: 110,
        },
    ];
    funnel
        .failures
        .insert((FunnelStep::Login, "bank_closed".to_owned()), 9);
    funnel
        .failures
        .insert((FunnelStep::Login, "partner_disabled".to_owned()), 3);
    for (code, count) in [
        ("pin_mismatch", 215),
        ("pin_locked", 14),
        ("not_eligible", 6),
    ] {
        funnel.rejected_rows.insert(code.to_owned(), count);
    }
    funnel.counted_at = Some("2026-11-22T06:04:05Z".parse().unwrap());
    funnel
}

fn funnel(locale: Locale, funnel: Option<Funnel>) -> Page {
    let view = FunnelView {
        asked: Asked {
            from: "2026-08-31".to_owned(),
            to: "2026-11-22".to_owned(),
            partner: None,
        },
        partners: vec![
            ("kantan".to_owned(), "かんたん会計".to_owned()),
            ("aozora".to_owned(), "あおぞら会計".to_owned()),
        ],
        funnel,
    };
    view.page(frame(locale, Some(Section::Funnel)))
}

/// Every page, by its language and name.
pub(super) fn pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for locale in Locale::ALL {
        for (name, page) in [
            ("funnel", funnel(locale, Some(busy_funnel()))),
            ("funnel-empty", funnel(locale, Some(Funnel::default()))),
            ("funnel-invalid", funnel(locale, None)),
        ] {
            pages.push((
                format!("{}/console-{name}", locale.tag()),
                page.render().unwrap(),
            ));
        }
    }
    pages
}
