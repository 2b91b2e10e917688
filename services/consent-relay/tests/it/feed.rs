//! The partners' feed over a log that the sequencer wrote: the same facts, in the log's order, without
//! Kafka.

use consent::{
    feed::{arrivals::Whose, page},
    partners::{BankRegistration, PartnerRegistration, register_bank, register_partner},
    protocol::{client::RedirectUriPolicy, keys::KeyRing, shared_key::KeyPurpose},
    store::Bus,
};
use consent_domain::{BankCode, ClientId, PartnerId};
use demo::agent::partner::generate_key;
use public_events::Names;

use crate::bench::{Bench, log};

async fn register(bench: &Bench, partner: &str, banks: &[&str]) {
    let registration = PartnerRegistration {
        partner_id: PartnerId::parse(partner).unwrap(),
        client_id: ClientId::parse(format!("{partner}-app")).unwrap(),
        legal_name: format!("{partner}株式会社"),
        service_name: format!("{partner}会計"),
        registration_number: "関東財務局長（電代）第0号".to_owned(),
        complaint_contact: "お客様窓口 0120-111-111".to_owned(),
        onward_recipients: Vec::new(),
        redirect_uris: vec!["https://partner.example/callback".to_owned()],
        jwks: generate_key().unwrap().jwks(),
        banks: banks
            .iter()
            .map(|code| BankCode::parse(*code).unwrap())
            .collect(),
    };
    let policy = RedirectUriPolicy::HttpsOnly;
    let bus = Bus::new(bench.service.clone());
    register_partner(&bench.service, &bus, registration, policy, "tests")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_reads_what_the_sequencer_wrote_in_its_order_page_by_page() {
    let bench = Bench::alone().await;
    let term = bench.lead().await;
    let bus = Bus::new(bench.service.clone());
    for code in ["2963", "2978"] {
        let record = format!(
            "code = \"{code}\"\nname = \"労働金庫\"\ndisplay_name = \"労働金庫（法人）\"\n\
             phone = \"0120-000-000\"\nhours = \"平日 9:00〜17:00\""
        );
        let bank: BankRegistration = toml::from_str(&record).unwrap();
        register_bank(&bus, bank, "tests").await.unwrap();
    }
    for _ in 0..10 {
        for (partner, banks) in [
            ("minato", ["2963", "2978"].as_slice()),
            ("hama", &["2963"]),
            ("minato", &["2978"]),
            ("hama", &[]),
        ] {
            register(&bench, partner, banks).await;
        }
        bench.append_all(&term).await;
    }
    let key = consent::protocol::key_wrap::KeyEncryptionKey::parse(&"A".repeat(43)).unwrap();
    let ring = KeyRing::load_or_create(&bench.service, &key, chrono::Utc::now())
        .await
        .unwrap();
    let names = Names::new(
        "https://consent.example",
        ring.key(KeyPurpose::Pairwise).unwrap().clone(),
    );
    let whose = Whose {
        bank: BankCode::parse("2963").unwrap(),
        partner: PartnerId::parse("minato").unwrap(),
    };

    let mut connection = bench.service.acquire().await.unwrap();
    let (mut after, mut read) = (0, Vec::new());
    loop {
        let page = page::read(&mut connection, &names, whose.clone(), after, 3)
            .await
            .unwrap();
        if page.events.is_empty() {
            break;
        }
        after = page.next;
        read.extend(page.events.into_iter().map(|event| {
            (
                event.attributes.global_sequence,
                event.attributes.message,
                event.attributes.id,
            )
        }));
    }

    let expected: Vec<_> = log(&bench.relay)
        .await
        .into_iter()
        .filter(|(_, stream, ..)| stream == "2963:minato")
        .map(|(number, .., id)| (number, id))
        .collect();
    assert_eq!(expected.len(), 20);
    let got: Vec<_> = read.iter().map(|(number, _, id)| (*number, *id)).collect();
    assert_eq!(got, expected);
    for pair in read.chunks(2) {
        assert_eq!(
            (pair[0].1, pair[1].1),
            ("PartnerEnabled", "PartnerDisabled")
        );
    }
}
