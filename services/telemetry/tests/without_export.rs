//! Where nothing is sent, requests still have ids, and callers keep their traces. Alone in its process:
//! the subscriber is the process's.

use telemetry::{Export, LogFormat, Logs, Service, Telemetry, TraceParent};

const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn spans_have_ids_and_a_callers_trace_goes_on() {
    let service = Service {
        name: "test",
        version: "0.0.0",
    };
    let logs = Logs::new("off", LogFormat::Json, std::io::sink);
    let telemetry = Telemetry::start(service, logs, Export::Off).unwrap();

    let own = tracing::error_span!("request");
    let begun = TraceParent::of(&own).unwrap().to_string();
    assert!(begun.ends_with("-00"), "nobody asked for samples: {begun}");

    let asked = tracing::error_span!("request");
    TraceParent::find(CALLER).unwrap().adopt(&asked);
    let continued = TraceParent::of(&asked).unwrap().to_string();
    assert_eq!(continued[..35], CALLER[..35]);
    assert_ne!(continued, CALLER, "the span is one of ours");
    assert!(
        continued.ends_with("-01"),
        "the caller's decision holds: {continued}"
    );

    let below = asked.in_scope(|| tracing::info_span!("command"));
    assert_eq!(TraceParent::of(&below).unwrap().trace_id(), CALLER[3..35]);
    telemetry.stop().await;
}

#[test]
fn without_a_subscriber_nothing_has_a_place_in_a_trace() {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || {
        assert_eq!(TraceParent::of(&tracing::info_span!("request")), None);
    });
}
