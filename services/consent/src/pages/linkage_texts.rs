//! Texts of the customer's own pages.

use super::phrase::{Label, Phrase};
use super::texts::texts;

texts! {
    LinkagesLoginTexts {
        title: Label,
        lead: Label,
        submit: Label,
        certificate_note: Label,
        problem_certificate_required: Label,
    }
    LinkagesTexts {
        title: Label,
        lead: Label,
        new_note: Label,
        live_heading: Label,
        none: Label,
        ended_heading: Phrase,
        open: Phrase,
        names_unknown: Label,
        logout: Label,
        notices: LinkagesNoticeTexts,
    }
    LinkagesNoticeTexts {
        session_ended: Label,
        logged_out: Label,
        send_again: Label,
        already_sent: Label,
        ended: Label,
        already_ended: Label,
    }
    LinkageTexts {
        title: Label,
        status_heading: Label,
        status_live: Label,
        status_ends_soon: Label,
        status_paused: Label,
        status_ended: Label,
        ends_in_days: Phrase,
        ended_by_time: Phrase,
        ended_by_act: Phrase,
        ended_by_another: Phrase,
        paused_linkage: Phrase,
        paused_contract: Phrase,
        paused_partner: Phrase,
        paused_partner_disabled: Label,
        paused_bank: Phrase,
        paused_effect: Label,
        account_not_known: Label,
        since_heading: Label,
        since: Phrase,
        answered_by_heading: Label,
        answered_by_you: Phrase,
        answered_by_another: Phrase,
        answered_by_left: Phrase,
        linkage_heading: Label,
        accounts_caption: Label,
        acts_heading: Label,
        no_acts: Label,
        end: Label,
        end_note: Label,
        effects_heading: Label,
        back: Label,
        back_to_list: Label,
    }
    LinkageEndTexts {
        title: Label,
        lead: Phrase,
        effect_reads: Phrase,
        effect_fetched: Phrase,
        effect_registrations: Label,
        effect_final: Phrase,
        submit: Label,
    }
    HistoryTexts {
        by: ByTexts,
        causes: CauseTexts,
        end_reasons: EndReasonTexts,
    }
    ByTexts {
        customer: Label,
        partner: Label,
        bank: Label,
        system: Label,
    }
    CauseTexts {
        customer_request: Label,
        suspected_fraud: Label,
        security_incident: Label,
        legal_order: Label,
        user_removed: Label,
        password_changed: Label,
        certificate_changed: Label,
        right_removed: Label,
        account_moved: Label,
        terms_changed: Label,
        recipients_changed: Label,
        other: Label,
    }
    EndReasonTexts {
        no_longer_needed: Label,
        customer_request: Label,
        linked_by_mistake: Label,
        fraud: Label,
        service_ended: Label,
        partner_left: Label,
        contract_closed: Label,
        no_account_left: Label,
        user_removed: Label,
        password_changed: Label,
        certificate_changed: Label,
        legal_order: Label,
        other: Label,
    }
}
