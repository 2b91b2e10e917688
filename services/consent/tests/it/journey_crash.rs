//! The real binary, killed without warning and started again: the browser goes on where it was.

use std::{
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use demo::agent::{
    browser::{Browser, Form, Page},
    walk::{Task, return_address},
};
use sandbox_bank::Rpc;
use tokio::time::{sleep, timeout};

use crate::{
    bench::{Bench, FIRST, FOURTH, Options, PIN, WRONG_PIN, browser, ticked},
    journey_customer::{
        accounts_form, authorize_form, confirm_form, facts, location, login_attempts, login_form,
        only, open_step, pin_guesses, send, step_of, tasks_form,
    },
};

/// How long the binary may take until it answers, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks at something that comes by itself.
const LOOK: Duration = Duration::from_millis(10);

/// `consent serve` as a process of its own.
struct Served<'a> {
    bench: &'a Bench,
    settings: PathBuf,
    process: Child,
}

impl<'a> Served<'a> {
    async fn start(bench: &'a Bench) -> Self {
        let free = || {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("an address").port()
        };
        let public = bench.origin.port().expect("a port");
        let settings = bench
            .settings()
            .replace(
                "public_listen = \"127.0.0.1:0\"",
                &format!("public_listen = \"127.0.0.1:{public}\""),
            )
            .replace(
                "operator_listen = \"127.0.0.1:0\"",
                &format!("operator_listen = \"127.0.0.1:{}\"", free()),
            )
            .replace(
                "decision_listen = \"127.0.0.1:0\"",
                &format!("decision_listen = \"127.0.0.1:{}\"", free()),
            );
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("consent-{}.toml", bench.database.name()));
        std::fs::write(&path, settings).expect("the settings are written");
        let process = spawn(&path);
        let mut served = Self {
            bench,
            settings: path,
            process,
        };
        served.answers().await;
        served
    }

    /// Kills the process as `kill -9` does.
    fn kill(&mut self) {
        self.process.kill().expect("it is killed");
        self.process.wait().expect("it is gone");
    }

    /// Kills it and starts it again.
    async fn crash(&mut self) {
        self.kill();
        self.process = spawn(&self.settings);
        self.answers().await;
    }

    async fn answers(&mut self) {
        let url = self
            .bench
            .origin
            .join("/2963/.well-known/oauth-authorization-server");
        let url = url.expect("an address");
        let stranger = browser();
        let up = async {
            while stranger.get(&url).await.is_err() {
                // Somebody's outgoing connection may hold the port for a moment.
                if self.process.try_wait().expect("its state").is_some() {
                    self.process = spawn(&self.settings);
                }
                sleep(LOOK).await;
            }
        };
        timeout(START_LIMIT, up).await.expect("consent answers");
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.settings);
    }
}

fn spawn(settings: &std::path::Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_consent"))
        .arg("serve")
        .arg("--config")
        .arg(settings)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("consent starts")
}

async fn bench() -> Bench {
    Bench::with(Options {
        replicas: 0,
        ..Options::default()
    })
    .await
}

