//! JSON of a message from the committed descriptors: the mapping of protocol buffers, with the
//! fields' own names (as in tokens: `account_id`), 64-bit numbers as strings, and enum values by name.

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use renkei_proto::consent::v1::DESCRIPTORS;
use serde_json::Value;

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a committed file; every test reads it")]
    DescriptorPool::decode(DESCRIPTORS).expect("the committed descriptors are readable")
});

/// The message of that full name, whose binary form this is.
pub(crate) fn of(full_name: &str, bytes: &[u8]) -> Value {
    #[expect(
        clippy::expect_used,
        reason = "bytes that prost wrote of a message of the same files; a test does it for each type"
    )]
    let message = POOL
        .get_message_by_name(full_name)
        .and_then(|descriptor| DynamicMessage::decode(descriptor, bytes).ok())
        .expect("a message of the committed descriptors");
    let options = SerializeOptions::new().use_proto_field_name(true);
    #[expect(clippy::expect_used, reason = "a message has string keys only")]
    message
        .serialize_with_options(serde_json::value::Serializer, &options)
        .expect("a message is an object")
}
