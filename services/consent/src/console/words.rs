//! What the console says, in both languages side by side: a text that lacks one does not compile. Banks do not
//! word the console themselves, so these texts are not in the catalogue of the journey's pages.

use crate::pages::Locale;

macro_rules! words {
    ($($name:ident: $ja:literal, $en:literal;)*) => {
        /// The console's labels in one language.
        #[derive(Debug)]
        pub(super) struct Words {
            $(pub(super) $name: &'static str,)*
        }

        static JA: Words = Words { $($name: $ja,)* };
        static EN: Words = Words { $($name: $en,)* };
    };
}

/// The labels of a language.
pub(super) fn of(locale: Locale) -> &'static Words {
    match locale {
        Locale::Ja => &JA,
        Locale::En => &EN,
    }
}

words! {
    // Around every page
    console: "API連携 管理コンソール", "API Linkage Console";
    skip_link: "本文へ移動", "Skip to main content";
    language: "言語", "Language";
    sections: "業務", "Sections";
    signed_in: "操作者", "Operator";
    sign_out: "サインアウト", "Sign out";
    change_bank: "金庫を選びなおす", "Change bank";
    inquiry_number: "受付番号", "Request number";
    problems: "入力内容をご確認ください", "Please check what you entered";
    none: "－", "-";
    none_spoken: "なし", "None";
    role_operator: "操作権限あり", "Operator";
    role_auditor: "閲覧のみ", "Auditor (reads only)";
    section_consents: "連携の検索", "Consents";
    section_journeys: "手続き", "Journeys";
    section_revocations: "終了・一括解除", "Ends and revocation";
    section_affected: "影響の確認", "Who was affected";
    section_funnel: "手続きの推移", "Funnel";
    section_partners: "連携事業者", "Partners";
    section_acts: "操作記録", "Log of acts";
    back: "戻る", "Back";
    show: "表示", "Show";
    all: "すべて", "All";
    rows_none: "該当するものはありません。", "Nothing matches.";
    conditions_invalid: "検索の条件を確認してください。", "Check the conditions of the search.";
    export: "書き出し", "Export";
    conditions_begin_and_end: "許可日と、状態・理由・終了日を組み合わせるときは、契約か口座も指定してください。",
        "To combine the day of allowing with a status, a reason or the day of the end, give a contract or an account too.";
    conditions_reason: "理由は、状態が「解除」のとき、または状態を指定しないときに選べます。",
        "A reason goes with the status Revoked, or without a status.";
    conditions_step: "手順は、結果の「手続き中」「中止」「時間切れ」「続けられない」のどれかと合わせて選んでください。",
        "A step goes with one of the outcomes In progress, Cancelled, Timed out and Could not go on.";
    japan_time: "時刻はすべて日本時間です。", "All times are Japan time.";

    // Signing in
    sign_in: "サインイン", "Sign in";
    sign_in_lead: "管理コンソールのIDとパスワードを入力してください。", "Enter your console ID and password.";
    sign_in_failed: "IDまたはパスワードが正しくありません。", "The ID or the password is not correct.";
    sign_in_again: "サインインの期限が切れました。もう一度サインインしてください。", "Your session has ended. Please sign in again.";
    signed_out: "サインアウトしました。", "You have signed out.";
    operator_id: "操作者ID", "Operator ID";
    password: "パスワード", "Password";

    // Banks
    banks: "金庫の選択", "Choose a bank";
    banks_lead: "操作する金庫を選んでください。", "Choose the bank to work on.";
    banks_none: "権限のある金庫がありません。管理者にお問い合わせください。",
        "You have no role at any bank. Please ask your administrator.";
    bank: "金庫", "Bank";
    bank_code: "金融機関コード", "Bank code";
    role: "権限", "Role";

    // Fields and columns
    partner: "連携事業者", "Partner";
    contract: "契約（団体）", "Contract";
    account: "口座", "Account";
    status: "状態", "Status";
    reason: "理由", "Reason";
    from: "自", "From";
    to: "至", "To";
    began_at: "許可日時", "Allowed";
    valid_until: "有効期限", "Valid until";
    grant: "連携番号", "Grant";
    user: "利用者", "User";
    tasks: "業務", "Tasks";
    count: "件数", "Count";

    // Consents
    consent: "連携の詳細", "Consent";
    as_of: "基準日時", "As of";
    as_of_now: "現在の状態", "State now";
    as_of_then: "基準日時の状態", "State then";
    as_of_not_begun: "この日時には、まだ許可されていません。", "Access had not been allowed yet at that time.";
    show_as_of: "この日時で表示", "Show as of";
    show_now: "現在の状態に戻す", "Back to now";
    terms: "許可の内容", "What was allowed";
    history_from: "明細の開始日", "Statements from";
    history_all: "取得できる最も古い日から", "As far back as the bank goes";
    place: "連携の種類", "Kind";
    place_default: "通常の連携", "The pair's linkage";
    place_beside: "追加の連携", "Beside another";
    connected: "事業者の接続", "Partner connected";
    connected_yes: "接続済み", "Connected";
    connected_no: "未接続", "Not connected";
    suspended_for: "停止の理由", "Suspended for";
    wider: "上位の停止", "Wider suspensions";
    story: "経緯", "Story";
    known_later: "基準日時には、まだ記録されていませんでした。", "Not yet recorded at that time.";
    why: "終了・停止に至った経過", "Why it stopped";
    why_none: "終了も停止もしていません。", "It has neither ended nor been suspended.";
    reads: "参照の記録", "Access record";
    reads_none: "参照の記録はありません。", "Nothing has been read.";
    first_read: "最初の参照", "First read";
    last_read: "最後の参照", "Last read";
    read_times: "参照回数", "Reads";
    read_rows: "明細件数", "Rows";
    notices: "通知の到達", "Notices";
    channel: "通知先", "To";
    arrived: "到達", "Arrived";
    acts: "操作", "Acts";

    // Acts
    revoke: "連携を解除する", "Revoke";
    remove_account: "口座を外す", "Remove an account";
    suspend: "連携を停止する", "Suspend";
    restore: "停止を解く", "Restore";
    revoke_note: "解除すると元に戻せません。事業者は直ちに参照できなくなります。",
        "Revocation is final. The partner can read nothing from that moment.";
    remove_account_note: "外した口座は直ちに参照できなくなります。最後の口座を外すと、連携は終了します。",
        "The account can't be read from that moment. With the last account the consent ends.";
    suspend_note: "停止している間は参照できません。停止は同じ理由を選んで解くことができます。",
        "Nothing can be read while suspended. The same cause is lifted again.";
    restore_note: "選んだ理由の停止を解きます。ほかの理由が残っている間は、停止が続きます。",
        "Lifts this cause. Access stays suspended while another cause stands.";
    choose_reason: "理由を選んでください。", "Choose a reason.";
    choose_account: "口座を選んでください。", "Choose an account.";
    confirm_tick: "内容を確認しました。", "I have checked this.";
    confirm_missing: "確認欄に印をつけてください。", "Tick the box to confirm.";
    carry_out: "実行する", "Carry out";
    done: "操作を記録しました。", "Done, and recorded.";
    done_before: "すでにそのようになっています。変更はありません。", "It was so already. Nothing was changed.";
    refused_ended: "すでに終了しているため、操作できません。", "The consent has ended already.";

    // Journeys
    step: "手順", "Step";

    // Funnel
    funnel: "手続きの推移", "Funnel";
    funnel_lead: "申込から事業者の接続までの七つの手順で、どこで、なぜ手続きが終わったかを示します。日付は申込の日です。",
        "Where and why journeys end, over the seven steps from the request to the partner's connection. Days are those of the request.";
    funnel_plot: "手順ごとの到達数", "Journeys by step";
    funnel_table: "手順ごとの件数", "Figures by step";
    funnel_reasons: "終わった理由", "Why they ended";
    came_to: "到達", "Came to it";
    went_on: "次へ進んだ", "Went on";
    went_on_share: "進んだ割合", "Share";
    went_on_last: "接続した", "Connected";
    left_here: "ここで終了", "Ended here";
    weeks_plot: "週ごとの件数", "Journeys by week";
    weeks_table: "週ごとの件数（表）", "Figures by week";
    week: "週（月曜日）", "Week (Monday)";
    ended: "終了した手続き", "Ended";
    allowed: "許可された手続き", "Allowed";
    allowed_share: "許可の割合", "Share allowed";
    by_partner: "連携事業者ごとの件数", "Figures by partner";
    failures: "続けられなかった理由", "Failures by code";
    rejected_rows: "登録できなかった口座（口座数）", "Accounts that step 4 refused (rows)";
    counted_none: "集計はまだ行われていません。", "Nothing has been counted yet.";
    funnel_empty: "この期間に申込はありません。", "No journey began in this period.";
    period_invalid: "期間を正しく入力してください（二年以内）。", "Enter a period of at most two years.";

    // Refusals
    not_found: "ページが見つかりません", "Page not found";
    not_found_lead: "アドレスが正しくないか、この金庫の権限がありません。", "The address is wrong, or you have no role at this bank.";
    forbidden: "操作できません", "Not allowed";
    forbidden_lead: "この操作には、操作権限が必要です。", "This needs the role of an operator.";
    form_refused: "フォームを受け付けられませんでした", "The form was not accepted";
    form_refused_lead: "サインインしなおしたか、画面が古くなっています。一覧から開きなおしてください。何も変更していません。",
        "You signed in anew, or the page was out of date. Open it again from the list. Nothing was changed.";
    unavailable: "ただいま利用できません", "Not available now";
    unavailable_lead: "しばらくしてからやりなおしてください。", "Please try again later.";
    home: "金庫の選択へ", "To the choice of banks";

    // Around every page
    next_page: "次の一覧", "Next page";
    first_page: "最初の一覧", "First page";
    paging: "一覧の移動", "Pages";

    // Fields and columns
    time: "日時", "Time";
    what: "内容", "What";

    // Journeys
    outcome: "結果", "Outcome";

    // Log of acts
    acts_log: "操作記録", "Log of acts";
    acts_caption: "操作者の操作の一覧", "What operators did";
    on_whom: "対象", "On";

    // Fields and columns
    service: "サービス", "Service";
    began_from: "許可日 自", "Allowed from";
    began_to: "許可日 至", "Allowed to";
    ended_at: "終了日時", "Ended";

    // Consents
    arrived_yes: "到達済み", "Arrived";
    arrived_no: "未到達", "Not yet";

    // Acts
    refused_stale: "この画面は古くなっています。現在の状態を確認してください。", "This page was out of date. Please look at the state now.";

    // Revocations
    revocations: "終了した連携", "What ended";
    revocations_caption: "終了した連携の一覧", "Consents that ended";
    bulk: "一括解除", "Bulk revocation";
    bulk_lead: "条件に合う有効な連携をまとめて解除します。依頼した人とは別の人の承認が必要です。",
        "Revokes every live consent that matches. Somebody else than who asked has to approve.";
    bulk_caption: "一括解除の一覧", "Bulk revocations";
    bulk_sample: "対象の例", "Sample";
    bulk_matching: "対象件数", "Matching";
    bulk_request: "承認を依頼する", "Ask for approval";
    bulk_request_note: "承認されるまで、何も解除されません。", "Nothing is revoked until it is approved.";
    bulk_requested_by: "依頼者", "Asked by";
    bulk_approved_by: "承認者", "Approved by";
    bulk_approve: "承認して開始する", "Approve and begin";
    bulk_own: "ご自身の依頼は承認できません。別の操作者が承認します。", "You can't approve what you asked for.";
    bulk_pause: "一時停止", "Pause";
    bulk_resume: "再開", "Resume";
    bulk_cancel: "中止", "Cancel";
    bulk_progress: "進み具合", "Progress";
    bulk_done: "解除済み", "Revoked";
    bulk_skipped: "対象外", "Passed over";
    bulk_failed: "失敗", "Failed";
    new_bulk: "一括解除を始める", "Begin a bulk revocation";

    // Affected
    affected: "影響の確認", "Who was affected";
    affected_lead: "期間中に、連携事業者が参照できた契約を調べます。", "Contracts whose data the partner could read in a period.";
    affected_caption: "影響を受けた連携", "Consents affected";
    could_read_from: "参照できた期間 自", "Readable from";
    could_read_to: "参照できた期間 至", "Readable to";

    // Partners
    partners: "連携事業者", "Partners";
    partners_caption: "連携事業者の一覧", "Partners";
    client_id: "クライアントID", "Client ID";
    legal_name: "事業者名", "Legal name";
    registration_number: "登録番号", "Registration number";
    complaint_contact: "苦情の窓口", "Complaints";
    onward_recipients: "再提供先", "Onward recipients";
    redirect_uris: "戻り先URI", "Redirect URIs";
    keys: "公開鍵", "Public keys";
    key_id: "鍵ID", "Key ID";
    key_kind: "種類", "Kind";
    record_version: "登録の版", "Record version";
    at_this_bank: "この金庫での取扱い", "At this bank";
    enabled: "取扱い中", "Enabled";
    disabled: "取扱いなし", "Not enabled";
    contract_from: "契約開始日", "Contract from";
    contract_until: "契約終了日", "Contract until";
    push_targets: "通知の送信先", "Push targets";
    address: "送信先", "Address";

    // Refusals
    span_invalid: "期間を正しく入力してください。", "Enter the period correctly.";
    outstanding_only: "未到達のみ", "Outstanding only";
    channel_mail: "お客さまへのメール", "Mail to the customer";
    channel_kafka: "事業者（Kafka）", "Partner (Kafka)";
    channel_poll: "事業者（ポーリング）", "Partner (poll)";
    channel_push: "事業者（プッシュ）", "Partner (push)";
    choose_partner: "連携事業者を選んでください。", "Choose a partner.";
    reads_in_span: "期間中の参照", "Reads in the period";
    began_before: "許可日時 未満", "Allowed before";
    bulk_filter_empty: "条件を一つ以上入力してください。条件がないと、金庫のすべての連携が対象になります。", "Give at least one condition: without any, every consent of the bank would match.";
    bulk_start: "解除を開始する", "Begin to revoke";
    bulk_open: "未処理", "Open";
    suspended: "停止中", "Suspended";
    live_consents: "有効な連携", "Live consents";
    set_at: "設定日時", "Set";
    delivered_at: "最終配信", "Last delivery";
    last_failure: "最後の失敗", "Last failure";

    // Around every page
    search: "検索", "Search";

    // Fields and columns
    accounts: "口座数", "Accounts";
    ended_from: "終了日 自", "Ended from";
    ended_to: "終了日 至", "Ended to";
    changed_at: "最終変更", "Last change";

    // Consents
    consents: "連携の検索", "Search consents";
    consents_caption: "連携の一覧", "Consents";

    // Journeys
    journeys: "手続きの検索", "Search journeys";
    journeys_caption: "手続きの一覧", "Journeys";
    journey: "手続き番号", "Journey";
    requested_at: "申込日時", "Requested";

    // Refusals
    ends_or_ended: "期限・終了", "Ends or ended";
    requested_from: "申込日 自", "Requested from";
    requested_to: "申込日 至", "Requested to";
}
