use tracing::{Span, field};

/// A statement, by what it is for: never its values, and not its text either.
pub fn sql_span(operation: &'static str) -> Span {
    tracing::info_span!(
        "sql",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = "postgresql",
        db.operation.name = operation,
    )
}

/// A command, by the type of the stream that it decides on.
pub(super) fn command_span(stream: &'static str) -> Span {
    tracing::info_span!(
        "command",
        otel.name = format!("command {stream}"),
        otel.status_code = field::Empty,
        stream,
        outcome = field::Empty,
    )
}
