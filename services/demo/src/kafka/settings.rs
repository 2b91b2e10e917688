//! The broker's settings: one node that is broker and controller, small and quick to start.

use std::path::Path;

use super::security::{Guard, KEY_STORE_PASSWORD};

/// Loopback ports of a broker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) controller: u16,
    pub(super) plain: u16,
    pub(super) guarded: u16,
}

/// What every private broker has.
const ONE_NODE: &str = "\
process.roles=broker,controller
node.id=1
inter.broker.listener.name=PLAIN
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT,GUARDED:SASL_SSL
# Topics are made on purpose, as in production.
auto.create.topics.enable=false
# One node holds everything once.
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
# A test's consumer has no other member to wait for.
group.initial.rebalance.delay.ms=0
# Small: a heap of 512 MB and few threads.
num.network.threads=2
num.io.threads=2
background.threads=2
log.cleaner.dedupe.buffer.size=4194304
";

/// `server.properties`.
pub(super) fn server_properties(directory: &Path, ports: Ports, guard: Option<&Guard>) -> String {
    let Ports {
        controller,
        plain,
        guarded,
    } = ports;
    let data = directory.join("data");
    let mut listeners = format!("PLAIN://127.0.0.1:{plain}");
    if guard.is_some() {
        listeners.push_str(&format!(",GUARDED://127.0.0.1:{guarded}"));
    }
    let mut text = format!(
        "{ONE_NODE}controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=CONTROLLER://127.0.0.1:{controller},{listeners}\n\
         advertised.listeners={listeners}\n\
         log.dirs={}\n",
        data.display()
    );
    if let Some(guard) = guard {
        text.push_str(&format!(
            "sasl.enabled.mechanisms=SCRAM-SHA-512\n\
             listener.name.guarded.scram-sha-512.sasl.jaas.config=\
             org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
             listener.name.guarded.ssl.keystore.type=PKCS12\n\
             listener.name.guarded.ssl.keystore.location={}\n\
             listener.name.guarded.ssl.keystore.password={KEY_STORE_PASSWORD}\n\
             listener.name.guarded.ssl.key.password={KEY_STORE_PASSWORD}\n\
             authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             allow.everyone.if.no.acl.found=false\n\
             # Who comes by the plain listener is the test itself.\n\
             super.users=User:ANONYMOUS\n",
            guard.key_store.display()
        ));
    }
    text
}

/// Warnings to standard output, which is the broker's log.
pub(super) const LOG4J: &str = "\
rootLogger.level=WARN
rootLogger.appenderRefs=out
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{ISO8601} %p %c{1} %m%n
";
