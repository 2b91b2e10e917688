//! Commands that give each reader what is its own, for the tools that every cluster comes with.
//! Adding a right that is there already changes nothing, so they may be run again.

use public_events::topics::TopicNames;

use super::{PartnerAtBankId, TopicSettings};

const ACLS: &str = "kafka-acls --bootstrap-server \"$BOOTSTRAP\" --add";

/// One command a line.
pub(super) fn commands(
    settings: &TopicSettings,
    names: &TopicNames,
    partners: &[PartnerAtBankId],
) -> Vec<String> {
    let relay = &settings.relay_principal;
    let prefix = names.common_prefix();
    let mut commands = vec![
        // Everything that it writes, in transactions of its own name.
        format!(
            "{ACLS} --allow-principal '{relay}' --operation Write --operation Describe \
             --topic {prefix} --resource-pattern-type prefixed"
        ),
        format!(
            "{ACLS} --allow-principal '{relay}' --operation Write --operation Describe \
             --transactional-id {prefix} --resource-pattern-type prefixed"
        ),
        // How far it has come.
        format!(
            "{ACLS} --allow-principal '{relay}' --operation Read --topic {}",
            names.offsets()
        ),
        format!(
            "{ACLS} --allow-principal '{relay}' --operation Read \
             --group {prefix} --resource-pattern-type prefixed"
        ),
    ];
    for at in partners {
        let partner = settings
            .partner_principal
            .replace("{partner}", at.partner.as_str());
        commands.push(format!(
            "{ACLS} --allow-principal '{partner}' --operation Read --operation Describe --topic {}",
            names.partner(&at.bank, &at.partner)
        ));
        commands.push(format!(
            "{ACLS} --allow-principal '{partner}' --operation Read \
             --group {} --resource-pattern-type prefixed",
            names.partner_group_prefix(&at.partner)
        ));
    }
    // At several banks a partner's groups are the same.
    let mut once = std::collections::BTreeSet::new();
    commands.retain(|command| once.insert(command.clone()));
    commands
}

#[cfg(test)]
mod tests {
    use consent_domain::{BankCode, PartnerId};

    use super::*;

    #[test]
    fn a_partner_may_read_its_own_topics_and_nothing_by_a_prefix() {
        let partners = [("2951", "a"), ("2963", "a"), ("2963", "a.b")].map(|(bank, partner)| {
            PartnerAtBankId {
                bank: BankCode::parse(bank).unwrap(),
                partner: PartnerId::parse(partner).unwrap(),
            }
        });
        let all = commands(&TopicSettings::default(), &TopicNames::default(), &partners);
        let of_a: Vec<_> = all
            .iter()
            .filter(|line| line.contains("'User:a'"))
            .collect();
        assert_eq!(
            of_a,
            [
                "kafka-acls --bootstrap-server \"$BOOTSTRAP\" --add --allow-principal 'User:a' \
                 --operation Read --operation Describe --topic renkei.partner.2951.a",
                "kafka-acls --bootstrap-server \"$BOOTSTRAP\" --add --allow-principal 'User:a' \
                 --operation Read --group renkei.partner.a. --resource-pattern-type prefixed",
                "kafka-acls --bootstrap-server \"$BOOTSTRAP\" --add --allow-principal 'User:a' \
                 --operation Read --operation Describe --topic renkei.partner.2963.a",
            ]
        );
        // `a.` must not be the beginning of what `a.b` calls its groups.
        assert!(
            all.iter()
                .any(|line| line.contains("--group renkei.partner.a_2eb. "))
        );
    }
}
