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

    // Administration of partners
    now_stands: "現在の内容", "What it is now";
    edit_stale: "この画面を開いた後に内容が変わりました。まだ何も変更していません。下の「現在の内容」を確認し、必要なら入力を直して、もう一度実行してください。入力した内容は残っています。",
        "It was changed after you opened this page, so nothing has been changed yet. Look at what it is now, mend your input where needed, and carry it out again. What you typed is still here.";
    enable_partner: "取扱いを始める", "Enable at this bank";
    enable_partner_note: "この金庫のお客さまが、この連携事業者と連携できるようになります。すでにある連携も、再び参照できるようになります。",
        "Customers of this bank may link to this partner. Linkages that are there can be read again.";
    disable_partner: "取扱いをやめる", "Disable at this bank";
    disable_partner_note: "新しい連携は始められず、すでにある連携の参照も直ちにできなくなります。連携は終了せず、再び取扱いを始めると参照できます。",
        "No new linkage begins, and nothing can be read from that moment. Linkages do not end: they can be read again once it is enabled.";
    set_contract: "契約期間を登録する", "Set the contract";
    set_contract_note: "最終日の翌日になると、取扱いは自動で終わります。最終日がなければ、終わりを決めない契約です。",
        "After the last day the partner is disabled. Without a last day no end is planned.";
    contract_starts: "契約の開始日", "First day of the contract";
    contract_ends: "契約の最終日（決まっている場合）", "Last day of the contract, if planned";
    contract_last_day: "契約の最終日", "Last day of the contract";
    set_push: "通知の送信先を設定する", "Set the push target";
    set_push_note: "この金庫での出来事を、この連携事業者へ送ります（RFC 8935）。送信先を変えると、まだ届いていない通知から続けて、直ちに新しい送信先へ送ります。",
        "Events of this bank are sent to this partner (RFC 8935). A target that is changed goes on with what has not been delivered, at once.";
    push_url: "送信先のURL（https）", "URL of the target (https)";
    push_authorization: "Authorizationヘッダーの値（空欄は、なし）", "Value of the Authorization header (empty: none)";
    push_authorization_note: "Authorizationヘッダーの値は表示されません。設定するたびに入力してください。",
        "The value of the Authorization header is never shown. Enter it each time.";
    push_after: "この番号より後の出来事から送る（空欄は、続きから）", "Begin after this number of the log (empty: go on)";
    remove_push: "通知の送信先を削除する", "Remove the push target";
    remove_push_note: "この金庫での出来事を、この連携事業者へ送らなくなります。", "Events of this bank are no longer pushed to this partner.";
    suspend_partner: "連携事業者を停止する", "Suspend the partner";
    suspend_partner_note: "この金庫では、停止している間、この連携事業者はどの連携も参照できません。停止は同じ理由を選んで解くことができます。",
        "While suspended, this partner can read nothing of this bank. The same cause is lifted again.";
    restore_partner: "連携事業者の停止を解く", "Lift a suspension of the partner";
    find_partner: "連携事業者ID（取扱いのない事業者も可）", "Partner's id (also of one that is new here)";
    find_partner_open: "開く", "Open";
    find_partner_unknown: "このIDの連携事業者はありません。", "There is no partner of this id.";
    platform_partners: "連携事業者の登録（全金庫共通）", "Partners' records (all banks)";
    platform_partners_note: "登録内容はすべての金庫に共通です。変更は、すべての金庫に直ちに反映されます。",
        "A record is the same at every bank. A change holds for all of them at once.";
    platform_caption: "登録されている連携事業者", "Registered partners";
    banks_enabled: "取り扱う金庫", "Enabled at";
    register_partner: "連携事業者を登録する", "Register a partner";
    register_partner_note: "登録しただけでは、どの金庫でも取扱いは始まりません。取扱いは各金庫の操作者が始めます。",
        "A registered partner is enabled at no bank yet: each bank's operators enable it.";
    change_record: "登録内容を変更する", "Change the record";
    change_record_note: "お客さまに示す内容です。事業者名・登録番号・再提供先を変えると、これからの許可は新しい内容に対するものになります。",
        "It is what customers are shown. What they allow from then on is for the new record.";
    change_redirects: "戻り先URIを変更する", "Change the redirect URIs";
    change_redirects_note: "お客さまが手続きの後に戻る先です。ここにないURIへは戻れません。",
        "Where customers return to. They return to no other address.";
    add_key: "公開鍵を追加する", "Add a key";
    add_key_note: "すでにある鍵は、そのまま使えます。鍵を替えるときは、新しい鍵を追加し、事業者が切り替えた後に、古い鍵の利用終了を予定してください。",
        "Keys that are there stay good. To rotate a key: add the new one, let the partner change over, then plan the end of the old one.";
    retire_key: "鍵の利用終了を予定する", "Plan a key's end";
    retire_key_note: "その日時までは、古い鍵も新しい鍵も使えます。過ぎた日時を入れると、直ちに使えなくなります。",
        "Until then it and the others are good. A time in the past means at once.";
    key: "公開鍵", "Key";
    key_retires: "利用終了の予定", "Planned end";
    retire_at: "利用終了の日時", "Its end";
    service_name: "サービス名", "Service's name";
    partner_id: "連携事業者ID", "Partner's id";
    onward_lines: "再提供先（1行に1件）", "Onward recipients (one a line)";
    redirect_lines: "戻り先URI（1行に1件）", "Redirect URIs (one a line)";
    jwk: "公開鍵（JWK）", "Public key (JWK)";
    jwks: "公開鍵（JWKの集合）", "Public keys (JWK set)";
    hand_over: "責任者を引き継ぐ", "Hand over";
    hand_over_note: "この連携に答える利用者を、同じ契約の別の利用者に替えます。許可の内容は変わりません。入力した利用者番号が金庫にあるかどうかは確認しません。間違いのないよう、よくお確かめください。",
        "Another user of the contract answers for it. What is allowed stays as it is. Whether the bank has a user of this id is not checked: check it yourself.";
    to_user: "引き継ぐ利用者（金庫の利用者番号）", "User who takes over (the bank's id)";
    refused_hand_over: "引き継げませんでした。契約を離れた利用者には引き継げません。", "Not handed over. A user who has left the contract can't take over.";

    // What is wrong with a field
    wrong_text: "1～200文字で入力してください。改行などの制御文字は使えません。", "Enter 1 to 200 characters, without control characters.";
    wrong_recipients: "1行に1件、50件まで、それぞれ200文字以内で入力してください。", "Enter at most 50, one a line, each of at most 200 characters.";
    wrong_id: "半角の英数字と「.」「_」「-」で、64文字以内で入力してください。", "Enter 1 to 64 characters of A-Z, a-z, 0-9, . _ and -.";
    wrong_id_taken: "「new」は使えません。別のIDを入力してください。", "“new” can't be used. Enter another id.";
    wrong_redirect_count: "戻り先URIは1件から10件までです。", "Enter 1 to 10 redirect URIs.";
    wrong_redirect: "httpsで始まり、#・ユーザー名・パスワードを含まないURIにしてください。", "A redirect URI is https, without fragment, user and password.";
    wrong_json: "JSONとして読めません。", "This can't be read as JSON.";
    wrong_json_erased: "JSONとして読めません。秘密鍵かもしれないため、入力した内容は消去しました。", "This can't be read as JSON. As it may be a private key, what you typed was erased.";
    wrong_key_set: "鍵は1個から10個までです。", "A partner has 1 to 10 keys.";
    wrong_kid: "鍵ごとに、ほかの鍵と異なるkid（128バイト以内）が必要です。", "Each key needs a kid of its own, of at most 128 bytes.";
    wrong_private: "秘密鍵や共通鍵は登録できません。公開鍵だけを入力してください。入力した内容は消去しました。", "A private or symmetric key can't be registered. Enter the public key only. What you typed was erased.";
    wrong_key_kind: "使える鍵は、EC P-256、RSA（2048～4096ビット）、Ed25519です。", "A key is EC P-256, RSA of 2048 to 4096 bits, or Ed25519.";
    wrong_key: "鍵の内容が正しくありません。", "The key is malformed.";
    wrong_key_use: "署名の検証に使えない鍵です（alg・use）。", "The key's alg or use does not allow signatures.";
    wrong_kid_taken: "同じkidの別の鍵が登録されています。", "Another key with this kid is registered.";
    wrong_last_key: "残る鍵がなくなります。先に新しい鍵を追加してください。", "No key would stay. Add the new one first.";
    wrong_choose_key: "鍵を選んでください。", "Choose a key.";
    wrong_time: "日時を正しく入力してください。", "Enter a date and time.";
    wrong_day: "日付を正しく入力してください。", "Enter a date.";
    wrong_order: "最終日は、開始日と同じ日か、それより後にしてください。", "The last day is the first day or a later one.";
    wrong_ended: "契約が終了しています。先に、有効な契約期間を登録してください。", "The contract has ended. Set a contract that runs first.";
    wrong_target: "公開されたアドレスの、httpsで始まるURLにしてください。ユーザー名・パスワード・#は使えません。", "Enter an https URL at a public address, without user, password and fragment.";
    wrong_authorization: "半角の英数字と記号で、1行で入力してください。", "Enter one line of printable ASCII.";
    wrong_authorization_again: "前に入力した値は残していません。必要なら、もう一度入力してください。", "What was entered before is not kept. Enter it again if it is needed.";
    wrong_after: "記録の番号（これまでの番号）を数字で入力してください。", "Enter a number that the log has come to.";
    wrong_exists: "このIDまたはクライアントIDの連携事業者は、すでに登録されています。", "A partner with this id or client id is registered.";
    wrong_user: "金庫の利用者番号を入力してください。", "Enter the user's id at the bank.";
}
