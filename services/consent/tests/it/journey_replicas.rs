//! Two replicas on one database serve one journey, request by request in turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use demo::agent::{
    browser::{Browser, Form, Page},
    partner::ParRequest,
    walk::{Task, return_address},
};
use url::Url;

use crate::{
    bench::{Bench, FIRST, FOURTH, PIN, WRONG_PIN, browser, ticked},
    journey_customer::{
        accounts_form, authorize_form, confirm_form, facts, login_form, only, open_step, send_to,
        step_of, tasks_form,
    },
};

/// Sends each request to the replica that did not serve the one before.
struct InTurn<'a> {
    bench: &'a Bench,
    browser: Browser,
    requests: AtomicUsize,
}

impl InTurn<'_> {
    fn next(&self) -> usize {
        self.requests.fetch_add(1, Ordering::Relaxed) % self.bench.replicas.len()
    }

    async fn get(&self, url: &Url) -> Page {
        let url = self.bench.at_replica(url, self.next());
        let page = self.browser.get(&url).await.expect("an answer");
        self.follow(page).await
    }

    async fn send(&self, page: &Page, form: &Form) -> Page {
        let answer = send_to(self.bench, &self.browser, page, form, self.next()).await;
        self.follow(answer).await
    }

    async fn follow(&self, mut page: Page) -> Page {
        while let Some(url) = page.location() {
            let url = self.bench.at_replica(&url, self.next());
            page = self.browser.get(&url).await.expect("an answer");
        }
        page
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_journey_may_go_to_the_other_replica() {
    let bench = Bench::replicas(2).await;
    // A page before the first one shifts who serves what.
    for shift in 0..2 {
        let before = facts(&bench).await;
        let customer = InTurn {
            bench: &bench,
            browser: browser(),
            requests: shift.into(),
        };
        let client = bench.client(0);
        let request = ParRequest::for_both_tasks().create_grant();
        let pushed = client.push(&request).await.expect("the request is taken");
        let login = customer.get(&client.authorization_url(&pushed)).await;
        let tasks = customer.send(&login, &login_form(&login)).await;
        let accounts = customer.send(&tasks, &tasks_form(&tasks, &Task::ALL)).await;
        let rows = [ticked(FIRST, PIN), ticked(FOURTH, WRONG_PIN)];
        let confirm = customer
            .send(&accounts, &accounts_form(&accounts, &rows))
            .await;
        let authorize = customer.send(&confirm, &confirm_form(&confirm)).await;
        assert_eq!(step_of(&authorize), "authorize");
        let end = customer.send(&authorize, &authorize_form(&authorize)).await;
        let returned = return_address(&end).expect("the way back");

        // The token comes from the replica that did not issue the code.
        let code = client.parse_return(&returned).expect("a code").code;
        let endpoint = &client.metadata().await.expect("metadata").token_endpoint;
        let endpoint = bench.at_replica(endpoint, customer.next());
        let mut pairs = client.authentication().expect("an assertion");
        let redirect_uri = client.registration().redirect_uri.to_string();
        pairs.extend(
            [
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", &redirect_uri),
                ("code_verifier", &pushed.verifier),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let answer = client.post(&endpoint, &pairs).await.expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.body);

        let expected = [
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
        let after = facts(&bench).await;
        assert_eq!(
            crate::journey_customer::new_facts(&before, &after),
            only(&expected)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_goes_away_takes_nothing_with_it() {
    let mut bench = Bench::replicas(2).await;
    let browser = browser();
    let (accounts, _) = bench.to_accounts(&browser, 0).await;
    let form = accounts_form(&accounts, &[ticked(FIRST, PIN)]);
    let confirm = bench.at_replica(&accounts.url.join("confirm").expect("an address"), 1);
    bench.replicas.remove(0).abort().await;
    let other = bench.replicas[0].public.port();
    assert_eq!(confirm.port(), Some(other));
    let answer = send_to(&bench, &browser, &accounts, &form, 0).await;
    let page = browser.follow(&answer).await.expect("step 5");
    assert_eq!(step_of(&page), "confirm");
    assert_eq!(
        step_of(&open_step(&browser, &page, "login").await),
        "confirm"
    );
}