/// Sends a form of a page of before the crash, is answered, crashes again, and follows.
async fn send_between_crashes(
    served: &mut Served<'_>,
    browser: &Browser,
    form: &Form,
    next: &str,
) -> Page {
    served.crash().await;
    let answer = send(browser, form).await;
    assert!(location(&answer).ends_with(next), "{}", location(&answer));
    served.crash().await;
    browser.follow(&answer).await.expect("the page")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_step_loses_nothing_and_the_browser_goes_on() {
    let bench = bench().await;
    let mut served = Served::start(&bench).await;
    let browser = browser();
    let (login, pushed) = bench.begin(&browser, 0).await;
    let tasks = send_between_crashes(&mut served, &browser, &login_form(&login), "/tasks").await;
    let form = tasks_form(&tasks, &Task::ALL);
    let accounts = send_between_crashes(&mut served, &browser, &form, "/accounts").await;
    let form = accounts_form(&accounts, &[ticked(FIRST, PIN), ticked(FOURTH, WRONG_PIN)]);
    let confirm = send_between_crashes(&mut served, &browser, &form, "/confirm").await;
    let form = confirm_form(&confirm);
    let authorize = send_between_crashes(&mut served, &browser, &form, "/authorize").await;
    // Any address of the journey shows the step that it stands at.
    assert_eq!(
        step_of(&open_step(&browser, &authorize, "login").await),
        "authorize"
    );
    let form = authorize_form(&authorize);
    let end = send_between_crashes(&mut served, &browser, &form, "/done").await;
    let returned = return_address(&end).expect("the way back");
    served.crash().await;
    bench
        .client(0)
        .complete(&returned, &pushed)
        .await
        .expect("tokens");

    let journey = [
        "ConsentRequested",
        "LoginSucceeded",
        "TasksSelected",
        "AccountsSelected",
        "AccountsRegistered",
        "AccountRegistrationRejected",
        "AccountRegistered",
        "RegistrationConfirmed",
        "AccessAuthorized",
        "AccessGranted",
        "PartnerConnected",
    ];
    let mut facts = facts(&bench).await;
    facts.retain(|name, _| !name.starts_with("Bank") && !is_registration(name));
    assert_eq!(facts.into_iter().collect::<Vec<_>>(), only(&journey));
    assert_eq!((login_attempts(&bench), pin_guesses(&bench)), (1, 2));
}

/// Facts of the bench's own making.
fn is_registration(name: &str) -> bool {
    [
        "PartnerRegistered",
        "PartnerEnabledAtBank",
        "PartnerEnabled",
    ]
    .contains(&name)
}

/// Kills the service while the bank holds its answer to this form back, and starts it again.
async fn crash_while_asking(
    bench: &Bench,
    served: &mut Served<'_>,
    browser: &Browser,
    form: &Form,
    rpc: Rpc,
) {
    bench.bank.set_delay(rpc, Duration::from_secs(60));
    let asked = bench.bank.requests(rpc);
    let die_while_asking = async {
        while bench.bank.requests(rpc) == asked {
            sleep(LOOK).await;
        }
        served.kill();
    };
    let both = async { tokio::join!(form.submit(browser), die_while_asking) };
    let (answer, ()) = timeout(START_LIMIT, both).await.expect("the bank is asked");
    assert!(answer.is_err(), "no answer came");
    bench.bank.set_delay(rpc, Duration::ZERO);
    served.crash().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_the_bank_is_asked_counts_no_guess_twice() {
    let bench = bench().await;
    let mut served = Served::start(&bench).await;
    let browser = browser();

    // Step 2: the password.
    let (login, _) = bench.begin(&browser, 0).await;
    let form = login_form(&login);
    crash_while_asking(&bench, &mut served, &browser, &form, Rpc::Authenticate).await;
    assert_eq!(
        (login_attempts(&bench), bench.events("LoginSucceeded").await),
        (1, 0)
    );
    let answer = send(&browser, &form).await;
    assert!(
        location(&answer).ends_with("/tasks"),
        "{}",
        location(&answer)
    );
    let tasks = browser.follow(&answer).await.expect("step 3");
    assert_eq!(
        (login_attempts(&bench), bench.events("LoginSucceeded").await),
        (1, 1)
    );

    // Step 4: two PINs, the first of which is at the bank when the service dies.
    let answer = send(&browser, &tasks_form(&tasks, &Task::ALL)).await;
    let accounts = browser.follow(&answer).await.expect("step 4");
    let form = accounts_form(&accounts, &[ticked(FIRST, PIN), ticked(FOURTH, WRONG_PIN)]);
    crash_while_asking(&bench, &mut served, &browser, &form, Rpc::VerifyInquiryPin).await;
    assert_eq!(
        (pin_guesses(&bench), bench.events("AccountsSelected").await),
        (1, 0)
    );
    let answer = send(&browser, &form).await;
    assert!(
        location(&answer).ends_with("/confirm"),
        "{}",
        location(&answer)
    );
    let confirm = browser.follow(&answer).await.expect("step 5");
    assert_eq!(pin_guesses(&bench), 2, "each PIN once");
    let requests = bench.bank.pin_requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(
        requests[0].attempt_id, requests[1].attempt_id,
        "asked again by the same id"
    );
    for once in [
        "AccountsSelected",
        "AccountsRegistered",
        "AccountRegistrationRejected",
    ] {
        assert_eq!(bench.events(once).await, 1, "{once}");
    }

    // Step 6: the accounts are read once more before 許可 is recorded.
    let answer = send(&browser, &confirm_form(&confirm)).await;
    let authorize = browser.follow(&answer).await.expect("step 6");
    let form = authorize_form(&authorize);
    crash_while_asking(&bench, &mut served, &browser, &form, Rpc::ListAccounts).await;
    assert_eq!(bench.events("AccessAuthorized").await, 0);
    let answer = send(&browser, &form).await;
    assert!(
        location(&answer).ends_with("/done"),
        "{}",
        location(&answer)
    );
    assert_eq!(bench.events("AccessAuthorized").await, 1);
    assert_eq!(bench.events("AccessGranted").await, 1);
}
