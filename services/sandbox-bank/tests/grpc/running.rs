//! A running bank, and the requests that the tests send it.

use renkei_proto::bank::v1::authenticate_response::Outcome;
use renkei_proto::bank::v1::bank_port_client::BankPortClient;
use renkei_proto::bank::v1::*;
use sandbox_bank::control::sandbox_control_client::SandboxControlClient;
use sandbox_bank::{Clock, SandboxBank};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::transport::Channel;
use uuid::Uuid;

pub(crate) const BANK: &str = "2963";
/// The PIN scope of dantai01's contract.
pub(crate) const SCOPE: &str = "p-5be20c47";

pub(crate) struct RunningBank {
    pub(crate) bank: SandboxBank,
    pub(crate) port: BankPortClient<Channel>,
    pub(crate) control: SandboxControlClient<Channel>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), sandbox_bank::ServeError>>,
}

impl RunningBank {
    /// A demo bank whose clock stands at noon in Japan on Friday, 2026-11-20.
    pub(crate) async fn start() -> Self {
        let bank = SandboxBank::demo();
        bank.set_clock(Clock::StoppedAt("2026-11-20T03:00:00Z".parse().unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(sandbox_bank::serve(listener, bank.clone(), async {
            let _ = stopped.await;
        }));
        let channel = Channel::from_shared(uri).unwrap().connect().await.unwrap();
        Self {
            bank,
            port: BankPortClient::new(channel.clone()),
            control: SandboxControlClient::new(channel),
            stop,
            served,
        }
    }

    pub(crate) async fn stop(self) -> Result<(), sandbox_bank::ServeError> {
        self.stop.send(()).unwrap();
        self.served.await.unwrap()
    }

    pub(crate) async fn log_in(&self, login_id: &str, password: &str) -> Outcome {
        self.authenticate(login(login_id, password)).await.unwrap()
    }

    pub(crate) async fn authenticate(
        &self,
        request: AuthenticateRequest,
    ) -> Result<Outcome, Status> {
        let response = self.port.clone().authenticate(request).await?;
        Ok(response.into_inner().outcome.unwrap())
    }

    pub(crate) async fn subject(&self, login_id: &str, password: &str) -> Subject {
        match self.log_in(login_id, password).await {
            Outcome::Authenticated(authenticated) => authenticated.subject.unwrap(),
            other => panic!("{login_id} was not let in: {other:?}"),
        }
    }

    pub(crate) async fn accounts(&self, subject: &Subject) -> Vec<Account> {
        let request = ListAccountsRequest {
            bank_code: BANK.into(),
            subject: Some(subject.clone()),
        };
        self.port
            .clone()
            .list_accounts(request)
            .await
            .unwrap()
            .into_inner()
            .accounts
    }

    pub(crate) async fn try_pin(
        &self,
        request: VerifyInquiryPinRequest,
    ) -> Result<Verdict, Status> {
        let response = self.port.clone().verify_inquiry_pin(request).await?;
        Ok(response.into_inner().verdict())
    }

    pub(crate) async fn verdict(&self, attempt_id: &str) -> Verdict {
        let request = GetVerdictRequest {
            bank_code: BANK.into(),
            attempt_id: attempt_id.into(),
        };
        self.port
            .clone()
            .get_verdict(request)
            .await
            .unwrap()
            .into_inner()
            .verdict()
    }
}

pub(crate) fn attempt_id() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) fn login(login_id: &str, password: &str) -> AuthenticateRequest {
    AuthenticateRequest {
        bank_code: BANK.into(),
        attempt_id: attempt_id(),
        login_id: login_id.into(),
        password: password.into(),
        method: LoginMethod::Password.into(),
        certificate: None,
    }
}

/// dantai01's PIN request, without another login.
pub(crate) fn pin(pin: &str) -> VerifyInquiryPinRequest {
    VerifyInquiryPinRequest {
        bank_code: BANK.into(),
        attempt_id: attempt_id(),
        subject: Some(Subject {
            contract_id: "c-7f3a91d2".into(),
            user_id: "u-2d6e80b1".into(),
        }),
        pin_scope_id: SCOPE.into(),
        pin: pin.into(),
    }
}
